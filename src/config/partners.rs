//! `[partners]`: how this server reaches partners by itself, for their metadata and keys.

use std::path::PathBuf;
use std::time::Duration;

/// Requests to partners.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Partners {
    /// Minutes between two looks at the metadata of a trust with `metadata_url`; AD FS' `MonitoringInterval`.
    pub metadata_refresh_minutes: u32,
    /// PEM file with certificate authorities that partners' servers are verified with, instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Seconds one request may take.
    pub timeout_seconds: u32,
}

impl Partners {
    /// Time between two looks at metadata.
    pub fn metadata_refresh(&self) -> Duration {
        Duration::from_mins(self.metadata_refresh_minutes.into())
    }

    /// How long one request may take.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.into())
    }
}

impl Default for Partners {
    fn default() -> Self {
        Self { metadata_refresh_minutes: 1440, ca_file: None, timeout_seconds: 20 }
    }
}
