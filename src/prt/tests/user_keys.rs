//! Assertions by a user's own key.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::client::{DEVICE, NOW, OTHER};
use crate::devices::DeviceKey;
use crate::prt::{Asserted, AssertionNonce, HelloError, JwsError, RequestError, UserAssertion, check_assertion_nonce};

fn audiences() -> Vec<String> {
    vec![String::from("https://sts.corp.example/adfs")]
}

fn hello_key() -> DeviceKey {
    DeviceKey { usage: 1, material: DEVICE.blob(), device: Some(DEVICE.id), created: None }
}

fn kid() -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &DEVICE.blob()).as_ref().to_vec()
}

fn header() -> Value {
    json!({"typ": "JWT", "alg": "RS256", "kid": STANDARD.encode(kid()), "use": "ngc"})
}

fn payload(changes: &Value) -> Value {
    let now = NOW.unix_seconds();
    let mut payload = json!({"iss": "ada@corp.example", "aud": "https://STS.corp.example/adfs/", "iat": now,
        "exp": (now + 600).to_string(), "request_nonce": "n", "scope": "openid aza"});
    for (name, value) in changes.as_object().unwrap() {
        payload[name] = value.clone();
    }
    payload
}

fn verify(header: &Value, payload: &Value, keys: &[DeviceKey]) -> Result<Asserted, HelloError> {
    match UserAssertion::read(&DEVICE.sign_with(header, payload))? {
        UserAssertion::Hello(assertion) => assertion.verify(keys, &audiences(), NOW).map(|(_, asserted)| asserted),
        UserAssertion::Certificate(assertion) => assertion.verify(&audiences(), NOW),
    }
}

#[test]
fn a_key_of_the_user_signs_for_the_user() {
    let expected = Asserted { user: "ada@corp.example".into(), nonce: Some("n".into()) };
    assert_eq!(verify(&header(), &payload(&json!({})), &[hello_key()]), Ok(expected.clone()));
    let mut url_safe = header();
    url_safe["kid"] = json!(URL_SAFE_NO_PAD.encode(kid()));
    assert_eq!(verify(&url_safe, &payload(&json!({})), &[hello_key()]), Ok(expected));

    let UserAssertion::Hello(assertion) =
        UserAssertion::read(&DEVICE.sign_with(&header(), &payload(&json!({})))).unwrap()
    else {
        panic!("by a Windows Hello key")
    };
    assert_eq!(assertion.claimed_user().as_deref(), Ok("ada@corp.example"));
    assert_eq!(assertion.key_id(), STANDARD.encode(kid()));
}

#[test]
fn no_other_key_does() {
    let good = payload(&json!({}));
    let of_a_device = DeviceKey { usage: 2, ..hello_key() };
    let of_another = DeviceKey { material: OTHER.blob(), ..hello_key() };
    for keys in [vec![], vec![of_a_device], vec![of_another]] {
        assert_eq!(verify(&header(), &good, &keys), Err(HelloError::UnknownKey));
    }
    // The key is the user's, the signature another's.
    let text = OTHER.sign_with(&header(), &good);
    let UserAssertion::Hello(assertion) = UserAssertion::read(&text).unwrap() else { panic!("by a key") };
    let refused = assertion.verify(&[hello_key()], &audiences(), NOW).unwrap_err();
    assert_eq!(refused, HelloError::Jws(JwsError::Signature));
    // A key that is no RSA key.
    let odd = b"PCPM".to_vec();
    let id = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &odd);
    let mut named = header();
    named["kid"] = json!(STANDARD.encode(id));
    let key = DeviceKey { material: odd, ..hello_key() };
    assert_eq!(verify(&named, &good, &[key]), Err(HelloError::UnreadableKey));
}

#[test]
fn headers_and_members_must_fit() {
    for (name, value) in [
        ("use", json!("sig")),
        ("alg", json!("HS256")),
        ("alg", json!("none")),
        ("jku", json!("x")),
        ("kid", json!("AAAA")),
    ] {
        let mut header = header();
        header[name] = value;
        assert!(matches!(verify(&header, &payload(&json!({})), &[hello_key()]), Err(HelloError::Jws(_))), "{name}");
    }
    let now = NOW.unix_seconds();
    let time = |name| HelloError::Request(RequestError::Time { name });
    let missing = |name| HelloError::Request(RequestError::Missing { name });
    for (changes, expected) in [
        (json!({"aud": "common"}), HelloError::Audience),
        (json!({"aud": "https://sts.corp.example/adfs/oauth2/token"}), HelloError::Audience),
        (json!({"aud": null}), missing("aud")),
        (json!({"iss": null}), missing("iss")),
        (json!({"iat": null}), missing("iat")),
        (json!({"exp": null}), missing("exp")),
        (json!({"iat": now - 301}), time("iat")),
        (json!({"iat": now + 301}), time("iat")),
        (json!({"exp": now}), time("exp")),
        (json!({"exp": now + 601}), time("exp")),
    ] {
        assert_eq!(verify(&header(), &payload(&changes), &[hello_key()]), Err(expected), "{changes}");
    }
}

#[test]
fn a_signature_made_on_another_device_carries_the_nonce_of_this_request() {
    let nonce = |key: &DeviceKey, nonce| check_assertion_nonce(key, DEVICE.id, nonce, "n");
    let here = hello_key();
    assert_eq!(nonce(&here, Some("n")), Ok(AssertionNonce::OfTheRequest));
    assert_eq!(nonce(&here, Some("m")), Ok(AssertionNonce::ItsOwn));
    assert_eq!(nonce(&here, None), Err(HelloError::Nonce));
    for elsewhere in [DeviceKey { device: Some(OTHER.id), ..hello_key() }, DeviceKey { device: None, ..hello_key() }] {
        assert_eq!(nonce(&elsewhere, Some("n")), Ok(AssertionNonce::OfTheRequest));
        assert_eq!(nonce(&elsewhere, Some("m")), Err(HelloError::Nonce));
        assert_eq!(nonce(&elsewhere, None), Err(HelloError::Nonce));
    }
}

#[test]
fn a_certificate_signs_with_its_own_key() {
    let chain = json!([STANDARD.encode(&DEVICE.der), STANDARD.encode(&OTHER.der)]);
    let header = json!({"alg": "RS256", "x5c": chain});
    assert!(verify(&header, &payload(&json!({})), &[]).is_ok());
    let swapped = json!({"alg": "RS256", "x5c": [STANDARD.encode(&OTHER.der)]});
    assert_eq!(verify(&swapped, &payload(&json!({})), &[]), Err(HelloError::Jws(JwsError::Signature)));
    assert_eq!(verify(&header, &payload(&json!({"aud": "x"})), &[]), Err(HelloError::Audience));
    for x5c in [json!([]), json!(["?"]), json!(vec!["AAAA"; 6])] {
        let refused = verify(&json!({"alg": "RS256", "x5c": x5c}), &payload(&json!({})), &[]);
        assert_eq!(refused, Err(HelloError::Jws(JwsError::Header { name: "x5c" })));
    }
    let odd = verify(&json!({"alg": "RS256", "x5c": "AAAA"}), &payload(&json!({})), &[]);
    assert_eq!(odd, Err(HelloError::UnreadableKey));
}
