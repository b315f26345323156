//! Decide, then mint.

use std::borrow::Cow;
use std::sync::Arc;

use crate::audit::{ClaimDetail, ClaimsOf};
use crate::authn::{AuthenticatedSubject, SubjectOrigin};
use crate::claims::descriptions::ClaimDescriptions;
use crate::claims::store::ExpiryNotice;
use crate::claims::{
    self, Authorization as Verdict, ClaimSet, DenyReason, Limits, NoTrace, QueryContext, QuerySubject, RequestStores,
    RuleSet, Stage, Text, TraceEvent, TraceSink,
};
use crate::directory::{Account, AccountKind, AttributeName};
use crate::tokens::encryption::EncryptionKey;
use crate::tokens::jwt::JwtContent;
use crate::tokens::{
    AssertionContent, AssertionFrame, AuthenticationStatement, BearerConfirmation, IssuedToken, TokenError, TokenId,
};
use crate::trusts::{Authorization, RelyingParty, TrustLookup, Trusts};

use super::acceptance::LocalAcceptance;
use super::audit;
use super::context::{Context, DecisionContext};
use super::decision::{AuthnDemand, Decision, Denial};
use super::error::IssueError;
use super::grant::Grant;
use super::input_claims::{
    account_claims, client_claims, device_context_claims, domain_computers_group, password_expiry_claim,
    request_claims, with_networks,
};
use super::request::{SignInRequest, TokenSpec};

/// Settings of the issue path.
#[derive(Debug)]
pub struct IssuerOptions {
    /// Federation service identifier, the issuer of every token unless a rule issues `issuerid`:
    /// `http://sts.corp.example/adfs/services/trust`.
    pub federation_service_identifier: String,
    /// Acceptance transform rules of the local claims provider `AD AUTHORITY`.
    pub acceptance_rules: RuleSet,
    /// Bounds on the work one rule set may do.
    pub limits: Limits,
    /// When relying parties are told that a password expires.
    pub password_expiry: ExpiryNotice,
    /// What claim types are called in JSON Web Tokens.
    pub claim_descriptions: Arc<ClaimDescriptions>,
    /// How much of issued claims the audit log shows.
    pub audited_claims: ClaimDetail,
    /// How much it shows of the claims that a decision was made with.
    pub audited_input: ClaimDetail,
}

/// The issue path.
#[derive(Debug)]
pub struct Issuer {
    options: IssuerOptions,
    identifier: Text,
    local_acceptance: LocalAcceptance,
}

impl Issuer {
    /// An issuer with these settings.
    pub fn new(options: IssuerOptions) -> Self {
        Self {
            identifier: Text::from(options.federation_service_identifier.as_str()),
            local_acceptance: LocalAcceptance::new(options.acceptance_rules.clone()),
            options,
        }
    }

    /// Decides whether `who` may have a token, and with which claims. Denials and failures are in the audit log when this
    /// returns.
    ///
    /// # Errors
    /// [`IssueError`] when the question cannot be answered; a refusal is a [`Decision`], not an error.
    pub async fn decide(
        &self,
        cx: &Context,
        request: &SignInRequest,
        who: &AuthenticatedSubject,
    ) -> Result<Decision, IssueError> {
        let mut seen = (self.options.audited_input != ClaimDetail::None).then(Vec::new);
        let decision = self.decide_seen(&cx.decision(), request, who, &mut NoTrace, &mut seen).await;
        audit::decided_with(cx, seen.as_deref().unwrap_or_default(), self.options.audited_input);
        match &decision {
            Ok(Decision::Deny(denial)) => audit::denied(cx, who, &request.relying_party, denial),
            Ok(Decision::Permit(_) | Decision::StepUp(_)) => {}
            Err(error) => audit::failed(cx, who, &request.relying_party, error),
        }
        decision
    }

