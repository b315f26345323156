//! What the audit log says of one attempt to register a device, to end its registration, or to add a key.

use super::failure::ErrorCode;
use super::text::{Detail, Name};
use crate::devices::{CertificateMark, DeviceId, JoinType};

/// One attempt.
#[derive(Debug, Clone, Default)]
pub struct DeviceAttempt {
    /// Kind of registration, once it is known.
    pub join_type: Option<JoinType>,
    /// The device, once it has an identifier.
    pub device: Option<DeviceId>,
    /// Its name, as the client wrote it.
    pub display_name: Option<Name>,
    /// Serial number of its certificate, hexadecimal.
    pub serial: Option<Name>,
    /// SHA-1 thumbprint of its certificate.
    pub thumbprint: Option<[u8; 20]>,
}

/// Why an attempt came to nothing.
#[derive(Debug, Clone)]
pub struct DeviceRefusal {
    /// The code the client was told.
    pub code: ErrorCode,
    /// The cause.
    pub detail: Detail,
}

impl DeviceAttempt {
    /// The certificate that was issued or shown.
    pub fn set_certificate(&mut self, mark: &CertificateMark, serial: &str) {
        self.serial = Some(Name::public(serial));
        self.thumbprint = Some(mark.thumbprint);
    }
}
