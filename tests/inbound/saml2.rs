//! SAML 2.0 responses: the genuine one, and each that is genuine in all but one thing.

use std::sync::Arc;
use std::time::Duration;

use chancery::clock::{ManualClock, UtcTime};
use chancery::protocols::samlp::StatusCode;
use chancery::protocols::samlp::response::{self, ResponseError};
use chancery::store::{MemoryOneTime, StoreError};
use chancery::tokens::inbound::{Delivery, InboundAssertion, InboundError, Limit, Partner};
use chancery::xml::verify::VerifyError;

use super::support::*;

fn memory(capacity: usize) -> MemoryOneTime {
    MemoryOneTime::new(Arc::new(ManualClock::at(NOW)), capacity)
}

async fn redeemed(message: &str) -> InboundAssertion {
    receive(message).unwrap().redeem(&memory(1)).await.unwrap()
}

/// The response with one text changed before it is signed.
fn variant(from: &str, to: &str) -> String {
    sign(&edit(&unsigned_response(), from, to))
}

#[tokio::test]
async fn a_genuine_response_says_what_the_partner_said() {
    insta::assert_debug_snapshot!(redeemed(&signed_response()).await);
}

#[tokio::test]
async fn a_response_signed_beside_its_assertion_is_read_from_what_was_signed() {
    let both = signed_twice(&signed_response());
    assert_eq!(&*redeemed(&both).await.issuer, PARTNER);
    for (from, to) in [
        ("Destination=\"https://sts", "Destination=\"https://evil"),
        ("<samlp:Status>", "<samlp:Status ><samlp:StatusMessage>x</samlp:StatusMessage>"),
    ] {
        let error = refused(&edit(&both, from, to));
        assert!(matches!(error, InboundError::Signature(VerifyError::Invalid { .. })), "{to}: {error}");
    }
    let nowhere = edit(&signed_response(), &format!(" Destination=\"{ACS}\""), "");
    taken(receive(&nowhere));
    let error = refused(&signed_twice(&nowhere));
    assert_eq!(error, InboundError::Missing { element: "Response", what: "Destination" });
}

/// Signs the response as well.
fn signed_twice(response: &str) -> String {
    let issuer = format!("<saml:Issuer>{PARTNER}</saml:Issuer><samlp:Status>");
    let place = format!("<saml:Issuer>{PARTNER}</saml:Issuer>{}<samlp:Status>", Signature::of("_response").xml());
    sign(&edit(response, &issuer, &place))
}

#[test]
fn an_assertion_that_is_not_signed_itself_is_refused() {
    let (_, unsigned) = cut(&signed_response(), "ds:Signature");
    assert!(matches!(refused(&unsigned), InboundError::Signature(VerifyError::Missing { .. })));
    let around = signed_twice(&unsigned);
    assert!(matches!(refused(&around), InboundError::Signature(VerifyError::Missing { .. })), "response alone");
}

#[test]
fn it_must_be_of_the_partner_and_for_this_server() {
    let issuer = format!("<saml:Issuer>{PARTNER}</saml:Issuer>");
    let issuers = [
        (&*issuer, "<saml:Issuer>https://other.example</saml:Issuer>"),
        (&issuer, "<saml:Issuer>https://IDP.partner.example/saml</saml:Issuer>"),
        (&issuer, "<saml:Issuer> https://idp.partner.example/saml</saml:Issuer>"),
    ];
    for (from, to) in issuers {
        // The assertion's alone, then the response's alone.
        let assertion = sign(&response_with("_response", &edit(&unsigned_assertion("_assertion", "a"), from, to)));
        assert!(matches!(refused(&assertion), InboundError::Issuer { .. }), "{to}");
        let error = refused(&signed_response().replacen(from, to, 1));
        assert!(matches!(error, InboundError::Issuer { .. }), "{to} of the response: {error}");
    }
    let format = variant("<saml:Issuer>", "<saml:Issuer Format=\"urn:x\">");
    assert!(matches!(refused(&format), InboundError::Value { what: "Format of Issuer", .. }));
    let restriction =
        format!("<saml:AudienceRestriction><saml:Audience>{US}</saml:Audience></saml:AudienceRestriction>");
    let other =
        "<saml:AudienceRestriction><saml:Audience>https://rp.example</saml:Audience></saml:AudienceRestriction>";
    for bad in [other.to_owned(), format!("{restriction}{other}"), edit(other, ">https://rp.example<", "><")] {
        assert!(matches!(refused(&variant(&restriction, &bad)), InboundError::Audience { .. }), "{bad}");
    }
    assert_eq!(refused(&variant(&restriction, "")), InboundError::NoAudience);
    let second = edit(&restriction, "</saml:Audience>", "</saml:Audience><saml:Audience>urn:x</saml:Audience>");
    taken(receive(&variant(&restriction, &second)));
    let alias = edit(&restriction, US, "https://sts.corp.example/other-name");
    taken(receive(&variant(&restriction, &alias)));
}

