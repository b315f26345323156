//! The registered device that takes part in a sign-in: how it proves which one it is by its certificate, and what claims and
//! policies ask about it.
//!
//! Knows the registry and the device authorities; knows nothing of TLS or of messages. The caller proves possession of the key.

use uuid::Uuid;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use crate::clock::UtcTime;
use crate::devices::{CertificateMark, Device, DeviceId, DeviceServices, RegistryError, TrustType, is_issued_by_one};
use crate::directory::Sid;

/// A device that proved who it is, and what the registry says of it. Nothing of this is the device's own word.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DeviceContext {
    /// Its `msDS-DeviceID`.
    pub id: DeviceId,
    /// Identifier of its registration.
    pub registration_id: Option<String>,
    /// [`Device::registration_mark`] of the registration that it proved itself by.
    #[serde(default)]
    pub registration_mark: String,
    /// Display name.
    pub display_name: Option<String>,
    /// Type of its operating system, such as `Windows`.
    pub os_type: Option<String>,
    /// Version of its operating system, such as `10.0.19045.0`.
    pub os_version: Option<String>,
    /// Whether the registry knows it and has not disabled it.
    pub is_known: bool,
    /// Whether the user who signs in is one of its registered users.
    pub is_registered_user: bool,
    /// Whether it is managed; `None` when nobody says.
    pub is_managed: Option<bool>,
    /// Whether it complies with the rules of its management; `None` when nobody says.
    pub is_compliant: Option<bool>,
    /// How it is joined, as the registry writes it.
    pub trust_type: Option<String>,
    /// When it was last used.
    pub last_used: Option<UtcTime>,
    /// Whether the user signed in by a primary refresh token that the device holds.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_primary_refresh_token: bool,
}

impl DeviceContext {
    /// What the registry says of a device that proved who it is, at the sign-in of `user`.
    pub fn of(device: &Device, user: Option<&Sid>) -> Self {
        let is_users = |user: &Sid| device.owner.as_ref() == Some(user) || device.users.contains(user);
        Self {
            id: device.id,
            registration_id: device.object_guid.map(|guid| guid.to_string()),
            registration_mark: device.registration_mark(),
            display_name: Some(device.display_name.clone()).filter(|name| !name.is_empty()),
            os_type: device.os_type.clone(),
            os_version: device.os_version.clone(),
            is_known: device.enabled,
            is_registered_user: user.is_some_and(is_users),
            is_managed: device.is_managed,
            is_compliant: device.is_compliant,
            trust_type: device.trust_type.map(|TrustType(number)| number.to_string()),
            last_used: device.last_used,
            by_primary_refresh_token: false,
        }
    }
}

/// The registered device that holds this certificate (DER); that it holds the key is proved by the handshake, or by a signature
/// that the caller verified. That it was used is for the caller to note, once all that it judges is good.
///
/// The registry decides: the certificate must be one that it has, byte for byte and key for key (device-registration.md 10.4).
/// Dates, subject and issuer are looked at as well, so that whoever may write certificates into the directory gains no more
/// than what the device authorities issued. Nobody is signed in by this: a device says which device it is and no more, whoever
/// its owner is.
///
/// # Errors
/// [`DeviceAuthnError`].
pub async fn device_by_certificate(
    devices: &DeviceServices,
    certificate: &[u8],
    now: UtcTime,
) -> Result<Device, DeviceAuthnError> {
    let presented = Presented::read(certificate, now)?;
    let registry = &*devices.registry;
    let device = registry.find_by_certificate(&presented.mark).await?.ok_or(DeviceAuthnError::Unknown)?;
    if presented.subject != Some(device.id) {
        return Err(DeviceAuthnError::Subject { device: device.id });
    }
    let ours = is_issued_by_one(certificate, devices.authority.issuers());
    if !ours && !is_issued_by_one(certificate, &registry.published_issuers().await?) {
        return Err(DeviceAuthnError::Issuer { device: device.id });
    }
    if !device.enabled {
        return Err(DeviceAuthnError::Disabled { device: device.id });
    }
    Ok(device)
}

