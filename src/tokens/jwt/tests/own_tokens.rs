//! Tokens of our own that come back, and those that only look like them.

use super::*;
use crate::tokens::jwt::{JwtError, MAX_TOKEN_LEN, verify_access_token, verify_id_token_hint, verify_resource_token};

const RESOURCE: &str = "urn:microsoft:userinfo";

fn access(change: impl FnOnce(&mut serde_json::Value)) -> String {
    let begin = now().unix_seconds();
    let mut members = serde_json::json!({
        "aud": RESOURCE, "iss": FSID, "iat": begin, "nbf": begin, "exp": begin + 3600, "upn": "alice@corp.example",
        "appid": "client", "apptype": "Public", "auth_time": "2026-01-05T10:00:00.250Z", "scp": "openid user_impersonation"
    });
    change(&mut members);
    members.to_string()
}

fn verify(token: &str) -> Result<crate::tokens::jwt::AccessToken, JwtError> {
    verify_access_token(ring(), FSID, token, &["urn:other", RESOURCE], now())
}

fn with(change: impl FnOnce(&mut serde_json::Value)) -> Result<(), JwtError> {
    verify(&signed(own_key(), &own_header(), &access(change))).map(|_| ())
}

#[test]
fn an_access_token_comes_back() {
    let token = verify(&signed(own_key(), &own_header(), &access(|_| {}))).unwrap();
    assert_eq!(
        (token.client.as_deref(), token.confidential, token.audience.as_str()),
        (Some("client"), false, RESOURCE)
    );
    assert!(token.has_scope("user_impersonation") && !token.has_scope("user"));
    assert_eq!(token.authenticated_at.unwrap().to_xml(), "2026-01-05T10:00:00.250Z");
    assert_eq!(token.members.text("upn"), Some("alice@corp.example"));
}

#[test]
fn an_access_token_is_for_here_and_now() {
    let begin = now().unix_seconds();
    for (change, error) in [
        (("iss", serde_json::json!(ISSUER)), JwtError::Issuer),
        (("iss", serde_json::json!("http://sts.other.example/adfs/services/trust")), JwtError::Issuer),
        (("aud", serde_json::json!("urn:third")), JwtError::Audience),
        (("aud", serde_json::json!([RESOURCE])), JwtError::Member { member: "aud" }),
        (("exp", serde_json::json!(begin)), JwtError::Expired),
        (("exp", serde_json::json!("never")), JwtError::Member { member: "exp" }),
        (("exp", serde_json::Value::Null), JwtError::Member { member: "exp" }),
        (("nbf", serde_json::json!(begin + 61)), JwtError::NotYetValid),
        (("appid", serde_json::Value::Null), JwtError::Kind),
        (("apptype", serde_json::Value::Null), JwtError::Kind),
    ] {
        let (name, value) = change;
        assert_eq!(with(|members| members[name] = value.clone()), Err(error), "{name} {value}");
    }
    assert_eq!(with(|members| members["nbf"] = serde_json::json!(begin + 60)), Ok(()));
}

#[test]
fn a_token_of_ws_trust_is_for_a_resource_that_takes_it() {
    let of_trust = access(|members| {
        members.as_object_mut().unwrap().retain(|name, _| !["appid", "apptype", "scp"].contains(&name.as_str()));
    });
    let token = signed(own_key(), &own_header(), &of_trust);
    assert_eq!(verify(&token).unwrap_err(), JwtError::Kind);
    let accepted = verify_resource_token(ring(), FSID, &token, &[RESOURCE], now()).unwrap();
    assert_eq!((accepted.client, accepted.confidential, accepted.scopes.len()), (None, false, 0));
    let other = verify_resource_token(ring(), FSID, &token, &["urn:other"], now());
    assert_eq!(other.unwrap_err(), JwtError::Audience);
}

#[test]
fn an_id_token_is_no_access_token_and_the_reverse() {
    let id_token = r#"{"aud":"client","iss":"https://sts.corp.example/adfs","iat":1,"nbf":1,"exp":2,"sub":"s","appid":"client","apptype":"Public"}"#;
    let id_token = signed(own_key(), &own_header(), id_token);
    assert_eq!(verify(&id_token).unwrap_err(), JwtError::Issuer);
    // It has expired long ago, and still says who was signed in.
    let hint = verify_id_token_hint(ring(), ISSUER, &id_token).unwrap();
    assert_eq!((hint.client.as_str(), hint.subject.as_str()), ("client", "s"));
    let access_token = signed(own_key(), &own_header(), &access(|members| members["sub"] = "s".into()));
    assert_eq!(verify_id_token_hint(ring(), ISSUER, &access_token).unwrap_err(), JwtError::Issuer);
}

