//! Messages of key provisioning (MS-KPP; oauth-oidc-prt.md 5.1): a user's Windows Hello key comes in, its registration goes out.

use actix_web::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::discovery::JSON;
use super::join_request::{MessageError, decode, read_json};
use super::refusal::{Refusal, WireError};
use super::rest::with_hints;
use crate::clock::UtcTime;
use crate::correlation::CorrelationId;
use crate::protocols::http::Answer;

/// The key in a request, as the client sent it.
///
/// # Errors
/// [`MessageError`].
pub fn read(body: &[u8]) -> Result<Vec<u8>, MessageError> {
    let Message { kngc } = read_json(body)?;
    decode(&kngc).filter(|key| !key.is_empty()).ok_or(MessageError::Member("kngc is not base64"))
}

#[derive(Deserialize)]
struct Message {
    kngc: String,
}

#[derive(Serialize)]
struct Registered<'a> {
    kid: String,
    upn: &'a str,
    pctx: String,
}

/// What `pctx` says: where the key was written, so that a later request reads there and meets no replica that lags.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Place<'a> {
    domain_controller_fqdn: &'a str,
}

#[derive(Serialize)]
struct Failure<'a> {
    code: &'static str,
    message: &'a str,
    response: &'static str,
    target: &'static str,
    clientrequestid: String,
    time: String,
    innererror: Inner,
}

/// The published text "null", not the value.
#[derive(Serialize)]
struct Inner {
    trace: &'static str,
    context: &'static str,
}

/// The octets that `pctx` signs.
///
/// # Errors
/// [`Refusal::Write`].
pub(super) fn place(domain_controller: &str) -> Result<Vec<u8>, Refusal> {
    let place = Place { domain_controller_fqdn: domain_controller };
    serde_json::to_vec(&place).map_err(|error| Refusal::Write(error.to_string()))
}

/// The answer to a key that is registered; `kid` names the registration and has nothing to do with the key.
///
/// # Errors
/// [`Refusal::Write`].
pub(super) fn registered(kid: uuid::Uuid, upn: &str, signed_place: &[u8]) -> Result<Vec<u8>, Refusal> {
    let registered = Registered { kid: kid.to_string(), upn, pctx: STANDARD.encode(signed_place) };
    serde_json::to_vec(&registered).map_err(|error| Refusal::Write(error.to_string()))
}

/// The error answer of a refusal.
pub(super) fn failed(refusal: &Refusal, correlation: CorrelationId, now: UtcTime) -> Answer {
    let WireError { status, message, retry, .. } = refusal.wire();
    let failure = Failure {
        code: match status {
            StatusCode::UNAUTHORIZED => "unauthorized",
            StatusCode::BAD_REQUEST => "invalid_request",
            _ => "server_error",
        },
        message: &message,
        response: "ERROR_FAIL",
        target: "Key",
        clientrequestid: correlation.to_string(),
        time: now.to_xml(),
        innererror: Inner { trace: "null", context: "null" },
    };
    let body = serde_json::to_vec(&failure).unwrap_or_default();
    with_hints(Answer::new(status, JSON, body), status, retry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests() {
        assert_eq!(read(br#"{"kngc":"UlNBMQ==","other":1}"#).unwrap(), b"RSA1");
        assert_eq!(read(br#"{"kngc":"!"}"#), Err(MessageError::Member("kngc is not base64")));
        assert_eq!(read(br#"{"kngc":""}"#), Err(MessageError::Member("kngc is not base64")));
        for body in [&b"{}"[..], b"", br#"{"kngc":1}"#, br#"{"kngc":"UlNB","kngc":"UlNB"}"#] {
            assert!(matches!(read(body), Err(MessageError::Json(_))));
        }
    }

    #[test]
    fn answers() {
        assert_eq!(place("dc1.corp.example").unwrap(), br#"{"DomainControllerFqdn":"dc1.corp.example"}"#);
        let answer = registered(uuid::Uuid::from_u128(7), "alice@corp.example", b"\x30\x82").unwrap();
        assert_eq!(
            String::from_utf8(answer).unwrap(),
            r#"{"kid":"00000000-0000-0000-0000-000000000007","upn":"alice@corp.example","pctx":"MII="}"#
        );
        let correlation = CorrelationId::from_client("9c1d7c52-3b0e-4d53-9a6d-5b1f6f0c8e21").unwrap();
        let now = UtcTime::from_xml("2026-01-01T00:00:00Z").unwrap();
        let answer = failed(&Refusal::KeyClaim("amr"), correlation, now);
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        insta::assert_snapshot!("key_error", String::from_utf8(answer.body).unwrap());
    }
}