/// Why a certificate is no device's. The client learns that it was not accepted; the log says why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceAuthnError {
    /// No certificate.
    #[error("the device certificate cannot be read")]
    Malformed,
    /// Not valid at this time.
    #[error("the device certificate is not valid at this time: from {from} to {to}")]
    NotCurrent {
        /// Start of its validity.
        from: UtcTime,
        /// End of it.
        to: UtcTime,
    },
    /// No registered device has it.
    #[error("no registered device has this certificate")]
    Unknown,
    /// It names another device than the one that has it.
    #[error("the certificate names another device than {device}, which has it in the registry")]
    Subject {
        /// The device that has it.
        device: DeviceId,
    },
    /// No device authority issued it.
    #[error("the certificate of device {device} was issued by none of the device authorities")]
    Issuer {
        /// The device.
        device: DeviceId,
    },
    /// An administrator disabled the device.
    #[error("device {device} is disabled")]
    Disabled {
        /// The device.
        device: DeviceId,
    },
    /// The registry gives no answer.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl DeviceAuthnError {
    /// Whether the same certificate may be accepted a little later.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Registry(RegistryError::Unavailable { .. }))
    }
}

/// A certificate as far as it says something of its device.
struct Presented {
    mark: CertificateMark,
    /// The device that its subject names.
    subject: Option<DeviceId>,
}

impl Presented {
    fn read(der: &[u8], now: UtcTime) -> Result<Self, DeviceAuthnError> {
        if der.len() > MAX_CERTIFICATE {
            return Err(DeviceAuthnError::Malformed);
        }
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| DeviceAuthnError::Malformed)?;
        if !rest.is_empty() {
            return Err(DeviceAuthnError::Malformed);
        }
        let validity = certificate.validity();
        let [from, to] =
            [&validity.not_before, &validity.not_after].map(|time| UtcTime::from_unix_seconds(time.timestamp()));
        if now < from || now > to {
            return Err(DeviceAuthnError::NotCurrent { from, to });
        }
        let mut names = certificate.subject().iter_common_name();
        let subject = match (names.next(), names.next()) {
            (Some(name), None) => name.as_str().ok().and_then(|name| Uuid::try_parse(name).ok()).map(DeviceId),
            _ => None,
        };
        let mark = CertificateMark::of(der).map_err(|_| DeviceAuthnError::Malformed)?;
        Ok(Self { mark, subject })
    }
}

