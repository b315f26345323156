//! The list of keys in a key directory: which there are, what for, and which one of each kind is primary.
//!
//! One small JSON file, written whole. It holds nothing secret. That the primary is named here, and not guessed from
//! dates, is what keeps two nodes and two starts of one node on the same key.

use std::collections::HashSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::UtcTime;
use crate::tokens::KeyId;

/// What a key is used for. A key is never used for two of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyPurpose {
    /// Signs tokens and metadata.
    TokenSigning,
    /// Opens tokens that claims providers encrypt to the server.
    TokenDecryption,
    /// Master key of the server's own sealed envelopes (cookies, codes, refresh tokens): 32 random octets.
    Sealing,
    /// Signs the certificates of registered devices; there is none where device registration was never on.
    DeviceAuthority,
}

impl KeyPurpose {
    /// Every purpose.
    pub const ALL: [Self; 4] = [Self::TokenSigning, Self::TokenDecryption, Self::Sealing, Self::DeviceAuthority];

    /// The name in file names, in the manifest and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TokenSigning => "token-signing",
            Self::TokenDecryption => "token-decryption",
            Self::Sealing => "sealing",
            Self::DeviceAuthority => "device-authority",
        }
    }

    /// Whether keys of this purpose have a certificate.
    pub const fn has_certificate(self) -> bool {
        !matches!(self, Self::Sealing)
    }

    /// Whether a key directory may have no key of this purpose: it is made when it is needed first.
    pub const fn is_optional(self) -> bool {
        matches!(self, Self::DeviceAuthority)
    }
}

impl fmt::Display for KeyPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The part a key plays among those of its purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyRole {
    /// Signs, or is the one others are told to encrypt to. Exactly one per purpose that has keys.
    Primary,
    /// Published and accepted, not used for new work: the next key before a promotion, the old one after it.
    Secondary,
}

impl fmt::Display for KeyRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Primary => "primary",
            Self::Secondary => "secondary",
        })
    }
}

/// Where a key came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyOrigin {
    /// Made by this server.
    Generated,
    /// Brought in by an administrator.
    Imported,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestEntry {
    /// Key id: SHA-256 thumbprint of the certificate, or 32 random hexadecimal digits of a sealing key.
    id: String,
    /// What for.
    pub purpose: KeyPurpose,
    /// Primary or secondary.
    pub role: KeyRole,
    /// From where.
    pub origin: KeyOrigin,
    /// When it was added, milliseconds since 1970-01-01T00:00:00Z.
    pub added: UtcTime,
}

impl ManifestEntry {
    /// A new entry.
    pub fn new(id: &KeyId, purpose: KeyPurpose, role: KeyRole, origin: KeyOrigin, added: UtcTime) -> Self {
        Self { id: id.as_str().to_owned(), purpose, role, origin, added }
    }

    /// The key's id.
    pub fn id(&self) -> KeyId {
        KeyId::new(self.id.as_str())
    }
}

/// The list of keys of one key directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: Format,
    keys: Vec<ManifestEntry>,
}

impl Manifest {
    /// A list of keys.
    ///
    /// # Errors
    /// [`ManifestError`] unless every purpose has exactly one primary and ids are well-formed and unique.
    pub fn new(keys: Vec<ManifestEntry>) -> Result<Self, ManifestError> {
        let manifest = Self { format: Format::Version1, keys };
        manifest.validate()?;
        Ok(manifest)
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`ManifestError`] when it is no manifest or breaks a rule of [`Manifest::new`].
    pub fn from_json(json: &[u8]) -> Result<Self, ManifestError> {
        let manifest: Self =
            serde_json::from_slice(json).map_err(|error| ManifestError::Malformed(error.to_string()))?;
        manifest.validate()?;
        Ok(manifest)
    }

