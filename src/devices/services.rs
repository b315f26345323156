//! Everything about devices that protocols and sign-in use, assembled by the server for one configuration.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Device, DeviceAuthority, DeviceId, DeviceRegistry, RegistryError, RequestLimits};
use crate::directory::Sid;

/// The registry, the authority, and what the configuration says of them.
#[derive(Clone)]
pub struct DeviceServices {
    /// Where devices are kept.
    pub registry: Arc<dyn DeviceRegistry>,
    /// Who certifies them.
    pub authority: Arc<DeviceAuthority>,
    /// The settings.
    pub settings: DeviceSettings,
    /// How often it is asked.
    pub limits: Arc<RequestLimits>,
}

/// Settings of device registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceSettings {
    /// Join types that are accepted, as numbered in requests.
    pub join_types: BTreeSet<u8>,
    /// Whether certificate requests may be signed with SHA-1, as the first Windows 8.1 clients did.
    pub sha1_requests: bool,
    /// Host names of device registration, in lower case: `enterpriseregistration.` and each UPN suffix. Client certificates are asked
    /// for on them.
    pub host_names: Vec<String>,
    /// Groups whose members have no quota, besides Domain Admins.
    pub quota_exempt: BTreeSet<Sid>,
}

impl DeviceSettings {
    /// Whether a member of these groups may register any number of devices: as in AD FS an administrator of a domain.
    pub fn is_exempt(&self, groups: &[Sid]) -> bool {
        groups.iter().any(|group| {
            let of_domain = group.parent().is_some_and(|domain| domain.is_domain());
            (of_domain && group.rid() == Some(DOMAIN_ADMINS)) || self.quota_exempt.contains(group)
        })
    }
}

/// Whether a user may register one more device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    /// There is room.
    Room,
    /// As many as are allowed are there.
    Reached {
        /// How many.
        count: usize,
        /// How many are allowed.
        limit: u32,
    },
}

impl DeviceServices {
    /// Whether `user`, a member of `groups`, may register one more device. `replacing` is one that the registration would take the
    /// place of.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn quota(&self, user: &Sid, groups: &[Sid], replacing: Option<DeviceId>) -> Result<Quota, RegistryError> {
        let limit = self.registry.service().await?.registration_quota;
        if limit == 0 || self.settings.is_exempt(groups) {
            return Ok(Quota::Room);
        }
        Ok(count(&self.registry.of_user(user).await?, replacing, limit))
    }

    /// DER certificates of all authorities whose device certificates count: this server's own, then the published ones.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn issuers(&self) -> Result<Vec<Vec<u8>>, RegistryError> {
        let mut issuers = self.authority.issuers().to_vec();
        for published in self.registry.published_issuers().await? {
            if !issuers.contains(&published) {
                issuers.push(published);
            }
        }
        Ok(issuers)
    }
}

/// Ten means ten: at the limit the next one is refused. AD FS' specification, read literally, lets one more in.
fn count(devices: &[Device], replacing: Option<DeviceId>, limit: u32) -> Quota {
    let count = devices.iter().filter(|device| Some(device.id) != replacing).count();
    if count < usize::try_from(limit).unwrap_or(usize::MAX) { Quota::Room } else { Quota::Reached { count, limit } }
}

impl std::fmt::Debug for DeviceServices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceServices").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// RID of the group Domain Admins (MS-DTYP 2.4.2.4).
const DOMAIN_ADMINS: u32 = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::samples;

    fn settings() -> DeviceSettings {
        DeviceSettings {
            join_types: BTreeSet::from([4, 6]),
            sha1_requests: false,
            host_names: Vec::new(),
            quota_exempt: BTreeSet::from(["S-1-5-21-1-2-3-1105".parse().unwrap()]),
        }
    }

    #[test]
    fn administrators_and_the_configured_group_are_exempt() {
        for (group, exempt) in [
            ("S-1-5-21-1-2-3-512", true),
            ("S-1-5-21-1-2-3-1105", true),
            ("S-1-5-21-1-2-3-513", false),
            ("S-1-5-21-9-9-9-1105", false),
            // A number at the end alone makes nobody an administrator.
            ("S-1-5-32-512", false),
            ("S-1-5-21-1-2-3-4-512", false),
        ] {
            assert_eq!(settings().is_exempt(&[group.parse().unwrap()]), exempt, "{group}");
        }
        assert!(!settings().is_exempt(&[]));
    }

    #[test]
    fn ten_means_ten_and_a_replaced_device_makes_room() {
        let devices: Vec<_> = (1..=10).map(|n| samples::device(DeviceId(uuid::Uuid::from_u128(n)))).collect();
        assert_eq!(count(&devices[..9], None, 10), Quota::Room);
        assert_eq!(count(&devices, None, 10), Quota::Reached { count: 10, limit: 10 });
        assert_eq!(count(&devices, Some(devices[3].id), 10), Quota::Room);
        assert_eq!(
            count(&devices, Some(DeviceId(uuid::Uuid::from_u128(11))), 10),
            Quota::Reached { count: 10, limit: 10 }
        );
    }
}
