//! What tokens say.

use serde_json::json;

use super::*;
use crate::claims::descriptions::{ClaimDescription, ClaimDescriptions};
use crate::claims::types::{self, issuer, value_type};
use crate::claims::{Claim, ClaimSet};
use crate::tokens::jwt::{Jws, JwtClaims, JwtContent, JwtOptions, audience_of};
use crate::tokens::{TokenError, TokenType};

fn claim(claim_type: &str, value: &str) -> Claim {
    Claim::new(claim_type, value, issuer::LOCAL_AUTHORITY)
}

fn content(claims: Vec<Claim>, options: &JwtOptions) -> Result<JwtContent, TokenError> {
    let mut descriptions = ClaimDescriptions::default();
    let own = ClaimDescription {
        uri: "urn:corp:costcentre".into(),
        name: "Cost centre".into(),
        short_name: Some("cost".into()),
        ..descriptions.find(types::UPN).unwrap().clone()
    };
    descriptions.add(own).unwrap();
    JwtContent::from_claims(samples::frame(), &ClaimSet::from(claims), &descriptions, options)
}

#[test]
fn claims_have_their_short_names() {
    let claims = vec![
        claim(types::UPN, "alice@corp.example"),
        claim(types::NAME, "CORP\\alice"),
        claim("http://schemas.microsoft.com/ws/2008/06/identity/claims/role", "reader"),
        claim("urn:corp:costcentre", "4711"),
        claim("http://schemas.microsoft.com/ws/2008/06/identity/claims/role", "writer \"é\""),
        claim("urn:unnamed", "x"),
        claim("urn:address", r#"{"city":"Köln","zip":[5,0]}"#).with_value_type(value_type::JSON),
        claim("urn:broken", r#"{"a":1,"a":2}"#).with_value_type(value_type::JSON),
        claim("http://schemas.microsoft.com/claims/authnclassreference", "urn:acr"),
        claim(types::INSIDE_CORPORATE_NETWORK, "true").with_value_type(value_type::BOOLEAN),
    ];
    let options =
        JwtOptions { members: vec![("appid", json!("client")), ("ver", json!("1.0"))], ..JwtOptions::default() };
    let token = block_on(content(claims, &options).unwrap().sign(own_key())).unwrap();
    assert_eq!(token.token_type, TokenType::Jwt);
    insta::assert_snapshot!(payload_of(&token.bytes));
    let text = token.as_jwt().unwrap();
    let header = String::from_utf8(URL_SAFE_NO_PAD.decode(text.split('.').next().unwrap()).unwrap()).unwrap();
    assert_eq!(header, own_header());
    assert_eq!(own_key().x5t().len(), 27);
    let payload = Jws::parse(text).unwrap().verify_rs256(own_key().public_key().unwrap()).unwrap();
    assert_eq!(payload.texts("role").collect::<Vec<_>>(), ["reader", "writer \"é\""]);
}

#[test]
fn rules_say_how_and_when_the_subject_authenticated() {
    let claims = vec![
        claim(types::AUTHENTICATION_METHOD, "urn:a"),
        claim(types::AUTHENTICATION_METHOD, "urn:b"),
        claim(types::AUTHENTICATION_INSTANT, "2026-01-05T09:00:00.123Z"),
        claim(types::ISSUER_ID, "http://brand.example/adfs/services/trust"),
    ];
    let token = block_on(content(claims, &JwtOptions::default()).unwrap().sign(own_key())).unwrap();
    let said: serde_json::Value = serde_json::from_str(&payload_of(&token.bytes)).unwrap();
    assert_eq!(said["authmethod"], json!(["urn:a", "urn:b"]));
    assert_eq!(said["auth_time"], "2026-01-05T09:00:00.123Z");
    assert_eq!(said["iss"], "http://brand.example/adfs/services/trust");
}

#[test]
fn what_the_protocol_says_stands_once() {
    let members = vec![("authmethod", json!("urn:secret")), ("role", json!("x"))];
    let options = JwtOptions { members, ..JwtOptions::default() };
    for claims in [vec![], vec![claim(types::AUTHENTICATION_METHOD, "urn:a"), claim("role", "reader")]] {
        let text = serde_json::to_string(&content(claims, &options).unwrap()).unwrap();
        assert_eq!(text.matches("\"authmethod\":\"urn:secret\"").count(), 1, "{text}");
        assert_eq!((text.matches("\"authmethod\"").count(), text.matches("\"role\"").count()), (1, 1), "{text}");
    }
}

#[test]
fn an_id_token_says_what_the_protocol_says() {
    let options = JwtOptions {
        issuer: Some(ISSUER.into()),
        audience: Some(String::from("client")),
        lifetime: Some(std::time::Duration::from_mins(5)),
        claims: JwtClaims::None,
        members: vec![("sub", json!("s")), ("auth_time", json!(1))],
    };
    let token =
        block_on(content(vec![claim(types::UPN, "alice@corp.example")], &options).unwrap().sign(own_key())).unwrap();
    assert_eq!(
        payload_of(&token.bytes),
        r#"{"aud":"client","iss":"https://sts.corp.example/adfs","iat":1767607201,"nbf":1767607201,"exp":1767607501,"sub":"s","auth_time":1}"#
    );
}

#[test]
fn rules_cannot_say_what_only_the_server_says() {
    for name in ["aud", "iss", "iat", "nbf", "exp"] {
        let refused = content(vec![claim(name, "x")], &JwtOptions::default()).unwrap_err();
        assert_eq!(refused, TokenError::ReservedMember { claim_type: name.to_owned() });
    }
    let options =
        JwtOptions { members: vec![("appid", json!("client")), ("scp", json!("openid"))], ..JwtOptions::default() };
    let token =
        block_on(content(vec![claim("scp", "all"), claim("appid", "other")], &options).unwrap().sign(own_key()))
            .unwrap();
    let said: serde_json::Value = serde_json::from_str(&payload_of(&token.bytes)).unwrap();
    assert_eq!((&said["scp"], &said["appid"]), (&json!("openid"), &json!("client")));
}

#[test]
fn an_audience_is_an_absolute_uri() {
    for (identifier, audience) in [
        ("https://api.corp.example/", "https://api.corp.example/"),
        ("urn:microsoft:userinfo", "urn:microsoft:userinfo"),
        ("5a4d9a0e-0000-4000-8000-000000000001", "microsoft:identityserver:5a4d9a0e-0000-4000-8000-000000000001"),
        ("my api", "microsoft:identityserver:my api"),
        ("1a:b", "microsoft:identityserver:1a:b"),
        (":b", "microsoft:identityserver::b"),
        ("", "microsoft:identityserver:"),
    ] {
        assert_eq!(audience_of(identifier), audience);
    }
}
