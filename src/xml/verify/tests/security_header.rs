//! Signatures in a WS-Security header.

use super::*;

const TIMESTAMP: &str = "<u:Timestamp u:Id=\"_0\"><u:Created>2026-01-05T10:00:00Z</u:Created></u:Timestamp>";
const TO: &str = "<a:To u:Id=\"_1\">https://sts.corp.example/adfs/services/trust/13/certificatemixed</a:To>";
const WSS: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-";

fn token() -> String {
    format!(
        "<o:BinarySecurityToken u:Id=\"_t\" ValueType=\"{WSS}x509-token-profile-1.0#X509v3\" \
         EncodingType=\"{WSS}soap-message-security-1.0#Base64Binary\">{}</o:BinarySecurityToken>",
        BASE64.encode(&PARTNER.0)
    )
}

fn key_info(reference: &str) -> String {
    format!("<ds:KeyInfo><o:SecurityTokenReference>{reference}</o:SecurityTokenReference></ds:KeyInfo>")
}

fn by_token() -> String {
    key_info(&format!("<o:Reference URI=\"#_t\" ValueType=\"{WSS}x509-token-profile-1.0#X509v3\"/>"))
}

fn by_thumbprint() -> String {
    let thumbprint = openssl::hash::hash(openssl::hash::MessageDigest::sha1(), &PARTNER.0).unwrap();
    let kind = "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#ThumbprintSHA1";
    key_info(&format!("<o:KeyIdentifier ValueType=\"{kind}\">{}</o:KeyIdentifier>", BASE64.encode(&thumbprint[..])))
}

fn references(ids: &[&str]) -> Template {
    let list: Vec<_> = ids.iter().map(|id| reference(&format!("#{id}"), &[EXCLUSIVE], SHA256)).collect();
    Template { key_info: by_token(), ..Template::new(list.concat()) }
}

fn message(header: &str, security: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" xmlns:a=\"http://www.w3.org/2005/08/addressing\" \
         xmlns:u=\"{WSS}wssecurity-utility-1.0.xsd\" xmlns:o=\"{WSS}wssecurity-secext-1.0.xsd\"><s:Header>{header}\
         <o:Security s:mustUnderstand=\"1\">{security}</o:Security></s:Header><s:Body u:Id=\"_b\"><x>1</x></s:Body></s:Envelope>"
    )
}

fn signed(template: &Template) -> String {
    sign(&message(TO, &format!("{TIMESTAMP}{}{}", token(), template.xml())))
}

fn verify(document: &str) -> Result<MessageSignature, VerifyError> {
    verify_security_header(document.as_bytes(), &Policy::STRICT, &|_| None)
}

fn refused(document: &str) -> VerifyError {
    verify(document).expect_err(document)
}

#[test]
fn timestamp_and_to_are_returned_as_signed() {
    let verified = verify(&signed(&references(&["_0", "_1"]))).unwrap();
    assert_eq!(verified.certificate, PARTNER.0);
    assert_eq!(verified.value.len(), 256);
    let timestamp = verified.timestamp.document().unwrap();
    assert_eq!(timestamp.root().children().next().unwrap().text(), Ok("2026-01-05T10:00:00Z"));
    let to = verified.to.unwrap();
    assert_eq!(
        to.document().unwrap().root().text(),
        Ok("https://sts.corp.example/adfs/services/trust/13/certificatemixed")
    );
    assert_eq!(verified.body, None);
}

#[test]
fn body_and_token_may_be_signed_too() {
    let verified = verify(&signed(&references(&["_b", "_t", "_1", "_0"]))).unwrap();
    let body = verified.body.unwrap();
    assert!(std::str::from_utf8(body.octets()).unwrap().ends_with("<x>1</x></s:Body>"));
    assert!(std::str::from_utf8(verified.timestamp.octets()).unwrap().contains("Timestamp"));
}

