//! From a trust file to a relying party: every key checked, rules compiled, certificates read.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::TrustContext;
use super::described::{Described, Source};
use super::file::{RelyingPartyFile, TokenTypeFile, TrustFile};
use super::partner_metadata::PartnerMetadata;
use super::policy::{AppliedPolicy, PolicyKeys, resolve_policy, warn_of_computers};
use super::relying_party::{
    Authorization, ClaimsProviders, RelyingParty, RelyingPartyId, SamlSettings, WsFederationSettings,
};
use super::rules::{self, RuleKeys};
use super::{branding, certificates, endpoints, entra, service_metadata};
use crate::claims::{RuleSet, Text};
use crate::config::diagnostic::Code;
use crate::tokens::{SignatureAlgorithm, TokenType};

/// The relying party a trust file describes. `identifiers` holds those of all trusts so far, with the names of their trusts.
/// `None` when the file describes none or is wrong; findings say why.
pub(crate) fn compile(
    file: &TrustFile,
    path: &Path,
    context: &mut TrustContext<'_, '_, '_>,
    identifiers: &mut BTreeMap<String, String>,
) -> Option<RelyingParty> {
    not_available(file, context);
    let table = file.relying_party.as_ref()?;
    check_identifiers(table, context, identifiers);
    check_amounts(table, context);
    for key in ["required_claims", "identifiers"] {
        let values = if key == "identifiers" { &table.identifiers } else { &table.required_claims };
        for (i, value) in values.iter().enumerate().filter(|(_, value)| value.trim() != value.as_str()) {
            context.findings.error(
                Code::InvalidValue,
                &format!("{TABLE}.{key}.{i}"),
                format!("`{value}` begins or ends with a blank"),
                "remove it: these texts are compared character by character",
            );
        }
    }
    let token_type = token_type(table);
    let source = Source::of_relying_party(table);
    let described = source.load(context);
    let metadata = described.metadata();
    context.scopes = metadata.map(service_metadata::scopes).unwrap_or_default();
    let encryption = certificates::encryption(table, &source, metadata, context);
    let signing = certificates::request_signing(table, metadata, context);
    let (ws_federation, saml) = addresses(table, &source, metadata, context);
    let access = access(table, context);
    let transform = rules::compile(
        table.transform_rules.as_deref(),
        table.transform_rules_file.as_deref(),
        &RuleKeys { inline: "relying_party.transform_rules", file: "relying_party.transform_rules_file" },
        context,
    );
    let own_additional_authentication = rules::compile(
        table.additional_authentication_rules.as_deref(),
        table.additional_authentication_rules_file.as_deref(),
        &RuleKeys {
            inline: "relying_party.additional_authentication_rules",
            file: "relying_party.additional_authentication_rules_file",
        },
        context,
    );
    let delegation_authorization = rules::compile(
        table.delegation_authorization_rules.as_deref(),
        table.delegation_authorization_rules_file.as_deref(),
        &RuleKeys {
            inline: "relying_party.delegation_authorization_rules",
            file: "relying_party.delegation_authorization_rules_file",
        },
        context,
    );
    let impersonation_authorization = rules::compile(
        table.impersonation_authorization_rules.as_deref(),
        table.impersonation_authorization_rules_file.as_deref(),
        &RuleKeys {
            inline: "relying_party.impersonation_authorization_rules",
            file: "relying_party.impersonation_authorization_rules_file",
        },
        context,
    );
    if table.signature_algorithm == SignatureAlgorithm::RsaSha1 {
        context.findings.warning(
            Code::Exposure,
            "relying_party.signature_algorithm",
            "tokens for this relying party are signed with SHA-1",
            "use `rsa-sha256` as soon as the relying party can",
        );
    }
    Some(RelyingParty {
        id: RelyingPartyId::new(table.identifiers.first()?.as_str()),
        name: table.name.clone(),
        identifiers: table.identifiers.clone(),
        // Without its metadata nobody knows where its tokens go, and whether they must be encrypted.
        enabled: table.enabled && !matches!(described, Described::NotNow),
        token_type,
        token_lifetime: minutes(table.token_lifetime_minutes),
        not_before_skew: minutes(table.not_before_skew_minutes),
        signature_algorithm: table.signature_algorithm,
        encryption,
        authorization: access.authorization,
        access_control_policy: access.policy,
        additional_authentication: access
            .additional_authentication
            .into_iter()
            .chain(own_additional_authentication)
            .collect(),
        delegation_authorization,
        impersonation_authorization,
        transform: transform.or_else(empty_rules)?,
        required_claims: table.required_claims.iter().map(|name| Text::from(name.as_str())).collect(),
        claims_providers: table.claims_providers.clone().map_or(ClaimsProviders::All, ClaimsProviders::Listed),
        request_signing_certificates: signing,
        require_signed_requests: table.require_signed_requests
            || metadata.is_some_and(service_metadata::signs_requests),
        ws_federation,
        saml,
        theme: branding::of_relying_party(table.branding.as_ref(), context),
        computer_guard: access.computer_guard,
        file: Some(path.to_owned()),
    })
}

