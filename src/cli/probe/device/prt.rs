//! The primary refresh token (MS-OAPXBC, oauth-oidc-prt.md 3.2 to 3.4): a nonce, and a request signed by the device with its user's
//! password in it.

use serde::Serialize;
use serde_json::Value;

use super::super::failure::{Failure, Passed, Step};
use super::super::http::{Http, Reply};
use super::super::request::{Field, Request, shortened};
use super::jose::{self, SessionKey};
use super::keys::DeviceKeys;
use super::refusal;
use crate::secret::Secret;

/// A primary refresh token, and the key that was wrapped for the device.
pub(super) struct Prt {
    pub(super) token: Secret<String>,
    pub(super) session_key: SessionKey,
}

/// The device and its user.
pub(super) struct Proof<'p> {
    pub(super) keys: &'p DeviceKeys,
    /// DER.
    pub(super) certificate: &'p [u8],
    pub(super) user: &'p str,
    pub(super) password: &'p Secret<String>,
}

/// The payload of a request with a password.
#[derive(Serialize)]
struct PasswordRequest<'p> {
    client_id: &'p str,
    scope: &'p str,
    request_nonce: &'p str,
    win_ver: &'p str,
    grant_type: &'p str,
    username: &'p str,
    password: &'p str,
}

/// A nonce of the server.
pub(super) fn nonce(http: &Http<'_>, endpoint: &str) -> Step<String> {
    let reply = http.send(&Request::form(endpoint, &[Field::plain("grant_type", "srv_challenge")]))?;
    let nonce = reply.json().and_then(|answer| answer.get("Nonce").and_then(Value::as_str).map(str::to_owned));
    match nonce.filter(|nonce| reply.status == 200 && !nonce.is_empty()) {
        Some(nonce) => {
            let what = format!("{} characters", nonce.len());
            Ok(Passed::new(nonce, what))
        }
        None => Err(refusal::token(&reply).advise(
            "The token endpoint does not answer grant_type=srv_challenge: primary refresh tokens are off there, or the server is older than \
             AD FS 2016.",
        )),
    }
}

/// A primary refresh token by name and password.
pub(super) fn request(http: &Http<'_>, endpoint: &str, nonce: &str, proof: &Proof<'_>) -> Step<Prt> {
    let payload = PasswordRequest {
        client_id: BROKER,
        scope: "openid aza",
        request_nonce: nonce,
        win_ver: "10.0.26100.1",
        grant_type: "password",
        username: proof.user,
        password: proof.password.expose(),
    };
    let shown = PasswordRequest { password: "(hidden)", request_nonce: &shortened(nonce), ..payload };
    let signed = jose::by_device(proof.keys.device(), proof.certificate, &payload, &shown)?;
    let reply = http.send(&signed_request(endpoint, &signed))?;
    if reply.status != 200 {
        return Err(refusal::token(&reply));
    }
    read(&reply, proof.keys)
}

/// A form with a signed request.
pub(super) fn signed_request(endpoint: &str, signed: &jose::Signed) -> Request {
    Request::form(
        endpoint,
        &[
            Field::plain("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            Field::shown_as("request", signed.text.expose(), format!("({})", signed.shown)),
            Field::plain("windows_api_version", "2.2"),
        ],
    )
}

fn read(reply: &Reply, keys: &DeviceKeys) -> Step<Prt> {
    let answer = reply.json().ok_or_else(|| refusal::no_answer_of_the_service(reply))?;
    let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
    let kind = text("token_type");
    if !kind.eq_ignore_ascii_case("pop") || text("refresh_token").is_empty() {
        return Err(Failure::new(format!("the answer is of type {kind:?}, and not a primary refresh token (pop)")));
    }
    let session_key = SessionKey::from_jwe(text("session_key_jwe"), |wrapped| keys.unwrap(wrapped)).ok_or_else(|| {
        Failure::new("the session key does not open with the transport key").advise(
            "It was wrapped for another key: does msDS-KeyCredentialLink of the device hold the transport key of this registration on every \
             domain controller?",
        )
    })?;
    let days = answer.get("refresh_token_expires_in").and_then(Value::as_i64).unwrap_or_default() / 86_400;
    let who = jose::members(text("id_token")).and_then(|claims| claims.get("upn")?.as_str().map(str::to_owned));
    let what = format!(
        "for {}, {} characters, {days} days; its session key opens with the transport key",
        who.as_deref().unwrap_or("somebody without a upn"),
        text("refresh_token").len()
    );
    let passed = Passed::new(Prt { token: Secret::new(text("refresh_token").to_owned()), session_key }, what);
    Ok(if who.is_some() { passed } else { passed.note("The id_token names no upn; Windows reads it there.") })
}

/// The broker of Windows.
pub(super) const BROKER: &str = "38aa3b87-a06d-4817-b275-7a316988d93b";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_no_primary_refresh_token_is_told() {
        let keys = DeviceKeys::new().unwrap();
        let read = |body: &str| {
            let reply = Reply { status: 200, headers: Vec::new(), body: body.as_bytes().to_vec() };
            super::read(&reply, &keys).map(|_| ()).unwrap_err().what
        };
        assert!(read("<html><title>x</title>").contains("\"x\""));
        assert!(read(r#"{"token_type":"bearer","refresh_token":"x"}"#).contains("bearer"));
        assert!(
            read(r#"{"token_type":"pop","refresh_token":"x","session_key_jwe":"a.AAAA.c.d.e"}"#)
                .contains("transport key")
        );
    }

    #[test]
    fn a_password_is_signed_and_not_shown() {
        let keys = DeviceKeys::new().unwrap();
        let payload = |password: &str| serde_json::json!({"password": password});
        let signed = jose::by_device(keys.device(), b"x", &payload("secret"), &payload("(hidden)")).unwrap();
        let request = signed_request("https://a/", &signed);
        assert!(
            !request.shown.contains("secret") && !request.shown.contains(signed.text.expose()),
            "{}",
            request.shown
        );
        assert_eq!(jose::members(signed.text.expose()).unwrap()["password"], "secret");
    }
}
