//! The public facts of a token-signing or token-decryption certificate.
//!
//! Reads one X.509 certificate and keeps what tokens, metadata, tables and warnings show of it. Knows no private key.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

use crate::clock::UtcTime;
use crate::tokens::KeyId;

/// What is known of an RSA certificate.
#[derive(Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The certificate, DER, as in `ds:X509Certificate` before base64.
    pub der: Arc<[u8]>,
    /// Subject in RFC 4514 order as written in the certificate, such as `CN=ADFS Signing - sts.corp.example`.
    pub subject: String,
    /// Issuer in the same form.
    pub issuer: String,
    /// Serial number, lower-case hexadecimal.
    pub serial: String,
    /// Start of validity.
    pub not_before: UtcTime,
    /// End of validity.
    pub not_after: UtcTime,
    /// Bits of the RSA modulus.
    pub key_bits: u32,
    /// DER of the PKCS#1 `RSAPublicKey`, to compare with a private key.
    pub public_key: Arc<[u8]>,
}

impl CertificateFacts {
    /// Reads one DER certificate. The octets must hold nothing else.
    ///
    /// # Errors
    /// [`CertificateError`] when it is not a certificate, holds no RSA key, or a key below 2048 or above 8192 bits.
    pub fn parse(der: &[u8]) -> Result<Self, CertificateError> {
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|error| CertificateError::Malformed(error.to_string()))?;
        if !rest.is_empty() {
            return Err(CertificateError::Malformed(format!("{} octets follow the certificate", rest.len())));
        }
        let subject = certificate.subject().to_string();
        let key = certificate.public_key();
        let Ok(PublicKey::RSA(rsa)) = key.parsed() else {
            return Err(CertificateError::NotRsa { subject, algorithm: key.algorithm.algorithm.to_id_string() });
        };
        let key_bits = bits(rsa.modulus);
        if !(MIN_KEY_BITS..=MAX_KEY_BITS).contains(&key_bits) {
            return Err(CertificateError::KeySize { subject, bits: key_bits });
        }
        Ok(Self {
            der: der.into(),
            issuer: certificate.issuer().to_string(),
            serial: hex::encode(certificate.raw_serial()),
            not_before: UtcTime::from_unix_seconds(certificate.validity().not_before.timestamp()),
            not_after: UtcTime::from_unix_seconds(certificate.validity().not_after.timestamp()),
            key_bits,
            public_key: key.subject_public_key.data.as_ref().into(),
            subject,
        })
    }

    /// The key id: the lower-case hexadecimal SHA-256 thumbprint.
    pub fn id(&self) -> KeyId {
        KeyId::new(self.thumbprint_sha256())
    }

    /// SHA-1 thumbprint in upper-case hexadecimal, the form Windows, AD FS and Entra show.
    pub fn thumbprint_sha1(&self) -> String {
        hex::encode_upper(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &self.der))
    }

    /// SHA-256 thumbprint in lower-case hexadecimal.
    pub fn thumbprint_sha256(&self) -> String {
        hex::encode(digest::digest(&digest::SHA256, &self.der))
    }

    /// Base64 of the DER in one line, as metadata and Entra want it.
    pub fn base64(&self) -> String {
        STANDARD.encode(&self.der)
    }

    /// PEM with a line feed at the end.
    pub fn pem(&self) -> String {
        pem(&self.der)
    }
}

impl fmt::Debug for CertificateFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateFacts")
            .field("subject", &self.subject)
            .field("sha256", &self.thumbprint_sha256())
            .field("not_before", &self.not_before)
            .field("not_after", &self.not_after)
            .field("key_bits", &self.key_bits)
            .finish_non_exhaustive()
    }
}

/// Why a certificate cannot be used for tokens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not X.509.
    #[error("this is not an X.509 certificate: {0}")]
    Malformed(String),
    /// The key is of another kind; relying parties of SAML 1.1 and Entra want RSA.
    #[error("the certificate {subject} holds a key of algorithm {algorithm}; token certificates must be RSA")]
    NotRsa {
        /// The certificate's subject.
        subject: String,
        /// Object identifier of the key's algorithm.
        algorithm: String,
    },
    /// The RSA key is too short to be safe or too long to be used.
    #[error("the certificate {subject} holds an RSA key of {bits} bits; between 2048 and 8192 are accepted")]
    KeySize {
        /// The certificate's subject.
        subject: String,
        /// The key's size.
        bits: u32,
    },
}

/// A DER certificate as PEM, 64 characters a line, a line feed at the end.
pub fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = String::with_capacity(text.len() + text.len() / 64 + 64);
    pem.push_str("-----BEGIN CERTIFICATE-----\n");
    for line in text.as_bytes().chunks(64) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}

/// Significant bits of a big-endian number.
fn bits(number: &[u8]) -> u32 {
    let mut digits = number.iter().skip_while(|octet| **octet == 0);
    digits.next().map_or(0, |first| {
        let whole = u32::try_from(digits.count()).unwrap_or(u32::MAX / 16);
        8 - first.leading_zeros() + 8 * whole
    })
}

const MIN_KEY_BITS: u32 = 2048;
const MAX_KEY_BITS: u32 = 8192;
