//! Trust files into relying parties.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod provider_metadata;
mod service_metadata;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{
    Authorization, Candidates, ClaimsProvider, ClaimsProviderId, ClaimsProviders, FederationProtocol, HomeRealm,
    RelyingParty, TrustLookup, Trusts,
};
use crate::claims::policy::Policies;
use crate::claims::{Claim, ClaimSet, types};
use crate::clock::UtcTime;
use crate::config::diagnostic::Code;
use crate::tokens::encryption::ContentCipher;
use crate::tokens::{SignatureAlgorithm, TokenType};

const FULL: &str = r#"
[relying_party]
name = "Example"
identifiers = ["urn:example:rp", "https://rp.example/"]
token_lifetime_minutes = 30
not_before_skew_minutes = 5
token_type = "saml2"
signature_algorithm = "rsa-sha256"
access_control_policy = "permit-everyone"
required_claims = ["http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"]
claims_providers = ["AD AUTHORITY", "urn:partner:idp"]
transform_rules = '''c:[Type == "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"] => issue(claim = c);'''
[relying_party.ws_federation]
endpoint = "https://rp.example/wsfed"
[relying_party.saml]
assertion_consumer_services = [{ url = "https://rp.example/acs", binding = "post", default = true }]
name_id_format = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
"#;

fn read(text: &str) -> Result<RelyingParty, Vec<Code>> {
    RelyingParty::from_toml(text, Path::new("trusts"), UtcTime::from_unix_seconds(1_767_607_201))
        .map_err(|report| report.iter().map(|finding| finding.code).collect())
}

#[test]
fn every_key_arrives() {
    let party = read(FULL).unwrap();
    assert_eq!(party.id.as_str(), "urn:example:rp");
    assert!(
        party.enabled && party.has_identifier("https://rp.example/") && !party.has_identifier("https://rp.example")
    );
    assert_eq!((party.token_type, party.token_lifetime), (TokenType::Saml2, Duration::from_mins(30)));
    assert_eq!(party.not_before_skew, Duration::from_mins(5));
    assert_eq!(party.signature_algorithm, SignatureAlgorithm::RsaSha256);
    assert!(matches!(party.authorization, Authorization::PermitEveryone));
    assert_eq!(party.transform.len(), 1);
    assert!(party.claims_providers.allows("AD AUTHORITY") && !party.claims_providers.allows("urn:other"));
    assert_eq!(party.ws_federation.unwrap().endpoint, "https://rp.example/wsfed");
    assert!(party.saml.unwrap().assertion_consumer_services[0].is_default);
    assert!(party.encryption.is_none());
}

#[test]
fn what_is_left_out_is_the_safe_choice() {
    let party = read("[relying_party]\nname = 'x'\nidentifiers = ['urn:x']").unwrap();
    assert!(matches!(party.authorization, Authorization::Nobody));
    assert!(party.transform.is_empty());
    assert_eq!((party.token_type, party.token_lifetime), (TokenType::Saml11, Duration::from_hours(1)));
    assert_eq!(party.claims_providers, ClaimsProviders::All);
    assert!(party.enabled && party.ws_federation.is_none() && party.saml.is_none());
    assert_eq!(ContentCipher::default(), ContentCipher::Aes256Cbc);
}

#[test]
fn what_would_be_unsafe_to_leave_out_is_refused() {
    let with = |line: &str| read(&format!("[relying_party]\nname = 'x'\nidentifiers = ['urn:x']\n{line}")).map(|_| ());
    for line in [
        "access_control_policy = 'permit-all'",
        "require_signed_requests = true",
        "encryption_certificate = 'nowhere.pem'",
        "transform_rules = 'c:[] => issue(claim = d);'",
        "authorization_rules = ''\naccess_control_policy = 'permit-everyone'",
        "unknown = 1",
    ] {
        assert!(with(line).is_err(), "{line}");
    }
}

#[test]
fn a_claims_provider_list_without_the_local_one_lets_nobody_in() {
    let party = read("[relying_party]\nname='x'\nidentifiers=['urn:x']\nclaims_providers=['urn:partner:idp']").unwrap();
    assert!(!party.claims_providers.allows("AD AUTHORITY"));
    let party = read("[relying_party]\nname='x'\nidentifiers=['urn:x']\nclaims_providers=[]").unwrap();
    assert!(!party.claims_providers.allows("AD AUTHORITY"));
}

#[test]
fn required_claims_need_a_value() {
    let party = read(FULL).unwrap();
    let with = |value: &str| ClaimSet::from(vec![Claim::new(types::UPN, value, "AD AUTHORITY")]);
    assert_eq!(party.missing_claim(&with("alice@corp.example")), None);
    assert_eq!(party.missing_claim(&with("")).map(|text| &**text), Some(types::UPN));
    assert_eq!(party.missing_claim(&ClaimSet::new()).map(|text| &**text), Some(types::UPN));
}

