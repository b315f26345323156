//! One registered device, as the registry holds it.

use std::fmt;

use aws_lc_rs::digest;
use uuid::Uuid;

use crate::clock::UtcTime;
use crate::directory::{ObjectGuid, Sid};

/// `msDS-DeviceID`, which is also the subject's CN in the device certificate: lower case with hyphens there, 16 octets
/// with the first three fields little-endian in the directory. For a domain-joined computer it is the computer's `objectGUID`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct DeviceId(pub Uuid);

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.hyphenated(), f)
    }
}

/// A registered device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its identifier.
    pub id: DeviceId,
    /// `objectGUID` of its object, where the registry is Active Directory.
    pub object_guid: Option<ObjectGuid>,
    /// `displayName`.
    pub display_name: String,
    /// `msDS-DeviceOSType`, such as `Windows`.
    pub os_type: Option<String>,
    /// `msDS-DeviceOSVersion`, such as `10.0.26100.0`.
    pub os_version: Option<String>,
    /// `msDS-IsEnabled`; a device that is not enabled proves nothing.
    pub enabled: bool,
    /// When a sweep disabled it because nobody used it: it is enabled by registering again, unlike one that an administrator
    /// disabled.
    pub unused_since: Option<UtcTime>,
    /// `msDS-RegisteredOwner`.
    pub owner: Option<Sid>,
    /// `msDS-RegisteredUsers`.
    pub users: Vec<Sid>,
    /// Its certificates, from `altSecurityIdentities`.
    pub certificates: Vec<CertificateMark>,
    /// Its keys, from `msDS-KeyCredentialLink`.
    pub keys: Vec<DeviceKey>,
    /// `msDS-DeviceTrustType`; `None` where the schema lacks the attribute or nobody set it.
    pub trust_type: Option<TrustType>,
    /// `msDS-ComputerSID`, of a domain-joined computer.
    pub computer_sid: Option<Sid>,
    /// `msDS-IsManaged`.
    pub is_managed: Option<bool>,
    /// `msDS-IsCompliant`.
    pub is_compliant: Option<bool>,
    /// Whether directory synchronisation wrote it (`msDS-CloudAnchor`): it may be used, and is never changed beyond its
    /// time stamp, and never swept.
    pub written_back: bool,
    /// `msDS-ApproximateLastLogonTimeStamp`; as coarse as the registry's policy makes it.
    pub last_used: Option<UtcTime>,
    /// When it was registered, where the registry knows (`whenCreated`).
    pub registered: Option<UtcTime>,
}

impl Device {
    /// Digest of the certificates of its registration: another one when it is registered again, so that nothing goes on that came of
    /// the registration before.
    pub fn registration_mark(&self) -> String {
        let mut thumbprints: Vec<[u8; 20]> = self.certificates.iter().map(|mark| mark.thumbprint).collect();
        thumbprints.sort_unstable();
        let digest = digest::digest(&digest::SHA256, thumbprints.as_flattened());
        hex::encode(digest.as_ref().get(..16).unwrap_or_default())
    }
}

/// The mark of a device certificate in `altSecurityIdentities` (`X509:<SHA1-TP-PUBKEY>`, device-registration.md 10.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CertificateMark {
    /// SHA-1 of the certificate's DER.
    pub thumbprint: [u8; 20],
    /// SHA-256 of the `RSAPublicKey` DER: the content of the BIT STRING, not the `SubjectPublicKeyInfo`.
    pub public_key: [u8; 32],
}

/// A key of a device or of a user, from `msDS-KeyCredentialLink` (MS-ADTS 2.2.20).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceKey {
    /// What it is for: 1 for a Windows Hello key, 2 for a device's session transport key.
    pub usage: u8,
    /// The key material as stored: a `BCRYPT_RSAKEY_BLOB` (`RSA1`) or a TPM's blob (`PCPM`).
    pub material: Vec<u8>,
    /// The device it belongs to, where the entry names one.
    pub device: Option<DeviceId>,
    /// When it was made.
    pub created: Option<UtcTime>,
}

/// How a device is joined (`msDS-DeviceTrustType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct TrustType(pub i32);

impl TrustType {
    /// A user's own device, registered by that user.
    pub const WORKPLACE: Self = Self(0);
    /// A domain-joined computer.
    pub const DOMAIN: Self = Self(2);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::samples;

    #[test]
    fn a_registration_has_its_mark_and_the_next_one_another() {
        let device = samples::device(samples::device_id());
        let [one, two] = [1, 2].map(|number| CertificateMark { thumbprint: [number; 20], public_key: [number; 32] });
        let of = |certificates: &[CertificateMark]| {
            Device { certificates: certificates.to_vec(), ..device.clone() }.registration_mark()
        };
        assert_eq!(of(&[one, two]), of(&[two, one]), "a directory has no order");
        assert_eq!(of(&[one]).len(), 32);
        for other in [&[two][..], &[one, two], &[]] {
            assert_ne!(of(&[one]), of(other));
        }
    }
}