/// Octets of a certificate that are read.
const MAX_CERTIFICATE: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::clock::{ManualClock, SystemRandomSource};
    use crate::devices::{
        AddedKey, DeviceAuthority, DeviceCertificateRequest, DeviceKey, DeviceRegistry, DeviceSettings, Registration,
        RegistryPlace, samples,
    };
    use crate::keys::{KeyRing, KeyRingOptions};

    const NOW: UtcTime = UtcTime::from_unix_seconds(1_767_323_045);

    /// A registry of one device.
    struct One {
        device: Device,
        published_issuers: Vec<Vec<u8>>,
        touched: AtomicUsize,
    }

    #[async_trait::async_trait]
    impl DeviceRegistry for One {
        async fn find(&self, id: DeviceId) -> Result<Option<Device>, RegistryError> {
            Ok(Some(self.device.clone()).filter(|device| device.id == id))
        }
        async fn find_by_certificate(&self, mark: &CertificateMark) -> Result<Option<Device>, RegistryError> {
            Ok(Some(self.device.clone()).filter(|device| device.certificates.contains(mark)))
        }
        async fn of_user(&self, _: &Sid) -> Result<Vec<Device>, RegistryError> {
            Ok(Vec::new())
        }
        async fn list(&self, _: Option<DeviceId>, _: usize) -> Result<Vec<Device>, RegistryError> {
            Ok(Vec::new())
        }
        async fn register(&self, _: &Registration) -> Result<Device, RegistryError> {
            Ok(self.device.clone())
        }
        async fn set_enabled(&self, _: DeviceId, _: bool) -> Result<(), RegistryError> {
            Ok(())
        }
        async fn delete(&self, _: DeviceId) -> Result<bool, RegistryError> {
            Ok(false)
        }
        async fn touch(&self, _: &Device, _: UtcTime) -> Result<(), RegistryError> {
            self.touched.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
        async fn user_keys(&self, _: &Sid) -> Result<Vec<DeviceKey>, RegistryError> {
            Ok(Vec::new())
        }
        async fn add_user_key(&self, _: &Sid, _: &DeviceKey) -> Result<AddedKey, RegistryError> {
            Ok(AddedKey { is_new: true, domain_controller: None })
        }
        async fn remove_user_key(&self, _: &Sid, _: &DeviceKey) -> Result<bool, RegistryError> {
            Ok(false)
        }
        async fn published_issuers(&self) -> Result<Vec<Vec<u8>>, RegistryError> {
            Ok(self.published_issuers.clone())
        }
    }

    fn place() -> RegistryPlace {
        RegistryPlace {
            invocation: "11111111-2222-3333-4444-555555555555".parse().unwrap(),
            domain: "99999999-8888-7777-6666-555555555555".parse().unwrap(),
        }
    }

    fn authority() -> Arc<DeviceAuthority> {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("keys");
        let options = KeyRingOptions::new(directory, root.path().join("kek"), String::from("sts.corp.example"));
        let (clock, random) = (ManualClock::at(NOW), SystemRandomSource::new());
        KeyRing::load_or_create(&options, &clock, &random).unwrap();
        Arc::new(DeviceAuthority::load_or_create(&options, "corp.example", &clock, &random).unwrap())
    }

    /// A certificate of this authority for a device.
    fn issue(authority: &DeviceAuthority, device: DeviceId) -> Vec<u8> {
        issue_at(authority, device, NOW)
    }

    fn issue_at(authority: &DeviceAuthority, device: DeviceId, at: UtcTime) -> Vec<u8> {
        let sample = openssl::x509::X509::from_der(&samples::certificate()).unwrap();
        let public_key = sample.public_key().unwrap().public_key_to_der().unwrap();
        let request = DeviceCertificateRequest {
            device,
            account: "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee".parse().unwrap(),
            public_key: &public_key,
            place: place(),
        };
        authority.issue(&request, at, &SystemRandomSource::new()).unwrap().der
    }

    fn services(
        authority: &Arc<DeviceAuthority>,
        device: Device,
        published_issuers: Vec<Vec<u8>>,
    ) -> (DeviceServices, Arc<One>) {
        let registry = Arc::new(One { device, published_issuers, touched: AtomicUsize::new(0) });
        let settings = DeviceSettings {
            join_types: BTreeSet::new(),
            sha1_requests: false,
            host_names: Vec::new(),
            quota_exempt: BTreeSet::new(),
        };
        (
            DeviceServices {
                registry: registry.clone(),
                authority: authority.clone(),
                settings,
                limits: samples::limits(),
            },
            registry,
        )
    }

    fn holding(certificate: &[u8]) -> Device {
        Device {
            certificates: vec![CertificateMark::of(certificate).unwrap()],
            ..samples::device(samples::device_id())
        }
    }

    #[tokio::test]
    async fn a_device_is_the_one_whose_certificate_the_registry_has() {
        let (ours, entras) = (authority(), authority());
        let id = samples::device_id();
        let (own, written_back) = (issue(&ours, id), issue(&entras, id));
        let (devices, registry) = services(&ours, holding(&own), Vec::new());
        assert_eq!(device_by_certificate(&devices, &own, NOW).await, Ok(holding(&own)));
        assert_eq!(registry.touched.load(Ordering::SeqCst), 0, "who has a certificate has used nothing");
        // A device of another authority, where the registry says that its devices are good.
        let published = vec![entras.certificate().to_vec()];
        let (devices, _) = services(&ours, holding(&written_back), published);
        assert_eq!(device_by_certificate(&devices, &written_back, NOW).await, Ok(holding(&written_back)));
    }

    /// The registry decides; what the authority's own certificate says of time is for others.
    #[tokio::test]
    async fn a_device_outlives_its_authority() {
        let ours = authority();
        let days = |days: u64| NOW.plus(Duration::from_hours(24 * days));
        let certificate = issue_at(&ours, samples::device_id(), days(5000));
        let (devices, _) = services(&ours, holding(&certificate), Vec::new());
        let ended = openssl::x509::X509::from_der(ours.certificate()).unwrap();
        let then = openssl::asn1::Asn1Time::from_unix(days(7400).unix_seconds()).unwrap();
        assert!(ended.not_after() < then, "the authority has ended");
        assert_eq!(device_by_certificate(&devices, &certificate, days(7400)).await, Ok(holding(&certificate)));
    }

    #[tokio::test]
    async fn each_thing_that_is_wrong_has_its_reason() {
        let (ours, foreign) = (authority(), authority());
        let device = samples::device_id();
        let other = DeviceId(Uuid::from_u128(7));
        let (own, strange) = (issue(&ours, device), issue(&foreign, device));
        let another = issue(&ours, other);
        let large = samples::large_certificate(MAX_CERTIFICATE);
        let disabled = Device { enabled: false, ..holding(&own) };
        let [from, to] = [NOW.minus(Duration::from_mins(10)), NOW.plus(Duration::from_hours(24 * 3650))];
        for (held, presented, now, expected) in [
            (holding(&own), &another, NOW, DeviceAuthnError::Unknown),
            (holding(&another), &another, NOW, DeviceAuthnError::Subject { device }),
            (holding(&strange), &strange, NOW, DeviceAuthnError::Issuer { device }),
            (disabled, &own, NOW, DeviceAuthnError::Disabled { device }),
            (holding(&own), &own, from.minus(Duration::from_secs(1)), DeviceAuthnError::NotCurrent { from, to }),
            (holding(&own), &own, to.plus(Duration::from_secs(1)), DeviceAuthnError::NotCurrent { from, to }),
            (holding(&own), &b"x".to_vec(), NOW, DeviceAuthnError::Malformed),
            (holding(&own), &vec![0x30; MAX_CERTIFICATE + 1], NOW, DeviceAuthnError::Malformed),
            (holding(&large), &large, NOW, DeviceAuthnError::Malformed),
            (holding(&own), &[&own[..], b"x"].concat(), NOW, DeviceAuthnError::Malformed),
        ] {
            let (devices, registry) = services(&ours, held, Vec::new());
            assert_eq!(device_by_certificate(&devices, presented, now).await, Err(expected));
            assert_eq!(registry.touched.load(Ordering::SeqCst), 0);
        }
    }

    #[test]
    fn the_user_is_the_devices_by_its_registration_alone() {
        let device = samples::device(samples::device_id());
        let owner = device.owner.unwrap();
        let other: Sid = "S-1-5-21-1-2-3-9999".parse().unwrap();
        let context = DeviceContext::of(&device, Some(&owner));
        assert!(context.is_registered_user && context.is_known);
        assert_eq!((context.display_name.as_deref(), context.trust_type.as_deref()), (Some("MYPC"), Some("2")));
        let shared = Device { users: vec![other], ..device.clone() };
        for user in [&owner, &other] {
            assert!(DeviceContext::of(&shared, Some(user)).is_registered_user);
        }
        assert!(!DeviceContext::of(&device, Some(&other)).is_registered_user);
        assert!(!DeviceContext::of(&device, None).is_registered_user);
    }

    #[test]
    fn a_registration_is_known_by_the_object_of_the_device() {
        let of = |device: &Device| DeviceContext::of(device, None).registration_id;
        let guid = "67ad5895-8624-4cdc-8d19-95d6579caaf2";
        let device = samples::device(samples::device_id());
        assert_eq!(of(&device), None);
        assert_eq!(of(&Device { object_guid: guid.parse().ok(), ..device }).as_deref(), Some(guid));
    }
}