#[test]
fn the_certificate_may_be_named_by_thumbprint() {
    let mut template = references(&["_0", "_1"]);
    template.key_info = by_thumbprint();
    assert_eq!(verify(&signed(&template)).unwrap().certificate, PARTNER.0, "in the header");
    let document = sign(&message(TO, &format!("{TIMESTAMP}{}", template.xml())));
    assert!(matches!(refused(&document), VerifyError::TokenReference { .. }));
    for (from, to) in [
        ("#ThumbprintSHA1\"", "#X509SubjectKeyIdentifier\""),
        ("#ThumbprintSHA1\"", "#ThumbprintSHA1\" EncodingType=\"urn:hex\""),
    ] {
        let error = refused(&signed(&template).replace(from, to));
        assert!(matches!(error, VerifyError::TokenReference { .. }), "{to}: {error}");
    }
    let known = |thumbprint: &[u8]| (thumbprint.len() == 20).then(|| PARTNER.0.clone());
    let verified = verify_security_header(document.as_bytes(), &Policy::STRICT, &known).unwrap();
    assert_eq!(verified.certificate, PARTNER.0, "from the directory");
    let wrong = |_: &[u8]| Some(STRANGER.0.clone());
    assert!(matches!(
        verify_security_header(document.as_bytes(), &Policy::STRICT, &wrong),
        Err(VerifyError::Invalid { .. })
    ));
}

#[test]
fn timestamp_and_to_must_be_signed() {
    assert_eq!(refused(&signed(&references(&["_1", "_b"]))), VerifyError::NotCovered { element: "Timestamp" });
    assert_eq!(refused(&signed(&references(&["_0", "_b"]))), VerifyError::NotCovered { element: "To" });
    let without_to = sign(&message("", &format!("{TIMESTAMP}{}{}", token(), references(&["_0"]).xml())));
    assert_eq!(verify(&without_to).unwrap().to, None);
    let no_timestamp = sign(&message(TO, &format!("{}{}", token(), references(&["_1"]).xml())));
    assert!(matches!(refused(&no_timestamp), VerifyError::Missing { .. }));
}

#[test]
fn changes_to_signed_elements_are_seen_and_to_others_are_not_claimed() {
    let document = signed(&references(&["_0", "_1"]));
    for (from, to) in [("10:00:00Z", "11:00:00Z"), ("13/certificatemixed", "2005/certificatemixed")] {
        assert!(matches!(refused(&document.replace(from, to)), VerifyError::Invalid { .. }), "{to}");
    }
    assert_eq!(verify(&document.replace("<x>1</x>", "<x>2</x>")).unwrap().body, None);
}

#[test]
fn references_go_to_known_elements_only() {
    let header = format!("{TO}<x u:Id=\"_x\">1</x>");
    let build = |ids: &[&str]| sign(&message(&header, &format!("{TIMESTAMP}{}{}", token(), references(ids).xml())));
    assert!(matches!(refused(&build(&["_0", "_1", "_x"])), VerifyError::Reference { .. }), "a foreign header");
    assert!(matches!(refused(&build(&["_0", "_1", "_0"])), VerifyError::Reference { .. }), "one element twice");
    let document = build(&["_0", "_1"]);
    for uri in ["#_nothing", "", "http://attacker.example/", "cid:x"] {
        let error = refused(&document.replace("URI=\"#_1\"", &format!("URI=\"{uri}\"")));
        assert!(matches!(error, VerifyError::Reference { .. }), "{uri}");
    }
}

#[test]
fn a_reference_is_a_plain_name_and_there_are_few() {
    let document = signed(&references(&["_0", "_1"]));
    let pointer = document.replace("\"_1\"", "\"xpointer(/)\"").replace("\"#_1\"", "\"#xpointer(/)\"");
    assert!(matches!(refused(&pointer), VerifyError::Reference { .. }));
    // Twelve are looked at: what is wrong then is not their number.
    let most = references(&["_0"; 12]);
    let error = refused(&message("", &format!("{TIMESTAMP}{}{}", token(), most.xml())));
    assert!(!matches!(error, VerifyError::Structure { reason: "number of references", .. }), "{error}");
    let many = references(&["_0"; 13]);
    let error = refused(&message("", &format!("{TIMESTAMP}{}{}", token(), many.xml())));
    assert!(matches!(error, VerifyError::Structure { reason: "number of references", .. }), "{error}");
    let soap11 =
        document.replace("http://www.w3.org/2003/05/soap-envelope", "http://schemas.xmlsoap.org/soap/envelope/");
    assert!(matches!(refused(&soap11), VerifyError::Missing { element, .. } if element == "Envelope"));
}

#[test]
fn a_signed_timestamp_moved_elsewhere_does_not_count() {
    let document = signed(&references(&["_0", "_1"]));
    let moved = document.replace(TIMESTAMP, &TIMESTAMP.replace("_0", "_9").replace("10:00", "12:00"));
    let wrapped = moved.replace("<x>1</x>", TIMESTAMP);
    assert!(matches!(refused(&wrapped), VerifyError::Reference { .. }));
    let second_to = document.replace(TO, &TO.replace("_1", "_9").replace("sts", "evil")).replace("<x>1</x>", TO);
    assert!(matches!(refused(&second_to), VerifyError::Reference { .. }));
}

