//! Metadata of partners.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chancery::clock::UtcTime;
use chancery::trusts::partner_metadata::{
    Change, Decision, PartnerMetadata, PartnerMetadataError, Reason, Role, Side, Signed, Source, Wanted, read, refresh,
};
use chancery::xml::verify::{VerificationKeys, VerifyError};

use super::support::*;

const WANTED: Wanted<'static> = Wanted { side: Side::ClaimsProvider, entity_id: None, signed_by: None, now: NOW };

fn key_descriptor(usage: &str, certificate: &[u8]) -> String {
    format!(
        "<md:KeyDescriptor{usage}><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data>\
         <ds:X509Certificate>\n{}\n</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>",
        BASE64.encode(certificate)
    )
}

/// `EntityDescriptor` of a partner with both roles.
pub(super) fn document(certificates: &[&[u8]]) -> String {
    let keys: Vec<_> = certificates.iter().map(|der| key_descriptor(" use=\"signing\"", der)).collect();
    let keys = keys.concat();
    let encryption = key_descriptor(" use=\"encryption\"", &STRANGER_KEY.0);
    format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" ID=\"_metadata\" entityID=\"{PARTNER}\" \
         validUntil=\"2026-02-01T00:00:00Z\" cacheDuration=\"P1D\">\
         <md:RoleDescriptor xsi:type=\"fed:SecurityTokenServiceType\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xmlns:fed=\"http://docs.oasis-open.org/wsfed/federation/200706\" \
         protocolSupportEnumeration=\"http://docs.oasis-open.org/wsfed/federation/200706\" ServiceDisplayName=\"Partner STS\">\
         {keys}<fed:ClaimTypesOffered><auth:ClaimType xmlns:auth=\"http://docs.oasis-open.org/wsfed/authorization/200706\" \
         Uri=\"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn\" Optional=\"true\">\
         <auth:DisplayName>UPN</auth:DisplayName></auth:ClaimType></fed:ClaimTypesOffered>\
         <fed:PassiveRequestorEndpoint><wsa:EndpointReference xmlns:wsa=\"http://www.w3.org/2005/08/addressing\">\
         <wsa:Address>https://idp.partner.example/adfs/ls/</wsa:Address></wsa:EndpointReference>\
         </fed:PassiveRequestorEndpoint></md:RoleDescriptor>\
         <md:IDPSSODescriptor WantAuthnRequestsSigned=\"true\" cacheDuration=\"PT6H\" \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\
         <md:Extensions><mdui:UIInfo xmlns:mdui=\"urn:oasis:names:tc:SAML:metadata:ui\">\
         <mdui:DisplayName xml:lang=\"en\">Partner</mdui:DisplayName>\
         <mdui:DisplayName xml:lang=\"fr\">Partenaire</mdui:DisplayName></mdui:UIInfo></md:Extensions>{keys}{encryption}\
         <md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" \
         Location=\"https://idp.partner.example/slo\" ResponseLocation=\"https://idp.partner.example/slo/done\"/>\
         <md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:SOAP\" Location=\"https://idp.partner.example/soap\"/>\
         <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>\
         <md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"https://idp.partner.example/sso?a=1&amp;b=2\"/>\
         <md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://idp.partner.example/sso/post\"/>\
         <saml:Attribute xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" Name=\"urn:oid:0.9.2342.19200300.100.1.3\" FriendlyName=\"mail\"/>\
         </md:IDPSSODescriptor></md:EntityDescriptor>"
    )
}

pub(super) fn genuine() -> String {
    document(&[&PARTNER_KEY.0])
}

fn parse(document: &str) -> Result<PartnerMetadata, PartnerMetadataError> {
    read(document.as_bytes(), &WANTED)
}

/// A metadata document, signed as its own.
pub(super) fn signed(document: &str) -> String {
    let start = "cacheDuration=\"P1D\">";
    sign(&edit(document, start, &format!("{start}{}", Signature::of("_metadata").xml())))
}

