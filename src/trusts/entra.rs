//! The built-in trust with Microsoft Entra, made from `[entra]`.
//!
//! The rules are ordinary rule text (claims.md 5.1 and 5.2), so that they can be printed, explained and replaced by a trust
//! file of the administrator's own.

use std::path::Path;
use std::time::Duration;

use super::{AppliedPolicy, Authorization, ClaimsProviders, RelyingParty, RelyingPartyId, WsFederationSettings};
use crate::claims::policy::Policies;
use crate::claims::rules::{self, EntraDomain, EntraRulesError, EntraSettings, entra_rules};
use crate::claims::{RuleSet, Text, types};
use crate::config::diagnostic::{Code, Place, Report};
use crate::config::{Config, Entra, SourceAnchor};
use crate::tokens::{SignatureAlgorithm, TokenType};

/// Identifiers under which Entra and its clients ask for tokens (ws-federation.md 0 and claims.md 5.2).
pub const IDENTIFIERS: [&str; 4] = [
    "urn:federation:MicrosoftOnline",
    "https://login.microsoftonline.com/extSTS.srf",
    "https://login.partner.microsoftonline.cn",
    "https://login.windows.net/",
];

/// Where browsers post tokens for Entra.
pub const PASSIVE_ENDPOINT: &str = "https://login.microsoftonline.com/login.srf";

/// The trust. `None` when it is off or its settings are wrong (then there is a finding).
pub(crate) fn relying_party(
    config: &Config,
    policies: &Policies,
    report: &mut Report,
    file: &Path,
) -> Option<RelyingParty> {
    let settings = &config.entra;
    if !settings.enabled || settings.domains.is_empty() {
        return None;
    }
    let rules = rule_text(settings).map_err(|error| error.to_string());
    let transform = match rules.and_then(|text| RuleSet::parse(&text).map_err(|error| error.to_string())) {
        Ok(rules) => rules,
        Err(error) => {
            let place = Place::File { file: file.to_owned() };
            let message = format!("the rules for Entra cannot be written from `[entra]`: {error}");
            // The checks of `[entra]` know the place of a wrong value.
            if !report.has_errors() {
                report.error(Code::ClaimRule, place, message, "correct the value in `[entra]`");
            }
            return None;
        }
    };
    let lifetime = Duration::from_secs(u64::from(settings.token_lifetime_minutes) * 60);
    // The checks of the configuration said what is wrong with the policy.
    let found = policies.find(&settings.access_control_policy)?;
    let policy = policies.compile(found, &settings.access_control_policy_parameters).ok()?;
    let trust = with_rules(transform, lifetime, settings.computer_guard || policy.needs_computer_guard);
    Some(RelyingParty {
        authorization: if policy.permits_everyone {
            Authorization::PermitEveryone
        } else {
            Authorization::Rules(policy.authorization)
        },
        access_control_policy: Some(AppliedPolicy { name: found.policy().name.clone(), networks: policy.networks }),
        additional_authentication: policy.additional_authentication.into_iter().collect(),
        claims_providers: settings.claims_providers.clone().map_or(ClaimsProviders::All, ClaimsProviders::Listed),
        ..trust
    })
}

/// The trust with given issuance transform rules, open to everybody. `computer_guard` wants a computer to be a workstation or a member server
/// in the directory, too.
pub fn with_rules(transform: RuleSet, token_lifetime: Duration, computer_guard: bool) -> RelyingParty {
    RelyingParty {
        id: RelyingPartyId::new(IDENTIFIERS[0]),
        name: String::from("Microsoft Entra"),
        identifiers: IDENTIFIERS.iter().map(|identifier| (*identifier).to_owned()).collect(),
        enabled: true,
        token_type: TokenType::Saml11,
        token_lifetime,
        not_before_skew: Duration::ZERO,
        signature_algorithm: SignatureAlgorithm::RsaSha256,
        encryption: None,
        authorization: Authorization::PermitEveryone,
        access_control_policy: None,
        additional_authentication: Vec::new(),
        delegation_authorization: None,
        impersonation_authorization: None,
        transform,
        // A subject without an issuer would get a token of the service's own name, or of nobody's domain.
        required_claims: vec![Text::from(types::ISSUER_ID)],
        claims_providers: ClaimsProviders::All,
        request_signing_certificates: Vec::new(),
        require_signed_requests: false,
        ws_federation: Some(WsFederationSettings {
            endpoint: PASSIVE_ENDPOINT.to_owned(),
            additional_endpoints: Vec::new(),
        }),
        saml: None,
        theme: None,
        computer_guard,
        file: None,
    }
}

/// The issuance transform rules of the trust, as an administrator would write them.
///
/// # Errors
/// [`EntraRulesError`] when a setting cannot stand in a rule.
pub fn rule_text(settings: &Entra) -> Result<String, EntraRulesError> {
    entra_rules(&EntraSettings {
        domains: settings
            .domains
            .iter()
            .map(|domain| EntraDomain { suffix: domain.name.to_string(), issuer_uri: domain.issuer_uri.clone() })
            .collect(),
        source_anchor: match settings.source_anchor {
            SourceAnchor::ConsistencyGuid => rules::SourceAnchor::ConsistencyGuid,
            SourceAnchor::ObjectGuid => rules::SourceAnchor::ObjectGuid,
        },
        upn_attribute: settings.upn_attribute.clone(),
        computer_issuer: settings.computer_domain().map(|domain| domain.issuer_uri.clone()),
    })
}
