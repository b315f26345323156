//! The registered device that takes part in a sign-in, as far as claims and policies ask about it.

use crate::clock::UtcTime;
use crate::devices::DeviceId;

/// A device that proved who it is, and what the registry says of it. Nothing of this is the device's own word.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DeviceContext {
    /// Its `msDS-DeviceID`.
    pub id: DeviceId,
    /// Identifier of its registration.
    pub registration_id: Option<String>,
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
}
