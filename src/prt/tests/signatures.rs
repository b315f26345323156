//! What is taken for a signed request, and for which kind.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::client::{DEVICE, OTHER, sign_by_session, sign_by_session_with, signing_input};
use crate::prt::{DeviceSigned, JwsError, KdfVersion, SessionKey, SessionSigned, SignedRequest};

fn key() -> SessionKey {
    SessionKey::from_octets([7; 32])
}

fn x5c() -> String {
    STANDARD.encode(&DEVICE.der)
}

fn verified(text: &str) -> Result<Value, JwsError> {
    DeviceSigned::read(text)?.verify().map(Value::Object)
}

#[test]
fn a_certificate_comes_as_a_string_or_as_a_list_of_one() {
    let payload = json!({"a": 1});
    let lines = x5c().as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect::<Vec<_>>();
    for x5c in [json!(x5c()), json!([x5c()]), json!(lines.join("\n")), json!(lines.join("\r\n "))] {
        let text = DEVICE.sign_with(&json!({"alg": "RS256", "typ": "jwt", "x5c": x5c, "kdf_ver": 2}), &payload);
        assert_eq!(verified(&text), Ok(payload.clone()));
        let SignedRequest::ByDevice(signed) = SignedRequest::read(&text).unwrap() else { panic!("by a device") };
        assert_eq!((signed.kdf(), signed.certificate()), (KdfVersion::Two, &DEVICE.der[..]));
    }
    for x5c in [json!([]), json!([x5c(), x5c()]), json!(7), json!([7]), json!("?"), json!({"a": x5c()})] {
        let text = DEVICE.sign_with(&json!({"alg": "RS256", "x5c": x5c}), &payload);
        assert_eq!(verified(&text), Err(JwsError::Header { name: "x5c" }), "{x5c}");
    }
}

#[test]
fn headers_that_would_make_a_reader_do_something_are_refused() {
    let payload = json!({});
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("jku", json!("https://x.example")),
        ("jwk", json!({})),
        ("x5u", json!("https://x.example")),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("ctx", json!(STANDARD.encode([1; 24]))),
        ("unheard-of", json!(1)),
    ] {
        let mut header = json!({"alg": "RS256", "x5c": x5c()});
        header[name] = value.clone();
        assert!(verified(&DEVICE.sign_with(&header, &payload)).is_err(), "{name} in a device's");
        if name == "ctx" {
            continue;
        }
        let mut header = json!({"alg": "HS256", "ctx": STANDARD.encode([1; 24])});
        header[name] = value;
        let text = sign_by_session_with(&key(), KdfVersion::One, &[1; 24], &header.to_string(), "{}");
        let refused = SessionSigned::read(&text).unwrap_err();
        assert_eq!(refused, JwsError::UnexpectedHeader { name: name.to_owned() }, "{name} in a session's");
    }
    for (name, value) in [("typ", json!("JWE")), ("typ", json!(1)), ("kdf_ver", json!(3)), ("kdf_ver", json!("2"))] {
        let mut header = json!({"alg": "RS256", "x5c": x5c()});
        header[name] = value;
        assert_eq!(verified(&DEVICE.sign_with(&header, &payload)), Err(JwsError::Header { name }));
    }
}

#[test]
fn no_algorithm_stands_in_for_another() {
    let public = DEVICE.key.rsa().unwrap().public_key_to_der_pkcs1().unwrap();
    for algorithm in ["none", "None", "HS256", "RS384", "RS512", "PS256", "ES256", "EdDSA", "rs256", "RSA1_5", ""] {
        let text = DEVICE.sign_with(&json!({"alg": algorithm, "x5c": x5c()}), &json!({}));
        assert!(matches!(verified(&text), Err(JwsError::Algorithm { .. })), "{algorithm}");
        let header = json!({"alg": algorithm, "ctx": STANDARD.encode([1; 24])}).to_string();
        let text = sign_by_session_with(&key(), KdfVersion::One, &[1; 24], &header, "{}");
        assert_eq!(SessionSigned::read(&text).is_ok(), algorithm == "HS256", "{algorithm}");
    }
    // The public key as the secret of an HMAC.
    for secret in [&public, &DEVICE.der] {
        let signed = signing_input(&json!({"alg": "HS256", "x5c": x5c()}).to_string(), b"{}");
        let tag =
            aws_lc_rs::hmac::sign(&aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret), signed.as_bytes());
        let text = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag));
        assert!(matches!(SignedRequest::read(&text), Err(JwsError::Algorithm { .. })));
    }
    // Each kind is read where it is wanted and nowhere else.
    let by_device = DEVICE.sign(&json!({}));
    let by_session = sign_by_session(&key(), KdfVersion::One, "{}");
    assert!(matches!(SessionSigned::read(&by_device), Err(JwsError::Algorithm { .. })));
    assert!(matches!(DeviceSigned::read(&by_session), Err(JwsError::Algorithm { .. })));
    // Both at once is neither.
    let both = json!({"alg": "HS256", "ctx": STANDARD.encode([1; 24]), "x5c": x5c()}).to_string();
    let both = sign_by_session_with(&key(), KdfVersion::One, &[1; 24], &both, "{}");
    assert!(matches!(SignedRequest::read(&both), Err(JwsError::Algorithm { .. })));
}