#[test]
fn doubled_structures_are_refused() {
    let document = signed(&references(&["_0", "_1"]));
    let (signature, _) = cut(&document, "ds:Signature");
    let repeated = |from: &str, to: &str| refused(&document.replace(from, to));
    assert!(matches!(
        repeated(TIMESTAMP, &format!("{TIMESTAMP}{}", TIMESTAMP.replace("_0", "_9"))),
        VerifyError::Repeated { .. }
    ));
    assert!(matches!(repeated(TO, &format!("{TO}{}", TO.replace("_1", "_9"))), VerifyError::Repeated { .. }));
    assert!(matches!(repeated(TO, &format!("{TO}<o:Security></o:Security>")), VerifyError::Repeated { .. }));
    assert!(matches!(repeated("</o:Security>", &format!("{signature}</o:Security>")), VerifyError::Repeated { .. }));
    assert!(matches!(repeated("<x>1</x>", &signature), VerifyError::StraySignature { .. }));
    assert!(matches!(repeated("<x>1</x>", "<x u:Id=\"_0\">1</x>"), VerifyError::DuplicateId { .. }));
    assert!(matches!(repeated("</s:Header>", "</s:Header><s:Header></s:Header>"), VerifyError::Repeated { .. }));
    assert!(matches!(repeated("<s:Body ", "<s:Body></s:Body><s:Body "), VerifyError::Repeated { .. }));
}

#[test]
fn transforms_are_exactly_one() {
    for transforms in [&[ENVELOPED, EXCLUSIVE][..], &[EXCLUSIVE, EXCLUSIVE], &[]] {
        let mut template = references(&["_0"]);
        template.references = reference("#_0", transforms, SHA256);
        let document = message("", &format!("{TIMESTAMP}{}{}", token(), template.xml()));
        assert!(matches!(refused(&document), VerifyError::Structure { .. }));
    }
}

#[test]
fn the_token_is_an_x509_certificate_in_this_header() {
    let document = signed(&references(&["_0", "_1"]));
    for (from, to) in [
        ("URI=\"#_t\"", "URI=\"#_0\""),
        ("URI=\"#_t\"", "URI=\"http://attacker.example/\""),
        ("#X509v3\" Enc", "#X509PKIPathv1\" Enc"),
        ("#Base64Binary\"", "#HexBinary\""),
        ("<o:SecurityTokenReference>", "<o:SecurityTokenReference><x></x>"),
        ("</o:SecurityTokenReference>", "<x></x></o:SecurityTokenReference>"),
        ("<ds:KeyInfo>", "<ds:KeyInfo><ds:KeyName>x</ds:KeyName>"),
    ] {
        let error = refused(&document.replace(from, to));
        assert!(matches!(error, VerifyError::TokenReference { .. }), "{to}: {error}");
    }
    let mut template = references(&["_0", "_1"]);
    template.key_info = String::new();
    assert!(matches!(refused(&signed(&template)), VerifyError::TokenReference { .. }), "no KeyInfo");
    let stranger = document.replace(&BASE64.encode(&PARTNER.0), &BASE64.encode(&STRANGER.0));
    assert!(matches!(refused(&stranger), VerifyError::Invalid { .. }), "another certificate in the token");
}

#[test]
fn sha1_needs_permission() {
    let sha1 = "http://www.w3.org/2000/09/xmldsig#sha1";
    let mut template = references(&["_0", "_1"]);
    let digests_only = signed(&Template { references: template.references.replace(SHA256, sha1), ..template.clone() });
    assert!(matches!(refused(&digests_only), VerifyError::Algorithm { element, .. } if element == "DigestMethod"));
    let signature_only = with_sha1_signature(&signed(&template));
    assert!(matches!(refused(&signature_only), VerifyError::Algorithm { element, .. } if element == "SignatureMethod"));
    template.references = template.references.replace(SHA256, sha1);
    let document = with_sha1_signature(&signed(&template));
    verify_security_header(document.as_bytes(), &Policy::LEGACY, &|_| None).unwrap();
    let changed = document.replace("10:00:00Z", "11:00:00Z");
    assert!(verify_security_header(changed.as_bytes(), &Policy::LEGACY, &|_| None).is_err());
}
