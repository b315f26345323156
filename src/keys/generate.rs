//! Self-signed token-signing and token-decryption certificates, made at the first start.
//!
//! In the form AD FS gives them: X.509 v3 without extensions, subject `CN=ADFS Signing - <federation service name>`,
//! RSA with SHA-256, a random serial number. Key generation draws on the cryptographic library's own generator; the
//! injected source gives the serial number.

use std::time::Duration;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, PublicKeyData, SerialNumber, SigningKey};

use super::manifest::KeyPurpose;
use super::material::{KeyMaterial, MaterialError};
use crate::clock::{Random, RandomError, UtcTime};
use crate::secret::Secret;

/// Sizes a generated RSA key may have. 2048 is AD FS' default and what relying parties expect; 3072 costs 2.7 times
/// the CPU per token, 4096 5.4 times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum RsaKeySize {
    /// 2048 bits.
    #[default]
    #[serde(rename = "rsa-2048")]
    Rsa2048,
    /// 3072 bits.
    #[serde(rename = "rsa-3072")]
    Rsa3072,
    /// 4096 bits.
    #[serde(rename = "rsa-4096")]
    Rsa4096,
}

/// What a certificate is made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateOptions<'a> {
    /// Host name of the federation service, such as `sts.corp.example`.
    pub federation_service_name: &'a str,
    /// Size of the key.
    pub key_size: RsaKeySize,
    /// How long the certificate is valid from now (AD FS `CertificateDuration`, 365 days).
    pub lifetime: Duration,
}

/// Makes a key and its self-signed certificate. Validity begins an hour before `now`, so that a relying party whose
/// clock is slow accepts the first token.
///
/// # Errors
/// [`GenerateError`].
pub fn self_signed(
    purpose: KeyPurpose,
    options: &CertificateOptions<'_>,
    now: UtcTime,
    random: &dyn Random,
) -> Result<KeyMaterial, GenerateError> {
    let name = options.federation_service_name;
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')) {
        return Err(GenerateError::ServiceName(name.to_owned()));
    }
    let subject = match purpose {
        KeyPurpose::TokenSigning => format!("ADFS Signing - {name}"),
        KeyPurpose::TokenDecryption => format!("ADFS Encryption - {name}"),
        KeyPurpose::Sealing => return Err(GenerateError::NoCertificate(purpose)),
        // Its certificate has a form that is the device authority's own business.
        KeyPurpose::DeviceAuthority => return Err(GenerateError::OtherForm(purpose)),
    };
    let size = match options.key_size {
        RsaKeySize::Rsa2048 => KeySize::Rsa2048,
        RsaKeySize::Rsa3072 => KeySize::Rsa3072,
        RsaKeySize::Rsa4096 => KeySize::Rsa4096,
    };
    let key = RsaKey(KeyPair::generate(size).map_err(|_| GenerateError::Key)?);

    let mut parameters = CertificateParams::default();
    let mut distinguished_name = DistinguishedName::new();
    let subject = rcgen::string::PrintableString::try_from(subject)
        .map_err(|error| GenerateError::Certificate(error.to_string()))?;
    distinguished_name.push(DnType::CommonName, DnValue::PrintableString(subject));
    parameters.distinguished_name = distinguished_name;
    parameters.not_before = now.minus(BACKDATED).civil();
    parameters.not_after = now.plus(options.lifetime).civil();
    parameters.serial_number = Some(serial_number(random)?);
    let certificate = parameters.self_signed(&key).map_err(|error| GenerateError::Certificate(error.to_string()))?;

    let pkcs8: Pkcs8V1Der<'_> = key.0.as_der().map_err(|_| GenerateError::Key)?;
    Ok(KeyMaterial::new(certificate.der(), Vec::new(), Secret::new(pkcs8.as_ref().to_vec()))?)
}

/// Why no certificate was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// The federation service name cannot stand in a subject.
    #[error("{0:?} is not a host name; the federation service name names the generated certificates")]
    ServiceName(String),
    /// Keys of this purpose have no certificate.
    #[error("a key for {0} has no certificate")]
    NoCertificate(KeyPurpose),
    /// Certificates of this purpose have another form.
    #[error("a certificate for {0} is not made this way")]
    OtherForm(KeyPurpose),
    /// The library made no key.
    #[error("the cryptographic library could not generate an RSA key")]
    Key,
    /// The library made no certificate.
    #[error("the certificate could not be written: {0}")]
    Certificate(String),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// What was made is not usable; a defect.
    #[error("the generated certificate is not usable: {0}")]
    Material(#[from] MaterialError),
}

/// 16 octets, positive and without a leading zero octet, as AD FS has them.
fn serial_number(random: &dyn Random) -> Result<SerialNumber, RandomError> {
    let mut octets = [0; 16];
    random.fill(&mut octets)?;
    if let Some(first) = octets.first_mut() {
        *first = (*first & 0x3f) | 0x40;
    }
    Ok(SerialNumber::from_slice(&octets))
}

/// Lets rcgen sign with a key it never sees the octets of.
struct RsaKey(KeyPair);

impl PublicKeyData for RsaKey {
    fn der_bytes(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

impl SigningKey for RsaKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| rcgen::Error::RemoteKeyError)?;
        Ok(signature)
    }
}

const BACKDATED: Duration = Duration::from_hours(1);
