//! Where devices are kept.

use std::time::Duration;

use super::{CertificateMark, Device, DeviceId, DeviceKey, DeviceService, TrustType};
use crate::clock::UtcTime;
use crate::directory::Sid;

/// Keeps registered devices. Every implementation passes the suite in `conformance`.
///
/// Implementations bound every operation in time. What they answer may be at most 60 seconds old.
#[async_trait::async_trait]
pub trait DeviceRegistry: Send + Sync {
    /// The device with this identifier.
    ///
    /// # Errors
    /// [`RegistryError`].
    async fn find(&self, id: DeviceId) -> Result<Option<Device>, RegistryError>;

    /// The one device that has a certificate with this mark.
    ///
    /// # Errors
    /// [`RegistryError::Ambiguous`] when several have it.
    async fn find_by_certificate(&self, mark: &CertificateMark) -> Result<Option<Device>, RegistryError>;

    /// Devices that `user` is a registered user of.
    ///
    /// # Errors
    /// [`RegistryError`].
    async fn of_user(&self, user: &Sid) -> Result<Vec<Device>, RegistryError>;

    /// All devices, for an administrator, in order of their identifiers, beginning behind `after`, at most `limit`.
    ///
    /// # Errors
    /// [`RegistryError`].
    async fn list(&self, after: Option<DeviceId>, limit: usize) -> Result<Vec<Device>, RegistryError>;

    /// Registers a device, or registers it again: certificates and keys of an earlier registration are replaced. All of it
    /// happens, or nothing; when this returns it lasts. Never enables a device that an administrator disabled; one that a sweep
    /// disabled because nobody used it is used again.
    ///
    /// # Errors
    /// [`RegistryError::Disabled`] when an administrator disabled the device; [`RegistryError::QuotaReached`] when its owner has as
    /// many other devices as allowed, whichever node registered them.
    async fn register(&self, registration: &Registration) -> Result<Device, RegistryError>;

    /// Enables or disables a device.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`].
    async fn set_enabled(&self, id: DeviceId, enabled: bool) -> Result<(), RegistryError>;

    /// Removes a device; whether it was there.
    ///
    /// # Errors
    /// [`RegistryError`].
    async fn delete(&self, id: DeviceId) -> Result<bool, RegistryError>;

    /// Notes that an enabled device was used; writes at most every 14 days. The caller has proved that it is that device, and judged
    /// whether it may be used: what is noted here is what the next judgement of an idle device goes by.
    ///
    /// # Errors
    /// [`RegistryError`].
    async fn touch(&self, device: &Device, at: UtcTime) -> Result<(), RegistryError>;

    /// Keys registered for a user (usage 1).
    ///
    /// # Errors
    /// [`RegistryError`].
    async fn user_keys(&self, user: &Sid) -> Result<Vec<DeviceKey>, RegistryError>;

    /// Adds a key to a user. Adding the same key material again changes nothing.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`] when there is no such user.
    async fn add_user_key(&self, user: &Sid, key: &DeviceKey) -> Result<AddedKey, RegistryError>;

    /// Takes the key with this usage and material from a user; whether it was there.
    ///
    /// # Errors
    /// [`RegistryError`].
    async fn remove_user_key(&self, user: &Sid, key: &DeviceKey) -> Result<bool, RegistryError>;

    /// The settings of device registration that live with the devices; at most a minute old.
    ///
    /// # Errors
    /// [`RegistryError`].
    async fn service(&self) -> Result<DeviceService, RegistryError> {
        Err(RegistryError::Unavailable { reason: String::from("this registry says nothing of the service") })
    }

    /// DER certificates of authorities whose device certificates others have published as good: neighbouring servers', and
    /// Entra's where devices are written back. At most a minute old.
    ///
    /// # Errors
    /// [`RegistryError`].
    async fn published_issuers(&self) -> Result<Vec<Vec<u8>>, RegistryError> {
        Ok(Vec::new())
    }

    /// Publishes the certificate of a device authority beside those that are published already, so that neighbouring servers take
    /// its devices. Whether it was not there before.
    ///
    /// # Errors
    /// [`RegistryError::Refused`] where this server may not: devices work without, on this farm.
    async fn publish_issuer(&self, certificate: &[u8]) -> Result<bool, RegistryError> {
        let _ = certificate;
        Ok(false)
    }
}

/// A key that a user has now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedKey {
    /// Whether the user did not have it before.
    pub is_new: bool,
    /// DNS host name of the domain controller that it was written to, where the registry is in a directory: whoever reads a moment
    /// later reads there.
    pub domain_controller: Option<String>,
}

/// Whether a use of the device at this time is worth a write: every 14 days, as AD FS does it.
pub fn is_touch_due(device: &Device, at: UtcTime) -> bool {
    device.last_used.is_none_or(|last| at.since(last) >= TOUCHED_EVERY)
}

const TOUCHED_EVERY: Duration = Duration::from_hours(14 * 24);

/// A device to register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Its identifier.
    pub id: DeviceId,
    /// Name shown to people, 1 to 256 characters.
    pub display_name: String,
    /// Type of its operating system, at most 1024 characters.
    pub os_type: String,
    /// Version of its operating system, at most 512 characters.
    pub os_version: String,
    /// Who registers it: owner and registered user.
    pub owner: Sid,
    /// The account of the computer itself, when it is domain-joined.
    pub computer_sid: Option<Sid>,
    /// How it is joined; `None` for a registration that says nothing (SOAP enrolment).
    pub trust_type: Option<TrustType>,
    /// Its new certificate.
    pub certificate: CertificateMark,
    /// Its session transport key; `None` for a registration without one (SOAP enrolment).
    pub transport_key: Option<Vec<u8>>,
    /// How many devices its owner may have, this one among them; `None` for any number.
    pub quota: Option<u32>,
    /// The time of registration.
    pub at: UtcTime,
}

/// Why a registry gives no answer or made no change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// There is nothing to change.
    #[error("there is no {what}")]
    NotFound {
        /// What was looked for.
        what: String,
    },
    /// Several objects where one was expected.
    #[error("{what} is not unique in the registry")]
    Ambiguous {
        /// What was looked for.
        what: String,
    },
    /// An administrator disabled the device.
    #[error("device {id} is disabled")]
    Disabled {
        /// The device.
        id: DeviceId,
    },
    /// The owner has as many devices as allowed.
    #[error("the account has {count} devices, and {limit} are allowed")]
    QuotaReached {
        /// How many others there are.
        count: usize,
        /// How many are allowed.
        limit: u32,
    },
    /// The registry refused the change for a reason that another try does not remove: rights, schema, a quota.
    #[error("the registry refused: {reason}")]
    Refused {
        /// What it said, for the operator.
        reason: String,
    },
    /// What the registry holds cannot be read.
    #[error("{what} cannot be read: {reason}")]
    Damaged {
        /// Which object or value.
        what: String,
        /// Why.
        reason: String,
    },
    /// The registry does not answer; trying again later makes sense.
    #[error("the registry does not answer: {reason}")]
    Unavailable {
        /// The failure, for the operator.
        reason: String,
    },
}