#[test]
fn names_of_our_own_authorities_are_no_partners() {
    for name in ["AD AUTHORITY", "ad authority", "LOCAL AUTHORITY", "SELF AUTHORITY", "CLIENT CONTEXT", " ", ""] {
        let partner = Partner { identifier: name, ..partner() };
        let message = variant(PARTNER, name);
        let error = response::receive(message.as_bytes(), &partner, &web_sso()).unwrap_err();
        assert!(matches!(error, ResponseError::Inbound(InboundError::ReservedIdentifier { .. })), "{name}: {error}");
    }
}

#[test]
fn times_hold_with_the_skew_and_not_beyond() {
    let at = |now: UtcTime, skew: u64| {
        let delivery = Delivery { now, skew: Duration::from_secs(skew), ..web_sso() };
        let long = variant("NotOnOrAfter=\"2026-01-05T10:05:00Z\"", "NotOnOrAfter=\"2026-01-05T12:00:00Z\"");
        response::receive(long.as_bytes(), &partner(), &delivery).map(drop)
    };
    let clock = |text| UtcTime::from_xml(text).unwrap();
    let too = |result: Result<(), ResponseError>| match result.unwrap_err() {
        ResponseError::Inbound(error) => error,
        other => panic!("{other}"),
    };
    // Issued at 10:00:00, valid from 09:59:30, until 11:00:00.
    assert_eq!(at(clock("2026-01-05T10:00:00Z"), 0), Ok(()));
    assert_eq!(at(clock("2026-01-05T10:59:59Z"), 0), Ok(()));
    assert_eq!(at(clock("2026-01-05T11:00:59Z"), 60), Ok(()));
    assert!(matches!(
        too(at(clock("2026-01-05T11:00:00Z"), 0)),
        InboundError::TooLate { limit: Limit::Conditions, .. }
    ));
    assert!(matches!(too(at(clock("2026-01-05T11:01:00Z"), 60)), InboundError::TooLate { .. }));
    assert_eq!(at(clock("2026-01-05T09:59:00Z"), 60), Ok(()));
    let early = too(at(clock("2026-01-05T09:58:59Z"), 60));
    assert!(matches!(early, InboundError::TooEarly { limit: Limit::IssueInstant, .. }), "{early}");
}

#[test]
fn each_limit_counts_by_itself() {
    let issued = "Version=\"2.0\" IssueInstant=\"2026-01-05T10:00:00Z\"><saml:Issuer>";
    let cases = [
        ("NotBefore=\"2026-01-05T09:59:30Z\"", "NotBefore=\"2026-01-05T10:05:02Z\"", Limit::Conditions),
        ("NotOnOrAfter=\"2026-01-05T11:00:00Z\"", "NotOnOrAfter=\"2026-01-05T09:55:01Z\"", Limit::Conditions),
        ("NotOnOrAfter=\"2026-01-05T10:05:00Z\"", "NotOnOrAfter=\"2026-01-05T09:55:01Z\"", Limit::Confirmation),
        (
            "<saml:SubjectConfirmationData ",
            "<saml:SubjectConfirmationData NotBefore=\"2026-01-05T10:05:02Z\" ",
            Limit::Confirmation,
        ),
        (
            "AuthnInstant=\"2026-01-05T09:58:00Z\"",
            "AuthnInstant=\"2026-01-05T10:05:02Z\"",
            Limit::AuthenticationInstant,
        ),
        (
            "SessionNotOnOrAfter=\"2026-01-05T18:00:00Z\"",
            "SessionNotOnOrAfter=\"2026-01-05T09:55:01Z\"",
            Limit::Session,
        ),
        (issued, "Version=\"2.0\" IssueInstant=\"2026-01-05T10:05:02Z\"><saml:Issuer>", Limit::IssueInstant),
    ];
    for (from, to, expected) in cases {
        let (InboundError::TooEarly { limit, .. } | InboundError::TooLate { limit, .. }) = refused(&variant(from, to))
        else {
            panic!("{to}");
        };
        assert_eq!(limit, expected, "{to}");
    }
    let response = "IssueInstant=\"2026-01-05T10:00:00Z\" Destination";
    let late = edit(&signed_response(), response, "IssueInstant=\"2026-01-05T10:05:02Z\" Destination");
    assert!(matches!(refused(&late), InboundError::TooEarly { limit: Limit::IssueInstant, .. }));
}

