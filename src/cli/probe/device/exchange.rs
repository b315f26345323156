//! A primary refresh token exchanged for tokens of a client (oauth-oidc-prt.md 3.5): signed by a key derived from the session key, and
//! answered under another.

use serde_json::{Value, json};

use super::super::failure::{Failure, Passed, Step};
use super::super::http::Http;
use super::super::request::shortened;
use super::jose;
use super::prt::{Prt, signed_request};
use super::refusal;
use crate::clock::{Random as _, SystemRandomSource, UtcTime};

/// The client and the resource that tokens are for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'f> {
    pub(super) client: &'f str,
    pub(super) redirect_uri: &'f str,
    pub(super) resource: &'f str,
}

/// Gets an access token.
pub(super) fn exchange(http: &Http<'_>, endpoint: &str, prt: &Prt, wanted: Wanted<'_>, now: UtcTime) -> Step<()> {
    let now = now.unix_seconds();
    let payload = |token: &str| {
        json!({"client_id": wanted.client, "scope": "openid", "resource": wanted.resource, "iat": now, "exp": now + 300,
            "grant_type": "refresh_token", "refresh_token": token})
    };
    let token = prt.token.expose();
    let signed = prt.session_key.sign(&ctx()?, &payload(token), &payload(&shortened(token)))?;
    let reply = http.send(&signed_request(endpoint, &signed))?;
    if reply.status != 200 {
        return Err(refusal::token(&reply));
    }
    let answer = prt.session_key.open(&reply.text()).map_err(|error| {
        Failure::new(format!("the answer cannot be read: {error}"))
            .advise("It must be a JWE in compact form, under a key derived (version 1) from the session key with the ctx of its header.")
    })?;
    let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
    let claims = jose::members(text("access_token"))
        .ok_or_else(|| Failure::new("the answer holds no access token in JWT form"))?;
    let claim = |name: &str| claims.get(name).and_then(Value::as_str).map(|value| format!(", {name} {value}"));
    let what = format!(
        "an access token for {}{}{}",
        claims.get("aud").and_then(Value::as_str).unwrap_or("nobody"),
        claim("upn").unwrap_or_default(),
        claim("deviceid").unwrap_or_default(),
    );
    Ok(Passed::new((), what))
}

/// What a key is derived with; each once.
pub(super) fn ctx() -> Result<[u8; 24], Failure> {
    let mut ctx = [0; 24];
    SystemRandomSource::new().fill(&mut ctx).map_err(|error| Failure::new(error.to_string()))?;
    Ok(ctx)
}
