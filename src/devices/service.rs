//! What the registry says of the device registration service itself.

use super::authority::RegistryPlace;

/// Settings that live where devices do: in Active Directory the object `DeviceRegistrationService`, as in AD FS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceService {
    /// `msDS-IsEnabled`: whether devices may be registered.
    pub enabled: bool,
    /// `msDS-RegistrationQuota`: devices of one user; 0 for any number.
    pub registration_quota: u32,
    /// `msDS-MaximumRegistrationInactivityPeriod`: days after which an unused device is swept; 0 for never.
    pub maximum_inactivity_days: u32,
    /// What device certificates say of the place.
    pub place: RegistryPlace,
    /// Whether keys of devices and users are kept. Without (a directory of Windows Server 2012 R2) devices register and sign in by
    /// certificate; none gets a primary refresh token.
    pub keeps_keys: bool,
}
