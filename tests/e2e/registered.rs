//! Devices in the lab's directory: written there as a device registration service or directory synchronisation writes them.

use std::ops::Deref;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chancery::devices::{DeviceAuthority, DeviceCertificateRequest, DeviceId, RegistryPlace};
use chancery::directory::ObjectGuid;
use chancery::keys::KeyRingOptions;
use openssl::pkey::{PKey, Private};

use crate::clock::{Clock as _, SystemClock, SystemRandomSource};
use crate::support::{Device, Lab};
use crate::throwaway::{feed, ldap};

/// A registered device; leaves the directory with the test.
pub struct Registered(Device);

impl Registered {
    /// A computer of the domain, registered by the owner with this SID.
    pub fn computer(owner: &str) -> Self {
        Self::with(owner, 2)
    }

    /// With this trust type.
    pub fn with(owner: &str, trust_type: u8) -> Self {
        let registered = Self(Device::certified(certificate));
        let owner = STANDARD.encode(sid_octets(owner));
        feed(
            "ldapadd",
            &format!(
                "dn: {}\nobjectClass: msDS-Device\ndisplayName: PC-{}\nmsDS-DeviceID:: {}\nmsDS-IsEnabled: TRUE\n\
                 altSecurityIdentities: {}\nmsDS-DeviceOSType: Windows\nmsDS-DeviceOSVersion: 10.0.26100.1\n\
                 msDS-RegisteredOwner:: {owner}\nmsDS-RegisteredUsers:: {owner}\nmsDS-DeviceObjectVersion: 2\n\
                 msDS-DeviceTrustType: {trust_type}\nmsDS-ApproximateLastLogonTimeStamp: {}\n",
                registered.dn(),
                &registered.id.to_string()[..8],
                STANDARD.encode(registered.id.to_bytes_le()),
                registered.alt_security_identity(),
                (crate::support::now() + 11_644_473_600) * 10_000_000,
            ),
        );
        // The link needs an object that is there.
        registered.set_transport_key(&registered.blob());
        registered
    }

    pub fn dn(&self) -> String {
        format!("CN={},CN=RegisteredDevices,{}", self.id, base())
    }

    /// Replaces the transport key.
    pub fn set_transport_key(&self, material: &[u8]) {
        self.modify(&format!(
            "replace: msDS-KeyCredentialLink\nmsDS-KeyCredentialLink: {}",
            key_link(self, material, 2, &self.dn())
        ));
    }

    /// Makes it another owner's, as a registration by them does.
    pub fn give_to(&self, owner: &str) {
        let owner = STANDARD.encode(sid_octets(owner));
        self.modify(&format!(
            "replace: msDS-RegisteredOwner\nmsDS-RegisteredOwner:: {owner}\n-\n\
             replace: msDS-RegisteredUsers\nmsDS-RegisteredUsers:: {owner}"
        ));
    }

    pub fn modify(&self, ldif: &str) {
        feed("ldapmodify", &format!("dn: {}\nchangetype: modify\n{ldif}\n", self.dn()));
    }

    pub fn delete(&self) {
        feed("ldapmodify", &format!("dn: {}\nchangetype: delete\n", self.dn()));
    }
}

/// What a test deleted itself is gone already.
impl Drop for Registered {
    fn drop(&mut self) {
        let _ = ldap("ldapdelete").arg(self.dn()).output();
    }
}

impl Deref for Registered {
    type Target = Device;

    fn deref(&self) -> &Device {
        &self.0
    }
}

/// A certificate of the lab's own device authority, as a neighbouring server issues it.
fn certificate(id: uuid::Uuid, key: &PKey<Private>) -> Vec<u8> {
    static AUTHORITY: LazyLock<DeviceAuthority> = LazyLock::new(|| {
        let (config, host) = (&Lab::get().config, Lab::get().host.clone());
        let options = KeyRingOptions::new(config.join("state/keys"), config.join("kek"), host);
        let domain = Lab::get().domain.clone();
        DeviceAuthority::load_or_create(&options, &domain, &SystemClock::new(), &SystemRandomSource::new())
            .expect("the lab's device authority")
    });
    let request = DeviceCertificateRequest {
        device: DeviceId(id),
        account: ObjectGuid::from_directory_bytes([7; 16]),
        public_key: &key.public_key_to_der().expect("a key"),
        place: RegistryPlace {
            invocation: ObjectGuid::from_directory_bytes([1; 16]),
            domain: ObjectGuid::from_directory_bytes([2; 16]),
        },
    };
    let now = SystemClock::new().now();
    AUTHORITY.issue(&request, now, &SystemRandomSource::new()).expect("a certificate").der
}

/// A value of `msDS-KeyCredentialLink` (MS-ADTS 2.2.20).
pub fn key_link(device: &Device, material: &[u8], usage: u8, dn: &str) -> String {
    let entry =
        |id: u8, value: &[u8]| [&u16::try_from(value.len()).expect("short").to_le_bytes()[..], &[id], value].concat();
    let time = ((crate::support::now() + 11_644_473_600) * 10_000_000).to_le_bytes();
    let custom: &[u8] = if usage == 1 { &[1, 2] } else { &[1, 0] };
    let hashed = [
        entry(3, material),
        entry(4, &[usage]),
        entry(5, &[0]),
        entry(6, &device.id.to_bytes_le()),
        entry(7, custom),
        entry(8, &time),
        entry(9, &time),
    ]
    .concat();
    let blob = [
        &[0, 2, 0, 0][..],
        &entry(1, &openssl::sha::sha256(material)),
        &entry(2, &openssl::sha::sha256(&hashed)),
        &hashed,
    ]
    .concat();
    format!("B:{}:{}:{dn}", blob.len() * 2, hex::encode_upper(blob))
}

fn sid_octets(text: &str) -> Vec<u8> {
    let numbers: Vec<u64> = text.split('-').skip(2).map(|number| number.parse().expect("a SID")).collect();
    let (authority, parts) = numbers.split_first().expect("a SID");
    let mut octets = vec![1, u8::try_from(parts.len()).expect("a SID")];
    octets.extend_from_slice(&authority.to_be_bytes()[2..]);
    for part in parts {
        octets.extend_from_slice(&u32::try_from(*part).expect("a SID").to_le_bytes());
    }
    octets
}

fn base() -> String {
    let _ = Lab::get();
    std::env::var("LAB_BASE_DN").expect("run by tests/lab/run")
}
