//! Signatures that are not what they must be: other algorithms, other keys, other elements, other transforms.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chancery::clock::UtcTime;
use chancery::protocols::samlp::response::{self, ResponseError};
use chancery::tokens::inbound::{InboundError, Partner, signing_keys};
use chancery::xml::verify::{KeyError, VerificationKeys, VerifyError};

use super::support::*;

/// A response whose assertion's signature is to be made as `change` says.
fn unsigned(change: impl FnOnce(&mut Signature)) -> String {
    let mut signature = Signature::of("_assertion");
    let plain = signature.xml();
    change(&mut signature);
    edit(&unsigned_response(), &plain, &signature.xml())
}

fn signature_error(message: &str) -> VerifyError {
    match refused(message) {
        InboundError::Signature(error) => error,
        other => panic!("{other}"),
    }
}

#[test]
fn a_strangers_key_is_not_the_partners() {
    let certificate = BASE64.encode(&STRANGER_KEY.0);
    let key_info = format!(
        "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
    );
    let with_certificate = unsigned(|signature| signature.key_info = key_info);
    for message in [unsigned_response(), with_certificate.clone()] {
        let error = signature_error(&sign_with(&message, &STRANGER_KEY.1));
        assert!(matches!(error, VerifyError::Invalid { .. }), "{error}");
    }
    // The certificate shown is of no weight either way.
    taken(receive(&sign(&with_certificate)));
}

#[test]
fn a_second_certificate_of_the_partner_is_taken_and_a_withdrawn_one_is_not() {
    let rolled = sign_with(&unsigned_response(), &STRANGER_KEY.1);
    let keys = VerificationKeys::from_certificates([&PARTNER_KEY.0[..], &STRANGER_KEY.0[..]]).unwrap();
    taken(response::receive(rolled.as_bytes(), &Partner { keys: &keys, ..partner() }, &web_sso()));
    assert!(receive(&rolled).is_err());
    assert_eq!(VerificationKeys::from_certificates([]).unwrap_err(), KeyError::None);
}

#[test]
fn a_certificate_signs_from_its_beginning_to_its_end() {
    let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    let mut certificate = rcgen::CertificateParams::default();
    certificate.not_before = rcgen::date_time_ymd(2026, 1, 5);
    certificate.not_after = rcgen::date_time_ymd(2026, 1, 6);
    let certificate = certificate.self_signed(&pair).unwrap();
    let message = sign_with(&unsigned_response(), &pair.serialize_der());
    let clock = |text| UtcTime::from_xml(text).unwrap();
    let at = |now| {
        let keys = signing_keys([&certificate.der()[..]], clock(now))?;
        taken(response::receive(message.as_bytes(), &Partner { keys: &keys, ..partner() }, &web_sso()));
        Ok::<_, InboundError>(())
    };
    for now in ["2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z"] {
        assert_eq!(at(now), Ok(()), "{now}");
    }
    let last_end = Some(clock("2026-01-06T00:00:00Z"));
    for now in ["2026-01-04T23:59:59Z", "2026-01-06T00:00:01Z"] {
        assert_eq!(at(now), Err(InboundError::NoValidCertificate { last_end }), "{now}");
    }
    // One that is over does not spoil the others, and counts for nothing.
    let both = [&certificate.der()[..], &PARTNER_KEY.0];
    let keys = signing_keys(both, clock("2026-01-07T00:00:00Z")).unwrap();
    let partner = Partner { keys: &keys, ..partner() };
    assert!(response::receive(message.as_bytes(), &partner, &web_sso()).is_err());
    taken(response::receive(signed_response().as_bytes(), &partner, &web_sso()));
    assert_eq!(signing_keys([], NOW).unwrap_err(), InboundError::NoValidCertificate { last_end: None });
    assert!(matches!(signing_keys([&b"x"[..]], NOW), Err(InboundError::Signature(VerifyError::Key(_)))));
}