    /// [`Issuer::decide`] without audit, telling `trace` what each rule did. The same engine: `explain` is this with a
    /// recording sink.
    ///
    /// # Errors
    /// As [`Issuer::decide`].
    pub async fn decide_traced(
        &self,
        cx: &DecisionContext<'_>,
        request: &SignInRequest,
        who: &AuthenticatedSubject,
        trace: &mut dyn TraceSink,
    ) -> Result<Decision, IssueError> {
        self.decide_seen(cx, request, who, trace, &mut None).await
    }

    /// As [`Issuer::decide_traced`]; `seen` takes the claims of those who ask, when somebody wants to know.
    async fn decide_seen(
        &self,
        cx: &DecisionContext<'_>,
        request: &SignInRequest,
        who: &AuthenticatedSubject,
        trace: &mut dyn TraceSink,
        seen: &mut Option<Vec<(ClaimsOf, ClaimSet)>>,
    ) -> Result<Decision, IssueError> {
        let trust = relying_party(cx.trusts, &request.relying_party)?;
        if cx.revocations.is_revoked(&who.session).await? {
            return Err(IssueError::SessionRevoked);
        }
        let is_client = matches!(who.origin, SubjectOrigin::Client(_));
        if !is_client && !trust.claims_providers.allows(who.origin.claims_provider()) {
            return Ok(Decision::Deny(Denial::ClaimsProvider));
        }
        let expires = who.password_expires.and_then(|at| self.options.password_expiry.of(at, cx.clock.now()));
        let name;
        let (subject, input, acceptance) = match &who.origin {
            SubjectOrigin::Directory(account) => {
                let domain_computer = !trust.computer_guard || is_domain_computer(cx, account).await?;
                name = account.windows_account_name();
                let subject = QuerySubject { sid: &account.sid, windows_account_name: &name };
                let mut input = account_claims(who, account, domain_computer, &request.hints);
                input.extend(who.password_expires.filter(|_| expires.is_some()).map(password_expiry_claim));
                let input = Cow::Owned(input);
                (Some(subject), input, Some(&self.local_acceptance.rules))
            }
            SubjectOrigin::ClaimsProvider(subject) => {
                // Looked up again: the trust may have been switched off since the user came.
                let provider = cx.trusts.claims_provider(subject.claims_provider.as_str());
                let Some(provider) = provider.filter(|provider| provider.enabled) else {
                    return Ok(Decision::Deny(Denial::ClaimsProvider));
                };
                (None, Cow::Borrowed(&subject.claims), Some(&provider.acceptance))
            }
            // No authority vouches for it, so no acceptance rules are asked.
            SubjectOrigin::Client(client) => (None, Cow::Owned(client_claims(who, client)), None),
        };
        let context =
            QueryContext { subject, password_expiry: expires.as_ref(), relying_party: Some(trust.id.as_str()) };
        let stores = RequestStores::new(cx.stores, context);
        let limits = &self.options.limits;

        stage(trace, Stage::AcceptanceTransform);
        let mut accepted = match acceptance {
            Some(rules) => {
                let accepted = rules.run(&input, &stores, limits, trace).await;
                let accepted = accepted.map_err(in_stage("acceptance transform"))?;
                if matches!(who.origin, SubjectOrigin::Directory(_)) {
                    self.local_acceptance.check(&input, &accepted)?;
                }
                accepted
            }
            None => input.into_owned(),
        };
        accepted.extend(request_claims(request, trust.id.as_str(), cx.activity));
        accepted.extend(device_context_claims(who));
        if let Some(seen) = seen {
            let of = if request.actor.is_some() { ClaimsOf::OnBehalfOf } else { ClaimsOf::Caller };
            seen.push((of, accepted.clone()));
        }
        if let Some(actor) = &request.actor
            && let Some(denial) = self.delegation_denial(cx, trust, request, actor, trace, seen).await?
        {
            return Ok(Decision::Deny(denial));
        }
        let networks = trust.access_control_policy.as_ref().map_or(&[][..], |policy| &policy.networks);
        let judged = with_networks(&accepted, networks, &request.origin);

        for rules in cx.trusts.additional_authentication(trust) {
            stage(trace, Stage::AdditionalAuthentication);
            let asked = claims::asks_second_factor(rules, &judged, &stores, limits, trace).await;
            let asked = asked.map_err(in_stage("additional authentication"))?;
            if asked && !who.methods.iter().any(|method| method.is_second_factor()) {
                return Ok(Decision::StepUp(AuthnDemand::SecondFactor));
            }
        }
        if let Some(reason) = deny_reason(trust, &judged, &stores, limits, trace).await? {
            return Ok(Decision::Deny(Denial::Authorization { reason }));
        }
        stage(trace, Stage::IssuanceTransform);
        let transformed = trust.transform.run(&accepted, &stores, limits, trace).await;
        let claims = transformed.map_err(in_stage("issuance transform"))?;
        if let Some(missing) = trust.missing_claim(&claims) {
            return Ok(Decision::Deny(Denial::MissingClaim { claim_type: missing.to_string() }));
        }
        Ok(Decision::Permit(Box::new(Grant {
            subject: who.clone(),
            claims,
            relying_party: trust.id.clone(),
            audience: request.relying_party.clone(),
            token_type: request.token_type.unwrap_or(trust.token_type),
            decided_at: cx.clock.now(),
        })))
    }

