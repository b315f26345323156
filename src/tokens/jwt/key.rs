//! RSA public keys that signatures of tokens are checked with.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{Digest, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// An RSA public key of 2048 to 8192 bits, parsed once.
#[derive(Clone)]
pub struct RsaPublicKey(Arc<Parsed>);

/// The key for each of the two signature schemes.
struct Parsed {
    pkcs1: ParsedPublicKey,
    pss: ParsedPublicKey,
}

impl RsaPublicKey {
    /// The key of a certificate in DER. Nothing else of the certificate is looked at.
    ///
    /// # Errors
    /// [`RsaPublicKeyError`].
    pub fn from_certificate(der: &[u8]) -> Result<Self, RsaPublicKeyError> {
        let (rest, certificate) =
            x509_parser::parse_x509_certificate(der).map_err(|_| RsaPublicKeyError::Certificate)?;
        if !rest.is_empty() {
            return Err(RsaPublicKeyError::Certificate);
        }
        let key = certificate.public_key();
        if key.algorithm.algorithm != x509_parser::oid_registry::OID_PKCS1_RSAENCRYPTION {
            return Err(RsaPublicKeyError::Key);
        }
        Self::from_pkcs1(&key.subject_public_key.data)
    }

    /// The key with this modulus and exponent, big-endian.
    ///
    /// # Errors
    /// [`RsaPublicKeyError::Key`].
    pub fn from_components(modulus: &[u8], exponent: &[u8]) -> Result<Self, RsaPublicKeyError> {
        let number = |octets| openssl::bn::BigNum::from_slice(octets).map_err(|_| RsaPublicKeyError::Key);
        let der = openssl::rsa::Rsa::from_public_components(number(modulus)?, number(exponent)?)
            .and_then(|key| key.public_key_to_der_pkcs1())
            .map_err(|_| RsaPublicKeyError::Key)?;
        Self::from_pkcs1(&der)
    }

    /// Whether `signature` is this key's over `message`: PKCS#1 v1.5 with SHA-256 (`RS256`) and nothing else.
    pub fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.pkcs1.verify_sig(message, signature).is_ok()
    }

    /// Whether `signature` is this key's over `message`: PSS with SHA-256 (`PS256`) and nothing else.
    pub fn signed_by_pss(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.pss.verify_sig(message, signature).is_ok()
    }

    fn from_pkcs1(der: &[u8]) -> Result<Self, RsaPublicKeyError> {
        // aws-lc measures the key when it verifies; whoever registers a key hears of it at once.
        let bits =
            openssl::rsa::Rsa::public_key_from_der_pkcs1(der).map_err(|_| RsaPublicKeyError::Key)?.n().num_bits();
        if !(2048..=8192).contains(&bits) {
            return Err(RsaPublicKeyError::Key);
        }
        let pkcs1 = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der).map_err(|_| RsaPublicKeyError::Key)?;
        let pss = ParsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, der).map_err(|_| RsaPublicKeyError::Key)?;
        Ok(Self(Arc::new(Parsed { pkcs1, pss })))
    }
}

impl fmt::Debug for RsaPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RsaPublicKey").finish_non_exhaustive()
    }
}

/// Why a key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RsaPublicKeyError {
    /// The certificate cannot be read.
    #[error("the certificate cannot be read")]
    Certificate,
    /// Not RSA of a size that is safe to use.
    #[error("the key is not RSA of 2048 to 8192 bits")]
    Key,
}

/// `x5t` of a certificate: base64url of the SHA-1 of its DER. A name, not a protection.
pub(crate) fn x5t(certificate: &[u8]) -> String {
    encoded(digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate))
}

/// `x5t#S256` of a certificate.
pub(crate) fn x5t_s256(certificate: &[u8]) -> String {
    encoded(digest(&SHA256, certificate))
}

fn encoded(digest: Digest) -> String {
    URL_SAFE_NO_PAD.encode(digest)
}