/// Where its tokens go, by the trust or by its metadata.
fn addresses(
    table: &RelyingPartyFile,
    source: &Source<'_>,
    metadata: Option<&PartnerMetadata>,
    context: &mut TrustContext<'_, '_, '_>,
) -> (Option<WsFederationSettings>, Option<SamlSettings>) {
    let ws_federation = endpoints::ws_federation(table, context);
    let ws_federation = ws_federation.or_else(|| metadata.and_then(service_metadata::ws_federation));
    let saml = endpoints::saml(table, context).or_else(|| metadata.and_then(service_metadata::saml));
    if metadata.is_some() && ws_federation.is_none() && saml.is_none() {
        let help = "write `[relying_party.ws_federation]`, or ask the partner for metadata with its addresses";
        source.complain(context, "it has no address that tokens are sent to", help);
    }
    (ws_federation, saml)
}

/// What this version reads but cannot do. An error wherever leaving it out would give somebody more than was asked for.
fn not_available(file: &TrustFile, context: &mut TrustContext<'_, '_, '_>) {
    if file.relying_party.is_none() && file.claims_provider.is_none() && file.client.is_none() {
        let place = context.findings.document().whole();
        context.findings.error_at(
            Code::MissingKey,
            place,
            "the file describes no trust",
            "it needs a section `[relying_party]`, `[claims_provider]` or `[client]`; remove the file if the trust is gone",
        );
    }
    let Some(table) = &file.relying_party else { return };
    if table.impersonation_authorization_rules.is_some() || table.impersonation_authorization_rules_file.is_some() {
        context.findings.warning(
            Code::NotAvailable,
            "relying_party.impersonation_authorization_rules",
            "nobody gets a token as somebody else in this version, whatever these rules permit",
            "the rules are read, checked and kept",
        );
    }
    if table.saml.is_some() {
        context.findings.warning(
            Code::NotAvailable,
            "relying_party.saml",
            "the SAML 2.0 protocol is not available in this version: its requests are answered 404",
            "the relying party can use WS-Federation or WS-Trust; keep the section for a later version",
        );
    }
    if table.require_signed_requests && table.saml.is_none() && !table.has_metadata() {
        context.findings.error(
            Code::NotAvailable,
            "relying_party.require_signed_requests",
            "signed requests are required, but only SAML 2.0 requests can be signed, and there is no `[relying_party.saml]`",
            "remove the key: requests of other protocols would not be checked",
        );
    }
}

fn check_identifiers(
    table: &RelyingPartyFile,
    context: &mut TrustContext<'_, '_, '_>,
    identifiers: &mut BTreeMap<String, String>,
) {
    if table.identifiers.is_empty() {
        context.findings.error(
            Code::MissingKey,
            "relying_party.identifiers",
            "the relying party has no identifier",
            "list at least one, like `identifiers = [\"urn:example:rp\"]`",
        );
    }
    let own = format!("{} ({})", table.name, context.findings.document().file().display());
    for (i, identifier) in table.identifiers.iter().enumerate() {
        let key = format!("relying_party.identifiers.{i}");
        if identifier.is_empty() {
            context.findings.error(Code::InvalidValue, &key, "the identifier is empty", "remove it or write it out");
        } else if let Some(other) = identifiers.get(identifier) {
            let help = if *other == own {
                "list each identifier once"
            } else {
                "a request could not tell them apart: give each identifier to one trust"
            };
            let message = format!("the identifier `{identifier}` also belongs to {other}");
            context.findings.error(Code::Duplicate, &key, message, help);
        } else {
            identifiers.insert(identifier.clone(), own.clone());
        }
    }
}