#[test]
fn both_roles_are_read() {
    let mut metadata = parse(&genuine()).unwrap();
    for certificates in [
        &mut metadata.saml.as_mut().unwrap().signing_certificates,
        &mut metadata.ws_federation.as_mut().unwrap().signing_certificates,
    ] {
        assert_eq!(std::mem::take(certificates), std::slice::from_ref(&PARTNER_KEY.0), "encryption keys sign nothing");
    }
    insta::assert_debug_snapshot!(metadata);
}

#[test]
fn names_come_from_where_they_are() {
    let (_, without) = cut(&genuine(), "mdui:UIInfo");
    let names = |document: &str| {
        let names = parse(document).unwrap().display_names.into_iter();
        names.map(|(language, text)| format!("{language}:{text}")).collect::<Vec<_>>()
    };
    assert_eq!(names(&without), [":Partner STS"]);
    let organization = "<md:Organization><md:OrganizationDisplayName xml:lang=\"de\"> Firma </md:OrganizationDisplayName></md:Organization></md:EntityDescriptor>";
    let other =
        edit(&edit(&without, " ServiceDisplayName=\"Partner STS\"", ""), "</md:EntityDescriptor>", organization);
    assert_eq!(names(&other), ["de:Firma"]);
}

#[test]
fn one_role_is_enough_and_none_is_not() {
    let (_, ws_federation) = cut(&genuine(), "md:IDPSSODescriptor");
    assert!(parse(&ws_federation).unwrap().saml.is_none());
    let (_, saml) = cut(&genuine(), "md:RoleDescriptor");
    assert!(parse(&saml).unwrap().ws_federation.is_none());
    let (_, neither) = cut(&saml, "md:IDPSSODescriptor");
    let no_role = |document: &str| matches!(parse(document), Err(PartnerMetadataError::NoRole { .. }));
    assert!(no_role(&neither));
    assert!(no_role(&edit(&saml, "SAML:2.0:protocol\"", "SAML:1.1:protocol\"")), "a role of SAML 1.1");
    assert!(no_role(&edit(&ws_federation, "fed:SecurityTokenServiceType", "fed:ApplicationServiceType")));
    let (role, _) = cut(&genuine(), "md:RoleDescriptor");
    let twice = edit(&genuine(), &role, &role.repeat(2));
    assert!(matches!(parse(&twice), Err(PartnerMetadataError::TooMany { limit: 1, .. })));
}

#[test]
fn the_wanted_entity_is_found_once() {
    let other = edit(&edit(&genuine(), PARTNER, "https://other.example"), "_metadata", "_other");
    let group = |content: &str| {
        format!(
            "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{content}</md:EntitiesDescriptor>"
        )
    };
    let both = group(&format!("{}{}", group(&other), genuine()));
    let find = |id| read(both.as_bytes(), &Wanted { entity_id: id, ..WANTED });
    assert_eq!(&*find(Some(PARTNER)).unwrap().entity_id, PARTNER);
    assert_eq!(&*find(Some("https://other.example")).unwrap().entity_id, "https://other.example");
    assert!(matches!(find(None), Err(PartnerMetadataError::SeveralEntities { count: 2, .. })));
    assert!(matches!(find(Some("https://nobody.example")), Err(PartnerMetadataError::NoSuchEntity { .. })));
    let twice = group(&format!("{}{}", genuine(), edit(&genuine(), "_metadata", "_again")));
    let error = read(twice.as_bytes(), &Wanted { entity_id: Some(PARTNER), ..WANTED }).unwrap_err();
    assert!(matches!(error, PartnerMetadataError::SeveralEntities { count: 2, .. }));
    for bad in ["<x/>".to_owned(), response_with("_r", ""), edit(&genuine(), "2.0:metadata", "2.0:other")] {
        assert!(matches!(parse(&bad), Err(PartnerMetadataError::NotMetadata { .. })), "{bad}");
    }
    let nameless = edit(&genuine(), PARTNER, "");
    assert!(matches!(parse(&nameless), Err(PartnerMetadataError::Missing { attribute: "entityID", .. })));
}

