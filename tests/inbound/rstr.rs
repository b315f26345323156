//! WS-Federation: assertions in a `RequestSecurityTokenResponse`.

use std::sync::Arc;

use chancery::clock::ManualClock;
use chancery::protocols::wresult;
use chancery::store::MemoryOneTime;
use chancery::tokens::inbound::{InboundError, Limit};
use chancery::xml::verify::VerifyError;

use super::support::*;

fn variant(from: &str, to: &str) -> String {
    let assertion = edit(&unsigned_saml11("_assertion", "alice@partner.example"), from, to);
    rstr(TRUST_2005, &sign(&assertion))
}

fn refused_variant(from: &str, to: &str) -> InboundError {
    receive_result(&variant(from, to)).expect_err(to)
}

#[tokio::test]
async fn a_genuine_result_says_what_the_partner_said() {
    let store = MemoryOneTime::new(Arc::new(ManualClock::at(NOW)), 1);
    let assertion = receive_result(&signed_rstr()).unwrap().redeem(&store).await.unwrap();
    insta::assert_debug_snapshot!(assertion);
    let error = receive_result(&signed_rstr()).unwrap().redeem(&store).await.unwrap_err();
    assert!(matches!(error, InboundError::Replayed { .. }));
}

#[test]
fn every_version_of_the_response_is_read() {
    let saml11 = sign(&unsigned_saml11("_assertion", "alice"));
    let restrictions = format!(" Recipient=\"{ACS}\" InResponseTo=\"{REQUEST}\"");
    let saml2 = sign(&edit(&unsigned_assertion("_assertion", "alice"), &restrictions, ""));
    for token in [saml11, saml2] {
        for namespace in [TRUST_2005, TRUST_13] {
            let response = rstr(namespace, &token);
            taken(receive_result(&response));
            let name = "RequestSecurityTokenResponseCollection";
            taken(receive_result(&format!("<t:{name} xmlns:t=\"{namespace}\">{response}</t:{name}>")));
        }
    }
}

#[test]
fn other_messages_are_no_results() {
    let token = sign(&unsigned_saml11("_assertion", "alice"));
    let response = rstr(TRUST_2005, &token);
    let name = "RequestSecurityTokenResponseCollection";
    for bad in [
        token.clone(),
        rstr("urn:other", &token),
        rstr(TRUST_2005, ""),
        rstr(TRUST_2005, "alice"),
        response_with("_r", &token),
        format!("<t:{name} xmlns:t=\"{TRUST_2005}\">{}</t:{name}>", rstr(TRUST_13, &token)),
        format!("<t:{name} xmlns:t=\"{TRUST_2005}\"/>"),
        edit(&response, "RequestedSecurityToken", "RequestedProofToken"),
        String::from("wsignin1.0"),
    ] {
        let error = receive_result(&bad).expect_err(&bad);
        assert!(matches!(error, InboundError::NoAssertion { .. } | InboundError::Read(_)), "{error}: {bad}");
    }
    // A signature around the assertion is none of this profile.
    let signed = sign(&edit(
        &edit(&response, "<t:TokenType>", &format!("{}<t:TokenType>", Signature::of("_rstr").xml())),
        "<t:RequestSecurityTokenResponse ",
        "<t:RequestSecurityTokenResponse ID=\"_rstr\" ",
    ));
    assert!(matches!(receive_result(&signed), Err(InboundError::Signature(VerifyError::StraySignature { .. }))));
}

#[test]
fn saml2_restrictions_hold_where_they_are_written() {
    let receive = |from: &str, to: &str| {
        receive_result(&rstr(TRUST_2005, &sign(&edit(&unsigned_assertion("_assertion", "alice"), from, to))))
    };
    let request = format!(" InResponseTo=\"{REQUEST}\"");
    taken(receive(&request, ""));
    assert!(matches!(receive("alice", "bob"), Err(InboundError::InResponseTo { found: Some(_), expected: None })));
    let recipient = format!("Recipient=\"{ACS}\"{request}");
    assert!(matches!(receive(&recipient, "Recipient=\"https://x/\""), Err(InboundError::Recipient { .. })));
}

#[test]
fn it_must_be_of_the_partner_for_this_server_and_of_now() {
    let issuer = format!("Issuer=\"{PARTNER}\"");
    assert!(matches!(refused_variant(&issuer, "Issuer=\"https://other.example\""), InboundError::Issuer { .. }));
    let audience = format!("<saml:Audience>{US}</saml:Audience>");
    assert!(matches!(
        refused_variant(&audience, "<saml:Audience>urn:x</saml:Audience>"),
        InboundError::Audience { .. }
    ));
    let restriction = format!("<saml:AudienceRestrictionCondition>{audience}</saml:AudienceRestrictionCondition>");
    assert_eq!(refused_variant(&restriction, ""), InboundError::NoAudience);
    let two = format!("{restriction}{}", restriction.replace(US, "urn:x"));
    assert!(matches!(refused_variant(&restriction, &two), InboundError::Audience { .. }));
    let cases = [
        ("NotBefore=\"2026-01-05T10:00:00.000Z\"", "NotBefore=\"2026-01-05T10:05:02Z\"", Limit::Conditions),
        ("NotOnOrAfter=\"2026-01-05T11:00:00.000Z\"", "NotOnOrAfter=\"2026-01-05T09:55:01Z\"", Limit::Conditions),
        (
            "AuthenticationInstant=\"2026-01-05T09:59:00.000Z\"",
            "AuthenticationInstant=\"2026-01-05T10:05:02Z\"",
            Limit::AuthenticationInstant,
        ),
        ("IssueInstant=\"2026-01-05T10:00:00.000Z\"", "IssueInstant=\"2026-01-05T10:05:02Z\"", Limit::IssueInstant),
    ];
    for (from, to, expected) in cases {
        let (InboundError::TooEarly { limit, .. } | InboundError::TooLate { limit, .. }) = refused_variant(from, to)
        else {
            panic!("{to}");
        };
        assert_eq!(limit, expected, "{to}");
    }
    assert_eq!(refused_variant(" NotOnOrAfter=\"2026-01-05T11:00:00.000Z\"", ""), InboundError::NoEnd);
}

