//! The token by which a client says who it is (`private_key_jwt`, RFC 7523).

use std::time::Duration;

use serde_json::Value;

use super::client_keys::ClientKeys;
use super::error::JwtError;
use super::jws::{Jws, Payload};
use crate::address;
use crate::clock::UtcTime;

/// What remains of a client's assertion: its id must not be taken twice before it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientAssertion {
    /// `jti`.
    pub id: String,
    /// Until when it would be taken.
    pub until: UtcTime,
}

/// Verifies a client's assertion: signed by `RS256` or `PS256` with a registered key of the client, about the client and by it, for this
/// server alone (`audiences` are its addresses), valid at `now` and not for long.
///
/// # Errors
/// [`JwtError`].
pub fn verify_client_assertion(
    keys: &ClientKeys,
    client: &str,
    assertion: &str,
    audiences: &[String],
    now: UtcTime,
) -> Result<ClientAssertion, JwtError> {
    let jws = Jws::parse(assertion)?;
    let key = keys.find(jws.header(), now)?;
    let members = jws.verify_rs256_or_ps256(key)?;
    if members.text("iss") != Some(client) {
        return Err(JwtError::Issuer);
    }
    if members.text("sub") != Some(client) {
        return Err(JwtError::Subject);
    }
    if !only_audience(&members).is_some_and(|audience| audiences.iter().any(|own| address::is_same(own, audience))) {
        return Err(JwtError::Audience);
    }
    let until = members.required_time("exp")?.plus(SKEW);
    if now >= until {
        return Err(JwtError::Expired);
    }
    if until > now.plus(MAX_LIFETIME) {
        return Err(JwtError::LifetimeTooLong);
    }
    for member in ["nbf", "iat"] {
        if members.time(member)?.is_some_and(|begin| begin > now.plus(SKEW)) {
            return Err(JwtError::NotYetValid);
        }
    }
    let id = members.required_text("jti")?;
    if id.len() > MAX_ID_LEN {
        return Err(JwtError::Member { member: "jti" });
    }
    Ok(ClientAssertion { id: id.to_owned(), until })
}

/// The audience, when there is exactly one.
fn only_audience(members: &Payload) -> Option<&str> {
    match members.get("aud")? {
        Value::String(audience) => Some(audience),
        Value::Array(audiences) => match audiences.as_slice() {
            [Value::String(audience)] => Some(audience),
            _ => None,
        },
        _ => None,
    }
}

/// The clock of a client may be as far off as Kerberos lets it be.
const SKEW: Duration = Duration::from_mins(5);
/// Libraries make assertions of 5 to 60 minutes; the id of each is remembered for that long.
const MAX_LIFETIME: Duration = Duration::from_mins(70);
const MAX_ID_LEN: usize = 256;