#[test]
fn limits_of_all_elements_around_count() {
    let around = format!(
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" validUntil=\"2026-01-10T00:00:00Z\" \
         cacheDuration=\"PT5M\">{}</md:EntitiesDescriptor>",
        genuine()
    );
    let metadata = parse(&around).unwrap();
    assert_eq!(metadata.valid_until, Some(UtcTime::from_xml("2026-01-10T00:00:00Z").unwrap()));
    assert_eq!(metadata.cache_duration, Some(Duration::from_mins(5)));
    let over =
        |from: &str, to: &str| matches!(parse(&edit(&around, from, to)), Err(PartnerMetadataError::Expired { .. }));
    assert!(over("2026-01-10T00:00:00Z", "2026-01-05T10:00:01Z"), "the group");
    assert!(over("2026-02-01T00:00:00Z", "2026-01-05T10:00:01Z"), "the entity");
    assert!(over("<md:IDPSSODescriptor ", "<md:IDPSSODescriptor validUntil=\"2026-01-05T10:00:01Z\" "), "the role");
    for (from, to) in [("2026-01-10T00:00:00Z", "soon"), ("PT5M", "5 minutes"), ("PT6H", "-PT6H")] {
        assert!(matches!(parse(&edit(&around, from, to)), Err(PartnerMetadataError::Value { .. })), "{to}");
    }
}

#[test]
fn a_demanded_signature_is_the_roots_and_of_a_known_key() {
    let keys = VerificationKeys::from_certificates([&PARTNER_KEY.0[..]]).unwrap();
    let wanted = Wanted { signed_by: Some(&keys), ..WANTED };
    let verify = |document: &str| read(document.as_bytes(), &wanted);
    let good = signed(&genuine());
    assert_eq!(verify(&good).unwrap().signed, Signed::Verified);
    assert_eq!(parse(&good).unwrap().signed, Signed::No, "nobody asked");
    assert!(matches!(verify(&genuine()), Err(PartnerMetadataError::Signature(VerifyError::Missing { .. }))));
    let altered = edit(&good, "https://idp.partner.example/adfs/ls/", "https://evil.example/adfs/ls/");
    assert!(matches!(verify(&altered), Err(PartnerMetadataError::Signature(VerifyError::Invalid { .. }))));
    let sha1 = edit(&good, RSA_SHA256, "http://www.w3.org/2000/09/xmldsig#rsa-sha1");
    assert!(matches!(verify(&sha1), Err(PartnerMetadataError::Signature(VerifyError::Algorithm { .. }))));
    let commented = edit(&good, "Partenaire", "Part<!-- -->enaire");
    assert!(matches!(verify(&commented), Err(PartnerMetadataError::Signature(VerifyError::Scan(_)))));
    let strangers = sign_with(
        &edit(&genuine(), "\"P1D\">", &format!("\"P1D\">{}", Signature::of("_metadata").xml())),
        &STRANGER_KEY.1,
    );
    assert!(verify(&strangers).is_err());
    // Wrapped: the signed entity in a group that is not signed, and beside a forged one of the same name.
    let group = |content: &str| {
        format!(
            "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" ID=\"_group\">{content}</md:EntitiesDescriptor>"
        )
    };
    let forged = edit(&edit(&genuine(), "_metadata", "_forged"), "idp.partner.example", "evil.example");
    for content in [good.clone(), format!("{forged}{good}"), format!("{good}{forged}")] {
        assert!(verify(&group(&content)).is_err());
    }
    let whole = sign(&group(&format!("{}{}", Signature::of("_group").xml(), genuine())));
    assert_eq!(verify(&whole).unwrap().signed, Signed::Verified);
}