#[test]
fn identifiers_are_compared_character_by_character() {
    let mut disabled = read("[relying_party]\nname = 'd'\nidentifiers = ['urn:d']").unwrap();
    disabled.enabled = false;
    let trusts = Trusts::new(vec![Arc::new(read(FULL).unwrap()), Arc::new(disabled)]);
    for (identifier, expected) in [
        ("urn:example:rp", "enabled"),
        ("https://rp.example/", "enabled"),
        ("https://rp.example", "unknown"),
        ("URN:example:rp", "unknown"),
        ("urn:d", "disabled"),
        ("", "unknown"),
    ] {
        let found = match trusts.relying_party(identifier) {
            TrustLookup::Enabled(_) => "enabled",
            TrustLookup::Disabled(_) => "disabled",
            TrustLookup::Unknown => "unknown",
        };
        assert_eq!(found, expected, "{identifier}");
    }
}

fn entra(domains: &str) -> crate::config::Config {
    let text = format!(
        "[service]\nfederation_service_name='sts.corp.example'\n[kerberos]\nkeytab='k'\n[keys]\nkey_encryption_key_file='k'\n\
         [[domains]]\nrealm='CORP.EXAMPLE'\nsid='S-1-5-21-1-2-3'\nnetbios='CORP'\ndomain_controllers=['dc1.corp.example']\n\
         [entra]\nenabled=true\n{domains}"
    );
    crate::config::Config::from_toml(&text).unwrap()
}

#[test]
fn the_built_in_trust_demands_an_issuer() {
    let config = entra(
        "[[entra.domains]]\nname='corp.example'\n[[entra.domains]]\nname='emea.corp.example'\nissuer_uri='urn:e'",
    );
    let mut report = crate::config::diagnostic::Report::default();
    let party =
        super::entra::relying_party(&config, &Policies::default(), &mut report, Path::new("chancery.toml")).unwrap();
    assert!(!report.has_errors());
    assert_eq!(party.token_type, TokenType::Saml11);
    assert!(super::entra::IDENTIFIERS.iter().all(|identifier| party.has_identifier(identifier)));
    assert_eq!(party.missing_claim(&ClaimSet::new()).map(|text| &**text), Some(types::ISSUER_ID));
    let rules = party.transform.text();
    assert!(rules.contains("http://corp.example/adfs/services/trust/") && rules.contains("urn:e"));
    assert!(party.computer_guard && party.encryption.is_none());
}

#[test]
fn the_built_in_trust_is_there_only_when_wanted() {
    let mut report = crate::config::diagnostic::Report::default();
    let mut config = entra("[[entra.domains]]\nname='corp.example'");
    config.entra.enabled = false;
    assert!(super::entra::relying_party(&config, &Policies::default(), &mut report, Path::new("c")).is_none());
    config.entra.enabled = true;
    config.entra.domains[0].issuer_uri = String::from("a\"b");
    assert!(super::entra::relying_party(&config, &Policies::default(), &mut report, Path::new("c")).is_none());
    assert!(report.has_errors());
}

/// A claims provider by WS-Federation, `urn:<name>`, with the suffix `<name>.example`.
pub(crate) fn partner(name: &str) -> ClaimsProvider {
    let suffix = format!("{name}.example");
    let provider = provider(&format!("urn:{name}"), &[&suffix], true, FederationProtocol::WsFederation);
    Arc::into_inner(provider).unwrap()
}

fn provider(identifier: &str, suffixes: &[&str], enabled: bool, protocol: FederationProtocol) -> Arc<ClaimsProvider> {
    Arc::new(ClaimsProvider {
        id: ClaimsProviderId::new(identifier),
        name: format!("Name of {identifier}"),
        enabled,
        protocol,
        openid: None,
        sign_in_url: String::from("https://partner.example/"),
        sign_in_binding: crate::trusts::partner_metadata::Binding::Redirect,
        sign_out: None,
        signing_certificates: Vec::new(),
        sha1_signatures: false,
        cbc_encryption: false,
        account_suffixes: suffixes.iter().map(|suffix| suffix.parse().unwrap()).collect(),
        acceptance: crate::claims::RuleSet::parse("").unwrap(),
        file: None,
    })
}

