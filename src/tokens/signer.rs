//! The one way a token gets its signature.
//!
//! Software keys answer at once; a key in a hardware module answers from a bounded pool. Callers see no difference.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::jwt::{self, RsaPublicKey};

/// Identifier of a signing key: the lower-case hexadecimal SHA-256 thumbprint of its certificate.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(Arc<str>);

impl KeyId {
    /// A key id from its text.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Signature algorithms a relying party trust may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureAlgorithm {
    /// RSA PKCS#1 v1.5 with SHA-256, the default.
    #[default]
    RsaSha256,
    /// RSA PKCS#1 v1.5 with SHA-1; only where a trust asks for it.
    RsaSha1,
}

/// Raw signature octets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature(pub Vec<u8>);

/// A private key that signs tokens.
#[async_trait::async_trait]
pub trait TokenSigner: Send + Sync {
    /// Signs `bytes` (not a digest of them).
    ///
    /// # Errors
    /// [`SignError`] when the key cannot make such a signature or the module that holds it fails.
    async fn sign(&self, algorithm: SignatureAlgorithm, bytes: &[u8]) -> Result<Signature, SignError>;
}

/// A token-signing key with the public facts that tokens and metadata show of it.
#[derive(Clone)]
pub struct SigningKey {
    /// The key's identifier.
    pub id: KeyId,
    /// DER of the certificate, as in `ds:X509Certificate`.
    pub certificate: Arc<[u8]>,
    /// The private half.
    pub signer: Arc<dyn TokenSigner>,
    certificate_base64: Arc<str>,
    x5t: Arc<str>,
    public_key: Option<RsaPublicKey>,
}

impl SigningKey {
    /// A key with the DER of its certificate.
    pub fn new(id: KeyId, certificate: Arc<[u8]>, signer: Arc<dyn TokenSigner>) -> Self {
        let certificate_base64 = STANDARD.encode(&certificate).into();
        let (x5t, public_key) = (jwt::x5t(&certificate).into(), RsaPublicKey::from_certificate(&certificate).ok());
        Self { id, certificate, signer, certificate_base64, x5t, public_key }
    }

    /// `kid` and `x5t` of the key in JSON Web Tokens and key sets.
    pub fn x5t(&self) -> &str {
        &self.x5t
    }

    /// The public half, to verify tokens of our own that come back; `None` for a key that is not RSA.
    pub const fn public_key(&self) -> Option<&RsaPublicKey> {
        self.public_key.as_ref()
    }

    /// The certificate as every signature shows it: base64, encoded once.
    pub fn certificate_base64(&self) -> &str {
        &self.certificate_base64
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why a signature could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The key is of another kind than the algorithm needs.
    #[error("key {key} cannot make {algorithm:?} signatures")]
    UnsuitableKey {
        /// The key.
        key: KeyId,
        /// The algorithm.
        algorithm: SignatureAlgorithm,
    },
    /// The library or module failed.
    #[error("signing with key {key} failed: {reason}")]
    Failed {
        /// The key.
        key: KeyId,
        /// Its message; holds no key material.
        reason: String,
    },
}