#[test]
fn times_that_are_none_are_refused() {
    for (from, to) in [
        ("NotBefore=\"2026-01-05T09:59:30Z\"", "NotBefore=\"2026-01-05T09:59:30\""),
        ("NotOnOrAfter=\"2026-01-05T11:00:00Z\"", "NotOnOrAfter=\"\""),
        ("AuthnInstant=\"2026-01-05T09:58:00Z\"", "AuthnInstant=\"yesterday\""),
        ("SessionNotOnOrAfter=\"2026-01-05T18:00:00Z\"", "SessionNotOnOrAfter=\"never\""),
        ("IssueInstant=\"2026-01-05T10:00:00Z\"><", "IssueInstant=\"1\"><"),
    ] {
        assert!(matches!(refused(&variant(from, to)), InboundError::Value { .. }), "{to}");
    }
    let response = edit(&signed_response(), "IssueInstant=\"2026-01-05T10:00:00Z\" Dest", "IssueInstant=\"0\" Dest");
    assert!(matches!(refused(&response), InboundError::Value { what: "IssueInstant", .. }));
}

#[test]
fn it_must_have_been_sent_here_as_the_answer_to_our_request() {
    let recipient = format!("Recipient=\"{ACS}\"");
    let confirmed = format!("{recipient} InResponseTo=\"{REQUEST}\"");
    let missing = |what| InboundError::Missing { element: "SubjectConfirmationData", what };
    assert!(matches!(
        refused(&variant(&recipient, "Recipient=\"https://rp.example/\"")),
        InboundError::Recipient { .. }
    ));
    assert_eq!(refused(&variant(&recipient, "")), missing("Recipient"));
    assert_eq!(refused(&variant("NotOnOrAfter=\"2026-01-05T10:05:00Z\" ", "")), missing("NotOnOrAfter"));
    let other = format!("{recipient} InResponseTo=\"_other\"");
    assert!(matches!(refused(&variant(&confirmed, &other)), InboundError::InResponseTo { found: Some(_), .. }));
    assert!(matches!(refused(&variant(&confirmed, &recipient)), InboundError::InResponseTo { found: None, .. }));
    // The response's own, which nobody signed, must agree.
    let response = |from: &str, to: &str| refused(&signed_response().replacen(from, to, 1));
    let destination = format!("Destination=\"{ACS}\"");
    let to = response(&destination, "Destination=\"https://sts.corp.example/adfs/ls\"");
    assert!(matches!(to, InboundError::Recipient { .. }));
    let in_response_to = format!(" InResponseTo=\"{REQUEST}\"");
    assert!(matches!(response(&in_response_to, " InResponseTo=\"_other\""), InboundError::InResponseTo { .. }));
    assert!(matches!(response(&in_response_to, ""), InboundError::InResponseTo { .. }));
}

#[test]
fn unsolicited_means_that_no_request_is_named() {
    let unsolicited = Delivery { in_response_to: None, ..web_sso() };
    let receive = |message: &str| response::receive(message.as_bytes(), &partner(), &unsolicited);
    let (named, unnamed) = (signed_response(), variant(&format!(" InResponseTo=\"{REQUEST}\""), ""));
    taken(receive(&unnamed));
    assert!(matches!(receive(&named), Err(ResponseError::Inbound(InboundError::InResponseTo { .. }))));
}

#[test]
fn only_the_bearer_confirms() {
    let method = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
    for other in ["urn:oasis:names:tc:SAML:2.0:cm:holder-of-key", "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"] {
        let error = refused(&variant(method, other));
        assert_eq!(error, InboundError::Confirmation { found: vec![other.to_owned()] });
    }
    let another = "\"><saml:NameID>proxy</saml:NameID><saml:SubjectConfirmationData ";
    let error = refused(&variant("\"><saml:SubjectConfirmationData ", another));
    assert!(matches!(error, InboundError::Confirmation { .. }), "another entity confirms");
    // Of several, one is enough; of those that do not hold, the last says why.
    let bad = "<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">\
               <saml:SubjectConfirmationData NotOnOrAfter=\"2026-01-05T10:05:00Z\" Recipient=\"https://rp.example/\"/>\
               </saml:SubjectConfirmation><saml:SubjectConfirmation Method=";
    taken(receive(&variant("<saml:SubjectConfirmation Method=", bad)));
    let whole = unsigned_response();
    let (confirmation, _) = cut(&whole, "saml:SubjectConfirmation");
    assert_eq!(refused(&sign(&edit(&whole, &confirmation, ""))), InboundError::Confirmation { found: vec![] });
}

