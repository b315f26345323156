//! What the protocols of a browser share: parameters, cookies, the session, and signing somebody in.
//!
//! A protocol decodes its request, asks [`sign_in`] who it is, issues, and answers with a page. Knows HTTP and pages; knows no
//! protocol's parameters.

mod address;
mod certificate;
pub mod certificate_door;
pub mod cookies;
mod device;
pub mod device_door;
mod failure;
pub(in crate::protocols) mod farewell;
mod federate_in;
mod federate_out;
mod forms;
mod home_realm;
mod looping;
pub mod my_devices;
pub mod parameters;
mod participants;
pub(in crate::protocols) mod portal;
mod prompt;
pub(in crate::protocols) mod provider_sign_out;
mod reply;
pub(in crate::protocols) mod requested_methods;
mod session;
mod sign_in;
mod sign_out;
pub mod update_password;

use std::time::Duration;

use crate::authn::{Audience, PrimaryMethods, SessionLifetimes, WindowsUserAgents};
use crate::pages::Pages;
use crate::tokens::sealed::Sealer;

pub(super) use address::{Address, origin};
pub use device::DeviceSignIn;
pub(super) use device::{device_is_good, tokens_end};
pub(super) use failure::SignInFailure;
pub(super) use federate_in::{Arrival, PartnerFailure, open as open_answer};
pub use federate_in::{PartnerAnswer, PartnerMessage};
pub use home_realm::{HomeRealmParameters, HomeRealmSettings};
pub(super) use home_realm::{OWN_PARAMETERS, is_form};
pub(super) use looping::{LoopGuard, TooManyTokens};
use participants::Participants;
pub(super) use participants::{client_entry, take_part};
pub use prompt::Door;
pub(super) use prompt::{Place, Prompt};
pub use provider_sign_out::LogoutMessage;
pub(super) use reply::{Said, error_page, page, redirect};
pub(super) use session::Browser;
use session::end_session;
pub(super) use sign_in::{Input, Outcome, sign_in};
pub(super) use sign_out::{AfterSignOut, end, sign_out};

/// What signing in by a browser needs.
pub struct BrowserSignIn {
    /// Pages.
    pub pages: Pages,
    /// Seals cookies and forms.
    pub sealer: Sealer,
    /// How long sessions last.
    pub lifetimes: SessionLifetimes,
    /// To whom each way of signing in is offered, but for certificates.
    pub methods: PrimaryMethods,
    /// Browsers that sign in by Windows without asking.
    pub windows_user_agents: WindowsUserAgents,
    /// To whom changing a password is offered.
    pub password_change: Audience,
    /// Where certificates are asked for; `None` where they sign nobody in.
    pub certificate: Option<CertificateDoor>,
    /// When a browser that comes back again and again is stopped; `None` never.
    pub loop_detection: Option<LoopLimits>,
    /// Where people sign in.
    pub home_realm: HomeRealmSettings,
    /// Sign-in by the device of a browser; `None` where no devices are registered.
    pub devices: Option<DeviceSignIn>,
}

/// Where browsers are asked for a certificate: another name or port than the main one, where every browser would show a dialog.
pub struct CertificateDoor {
    /// Scheme, host and port.
    pub origin: String,
    /// To whom it is offered.
    pub audience: Audience,
    /// Seals what comes back from there; takes more than a cookie may hold.
    pub sealer: Sealer,
}

/// How many tokens one browser gets for one relying party.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoopLimits {
    /// Tokens.
    pub tokens: u32,
    /// Within this time.
    pub interval: Duration,
}

/// Characters of a sealed text, the largest of which is a session.
pub const SEALED_LIMIT: usize = 8 * 1024;
/// Characters of what comes back from the door of certificates: a form within the limit of forms.
pub const CERTIFICATE_RESULT_LIMIT: usize = 15 * 1024;
