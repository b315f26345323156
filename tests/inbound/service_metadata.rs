//! Metadata of relying parties: what is read of it, and how much a new version may change.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chancery::trusts::partner_metadata::{
    ConsumerBinding, Decision, PartnerMetadata, PartnerMetadataError, Side, Source, Wanted, read, refresh,
};
use chancery::xml::verify::VerificationKeys;

use super::support::*;

const WANTED: Wanted<'static> = Wanted { side: Side::RelyingParty, entity_id: None, signed_by: None, now: NOW };

fn key(usage: &str, certificate: &[u8]) -> String {
    format!(
        "<md:KeyDescriptor{usage}><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data>\
         <ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>",
        BASE64.encode(certificate)
    )
}

/// `EntityDescriptor` of an application with both roles, in the form that WIF gives the one of WS-Federation.
fn document(signing: &[u8], encryption: &[u8]) -> String {
    let keys = [key(" use=\"encryption\"", encryption), key(" use=\"signing\"", signing)].concat();
    let reference = |address: &str| {
        format!(
            "<wsa:EndpointReference xmlns:wsa=\"http://www.w3.org/2005/08/addressing\"><wsa:Address>{address}</wsa:Address></wsa:EndpointReference>"
        )
    };
    format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" ID=\"_metadata\" entityID=\"{PARTNER}\">\
         <md:RoleDescriptor xsi:type=\"fed:ApplicationServiceType\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xmlns:fed=\"http://docs.oasis-open.org/wsfed/federation/200706\" \
         protocolSupportEnumeration=\"http://docs.oasis-open.org/wsfed/federation/200706\">{keys}\
         <fed:ClaimTypesRequested><auth:ClaimType xmlns:auth=\"http://docs.oasis-open.org/wsfed/authorization/200706\" \
         Uri=\"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name\" Optional=\"true\"/></fed:ClaimTypesRequested>\
         <fed:TargetScopes>{}{}</fed:TargetScopes>\
         <fed:PassiveRequestorEndpoint>{}</fed:PassiveRequestorEndpoint></md:RoleDescriptor>\
         <md:SPSSODescriptor AuthnRequestsSigned=\"true\" protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{keys}\
         <md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://app.example/slo\"/>\
         <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>\
         <md:AssertionConsumerService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:PAOS\" Location=\"https://app.example/ecp\" index=\"0\"/>\
         <md:AssertionConsumerService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact\" Location=\"https://app.example/art\" index=\"1\"/>\
         <md:AssertionConsumerService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://app.example/acs\" index=\"7\" isDefault=\"true\"/>\
         </md:SPSSODescriptor></md:EntityDescriptor>",
        reference(PARTNER),
        reference("https://app.example/"),
        reference("https://app.example/signin")
    )
}

fn genuine() -> String {
    document(&PARTNER_KEY.0, &PARTNER_KEY.0)
}

fn parse(document: &str) -> Result<PartnerMetadata, PartnerMetadataError> {
    read(document.as_bytes(), &WANTED)
}

#[test]
fn both_roles_of_a_relying_party_are_read_and_none_of_a_claims_provider() {
    let metadata = parse(&genuine()).unwrap();
    assert!(metadata.saml.is_none() && metadata.ws_federation.is_none());
    let role = metadata.ws_federation_service.unwrap();
    assert_eq!(role.passive.iter().map(|url| &**url).collect::<Vec<_>>(), ["https://app.example/signin"]);
    assert_eq!(role.scopes.iter().map(|url| &**url).collect::<Vec<_>>(), [PARTNER, "https://app.example/"]);
    assert_eq!(role.claims.len(), 1);
    let role_keys = (role.keys.signing, role.keys.encryption, role.keys.unusable);
    assert_eq!(role_keys, (vec![PARTNER_KEY.0.clone()], vec![PARTNER_KEY.0.clone()], vec![]));
    let saml = metadata.saml_service.unwrap();
    let consumers: Vec<_> =
        saml.consumers.iter().map(|one| (one.binding, &*one.url, one.index, one.is_default)).collect();
    assert_eq!(
        consumers,
        [
            (ConsumerBinding::Artifact, "https://app.example/art", 1, false),
            (ConsumerBinding::Post, "https://app.example/acs", 7, true)
        ]
    );
    assert!(saml.signs_requests && saml.sign_out.len() == 1 && saml.name_id_formats.len() == 1);
    let provider = Wanted { side: Side::ClaimsProvider, ..WANTED };
    let none = read(genuine().as_bytes(), &provider).unwrap_err();
    assert!(matches!(none, PartnerMetadataError::NoRole { .. }), "{none}");
    let theirs = parse(&super::metadata::genuine()).unwrap_err();
    assert!(theirs.to_string().contains("no service provider"), "{theirs}");
    // A key without a use is for both.
    let both = edit(&edit(&genuine(), " use=\"encryption\"", ""), " use=\"signing\"", "");
    assert_eq!(
        parse(&both).unwrap().ws_federation_service.unwrap().keys.encryption,
        std::slice::from_ref(&PARTNER_KEY.0)
    );
}

