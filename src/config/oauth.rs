//! `[oauth]`: OAuth 2.0 and `OpenID Connect` for all clients; each client is a trust of its own.

use std::time::Duration;

/// Settings of the OAuth endpoints.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OAuth {
    /// Whether the endpoints answer.
    pub enabled: bool,
    /// Seconds in which a code must be redeemed; AD FS gives 600.
    pub code_lifetime_seconds: u32,
    /// Seconds in which somebody must enter the code that a device shows.
    pub device_code_lifetime_seconds: u32,
    /// Seconds after its first use in which a refresh token is taken once more, for answers that got lost.
    pub refresh_grace_seconds: u32,
    /// Who gets refresh tokens; AD FS' `IssueOAuthRefreshTokensTo`.
    pub refresh_tokens_to: RefreshTokensTo,
    /// Origins whose scripts may call discovery, token and user information endpoints; AD FS' `CORSTrustedOrigins`.
    pub cors_origins: Vec<String>,
    /// Access control policy of the device registration service.
    pub device_registration_policy: String,
}

/// Who gets refresh tokens, by the names of AD FS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshTokensTo {
    /// Nobody.
    NoDevice,
    /// Whoever signed in with the part of a registered device.
    WorkplaceJoinedDevices,
    /// Everybody.
    #[default]
    AllDevices,
}

impl OAuth {
    /// How long a code is good.
    pub fn code_lifetime(&self) -> Duration {
        Duration::from_secs(self.code_lifetime_seconds.into())
    }

    /// How long the codes of a device are good.
    pub fn device_code_lifetime(&self) -> Duration {
        Duration::from_secs(self.device_code_lifetime_seconds.into())
    }

    /// How long a used refresh token is taken once more.
    pub fn refresh_grace(&self) -> Duration {
        Duration::from_secs(self.refresh_grace_seconds.into())
    }
}

impl Default for OAuth {
    fn default() -> Self {
        Self {
            enabled: true,
            code_lifetime_seconds: 60,
            device_code_lifetime_seconds: 600,
            refresh_grace_seconds: 30,
            refresh_tokens_to: RefreshTokensTo::AllDevices,
            cors_origins: Vec::new(),
            device_registration_policy: String::from(
                "permit-everyone-and-require-mfa-allow-automatic-device-registration",
            ),
        }
    }
}
