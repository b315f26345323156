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

    /// RFC 7516, appendix A.1: RSA-OAEP and A256GCM, as a session key and an answer come.
    #[test]
    fn the_published_example_opens() {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        use openssl::bn::BigNum;
        use openssl::rsa::RsaPrivateKeyBuilder;
        use openssl::symm::{Cipher, decrypt_aead};

        const HEADER: &str = "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ";
        const WRAPPED: &str = "OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKoTCVJRgckCL9kiMT03JGeipsEdY3mx_etLbbWSrFr05kLzcSr4qKAq7YN7e9jwQRb\
            23nfa6c9d-StnImGyFDbSv04uVuxIp5Zms1gNxKKK2Da14B8S4rzVRltdYwam_lDp5XnZAYpQdb76FdIKLaVmqgfwX7XWRxv2322i-vDxRfqNzo_tETKzpVLzfiwQyey\
            PGLBIO56YJ7eObdv0je81860ppamavo35UgoRdbYaBcoh9QcfylQr66oc6vFWXRcZ_ZT2LawVCWTIy3brGPi6UklfCpIMfIjf7iGdXKHzg";
        const CONTENT: &str = "5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A";
        const MODULUS: &str = "oahUIoWw0K0usKNuOR6H4wkf4oBUXHTxRvgb48E-BVvxkeDNjbC4he8rUWcJoZmds2h7M70imEVhRU5djINXtqllXI4DFqcI1DgjT9LewND8\
            MW2Krf3Spsk_ZkoFnilakGygTwpZ3uesH-PFABNIUYpOiN15dsQRkgr0vEhxN92i2asbOenSZeyaxziK72UwxrrKoExv6kc5twXTq4h-QChLOln0_mtUZwfsRaMStPs6\
            mS6XrgxnxbWhojf663tuEQueGC-FCMfra36C9knDFGzKsNa7LZK2djYgyD3JR_MB_4NUJW_TqOQtwHYbxevoJArm-L5StowjzGy-_bq6Gw";
        const EXPONENT: &str = "kLdtIj6GbDks_ApCSTYQtelcNttlKiOyPzMrXHeI-yk1F7-kpDxY4-WY5NWV5KntaEeXS1j82E375xxhWMHXyvjYecPT9fpwR_M9gV8n9Hrh\
            2anTpTD93Dt62ypW3yDsJzBnTnrYu1iwWRgBKrEYY46qAZIrA2xAwnm2X7uGR1hghkqDp0Vqj3kbSCz1XyfCs6_LehBwtxHIyh8Ripy40p24moOAbgxVw3rxT_vlt3UV\
            e4WO3JkJOzlpUf-KTVI2Ptgm-dARxTEtE-id-4OJr0h-K-VFs3VSndVTIznSxfyrj8ILL6MG_Uv8YAu7VILSB3lOW085-4qE3DzgrTjgyQ";
        let octets = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let number = |text: &str| BigNum::from_slice(&octets(text)).unwrap();
        let transport = RsaPrivateKeyBuilder::new(number(MODULUS), number("AQAB"), number(EXPONENT)).unwrap().build();
        let keys = DeviceKeys { transport, ..DeviceKeys::new().unwrap() };
        let key = keys.unwrap(&octets(WRAPPED)).expect("the key opens");
        let (iv, tag) = (octets("48V1_ALb6US04U3b"), octets("XFBoMYUZodetZdvTiFvSkQ"));
        let plain =
            decrypt_aead(Cipher::aes_256_gcm(), key.expose(), Some(&iv), HEADER.as_bytes(), &octets(CONTENT), &tag);
        assert_eq!(plain.unwrap(), b"The true sign of intelligence is not knowledge but imagination.");
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
