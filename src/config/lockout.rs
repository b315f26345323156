//! `[lockout]`: protection of accounts against guessed passwords, below Active Directory's own lockout.

use std::time::Duration;

use super::names::Network;

/// Soft lockout, per account and source (ws-federation.md 11.6).
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lockout {
    /// Master switch.
    pub enabled: bool,
    /// Wrong passwords from unfamiliar sources before further ones are refused unseen; must be below the domain's threshold.
    pub threshold: u32,
    /// The same for sources the account signed in from before; the intranet always is one.
    pub familiar_threshold: u32,
    /// Minutes after which one attempt is let through again.
    pub window_minutes: u64,
    /// Accounts tracked at once; the longest unused are forgotten first.
    pub tracked_accounts: u64,
    /// Addresses that get no answer from the domain, at most 300 (AD FS' `BannedIpList`).
    pub banned_networks: Vec<Network>,
}

impl Lockout {
    /// Time after which one attempt is let through again.
    pub const fn window(&self) -> Duration {
        Duration::from_secs(self.window_minutes.saturating_mul(60))
    }
}

impl Default for Lockout {
    fn default() -> Self {
        Self {
            enabled: true,
            threshold: 4,
            familiar_threshold: 4,
            window_minutes: 30,
            tracked_accounts: 100_000,
            banned_networks: Vec::new(),
        }
    }
}