#[test]
fn certificates_that_cannot_verify_are_named_and_the_others_are_used() {
    let weak = openssl::rsa::Rsa::generate(1024).and_then(openssl::pkey::PKey::from_rsa).unwrap();
    let mut builder = openssl::x509::X509::builder().unwrap();
    builder.set_pubkey(&weak).unwrap();
    builder.set_not_before(&openssl::asn1::Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&openssl::asn1::Asn1Time::days_from_now(1).unwrap()).unwrap();
    builder.sign(&weak, openssl::hash::MessageDigest::sha256()).unwrap();
    let weak = builder.build().to_der().unwrap();
    let saml = parse(&document(&[&weak, b"no certificate", &PARTNER_KEY.0, &PARTNER_KEY.0])).unwrap().saml.unwrap();
    assert_eq!((saml.signing_certificates.len(), saml.unusable_certificates.len()), (1, 2));
    for none in [document(&[]), document(&[&weak])] {
        assert!(matches!(parse(&none), Err(PartnerMetadataError::NoCertificate { .. })));
    }
    // A key for both uses, and a chain whose first certificate is the key's own.
    let chain =
        format!("</ds:X509Certificate><ds:X509Certificate>{}</ds:X509Certificate>", BASE64.encode(&STRANGER_KEY.0));
    let both = edit(&edit(&genuine(), " use=\"signing\"", ""), "\n</ds:X509Certificate>", &chain);
    assert_eq!(parse(&both).unwrap().saml.unwrap().signing_certificates, std::slice::from_ref(&PARTNER_KEY.0));
    let other = document(&[&PARTNER_KEY.0, b"\x00"]).replace("\nAA==\n", "!");
    assert_eq!(parse(&other).unwrap().saml.unwrap().unusable_certificates, ["a certificate that is not base64"]);
    let bare = edit(&document(&[&PARTNER_KEY.0, b"\x00"]), "<ds:X509Certificate>\nAA==\n</ds:X509Certificate>", "");
    assert_eq!(parse(&bare).unwrap().saml.unwrap().unusable_certificates, ["a key without a certificate"]);
}

#[test]
fn no_browser_is_sent_to_an_address_like_these() {
    let place = "https://idp.partner.example/sso/post";
    let passive = "https://idp.partner.example/adfs/ls/";
    let response = "https://idp.partner.example/slo/done";
    for bad in [
        "http://idp.partner.example/sso",
        "javascript:alert(1)",
        "//evil.example/",
        "/sso",
        "",
        "https://",
        "https:///sso",
        "https://idp.partner.example@evil.example/",
        "https://idp.partner.example/#x",
        "https://idp.partner.example/ x",
        "https://idp.partner.example\\@evil.example/",
        "https://idp.partner.example/&quot;onload=&quot;x",
        "https://idp.partner.example/&lt;script&gt;",
        "https://idp.partner.example/&#10;x",
        &format!("https://idp.partner.example/{}", "x".repeat(3000)),
    ] {
        for from in [place, passive, response] {
            let error = parse(&edit(&genuine(), from, bad)).unwrap_err();
            assert!(matches!(error, PartnerMetadataError::Url { .. }), "{bad}: {error}");
        }
    }
}

