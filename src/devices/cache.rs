//! A registry that remembers.
//!
//! Stands before any [`DeviceRegistry`]. Devices that were found are given out again for at most a minute: so long may a device
//! that another node disabled still be used, which is what AD FS promises, too. That there is no device is never remembered: one
//! that was registered a moment ago on another node is found. What is changed through this registry is forgotten at once.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

use super::{
    AddedKey, CertificateMark, Device, DeviceId, DeviceKey, DeviceRegistry, DeviceService, Registration, RegistryError,
};
use crate::clock::{Clock, UtcTime};
use crate::directory::Sid;

/// A [`DeviceRegistry`] with a memory.
pub struct CachedRegistry {
    inner: Arc<dyn DeviceRegistry>,
    clock: Arc<dyn Clock>,
    devices: Cache<DeviceId, (Duration, Arc<Device>)>,
    certificates: Cache<CertificateMark, DeviceId>,
}

impl CachedRegistry {
    /// Stands before `inner`, with an empty memory.
    pub fn new(inner: Arc<dyn DeviceRegistry>, clock: Arc<dyn Clock>) -> Self {
        let (devices, certificates) = (Cache::new(REMEMBERED), Cache::new(REMEMBERED));
        Self { inner, clock, devices, certificates }
    }

    fn recall(&self, id: DeviceId) -> Option<Arc<Device>> {
        let (asked, device) = self.devices.get(&id)?;
        (self.clock.monotonic().saturating_sub(asked) < FRESH).then_some(device)
    }

    /// The age counts from the question: what the registry says may be that old already.
    fn remember(&self, device: &Device, asked: Duration) {
        self.devices.insert(device.id, (asked, Arc::new(device.clone())));
    }
}

#[async_trait::async_trait]
impl DeviceRegistry for CachedRegistry {
    async fn find(&self, id: DeviceId) -> Result<Option<Device>, RegistryError> {
        if let Some(device) = self.recall(id) {
            return Ok(Some(Device::clone(&device)));
        }
        let asked = self.clock.monotonic();
        let found = self.inner.find(id).await?;
        if let Some(device) = &found {
            self.remember(device, asked);
        }
        Ok(found)
    }

    async fn find_by_certificate(&self, mark: &CertificateMark) -> Result<Option<Device>, RegistryError> {
        let known = self.certificates.get(mark).and_then(|id| self.recall(id));
        if let Some(device) = known.filter(|device| device.certificates.contains(mark)) {
            return Ok(Some(Device::clone(&device)));
        }
        let asked = self.clock.monotonic();
        let found = self.inner.find_by_certificate(mark).await?;
        if let Some(device) = &found {
            self.remember(device, asked);
            self.certificates.insert(*mark, device.id);
        }
        Ok(found)
    }

    async fn of_user(&self, user: &Sid) -> Result<Vec<Device>, RegistryError> {
        self.inner.of_user(user).await
    }

    async fn list(&self, after: Option<DeviceId>, limit: usize) -> Result<Vec<Device>, RegistryError> {
        self.inner.list(after, limit).await
    }

    async fn register(&self, registration: &Registration) -> Result<Device, RegistryError> {
        let outcome = self.inner.register(registration).await;
        self.devices.invalidate(&registration.id);
        outcome
    }

    async fn set_enabled(&self, id: DeviceId, enabled: bool) -> Result<(), RegistryError> {
        let outcome = self.inner.set_enabled(id, enabled).await;
        self.devices.invalidate(&id);
        outcome
    }

    async fn delete(&self, id: DeviceId) -> Result<bool, RegistryError> {
        let outcome = self.inner.delete(id).await;
        self.devices.invalidate(&id);
        outcome
    }

    async fn touch(&self, device: &Device, at: UtcTime) -> Result<(), RegistryError> {
        if !super::is_touch_due(device, at) {
            return Ok(());
        }
        let outcome = self.inner.touch(device, at).await;
        self.devices.invalidate(&device.id);
        outcome
    }

    async fn user_keys(&self, user: &Sid) -> Result<Vec<DeviceKey>, RegistryError> {
        self.inner.user_keys(user).await
    }

    async fn add_user_key(&self, user: &Sid, key: &DeviceKey) -> Result<AddedKey, RegistryError> {
        self.inner.add_user_key(user, key).await
    }

    async fn remove_user_key(&self, user: &Sid, key: &DeviceKey) -> Result<bool, RegistryError> {
        self.inner.remove_user_key(user, key).await
    }

    async fn service(&self) -> Result<DeviceService, RegistryError> {
        self.inner.service().await
    }

    async fn published_issuers(&self) -> Result<Vec<Vec<u8>>, RegistryError> {
        self.inner.published_issuers().await
    }