#[test]
fn a_signature_by_another_key_or_over_other_octets_is_not_good() {
    let text = DEVICE.sign(&json!({"a": 1}));
    let [header, _, signature] = text.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let changed = format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(r#"{"a":2}"#));
    assert_eq!(verified(&changed), Err(JwsError::Signature));
    assert_eq!(verified(&format!("{}.", text.rsplit_once('.').unwrap().0)), Err(JwsError::Signature), "none at all");
    // The other's certificate beside this one's signature.
    let borrowed = DEVICE.sign_with(&json!({"alg": "RS256", "x5c": STANDARD.encode(&OTHER.der)}), &json!({}));
    assert_eq!(verified(&borrowed), Err(JwsError::Signature));
}

#[test]
fn a_session_signature_is_over_the_payload_as_transmitted() {
    for version in [KdfVersion::One, KdfVersion::Two] {
        // Spaces and an order that no printer would make.
        let text = sign_by_session(&key(), version, "{ \"b\" : 1 ,\"a\":\"\\u0061\" }");
        let signed = SessionSigned::read(&text).unwrap();
        assert_eq!((signed.kdf(), signed.ctx()), (version, &[0x40; 24][..]));
        assert_eq!(signed.verify(&key()).map(Value::Object), Ok(json!({"a": "a", "b": 1})));
        assert_eq!(signed.verify(&SessionKey::from_octets([8; 32])), Err(JwsError::Signature));
    }
    // Version 1's key does not sign for version 2, nor the other way round.
    let header = json!({"alg": "HS256", "ctx": STANDARD.encode([0x40; 24]), "kdf_ver": 2}).to_string();
    let text = sign_by_session_with(&key(), KdfVersion::One, &[0x40; 24], &header, "{}");
    assert_eq!(SessionSigned::read(&text).unwrap().verify(&key()), Err(JwsError::Signature));
}

#[test]
fn ctx_comes_in_either_alphabet_and_is_never_short() {
    let ctx = [0xfb; 25];
    let encoded = STANDARD.encode(ctx);
    assert!(encoded.contains('+') && encoded.ends_with('='));
    for form in
        [encoded.clone(), encoded.trim_end_matches('=').into(), URL_SAFE.encode(ctx), URL_SAFE_NO_PAD.encode(ctx)]
    {
        let header = json!({"alg": "HS256", "ctx": form}).to_string();
        let text = sign_by_session_with(&key(), KdfVersion::One, &ctx, &header, "{}");
        assert!(SessionSigned::read(&text).unwrap().verify(&key()).is_ok(), "{form}");
    }
    for ctx in [
        json!(""),
        json!(STANDARD.encode([1; 15])),
        json!(STANDARD.encode([1; 65])),
        json!(7),
        json!("!!!!"),
        json!(null),
    ] {
        let header = json!({"alg": "HS256", "ctx": ctx}).to_string();
        let text = sign_by_session_with(&key(), KdfVersion::One, &[1; 24], &header, "{}");
        assert_eq!(SessionSigned::read(&text).unwrap_err(), JwsError::Header { name: "ctx" }, "{ctx}");
    }
    let without = sign_by_session_with(&key(), KdfVersion::One, &[1; 24], r#"{"alg":"HS256"}"#, "{}");
    assert!(matches!(SessionSigned::read(&without), Err(JwsError::Algorithm { .. })));
}

#[test]
fn what_is_no_signed_text_is_refused() {
    let good = DEVICE.sign(&json!({}));
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    for bad in [
        String::new(),
        String::from("."),
        String::from(".."),
        format!("{header}.{payload}"),
        format!("{good}.{signature}"),
        format!("{header}={payload}.{signature}"),
        format!("{header}.{payload}=.{signature}"),
        format!(" {good}"),
        format!("{}.{payload}.{signature}", URL_SAFE_NO_PAD.encode("[]")),
        format!("{}.{payload}.{signature}", URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","alg":"RS256"}"#)),
        "A".repeat(33 * 1024),
    ] {
        assert!(SignedRequest::read(&bad).is_err(), "{}", bad.chars().take(80).collect::<String>());
    }
    // A payload that readers read differently is refused although it is signed.
    let text = sign_by_session(&key(), KdfVersion::Two, r#"{"a":1,"a":2}"#);
    assert!(matches!(SessionSigned::read(&text).unwrap().verify(&key()), Err(JwsError::Json(_))));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[A-Za-z0-9_.-]{0,200}") {
        drop(SignedRequest::read(&text));
    }

    #[test]
    fn any_header_is_read_or_refused(header in r#"\{("(alg|ctx|x5c|kdf_ver)":("HS256"|"RS256"|"AAAAAAAAAAAAAAAAAAAAAAAA"|[0-9]{1,3}),?){0,4}\}"#) {
        let text = sign_by_session_with(&key(), KdfVersion::One, &[1; 24], &header, "{}");
        drop(SignedRequest::read(&text));
    }
}