#[test]
fn what_nothing_here_honours_is_not_overlooked() {
    for (from, to) in [
        ("</saml:Conditions>", "<saml:ProxyRestriction Count=\"0\"/></saml:Conditions>"),
        ("</saml:Conditions>", "<saml:Condition xsi:type=\"x:Moon\"/></saml:Conditions>"),
        ("</saml:Conditions>", "<x:AudienceRestriction xmlns:x=\"urn:x\"/></saml:Conditions>"),
        ("</saml:AttributeStatement>", "<saml:EncryptedID/></saml:AttributeStatement>"),
        ("<saml:Subject>", "<saml:Subject><saml:EncryptedID/>"),
        ("<saml:Subject>", "<saml:Subject><saml:BaseID/>"),
        ("<saml:Conditions ", "<saml:Statement xsi:type=\"x:y\"/><saml:Conditions "),
    ] {
        assert!(matches!(refused(&variant(from, to)), InboundError::Unsupported { .. }), "{to}");
    }
    taken(receive(&variant("</saml:Conditions>", "<saml:OneTimeUse/></saml:Conditions>")));
    taken(receive(&variant(
        "<saml:Conditions ",
        "<saml:Advice><x:y xmlns:x=\"urn:x\"/></saml:Advice><saml:Conditions ",
    )));
}

#[test]
fn everything_that_must_be_there_is_there_once() {
    let whole = unsigned_response();
    for tag in ["saml:Conditions", "saml:AuthnStatement"] {
        let (element, without) = cut(&whole, tag);
        assert!(matches!(refused(&sign(&without)), InboundError::Read(_) | InboundError::Missing { .. }), "{tag}");
        let twice = edit(&whole, &element, &format!("{element}{element}"));
        assert!(matches!(refused(&sign(&twice)), InboundError::Read(_)), "{tag} twice");
    }
    let subject = &whole[whole.find("<saml:Subject>").unwrap()..whole.find("<saml:Conditions").unwrap()];
    for bad in ["", &format!("{subject}{subject}")] {
        assert!(matches!(refused(&sign(&edit(&whole, subject, bad))), InboundError::Read(_)), "{bad}");
    }
    let name = &whole[whole.find("<saml:NameID").unwrap()..whole.find("<saml:SubjectConfirmation ").unwrap()];
    assert!(matches!(refused(&sign(&edit(&whole, name, &name.repeat(2)))), InboundError::Read(_)), "two names");
    taken(receive(&sign(&edit(&whole, name, ""))));
    assert!(matches!(
        refused(&variant(">alice@partner.example</saml:NameID", "> </saml:NameID")),
        InboundError::Missing { .. }
    ));
    assert!(matches!(refused(&variant("Name=\"urn:partner:staff\"", "Name=\"\"")), InboundError::Missing { .. }));
    assert!(matches!(
        refused(&variant(
            "Version=\"2.0\" IssueInstant=\"2026-01-05T10:00:00Z\">",
            "Version=\"2.1\" IssueInstant=\"2026-01-05T10:00:00Z\">"
        )),
        InboundError::Value { what: "Version", .. }
    ));
    let version = signed_response().replacen("Version=\"2.0\"", "Version=\"1.1\"", 1);
    assert!(matches!(refused(&version), InboundError::Value { what: "Version", .. }));
}