#[test]
fn everything_is_bounded() {
    let genuine = genuine();
    let format = "<md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>";
    let service = "<md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://idp.partner.example/sso/post\"/>";
    let name = "<mdui:DisplayName xml:lang=\"en\">Partner</mdui:DisplayName>";
    let attribute = "<saml:Attribute xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" Name=\"urn:oid:0.9.2342.19200300.100.1.3\" FriendlyName=\"mail\"/>";
    let claim = cut(&genuine, "auth:ClaimType").0;
    let passive = "<wsa:Address>https://idp.partner.example/adfs/ls/</wsa:Address>";
    for (element, limit) in [(format, 64), (service, 31), (name, 127), (attribute, 1024), (&claim, 1024), (passive, 32)]
    {
        parse(&edit(&genuine, element, &element.repeat(limit))).unwrap();
        let error = parse(&edit(&genuine, element, &element.repeat(limit + 1))).unwrap_err();
        assert!(matches!(error, PartnerMetadataError::TooMany { .. }), "{element}: {error}");
    }
    let keys: Vec<_> = std::iter::repeat_n(&b"x"[..], 17).collect();
    assert!(matches!(parse(&document(&keys)), Err(PartnerMetadataError::TooMany { limit: 16, .. })));
    let long = edit(&genuine, "Partenaire", &"x".repeat(3000));
    assert!(matches!(parse(&long), Err(PartnerMetadataError::Value { what: "display name", .. })));
    let deep = format!(
        "{}{genuine}{}",
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">".repeat(70),
        "</md:EntitiesDescriptor>".repeat(70)
    );
    assert!(matches!(parse(&deep), Err(PartnerMetadataError::Read(_))));
    let large =
        edit(&genuine, "</md:EntityDescriptor>", &format!("<x>{}</x></md:EntityDescriptor>", "x".repeat(5 << 20)));
    assert!(matches!(parse(&large), Err(PartnerMetadataError::Read(_))));
    assert!(matches!(parse(&format!("<!DOCTYPE x>{genuine}")), Err(PartnerMetadataError::Read(_))));
}

/// What becomes of `new` after `old`, for each source unsigned, and signed.
fn decisions(new: &str) -> [Decision; 4] {
    let keys = VerificationKeys::from_certificates([&PARTNER_KEY.0[..]]).unwrap();
    let old = parse(&genuine()).unwrap();
    let unsigned = parse(new).unwrap();
    let vouched = read(signed(new).as_bytes(), &Wanted { signed_by: Some(&keys), ..WANTED }).unwrap();
    [
        refresh(&old, &unsigned, Source::Http),
        refresh(&old, &unsigned, Source::Https),
        refresh(&old, &unsigned, Source::File),
        refresh(&old, &vouched, Source::Http),
    ]
}

fn words(decision: &Decision) -> String {
    match decision {
        Decision::Unchanged => String::from("unchanged"),
        Decision::Adopt(_) => String::from("adopt"),
        Decision::Hold(_, reasons) => format!("hold {reasons:?}"),
        Decision::Refuse(_, reasons) => format!("refuse {reasons:?}"),
    }
}

#[test]
fn what_vouches_for_a_document_decides_how_much_it_may_change() {
    let genuine = genuine();
    let added = document(&[&PARTNER_KEY.0, &STRANGER_KEY.0]);
    let swapped = document(&[&STRANGER_KEY.0]);
    let moved = edit(&genuine, "idp.partner.example/sso/post", "idp2.partner.example/sso/post");
    let same_host = edit(&genuine, "idp.partner.example/sso/post", "idp.partner.example/sso/post2");
    let renamed = edit(&genuine, "Partenaire", "Le partenaire");
    let (_, no_role) = cut(&genuine, "md:RoleDescriptor");
    let services = regex::Regex::new("<md:Single[^>]+>").unwrap();
    let unreachable = services.replace_all(&genuine, "").into_owned();
    let other = edit(&genuine, PARTNER, "https://other.example");
    let older = edit(&genuine, "2026-02-01T00:00:00Z", "2026-01-31T00:00:00Z");
    let endless = edit(&genuine, "validUntil=\"2026-02-01T00:00:00Z\" ", "");
    let later = edit(&genuine, "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z");
    let table = [
        ("same", &genuine, ["unchanged", "unchanged", "unchanged", "unchanged"]),
        ("later end", &later, ["unchanged", "unchanged", "unchanged", "unchanged"]),
        ("renamed", &renamed, ["adopt", "adopt", "adopt", "adopt"]),
        ("certificate added", &added, ["refuse [Unprotected]", "adopt", "adopt", "adopt"]),
        ("certificates swapped", &swapped, ["refuse [Unprotected, KeySwap]", "hold [KeySwap]", "adopt", "adopt"]),
        ("address on another host", &moved, ["refuse [Unprotected, OtherHost]", "hold [OtherHost]", "adopt", "adopt"]),
        ("address on the same host", &same_host, ["refuse [Unprotected]", "adopt", "adopt", "adopt"]),
        ("role gone", &no_role, ["refuse [RoleGone]"; 4]),
        ("no address", &unreachable, ["refuse [NoEndpoint]"; 4]),
        ("another entity", &other, ["refuse [OtherEntity]"; 4]),
        ("older", &older, ["hold [Older]", "hold [Older]", "adopt", "hold [Older]"]),
        ("without an end", &endless, ["hold [Older]", "hold [Older]", "adopt", "hold [Older]"]),
    ];
    for (name, new, expected) in table {
        // The signature of a swapped document is still by the key that is known.
        assert_eq!(decisions(new).each_ref().map(words), expected, "{name}");
    }
}

