//! From a trust file to a claims provider: names unique, addresses safe, certificates strong, rules compiled.

use std::path::Path;
use std::sync::Arc;

use openssl::asn1::Asn1Time;
use openssl::pkey::Id;
use openssl::x509::X509;

use super::claims_provider::{ClaimsProvider, ClaimsProviderId, FederationProtocol, SignOutService};
use super::described::{Described, Source};
use super::file::{ClaimsProviderFile, ClaimsProviderProtocol, TrustFile};
use super::partner_metadata::{Binding, PartnerMetadata};
use super::provider_metadata;
use super::provider_names::ProviderNames;
use super::rules::{self, RuleKeys};
use super::{TrustContext, certificates, endpoints};
use crate::claims::language::{self, Condition, Form};
use crate::claims::{ParseOptions, RuleSet};
use crate::config::EXPIRY_NOTICE_DAYS;
use crate::config::diagnostic::Code;

/// The claims provider a trust file describes. `names` holds those of all trusts so far. `None` when the file describes none or is
/// wrong; findings say why.
pub(crate) fn compile(
    file: &TrustFile,
    path: &Path,
    context: &mut TrustContext<'_, '_, '_>,
    names: &mut ProviderNames,
) -> Option<ClaimsProvider> {
    let table = file.claims_provider.as_ref()?;
    if table.protocol == Some(ClaimsProviderProtocol::Oidc) {
        return openid_provider(table, path, context, names);
    }
    if table.oidc.is_some() {
        let help = "write `protocol = \"oidc\"`, or take the section out";
        context.findings.error(Code::Contradiction, "claims_provider.oidc", "the protocol is another one", help);
    }
    let source = Source::of_provider(table);
    let described = source.load(context);
    if matches!(described, Described::NotNow) && !says_all_itself(table) {
        // Known by its name, so that lists may name it; nobody is sent there before its metadata is here.
        check_names(table, false, context, names);
        acceptance(table, context);
        return None;
    }
    let metadata = described.metadata();
    let protocol = protocol(table, metadata, context);
    let is_usable = table.enabled && protocol.is_some();
    check_names(table, is_usable, context, names);
    let sign_in = sign_in(table, metadata.zip(protocol), context);
    if let Some(url) = &table.sign_out_url {
        endpoints::sign_in_address(url, "claims_provider.sign_out_url", context);
    }
    let signing_certificates = signing_certificates(table, metadata.zip(protocol), context);
    let acceptance = acceptance(table, context);
    let (protocol, (sign_in_url, sign_in_binding)) = (protocol?, sign_in?);
    Some(ClaimsProvider {
        id: ClaimsProviderId::new(table.identifier.as_str()),
        name: table.name.clone(),
        enabled: table.enabled,
        protocol,
        openid: None,
        sign_out: sign_out(table, metadata, protocol, &sign_in_url),
        sign_in_url,
        sign_in_binding,
        signing_certificates,
        sha1_signatures: table.sha1_signatures,
        cbc_encryption: table.cbc_encryption,
        account_suffixes: table.account_suffixes.clone(),
        acceptance: acceptance?,
        file: Some(path.to_owned()),
    })
}

/// The same by `OpenID` Connect: keys and addresses are asked for when somebody signs in.
fn openid_provider(
    table: &ClaimsProviderFile,
    path: &Path,
    context: &mut TrustContext<'_, '_, '_>,
    names: &mut ProviderNames,
) -> Option<ClaimsProvider> {
    check_names(table, table.enabled, context, names);
    let openid = super::openid::compile(table, context);
    let acceptance = acceptance(table, context);
    Some(ClaimsProvider {
        id: ClaimsProviderId::new(table.identifier.as_str()),
        name: table.name.clone(),
        enabled: table.enabled,
        protocol: FederationProtocol::OpenId,
        openid: Some(openid?),
        sign_in_url: table.identifier.clone(),
        sign_in_binding: Binding::Redirect,
        sign_out: None,
        signing_certificates: Vec::new(),
        sha1_signatures: false,
        cbc_encryption: false,
        account_suffixes: table.account_suffixes.clone(),
        acceptance: acceptance?,
        file: Some(path.to_owned()),
    })
}

/// Whether nothing of metadata is needed.
fn says_all_itself(table: &ClaimsProviderFile) -> bool {
    table.protocol.is_some() && table.sign_in_url.is_some() && !table.signing_certificates.is_empty()
}

/// Where sign-out goes. By WS-Federation that is where sign-in goes, where the trust does not say otherwise.
fn sign_out(
    table: &ClaimsProviderFile,
    metadata: Option<&PartnerMetadata>,
    protocol: FederationProtocol,
    sign_in_url: &str,
) -> Option<SignOutService> {
    let described = match protocol {
        FederationProtocol::WsFederation => Some(by_redirection(sign_in_url)),
        FederationProtocol::Saml => metadata.and_then(provider_metadata::saml_sign_out).map(|service| SignOutService {
            binding: service.binding,
            url: service.url.to_string(),
            response_url: service.response_url.as_ref().unwrap_or(&service.url).to_string(),
        }),
        FederationProtocol::OpenId => None,
    };
    table.sign_out_url.as_deref().map(by_redirection).or(described)
}

