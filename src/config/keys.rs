//! `[keys]`: where token-signing keys live and how new ones are made.

use std::path::PathBuf;

/// Token-signing and decryption keys.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Directory of the key files. After loading never empty: `<state_directory>/keys` when the file does not say.
    #[serde(default)]
    pub directory: PathBuf,
    /// File with 32 random octets, raw, or as hexadecimal or base64 text, that encrypts private keys at rest.
    pub key_encryption_key_file: PathBuf,
    /// Make the first keys at a start that finds none. A server that has signed before never does.
    #[serde(default = "yes")]
    pub create: bool,
    /// Accept key files and a key directory that the group may read or write, as Kubernetes volumes with `fsGroup` have
    /// them. Others never may.
    #[serde(default)]
    pub group_access: bool,
    /// Size of RSA keys the server makes: 2048, 3072 or 4096.
    #[serde(default)]
    pub rsa_bits: RsaBits,
    /// Validity of certificates the server makes, in days (AD FS' `CertificateDuration`).
    #[serde(default = "default_lifetime")]
    pub certificate_lifetime_days: u32,
}

/// Size of an RSA key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RsaBits {
    /// 2048 bits, as AD FS makes them.
    #[default]
    Rsa2048,
    /// 3072 bits.
    Rsa3072,
    /// 4096 bits.
    Rsa4096,
}

impl RsaBits {
    /// The number of bits.
    pub const fn bits(self) -> u32 {
        match self {
            Self::Rsa2048 => 2048,
            Self::Rsa3072 => 3072,
            Self::Rsa4096 => 4096,
        }
    }
}

impl<'de> serde::Deserialize<'de> for RsaBits {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            2048 => Ok(Self::Rsa2048),
            3072 => Ok(Self::Rsa3072),
            4096 => Ok(Self::Rsa4096),
            other => {
                Err(serde::de::Error::custom(format!("RSA keys of {other} bits are not made: use 2048, 3072 or 4096")))
            }
        }
    }
}

const fn yes() -> bool {
    true
}

const fn default_lifetime() -> u32 {
    365
}