#[test]
fn no_token_is_sent_to_an_address_like_these() {
    for bad in [
        "http://app.example/x",
        "javascript:alert(1)",
        "//evil.example/",
        "https://app.example@evil.example/",
        "https://app.example/#x",
        "https://app.example/&quot;onload=&quot;x",
        "",
    ] {
        for from in ["https://app.example/signin", "https://app.example/acs", "https://app.example/slo"] {
            let error = parse(&edit(&genuine(), from, bad)).unwrap_err();
            assert!(matches!(error, PartnerMetadataError::Url { .. }), "{bad}: {error}");
        }
    }
    for bad in ["-1", "65536", "x", ""] {
        let error = parse(&edit(&genuine(), "index=\"7\"", &format!("index=\"{bad}\""))).unwrap_err();
        assert!(matches!(error, PartnerMetadataError::Value { .. }), "{bad}: {error}");
    }
    let scope = "<wsa:EndpointReference xmlns:wsa=\"http://www.w3.org/2005/08/addressing\"><wsa:Address>https://app.example/</wsa:Address></wsa:EndpointReference>";
    assert!(parse(&edit(&genuine(), scope, &scope.repeat(31))).is_ok());
    let many = parse(&edit(&genuine(), scope, &scope.repeat(32))).unwrap_err();
    assert!(matches!(many, PartnerMetadataError::TooMany { .. }), "{many}");
}

#[test]
fn who_wants_tokens_encrypted_gets_none_in_the_clear() {
    // An elliptic key: nothing can be encrypted to it here.
    let ec = rcgen::KeyPair::generate().unwrap();
    let ec = rcgen::CertificateParams::new(vec![String::from("app.example")]).unwrap().self_signed(&ec).unwrap();
    for unusable in [ec.der().to_vec(), b"no certificate".to_vec()] {
        let error = parse(&document(&PARTNER_KEY.0, &unusable)).unwrap_err();
        assert!(matches!(error, PartnerMetadataError::NoCertificate { .. }), "{error}");
    }
    // Without any key it does not want that.
    let (encryption, signing) = (key(" use=\"encryption\"", &PARTNER_KEY.0), key(" use=\"signing\"", &PARTNER_KEY.0));
    let bare = genuine().replace(&encryption, "").replace(&signing, "");
    assert!(parse(&bare).unwrap().saml_service.unwrap().keys.encryption.is_empty());
}

/// What becomes of `new` after `old`: unsigned over HTTPS, and signed with the known key.
fn decisions(old: &str, new: &str) -> [String; 2] {
    let keys = VerificationKeys::from_certificates([&PARTNER_KEY.0[..]]).unwrap();
    let words = |decision: &Decision| match decision {
        Decision::Unchanged => String::from("unchanged"),
        Decision::Adopt(_) => String::from("adopt"),
        Decision::Hold(_, reasons) => format!("hold {reasons:?}"),
        Decision::Refuse(_, reasons) => format!("refuse {reasons:?}"),
    };
    let signed =
        sign(&edit(new, "<md:RoleDescriptor ", &format!("{}<md:RoleDescriptor ", Signature::of("_metadata").xml())));
    let old = parse(old).unwrap();
    let vouched = read(signed.as_bytes(), &Wanted { signed_by: Some(&keys), ..WANTED }).unwrap();
    [words(&refresh(&old, &parse(new).unwrap(), Source::Https)), words(&refresh(&old, &vouched, Source::Https))]
}

#[test]
fn a_changed_relying_party_is_taken_held_or_refused() {
    let genuine = genuine();
    let encryption = key(" use=\"encryption\"", &PARTNER_KEY.0);
    let other_encryption = document(&PARTNER_KEY.0, &STRANGER_KEY.0);
    let other_signing = document(&STRANGER_KEY.0, &PARTNER_KEY.0);
    let in_the_clear = genuine.replace(&encryption, "");
    let same_host = edit(&genuine, "https://app.example/signin", "https://app.example/signin2");
    let moved = edit(&genuine, "https://app.example/signin", "https://evil.example/signin");
    let moved_consumer = edit(&genuine, "https://app.example/acs", "https://evil.example/acs");
    let scope = edit(
        &genuine,
        "<wsa:Address>https://app.example/</wsa:Address>",
        "<wsa:Address>urn:another:application</wsa:Address>",
    );
    let (before, rest) = genuine.split_once("<fed:PassiveRequestorEndpoint>").unwrap();
    let no_passive = [before, rest.split_once("</fed:PassiveRequestorEndpoint>").unwrap().1].concat();
    let (_, no_role) = cut(&genuine, "md:SPSSODescriptor");
    let claims = edit(&genuine, "claims/name", "claims/upn");
    for (name, new, expected) in [
        ("same", &genuine, ["unchanged", "unchanged"]),
        ("claims", &claims, ["adopt", "adopt"]),
        ("another encryption certificate", &other_encryption, ["adopt", "adopt"]),
        ("no encryption certificate", &in_the_clear, ["refuse [EncryptionGone]", "adopt"]),
        ("another signing certificate", &other_signing, ["hold [KeySwap]", "adopt"]),
        ("address on the same host", &same_host, ["adopt", "adopt"]),
        ("address on another host", &moved, ["hold [OtherHost]", "adopt"]),
        ("consumer on another host", &moved_consumer, ["hold [OtherHost]", "adopt"]),
        ("another identifier", &scope, ["hold [OtherIdentifier]", "adopt"]),
        ("no address", &no_passive, ["refuse [NoEndpoint]", "refuse [NoEndpoint]"]),
    ] {
        assert_eq!(decisions(&genuine, new), expected, "{name}");
    }
    assert_eq!(decisions(&genuine, &no_role)[0], "refuse [RoleGone]");
    // To begin to encrypt is no loss.
    assert_eq!(decisions(&in_the_clear, &genuine)[0], "adopt");
}
