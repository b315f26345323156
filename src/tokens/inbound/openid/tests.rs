//! Genuine ID tokens are taken, and each way to forge, alter or misdirect one is refused.

use std::sync::LazyLock;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::json;

use super::*;

const NOW: UtcTime = UtcTime::from_unix_seconds(1_767_607_201);
const EXPECTED: Expected<'static> = Expected {
    issuer: "https://op.example",
    client_id: "chancery",
    nonce: "n-0S6_WzA2Mj",
    access_token: Some("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
    now: NOW,
    skew: Duration::from_mins(5),
};

static RSA: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());
static STRANGER: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());
static EC: LazyLock<EcdsaKeyPair> = LazyLock::new(|| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap());

fn rsa_jwk(key: &RsaKeyPair, id: &str) -> Value {
    let public = RsaPublicKeyComponents::<Vec<u8>>::from(key.public_key());
    json!({ "kty": "RSA", "kid": id, "use": "sig", "n": BASE64.encode(public.n), "e": BASE64.encode(public.e) })
}

fn ec_jwk(id: &str) -> Value {
    let point = EC.public_key().as_ref();
    json!({ "kty": "EC", "crv": "P-256", "kid": id, "x": BASE64.encode(&point[1..33]), "y": BASE64.encode(&point[33..]) })
}

fn keys() -> IdTokenKeys {
    let set = json!({ "keys": [rsa_jwk(&RSA, "r"), ec_jwk("e"), { "kty": "oct", "kid": "o", "k": "AAAA" }] });
    IdTokenKeys::parse(set.to_string().as_bytes()).unwrap()
}

fn claims() -> Value {
    json!({
        "iss": "https://op.example", "sub": "bob", "aud": "chancery", "nonce": "n-0S6_WzA2Mj",
        "exp": 1_767_607_501, "iat": 1_767_607_200, "auth_time": 1_767_607_100, "at_hash": "77QmUPtjPfzWtF2AnpK9RQ",
    })
}

fn signed_with(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let part = |value: &Value| BASE64.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = BASE64.encode(sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn by_rsa(key: &RsaKeyPair, octets: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), octets, &mut signature).unwrap();
    signature
}

fn token(header: &Value, claims: &Value) -> String {
    signed_with(header, claims, |octets| by_rsa(&RSA, octets))
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    let object = claims.as_object_mut().unwrap();
    if value.is_null() {
        object.remove(name)
    } else {
        object.insert(name.to_owned(), value)
    };
    claims
}

fn refused(header: &Value, claims: &Value) -> IdTokenError {
    verify(&token(header, claims), &keys(), &EXPECTED).unwrap_err()
}

#[test]
fn both_algorithms_are_verified_each_with_its_own_keys() {
    let rsa = token(&json!({ "alg": "RS256", "kid": "r" }), &claims());
    let verified = verify(&rsa, &keys(), &EXPECTED).unwrap();
    assert_eq!(
        (verified.subject.as_str(), verified.authenticated.map(UtcTime::unix_seconds)),
        ("bob", Some(1_767_607_100))
    );
    let by_ec = |octets: &[u8]| EC.sign(&SystemRandom::new(), octets).unwrap().as_ref().to_vec();
    let ec = signed_with(&json!({ "alg": "ES256", "kid": "e" }), &claims(), by_ec);
    assert_eq!(verify(&ec, &keys(), &EXPECTED).unwrap().claims, verified.claims);
    // The only key of its kind needs no name.
    assert!(verify(&token(&json!({ "alg": "RS256" }), &claims()), &keys(), &EXPECTED).is_ok());
    let two = json!({ "keys": [rsa_jwk(&RSA, "r"), rsa_jwk(&STRANGER, "s")] });
    let two = IdTokenKeys::parse(two.to_string().as_bytes()).unwrap();
    let nameless = verify(&token(&json!({ "alg": "RS256" }), &claims()), &two, &EXPECTED);
    assert_eq!(nameless, Err(IdTokenError::NoKey { id: None }));
    // A name of one kind with the algorithm of the other.
    assert_eq!(
        refused(&json!({ "alg": "RS256", "kid": "e" }), &claims()),
        IdTokenError::NoKey { id: Some("e".into()) }
    );
}