#[test]
fn every_refusal_has_a_number_and_words() {
    let number = |error: &InboundError| (error.number(), error.to_string());
    let (_, unsigned) = cut(&signed_response(), "ds:Signature");
    assert_eq!(number(&refused(&unsigned)).0, "MSIS0038");
    let none = InboundError::NoValidCertificate { last_end: Some(NOW) };
    insta::assert_snapshot!(number(&none).1, @"none of the partner's signing certificates is valid now; the last ended at 2026-01-05T10:00:01.000Z");
    assert_eq!(number(&none).0, "MSIS0037");
    let audience = InboundError::Audience { found: vec![String::from("urn:a"), String::from("urn:b")] };
    insta::assert_snapshot!(number(&audience).1, @"the assertion is for urn:a, urn:b, not for this server");
    assert_eq!(number(&audience).0, "MSIS7066");
    let answer = InboundError::InResponseTo { found: None, expected: Some(String::from("_request")) };
    insta::assert_snapshot!(number(&answer).1, @"it answers no request, where _request is expected");
    assert_eq!(number(&answer).0, "MSIS7046");
    assert_eq!(receive("<x></x>").unwrap_err().number(), "MSIS7046");
}

#[test]
fn keys_are_never_fetched_or_taken_from_the_message() {
    for content in [
        "<ds:RetrievalMethod URI=\"https://evil.example/key\"/>",
        "<ds:KeyInfoReference URI=\"file:///etc/passwd\"/>",
        "<ds:X509Data><ds:X509Certificate>x</ds:X509Certificate></ds:X509Data><x:Key xmlns:x=\"urn:x\"/>",
    ] {
        let plain = Signature::of("_assertion").xml();
        let with = edit(&plain, "</ds:Signature>", &format!("<ds:KeyInfo>{content}</ds:KeyInfo></ds:Signature>"));
        let message = edit(&unsigned_response(), &plain, &with);
        assert!(matches!(signature_error(&message), VerifyError::Structure { .. }), "{content}");
    }
}

