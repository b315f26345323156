//! Claims providers out of their metadata.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::trusts::partner_metadata::Binding;

const SAML: &str = r#"<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">CERT<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/saml"/></IDPSSODescriptor>"#;
const PASSIVE: &str = r#"<RoleDescriptor xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:fed="http://docs.oasis-open.org/wsfed/federation/200706" xmlns:wsa="http://www.w3.org/2005/08/addressing" xsi:type="fed:SecurityTokenServiceType" protocolSupportEnumeration="http://docs.oasis-open.org/wsfed/federation/200706">CERT<fed:PassiveRequestorEndpoint><wsa:EndpointReference><wsa:Address>https://idp.example/passive</wsa:Address></wsa:EndpointReference></fed:PassiveRequestorEndpoint></RoleDescriptor>"#;

/// The trust of `urn:idp` with these keys, beside metadata with these roles; the certificate in each of them.
fn read(roles: &[&str], keys: &str) -> (Result<ClaimsProvider, String>, Vec<u8>) {
    let directory = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["idp.example".to_owned()]).unwrap().self_signed(&key).unwrap();
    let descriptor = format!(
        "<KeyDescriptor use=\"signing\"><KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data><X509Certificate>{}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>",
        STANDARD.encode(certificate.der())
    );
    let metadata = format!(
        "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"urn:idp\">{}</EntityDescriptor>",
        roles.concat().replace("CERT", &descriptor)
    );
    std::fs::write(directory.path().join("idp.xml"), metadata).unwrap();
    std::fs::write(directory.path().join("nonsense.xml"), "<!DOCTYPE a><a/>").unwrap();
    let text = format!(
        "[claims_provider]\nname = \"IdP\"\nidentifier = \"urn:idp\"\nmetadata_file = \"idp.xml\"\nacceptance_rules = '''c:[Type == \"a\"] => issue(claim = c);'''\n{keys}"
    );
    let text = match keys.strip_prefix("replace ") {
        Some(change) => {
            let (from, to) = change.split_once(" by ").unwrap();
            text.replace(keys, "").replace(from, to)
        }
        None => text,
    };
    let read = ClaimsProvider::from_toml(&text, directory.path(), UtcTime::from_unix_seconds(1_767_607_201));
    let said = |report: crate::config::diagnostic::Report| {
        report.iter().map(|finding| finding.message.as_str()).collect::<Vec<_>>().join("\n")
    };
    (read.map_err(said), certificate.der().to_vec())
}

#[test]
fn a_role_gives_protocol_address_and_certificates() {
    for (role, protocol, address) in [
        (SAML, FederationProtocol::Saml, "https://idp.example/saml"),
        (PASSIVE, FederationProtocol::WsFederation, "https://idp.example/passive"),
    ] {
        let (provider, certificate) = read(&[role], "");
        let provider = provider.unwrap();
        assert_eq!((provider.protocol, provider.sign_in_url.as_str()), (protocol, address));
        assert_eq!(provider.signing_certificates.iter().map(|der| der.to_vec()).collect::<Vec<_>>(), [certificate]);
    }
    let (chosen, _) = read(&[SAML, PASSIVE], "protocol = \"ws_federation\"");
    assert_eq!(chosen.unwrap().sign_in_url, "https://idp.example/passive");
    let (written, _) = read(&[SAML], "sign_in_url = \"https://other.example/\"");
    assert_eq!(written.unwrap().sign_in_url, "https://other.example/", "what is written counts");
}

#[test]
fn a_role_that_takes_forms_only_gets_forms() {
    let by_form = |text: &str| text.replace("HTTP-Redirect", "HTTP-POST");
    let service = |binding: &str, path: &str| {
        format!(
            r#"<SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:{binding}" Location="https://idp.example/{path}"/>"#
        )
    };
    let with = |services: String, role: &str| role.replace("<SingleSignOn", &format!("{services}<SingleSignOn"));
    for (role, sign_in, sign_out) in [
        (SAML.to_owned(), Binding::Redirect, None),
        (by_form(SAML), Binding::Post, None),
        (with(service("HTTP-POST", "slo"), SAML), Binding::Redirect, Some(("slo", Binding::Post))),
        (with(service("HTTP-POST", "slo"), &by_form(SAML)), Binding::Post, Some(("slo", Binding::Post))),
        (
            with(service("HTTP-POST", "slo") + &service("HTTP-Redirect", "out"), SAML),
            Binding::Redirect,
            Some(("out", Binding::Redirect)),
        ),
        (with(service("SOAP", "slo"), SAML), Binding::Redirect, None),
    ] {
        let provider = read(&[&role], "").0.unwrap();
        assert_eq!(provider.sign_in_binding, sign_in, "{role}");
        let found = provider.sign_out.as_ref().map(|service| (service.url.as_str(), service.binding));
        let expected = sign_out.map(|(path, binding)| (format!("https://idp.example/{path}"), binding));
        assert_eq!(found, expected.as_ref().map(|(url, binding)| (url.as_str(), *binding)), "{role}");
    }
    // What is written is an address.
    let written = read(&[&by_form(SAML)], "sign_in_url = \"https://other.example/\"").0.unwrap();
    assert_eq!(written.sign_in_binding, Binding::Redirect);
}

#[test]
fn what_metadata_cannot_give_is_said() {
    let plain_http = SAML.replace("https://idp.example/saml", "http://idp.example/saml");
    let no_redirect = SAML.replace("HTTP-Redirect", "SOAP");
    for (roles, keys, expected) in [
        (vec![SAML, PASSIVE], "", "the metadata offers both"),
        (vec![PASSIVE], "protocol = \"saml\"", "no address where browsers are sent to sign in by this protocol"),
        (vec![SAML], "replace urn:idp by urn:somebody-else", "cannot be used"),
        (vec![SAML], "replace idp.xml by nonsense.xml", "cannot be used"),
        (vec![SAML], "replace idp.xml by absent.xml", "cannot be read"),
        (vec![], "", "cannot be used"),
        (vec![&plain_http], "", "http"),
        (vec![&no_redirect], "", ""),
        (vec![SAML], "metadata_url = \"https://idp.example/metadata\"", "there is `metadata_file`, too"),
    ] {
        let (provider, _) = read(&roles, keys);
        let report = provider.expect_err(keys);
        assert!(report.contains(expected), "{roles:?} {keys}: {report}");
    }
}
