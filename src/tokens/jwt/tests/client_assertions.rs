//! Clients that sign, and those that only pretend to.

use std::sync::LazyLock;
use std::time::Duration;

use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::{Value, json};

use super::*;
use crate::tokens::jwt::{
    ClientAssertion, ClientKeyError, ClientKeys, JwtError, RsaPublicKeyError, verify_client_assertion,
};

const CLIENT: &str = "5a4d9a0e-0000-4000-8000-000000000001";
const TOKEN_ENDPOINT: &str = "https://sts.corp.example/adfs/oauth2/token/";
const AUDIENCES: [&str; 2] = [TOKEN_ENDPOINT, "https://sts.corp.example/adfs/oauth2/token"];

static KEY: LazyLock<SigningKey> = LazyLock::new(samples::new_key);

fn keys() -> ClientKeys {
    let mut keys = ClientKeys::none();
    keys.add_certificate(&KEY.certificate).unwrap();
    keys
}

fn header() -> String {
    format!(r#"{{"typ":"JWT","alg":"RS256","x5t":"{}"}}"#, KEY.x5t())
}

fn payload(change: impl FnOnce(&mut Value)) -> String {
    let begin = now().unix_seconds();
    let mut members = json!({"iss": CLIENT, "sub": CLIENT, "aud": TOKEN_ENDPOINT, "jti": "1", "iat": begin, "nbf": begin, "exp": begin + 600});
    change(&mut members);
    members.to_string()
}

fn verify(keys: &ClientKeys, token: &str) -> Result<ClientAssertion, JwtError> {
    verify_client_assertion(keys, CLIENT, token, &AUDIENCES.map(String::from), now())
}

#[test]
fn as_msal_sends_it() {
    // Padded thumbprint, line breaks in x5c, fractions of seconds.
    let padded = URL_SAFE.encode(URL_SAFE_NO_PAD.decode(KEY.x5t()).unwrap());
    assert!(padded.ends_with('='));
    let header = format!(r#"{{"typ":"JWT","alg":"RS256","x5t":"{padded}","x5c":["MII\n"]}}"#);
    let begin = now().unix_seconds();
    let fractions = payload(|members| {
        members["exp"] = json!(600.5 + f64::from(u32::try_from(begin).unwrap()));
        members["nbf"] = json!(0.25 + f64::from(u32::try_from(begin).unwrap()));
    });
    let assertion = verify(&keys(), &signed(&KEY, &header, &fractions)).unwrap();
    assert_eq!(assertion.id, "1");
    assert_eq!(assertion.until, now().plus(Duration::from_mins(15)));
}

#[test]
fn it_is_about_the_client_by_the_client_for_us_alone() {
    let begin = now().unix_seconds();
    for (name, value, error) in [
        ("iss", json!("other"), JwtError::Issuer),
        ("sub", json!("other"), JwtError::Subject),
        ("sub", Value::Null, JwtError::Subject),
        ("aud", json!("https://sts.other.example/adfs/oauth2/token"), JwtError::Audience),
        ("aud", json!([TOKEN_ENDPOINT, "https://sts.other.example/"]), JwtError::Audience),
        ("aud", Value::Null, JwtError::Audience),
        ("exp", json!(begin - 300), JwtError::Expired),
        ("exp", Value::Null, JwtError::Member { member: "exp" }),
        ("exp", json!(begin + 65 * 60 + 1), JwtError::LifetimeTooLong),
        ("nbf", json!(begin + 301), JwtError::NotYetValid),
        ("iat", json!(begin + 301), JwtError::NotYetValid),
        ("jti", Value::Null, JwtError::Member { member: "jti" }),
        ("jti", json!(""), JwtError::Member { member: "jti" }),
        ("jti", json!("x".repeat(257)), JwtError::Member { member: "jti" }),
    ] {
        let token = signed(&KEY, &header(), &payload(|members| members[name] = value.clone()));
        assert_eq!(verify(&keys(), &token).unwrap_err(), error, "{name} {value}");
    }
    let array = signed(&KEY, &header(), &payload(|members| members["aud"] = json!([AUDIENCES[1]])));
    assert!(verify(&keys(), &array).is_ok());
}

#[test]
fn only_registered_keys_count() {
    let stranger = samples::new_key();
    // Signed by a key that comes along with the token.
    let brought = format!(
        r#"{{"typ":"JWT","alg":"RS256","x5t":"{}","x5c":["{}"]}}"#,
        stranger.x5t(),
        stranger.certificate_base64()
    );
    assert_eq!(verify(&keys(), &signed(&stranger, &brought, &payload(|_| {}))).unwrap_err(), JwtError::UnknownKey);
    // The name of the registered key, the signature of another.
    assert_eq!(verify(&keys(), &signed(&stranger, &header(), &payload(|_| {}))).unwrap_err(), JwtError::Signature);
    assert_eq!(
        verify(&ClientKeys::none(), &signed(&KEY, &header(), &payload(|_| {}))).unwrap_err(),
        JwtError::UnknownKey
    );
    for algorithm in ["none", "HS256", "RS384", "PS512"] {
        let header = header().replace("RS256", algorithm);
        assert_eq!(
            verify(&keys(), &signed(&KEY, &header, &payload(|_| {}))).unwrap_err(),
            JwtError::Algorithm { expected: "RS256 or PS256" }
        );
    }
    // The name of one scheme, the signature of the other.
    let header = header().replace("RS256", "PS256");
    assert_eq!(verify(&keys(), &signed(&KEY, &header, &payload(|_| {}))).unwrap_err(), JwtError::Signature);
}

#[test]
fn a_certificate_counts_while_it_is_valid() {
    let certificate = |begin: UtcTime, end: UtcTime| {
        let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
        let mut params = rcgen::CertificateParams::new(vec![String::from("client")]).unwrap();
        (params.not_before, params.not_after) = (begin.civil(), end.civil());
        params.self_signed(&pair).unwrap().der().to_vec()
    };
    let hours = |hours| Duration::from_hours(hours);
    for (begin, end, expected) in [
        (now().minus(hours(2)), now().minus(hours(1)), JwtError::KeyNotValid),
        (now().plus(hours(1)), now().plus(hours(2)), JwtError::KeyNotValid),
        // Of a valid one it is the signature that counts.
        (now().minus(hours(1)), now().plus(hours(1)), JwtError::Signature),
    ] {
        let der = certificate(begin, end);
        let mut keys = ClientKeys::none();
        keys.add_certificate(&der).unwrap();
        let header = format!(r#"{{"typ":"JWT","alg":"RS256","x5t":"{}"}}"#, crate::tokens::jwt::x5t(&der));
        assert_eq!(verify(&keys, &signed(&KEY, &header, &payload(|_| {}))).unwrap_err(), expected);
    }
}

#[test]
fn key_sets_are_read() {
    let public = openssl::x509::X509::from_der(&KEY.certificate).unwrap().public_key().unwrap().rsa().unwrap();
    let (n, e) = (URL_SAFE_NO_PAD.encode(public.n().to_vec()), URL_SAFE_NO_PAD.encode(public.e().to_vec()));
    let x5c = STANDARD.encode(&KEY.certificate);
    let read = |set: Value| {
        let mut keys = ClientKeys::none();
        keys.add_key_set(set.to_string().as_bytes()).map(|()| keys)
    };
    let kid = r#"{"alg":"RS256","kid":"k1"}"#;
    for set in [
        json!({"keys": [{"kty": "RSA", "kid": "k1", "n": n, "e": e}]}),
        json!({"keys": [{"kty": "EC", "kid": "k1"}, {"kty": "RSA", "use": "sig", "kid": "k1", "x5c": [x5c]}]}),
    ] {
        assert!(verify(&read(set).unwrap(), &signed(&KEY, kid, &payload(|_| {}))).is_ok());
    }
    for set in [
        json!({"keys": []}),
        json!({}),
        json!({"keys": [{"kty": "RSA", "use": "enc", "kid": "k1", "n": n, "e": e}]}),
        json!({"keys": [{"kty": "RSA", "n": n, "e": e}]}),
        json!({"keys": [{"kty": "oct", "kid": "k1", "k": "AAAA"}]}),
    ] {
        assert_eq!(read(set).unwrap_err(), ClientKeyError::Empty);
    }
    let small = openssl::rsa::Rsa::generate(1024).unwrap();
    let small =
        json!({"keys": [{"kty": "RSA", "kid": "k", "n": URL_SAFE_NO_PAD.encode(small.n().to_vec()), "e": "AQAB"}]});
    assert_eq!(read(small).unwrap_err(), ClientKeyError::Key { index: 1, reason: RsaPublicKeyError::Key });
}

#[test]
fn a_certificate_is_one_and_of_a_key_for_this_scheme() {
    let add = |der: &[u8]| ClientKeys::none().add_certificate(der);
    assert_eq!(add(&KEY.certificate), Ok(()));
    assert_eq!(add(&[&KEY.certificate[..], b"x"].concat()), Err(RsaPublicKeyError::Certificate));
    // The same key as one that is for PSS alone.
    let (rsa, pss) = ([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1], [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10]);
    let mut other = KEY.certificate.to_vec();
    let at = other.windows(rsa.len()).position(|window| window == rsa).unwrap();
    other[at..at + pss.len()].copy_from_slice(&pss);
    assert_eq!(add(&other), Err(RsaPublicKeyError::Key));
}
