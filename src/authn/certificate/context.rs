//! The certificate of a sign-in, kept for the claims that rules ask of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{CertificateError, CertificateFields};

/// A certificate that was found good and opened an account. What is in it is read when claims are made, not before.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct CertificateContext {
    #[serde(with = "base64_text")]
    der: Box<[u8]>,
}

impl CertificateContext {
    /// The context of a certificate that [`CertificateTrust::validate`](super::CertificateTrust::validate) accepted. DER.
    pub fn of_validated(der: &[u8]) -> Self {
        Self { der: der.into() }
    }

    /// What is in the certificate, as claims say it.
    ///
    /// # Errors
    /// [`CertificateError::Malformed`]; not after validation.
    pub fn fields(&self) -> Result<CertificateFields, CertificateError> {
        CertificateFields::read(&self.der)
    }

    /// Base64 of the certificate.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(&self.der)
    }
}

mod base64_text {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(octets: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(octets))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<[u8]>, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Into::into).map_err(de::Error::custom)
    }
}
