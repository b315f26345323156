//! Token signatures by an RSA key in this process's memory.
//!
//! The key is parsed and checked once and kept: parsing for each token would halve the rate. aws-lc-rs makes SHA-256
//! signatures at the bare rate of the machine; it makes no SHA-1 signatures, so those few trusts that ask for them are
//! served through OpenSSL. Both libraries blind the private operation and check it against faults.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};

use super::material::{KeyMaterial, MaterialError};
use crate::tokens::{KeyId, SignError, Signature, SignatureAlgorithm, TokenSigner};

/// An RSA key held in memory.
pub struct SoftwareSigner {
    id: KeyId,
    key: KeyPair,
    /// The same key for SHA-1 only.
    legacy_key: PKey<Private>,
    /// aws-lc takes the parameter and uses its own generator for blinding.
    random: SystemRandom,
    signature_len: usize,
}

impl SoftwareSigner {
    /// Parses the key once, to be kept.
    ///
    /// # Errors
    /// [`MaterialError::Key`] when one of the two libraries refuses the key.
    pub fn new(material: &KeyMaterial) -> Result<Self, MaterialError> {
        let refused = |error: String| MaterialError::Key(error);
        let key = KeyPair::from_pkcs8(material.pkcs8().expose()).map_err(|error| refused(error.to_string()))?;
        let legacy_key =
            PKey::private_key_from_pkcs8(material.pkcs8().expose()).map_err(|error| refused(error.to_string()))?;
        Ok(Self {
            id: material.certificate().id(),
            signature_len: key.public_modulus_len(),
            key,
            legacy_key,
            random: SystemRandom::new(),
        })
    }

    /// The signature, without a future: for callers outside the asynchronous path.
    ///
    /// # Errors
    /// [`SignError::Failed`] with the library's message.
    pub fn sign_now(&self, algorithm: SignatureAlgorithm, bytes: &[u8]) -> Result<Signature, SignError> {
        match algorithm {
            SignatureAlgorithm::RsaSha256 => {
                let mut signature = vec![0; self.signature_len];
                self.key
                    .sign(&RSA_PKCS1_SHA256, &self.random, bytes, &mut signature)
                    .map_err(|error| self.failed(&error))?;
                Ok(Signature(signature))
            }
            SignatureAlgorithm::RsaSha1 => {
                let mut signer = openssl::sign::Signer::new(MessageDigest::sha1(), &self.legacy_key)
                    .map_err(|error| self.failed(&error))?;
                signer.sign_oneshot_to_vec(bytes).map(Signature).map_err(|error| self.failed(&error))
            }
        }
    }

    fn failed(&self, error: &dyn std::fmt::Display) -> SignError {
        SignError::Failed { key: self.id.clone(), reason: error.to_string() }
    }
}

#[async_trait::async_trait]
impl TokenSigner for SoftwareSigner {
    async fn sign(&self, algorithm: SignatureAlgorithm, bytes: &[u8]) -> Result<Signature, SignError> {
        self.sign_now(algorithm, bytes)
    }
}

impl std::fmt::Debug for SoftwareSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SoftwareSigner").field("id", &self.id).finish_non_exhaustive()
    }
}
