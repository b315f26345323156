//! The certificate of a device, as far as it is looked at here: its mark and its key. Anybody can make one; what makes it a
//! device's is that the registry has its mark.

use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;

use crate::devices::CertificateMark;

/// What is read of a device certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCertificate {
    /// The certificate.
    pub der: Vec<u8>,
    /// What the registry knows it by.
    pub mark: CertificateMark,
}

impl DeviceCertificate {
    /// Reads a certificate with an RSA key of 2048 to 4096 bits.
    ///
    /// # Errors
    /// [`DeviceCertificateError`].
    pub fn read(der: &[u8]) -> Result<Self, DeviceCertificateError> {
        if der.len() > MAX_OCTETS {
            return Err(DeviceCertificateError::Malformed);
        }
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| DeviceCertificateError::Malformed)?;
        if !rest.is_empty() {
            return Err(DeviceCertificateError::Malformed);
        }
        match certificate.public_key().parsed() {
            Ok(PublicKey::RSA(rsa)) if is_sound(rsa.modulus, rsa.exponent) => {}
            _ => return Err(DeviceCertificateError::UnsuitableKey),
        }
        let mark = CertificateMark::of(der).map_err(|_| DeviceCertificateError::Malformed)?;
        Ok(Self { der: der.to_vec(), mark })
    }

    /// SHA-1 in upper-case hexadecimal, as Windows shows it and `PKeyAuth` asks for it.
    pub fn thumbprint(&self) -> String {
        hex::encode_upper(self.mark.thumbprint)
    }
}

/// Why a certificate is no device's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeviceCertificateError {
    /// No certificate, too large, or octets behind it.
    #[error("not a well-formed certificate")]
    Malformed,
    /// No RSA key of 2048 to 4096 bits.
    #[error("the certificate's key is not RSA of 2048 to 4096 bits")]
    UnsuitableKey,
}

/// Whether an RSA key has a size that is accepted, an odd modulus and an odd exponent above one.
fn is_sound(modulus: &[u8], exponent: &[u8]) -> bool {
    let modulus = without_zeros(modulus);
    let exponent = without_zeros(exponent);
    let odd = |number: &[u8]| number.last().is_some_and(|octet| octet & 1 == 1);
    let bits = modulus.len() * 8 - modulus.first().map_or(0, |octet| octet.leading_zeros() as usize);
    (2048..=4096).contains(&bits) && odd(modulus) && odd(exponent) && exponent.len() <= 8 && exponent != [1]
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|octet| **octet == 0).count();
    number.get(zeros..).unwrap_or_default()
}

const MAX_OCTETS: usize = 8 * 1024;
