#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::sync::LazyLock;
use std::time::Duration;

use clap::Parser;

use super::*;
use crate::clock::SystemRandomSource;
use crate::keys::{CertificateOptions, KeyPurpose, RsaKeySize, generate};

const NOW: UtcTime = UtcTime::from_unix_seconds(1_767_607_200);
const TENANT: &str = "11111111-1111-4111-8111-111111111111";

#[derive(Debug, Parser)]
struct Program {
    #[command(flatten)]
    entra: EntraArgs,
}

static CERTIFICATE: LazyLock<CertificateFacts> = LazyLock::new(|| {
    let options = CertificateOptions {
        federation_service_name: "sts.corp.example",
        key_size: RsaKeySize::Rsa2048,
        lifetime: Duration::from_hours(24 * 365),
    };
    let random = SystemRandomSource::new();
    generate::self_signed(KeyPurpose::TokenSigning, &options, NOW, &random).unwrap().certificate().clone()
});

fn facts() -> FederationFacts<'static> {
    FederationFacts {
        federation_service_name: "sts.corp.example",
        issuer_uri: "http://corp.example/adfs/services/trust/",
        signing_certificate: &CERTIFICATE.der,
        next_certificate: Some(&CERTIFICATE.der),
    }
}

fn settings(args: &[&str], facts: &FederationFacts<'_>) -> Result<(String, String), EntraError> {
    let args = Program::try_parse_from([&["entra", "settings"], args].concat()).unwrap().entra;
    let (mut out, mut advice) = (Vec::new(), Vec::new());
    run(&args, facts, NOW, &mut out, &mut advice)?;
    let hide = |bytes| {
        let text = String::from_utf8(bytes).unwrap().replace(&CERTIFICATE.base64(), "<base64>");
        text.replace(&CERTIFICATE.thumbprint_sha1(), "<sha1>")
    };
    Ok((hide(out), hide(advice)))
}

#[test]
fn everything_that_is_printed() {
    let (out, advice) = settings(&["--domain", "Corp.Example", "--tenant", TENANT], &facts()).unwrap();
    insta::assert_snapshot!("settings", format!("{out}\n=== advice ===\n{advice}"));
}

#[test]
fn the_graph_form_is_json_alone() {
    let args = ["--domain", "corp.example", "--tenant", TENANT, "--format", "graph"];
    let (out, _) = settings(&args, &FederationFacts { next_certificate: None, ..facts() }).unwrap();
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["@odata.type"], "#microsoft.graph.internalDomainFederation");
    assert_eq!(json["issuerUri"], "http://corp.example/adfs/services/trust/");
    assert_eq!(json["federatedIdpMfaBehavior"], "acceptIfMfaDoneByFederatedIdp");
    assert!(json.get("nextSigningCertificate").is_none());
}

#[test]
fn nothing_leaves_a_powershell_literal() {
    let name = "O'Brien\u{2019}s; Remove-Item\n$(evil)";
    let args = ["--domain", "corp.example", "--tenant", TENANT, "--format", "powershell", "--display-name", name];
    let (out, _) = settings(&args, &facts()).unwrap();
    assert!(out.contains("'O''Brien\u{2019}\u{2019}s; Remove-Item$(evil)'"), "{out}");
}

#[test]
fn what_cannot_be_federated_is_refused() {
    let with = |domain: &str, tenant: &str| settings(&["--domain", domain, "--tenant", tenant], &facts()).unwrap_err();
    for domain in ["corp", "corp..example", "x-.example", "corp.example;", "corp.onmicrosoft.com", ""] {
        assert!(matches!(with(domain, TENANT), EntraError::Domain { .. }), "{domain}");
    }
    assert!(matches!(with("corp.example", "a'b"), EntraError::Tenant(_)));
    let args = ["--domain", "corp.example", "--tenant", TENANT];
    for issuer in ["", "corp.example", "http://a b/", "http://x/\n"] {
        let error = settings(&args, &FederationFacts { issuer_uri: issuer, ..facts() }).unwrap_err();
        assert!(matches!(error, EntraError::Issuer(_)), "{issuer:?}");
    }
    let error = settings(&args, &FederationFacts { federation_service_name: "sts", ..facts() }).unwrap_err();
    assert!(matches!(error, EntraError::ServiceName(_)));
    let error = settings(&args, &FederationFacts { signing_certificate: b"x", ..facts() }).unwrap_err();
    assert!(matches!(error, EntraError::Certificate { which: "primary", .. }));
}

#[test]
fn an_expired_certificate_is_pointed_out() {
    let args = Program::try_parse_from(["entra", "settings", "--domain", "corp.example", "--tenant", TENANT]).unwrap();
    let mut advice = Vec::new();
    run(&args.entra, &facts(), NOW.plus(Duration::from_hours(24 * 366)), &mut Vec::new(), &mut advice).unwrap();
    assert!(String::from_utf8(advice).unwrap().contains("HAS EXPIRED"));
}

#[test]
fn a_domain_has_the_issuer_of_its_own_settings() {
    let domain = |name: &str| config::EntraDomain {
        name: name.parse().unwrap(),
        issuer_uri: format!("http://{name}/adfs/services/trust/"),
    };
    let mut entra = config::Entra {
        enabled: true,
        domains: vec![domain("corp.example"), domain("brand.example"), domain("emea.brand.example")],
        ..config::Entra::default()
    };
    let found = federated_domain(&entra, "Brand.Example").unwrap();
    assert_eq!(found.issuer_uri, "http://brand.example/adfs/services/trust/");
    let error = federated_domain(&entra, "de.emea.brand.example").unwrap_err();
    assert!(matches!(&error, EntraError::Inherits { parent, .. } if parent == "emea.brand.example"), "{error}");
    let error = federated_domain(&entra, "xbrand.example").unwrap_err().to_string();
    assert!(error.contains("corp.example, brand.example, emea.brand.example"), "{error}");
    entra.enabled = false;
    assert!(matches!(federated_domain(&entra, "corp.example"), Err(EntraError::Off)));
}