#[test]
fn other_algorithms_and_keys_that_a_token_brings_along_are_refused() {
    for algorithm in ["none", "None", "HS256", "RS384", "PS256", "ES384", "EdDSA", ""] {
        let error = refused(&json!({ "alg": algorithm, "kid": "r" }), &claims());
        assert_eq!(error, IdTokenError::Algorithm(algorithm.to_owned()));
    }
    let unsigned = signed_with(&json!({ "alg": "none" }), &claims(), |_| Vec::new());
    assert!(matches!(verify(&unsigned, &keys(), &EXPECTED), Err(IdTokenError::Algorithm(_))));
    // The public key as a shared secret.
    let modulus = RsaPublicKeyComponents::<Vec<u8>>::from(RSA.public_key()).n;
    let hmac = |octets: &[u8]| {
        aws_lc_rs::hmac::sign(&aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &modulus), octets)
            .as_ref()
            .to_vec()
    };
    let confused = signed_with(&json!({ "alg": "HS256", "kid": "r" }), &claims(), hmac);
    assert!(matches!(verify(&confused, &keys(), &EXPECTED), Err(IdTokenError::Algorithm(_))));
    let stranger = |header: &Value| signed_with(header, &claims(), |octets| by_rsa(&STRANGER, octets));
    for header in [
        json!({ "alg": "RS256", "kid": "r" }),
        json!({ "alg": "RS256", "kid": "r", "jwk": rsa_jwk(&STRANGER, "r") }),
        json!({ "alg": "RS256", "kid": "r", "jku": "https://evil.example/keys", "x5u": "https://evil.example/" }),
    ] {
        assert_eq!(verify(&stranger(&header), &keys(), &EXPECTED), Err(IdTokenError::Signature), "{header}");
    }
    let critical = refused(&json!({ "alg": "RS256", "kid": "r", "crit": ["x"], "x": 1 }), &claims());
    assert!(matches!(critical, IdTokenError::Malformed(_)));
}

#[test]
fn every_claim_about_the_token_is_checked() {
    let header = json!({ "alg": "RS256", "kid": "r" });
    for (name, value) in [
        ("iss", json!("https://op.example/")),
        ("iss", json!("https://evil.example")),
        ("aud", json!("other")),
        ("aud", json!(["other"])),
        ("azp", json!("other")),
    ] {
        let error = refused(&header, &with(name, value));
        assert!(matches!(&error, IdTokenError::Differs { claim, .. } if *claim == name), "{name}: {error:?}");
    }
    for name in ["iss", "sub", "aud", "exp", "iat", "nonce"] {
        assert_eq!(refused(&header, &with(name, Value::Null)), IdTokenError::Missing(name));
        assert_eq!(refused(&header, &with(name, json!({}))), IdTokenError::Missing(name));
    }
    assert_eq!(refused(&header, &with("aud", json!(["chancery", "other"]))), IdTokenError::Missing("azp"));
    let mut both = with("aud", json!(["chancery", "other"]));
    both["azp"] = json!("chancery");
    assert!(verify(&token(&header, &both), &keys(), &EXPECTED).is_ok());
    assert_eq!(refused(&header, &with("nonce", json!("other"))), IdTokenError::Nonce);
    assert_eq!(refused(&header, &with("at_hash", json!("AAAA"))), IdTokenError::AccessToken);
    assert!(verify(&token(&header, &with("at_hash", Value::Null)), &keys(), &EXPECTED).is_ok());
    assert_eq!(refused(&header, &with("sub", json!(""))), IdTokenError::Missing("sub"));
    assert_eq!(refused(&header, &with("sub", json!("x".repeat(256)))), IdTokenError::Missing("sub"));
    let at = NOW.unix_seconds();
    for (name, value, well) in [
        ("exp", at - 299, true),
        ("exp", at - 300, false),
        ("iat", at + 300, true),
        ("iat", at + 301, false),
        ("iat", at - 900, true),
        ("iat", at - 901, false),
        ("nbf", at + 301, false),
        ("auth_time", at + 301, false),
        ("exp", i64::MAX, false),
        ("exp", -1, false),
    ] {
        let outcome = verify(&token(&header, &with(name, json!(value))), &keys(), &EXPECTED);
        assert_eq!(outcome.is_ok(), well, "{name} {value}: {outcome:?}");
    }
    assert!(verify(&token(&header, &with("iat", json!(1_767_607_200.75))), &keys(), &EXPECTED).is_ok());
}

#[test]
fn what_is_no_token_is_refused() {
    let good = token(&json!({ "alg": "RS256", "kid": "r" }), &claims());
    let (start, signature) = good.rsplit_once('.').unwrap();
    for bad in [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c",
        start,
        &format!("{good}."),
        &format!("{good}=="),
        &format!(" {good}"),
        &format!("{start}.x.{signature}"),
        &"x".repeat(MAX_TOKEN + 1),
    ] {
        assert!(verify(bad, &keys(), &EXPECTED).is_err(), "{bad:.60}");
    }
    let altered = format!("{start}A.{signature}");
    assert!(verify(&altered, &keys(), &EXPECTED).is_err());
}

#[test]
fn keys_that_sign_nothing_are_left_out() {
    let small = json!({ "kty": "RSA", "kid": "s", "n": BASE64.encode([0xff; 128]), "e": "AQAB" });
    let mut encryption = rsa_jwk(&RSA, "r");
    encryption["use"] = json!("enc");
    let mut other = rsa_jwk(&RSA, "r");
    other["alg"] = json!("RS512");
    for set in [
        json!({ "keys": [small] }),
        json!({ "keys": [encryption] }),
        json!({ "keys": [other] }),
        json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA" }] }),
        json!({ "keys": [] }),
        json!({ "keys": "x" }),
        json!([]),
    ] {
        let parsed = IdTokenKeys::parse(set.to_string().as_bytes());
        assert!(matches!(parsed, Err(IdTokenError::KeySet(_))), "{set}: {parsed:?}");
    }
}
