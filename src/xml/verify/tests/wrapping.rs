//! Signature wrapping: XSW1 to XSW8 as published, and their relatives.

use super::*;

const ELEMENT: &SignedElement<'_> = &SignedElement::RESPONSE_ASSERTION;
const RESPONSE: &str =
    "xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"";

fn assertion(id: &str, name: &str, signature: &str) -> String {
    format!(
        "<saml:Assertion ID=\"{id}\"><saml:Issuer>i</saml:Issuer>{signature}\
         <saml:Subject><saml:NameID>{name}</saml:NameID></saml:Subject></saml:Assertion>"
    )
}

fn response(id: &str, content: &str) -> String {
    format!("<samlp:Response {RESPONSE} ID=\"{id}\"><saml:Issuer>i</saml:Issuer>{content}</samlp:Response>")
}

/// A response with a signed assertion.
fn signed() -> String {
    sign(&response("_r", &assertion("_a", "alice", &Template::enveloped("_a").xml())))
}

/// The pieces of it: the signed assertion, its signature, the assertion without.
fn pieces() -> (String, String, String) {
    let document = signed();
    let (with_signature, _) = cut(&document, "saml:Assertion");
    let (signature, without) = cut(&with_signature, "ds:Signature");
    (with_signature, signature, without)
}

fn verify(document: &str) -> Result<VerifiedXml, VerifyError> {
    verify_enveloped(document.as_bytes(), ELEMENT, &partner_keys(), &Policy::STRICT)
}

fn name_of(verified: &VerifiedXml) -> String {
    let document = verified.document().unwrap();
    let name = document.elements().find(|e| e.local() == "NameID").unwrap();
    name.text().unwrap().to_owned()
}

#[test]
fn the_genuine_response_yields_its_assertion() {
    assert_eq!(name_of(&verify(&signed()).unwrap()), "alice");
}

#[test]
fn a_response_may_be_signed_beside_its_assertion_and_both_are_verified() {
    let inner = Template::enveloped("_a").xml();
    // The engine signs the first empty signature it finds: the assertion first, then the response around it.
    let assertion = cut(&sign(&response("_r", &assertion("_a", "alice", &inner))), "saml:Assertion").0;
    let both = sign(&response("_r", &format!("{}{assertion}", Template::enveloped("_r").xml())));
    assert_eq!(name_of(&verify(&both).unwrap()), "alice");
    let changed = both.replace("ID=\"_r\"", "ID=\"_r\" Destination=\"https://evil.example\"");
    assert!(matches!(verify(&changed), Err(VerifyError::Invalid { .. })), "the outer signature counts");
    let alone = SignedElement { root_may_be_signed: false, ..*ELEMENT };
    let error = verify_enveloped(both.as_bytes(), &alone, &partner_keys(), &Policy::STRICT).unwrap_err();
    assert_eq!(error, VerifyError::StraySignature { found: 2, expected: 1 });
}

#[test]
fn a_signature_of_the_response_alone_does_not_sign_the_assertion_for_us() {
    let document =
        sign(&response("_r", &format!("{}{}", Template::enveloped("_r").xml(), assertion("_a", "alice", ""))));
    assert!(matches!(verify(&document), Err(VerifyError::Missing { .. })));
}

#[test]
fn wrapped_responses_are_refused() {
    let genuine =
        sign(&response("_r", &format!("{}{}", Template::enveloped("_r").xml(), assertion("_a", "alice", ""))));
    let (signature, original) = cut(&genuine, "ds:Signature");
    let evil = assertion("_e", "admin", "");
    let inside = signature.replace("</ds:Signature>", &format!("<ds:Object>{original}</ds:Object></ds:Signature>"));
    for (name, document) in [
        (
            "XSW1",
            response(
                "_e2",
                &format!("{}{evil}", signature.replace("</ds:Signature>", &format!("{original}</ds:Signature>"))),
            ),
        ),
        ("XSW1 in Object", response("_e2", &format!("{inside}{evil}"))),
        ("XSW2", response("_e2", &format!("{original}{signature}{evil}"))),
    ] {
        for element in [*ELEMENT, SignedElement { path: &ELEMENT.path[..1], ..*ELEMENT }] {
            let verdict = verify_enveloped(document.as_bytes(), &element, &partner_keys(), &Policy::STRICT);
            assert!(verdict.is_err(), "{name}");
        }
    }
}

