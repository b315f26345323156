//! The rule sets the product brings along, as rule text: an administrator reads them, copies them and replaces them.
//!
//! Texts without settings are files; the Entra trust's is written from the farm's settings.

mod entra;

pub use entra::{EntraDomain, EntraRulesError, EntraSettings, SourceAnchor, entra_rules};

/// Acceptance transform rules of the Active Directory claims provider trust (claims.md 5.3): what the directory or this
/// farm stated passes.
pub const ACTIVE_DIRECTORY_ACCEPTANCE: &str = include_str!("active_directory_acceptance.rules");

/// Issuance transform rules that give a domain-joined computer what Entra needs to register it (claims.md 5.1), without
/// `issuerid`: for a tenant with one verified domain. [`entra_rules`] contains these.
pub const HYBRID_JOIN: &str = include_str!("hybrid_join.rules");

/// Issuance authorization rules that permit everybody who authenticated: what the access control policy of that name says.
pub const PERMIT_EVERYONE: &str = include_str!("permit_everyone.rules");

/// Issuance transform rules of the device registration service's trust: what its token must hold so that the service
/// registers a device (device-registration.md 3.2, claims.md 2). The access control policy that goes with them is
/// `permit-everyone-and-require-mfa-allow-automatic-device-registration`: computers register themselves, users prove more.
pub const DEVICE_REGISTRATION: &str = include_str!("device_registration.rules");

#[cfg(test)]
mod tests;
