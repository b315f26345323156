//! `[active_directory]`: the local claims provider, which vouches for the accounts of the configured domains.

use std::path::PathBuf;

/// What of Active Directory's word about an account gets in.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ActiveDirectory {
    /// Acceptance transform rules; without them everything that the directory and this server state passes.
    pub acceptance_rules: Option<String>,
    /// The same in a file beside `chancery.toml`.
    pub acceptance_rules_file: Option<PathBuf>,
}
