//! Signature wrapping: XSW1 to XSW8 as published (Somorovsky et al. 2012), for responses, and their counterparts for SAML 1.1
//! in a `RequestSecurityTokenResponse`. None may yield the forged name; nearly all must be refused.

use chancery::tokens::inbound::InboundError;

use super::support::*;

const ADMIN: &str = "admin@partner.example";

/// The pieces of a genuine signed assertion: with its signature, the signature alone, without it.
fn pieces(signed: &str) -> (String, String, String) {
    let (whole, _) = cut(signed, "saml:Assertion");
    let (signature, without) = cut(&whole, "ds:Signature");
    (whole, signature, without)
}

/// An assertion as the partner writes it, for somebody else, with `content` where the signature stands.
fn evil(template: &str, id: &str, content: &str) -> String {
    let (signature, _) = cut(template, "ds:Signature");
    edit(&edit(&edit(template, &signature, content), "_assertion", id), "alice@partner.example", ADMIN)
}

fn into_signature(signature: &str, content: &str) -> String {
    edit(signature, "</ds:Signature>", &format!("{content}</ds:Signature>"))
}

#[test]
fn wrapped_assertions_of_a_response_are_refused() {
    let (genuine, signature, original) = pieces(&signed_response());
    let template = unsigned_assertion("_assertion", "alice@partner.example");
    let evil = |id: &str, content: &str| evil(&template, id, content);
    let object = |content: &str| into_signature(&signature, &format!("<ds:Object>{content}</ds:Object>"));
    let extensions = |content: &str| format!("<samlp:Extensions>{content}</samlp:Extensions>");
    for (name, content) in [
        ("XSW3: the forged one before the original", format!("{}{genuine}", evil("_evil", ""))),
        ("XSW3, behind it", format!("{genuine}{}", evil("_evil", ""))),
        ("XSW4: the original in the forged one", evil("_evil", &genuine)),
        ("XSW5: the signature in the forged one", format!("{}{original}", evil("_evil", &signature))),
        (
            "XSW6: the original in the signature of the forged one",
            evil("_evil", &into_signature(&signature, &original)),
        ),
        ("XSW7: the forged one in Extensions", format!("{}{genuine}", extensions(&evil("_assertion", "")))),
        ("XSW7, the original there", format!("{}{}", extensions(&original), evil("_evil", &signature))),
        ("XSW8: the original in an Object", evil("_evil", &object(&original))),
        ("the same identifier twice", format!("{}{original}", evil("_assertion", &signature))),
        ("the original in advice", evil("_evil", &format!("<saml:Advice>{genuine}</saml:Advice>"))),
        (
            "the original in the status",
            format!("<samlp:StatusDetail>{genuine}</samlp:StatusDetail>{}", evil("_evil", "")),
        ),
        ("the forged one signed by its own original", evil("_evil", &edit(&signature, "#_assertion", "#_evil"))),
    ] {
        let message = response_with("_response", &content);
        assert!(receive(&message).is_err(), "{name}");
        let in_another_element = edit(&message, "<samlp:Status>", &format!("<x>{original}</x><samlp:Status>"));
        assert!(receive(&in_another_element).is_err(), "{name}, and once more elsewhere");
    }
}

#[test]
fn wrapped_responses_are_refused() {
    let signed = sign(&edit(
        &signed_response(),
        "<samlp:Status>",
        &format!("{}<samlp:Status>", Signature::of("_response").xml()),
    ));
    taken(receive(&signed));
    // The response's signature stands first, the assertion's second.
    let open = signed.find("<ds:Signature ").unwrap();
    let close = signed.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let signature = signed[open..close].to_owned();
    let original = format!("{}{}", &signed[..open], &signed[close..]);
    let template = unsigned_assertion("_assertion", "alice@partner.example");
    let forged = |content: &str| response_with("_evil_response", &format!("{content}{}", evil(&template, "_evil", "")));
    let object = into_signature(&signature, &format!("<ds:Object>{original}</ds:Object>"));
    for (name, message) in [
        ("XSW1: the original in the signature", forged(&into_signature(&signature, &original))),
        ("XSW1 in an Object", forged(&object)),
        ("XSW2: the original before the signature", forged(&format!("{original}{signature}"))),
        ("XSW2, behind it", forged(&format!("{signature}{original}"))),
        (
            "the response's signature, changed response",
            edit(&signed, "ID=\"_response\"", "ID=\"_response\" Consent=\"x\""),
        ),
        ("the original response inside a forged one", response_with("_evil_response", &signed)),
    ] {
        assert!(receive(&message).is_err(), "{name}");
    }
}