#[test]
fn a_roll_over_is_an_addition_and_then_a_removal() {
    let [one, two, three] =
        [document(&[&PARTNER_KEY.0]), document(&[&PARTNER_KEY.0, &STRANGER_KEY.0]), document(&[&STRANGER_KEY.0])]
            .map(|document| parse(&document).unwrap());
    let Decision::Adopt(added) = refresh(&one, &two, Source::Https) else { panic!() };
    let id = hex::encode_upper(openssl::hash::hash(openssl::hash::MessageDigest::sha1(), &STRANGER_KEY.0).unwrap());
    assert!(added.contains(&Change::CertificateAdded(Role::Saml, id.clone())), "{added:?}");
    assert!(added.contains(&Change::CertificateAdded(Role::WsFederation, id.clone())));
    assert_eq!(added[0].to_string(), format!("SAML 2.0 signing certificate {id} added"));
    let Decision::Adopt(removed) = refresh(&two, &three, Source::Http) else { panic!() };
    assert!(removed.iter().all(|change| matches!(change, Change::CertificateRemoved(..))), "{removed:?}");
    assert!(matches!(refresh(&one, &three, Source::Https), Decision::Hold(_, reasons) if reasons == [Reason::KeySwap]));
}

#[test]
fn a_role_that_is_new_needs_a_key_that_is_known() {
    let (role, without) = cut(&genuine(), "md:RoleDescriptor");
    let old = parse(&without).unwrap();
    let with =
        |role: &str| parse(&edit(&without, "<md:IDPSSODescriptor ", &format!("{role}<md:IDPSSODescriptor "))).unwrap();
    let decide = |role: &str, source| words(&refresh(&old, &with(role), source));
    assert_eq!(decide(&role, Source::Https), "adopt");
    assert_eq!(decide(&role, Source::Http), "refuse [Unprotected]");
    let (strangers, _) = cut(&document(&[&STRANGER_KEY.0]), "md:RoleDescriptor");
    assert_eq!(decide(&strangers, Source::Https), "hold [KeySwap]");
    assert_eq!(decide(&strangers, Source::File), "adopt");
    // A role that was there before keeps a key of its own, not the other role's.
    let apart = parse(&edit(&without, "<md:IDPSSODescriptor ", &format!("{strangers}<md:IDPSSODescriptor "))).unwrap();
    let crossed = parse(&document(&[&STRANGER_KEY.0])).unwrap();
    assert_eq!(words(&refresh(&apart, &crossed, Source::Https)), "hold [KeySwap]");
    let elsewhere = edit(&role, "https://idp.partner.example/", "https://idp2.partner.example/");
    assert_eq!(decide(&elsewhere, Source::Https), "hold [OtherHost]");
}
