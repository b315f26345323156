//! Logout requests of partners: genuine ones are read, and each way to forge, alter or misdirect one is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chancery::clock::UtcTime;
use chancery::protocols::samlp::logout::{Header, LogoutError, LogoutReason, LogoutRequest};
use chancery::protocols::samlp::logout_request::{
    Carried, ReceivedLogout, claimed_issuer, is_logout_response, receive,
};
use chancery::tokens::NameIdentifier;
use chancery::tokens::inbound::{InboundError, Limit};
use chancery::xml::verify::VerifyError;

use super::requests::{ID, OURS, SHA256, THEIRS};
use super::support::*;

fn name() -> NameIdentifier {
    NameIdentifier {
        value: "_bob".into(),
        format: Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent".into()),
        name_qualifier: None,
        sp_name_qualifier: Some(US.into()),
    }
}

fn request(name: &NameIdentifier) -> LogoutRequest<'_> {
    LogoutRequest {
        header: Header { id: &ID, issue_instant: NOW, destination: ACS, issuer: PARTNER },
        name_identifier: name,
        session_index: Some("_1"),
        not_on_or_after: Some(NOW.plus(std::time::Duration::from_mins(2))),
        reason: LogoutReason::User,
    }
}

/// The same by both bindings.
async fn both(request: &LogoutRequest<'_>) -> [Carried; 2] {
    [
        Carried::Query(request.to_query(Some("state"), &THEIRS, SHA256).await.unwrap()),
        Carried::Form(request.to_form(&THEIRS, SHA256).await.unwrap()),
    ]
}

fn take(message: &Carried) -> Result<ReceivedLogout, LogoutError> {
    receive(message, &partner(), &web_sso())
}

fn signature(refused: LogoutError) -> VerifyError {
    match refused {
        LogoutError::Inbound(InboundError::Signature(error)) => error,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_request_says_whose_session_ends() {
    let name = name();
    for message in both(&request(&name)).await {
        assert_eq!(claimed_issuer(&message).unwrap(), PARTNER);
        let received = take(&message).unwrap();
        assert_eq!((received.id.as_str(), &received.name_identifier), (ID.as_str(), &name));
        assert_eq!(received.session_indexes, ["_1".into()]);
        assert_eq!(received.until, NOW.plus(std::time::Duration::from_mins(7)), "two minutes, and the skew");
    }
    let all = LogoutRequest { session_index: None, not_on_or_after: None, ..request(&name) };
    for message in both(&all).await {
        assert!(take(&message).unwrap().session_indexes.is_empty());
    }
}

#[tokio::test]
async fn a_request_must_be_the_partners_to_us_and_of_now() {
    type Change = fn(&mut LogoutRequest<'_>);
    type Expected = fn(&InboundError) -> bool;
    let cases: [(&str, Change, Expected); 5] = [
        ("issuer", |request| request.header.issuer = US, |error| matches!(error, InboundError::Issuer { .. })),
        (
            "destination",
            |request| request.header.destination = "https://other.example/",
            |error| matches!(error, InboundError::Recipient { .. }),
        ),
        (
            "future",
            |request| request.header.issue_instant = UtcTime::from_xml("2026-01-05T10:05:02Z").unwrap(),
            |error| matches!(error, InboundError::TooEarly { limit: Limit::IssueInstant, .. }),
        ),
        (
            "past",
            |request| request.header.issue_instant = UtcTime::from_xml("2026-01-05T09:50:01Z").unwrap(),
            |error| matches!(error, InboundError::TooLate { limit: Limit::IssueInstant, .. }),
        ),
        (
            "over",
            |request| request.not_on_or_after = Some(UtcTime::from_xml("2026-01-05T09:55:01Z").unwrap()),
            |error| matches!(error, InboundError::TooLate { limit: Limit::Conditions, .. }),
        ),
    ];
    let name = name();
    for (what, change, expected) in cases {
        let mut request = request(&name);
        change(&mut request);
        for message in both(&request).await {
            let refused = take(&message).unwrap_err();
            assert!(matches!(&refused, LogoutError::Inbound(error) if expected(error)), "{what}: {refused}");
        }
    }
}

#[tokio::test]
async fn a_request_that_the_partner_did_not_sign_ends_nothing() {
    let name = name();
    let request = request(&name);
    let query = request.to_query(Some("state"), &THEIRS, SHA256).await.unwrap();
    let refused = |query: &str| signature(take(&Carried::Query(query.to_owned())).unwrap_err());
    let (unsigned, _) = query.split_once("&SigAlg=").unwrap();
    assert!(matches!(refused(unsigned), VerifyError::Missing { .. }));
    assert!(matches!(refused(&edit(&query, "RelayState=state", "RelayState=other")), VerifyError::Invalid { .. }));
    let strangers = request.to_query(None, &OURS, SHA256).await.unwrap();
    assert!(matches!(refused(&strangers), VerifyError::Invalid { .. }));

    let form = |text: &str| signature(take(&Carried::Form(BASE64.encode(text))).unwrap_err());
    let signed = BASE64.decode(request.to_form(&THEIRS, SHA256).await.unwrap()).unwrap();
    let signed = String::from_utf8(signed).unwrap();
    let (_, without) = cut(&signed, "ds:Signature");
    assert!(matches!(form(&without), VerifyError::Missing { .. }));
    assert!(matches!(form(&edit(&signed, ">_bob<", ">_alice<")), VerifyError::Invalid { .. }));
    // The genuine one inside of another: what is read is what was signed, or nothing.
    let wrapped = edit(&edit(&without, ID.as_str(), "_evil"), ">_bob<", ">_alice<");
    let wrapped = edit(&wrapped, "<saml:NameID", &format!("<samlp:Extensions>{signed}</samlp:Extensions><saml:NameID"));
    assert!(matches!(form(&wrapped), VerifyError::Missing { .. }));
}

#[tokio::test]
async fn other_messages_of_the_partner_are_no_requests() {
    let form = BASE64.encode(signed_response());
    assert!(matches!(
        signature(take(&Carried::Form(form.clone())).unwrap_err()),
        VerifyError::Missing { .. } | VerifyError::Invalid { .. }
    ));
    assert!(!is_logout_response(&form) && !is_logout_response("") && !is_logout_response("PGE+"));
    for nothing in ["", "SAMLRequest=", "SAMLRequest=AAAA", "SAMLRequest=AAAA&SAMLResponse=AAAA", "x=y"] {
        let message = Carried::Query(nothing.to_owned());
        assert!(
            matches!(claimed_issuer(&message), Err(LogoutError::Carrier(_) | LogoutError::Inbound(_))),
            "{nothing}"
        );
        assert!(take(&message).is_err());
    }
}