fn by_redirection(url: &str) -> SignOutService {
    SignOutService { binding: Binding::Redirect, url: url.to_owned(), response_url: url.to_owned() }
}

fn protocol(
    table: &ClaimsProviderFile,
    metadata: Option<&PartnerMetadata>,
    context: &mut TrustContext<'_, '_, '_>,
) -> Option<FederationProtocol> {
    const KEY: &str = "claims_provider.protocol";
    match table.protocol {
        Some(ClaimsProviderProtocol::WsFederation) => Some(FederationProtocol::WsFederation),
        Some(ClaimsProviderProtocol::Saml) => Some(FederationProtocol::Saml),
        Some(ClaimsProviderProtocol::Oidc) => Some(FederationProtocol::OpenId),
        None if metadata.is_some() => {
            metadata.and_then(|metadata| provider_metadata::protocol(&Source::of_provider(table), metadata, context))
        }
        // The file that would say it is not there.
        None if table.has_metadata() => None,
        None => {
            context.findings.error(
                Code::MissingKey,
                KEY,
                "`claims_provider.protocol` is missing",
                "write `protocol = \"ws_federation\"` or `protocol = \"saml\"`",
            );
            None
        }
    }
}

fn check_names(
    table: &ClaimsProviderFile,
    is_usable: bool,
    context: &mut TrustContext<'_, '_, '_>,
    names: &mut ProviderNames,
) {
    let own = format!("{} ({})", table.name, context.findings.document().file().display());
    for (key, value) in [(IDENTIFIER, &table.identifier), (NAME, &table.name)] {
        if value.trim() != value.as_str() || value.is_empty() || value.chars().any(char::is_control) {
            let message =
                format!("`{}` is empty, or has a blank at its edge or a control character", value.escape_debug());
            context.findings.error(
                Code::InvalidValue,
                key,
                message,
                "write it as the partner's tokens and people know it",
            );
        }
    }
    if table.identifier.len() > MAX_IDENTIFIER {
        let message = format!("the identifier has more than {MAX_IDENTIFIER} octets");
        context.findings.error(Code::InvalidValue, IDENTIFIER, message, "write the issuer of the partner's tokens");
    }
    if let Some(other) = names.identifiers.get(&table.identifier) {
        let message = format!("the identifier `{}` also belongs to {other}", table.identifier);
        let help = "a token could not tell them apart: give each claims provider its own";
        context.findings.error(Code::Duplicate, IDENTIFIER, message, help);
    } else {
        names.identifiers.insert(table.identifier.clone(), own.clone());
        names.trusts.insert(table.identifier.clone(), is_usable);
    }
    if names.names.contains_key(&table.name) {
        let message = format!("another claims provider has the name `{}`", table.name);
        context.findings.error(Code::Duplicate, NAME, message, "people choose by the name: give each its own");
    } else {
        names.names.insert(table.name.clone(), table.identifier.clone());
    }
    for (i, suffix) in table.account_suffixes.iter().enumerate() {
        if let Some(other) = names.suffixes.get(suffix) {
            let key = format!("claims_provider.account_suffixes.{i}");
            let message = format!("the suffix `{suffix}` also belongs to {other}");
            let help = "an address could not tell them apart: give each suffix to one claims provider";
            context.findings.error(Code::Duplicate, &key, message, help);
        } else {
            names.suffixes.insert(suffix.clone(), own.clone());
        }
    }
}

/// Where browsers are sent to, and how.
fn sign_in(
    table: &ClaimsProviderFile,
    metadata: Option<(&PartnerMetadata, FederationProtocol)>,
    context: &mut TrustContext<'_, '_, '_>,
) -> Option<(String, Binding)> {
    const KEY: &str = "claims_provider.sign_in_url";
    let described = metadata.and_then(|(metadata, protocol)| provider_metadata::sign_in(metadata, protocol));
    let written = table.sign_in_url.as_deref().map(|url| (url, Binding::Redirect));
    let Some((url, binding)) = written.or(described) else {
        if table.has_metadata() {
            if metadata.is_some() {
                let message = "the metadata has no address where browsers are sent to sign in by this protocol";
                let help = "write `sign_in_url`, or another `protocol`";
                Source::of_provider(table).complain(context, message, help);
            }
            return None;
        }
        context.findings.error(
            Code::MissingKey,
            KEY,
            "`claims_provider.sign_in_url` is missing",
            "write the address where the partner's users sign in, like `https://sts.partner.example/adfs/ls/`",
        );
        return None;
    };
    // An address of metadata was looked at when it was read.
    if table.sign_in_url.is_some() {
        endpoints::sign_in_address(url, KEY, context);
    }
    Some((url.to_owned(), binding))
}

