//! A private key with its certificate, checked to belong together.
//!
//! What [`generate`](super::generate) makes and [`import`](super::import) reads, and what the vault keeps. The only
//! place where private key octets stand outside the cryptographic library, and there in a [`Secret`].

use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::KeyPair as _;

use super::certificate::{CertificateError, CertificateFacts};
use crate::secret::Secret;

/// An RSA private key and its certificate.
pub struct KeyMaterial {
    certificate: CertificateFacts,
    chain: Vec<Vec<u8>>,
    pkcs8: Secret<Vec<u8>>,
}

impl KeyMaterial {
    /// Joins a certificate (DER) with its private key (PKCS#8 DER). `chain` holds the DER of issuing certificates,
    /// nearest first; they are kept and shown, never used.
    ///
    /// # Errors
    /// [`MaterialError`] when either cannot be used or they do not belong together.
    pub fn new(certificate: &[u8], chain: Vec<Vec<u8>>, pkcs8: Secret<Vec<u8>>) -> Result<Self, MaterialError> {
        let certificate = CertificateFacts::parse(certificate)?;
        let key = KeyPair::from_pkcs8(pkcs8.expose()).map_err(|error| MaterialError::Key(error.to_string()))?;
        if key.public_key().as_ref() != &*certificate.public_key {
            return Err(MaterialError::Mismatch { subject: certificate.subject });
        }
        Ok(Self { certificate, chain, pkcs8 })
    }

    /// The certificate.
    pub const fn certificate(&self) -> &CertificateFacts {
        &self.certificate
    }

    /// Issuing certificates, DER, nearest first; empty for a self-signed certificate.
    pub fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    /// The private key, PKCS#8 DER.
    pub const fn pkcs8(&self) -> &Secret<Vec<u8>> {
        &self.pkcs8
    }
}

impl std::fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyMaterial").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

/// Why a key and a certificate cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MaterialError {
    /// The certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The private key is malformed, inconsistent, or no RSA key of 2048 to 8192 bits.
    #[error("the private key cannot be used: {0}")]
    Key(String),
    /// They belong to different key pairs.
    #[error("the private key does not belong to the certificate {subject}")]
    Mismatch {
        /// The certificate's subject.
        subject: String,
    },
}
