//! Relying parties out of their metadata.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::config::diagnostic::Report;

/// The trust of `urn:app` with these keys, beside metadata with a role of WS-Federation and one of SAML; and the certificate in them.
fn read(keys: &str) -> (Result<RelyingParty, String>, Vec<u8>) {
    let directory = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["app.example".to_owned()]).unwrap().self_signed(&key).unwrap();
    let descriptor = |usage: &str| {
        format!(
            "<KeyDescriptor use=\"{usage}\"><KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data><X509Certificate>{}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>",
            STANDARD.encode(certificate.der())
        )
    };
    let reference = |address: &str| {
        format!(
            "<EndpointReference xmlns=\"http://www.w3.org/2005/08/addressing\"><Address>{address}</Address></EndpointReference>"
        )
    };
    let metadata = format!(
        "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"urn:app\">\
         <RoleDescriptor xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:fed=\"http://docs.oasis-open.org/wsfed/federation/200706\" xsi:type=\"fed:ApplicationServiceType\" protocolSupportEnumeration=\"http://docs.oasis-open.org/wsfed/federation/200706\">{}<fed:TargetScopes>{}{}</fed:TargetScopes><fed:PassiveRequestorEndpoint>{}{}</fed:PassiveRequestorEndpoint></RoleDescriptor>\
         <SPSSODescriptor AuthnRequestsSigned=\"true\" protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{}<AssertionConsumerService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://app.example/acs\" index=\"3\"/></SPSSODescriptor></EntityDescriptor>",
        descriptor("encryption"),
        reference("urn:app"),
        reference("urn:app:scope"),
        reference("https://app.example/signin"),
        reference("https://app.example/second"),
        descriptor("signing"),
    );
    std::fs::write(directory.path().join("app.xml"), metadata).unwrap();
    std::fs::write(directory.path().join("own.pem"), certificate.pem()).unwrap();
    let text = format!(
        "[relying_party]\nname = \"App\"\nidentifiers = [\"urn:app\"]\naccess_control_policy = \"permit-everyone\"\nmetadata_file = \"app.xml\"\n{keys}"
    );
    let text = match keys.strip_prefix("replace ") {
        Some(change) => {
            let (from, to) = change.split_once(" by ").unwrap();
            text.replace(keys, "").replace(from, to)
        }
        None => text,
    };
    let read = RelyingParty::from_toml(&text, directory.path(), UtcTime::from_unix_seconds(1_767_607_201));
    let said = |report: Report| report.iter().map(|finding| finding.message.as_str()).collect::<Vec<_>>().join("\n");
    (read.map_err(said), certificate.der().to_vec())
}

#[test]
fn metadata_gives_addresses_and_certificates() {
    let (party, certificate) = read("");
    let party = party.unwrap();
    let wsfed = party.ws_federation.unwrap();
    assert_eq!(wsfed.endpoint, "https://app.example/signin");
    assert_eq!(wsfed.additional_endpoints, ["https://app.example/second"]);
    let saml = party.saml.unwrap().assertion_consumer_services;
    assert_eq!((saml[0].url.as_str(), saml[0].index, saml[0].is_default), ("https://app.example/acs", 3, true));
    assert_eq!(party.encryption.unwrap().certificate.to_vec(), certificate);
    let signing: Vec<_> = party.request_signing_certificates.iter().map(|der| der.to_vec()).collect();
    assert_eq!((signing, party.require_signed_requests), (vec![certificate], true));
    assert!(party.enabled);
}

#[test]
fn what_is_written_counts_before_it() {
    let written =
        "encryption_certificate = \"own.pem\"\n[relying_party.ws_federation]\nendpoint = \"https://other.example/\"\n";
    let (party, _) = read(written);
    let party = party.unwrap();
    assert_eq!(party.ws_federation.unwrap().endpoint, "https://other.example/");
    assert!(party.encryption.is_some() && party.saml.is_some());
}

#[test]
fn metadata_that_cannot_be_used_is_said() {
    for (keys, expected) in [
        ("replace \"urn:app\" by \"urn:somebody-else\"", "cannot be used"),
        ("replace app.xml by own.pem", "cannot be used"),
        ("replace app.xml by absent.xml", "cannot be read"),
        ("metadata_url = \"https://app.example/metadata\"", "there is `metadata_file`, too"),
    ] {
        let report = read(keys).0.expect_err(keys);
        assert!(report.contains(expected), "{keys}: {report}");
    }
    // At an address it is not here yet: nobody knows whether tokens must be encrypted.
    let (late, _) = read("replace metadata_file = \"app.xml\" by metadata_url = \"https://app.example/metadata\"");
    assert!(!late.unwrap().enabled);
}

#[test]
fn identifiers_of_metadata_come_after_those_that_somebody_wrote() {
    let mut party = read("").0.unwrap();
    let mut identifiers = BTreeMap::from([(String::from("urn:taken"), String::from("Other"))]);
    let mut report = Report::default();
    let scopes = ["urn:app", "urn:app:scope", "urn:taken"].map(String::from).to_vec();
    crate::trusts::add_identifiers(&mut party, scopes, &mut identifiers, &mut report);
    assert_eq!(party.identifiers, ["urn:app", "urn:app:scope"]);
    assert!(identifiers.contains_key("urn:app:scope"));
    let said: Vec<&str> = report.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(said, ["the metadata of App names the identifier `urn:taken`, which belongs to Other"]);
    assert!(!report.has_errors(), "a partner must not keep the server from starting");
}