    /// The file's text.
    pub fn to_json(&self) -> String {
        // A struct of strings and numbers always serialises.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Every key, in the order added.
    pub fn keys(&self) -> &[ManifestEntry] {
        &self.keys
    }

    /// The keys of one purpose, the primary first, then the others newest first.
    pub fn of(&self, purpose: KeyPurpose) -> Vec<&ManifestEntry> {
        let mut keys: Vec<&ManifestEntry> = self.keys.iter().filter(|key| key.purpose == purpose).collect();
        keys.sort_by_key(|key| (key.role != KeyRole::Primary, std::cmp::Reverse(key.added)));
        keys
    }

    /// The list with one more key. When it comes as primary, the primary of before becomes secondary.
    ///
    /// # Errors
    /// [`ManifestError::Duplicate`] when the key is there already, [`ManifestError::TooMany`] beyond 16 of a purpose.
    pub fn with(mut self, entry: ManifestEntry) -> Result<Self, ManifestError> {
        if entry.role == KeyRole::Primary {
            self.demote(entry.purpose);
        }
        self.keys.push(entry);
        self.validate()?;
        Ok(self)
    }

    /// The list with this key as the primary of its purpose; the one of before becomes secondary.
    ///
    /// # Errors
    /// [`ManifestError::Unknown`] when there is no such key.
    pub fn promoted(mut self, id: &KeyId) -> Result<Self, ManifestError> {
        let unknown = || ManifestError::Unknown(id.clone());
        let purpose = self.keys.iter().find(|key| key.id == id.as_str()).ok_or_else(unknown)?.purpose;
        self.demote(purpose);
        if let Some(key) = self.keys.iter_mut().find(|key| key.id == id.as_str()) {
            key.role = KeyRole::Primary;
        }
        Ok(self)
    }

    /// The list without a key that is not a primary one.
    ///
    /// # Errors
    /// [`ManifestError::Unknown`] when there is no such key, [`ManifestError::Primary`] for a primary one.
    pub fn without(mut self, id: &KeyId) -> Result<Self, ManifestError> {
        let before = self.keys.len();
        self.keys.retain(|key| key.id != id.as_str());
        if self.keys.len() == before {
            return Err(ManifestError::Unknown(id.clone()));
        }
        self.validate()?;
        Ok(self)
    }

    fn demote(&mut self, purpose: KeyPurpose) {
        for key in self.keys.iter_mut().filter(|key| key.purpose == purpose) {
            key.role = KeyRole::Secondary;
        }
    }

    fn validate(&self) -> Result<(), ManifestError> {
        let mut seen = HashSet::new();
        for key in &self.keys {
            // Ids become file names: nothing but the digits they are made of.
            let digits = key.id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
            if !digits || !matches!(key.id.len(), 32 | 64) {
                return Err(ManifestError::Id(key.id.chars().take(80).collect()));
            }
            if !seen.insert(&key.id) {
                return Err(ManifestError::Duplicate(key.id()));
            }
        }
        for purpose in KeyPurpose::ALL {
            let keys = self.of(purpose);
            if keys.len() > MAX_KEYS_PER_PURPOSE {
                return Err(ManifestError::TooMany { purpose, count: keys.len() });
            }
            let primaries = keys.iter().filter(|key| key.role == KeyRole::Primary).count();
            if primaries != 1 && !(keys.is_empty() && purpose.is_optional()) {
                return Err(ManifestError::Primary { purpose, count: primaries });
            }
        }
        Ok(())
    }
}

/// Why a manifest is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Not the JSON expected.
    #[error("the key manifest cannot be read: {0}")]
    Malformed(String),
    /// An id that is not 32 or 64 lower-case hexadecimal digits.
    #[error("the key manifest names a key {0:?}; an id is 32 or 64 lower-case hexadecimal digits")]
    Id(String),
    /// The same key twice.
    #[error("key {0} is there already")]
    Duplicate(KeyId),
    /// No such key.
    #[error("there is no key {0}; `chancery keys list` shows those there are")]
    Unknown(KeyId),
    /// Not exactly one primary.
    #[error("there are {count} primary {purpose} keys; there must be exactly one")]
    Primary {
        /// The purpose.
        purpose: KeyPurpose,
        /// How many there are.
        count: usize,
    },
    /// More than metadata should publish.
    #[error("there are {count} {purpose} keys; at most 16 are supported")]
    TooMany {
        /// The purpose.
        purpose: KeyPurpose,
        /// How many there are.
        count: usize,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "chancery-keys/1")]
    Version1,
}

const MAX_KEYS_PER_PURPOSE: usize = 16;
