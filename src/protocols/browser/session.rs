//! The session of a browser: read from its cookies, begun, ended.

use actix_web::http::header::{HeaderName, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::cookies::{self, Cookie, Cookies, Keep};
use super::{BrowserSignIn, Participants};
use crate::authn::{BrowserId, SsoSession, SubjectOrigin};
use crate::clock::{RandomError, UtcTime};
use crate::directory::password_set;
use crate::issuance::Context;
use crate::protocols::http::Call;

/// A browser, as its cookies tell.
#[derive(Debug)]
pub(in crate::protocols) struct Browser {
    /// The cookies themselves.
    pub(in crate::protocols) cookies: Cookies,
    /// Who is signed in, as far as is known and not revoked.
    pub(in crate::protocols) session: Option<SsoSession>,
    /// Its own id, when it has one.
    pub(super) id: Option<BrowserId>,
}

impl Browser {
    /// The browser of a request. A session that cannot be read, or not be proved alive, is none.
    pub(in crate::protocols) async fn of(sign_in: &BrowserSignIn, cx: &Context, call: &Call) -> Self {
        let cookies = Cookies::of(call);
        let id = cookies.get(Cookie::Browser).and_then(BrowserId::from_text);
        let session = read(sign_in, cx, &cookies).await;
        Self { cookies, session, id }
    }

    /// The same browser with a session that it has from elsewhere than its cookies.
    pub(super) fn with_session(&self, session: SsoSession) -> Self {
        Self { cookies: self.cookies.clone(), session: Some(session), id: self.id.clone() }
    }

    /// Whether Windows sign-in failed a moment ago.
    pub(super) fn skips_windows(&self) -> bool {
        self.cookies.get(Cookie::SkipWindows).is_some()
    }

    /// Its id, and the cookie that tells it a new one.
    pub(super) fn id_or_new(
        &self,
        cx: &Context,
    ) -> Result<(BrowserId, Option<(HeaderName, HeaderValue)>), RandomError> {
        if let Some(id) = &self.id {
            return Ok((id.clone(), None));
        }
        let id = BrowserId::random(&*cx.services.random)?;
        let cookie = cookies::set(Cookie::Browser, id.as_str(), Keep::Session);
        Ok((id, cookie))
    }

    /// The relying parties that were signed in to, by the session or by one before it of the same person. They are known when the
    /// session is over, too: it has ended here, and there it has not.
    pub(in crate::protocols) fn participants(&self, sign_in: &BrowserSignIn) -> Participants {
        let kept =
            self.cookies.get(Cookie::Participants).and_then(|text| Participants::open(&sign_in.sealer, text).ok());
        let of_another =
            |kept: &Participants| self.session.as_ref().is_some_and(|session| !kept.are_of(&session.subject.origin));
        kept.filter(|kept| !of_another(kept)).unwrap_or_default()
    }
}

async fn read(sign_in: &BrowserSignIn, cx: &Context, cookies: &Cookies) -> Option<SsoSession> {
    let text = cookies.session()?;
    let session = match SsoSession::open(&sign_in.sealer, &text) {
        Ok(session) => session,
        Err(error) => {
            tracing::debug!(correlation = %cx.request.activity, %error, "the session cookie is not used");
            return None;
        }
    };
    match session.is_revoked(&*cx.services.revocations).await {
        Ok(false) if !device_takes_part(sign_in, cx, &session).await => None,
        Ok(false) => password_is_the_same(sign_in, cx, &session).await.then_some(session),
        Ok(true) => None,
        Err(error) => {
            tracing::warn!(correlation = %cx.request.activity, %error, "it is not known whether a session was revoked");
            None
        }
    }
}

/// Whether the session's device is good, as far as is known: without it somebody signs in anew.
async fn device_takes_part(sign_in: &BrowserSignIn, cx: &Context, session: &SsoSession) -> bool {
    match super::device::device_is_good(sign_in, session).await {
        Ok(true) => true,
        Ok(false) => {
            tracing::info!(correlation = %cx.request.activity, "the session's device is not registered or not enabled");
            false
        }
        Err(error) => {
            tracing::warn!(correlation = %cx.request.activity, %error, "it is not known whether a session's device is enabled");
            false
        }
    }
}

/// Whether a session that the browser keeps is still one of the account's password. While the directory does not answer it is good
/// for as long as any other.
async fn password_is_the_same(sign_in: &BrowserSignIn, cx: &Context, session: &SsoSession) -> bool {
    let (Some(then), SubjectOrigin::Directory(account)) = (session.kept, &session.subject.origin) else { return true };
    match password_set(&*cx.services.directory, account).await {
        Ok(now) if now == Some(then) => true,
        Ok(_) => {
            tracing::info!(correlation = %cx.request.activity, "the account's password was changed since the session began");
            false
        }
        Err(error) => {
            tracing::warn!(correlation = %cx.request.activity, %error, "it is not known whether a password was changed");
            session.subject.instant.plus(sign_in.lifetimes.session) > cx.services.clock.now()
        }
    }
}

/// The cookies of a session that begins; `None` when it is too large for cookies, or cannot be sealed.
pub(super) fn begin(
    sign_in: &BrowserSignIn,
    cx: &Context,
    session: &SsoSession,
) -> Option<Vec<(HeaderName, HeaderValue)>> {
    let now = cx.services.clock.now();
    let keep = if session.kept.is_some() { Keep::For(session.until.since(now)) } else { Keep::Session };
    let text = match session.seal(&sign_in.sealer) {
        Ok(text) if text.len() <= Cookie::Session.most() => text,
        Ok(text) => {
            tracing::warn!(correlation = %cx.request.activity, characters = text.len(),
                "the account is in too many groups for a session cookie: it signs in anew each time");
            return None;
        }
        Err(error) => {
            tracing::error!(correlation = %cx.request.activity, %error, "a session could not be sealed");
            return None;
        }
    };
    let mut headers = cookies::set_session(&text, keep)?;
    headers.extend(cookies::set(Cookie::Authenticated, &authenticated_text(session.subject.instant), keep));
    Some(headers)
}

/// Ends the session: revoked, so that copies of the cookie and what came of it are worth nothing, and forgotten by the browser.
pub(in crate::protocols) async fn end_session(
    sign_in: &BrowserSignIn,
    cx: &Context,
    browser: &Browser,
) -> Vec<(HeaderName, HeaderValue)> {
    if let Some(session) = &browser.session {
        let until = super::tokens_end(sign_in, session);
        if let Err(error) = cx.services.revocations.revoke(&session.subject.session, until).await {
            tracing::error!(correlation = %cx.request.activity, %error, "a session that was signed out could not be revoked");
        }
    }
    [Cookie::Session, Cookie::Authenticated, Cookie::Participants, Cookie::Loop]
        .into_iter()
        .flat_map(|cookie| cookies::forget(cookie, &browser.cookies))
        .collect()
}

/// `MSISAuthenticated`: base64 of the time as AD FS writes it, `10/16/2023 6:22:15 AM`.
fn authenticated_text(instant: UtcTime) -> String {
    let civil = instant.civil();
    let (hour, half) = match civil.hour() {
        0 => (12, "AM"),
        hour @ 1..=11 => (hour, "AM"),
        12 => (12, "PM"),
        hour => (hour - 12, "PM"),
    };
    let (month, day, year) = (u8::from(civil.month()), civil.day(), civil.year());
    STANDARD.encode(format!("{month}/{day}/{year} {hour}:{:02}:{:02} {half}", civil.minute(), civil.second()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_written_as_ad_fs_writes_it() {
        // 2023-10-16T06:22:15Z
        assert_eq!(authenticated_text(UtcTime::from_unix_seconds(1_697_437_335)), "MTAvMTYvMjAyMyA2OjIyOjE1IEFN");
        let noon = authenticated_text(UtcTime::from_unix_seconds(1_697_457_600));
        assert_eq!(STANDARD.decode(noon).unwrap(), b"10/16/2023 12:00:00 PM");
        let midnight = authenticated_text(UtcTime::from_unix_seconds(1_697_414_400));
        assert_eq!(STANDARD.decode(midnight).unwrap(), b"10/16/2023 12:00:00 AM");
    }
}
