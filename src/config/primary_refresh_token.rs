//! `[primary_refresh_token]`: single sign-on of registered devices.

use std::time::Duration;

use crate::prt::PrtLifetimes;

/// Lifetimes, and where a primary refresh token signs in. It takes part where `[device_registration]` is on.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PrimaryRefreshToken {
    /// Issue and take primary refresh tokens.
    pub enabled: bool,
    /// Minutes each one lasts from its issue or renewal.
    pub lifetime_minutes: u32,
    /// Minutes after the sign-in when renewing ends; AD FS' `PersistentSsoLifetimeMins`.
    pub persistent_sso_lifetime_minutes: u32,
    /// Days a device may be idle before its tokens end; AD FS' `DeviceUsageWindowInDays`.
    pub device_usage_window_days: u32,
    /// Sign browsers in by the credential that Windows makes for them; AD FS' `BrowserSsoEnabled`.
    pub browser_sso: bool,
    /// Ask clients that can answer (`PKeyAuth/1.0`) to prove their device where they sent no credential; AD FS'
    /// `DeviceAuthenticationMethod`.
    pub pkeyauth: bool,
    /// Ask browsers for the certificate of their device, where certificates are asked for, when they proved no device otherwise;
    /// AD FS' `DeviceAuthenticationMethod`.
    pub client_tls: bool,
    /// Browsers that are signed in so: parts of `User-Agent`; AD FS' `BrowserSsoSupportedUserAgents`.
    pub browser_sso_user_agents: Vec<String>,
}

impl PrimaryRefreshToken {
    /// How long PRTs last.
    pub fn lifetimes(&self) -> PrtLifetimes {
        PrtLifetimes {
            each: Duration::from_mins(u64::from(self.lifetime_minutes)),
            family: Duration::from_mins(u64::from(self.persistent_sso_lifetime_minutes)),
        }
    }

    /// How long a device may be idle.
    pub fn usage_window(&self) -> Duration {
        Duration::from_hours(u64::from(self.device_usage_window_days) * 24)
    }
}

impl Default for PrimaryRefreshToken {
    fn default() -> Self {
        Self {
            enabled: true,
            lifetime_minutes: 14 * 24 * 60,
            persistent_sso_lifetime_minutes: 90 * 24 * 60,
            device_usage_window_days: 14,
            browser_sso: true,
            pkeyauth: false,
            client_tls: false,
            browser_sso_user_agents: vec![String::from("Windows NT 1")],
        }
    }
}
