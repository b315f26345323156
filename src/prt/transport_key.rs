//! The transport key of a device: the RSA key under which it is sent a session key.
//!
//! Stored as the device gave it: a `BCRYPT_RSAKEY_BLOB` (device-registration.md 4.2), or a blob of the device's TPM (`PCPM`).

use aws_lc_rs::digest;
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicEncryptingKey, PublicKeyComponents};

use super::kdf::SessionKey;
use crate::devices::codec::key_credential::USAGE_SESSION_TRANSPORT;
use crate::devices::{Device, DeviceKey, KeyBlob, KeyBlobError, TpmKey};

/// A key that session keys are wrapped with.
pub struct TransportKey {
    key: OaepPublicEncryptingKey,
    digest: [u8; 32],
}

impl TransportKey {
    /// The newest transport key of a device.
    ///
    /// # Errors
    /// [`TransportKeyError`].
    pub fn of(device: &Device) -> Result<Self, TransportKeyError> {
        let newest =
            device.keys.iter().filter(|key| key.usage == USAGE_SESSION_TRANSPORT).max_by_key(|key| key.created);
        Self::read(&newest.ok_or(TransportKeyError::Missing)?.material)
    }

    /// Reads the key material.
    ///
    /// # Errors
    /// [`TransportKeyError`].
    pub fn read(material: &[u8]) -> Result<Self, TransportKeyError> {
        let key = if TpmKey::is_one(material) {
            let key = TpmKey::registered(material)?;
            encrypting_key(key.modulus(), key.exponent())?
        } else {
            let key = KeyBlob::registered(material)?;
            encrypting_key(key.modulus(), key.exponent())?
        };
        let key = OaepPublicEncryptingKey::new(key).map_err(|_| TransportKeyError::Unsuitable)?;
        Ok(Self { key, digest: key_digest(material) })
    }

    /// SHA-256 of the key material: the key's identifier in `msDS-KeyCredentialLink`.
    pub const fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The session key, wrapped by RSA-OAEP with SHA-1 and MGF1-SHA-1, an empty label: the one form that every client
    /// unwraps. Its SHA-1 is a label's digest, not a signature's.
    pub(super) fn wrap(&self, session_key: &SessionKey) -> Option<Vec<u8>> {
        let mut room = vec![0; self.key.ciphertext_size()];
        let wrapped = self.key.encrypt(&OAEP_SHA1_MGF1SHA1, session_key.expose(), &mut room, None).ok()?;
        Some(wrapped.to_vec())
    }
}

impl std::fmt::Debug for TransportKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TransportKey").field("bits", &self.key.key_size_bits()).finish_non_exhaustive()
    }
}

fn encrypting_key(modulus: &[u8], exponent: &[u8]) -> Result<PublicEncryptingKey, TransportKeyError> {
    let components = PublicKeyComponents { n: modulus, e: exponent };
    components.try_into().map_err(|_| TransportKeyError::Unsuitable)
}

/// Why a device can be sent no session key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TransportKeyError {
    /// It registered none (MSIS9682).
    #[error("the device has no transport key")]
    Missing,
    /// Neither an RSA public key blob nor one of a TPM, or not whole (MSIS9683).
    #[error("the device's transport key is neither an RSA public key blob nor one of a TPM")]
    Unreadable,
    /// An RSA key that is too small or no sound key (MSIS9683).
    #[error("the device's transport key is not a sound RSA key of 2048 to 4096 bits")]
    Unsuitable,
}

impl From<KeyBlobError> for TransportKeyError {
    fn from(error: KeyBlobError) -> Self {
        match error {
            KeyBlobError::Kind | KeyBlobError::JsonWebKey | KeyBlobError::Lengths => Self::Unreadable,
            KeyBlobError::Weak(_) => Self::Unsuitable,
        }
    }
}

/// SHA-256 of key material.
pub(super) fn key_digest(material: &[u8]) -> [u8; 32] {
    let mut octets = [0; 32];
    for (to, from) in octets.iter_mut().zip(digest::digest(&digest::SHA256, material).as_ref()) {
        *to = *from;
    }
    octets
}

/// Whether the device still has the transport key with this digest.
pub(super) fn has_transport_key(device: &Device, digest: &[u8; 32]) -> bool {
    let is_it = |key: &DeviceKey| key.usage == USAGE_SESSION_TRANSPORT && key_digest(&key.material) == *digest;
    device.keys.iter().any(is_it)
}
