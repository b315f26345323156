//! `[authentication]`: what is asked of everybody, whatever the relying party.

use std::path::PathBuf;

/// Rules for every relying party.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Authentication {
    /// Additional authentication rules that run beside those of the trust; either may ask for a second factor.
    pub additional_authentication_rules: Option<String>,
    /// The same in a file beside `chancery.toml`.
    pub additional_authentication_rules_file: Option<PathBuf>,
}
