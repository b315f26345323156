//! Answers encrypted under a derived key: JWE with `dir` and `A256GCM` (oauth-oidc-prt.md 3.5).
//!
//! The key comes from the `ctx` of the request, by version 1 whatever the request used: an answer has no payload of a JWT to
//! take in. The nonce is random; the key changes with each `ctx`.

use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::kdf::{KdfVersion, SessionKey};
use crate::clock::{Random, RandomError};

/// `plain` for whoever holds the session key.
///
/// # Errors
/// [`EncryptError`].
pub fn encrypt_response(
    session_key: &SessionKey,
    ctx: &[u8],
    plain: &[u8],
    random: &dyn Random,
) -> Result<String, EncryptError> {
    // Base64 holds nothing that JSON would escape.
    let header = format!(r#"{{"alg":"dir","enc":"A256GCM","ctx":"{}","kid":"session"}}"#, STANDARD.encode(ctx));
    let header = URL_SAFE_NO_PAD.encode(header);
    let mut nonce = [0; NONCE_LEN];
    random.fill(&mut nonce)?;
    let key = session_key.derive(KdfVersion::One, ctx, b"").aead().ok_or(EncryptError::Library)?;
    let mut content = plain.to_vec();
    let tag = key
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(header.as_bytes()), &mut content)
        .map_err(|_| EncryptError::Library)?;
    let [nonce, content, tag] = [&nonce[..], &content, tag.as_ref()].map(|part| URL_SAFE_NO_PAD.encode(part));
    Ok(format!("{header}..{nonce}.{content}.{tag}"))
}

/// Why something could not be encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncryptError {
    /// The random source failed.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The cryptographic library refused.
    #[error("the cryptographic library refused to encrypt")]
    Library,
}
