//! `[lockout]`: protection of accounts against guessed passwords, below Active Directory's own lockout.

use std::time::Duration;

use super::names::Network;

/// Soft lockout, per account and source (ws-federation.md 11.6).
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lockout {
    /// Master switch.
    pub enabled: bool,
    /// Wrong passwords of an account, from all sources together, before further ones are refused unseen; must be below the
    /// domain's threshold.
    pub threshold: u32,
    /// How many of these may come from sources the account never signed in from; the intranet is none of them.
    pub unknown_threshold: u32,
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
            unknown_threshold: 3,
            window_minutes: 30,
            tracked_accounts: 100_000,
            banned_networks: Vec::new(),
        }
    }
}
