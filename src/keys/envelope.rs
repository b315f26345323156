//! Encryption of private keys at rest.
//!
//! AES-256-GCM under a key derived (HKDF-SHA256) from the key-encryption key. The associated data binds each envelope to
//! the format, the purpose and the id of the key inside, so that a file copied over another one does not open. The
//! envelope is JSON: an administrator sees what a file is and which key-encryption key opens it. Knows no files.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};

use super::manifest::KeyPurpose;
use crate::clock::{Random, RandomError};
use crate::secret::Secret;
use crate::tokens::KeyId;

/// The key that encrypts the other keys at rest: 32 octets from a file.
#[derive(Clone)]
pub struct KeyEncryptionKey {
    key: Secret<[u8; KEY_LEN]>,
    id: String,
}

impl KeyEncryptionKey {
    /// A key from its octets.
    ///
    /// # Errors
    /// [`EnvelopeError::WeakKey`] when all octets are equal, as in a file of zeros.
    pub fn new(octets: Secret<[u8; KEY_LEN]>) -> Result<Self, EnvelopeError> {
        let [first, rest @ ..] = octets.expose();
        if rest.iter().all(|octet| octet == first) {
            return Err(EnvelopeError::WeakKey);
        }
        let id = derive::<8>(octets.expose(), "id")?;
        Ok(Self { id: hex::encode(id.expose()), key: octets })
    }

    /// Reads the content of a key file: exactly 32 raw octets, or their base64 or hexadecimal text (surrounding white
    /// space is ignored).
    ///
    /// # Errors
    /// [`EnvelopeError::KeyForm`] for anything else, [`EnvelopeError::WeakKey`] when all octets are equal.
    pub fn parse(content: &Secret<Vec<u8>>) -> Result<Self, EnvelopeError> {
        let content = content.expose();
        let mut octets = Secret::new([0; KEY_LEN]);
        if content.len() != KEY_LEN {
            let text = content.trim_ascii();
            let decoded = Secret::new(
                match text.len() {
                    64 => hex::decode(text).ok(),
                    44 => STANDARD.decode(text).ok(),
                    43 => STANDARD_NO_PAD.decode(text).ok(),
                    _ => None,
                }
                .ok_or(EnvelopeError::KeyForm { length: content.len() })?,
            );
            let decoded: [u8; KEY_LEN] =
                decoded.expose().as_slice().try_into().map_err(|_| EnvelopeError::KeyForm { length: content.len() })?;
            octets = Secret::new(decoded);
        } else if let Some(raw) = content.first_chunk::<KEY_LEN>() {
            octets = Secret::new(*raw);
        }
        Self::new(octets)
    }

    /// A fresh key.
    ///
    /// # Errors
    /// [`EnvelopeError::Random`].
    pub fn generate(random: &dyn Random) -> Result<Self, EnvelopeError> {
        let mut octets = [0; KEY_LEN];
        random.fill(&mut octets)?;
        Self::new(Secret::new(octets))
    }

    /// The text for a key file: base64 and a line feed.
    pub fn to_text(&self) -> Secret<String> {
        Secret::new(STANDARD.encode(self.key.expose()) + "\n")
    }