    async fn publish_issuer(&self, certificate: &[u8]) -> Result<bool, RegistryError> {
        self.inner.publish_issuer(certificate).await
    }
}

impl std::fmt::Debug for CachedRegistry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CachedRegistry").field("devices", &self.devices.entry_count()).finish_non_exhaustive()
    }
}

/// A little below the minute that a registry's answers may be old.
const FRESH: Duration = Duration::from_secs(55);
/// Devices of about two kilobytes each.
const REMEMBERED: u64 = 20_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{ManualClock, SystemRandomSource};
    use crate::devices::{SqlPlace, SqlRegistry, SqlSettings, samples};

    const NOW: UtcTime = UtcTime::from_unix_seconds(1_767_607_200);

    /// A registry, the same as another node has it, and the clock.
    struct Nodes {
        own: CachedRegistry,
        other: Arc<SqlRegistry>,
        clock: Arc<ManualClock>,
        root: tempfile::TempDir,
    }

    fn nodes() -> Nodes {
        let root = tempfile::tempdir().unwrap();
        let settings = SqlSettings { registration_quota: 10, maximum_inactivity_days: 90 };
        let place = SqlPlace::Sqlite(root.path().join("devices.db"));
        let other = Arc::new(SqlRegistry::new(place, settings, Arc::new(SystemRandomSource::new())).unwrap());
        let clock = Arc::new(ManualClock::at(NOW));
        Nodes { own: CachedRegistry::new(other.clone(), clock.clone()), other, clock, root }
    }

    fn registration(certificate: u8) -> Registration {
        let device = samples::device(samples::device_id());
        Registration {
            id: device.id,
            display_name: device.display_name,
            os_type: String::from("Windows"),
            os_version: String::from("10"),
            owner: device.owner.unwrap(),
            computer_sid: None,
            trust_type: None,
            certificate: mark(certificate),
            transport_key: None,
            quota: None,
            at: NOW,
        }
    }

    const fn mark(number: u8) -> CertificateMark {
        CertificateMark { thumbprint: [number; 20], public_key: [number; 32] }
    }

    #[tokio::test]
    async fn what_another_node_did_is_seen_within_a_minute() {
        let Nodes { own, other, clock, root: _root } = nodes();
        let id = own.register(&registration(1)).await.unwrap().id;
        assert!(own.find(id).await.unwrap().unwrap().enabled);
        other.set_enabled(id, false).await.unwrap();
        clock.advance(Duration::from_secs(54));
        assert!(
            own.find(id).await.unwrap().unwrap().enabled && own.find_by_certificate(&mark(1)).await.unwrap().is_some()
        );
        clock.advance(Duration::from_secs(2));
        assert!(!own.find(id).await.unwrap().unwrap().enabled);
        other.delete(id).await.unwrap();
        clock.advance(Duration::from_secs(56));
        assert_eq!(own.find(id).await, Ok(None));
        // That there is none is not remembered.
        other.register(&registration(1)).await.unwrap();
        assert!(own.find(id).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn what_was_done_here_is_seen_at_once() {
        let Nodes { own, root: _root, .. } = nodes();
        let id = own.register(&registration(1)).await.unwrap().id;
        assert!(own.find(id).await.unwrap().unwrap().enabled);
        own.set_enabled(id, false).await.unwrap();
        assert!(!own.find(id).await.unwrap().unwrap().enabled);
        own.set_enabled(id, true).await.unwrap();
        let used = own.find(id).await.unwrap().unwrap();
        own.touch(&used, NOW.plus(Duration::from_hours(15 * 24))).await.unwrap();
        assert_ne!(own.find(id).await.unwrap().unwrap().last_used, used.last_used);
        assert!(own.find_by_certificate(&mark(1)).await.unwrap().is_some());
        own.register(&registration(2)).await.unwrap();
        assert_eq!(own.find(id).await.unwrap().unwrap().certificates, [mark(2)]);
        own.delete(id).await.unwrap();
        assert_eq!(own.find(id).await, Ok(None));
    }

    #[tokio::test]
    async fn a_certificate_that_was_replaced_is_worth_nothing() {
        let Nodes { own, other, clock, root: _root } = nodes();
        let id = own.register(&registration(1)).await.unwrap().id;
        assert!(own.find_by_certificate(&mark(1)).await.unwrap().is_some());
        own.register(&registration(2)).await.unwrap();
        assert_eq!(own.find_by_certificate(&mark(1)).await, Ok(None));
        // By another node, and only the device was asked for since.
        assert!(own.find_by_certificate(&mark(2)).await.unwrap().is_some());
        other.register(&registration(3)).await.unwrap();
        clock.advance(Duration::from_secs(56));
        assert_eq!(own.find(id).await.unwrap().unwrap().certificates, [mark(3)]);
        assert_eq!(own.find_by_certificate(&mark(2)).await, Ok(None));
    }
}
