//! How long refresh tokens live, and who gets one (oauth-oidc-prt.md 2.8): as long as the session; those of a client on a registered
//! device as long as they are in use, until single sign-on of the device ends.

use super::OAuthSettings;
use super::travel::Travelled;
use crate::authn::SsoSession;
use crate::clock::UtcTime;
use crate::config::RefreshTokensTo;
use crate::protocols::browser;
use crate::protocols::environment::Environment;

/// The end of a refresh token that is issued now; `None` where none is.
pub(super) fn of_refresh_token(
    environment: &Environment,
    settings: &OAuthSettings,
    (session, travelled): (&SsoSession, &Travelled),
    now: UtcTime,
) -> Option<UtcTime> {
    let slides = slides(session, travelled);
    match settings.refresh_tokens_to {
        RefreshTokensTo::NoDevice => return None,
        RefreshTokensTo::WorkplaceJoinedDevices if !slides => return None,
        RefreshTokensTo::WorkplaceJoinedDevices | RefreshTokensTo::AllDevices => {}
    }
    let until = match environment.browser.devices.as_ref().filter(|_| slides) {
        Some(devices) => {
            let idle = now.plus(devices.service.usage_window).max(session.until);
            idle.min(browser::tokens_end(&environment.browser, session))
        }
        None => session.until,
    };
    (until > now).then_some(until)
}

/// Whether each refresh token of a sign-in outlives the one before: the client runs on the registered device that took part.
pub(super) const fn slides(session: &SsoSession, travelled: &Travelled) -> bool {
    session.subject.device.is_some() && !travelled.elsewhere
}
