//! A device for tests: its keys and certificate, and what it signs. Written from the specification, not from the code.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::Signer;
use openssl::x509::{X509, X509NameBuilder};
use serde_json::Value;
use uuid::Uuid;

use super::validity::FakeRegistry;
use crate::clock::{ManualClock, SystemRandomSource, UtcTime};
use crate::devices::{
    Device, DeviceAuthority, DeviceCertificateRequest, DeviceId, DeviceKey, DeviceServices, DeviceSettings,
    RegistryPlace, TrustType,
};
use crate::directory::Sid;
use crate::keys::{KeyRing, KeyRingOptions};
use crate::prt::{DeviceCertificate, KdfVersion, SessionKey};
use crate::secret::Secret;
use crate::tokens::sealed::Sealer;

pub(super) const NOW: UtcTime = UtcTime::from_unix_seconds(1_767_607_201);

/// A key pair with a certificate whose subject is a device.
pub(super) struct TestDevice {
    pub(super) id: DeviceId,
    pub(super) key: PKey<Private>,
    pub(super) der: Vec<u8>,
}

/// A device; another one; made once, because making keys takes a moment.
pub(super) static DEVICE: LazyLock<TestDevice> = LazyLock::new(|| TestDevice::issued(0x11));
pub(super) static OTHER: LazyLock<TestDevice> = LazyLock::new(|| TestDevice::issued(0x22));
/// Who issued their certificates.
static AUTHORITY: LazyLock<Arc<DeviceAuthority>> = LazyLock::new(|| {
    let root = tempfile::tempdir().unwrap();
    let options =
        KeyRingOptions::new(root.path().join("keys"), root.path().join("kek"), String::from("sts.corp.example"));
    let (clock, random) = (ManualClock::at(NOW), SystemRandomSource::new());
    KeyRing::load_or_create(&options, &clock, &random).unwrap();
    Arc::new(DeviceAuthority::load_or_create(&options, "corp.example", &clock, &random).unwrap())
});

/// A registry with the authority of these tests.
pub(super) fn services(registry: impl Into<Arc<FakeRegistry>>) -> DeviceServices {
    let settings = DeviceSettings {
        join_types: BTreeSet::new(),
        sha1_requests: false,
        host_names: Vec::new(),
        quota_exempt: BTreeSet::new(),
    };
    DeviceServices {
        registry: registry.into(),
        authority: AUTHORITY.clone(),
        settings,
        limits: crate::devices::samples::limits(),
    }
}

impl TestDevice {
    fn issued(id: u128) -> Self {
        let id = DeviceId(Uuid::from_u128(id));
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let request = DeviceCertificateRequest {
            device: id,
            account: "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee".parse().unwrap(),
            public_key: &key.public_key_to_der().unwrap(),
            place: RegistryPlace {
                invocation: "11111111-2222-3333-4444-555555555555".parse().unwrap(),
                domain: "99999999-8888-7777-6666-555555555555".parse().unwrap(),
            },
        };
        Self { id, der: AUTHORITY.issue(&request, NOW, &SystemRandomSource::new()).unwrap().der, key }
    }

    /// With a certificate that nobody but itself signed.
    pub(super) fn self_signed(id: u128, bits: u32) -> Self {
        let id = DeviceId(Uuid::from_u128(id));
        let subject = id.to_string();
        let key = PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap();
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_text("CN", &subject).unwrap();
        let name = name.build();
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        builder.set_serial_number(&Asn1Integer::from_bn(&BigNum::from_u32(7).unwrap()).unwrap()).unwrap();
        builder.set_subject_name(&name).unwrap();
        builder.set_issuer_name(&name).unwrap();
        let at = |days: i64| Asn1Time::from_unix(NOW.unix_seconds() + days * 86400).unwrap();
        builder.set_not_before(&at(-1)).unwrap();
        builder.set_not_after(&at(3650)).unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        Self { id, der: builder.build().to_der().unwrap(), key }
    }

    pub(super) fn certificate(&self) -> DeviceCertificate {
        DeviceCertificate::read(&self.der).unwrap()
    }

    /// `BCRYPT_RSAKEY_BLOB` of its key, which is device key and transport key here.
    pub(super) fn blob(&self) -> Vec<u8> {
        let rsa = self.key.rsa().unwrap();
        let (n, e) = (rsa.n().to_vec(), rsa.e().to_vec());
        let length = |octets: usize| u32::try_from(octets).unwrap().to_le_bytes();
        [&b"RSA1"[..], &length(n.len() * 8), &length(e.len()), &length(n.len()), &[0; 8], &e, &n].concat()
    }

    /// The device as a registry holds it.
    pub(super) fn registered(&self, owner: Sid) -> Device {
        Device {
            id: self.id,
            object_guid: None,
            display_name: String::from("PC01"),
            os_type: Some(String::from("Windows")),
            os_version: Some(String::from("10.0.26100.0")),
            enabled: true,
            unused_since: None,
            owner: Some(owner),
            users: vec![],
            certificates: vec![self.certificate().mark],
            keys: vec![DeviceKey { usage: 2, material: self.blob(), device: Some(self.id), created: Some(NOW) }],
            trust_type: Some(TrustType::DOMAIN),
            computer_sid: None,
            is_managed: None,
            is_compliant: Some(true),
            written_back: false,
            last_used: Some(NOW),
            registered: Some(NOW),
        }
    }

    /// RS256 by its key, with its certificate as a string.
    pub(super) fn sign(&self, payload: &Value) -> String {
        self.sign_with(&serde_json::json!({"alg": "RS256", "typ": "JWT", "x5c": STANDARD.encode(&self.der)}), payload)
    }

    pub(super) fn sign_with(&self, header: &Value, payload: &Value) -> String {
        let input = signing_input(&header.to_string(), payload.to_string().as_bytes());
        let mut signer = Signer::new(MessageDigest::sha256(), &self.key).unwrap();
        let signature = signer.sign_oneshot_to_vec(input.as_bytes()).unwrap();
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

pub(super) fn signing_input(header: &str, payload: &[u8]) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
}

/// HS256 by a key derived from the session key; the payload goes out exactly as given.
pub(super) fn sign_by_session(key: &SessionKey, version: KdfVersion, payload: &str) -> String {
    let ctx = [0x40; 24];
    let header = match version {
        KdfVersion::One => serde_json::json!({"alg": "HS256", "ctx": STANDARD.encode(ctx)}),
        KdfVersion::Two => serde_json::json!({"alg": "HS256", "ctx": STANDARD.encode(ctx), "kdf_ver": 2}),
    };
    sign_by_session_with(key, version, &ctx, &header.to_string(), payload)
}

pub(super) fn sign_by_session_with(
    key: &SessionKey,
    version: KdfVersion,
    ctx: &[u8],
    header: &str,
    payload: &str,
) -> String {
    let signed = signing_input(header, payload.as_bytes());
    let signature = key.derive(version, ctx, payload.as_bytes()).sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

pub(super) fn farm() -> (Sealer, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(NOW));
    let random = Arc::new(SystemRandomSource::new());
    (Sealer::new(&Secret::new([3; 32]), clock.clone(), random, 8 * 1024), clock)
}

pub(super) fn random() -> SystemRandomSource {
    SystemRandomSource::new()
}

pub(super) fn minutes(minutes: u64) -> Duration {
    Duration::from_mins(minutes)
}

pub(super) fn alice() -> Sid {
    "S-1-5-21-1004336348-1177238915-682003330-1107".parse().unwrap()
}
