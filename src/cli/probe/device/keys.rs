//! The keys of a device: made in memory, gone with the command.

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::{Padding, Rsa};
use openssl::x509::{X509NameBuilder, X509ReqBuilder};

use super::super::failure::Failure;
use crate::secret::Secret;

/// Device key and transport key.
pub(super) struct DeviceKeys {
    device: PKey<Private>,
    transport: Rsa<Private>,
}

impl DeviceKeys {
    pub(super) fn new() -> Result<Self, Failure> {
        let device = Rsa::generate(BITS).and_then(PKey::from_rsa).map_err(|error| failed(&error))?;
        Ok(Self { device, transport: Rsa::generate(BITS).map_err(|error| failed(&error))? })
    }

    /// The key that signs and that the certificate is for.
    pub(super) const fn device(&self) -> &PKey<Private> {
        &self.device
    }

    /// A certificate request for the device key, with the subject that Windows puts in each.
    pub(super) fn certificate_request(&self) -> Result<Vec<u8>, Failure> {
        let make = || {
            let mut name = X509NameBuilder::new()?;
            name.append_entry_by_text("CN", SUBJECT)?;
            let mut builder = X509ReqBuilder::new()?;
            builder.set_subject_name(&name.build())?;
            builder.set_pubkey(&self.device)?;
            builder.sign(&self.device, MessageDigest::sha256())?;
            builder.build().to_der()
        };
        make().map_err(|error| failed(&error))
    }

    /// The public transport key as `BCRYPT_RSAKEY_BLOB` (device-registration.md 4.2).
    pub(super) fn transport_blob(&self) -> Vec<u8> {
        let (exponent, modulus) = (self.transport.e().to_vec(), self.transport.n().to_vec());
        let mut blob = b"RSA1".to_vec();
        for length in [modulus.len() * 8, exponent.len(), modulus.len(), 0, 0] {
            blob.extend(u32::try_from(length).unwrap_or_default().to_le_bytes());
        }
        blob.extend(exponent);
        blob.extend(modulus);
        blob
    }

    /// What was encrypted for the transport key (RSA-OAEP with SHA-1, no label).
    pub(super) fn unwrap(&self, wrapped: &[u8]) -> Option<Secret<Vec<u8>>> {
        let size = usize::try_from(self.transport.size()).ok().filter(|size| *size == wrapped.len())?;
        let mut plain = vec![0; size];
        let length = self.transport.private_decrypt(wrapped, &mut plain, Padding::PKCS1_OAEP).ok()?;
        plain.truncate(length);
        Some(Secret::new(plain))
    }
}

fn failed(error: &ErrorStack) -> Failure {
    Failure::new(format!("the device's keys cannot be made: {error}"))
}

const BITS: u32 = 2048;
/// A fixed marker; it means nothing.
const SUBJECT: &str = "7E980AD9-B86D-4306-9425-9AC066FB014A";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transport_key_is_written_as_windows_writes_it() {
        let keys = DeviceKeys::new().unwrap();
        let blob = keys.transport_blob();
        assert_eq!(blob.len(), 283);
        assert_eq!(blob[..24], *b"RSA1\0\x08\0\0\x03\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0");
        assert_eq!((&blob[24..27], &blob[27..]), (&[1, 0, 1][..], &*keys.transport.n().to_vec()));
        assert_ne!(keys.device.rsa().unwrap().n(), keys.transport.n());
    }

    #[test]
    fn what_is_wrapped_for_another_key_does_not_open() {
        let (keys, other) = (DeviceKeys::new().unwrap(), DeviceKeys::new().unwrap());
        let mut wrapped = vec![0; 256];
        keys.transport.public_encrypt(&[7; 32], &mut wrapped, Padding::PKCS1_OAEP).unwrap();
        assert_eq!(keys.unwrap(&wrapped).unwrap().expose(), &[7; 32]);
        assert!(other.unwrap(&wrapped).is_none());
        assert!(keys.unwrap(&wrapped[1..]).is_none());
    }
}