#[test]
fn the_subject_is_one_and_borne() {
    let bearer = "urn:oasis:names:tc:SAML:1.0:cm:bearer";
    for method in ["holder-of-key", "sender-vouches", "artifact"] {
        let error = refused_variant(bearer, &format!("urn:oasis:names:tc:SAML:1.0:cm:{method}"));
        assert!(matches!(error, InboundError::Confirmation { .. }), "{method}: {error}");
    }
    let key = "</saml:ConfirmationMethod><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"/>";
    assert!(matches!(refused_variant("</saml:ConfirmationMethod>", key), InboundError::Confirmation { .. }));
    let whole = unsigned_saml11("_assertion", "alice@partner.example");
    let (before, last) = whole.rsplit_once(">alice@partner.example</saml:NameIdentifier>").unwrap();
    let other = format!("{before}>bob@partner.example</saml:NameIdentifier>{last}");
    assert_eq!(receive_result(&rstr(TRUST_2005, &sign(&other))).unwrap_err(), InboundError::DifferentSubjects);
    let confirmation = "<saml:SubjectConfirmation><saml:ConfirmationMethod>urn:oasis:names:tc:SAML:1.0:cm:bearer\
         </saml:ConfirmationMethod></saml:SubjectConfirmation>";
    taken(receive_result(&variant(confirmation, "")));
}

#[test]
fn everything_that_must_be_there_is_there() {
    for (from, to) in [
        ("MajorVersion=\"1\"", "MajorVersion=\"2\""),
        ("MinorVersion=\"1\"", "MinorVersion=\"0\""),
        ("IssueInstant=\"2026-01-05T10:00:00.000Z\"", "IssueInstant=\"today\""),
        ("AuthenticationInstant=\"2026-01-05T09:59:00.000Z\"", "AuthenticationInstant=\"\""),
        ("AuthenticationMethod=\"urn:federation:authentication:windows\"", "AuthenticationMethod=\"\""),
        ("AttributeName=\"upn\"", "AttributeName=\"\""),
        ("AttributeName=\"upn\"", ""),
    ] {
        let error = refused_variant(from, to);
        assert!(matches!(error, InboundError::Value { .. } | InboundError::Missing { .. }), "{to}: {error}");
    }
    for (from, to) in [
        ("</saml:Conditions>", "<saml:Condition/></saml:Conditions>"),
        ("</saml:Conditions>", "</saml:Conditions><saml:Statement/>"),
        ("</saml:AttributeStatement>", "<x:y xmlns:x=\"urn:x\"/></saml:AttributeStatement>"),
    ] {
        assert!(matches!(refused_variant(from, to), InboundError::Unsupported { .. }), "{to}");
    }
    taken(receive_result(&variant("</saml:Conditions>", "<saml:DoNotCacheCondition/></saml:Conditions>")));
    let whole = unsigned_saml11("_assertion", "alice");
    let (authentication, without) = cut(&whole, "saml:AuthenticationStatement");
    taken(receive_result(&rstr(TRUST_2005, &sign(&without))));
    let twice = edit(&whole, &authentication, &authentication.repeat(2));
    assert!(matches!(receive_result(&rstr(TRUST_2005, &sign(&twice))), Err(InboundError::Read(_))));
    let open = without.find("<saml:AttributeStatement>").unwrap();
    let close = without.find("</saml:AttributeStatement>").unwrap() + "</saml:AttributeStatement>".len();
    let nothing = format!("{}{}", &without[..open], &without[close..]);
    assert!(matches!(receive_result(&rstr(TRUST_2005, &sign(&nothing))), Err(InboundError::Missing { .. })));
    assert!(matches!(wresult::receive("", &partner(), &passive()), Err(InboundError::Read(_))));
}

#[test]
fn unsigned_and_altered_assertions_are_refused() {
    let (_, unsigned) = cut(&signed_rstr(), "ds:Signature");
    assert!(matches!(receive_result(&unsigned), Err(InboundError::Signature(VerifyError::Missing { .. }))));
    for (from, to) in [
        ("alice@partner.example", "admin@partner.example"),
        ("<saml:AttributeValue>A<", "<saml:AttributeValue>Domain Admins<"),
        ("NotOnOrAfter=\"2026", "NotOnOrAfter=\"2036"),
    ] {
        let error = receive_result(&edit(&signed_rstr(), from, to)).unwrap_err();
        assert!(matches!(error, InboundError::Signature(VerifyError::Invalid { .. })), "{to}: {error}");
    }
}
