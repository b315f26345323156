//! Payloads of requests for a PRT.

use serde_json::{Map, Value, json};

use super::client::NOW;
use crate::prt::{PrtRequest, RequestError, UserProof};

fn payload() -> Value {
    json!({"client_id": "38aa3b87", "scope": "openid aza ugs", "request_nonce": "n", "win_ver": "10.0",
        "grant_type": "password", "username": "ada@corp.example", "password": "Pw", "group_sids": ["S-1-5-32-544"]})
}

fn with(changes: &Value) -> Map<String, Value> {
    let mut payload = payload();
    for (name, value) in changes.as_object().unwrap() {
        payload[name] = value.clone();
    }
    payload.as_object().unwrap().clone()
}

#[test]
fn each_proof_is_read() {
    let read = |changes: Value| PrtRequest::read(&with(&changes), NOW).unwrap();
    let request = read(json!({}));
    assert_eq!((request.client_id.as_str(), request.nonce.as_deref()), ("38aa3b87", Some("n")));
    assert!(matches!(&request.proof, UserProof::Password { username, password }
        if username == "ada@corp.example" && password.expose() == "Pw"));
    assert!(matches!(read(json!({"grant_type": "refresh_token", "refresh_token": "r"})).proof,
        UserProof::RefreshToken(token) if token.expose() == "r"));
    let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    assert!(matches!(read(json!({"grant_type": grant, "assertion": "a.b.c"})).proof,
        UserProof::Assertion(text) if text == "a.b.c"));
    assert!(!format!("{request:?}").contains("Pw"), "no password in a log");
    assert!(read(json!({"request_nonce": null})).nonce.is_none(), "whether it must be there is asked later");
}

/// The example of MS-OAPXBC 4.2; what stands there shortened is shortened here.
#[test]
fn the_published_request_is_read() {
    let payload = json!({"client_id": "38aa3b87-a06d-4817-b275-7a316988d93b", "scope": "aza openid", "grant_type": "password",
        "username": "janedoe@example.com", "password": "password", "request_nonce": "eyJWZXJza..."});
    let request = PrtRequest::read(payload.as_object().unwrap(), NOW).unwrap();
    assert_eq!(request.client_id, crate::trusts::client::BROKER);
    assert_eq!(request.nonce.as_deref(), Some("eyJWZXJza..."));
    assert!(matches!(&request.proof, UserProof::Password { username, password }
        if username == "janedoe@example.com" && password.expose() == "password"));
}

#[test]
fn what_must_be_there_must_be_there() {
    for (changes, expected) in [
        (json!({"client_id": null}), RequestError::Missing { name: "client_id" }),
        (json!({"client_id": ""}), RequestError::Missing { name: "client_id" }),
        (json!({"scope": null}), RequestError::Scope { scope: "openid" }),
        (json!({"scope": "aza"}), RequestError::Scope { scope: "openid" }),
        (json!({"scope": "openid azadel"}), RequestError::Scope { scope: "aza" }),
        (json!({"username": null}), RequestError::Missing { name: "username" }),
        (json!({"password": 7}), RequestError::Missing { name: "password" }),
        (json!({"grant_type": "refresh_token"}), RequestError::Missing { name: "refresh_token" }),
        (json!({"grant_type": null}), RequestError::GrantType { grant_type: String::new() }),
        (json!({"grant_type": "device_auth"}), RequestError::GrantType { grant_type: "device_auth".into() }),
        (
            json!({"grant_type": "urn:ietf:params:oauth:grant-type:saml1_1-bearer", "assertion": "x"}),
            RequestError::GrantType { grant_type: "urn:ietf:params:oauth:grant-type:saml1_1-bearer".into() },
        ),
    ] {
        assert_eq!(PrtRequest::read(&with(&changes), NOW).unwrap_err(), expected, "{changes}");
    }
}

#[test]
fn times_are_numbers_or_texts_and_must_fit() {
    let now = NOW.unix_seconds();
    for changes in [
        json!({"iat": now, "exp": now + 1}),
        json!({"iat": now.to_string(), "exp": (now + 300).to_string()}),
        json!({"iat": now + 300}),
        json!({"iat": 1, "exp": now + 100_000}),
    ] {
        assert!(PrtRequest::read(&with(&changes), NOW).is_ok(), "{changes}");
    }
    for (changes, name) in [
        (json!({"exp": now}), "exp"),
        (json!({"exp": (now - 1).to_string()}), "exp"),
        (json!({"exp": "soon"}), "exp"),
        (json!({"exp": []}), "exp"),
        (json!({"iat": now + 301}), "iat"),
        (json!({"iat": true}), "iat"),
    ] {
        assert_eq!(PrtRequest::read(&with(&changes), NOW).unwrap_err(), RequestError::Time { name }, "{changes}");
    }
}