    /// 16 hexadecimal digits that tell key-encryption keys apart and say nothing of the key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Encrypts `plain`, bound to `purpose` and `key`. The result is the content of a key file.
    ///
    /// # Errors
    /// [`EnvelopeError::Random`] or [`EnvelopeError::Cipher`].
    pub fn seal(
        &self,
        purpose: KeyPurpose,
        key: &KeyId,
        plain: &Secret<Vec<u8>>,
        random: &dyn Random,
    ) -> Result<String, EnvelopeError> {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce)?;
        let mut sealed = plain.expose().clone();
        let tag = self
            .cipher()?
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(associated_data(purpose, key)),
                &mut sealed,
            )
            .map_err(|_| EnvelopeError::Cipher)?;
        sealed.extend_from_slice(tag.as_ref());
        let envelope = Envelope {
            format: Format::Version1,
            purpose,
            key: key.as_str().to_owned(),
            key_encryption_key: self.id.clone(),
            nonce: STANDARD.encode(nonce),
            sealed: STANDARD.encode(sealed),
        };
        serde_json::to_string_pretty(&envelope).map(|text| text + "\n").map_err(|_| EnvelopeError::Cipher)
    }

    /// Opens the content of a key file.
    ///
    /// # Errors
    /// [`EnvelopeError`]: the variant says whether the file is malformed, is of another key or purpose, was encrypted
    /// under another key-encryption key, or was changed.
    pub fn open(&self, purpose: KeyPurpose, key: &KeyId, file: &[u8]) -> Result<Secret<Vec<u8>>, EnvelopeError> {
        let envelope: Envelope =
            serde_json::from_slice(file).map_err(|error| EnvelopeError::Malformed(error.to_string()))?;
        if envelope.purpose != purpose || envelope.key != key.as_str() {
            return Err(EnvelopeError::OtherKey {
                wanted: format!("{purpose} {key}"),
                found: format!("{} {}", envelope.purpose, envelope.key.chars().take(80).collect::<String>()),
            });
        }
        if envelope.key_encryption_key != self.id {
            return Err(EnvelopeError::OtherKeyEncryptionKey {
                found: envelope.key_encryption_key.chars().take(32).collect(),
                ours: self.id.clone(),
            });
        }
        let malformed = |what: &str| EnvelopeError::Malformed(format!("{what} is not base64"));
        let nonce = STANDARD.decode(&envelope.nonce).map_err(|_| malformed("nonce"))?;
        let nonce: [u8; NONCE_LEN] =
            nonce.try_into().map_err(|_| EnvelopeError::Malformed(String::from("nonce is not 12 octets")))?;
        let mut sealed = STANDARD.decode(&envelope.sealed).map_err(|_| malformed("sealed"))?;
        let plain = self
            .cipher()?
            .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(associated_data(purpose, key)), &mut sealed)
            .map(|plain| plain.len())
            .map_err(|_| EnvelopeError::Changed)?;
        let mut opened = Secret::new(sealed);
        if opened.expose().len() != plain {
            opened = Secret::new(opened.expose().get(..plain).unwrap_or_default().to_vec());
        }
        Ok(opened)
    }

    fn cipher(&self) -> Result<LessSafeKey, EnvelopeError> {
        let key = derive::<KEY_LEN>(self.key.expose(), "seal")?;
        UnboundKey::new(&AES_256_GCM, key.expose()).map(LessSafeKey::new).map_err(|_| EnvelopeError::Cipher)
    }
}

impl std::fmt::Debug for KeyEncryptionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyEncryptionKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why an envelope was not made or does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The key file's content is no key.
    #[error(
        "{length} octets are no key-encryption key: 32 raw octets, or 44 characters of base64, or 64 hexadecimal \
         digits are; `openssl rand -base64 32` makes one"
    )]
    KeyForm {
        /// Octets in the file.
        length: usize,
    },
    /// All octets are equal.
    #[error("all 32 octets of the key-encryption key are equal; `openssl rand -base64 32` makes a good one")]
    WeakKey,
    /// The file is not an envelope.
    #[error("this is no encrypted key file: {0}")]
    Malformed(String),
    /// The envelope holds another key.
    #[error("the file holds the key {found}, not {wanted}: was it copied over another file?")]
    OtherKey {
        /// Purpose and id wanted.
        wanted: String,
        /// Purpose and id in the file.
        found: String,
    },
    /// Another key-encryption key is needed.
    #[error("the file was encrypted under key-encryption key {found}; the one configured is {ours}")]
    OtherKeyEncryptionKey {
        /// Id in the file.
        found: String,
        /// Id of the configured one.
        ours: String,
    },
    /// The authentication tag does not match.
    #[error("the encrypted key was changed since it was written; restore the file from a backup")]
    Changed,
    /// The library failed.
    #[error("AES-256-GCM failed")]
    Cipher,
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// Octets of a key-encryption key and of a sealing key.
pub const KEY_LEN: usize = 32;

/// HKDF-SHA256 of `key` with a fixed salt and `label` as info.
pub(super) fn derive<const N: usize>(key: &[u8], label: &str) -> Result<Secret<[u8; N]>, EnvelopeError> {
    let mut out = [0; N];
    Salt::new(HKDF_SHA256, SALT)
        .extract(key)
        .expand(&[label.as_bytes()], Length(N))
        .and_then(|okm| okm.fill(&mut out))
        .map_err(|_| EnvelopeError::Cipher)?;
    Ok(Secret::new(out))
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    format: Format,
    purpose: KeyPurpose,
    key: String,
    key_encryption_key: String,
    nonce: String,
    sealed: String,
}

#[derive(Serialize, Deserialize)]
enum Format {
    #[serde(rename = "chancery-sealed-key/1")]
    Version1,
}

/// Neither purposes nor ids contain a NUL, so the joined text is unambiguous.
fn associated_data(purpose: KeyPurpose, key: &KeyId) -> Vec<u8> {
    format!("chancery-sealed-key/1\0{purpose}\0{key}").into_bytes()
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

const SALT: &[u8] = b"chancery key files 1";
