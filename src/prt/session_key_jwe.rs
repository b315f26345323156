//! `session_key_jwe`: the session key on its way to the device (MS-OAPXBC 3.2.5.1.2.2, oauth-oidc-prt.md 3.4).
//!
//! The session key is the content encryption key itself; the content is one space. Clients take the second part and nothing
//! else, and compare the first part's text, so its members stand in this order.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::kdf::SessionKey;
use super::response::EncryptError;
use super::transport_key::TransportKey;
use crate::clock::Random;

/// The session key for the holder of the transport key.
///
/// # Errors
/// [`EncryptError`].
pub fn session_key_jwe(
    session_key: &SessionKey,
    transport_key: &TransportKey,
    random: &dyn Random,
) -> Result<String, EncryptError> {
    let wrapped = transport_key.wrap(session_key).ok_or(EncryptError::Library)?;
    let header = URL_SAFE_NO_PAD.encode(HEADER);
    let mut nonce = [0; NONCE_LEN];
    random.fill(&mut nonce)?;
    let key = UnboundKey::new(&AES_256_GCM, session_key.expose()).map_err(|_| EncryptError::Library)?;
    let mut content = *b" ";
    let tag = LessSafeKey::new(key)
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(header.as_bytes()), &mut content)
        .map_err(|_| EncryptError::Library)?;
    let parts = [&wrapped[..], &nonce, &content, tag.as_ref()].map(|part| URL_SAFE_NO_PAD.encode(part));
    Ok([header, parts.join(".")].join("."))
}

const HEADER: &str = r#"{"enc":"A256GCM","alg":"RSA-OAEP"}"#;
