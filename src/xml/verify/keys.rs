//! Public keys that signatures are verified with.

use bergshamra::keys::loader::load_x509_cert_der;
use bergshamra::{DsigContext, KeysManager};
use x509_parser::public_key::PublicKey;

/// The certificates a partner may sign with, parsed once. Their chains, dates and revocation are the caller's to judge.
pub struct VerificationKeys {
    context: DsigContext,
}

impl VerificationKeys {
    /// Keys of DER certificates; several during a roll-over.
    ///
    /// # Errors
    /// [`KeyError`] for the first certificate that cannot be used; [`KeyError::None`] when there is none.
    pub fn from_certificates<'a>(certificates: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, KeyError> {
        let mut manager = KeysManager::new();
        for der in certificates {
            check_strength(der)?;
            manager.add_key(load_x509_cert_der(der).map_err(|error| KeyError::Certificate(error.to_string()))?);
        }
        if manager.is_empty() {
            return Err(KeyError::None);
        }
        // Nothing is ever fetched or opened: no URL is mapped, and the base directory cannot exist.
        Ok(Self { context: DsigContext::new(manager).with_base_dir("/dev/null/none") })
    }

    /// The same keys for a signature that stands beside what it signs, not around it.
    pub(super) fn detached(mut self) -> Self {
        self.context = self.context.with_strict_verification(false);
        self
    }

    pub(super) const fn context(&self) -> &DsigContext {
        &self.context
    }
}

impl std::fmt::Debug for VerificationKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerificationKeys").field("keys", &self.context.keys_manager.len()).finish_non_exhaustive()
    }
}

/// Why a certificate cannot be used to verify.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is no certificate at all.
    #[error("there is no certificate to verify with")]
    None,
    /// It cannot be read.
    #[error("the certificate cannot be read: {0}")]
    Certificate(String),
    /// Its key is neither RSA of at least 2048 bits nor an elliptic curve of at least 256 bits.
    #[error("the certificate's key is too weak or of an unsupported kind")]
    Weak,
}

fn check_strength(der: &[u8]) -> Result<(), KeyError> {
    // Octets after the certificate are refused when the engine loads it.
    let (_, certificate) =
        x509_parser::parse_x509_certificate(der).map_err(|error| KeyError::Certificate(error.to_string()))?;
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) if (2048..=8192).contains(&key.key_size()) => Ok(()),
        Ok(PublicKey::EC(point)) if point.key_size() >= 256 => Ok(()),
        _ => Err(KeyError::Weak),
    }
}