    /// Why the trust does not permit `actor` to ask on behalf of others; `None` when it does. Its rules see the actor's claims and the
    /// request's, and nothing of the subject, about whom the other rule sets decide.
    async fn delegation_denial(
        &self,
        cx: &DecisionContext<'_>,
        trust: &RelyingParty,
        request: &SignInRequest,
        actor: &AuthenticatedSubject,
        trace: &mut dyn TraceSink,
        seen: &mut Option<Vec<(ClaimsOf, ClaimSet)>>,
    ) -> Result<Option<Denial>, IssueError> {
        let SubjectOrigin::Client(client) = &actor.origin else {
            return Ok(Some(Denial::Delegation {
                actor: String::from("nobody"),
                reason: String::from("no client asks"),
            }));
        };
        let denied = |reason| Some(Denial::Delegation { actor: client.id.clone(), reason });
        let mut input = client_claims(actor, client);
        input.extend(request_claims(request, trust.id.as_str(), cx.activity));
        if let Some(seen) = seen {
            seen.push((ClaimsOf::Caller, input.clone()));
        }
        let Some(rules) = &trust.delegation_authorization else {
            return Ok(denied(String::from("the trust has no delegation authorization rules")));
        };
        let context = QueryContext { subject: None, password_expiry: None, relying_party: Some(trust.id.as_str()) };
        let stores = RequestStores::new(cx.stores, context);
        stage(trace, Stage::DelegationAuthorization);
        let verdict = claims::authorize(rules, &input, &stores, &self.options.limits, trace).await;
        Ok(refusal(verdict.map_err(in_stage("delegation authorization"))?).and_then(denied))
    }

    /// Makes one token of a grant. The token is in the audit log when this returns.
    ///
    /// # Errors
    /// [`IssueError`]; nothing is issued then.
    pub async fn mint(&self, cx: &Context, grant: &Grant, spec: &TokenSpec) -> Result<IssuedToken, IssueError> {
        let minted = self.mint_unreported(cx, grant, spec).await;
        if let Err(error) = &minted {
            audit::failed(cx, &grant.subject, &grant.audience, error);
        }
        minted
    }

