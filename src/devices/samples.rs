//! The device of the reference, for tests: its certificate, and what must be written for it; and keys of a device that registers.

use std::sync::LazyLock;

use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::X509ReqBuilder;

use super::codec::key_credential::USAGE_SESSION_TRANSPORT;
use super::{CertificateMark, Device, DeviceId, DeviceKey, TrustType};
use crate::clock::UtcTime;

/// The certificate, DER.
pub(crate) fn certificate() -> Vec<u8> {
    openssl::x509::X509::from_pem(include_bytes!("sample-device.pem")).unwrap().to_der().unwrap()
}

/// Its identifier.
pub(crate) fn device_id() -> DeviceId {
    DeviceId("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0".parse().unwrap())
}

/// The certificate's key as a transport key.
pub(crate) fn transport_key() -> DeviceKey {
    let key = openssl::x509::X509::from_der(&certificate()).unwrap().public_key().unwrap().rsa().unwrap();
    let mut material = b"RSA1\x00\x08\x00\x00\x03\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00".to_vec();
    material.extend(key.e().to_vec());
    material.extend(key.n().to_vec());
    DeviceKey {
        usage: USAGE_SESSION_TRANSPORT,
        material,
        device: Some(device_id()),
        created: UtcTime::from_filetime(134_116_560_000_000_000),
    }
}

/// Its value of `altSecurityIdentities`.
pub(crate) const ALT_SECURITY_IDENTITY: &str = "X509:<SHA1-TP-PUBKEY>3F20C3E6C06BD55BD6486667C8B4A93C01DCDA64\
     1vGSULzx3yskSRhy8JZsySwXBZUnavmYwPIOwjUUSe4=";

/// A certificate with an extension of so many octets.
pub(crate) fn large_certificate(octets: usize) -> Vec<u8> {
    let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.custom_extensions = vec![rcgen::CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 1], vec![0; octets])];
    params.self_signed(&pair).unwrap().der().to_vec()
}

/// A device that was registered and has nothing special.
pub(crate) fn device(id: DeviceId) -> Device {
    let owner = "S-1-5-21-1-2-3-1107".parse().unwrap();
    Device {
        id,
        object_guid: None,
        display_name: String::from("MYPC"),
        os_type: Some(String::from("Windows")),
        os_version: Some(String::from("10.0.26100.0")),
        enabled: true,
        unused_since: None,
        owner: Some(owner),
        users: vec![owner],
        certificates: vec![CertificateMark::of(&certificate()).unwrap()],
        keys: vec![DeviceKey { device: Some(id), ..transport_key() }],
        trust_type: Some(TrustType::DOMAIN),
        computer_sid: None,
        is_managed: None,
        is_compliant: None,
        written_back: false,
        last_used: UtcTime::from_filetime(134_116_560_000_000_000),
        registered: None,
    }
}

/// What a device sends that registers.
pub(crate) struct Sent {
    /// Its certificate request, DER.
    pub(crate) csr: Vec<u8>,
    /// Its transport key, which is the same key.
    pub(crate) blob: Vec<u8>,
}

/// A key that is made once for all tests.
pub(crate) static SENT: LazyLock<Sent> = LazyLock::new(|| {
    let rsa = Rsa::generate(2048).unwrap();
    let mut blob = b"RSA1".to_vec();
    for word in [2048_u32, 3, 256, 0, 0] {
        blob.extend(word.to_le_bytes());
    }
    blob.extend([1, 0, 1]);
    blob.extend(rsa.n().to_vec());
    let key = PKey::from_rsa(rsa).unwrap();
    let mut builder = X509ReqBuilder::new().unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    Sent { csr: builder.build().to_der().unwrap(), blob }
});

/// Limits that nobody has used.
pub(crate) fn limits() -> std::sync::Arc<super::RequestLimits> {
    let clock = crate::clock::ManualClock::at(crate::clock::UtcTime::from_unix_seconds(0));
    std::sync::Arc::new(super::RequestLimits::new(std::sync::Arc::new(clock)))
}