#[test]
fn the_public_key_is_no_secret_for_a_mac() {
    // Algorithm confusion: what everybody knows of the partner, used as the key of a MAC.
    for (method, algorithm) in [
        ("http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", hmac::HMAC_SHA256),
        ("http://www.w3.org/2000/09/xmldsig#hmac-sha1", hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
    ] {
        let message = edit(&signed_response(), RSA_SHA256, method);
        let open = message.find("<ds:SignedInfo>").unwrap();
        let close = message.find("</ds:SignedInfo>").unwrap() + "</ds:SignedInfo>".len();
        let octets = message[open..close]
            .replace("<ds:SignedInfo>", "<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">");
        for secret in [&PARTNER_KEY.0[..], pem("CERTIFICATE", &PARTNER_KEY.0).as_bytes(), b""] {
            let tag = BASE64.encode(hmac::sign(&hmac::Key::new(algorithm, secret), octets.as_bytes()));
            let (before, rest) = message.split_once("<ds:SignatureValue>").unwrap();
            let (_, after) = rest.split_once("</ds:SignatureValue>").unwrap();
            let forged = format!("{before}<ds:SignatureValue>{tag}</ds:SignatureValue>{after}");
            assert!(matches!(signature_error(&forged), VerifyError::Algorithm { .. }), "{method}");
        }
    }
}

#[test]
fn algorithms_that_are_weak_or_none_are_refused() {
    for method in [
        "",
        "none",
        "http://www.w3.org/2000/09/xmldsig#none",
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "https://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    ] {
        let message = edit(&signed_response(), RSA_SHA256, method);
        assert!(matches!(signature_error(&message), VerifyError::Algorithm { .. }), "{method}");
    }
    for digest in ["", "http://www.w3.org/2000/09/xmldsig#sha1", "http://www.w3.org/2001/04/xmldsig-more#md5"] {
        let message = edit(&signed_response(), SHA256, digest);
        assert!(matches!(signature_error(&message), VerifyError::Algorithm { .. }), "{digest}");
    }
    let emptied = signed_response();
    let (before, rest) = emptied.split_once("<ds:SignatureValue>").unwrap();
    let (_, after) = rest.split_once("</ds:SignatureValue>").unwrap();
    let emptied = format!("{before}<ds:SignatureValue></ds:SignatureValue>{after}");
    assert!(matches!(signature_error(&emptied), VerifyError::Invalid { .. }), "no value at all");
}

#[test]
fn sha1_is_taken_where_the_trust_says_so_and_nowhere_else() {
    let sha1 = sha1_signed();
    assert!(matches!(signature_error(&sha1), VerifyError::Algorithm { .. }));
    let allowing = Partner { sha1: true, ..partner() };
    taken(response::receive(sha1.as_bytes(), &allowing, &web_sso()));
    taken(response::receive(signed_response().as_bytes(), &allowing, &web_sso()));
    let altered = edit(&sha1, "alice", "admin");
    assert!(response::receive(altered.as_bytes(), &allowing, &web_sso()).is_err());
}

/// The response with an RSA-SHA1 signature, which the engine of the tests does not make.
fn sha1_signed() -> String {
    let message = edit(&signed_response(), RSA_SHA256, "http://www.w3.org/2000/09/xmldsig#rsa-sha1");
    let open = message.find("<ds:SignedInfo>").unwrap();
    let close = message.find("</ds:SignedInfo>").unwrap() + "</ds:SignedInfo>".len();
    let octets = canonical(&message[open..close]);
    let key = openssl::pkey::PKey::private_key_from_der(&PARTNER_KEY.1).unwrap();
    let mut signer = openssl::sign::Signer::new(openssl::hash::MessageDigest::sha1(), &key).unwrap();
    let value = BASE64.encode(signer.sign_oneshot_to_vec(octets.as_bytes()).unwrap());
    let (before, rest) = message.split_once("<ds:SignatureValue>").unwrap();
    let (_, after) = rest.split_once("</ds:SignatureValue>").unwrap();
    format!("{before}<ds:SignatureValue>{value}</ds:SignatureValue>{after}")
}

/// Canonical form of a `SignedInfo` of these tests: its own declaration, and no empty-element tags.
fn canonical(signed_info: &str) -> String {
    let tag = regex::Regex::new("<ds:([A-Za-z]+)( [^<>]*)?/>").unwrap();
    let open =
        signed_info.replace("<ds:SignedInfo>", "<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">");
    tag.replace_all(&open, "<ds:$1$2></ds:$1>").into_owned()
}

#[test]
fn transforms_and_canonicalizations_are_the_two_allowed_ones() {
    for foreign in [
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
        "http://www.w3.org/2002/06/xmldsig-filter2",
        "http://www.w3.org/2000/09/xmldsig#base64",
        "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
    ] {
        for transforms in [[foreign, EXCLUSIVE], [ENVELOPED, foreign]] {
            let message = unsigned(|signature| signature.references = reference("#_assertion", &transforms));
            assert!(matches!(signature_error(&message), VerifyError::Algorithm { .. }), "{foreign}");
        }
        let message = unsigned(|signature| signature.canonicalization = foreign.to_owned());
        assert!(matches!(signature_error(&message), VerifyError::Algorithm { .. }), "{foreign}");
    }
    for transforms in [&[EXCLUSIVE][..], &[ENVELOPED], &[], &[ENVELOPED, EXCLUSIVE, EXCLUSIVE]] {
        let message = unsigned(|signature| signature.references = reference("#_assertion", transforms));
        assert!(matches!(signature_error(&message), VerifyError::Structure { .. }), "{transforms:?}");
    }
}

#[test]
fn a_signature_over_another_element_signs_nothing() {
    let subject = "<saml:Subject ID=\"_subject\">";
    let other = edit(
        &unsigned(|signature| signature.references = reference("#_subject", &[ENVELOPED, EXCLUSIVE])),
        "<saml:Subject>",
        subject,
    );
    assert!(matches!(signature_error(&sign(&other)), VerifyError::Reference { .. }));
    for uri in ["", "#_response", "#xpointer(/)", "https://evil.example/a.xml"] {
        let message = unsigned(|signature| signature.references = reference(uri, &[ENVELOPED, EXCLUSIVE]));
        assert!(matches!(signature_error(&message), VerifyError::Reference { .. }), "{uri}");
    }
    let whole = reference("#_assertion", &[ENVELOPED, EXCLUSIVE]);
    for references in [whole.repeat(2), format!("{whole}{}", reference("#_response", &[ENVELOPED, EXCLUSIVE]))] {
        let message = sign(&unsigned(|signature| signature.references = references));
        assert!(matches!(signature_error(&message), VerifyError::Structure { .. }));
    }
}

#[test]
fn identifiers_are_unique_in_the_whole_message() {
    for attribute in ["ID", "Id", "id", "AssertionID", "xml:id"] {
        let place = format!("<samlp:Status {attribute}=\"_assertion\">");
        let message = edit(&signed_response(), "<samlp:Status>", &place);
        assert!(matches!(signature_error(&message), VerifyError::DuplicateId { .. }), "{attribute}");
    }
    let message = edit(&signed_response(), "ID=\"_response\"", "ID=\"_assertion\"");
    assert!(matches!(signature_error(&message), VerifyError::DuplicateId { .. }));
}

#[test]
fn what_is_altered_after_signing_is_refused() {
    for (from, to) in [
        ("alice@partner.example</saml:NameID>", "admin@partner.example</saml:NameID>"),
        ("alice@partner.example</saml:NameID>", "alice@partner.example </saml:NameID>"),
        ("SPNameQualifier", "NameQualifie"),
        (">one<", ">Domain Admins<"),
        ("xs:boolean", "xs:string"),
        ("NotOnOrAfter=\"2026-01-05T11", "NotOnOrAfter=\"2027-01-05T11"),
        ("PasswordProtectedTransport", "X509"),
        ("<saml:AttributeStatement>", "<saml:AttributeStatement><saml:Attribute Name=\"x\"/>"),
        ("<saml:NameID ", "<saml:NameID xmlns:saml=\"urn:evil\" "),
    ] {
        let error = signature_error(&edit(&signed_response(), from, to));
        assert!(matches!(error, VerifyError::Invalid { .. }), "{to}: {error}");
    }
}

#[test]
fn comments_entities_and_sections_never_reach_a_reader() {
    for (name, from, to) in [
        ("comment in the name", "alice@", "admin<!-- -->@"),
        ("comment that cuts the name", "alice@partner.example<", "alice@partner.example<!-- -->.evil.example<"),
        ("comment in a value", ">one<", ">o<!-- -->ne<"),
        ("comment in the digest", "<ds:DigestValue>", "<ds:DigestValue><!-- x -->"),
        ("section", ">one<", "><![CDATA[one]]><"),
        ("instruction", ">one<", ">on<?x?>e<"),
        ("declared entity", "<samlp:Response ", "<!DOCTYPE x [<!ENTITY e \"admin\">]><samlp:Response "),
        ("external subset", "<samlp:Response ", "<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><samlp:Response "),
        ("undeclared entity", ">one<", ">&admin;<"),
        ("second root", "</samlp:Response>", "</samlp:Response><samlp:Response/>"),
    ] {
        // Before it is signed and after: neither is read, whatever the digest says.
        let message = edit(&signed_response(), from, to);
        let error = receive(&message).unwrap_err();
        let read = matches!(
            &error,
            ResponseError::Inbound(InboundError::Read(_) | InboundError::Signature(VerifyError::Scan(_)))
        );
        assert!(read, "{name}: {error}");
    }
    // A partner that signs a name with a comment in it is refused as well: what it means depends on who reads.
    let commented =
        sign(&edit(&unsigned_response(), "alice@partner.example</saml:NameID>", "admin<!-- -->@x</saml:NameID>"));
    assert!(receive(&commented).is_err());
    let billion = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>";
    assert!(receive(&format!("{billion}{}", signed_response())).is_err());
    let deep =
        edit(&signed_response(), "<samlp:Status>", &format!("{}{}<samlp:Status>", "<x>".repeat(40), "</x>".repeat(40)));
    assert!(receive(&deep).is_err());
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(256))]

    #[test]
    fn no_octet_can_be_changed_unseen(at in 0_usize..1 << 16, octet in proptest::num::u8::ANY, saml2 in proptest::bool::ANY) {
        let genuine = if saml2 { signed_response() } else { signed_rstr() };
        let mut changed = genuine.clone().into_bytes();
        let at = at % changed.len();
        changed[at] = octet;
        let Ok(changed) = String::from_utf8(changed) else { return Ok(()) };
        if saml2 {
            if let Ok(taken) = receive(&changed) {
                proptest::prop_assert_eq!(taken, receive(&genuine).unwrap());
            }
        } else if let Ok(taken) = receive_result(&changed) {
            proptest::prop_assert_eq!(taken, receive_result(&genuine).unwrap());
        }
    }
}