    async fn mint_unreported(&self, cx: &Context, grant: &Grant, spec: &TokenSpec) -> Result<IssuedToken, IssueError> {
        let services = &*cx.services;
        // Looked up again: a grant may have travelled, and the trust may have been switched off meanwhile.
        let trust = relying_party(&services.trusts, grant.relying_party.as_str())?;
        let key = &services.keys.primary_signing().key;
        let now = services.clock.now();
        let frame = AssertionFrame {
            id: TokenId::random(&*services.random)?,
            issuer: self.identifier.clone(),
            audience: Text::from(grant.audience.as_str()),
            issue_instant: now,
            not_before: now.minus(trust.not_before_skew),
            not_on_or_after: now.plus(trust.token_lifetime),
            confirmation: BearerConfirmation {
                recipient: spec.recipient.clone(),
                in_response_to: spec.in_response_to.clone(),
                not_on_or_after: spec.confirm_until,
            },
            authentication: grant.subject.methods.first().map(|method| AuthenticationStatement {
                method: Text::from(method.uri()),
                instant: grant.subject.instant,
                session_index: None,
            }),
        };
        let mut token = if let Some(version) = spec.token_type.unwrap_or(grant.token_type).assertion() {
            let content = AssertionContent::from_claims(frame, &grant.claims)?;
            content.sign(version, key, trust.signature_algorithm).await?
        } else {
            let names = &self.options.claim_descriptions;
            JwtContent::from_claims(frame, &grant.claims, names, &spec.jwt)?.sign(key).await?
        };
        if let Some(encryption) = &trust.encryption {
            let recipient = EncryptionKey::from_certificate(&encryption.certificate).map_err(TokenError::from)?;
            token = token.encrypt(&recipient, encryption.algorithm, &*services.random)?;
        }
        audit::token_issued(cx, grant, &token, &key.id, self.options.audited_claims).await?;
        Ok(token)
    }
}

/// Why the authorization rules of the trust do not permit; `None` when they do.
async fn deny_reason(
    trust: &RelyingParty,
    accepted: &ClaimSet,
    stores: &RequestStores<'_>,
    limits: &Limits,
    trace: &mut dyn TraceSink,
) -> Result<Option<String>, IssueError> {
    let rules = match &trust.authorization {
        Authorization::PermitEveryone => return Ok(None),
        Authorization::Nobody => return Ok(Some(String::from("the trust has neither a policy nor rules"))),
        Authorization::Rules(rules) => rules,
    };
    stage(trace, Stage::IssuanceAuthorization);
    let verdict = claims::authorize(rules, accepted, stores, limits, trace).await;
    Ok(refusal(verdict.map_err(in_stage("issuance authorization"))?))
}

/// A verdict's reason in words, when it is no permit.
fn refusal(verdict: Verdict) -> Option<String> {
    match verdict {
        Verdict::Permit => None,
        Verdict::Deny(DenyReason::NoPermit) => Some(String::from("no rule permits")),
        Verdict::Deny(DenyReason::Rule(rule)) => Some(format!("{rule} denies")),
    }
}

/// Tells whose rules come next.
fn stage(trace: &mut dyn TraceSink, stage: Stage) {
    if trace.is_enabled() {
        trace.event(TraceEvent::Stage(stage));
    }
}

/// Whether the rules may see the account in Domain Computers. Only an account that is in that group costs a look at the
/// directory, and `objectClass` is remembered for good.
async fn is_domain_computer(cx: &DecisionContext<'_>, account: &Account) -> Result<bool, IssueError> {
    if domain_computers_group(account).is_none() {
        return Ok(true);
    }
    if account.kind != AccountKind::Computer {
        return Ok(false);
    }
    let name = AttributeName::new("objectClass");
    let attributes = cx.directory.attributes(&account.sid, std::slice::from_ref(&name)).await?;
    let is = |class| attributes.is_of_class(class);
    Ok(is("computer") && !MANAGED_SERVICE_ACCOUNTS.iter().any(|class| is(class)))
}

/// The enabled trust with this identifier.
fn relying_party<'a>(trusts: &'a Trusts, identifier: &str) -> Result<&'a RelyingParty, IssueError> {
    match trusts.relying_party(identifier) {
        TrustLookup::Enabled(trust) => Ok(trust),
        TrustLookup::Disabled(trust) => Err(IssueError::DisabledRelyingParty { name: trust.name.clone() }),
        TrustLookup::Unknown => {
            Err(IssueError::UnknownRelyingParty { identifier: identifier.chars().take(256).collect() })
        }
    }
}

fn in_stage(stage: &'static str) -> impl Fn(claims::EvaluationError) -> IssueError {
    move |source| IssueError::Claims { stage, source }
}

const MANAGED_SERVICE_ACCOUNTS: [&str; 2] = ["msDS-GroupManagedServiceAccount", "msDS-ManagedServiceAccount"];
