//! Opens what others encrypted to the server: the content key of an encrypted assertion.
//!
//! RSA-OAEP only. RSA PKCS#1 v1.5 key transport is left out on purpose: an answer that tells good from bad padding lets
//! anyone decrypt or sign with the key.

use std::sync::Arc;

use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};

use super::material::{KeyMaterial, MaterialError};
use crate::secret::Secret;
use crate::tokens::KeyId;

/// A token-decryption key.
pub struct DecryptionKey {
    id: KeyId,
    certificate: Arc<[u8]>,
    key: OaepPrivateDecryptingKey,
}

/// How a content key was wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyTransport {
    /// `http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p` with its default digest: OAEP and MGF1 with SHA-1. SHA-1 is
    /// sound here (no collision matters) and is what AD FS and most partners send.
    OaepMgf1Sha1,
    /// `http://www.w3.org/2009/xmlenc11#rsa-oaep` with SHA-256 in both places.
    OaepSha256,
}

impl DecryptionKey {
    /// Parses the key once, to be kept.
    ///
    /// # Errors
    /// [`MaterialError::Key`] when the library refuses the key.
    pub fn new(material: &KeyMaterial) -> Result<Self, MaterialError> {
        let key = PrivateDecryptingKey::from_pkcs8(material.pkcs8().expose())
            .map_err(|error| MaterialError::Key(error.to_string()))?;
        let key = OaepPrivateDecryptingKey::new(key).map_err(|error| MaterialError::Key(error.to_string()))?;
        Ok(Self { id: material.certificate().id(), certificate: material.certificate().der.clone(), key })
    }

    /// The key's id.
    pub const fn id(&self) -> &KeyId {
        &self.id
    }

    /// DER of the certificate, as published in metadata.
    pub const fn certificate(&self) -> &Arc<[u8]> {
        &self.certificate
    }

    /// Unwraps a content key.
    ///
    /// # Errors
    /// [`DecryptError`]; one error for all causes, so that nothing tells which check failed.
    pub fn unwrap_key(&self, transport: KeyTransport, wrapped: &[u8]) -> Result<Secret<Vec<u8>>, DecryptError> {
        let algorithm = match transport {
            KeyTransport::OaepMgf1Sha1 => &OAEP_SHA1_MGF1SHA1,
            KeyTransport::OaepSha256 => &OAEP_SHA256_MGF1SHA256,
        };
        let mut buffer = vec![0; self.key.min_output_size()];
        let opened = self.key.decrypt(algorithm, wrapped, &mut buffer, None).map(|opened| opened.len());
        let buffer = Secret::new(buffer);
        let key = buffer.expose().get(..opened.map_err(|_| DecryptError)?).ok_or(DecryptError)?;
        Ok(Secret::new(key.to_vec()))
    }
}

impl std::fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DecryptionKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A content key could not be unwrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the encrypted key cannot be opened with this token-decryption key")]
pub struct DecryptError;
