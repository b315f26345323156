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

/// The issuance authorization rules of a built-in access control policy, by its configuration name.
pub fn access_policy(name: &str) -> Option<&'static str> {
    ACCESS_POLICIES.iter().find(|(known, _)| *known == name).map(|(_, rules)| *rules)
}

/// Names and rule texts of the built-in access control policies.
pub const ACCESS_POLICIES: [(&str, &str); 2] = [
    ("permit-everyone", include_str!("permit_everyone.rules")),
    ("permit-intranet", include_str!("permit_intranet.rules")),
];

#[cfg(test)]
mod tests;