/// DER of every certificate of every file.
fn signing_certificates(
    table: &ClaimsProviderFile,
    metadata: Option<(&PartnerMetadata, FederationProtocol)>,
    context: &mut TrustContext<'_, '_, '_>,
) -> Vec<Arc<[u8]>> {
    const KEY: &str = "claims_provider.signing_certificates";
    let described =
        metadata.map_or(&[][..], |(metadata, protocol)| provider_metadata::signing_certificates(metadata, protocol));
    if table.signing_certificates.is_empty() && !table.has_metadata() {
        context.findings.error(
            Code::MissingKey,
            KEY,
            "no certificate says which tokens are the claims provider's",
            "name the partner's token-signing certificate, like `signing_certificates = [\"partner.pem\"]`",
        );
    }
    let mut found: Vec<Arc<[u8]>> = Vec::new();
    for der in described {
        judge(der, &Source::of_provider(table).key(), context);
        found.push(Arc::from(der.as_slice()));
    }
    for (i, file) in table.signing_certificates.iter().enumerate() {
        let key = format!("{KEY}.{i}");
        let Some((path, bytes)) = context.read(file, &key) else { continue };
        let certificates = certificates::every(&bytes);
        if certificates.is_empty() {
            context.findings.error(
                Code::Certificate,
                &key,
                format!("{} holds no certificate in PEM form", path.display()),
                "the file begins with `-----BEGIN CERTIFICATE-----`; convert DER by `openssl x509 -inform der`",
            );
        }
        for certificate in certificates {
            judge(&certificate, &key, context);
            found.push(certificate);
        }
    }
    found
}

/// A weak key is refused: whoever breaks it is anybody of the partner's. A date is not: a partner that is late with its new
/// certificate must not keep this server from starting.
fn judge(der: &[u8], key: &str, context: &mut TrustContext<'_, '_, '_>) {
    if certificates::is_plainly_good(der, context.now) {
        return;
    }
    let Ok(certificate) = X509::from_der(der) else { return };
    let strong = certificate.public_key().is_ok_and(|key| match key.id() {
        Id::RSA => key.bits() >= 2048,
        Id::EC => key.bits() >= 256,
        _ => false,
    });
    if !strong {
        context.findings.error(
            Code::Certificate,
            key,
            "the key of the token-signing certificate is too weak, or of a kind that is not used",
            "ask the partner for a certificate with RSA of 2048 bits or more, or ECDSA of 256 or more",
        );
    }
    let Ok(now) = Asn1Time::from_unix(context.now.unix_seconds()) else { return };
    let days_left = now.diff(certificate.not_after()).map_or(0, |difference| difference.days);
    let message = if certificate.not_after() < now {
        format!("a token-signing certificate of the claims provider expired on {}", certificate.not_after())
    } else if certificate.not_before() > now {
        format!("a token-signing certificate of the claims provider is valid only from {}", certificate.not_before())
    } else if days_left < EXPIRY_NOTICE_DAYS {
        format!("a token-signing certificate of the claims provider expires on {}", certificate.not_after())
    } else {
        return;
    };
    context.findings.warning(
        Code::Certificate,
        key,
        message,
        "ask the partner for the next one, and list both while it changes",
    );
}

fn acceptance(table: &ClaimsProviderFile, context: &mut TrustContext<'_, '_, '_>) -> Option<RuleSet> {
    const KEYS: RuleKeys =
        RuleKeys { inline: "claims_provider.acceptance_rules", file: "claims_provider.acceptance_rules_file" };
    let text = table.acceptance_rules.as_deref();
    let file = table.acceptance_rules_file.as_deref();
    if text.is_none_or(|text| text.trim().is_empty()) && file.is_none() {
        context.findings.warning(
            Code::Advice,
            "claims_provider",
            "there are no acceptance rules: nothing that this claims provider says of its users gets in",
            "write `acceptance_rules`, like `c:[Type == \"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn\"] => issue(claim = c);`",
        );
        return RuleSet::parse("").ok();
    }
    let rules = rules::compile(text, file, &KEYS, context)?;
    if passes_everything(&rules) {
        let key = if text.is_some() { KEYS.inline } else { KEYS.file };
        context.findings.warning(
            Code::Exposure,
            key,
            "a rule passes every claim: this claims provider can say that its users are yours, or in your groups",
            "pass single types, and test their values: a UPN by its suffix, for example",
        );
    }
    Some(rules)
}

/// Whether a rule copies claims of any type.
fn passes_everything(rules: &RuleSet) -> bool {
    let Ok((tree, _)) = language::parse(rules.text(), ParseOptions::default()) else { return false };
    tree.rules.iter().any(|rule| {
        let any = |condition: &Condition| matches!(condition, Condition::Select(selector) if selector.tests.is_empty());
        matches!(rule.action.form, Form::Copy(_)) && rule.conditions.iter().all(any)
    })
}

const IDENTIFIER: &str = "claims_provider.identifier";
const NAME: &str = "claims_provider.name";
/// Octets of an identifier; it stands in addresses and in a cookie.
const MAX_IDENTIFIER: usize = 1024;
