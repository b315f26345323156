//! Whether a device may have and use primary refresh tokens now.
//!
//! Which device a certificate is of, and whether it is enabled, is said where every protocol asks
//! ([`device_by_certificate`]); a PRT wants an RSA key besides, and holds while its device is not idle for too long.

use std::time::Duration;

use super::device_certificate::{DeviceCertificate, DeviceCertificateError};
use crate::authn::{DeviceAuthnError, device_by_certificate};
use crate::clock::UtcTime;
use crate::devices::{Device, DeviceId, DeviceServices, RegistryError};

/// The registered, enabled device with this certificate. One that was idle is as good as any: whoever comes back to it signs in anew.
///
/// # Errors
/// [`DeviceError`].
pub async fn device_of(
    devices: &DeviceServices,
    certificate: &DeviceCertificate,
    now: UtcTime,
) -> Result<Device, DeviceError> {
    Ok(device_by_certificate(devices, &certificate.der, now).await?)
}

/// Whether a registered device may be used.
///
/// # Errors
/// [`DeviceAuthnError::Disabled`].
pub(super) fn check_enabled(device: &Device) -> Result<(), DeviceError> {
    if device.enabled { Ok(()) } else { Err(DeviceAuthnError::Disabled { device: device.id }.into()) }
}

/// Whether what somebody signed in for on a device still holds there: not when nobody used the device for too long.
///
/// # Errors
/// [`DeviceAuthnError::Disabled`], [`DeviceError::Unused`].
pub(super) fn check_in_use(device: &Device, usage_window: Duration, now: UtcTime) -> Result<(), DeviceError> {
    check_enabled(device)?;
    // The registry's stamp is as coarse as its own policy, which this leaves room for.
    let seen = device.last_used.max(device.registered);
    if seen.is_some_and(|seen| now.since(seen) > usage_window + STAMP_COARSENESS) {
        return Err(DeviceError::Unused { device: device.id });
    }
    Ok(())
}

/// Why a device proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// Its certificate has no key that a PRT can be asked for with.
    #[error(transparent)]
    Certificate(#[from] DeviceCertificateError),
    /// No registered, enabled device has the certificate.
    #[error(transparent)]
    Authn(#[from] DeviceAuthnError),
    /// It was not used for longer than a device may be idle.
    #[error("device {device} was not used for too long")]
    Unused {
        /// The device.
        device: DeviceId,
    },
}

impl From<RegistryError> for DeviceError {
    fn from(error: RegistryError) -> Self {
        Self::Authn(error.into())
    }
}

impl DeviceError {
    /// Whether the same device may be taken a little later.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Authn(error) if error.is_retryable())
    }

    /// There is no such device.
    pub(super) const UNKNOWN: Self = Self::Authn(DeviceAuthnError::Unknown);
}

/// The registry writes a device's time stamp at most this often.
const STAMP_COARSENESS: Duration = Duration::from_hours(14 * 24);