#[test]
fn wrapped_assertions_are_refused() {
    let (genuine, signature, unsigned) = pieces();
    let evil = |id: &str, content: &str| assertion(id, "admin", content);
    let holding = |content: &str| signature.replace("</ds:Signature>", &format!("{content}</ds:Signature>"));
    let object = holding(&format!("<ds:Object>{unsigned}</ds:Object>"));
    for (name, content) in [
        ("XSW3", format!("{}{genuine}", evil("_e", ""))),
        ("XSW3, evil last", format!("{genuine}{}", evil("_e", ""))),
        ("XSW4", evil("_e", &genuine)),
        ("XSW5", format!("{}{unsigned}", evil("_e", &signature))),
        ("XSW6", evil("_e", &holding(&unsigned))),
        ("XSW7, same identifier", format!("<samlp:Extensions>{}</samlp:Extensions>{genuine}", evil("_a", ""))),
        (
            "XSW7, original in Extensions",
            format!("<samlp:Extensions>{unsigned}</samlp:Extensions>{}", evil("_e", &signature)),
        ),
        ("XSW8", evil("_e", &object)),
        ("evil with the identifier of the original", format!("{}{unsigned}", evil("_a", &signature))),
        ("original in the status", format!("<samlp:Status>{genuine}</samlp:Status>{}", evil("_e", ""))),
    ] {
        let document = response("_r", &content);
        assert!(verify(&document).is_err(), "{name}");
    }
}

#[test]
fn what_stands_elsewhere_is_not_what_is_read() {
    let (genuine, ..) = pieces();
    let document =
        response("_r", &format!("<samlp:Extensions>{}</samlp:Extensions>{genuine}", assertion("_e", "admin", "")));
    assert_eq!(name_of(&verify(&document).unwrap()), "alice");
}

#[test]
fn a_prefix_rebound_around_the_assertion_changes_nothing_unseen() {
    let (genuine, ..) = pieces();
    let rebound = genuine.replace("<saml:NameID>", "<saml:NameID xmlns:saml=\"urn:evil\">");
    assert!(matches!(verify(&response("_r", &rebound)), Err(VerifyError::Invalid { .. })));
}

#[test]
fn a_signed_request_inside_a_forged_one_is_refused() {
    const REQUEST: SignedElement<'_> = SignedElement {
        path: &[("urn:oasis:names:tc:SAML:2.0:protocol", "AuthnRequest")],
        id_attribute: "ID",
        root_may_be_signed: false,
    };
    let request = |id: &str, url: &str, content: &str| {
        format!(
            "<samlp:AuthnRequest {RESPONSE} ID=\"{id}\" AssertionConsumerServiceURL=\"{url}\">{content}</samlp:AuthnRequest>"
        )
    };
    let genuine = sign(&request("_q", "https://rp.example/acs", &Template::enveloped("_q").xml()));
    let verify = |document: &str| verify_enveloped(document.as_bytes(), &REQUEST, &partner_keys(), &Policy::STRICT);
    verify(&genuine).unwrap();
    let wrapped = request("_e", "https://evil.example", &format!("<samlp:Extensions>{genuine}</samlp:Extensions>"));
    assert!(matches!(verify(&wrapped), Err(VerifyError::Missing { .. })));
    let (signature, _) = cut(&genuine, "ds:Signature");
    let moved =
        request("_e", "https://evil.example", &format!("{signature}<samlp:Extensions>{genuine}</samlp:Extensions>"));
    assert!(verify(&moved).is_err());
}
