//! `[sign_in]`: sign-in by a browser.

use std::time::Duration;

use super::names::DnsName;
use crate::authn::{Audience, PrimaryMethods, WindowsUserAgents};

/// `[sign_in.alternate_login_id]`: an attribute by which people sign in in place of the user principal name; AD FS'
/// `AlternateLoginID`.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlternateLoginId {
    /// The attribute, such as `mail`.
    pub attribute: String,
    /// DNS names of the domains in which it is looked up, all when empty; AD FS' `LookupForests`.
    #[serde(default)]
    pub domains: Vec<DnsName>,
}

/// Sessions, Windows sign-in and loops.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SignIn {
    /// Minutes a session lasts from the authentication; AD FS' `SsoLifetime`.
    pub sso_lifetime_minutes: u32,
    /// Offer "keep me signed in"; AD FS' `EnableKmsi`.
    pub keep_signed_in: bool,
    /// Minutes a session lasts where the person chose that; AD FS' `KmsiLifetimeMins`.
    pub keep_signed_in_lifetime_minutes: u32,
    /// Browsers that sign in by Windows without asking: parts of `User-Agent`, or `=~` and a regular expression; AD FS'
    /// `WIASupportedUserAgents`.
    pub windows_user_agents: Vec<String>,
    /// To whom signing in by Windows is offered: `nobody` or `intranet`; AD FS' `WindowsAuthentication` among the primary methods.
    pub windows: Audience,
    /// To whom signing in on a page, with user name and password, is offered: `nobody`, `intranet`, `extranet` or `everybody`; AD FS'
    /// `FormsAuthentication`.
    pub forms: Audience,
    /// To whom signing in by what a registered device says of its user is offered: `nobody`, `intranet`, `extranet` or `everybody`;
    /// AD FS' `DeviceAuthentication`.
    pub device: Audience,
    /// To whom changing a password at `/adfs/portal/updatepassword/` is offered: `nobody`, `intranet`, `extranet` or `everybody`.
    pub password_change: Audience,
    /// To whom signing in with a certificate is offered, where `[certificates]` names an authority: `nobody`, `intranet`, `extranet`
    /// or `everybody`; AD FS' `CertificateAuthentication`.
    pub certificate: Audience,
    /// Stop a browser that a relying party sends back again and again; AD FS' `EnableLoopDetection`.
    pub loop_detection: bool,
    /// Tokens for one relying party within the interval; AD FS' `LoopDetectionMaximumTokensIssuedInInterval`.
    pub loop_detection_tokens: u32,
    /// The interval in seconds; AD FS' `LoopDetectionTimeIntervalInSeconds`.
    pub loop_detection_seconds: u32,
    /// Browsers on the intranet sign in at the local Active Directory without being asked where; AD FS'
    /// `IntranetUseLocalClaimsProvider`.
    pub intranet_use_local_claims_provider: bool,
    /// Remember where the person of a browser chose to sign in; AD FS' `HRDCookieEnabled`.
    pub hrd_cookie: bool,
    /// For so many days; AD FS' `HRDCookieLifetimeInDays`.
    pub hrd_cookie_lifetime_days: u32,
    /// `[sign_in.alternate_login_id]`
    pub alternate_login_id: Option<AlternateLoginId>,
}

impl SignIn {
    /// How long a session lasts.
    pub const fn sso_lifetime(&self) -> Duration {
        Duration::from_secs(self.sso_lifetime_minutes as u64 * 60)
    }

    /// How long a session lasts that the person wants to keep; `None` where that is not offered.
    pub fn kept_lifetime(&self) -> Option<Duration> {
        self.keep_signed_in.then(|| Duration::from_secs(u64::from(self.keep_signed_in_lifetime_minutes) * 60))
    }

    /// How long a choice of where to sign in is remembered; `None` where it is not.
    pub fn home_realm_memory(&self) -> Option<Duration> {
        self.hrd_cookie.then(|| Duration::from_hours(u64::from(self.hrd_cookie_lifetime_days) * 24))
    }

    /// To whom each way of signing in is offered, but for certificates.
    pub const fn primary_methods(&self) -> PrimaryMethods {
        PrimaryMethods { windows: self.windows, forms: self.forms, device: self.device }
    }

    /// The interval in which tokens are counted.
    pub const fn loop_detection_interval(&self) -> Duration {
        Duration::from_secs(self.loop_detection_seconds as u64)
    }
}

impl Default for SignIn {
    fn default() -> Self {
        Self {
            sso_lifetime_minutes: 480,
            keep_signed_in: false,
            keep_signed_in_lifetime_minutes: 1440,
            windows_user_agents: WindowsUserAgents::RECOMMENDED.map(String::from).to_vec(),
            windows: Audience::Intranet,
            forms: Audience::Everybody,
            device: Audience::Everybody,
            password_change: Audience::Intranet,
            certificate: Audience::Everybody,
            loop_detection: true,
            loop_detection_tokens: 5,
            loop_detection_seconds: 20,
            intranet_use_local_claims_provider: false,
            hrd_cookie: true,
            hrd_cookie_lifetime_days: 30,
            alternate_login_id: None,
        }
    }
}