fn check_amounts(table: &RelyingPartyFile, context: &mut TrustContext<'_, '_, '_>) {
    if !(1..=1440).contains(&table.token_lifetime_minutes) {
        context.findings.error(
            Code::InvalidValue,
            "relying_party.token_lifetime_minutes",
            format!("a token lifetime of {} minutes is outside 1 to 1440", table.token_lifetime_minutes),
            "60 is the default",
        );
    }
    if table.not_before_skew_minutes > 15 {
        context.findings.error(
            Code::InvalidValue,
            "relying_party.not_before_skew_minutes",
            format!("a skew of {} minutes is outside 0 to 15", table.not_before_skew_minutes),
            "2 to 5 help a relying party whose clock is late",
        );
    }
}

const fn token_type(table: &RelyingPartyFile) -> TokenType {
    match table.token_type {
        TokenTypeFile::Saml11 => TokenType::Saml11,
        TokenTypeFile::Saml2 => TokenType::Saml2,
        TokenTypeFile::Jwt => TokenType::Jwt,
    }
}

/// Who gets a token, by policy or by rules.
struct Access {
    authorization: Authorization,
    policy: Option<AppliedPolicy>,
    additional_authentication: Option<RuleSet>,
    computer_guard: bool,
}

impl Access {
    const fn by(authorization: Authorization) -> Self {
        Self { authorization, policy: None, additional_authentication: None, computer_guard: false }
    }
}

fn access(table: &RelyingPartyFile, context: &mut TrustContext<'_, '_, '_>) -> Access {
    const KEYS: RuleKeys =
        RuleKeys { inline: "relying_party.authorization_rules", file: "relying_party.authorization_rules_file" };
    const POLICY: PolicyKeys = PolicyKeys {
        policy: "relying_party.access_control_policy",
        parameters: "relying_party.access_control_policy_parameters",
    };
    let has_rules = table.authorization_rules.is_some() || table.authorization_rules_file.is_some();
    let rules =
        rules::compile(table.authorization_rules.as_deref(), table.authorization_rules_file.as_deref(), &KEYS, context);
    let Some(name) = &table.access_control_policy else {
        if !has_rules {
            context.findings.warning(
                Code::Advice,
                TABLE,
                "nobody gets a token: there is neither an access control policy nor authorization rules",
                "write `access_control_policy = \"permit-everyone\"` if everybody may have one",
            );
        }
        if !table.access_control_policy_parameters.is_empty() {
            context.findings.error(
                Code::Contradiction,
                POLICY.parameters,
                "there are parameters of an access control policy, but no policy",
                "name the policy in `access_control_policy`, or remove the parameters",
            );
        }
        return Access::by(rules.map_or(Authorization::Nobody, Authorization::Rules));
    };
    if has_rules {
        context.findings.error(
            Code::Contradiction,
            POLICY.policy,
            "there is both an access control policy and authorization rules",
            "keep one of the two; as in AD FS they cannot be combined",
        );
        return Access::by(Authorization::Nobody);
    }
    let policies = context.policies.clone();
    let parameters = &table.access_control_policy_parameters;
    match resolve_policy(name, parameters, &policies, &POLICY, &mut context.findings) {
        None => Access::by(Authorization::Nobody),
        Some(policy) => {
            if table.identifiers.iter().any(|identifier| entra::IDENTIFIERS.contains(&identifier.as_str())) {
                warn_of_computers(&policy, POLICY.policy, &mut context.findings);
            }
            Access {
                policy: Some(AppliedPolicy {
                    name: policies.find(name).map_or_else(|| name.clone(), |found| found.policy().name.clone()),
                    networks: policy.networks,
                }),
                authorization: if policy.permits_everyone {
                    Authorization::PermitEveryone
                } else {
                    Authorization::Rules(policy.authorization)
                },
                additional_authentication: policy.additional_authentication,
                computer_guard: policy.needs_computer_guard,
            }
        }
    }
}

fn empty_rules() -> Option<RuleSet> {
    RuleSet::parse("").ok()
}

const fn minutes(minutes: u32) -> Duration {
    Duration::from_secs(minutes as u64 * 60)
}

const TABLE: &str = "relying_party";
