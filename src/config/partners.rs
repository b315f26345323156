//! `[partners]`: how this server reaches partners by itself, for their metadata and keys.

use std::path::PathBuf;
use std::time::Duration;

use actix_web::http::Uri;

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
    /// Proxy through which partners are reached, `http://proxy.corp.example:3128`.
    pub proxy: Option<String>,
    /// File with `user:password` for the proxy.
    pub proxy_credentials_file: Option<PathBuf>,
    /// Names of hosts that are reached without the proxy, with those below them.
    pub no_proxy: Vec<String>,
}

impl Partners {
    /// Time between two looks at metadata.
    pub fn metadata_refresh(&self) -> Duration {
        Duration::from_mins(self.metadata_refresh_minutes.into())
    }

    /// Host and port of the proxy; `None` without one, or where what is written is no address of one.
    pub fn proxy_address(&self) -> Option<(String, u16)> {
        let uri: Uri = self.proxy.as_deref()?.parse().ok()?;
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http"))?;
        let bare = !authority.as_str().contains('@') && !authority.host().is_empty() && uri.query().is_none();
        (bare && uri.path() == "/").then(|| (authority.host().to_owned(), authority.port_u16().unwrap_or(80)))
    }

    /// How long one request may take.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.into())
    }
}

impl Default for Partners {
    fn default() -> Self {
        Self {
            metadata_refresh_minutes: 1440,
            ca_file: None,
            timeout_seconds: 20,
            proxy: None,
            proxy_credentials_file: None,
            no_proxy: Vec::new(),
        }
    }
}