#[test]
fn only_our_keys_sign_and_only_by_rs256() {
    let (kid, payload) = (own_key().x5t(), access(|_| {}));
    let foreign = signed(samples::key(), &own_header(), &payload);
    assert_eq!(verify(&foreign).unwrap_err(), JwtError::Signature);
    let header = |fields: &str| format!(r#"{{"typ":"JWT",{fields}}}"#);
    for (header, error) in [
        (header(r#""alg":"RS256""#), JwtError::UnknownKey),
        (header(r#""alg":"RS256","kid":"other""#), JwtError::UnknownKey),
        (header(&format!(r#""alg":"none","kid":"{kid}""#)), JwtError::Algorithm { expected: "RS256" }),
        (header(&format!(r#""alg":"HS256","kid":"{kid}""#)), JwtError::Algorithm { expected: "RS256" }),
        (header(&format!(r#""alg":"PS256","kid":"{kid}""#)), JwtError::Algorithm { expected: "RS256" }),
        (header(&format!(r#""alg":"rs256","kid":"{kid}""#)), JwtError::Algorithm { expected: "RS256" }),
        (header(&format!(r#""alg":["RS256"],"kid":"{kid}""#)), JwtError::Algorithm { expected: "RS256" }),
        (header(&format!(r#""kid":"{kid}""#)), JwtError::Algorithm { expected: "RS256" }),
        (format!(r#"{{"typ":"at+jwt","alg":"RS256","kid":"{kid}"}}"#), JwtError::Kind),
    ] {
        assert_eq!(verify(&signed(own_key(), &header, &payload)).unwrap_err(), error, "{header}");
    }
    for parameter in ["crit", "jku", "jwk", "x5u", "b64", "zip", "enc"] {
        let header = header(&format!(r#""alg":"RS256","kid":"{kid}","{parameter}":"x""#));
        assert_eq!(verify(&signed(own_key(), &header, &payload)).unwrap_err(), JwtError::Header { parameter });
    }
}

#[test]
fn a_public_key_is_no_shared_secret() {
    use aws_lc_rs::hmac;
    // The classic confusion: HMAC with what everybody knows of the key.
    let header = format!(r#"{{"typ":"JWT","alg":"HS256","kid":"{}"}}"#, own_key().x5t());
    let input = unsigned(&header, &access(|_| {}));
    for secret in [&own_key().certificate[..], own_key().certificate_base64().as_bytes(), own_key().x5t().as_bytes()] {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
        let token = format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag));
        assert_eq!(verify(&token).unwrap_err(), JwtError::Algorithm { expected: "RS256" });
        // And with the right algorithm written over it.
        let lying = unsigned(&own_header(), &access(|_| {}));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), lying.as_bytes());
        let token = format!("{lying}.{}", URL_SAFE_NO_PAD.encode(tag));
        assert_eq!(verify(&token).unwrap_err(), JwtError::Signature);
    }
}

#[test]
fn every_changed_octet_is_noticed() {
    let token = signed(own_key(), &own_header(), &access(|_| {}));
    for at in (0..token.len()).step_by(7) {
        let mut octets = token.clone().into_bytes();
        octets[at] = if octets[at] == b'A' { b'B' } else { b'A' };
        assert!(verify(std::str::from_utf8(&octets).unwrap()).is_err(), "octet {at}");
    }
    let (input, signature) = token.rsplit_once('.').unwrap();
    for form in [
        format!("{token}."),
        format!(".{token}"),
        format!("{input}."),
        format!("{input}.{signature}="),
        format!("{input}.{signature}\n"),
        format!(" {token}"),
        token.replace('.', ".."),
        input.to_owned(),
        String::new(),
        String::from(".."),
    ] {
        assert!(verify(&form).is_err(), "{form}");
    }
}

#[test]
fn size_and_shape_are_bounded() {
    let long = signed(own_key(), &own_header(), &access(|members| members["x"] = "a".repeat(MAX_TOKEN_LEN).into()));
    assert!(matches!(verify(&long), Err(JwtError::TooLong { .. })));
    let twice = access(|_| {}).replace(r#""aud":"#, r#""aud":"urn:third","aud":"#);
    assert!(matches!(verify(&signed(own_key(), &own_header(), &twice)), Err(JwtError::Json { part: "payload", .. })));
    let header = own_header().replace(r#""typ""#, r#""alg":"none","typ""#);
    assert!(matches!(verify(&signed(own_key(), &header, &access(|_| {}))), Err(JwtError::Json { part: "header", .. })));
    let trailing = format!("{} {{}}", access(|_| {}));
    assert!(matches!(
        verify(&signed(own_key(), &own_header(), &trailing)),
        Err(JwtError::Json { part: "payload", .. })
    ));
}

proptest::proptest! {
    #[test]
    fn no_text_is_a_panic(text in "[-A-Za-z0-9_.={}\"é ]{0,200}") {
        let _ = verify(&text);
        let _ = verify_id_token_hint(ring(), ISSUER, &text);
    }
}
