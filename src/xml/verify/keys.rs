//! Public keys that signatures are verified with.

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RsaParameters, UnparsedPublicKey,
};
use bergshamra::keys::loader::load_x509_cert_der;
use bergshamra::{DsigContext, KeysManager};
use x509_parser::public_key::PublicKey;

use super::profile::RSA_SHA1;
use super::{Policy, VerifyError};

/// The certificates a partner may sign with, parsed once. Their chains, dates and revocation are the caller's to judge.
pub struct VerificationKeys {
    context: DsigContext,
    /// `RSAPublicKey` of each RSA certificate, for signatures over plain octets.
    rsa: Vec<Vec<u8>>,
}

impl VerificationKeys {
    /// Keys of DER certificates; several during a roll-over.
    ///
    /// # Errors
    /// [`KeyError`] for the first certificate that cannot be used; [`KeyError::None`] when there is none.
    pub fn from_certificates<'a>(certificates: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, KeyError> {
        let mut manager = KeysManager::new();
        let mut rsa = Vec::new();
        for der in certificates {
            rsa.extend(checked(der)?);
            manager.add_key(load_x509_cert_der(der).map_err(|error| KeyError::Certificate(error.to_string()))?);
        }
        if manager.is_empty() {
            return Err(KeyError::None);
        }
        // Nothing is ever fetched or opened: no URL is mapped, and the base directory cannot exist.
        Ok(Self { context: DsigContext::new(manager).with_base_dir("/dev/null/none"), rsa })
    }

    /// Verifies a signature over octets that are no XML, as the SAML redirect binding has it (saml-bindings 3.4.4.1), by the
    /// URI of its algorithm. RSA only.
    ///
    /// # Errors
    /// [`VerifyError::Algorithm`] for an algorithm that is not allowed; [`VerifyError::Invalid`] when no key fits.
    pub fn verify_octets(
        &self,
        algorithm: &str,
        octets: &[u8],
        signature: &[u8],
        policy: &Policy,
    ) -> Result<(), VerifyError> {
        let parameters: &RsaParameters = match algorithm {
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256" => &RSA_PKCS1_2048_8192_SHA256,
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384" => &RSA_PKCS1_2048_8192_SHA384,
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512" => &RSA_PKCS1_2048_8192_SHA512,
            RSA_SHA1 if policy.sha1 => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            other => {
                return Err(VerifyError::Algorithm { element: String::from("the query"), uri: other.to_owned() });
            }
        };
        let valid = |key: &Vec<u8>| UnparsedPublicKey::new(parameters, key).verify(octets, signature).is_ok();
        if self.rsa.iter().any(valid) {
            return Ok(());
        }
        Err(VerifyError::Invalid { reason: String::from("no known key made the signature of the query") })
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

/// Refuses weak keys; gives the public key when it is an RSA key.
fn checked(der: &[u8]) -> Result<Option<Vec<u8>>, KeyError> {
    // Octets after the certificate are refused when the engine loads it.
    let (_, certificate) =
        x509_parser::parse_x509_certificate(der).map_err(|error| KeyError::Certificate(error.to_string()))?;
    let key = certificate.public_key();
    match key.parsed() {
        Ok(PublicKey::RSA(rsa)) if (2048..=8192).contains(&rsa.key_size()) => {
            Ok(Some(key.subject_public_key.data.to_vec()))
        }
        Ok(PublicKey::EC(point)) if point.key_size() >= 256 => Ok(None),
        _ => Err(KeyError::Weak),
    }
}
