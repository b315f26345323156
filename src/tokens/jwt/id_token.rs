//! Id tokens of our own that come back as a hint: who is to be signed out.

use super::error::JwtError;
use super::jws::{Jws, Payload};
use super::own_key::own_key;
use crate::keys::KeyRing;

/// What an id token that this server issued says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdTokenHint {
    /// The client it was issued to.
    pub client: String,
    /// The subject at that client.
    pub subject: String,
    /// Everything it says.
    pub members: Payload,
}

/// Verifies an id token hint: signed by `RS256` with a key of `keys`, issued as `issuer`. It may have
/// expired: it says who was signed in, and permits nothing by itself.
///
/// # Errors
/// [`JwtError`].
pub fn verify_id_token_hint(keys: &KeyRing, issuer: &str, token: &str) -> Result<IdTokenHint, JwtError> {
    let jws = Jws::parse(token)?;
    let key = own_key(keys, jws.header())?;
    let members = jws.verify_rs256(key)?;
    if members.text("iss") != Some(issuer) {
        return Err(JwtError::Issuer);
    }
    Ok(IdTokenHint {
        client: members.required_text("aud")?.to_owned(),
        subject: members.required_text("sub")?.to_owned(),
        members,
    })
}