#[test]
fn wrapped_saml11_assertions_are_refused() {
    let (genuine, signature, original) = pieces(&signed_rstr());
    let template = unsigned_saml11("_assertion", "alice@partner.example");
    let evil = |id: &str, content: &str| evil(&template, id, content);
    let object = |content: &str| into_signature(&signature, &format!("<ds:Object>{content}</ds:Object>"));
    let advice = |content: &str| format!("<saml:Advice>{content}</saml:Advice>");
    for (name, token) in [
        ("XSW3", format!("{}{genuine}", evil("_evil", ""))),
        ("XSW3, behind", format!("{genuine}{}", evil("_evil", ""))),
        ("XSW4", evil("_evil", &genuine)),
        ("XSW4 in advice", evil("_evil", &advice(&genuine))),
        ("XSW5", format!("{}{original}", evil("_evil", &signature))),
        ("XSW6", evil("_evil", &into_signature(&signature, &original))),
        ("XSW7", format!("<x>{original}</x>{}", evil("_evil", &signature))),
        ("XSW8", evil("_evil", &object(&original))),
        ("the same identifier twice", format!("{}{original}", evil("_assertion", &signature))),
    ] {
        assert!(receive_result(&rstr(TRUST_2005, &token)).is_err(), "{name}");
    }
    // The counterparts of XSW1 and XSW2: the original in another part of the response, or in another response.
    let response = rstr(TRUST_2005, &evil("_evil", ""));
    for elsewhere in ["RequestedProofToken", "Lifetime", "RequestedSecurityToken"] {
        let added = format!("<t:{elsewhere}>{genuine}</t:{elsewhere}><t:TokenType>");
        assert!(receive_result(&edit(&response, "<t:TokenType>", &added)).is_err(), "{elsewhere}");
    }
    let collection = |content: &str| {
        format!(
            "<t:RequestSecurityTokenResponseCollection xmlns:t=\"{TRUST_2005}\">{content}\
             </t:RequestSecurityTokenResponseCollection>"
        )
    };
    assert!(receive_result(&collection(&format!("{response}{}", signed_rstr()))).is_err());
    assert!(receive_result(&collection(&format!("{}{response}", signed_rstr()))).is_err());
    taken(receive_result(&collection(&signed_rstr())));
}

#[test]
fn two_genuine_assertions_are_one_too_many() {
    let second = sign(&unsigned_assertion("_second", "bob@partner.example"));
    let (first, _) = cut(&signed_response(), "saml:Assertion");
    for content in [format!("{first}{second}"), format!("{second}{first}"), first.repeat(2)] {
        let error = refused(&response_with("_response", &content));
        assert_eq!(error, InboundError::SeveralAssertions { count: 2 });
    }
    // Of another version, or wrapped, it counts as well.
    for other in [sign(&unsigned_saml11("_second", "bob")), String::from("<saml:EncryptedAssertion/>")] {
        let error = refused(&response_with("_response", &format!("{first}{other}")));
        assert_eq!(error, InboundError::SeveralAssertions { count: 2 }, "{other}");
    }
    let nested = sign(&edit(
        &unsigned_response(),
        "<saml:Conditions ",
        &format!("<saml:Advice>{second}</saml:Advice><saml:Conditions "),
    ));
    assert_eq!(refused(&nested), InboundError::SeveralAssertions { count: 2 });
}