#[test]
fn candidates_are_those_listed_that_can_sign_somebody_in() {
    use FederationProtocol::{Saml, WsFederation};
    let trusts = Trusts::new(Vec::new())
        .with_claims_providers(vec![
            provider("urn:b", &["b.example"], true, WsFederation),
            provider("urn:a", &["a.example", "x.a.example"], true, WsFederation),
            provider("urn:off", &["off.example"], false, WsFederation),
            provider("urn:saml", &[], true, Saml),
        ])
        .with_local_suffixes(["corp.example".parse().unwrap()]);
    let members = |listed: &ClaimsProviders| {
        Candidates::new(&trusts, listed).iter().map(|realm| realm.identifier().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(members(&ClaimsProviders::All), ["AD AUTHORITY", "urn:a", "urn:b", "urn:saml"]);
    let listed = ClaimsProviders::Listed(vec!["urn:b".into(), "urn:off".into()]);
    assert_eq!(members(&listed), ["urn:b"]);
    let listed = Candidates::new(&trusts, &listed);
    assert_eq!(listed.only().map(HomeRealm::identifier), Some("urn:b"));
    assert!(
        !listed.has_active_directory() && listed.find("AD AUTHORITY").is_none() && listed.find("urn:off").is_none()
    );
    assert!(listed.of_suffix("a.example").is_none() && listed.of_suffix("corp.example").is_none());
    let nobody = ClaimsProviders::Listed(vec!["urn:off".into()]);
    assert!(Candidates::new(&trusts, &nobody).is_empty());
    assert_eq!(Candidates::new(&trusts, &nobody).only(), None);
    let all = Candidates::new(&trusts, &ClaimsProviders::All);
    assert_eq!(all.only(), None);
    for (address, expected) in [
        ("bob@A.Example", Some("urn:a")),
        ("bob@x.a.example", Some("urn:a")),
        ("bob@y.a.example", None),
        ("odd@name@b.example", Some("urn:b")),
        ("alice@corp.example", Some("AD AUTHORITY")),
        ("bob@off.example", None),
        ("@a.example", None),
        ("a.example", None),
        ("bob@", None),
        ("bob@a.example ", None),
    ] {
        assert_eq!(all.of_address(address).map(HomeRealm::identifier), expected, "{address}");
    }
    let nothing_else = Trusts::new(Vec::new());
    let only = Candidates::new(&nothing_else, &ClaimsProviders::All).only();
    assert_eq!(only.map(HomeRealm::identifier), Some("AD AUTHORITY"));
}

#[test]
fn every_key_of_a_claims_provider_arrives() {
    let directory = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["sts.partner.example".to_owned()]).unwrap();
    let certificate = certificate.self_signed(&key).unwrap();
    std::fs::write(directory.path().join("both.pem"), format!("{0}{0}", certificate.pem())).unwrap();
    let text = r#"
[claims_provider]
name = "Partner"
identifier = "http://sts.partner.example/adfs/services/trust"
protocol = "ws_federation"
sign_in_url = "https://sts.partner.example/adfs/ls/"
sign_out_url = "https://sts.partner.example/adfs/ls/?wa=wsignout1.0"
signing_certificates = ["both.pem"]
account_suffixes = ["Partner.Example", "emea.partner.example"]
acceptance_rules = '''c:[Type == "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"] => issue(claim = c);'''
"#;
    let now = UtcTime::from_unix_seconds(1_767_607_201);
    let provider = ClaimsProvider::from_toml(text, directory.path(), now).unwrap();
    assert_eq!(provider.id.as_str(), "http://sts.partner.example/adfs/services/trust");
    assert_eq!((provider.name.as_str(), provider.protocol), ("Partner", FederationProtocol::WsFederation));
    assert!(provider.enabled && provider.is_usable());
    assert_eq!(provider.sign_in_url, "https://sts.partner.example/adfs/ls/");
    assert_eq!(
        provider.sign_out.map(|service| service.url).as_deref(),
        Some("https://sts.partner.example/adfs/ls/?wa=wsignout1.0")
    );
    assert_eq!(
        provider.signing_certificates.iter().map(|der| der.to_vec()).collect::<Vec<_>>(),
        [certificate.der().to_vec(), certificate.der().to_vec()]
    );
    let suffixes: Vec<&str> = provider.account_suffixes.iter().map(crate::config::names::DnsName::as_str).collect();
    assert_eq!(suffixes, ["partner.example", "emea.partner.example"]);
    assert_eq!(provider.acceptance.len(), 1);
    let switched_off = text.replace("protocol =", "enabled = false\nprotocol =");
    assert!(!ClaimsProvider::from_toml(&switched_off, directory.path(), now).unwrap().is_usable());
    let saml = text.replace("ws_federation", "saml");
    let saml = ClaimsProvider::from_toml(&saml, directory.path(), now).unwrap();
    assert_eq!((saml.protocol, saml.is_usable()), (FederationProtocol::Saml, true));
}