#[test]
fn a_failure_at_the_partner_is_told_as_what_it_is() {
    let with_status = |status: &str| {
        let success = "<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/>";
        receive(&edit(&response_with("_r", ""), success, status)).unwrap_err()
    };
    let code = |name: &str| format!("urn:oasis:names:tc:SAML:2.0:status:{name}");
    let nested = |outer: &str, inner: &str| {
        format!(
            "<samlp:StatusCode Value=\"{}\"><samlp:StatusCode Value=\"{}\"/></samlp:StatusCode>",
            code(outer),
            code(inner)
        )
    };
    for (inner, detail, number) in [
        ("NoPassive", StatusCode::NoPassive, "MSIS7066"),
        ("AuthnFailed", StatusCode::AuthnFailed, "MSIS7066"),
        ("InvalidNameIDPolicy", StatusCode::InvalidNameIdPolicy, "MSIS7070"),
        ("NoAuthnContext", StatusCode::NoAuthnContext, "MSIS7102"),
        ("RequestDenied", StatusCode::RequestDenied, "MSIS7066"),
        ("UnknownPrincipal", StatusCode::UnknownPrincipal, "MSIS7066"),
        ("RequestUnsupported", StatusCode::RequestUnsupported, "MSIS7066"),
        ("Sunspots", StatusCode::Other(code("Sunspots")), "MSIS7066"),
    ] {
        let error =
            with_status(&format!("{}<samlp:StatusMessage> why </samlp:StatusMessage>", nested("Responder", inner)));
        assert_eq!(error.number(), number, "{inner}");
        let ResponseError::Status(status) = error else { panic!("{error}") };
        assert_eq!((status.code, status.detail), (StatusCode::Responder, Some(detail)));
        assert_eq!(status.message.as_deref(), Some("why"));
    }
    let long = with_status(&format!(
        "{}<samlp:StatusMessage>{}</samlp:StatusMessage>",
        nested("Requester", "x"),
        "x".repeat(5000)
    ));
    assert!(
        matches!(long, ResponseError::Status(status) if status.message.as_ref().is_some_and(|text| text.len() == 512))
    );
    // A success beside a failure is no success.
    let both = "<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/>";
    assert!(matches!(with_status(&both.repeat(2)), ResponseError::Inbound(InboundError::Read(_))));
    assert!(matches!(with_status("<samlp:StatusCode/>"), ResponseError::Inbound(InboundError::Missing { .. })));
    // With an assertion or without.
    let failed = edit(&signed_response(), "status:Success", "status:Responder");
    assert!(matches!(receive(&failed), Err(ResponseError::Status(_))));
}

#[test]
fn other_messages_and_other_texts_are_no_responses() {
    assert_eq!(response::decode_form("PGE+\r\nPC9hPg=="), Ok(b"<a></a>".to_vec()));
    for text in ["!", "PGE", "PGE-PC9hPg=="] {
        assert_eq!(response::decode_form(text), Err(ResponseError::Base64), "{text}");
    }
    let assertion = sign(&unsigned_assertion("_assertion", "alice"));
    assert_eq!(receive(&assertion).unwrap_err(), ResponseError::NotAResponse { found: String::from("Assertion") });
    assert!(matches!(refused(""), InboundError::Read(_)));
    assert!(matches!(refused(&response_with("_r", "")), InboundError::NoAssertion { .. }));
    let inside = response_with("_r", &format!("<samlp:Extensions>{assertion}</samlp:Extensions>"));
    assert!(matches!(refused(&inside), InboundError::NoAssertion { .. }), "in another place");
}

#[tokio::test]
async fn an_assertion_is_good_once_for_each_partner() {
    let store = memory(2);
    receive(&signed_response()).unwrap().redeem(&store).await.unwrap();
    let error = receive(&signed_response()).unwrap().redeem(&store).await.unwrap_err();
    assert_eq!(error, InboundError::Replayed { id: String::from("_assertion") });
    // The same assertion in another response is the same assertion.
    let (assertion, _) = cut(&signed_response(), "saml:Assertion");
    let again = receive(&response_with("_another", &assertion)).unwrap().redeem(&store).await;
    assert!(matches!(again, Err(InboundError::Replayed { .. })));
    // Another partner may use the same identifier.
    let other = Partner { identifier: "https://idp.other.example", ..partner() };
    let message = variant(PARTNER, other.identifier);
    let assertion = response::receive(message.as_bytes(), &other, &web_sso()).unwrap();
    assertion.redeem(&store).await.unwrap();
    // A store that cannot tell refuses.
    let message = variant("_assertion", "_third");
    let full = receive(&message).unwrap().redeem(&store).await;
    assert!(matches!(full, Err(InboundError::Store(StoreError::Full { .. }))), "{full:?}");
}

#[tokio::test]
async fn it_is_remembered_as_long_as_it_could_be_used() {
    let clock = Arc::new(ManualClock::at(NOW));
    let store = MemoryOneTime::new(clock.clone(), 8);
    let receive = |now| response::receive(signed_response().as_bytes(), &partner(), &Delivery { now, ..web_sso() });
    receive(NOW).unwrap().redeem(&store).await.unwrap();
    // Until 10:05:00, and five minutes of skew.
    clock.advance(Duration::from_secs(598));
    let last = NOW.plus(Duration::from_secs(598));
    assert!(matches!(receive(last).unwrap().redeem(&store).await, Err(InboundError::Replayed { .. })));
    assert!(receive(last.plus(Duration::from_secs(1))).is_err());
}
