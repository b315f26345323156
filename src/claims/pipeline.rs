//! What authorization rules and additional authentication rules decide (claims.md 2).

use super::engine::{EvaluationError, Limits, Outcome, RuleRef, RuleSet, TraceSink};
use super::store::RequestStores;
use super::{ClaimSet, types};

/// What a rule set is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// What is accepted from a claims provider.
    AcceptanceTransform,
    /// Who must prove more than a password or a ticket.
    AdditionalAuthentication,
    /// Who may have a token.
    IssuanceAuthorization,
    /// Which client may have one on behalf of somebody else.
    DelegationAuthorization,
    /// What is in the token.
    IssuanceTransform,
}

impl Stage {
    /// `issuance-transform`
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AcceptanceTransform => "acceptance-transform",
            Self::AdditionalAuthentication => "additional-authentication",
            Self::IssuanceAuthorization => "issuance-authorization",
            Self::DelegationAuthorization => "delegation-authorization",
            Self::IssuanceTransform => "issuance-transform",
        }
    }

    /// As AD FS calls its rules.
    pub const fn title(self) -> &'static str {
        match self {
            Self::AcceptanceTransform => "Acceptance transform rules",
            Self::AdditionalAuthentication => "Additional authentication rules",
            Self::IssuanceAuthorization => "Issuance authorization rules",
            Self::DelegationAuthorization => "Delegation authorization rules",
            Self::IssuanceTransform => "Issuance transform rules",
        }
    }
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a token may be issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorization {
    /// Some rule permits and none denies.
    Permit,
    /// No token.
    Deny(DenyReason),
}

/// Why no token may be issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DenyReason {
    /// This rule issued a deny claim, which wins over every permit.
    Rule(RuleRef),
    /// No rule issued a permit claim.
    NoPermit,
}

/// Runs issuance authorization rules over the accepted claims: at least one permit claim and no deny claim permit; what
/// values they have does not matter.
///
/// # Errors
/// [`EvaluationError`]; then nobody is permitted.
pub async fn authorize(
    rules: &RuleSet,
    claims: &ClaimSet,
    stores: &RequestStores<'_>,
    limits: &Limits,
    trace: &mut dyn TraceSink,
) -> Result<Authorization, EvaluationError> {
    rules.evaluate(claims, stores, limits, trace).await.map(|outcome| verdict(rules, &outcome))
}

/// What the outcome of authorization rules means.
pub fn verdict(rules: &RuleSet, outcome: &Outcome) -> Authorization {
    let issued = || outcome.output.iter().zip(&outcome.issued_by);
    if let Some((_, rule)) = issued().find(|(claim, _)| &*claim.claim_type == types::DENY) {
        return Authorization::Deny(DenyReason::Rule(rules.rule_ref(*rule)));
    }
    let permitted = issued().any(|(claim, _)| &*claim.claim_type == types::PERMIT);
    if permitted { Authorization::Permit } else { Authorization::Deny(DenyReason::NoPermit) }
}

/// Runs additional authentication rules over the accepted claims and says whether they ask for a second factor.
///
/// # Errors
/// [`EvaluationError`]; the request fails with it, no factor is skipped.
pub async fn asks_second_factor(
    rules: &RuleSet,
    claims: &ClaimSet,
    stores: &RequestStores<'_>,
    limits: &Limits,
    trace: &mut dyn TraceSink,
) -> Result<bool, EvaluationError> {
    rules.run(claims, stores, limits, trace).await.map(|output| demands_second_factor(&output))
}

/// Whether the output of additional authentication rules asks for a second factor.
pub fn demands_second_factor(output: &ClaimSet) -> bool {
    output.contains(types::AUTHENTICATION_METHOD, MULTIPLE_AUTHENTICATION)
}

/// The authentication method that additional authentication rules issue, and by which a second factor shows among the
/// authentication method references.
pub const MULTIPLE_AUTHENTICATION: &str = "http://schemas.microsoft.com/claims/multipleauthn";
