//! Which key of our own a token names.

use super::error::JwtError;
use super::jws::Header;
use super::key::RsaPublicKey;
use crate::keys::KeyRing;

/// The token-signing key of this server, primary or not, that `kid` names. Tokens of our own always name it, and are always
/// of type `JWT`.
pub(super) fn own_key<'k>(keys: &'k KeyRing, header: &Header) -> Result<&'k RsaPublicKey, JwtError> {
    if header.text("typ") != Some("JWT") {
        return Err(JwtError::Kind);
    }
    let kid = header.text("kid").ok_or(JwtError::UnknownKey)?;
    let key = keys.signing().map(|key| &key.key).find(|key| key.x5t() == kid).ok_or(JwtError::UnknownKey)?;
    key.public_key().ok_or(JwtError::UnknownKey)
}
