//! Access tokens of our own that come back: at the user information endpoint, the device registration service, key
//! provisioning, and as the assertion of a middle tier.

use super::content::audience_of;
use super::error::JwtError;
use super::jws::{Jws, Payload};
use super::own_key::own_key;
use crate::clock::UtcTime;
use crate::keys::KeyRing;

/// What a valid access token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// Its audience, as it stands in the token.
    pub audience: String,
    /// The client it was issued to (`appid`); `None` only where [`verify_resource_token`] takes a token of WS-Trust.
    pub client: Option<String>,
    /// Whether that client authenticates itself (`apptype`).
    pub confidential: bool,
    /// What it may be used for (`scp`).
    pub scopes: Vec<String>,
    /// When the user authenticated (`auth_time`).
    pub authenticated_at: Option<UtcTime>,
    /// When it was issued.
    pub issued_at: UtcTime,
    /// Until when it is valid.
    pub expires: UtcTime,
    /// Everything it says, claims by their short names.
    pub members: Payload,
}

impl AccessToken {
    /// Whether this scope was granted.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }
}

/// Verifies an access token: signed by `RS256` with a key of `keys`, of this federation service (`issuer` is its identifier,
/// which id tokens do not carry as issuer), for one of the resources in `audiences` (identifiers of trusts), valid at `now`.
/// Tokens of WS-Trust have the same issuer and key; they were issued to no client, and are none.
///
/// # Errors
/// [`JwtError`].
pub fn verify_access_token(
    keys: &KeyRing,
    issuer: &str,
    token: &str,
    audiences: &[&str],
    now: UtcTime,
) -> Result<AccessToken, JwtError> {
    let token = verify_resource_token(keys, issuer, token, audiences, now)?;
    if token.client.is_some() { Ok(token) } else { Err(JwtError::Kind) }
}

/// The same for a resource that takes tokens of WS-Trust, too.
///
/// # Errors
/// [`JwtError`].
pub fn verify_resource_token(
    keys: &KeyRing,
    issuer: &str,
    token: &str,
    audiences: &[&str],
    now: UtcTime,
) -> Result<AccessToken, JwtError> {
    let jws = Jws::parse(token)?;
    let key = own_key(keys, jws.header())?;
    let members = jws.verify_rs256(key)?;
    if members.text("iss") != Some(issuer) {
        return Err(JwtError::Issuer);
    }
    let audience = members.required_text("aud")?;
    if !audiences.iter().any(|own| audience_of(own) == audience) {
        return Err(JwtError::Audience);
    }
    let client = members.text("appid").zip(members.text("apptype"));
    let expires = members.required_time("exp")?;
    if now >= expires {
        return Err(JwtError::Expired);
    }
    if members.required_time("nbf")? > now.plus(NODE_SKEW) {
        return Err(JwtError::NotYetValid);
    }
    Ok(AccessToken {
        audience: audience.to_owned(),
        client: client.map(|(client, _)| client.to_owned()),
        confidential: client.is_some_and(|(_, kind)| kind == "Confidential"),
        scopes: members.text("scp").unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect(),
        authenticated_at: members.text("auth_time").and_then(|text| UtcTime::from_xml(text).ok()),
        issued_at: members.required_time("iat")?,
        expires,
        members,
    })
}

/// How far the clocks of a farm's nodes may be apart.
const NODE_SKEW: std::time::Duration = std::time::Duration::from_mins(1);
