//! `/adfs/portal/updatepassword/`: somebody who knows a password changes it (ws-federation.md 1.1).
//!
//! Opened by itself, or in the middle of a sign-in with a password that has expired; then the address carries the request that
//! was interrupted, and leads back to it. The old password is checked by the password gate as any other.

use actix_web::http::{Method, StatusCode};

use super::BrowserSignIn;
use super::failure::SignInFailure;
use super::forms::{MAX_FIELD, notice_of_refusal};
use super::parameters::{ParameterError, Parameters};
use super::prompt::{Door, Place};
use super::reply::{self, Said};
use super::session::Browser;
use crate::audit::AuthProtocol;
use crate::authn::password::ChangeError;
use crate::authn::{AuthnRequirement, SignInFlow};
use crate::directory::PasswordRules;
use crate::issuance::Context;
use crate::pages::theme::Theme;
use crate::pages::{ErrorText, Notice, PasswordUpdatedPage, ShownRules, UpdatePasswordPage};
use crate::protocols::credential::{self, ChangeRefusal};
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};
use crate::secret::Secret;
use crate::store::{FirstUse, Purpose, TokenId};
use crate::trusts::TrustLookup;

/// Answers a request.
pub async fn handle(environment: &Environment, call: &Call) -> Answer {
    if !environment.browser.password_change.is_offered(call.origin.location) {
        return Answer::empty(StatusCode::NOT_FOUND);
    }
    let cx = environment.context(call, AuthProtocol::WsFederation, PATH);
    let browser = Browser::of(&environment.browser, &cx, call).await;
    let visit = Visit { environment, cx: &cx, call, browser: &browser, query: &call.query };
    let answer = if call.method == Method::POST { visit.change().await } else { visit.open() };
    answer.unwrap_or_else(|failure| {
        let (status, code, text) = page_of(&failure);
        tracing::info!(correlation = %cx.request.activity, code, reason = %failure, "a change of password is refused");
        let said = Said { text, application: None, theme: visit.theme() };
        reply::error_page(&environment.browser, &cx, call, status, code, said)
    })
}

/// The page for somebody whose password has expired, in the middle of a sign-in whose request is `query`.
pub(super) fn expired_page(
    environment: &Environment,
    cx: &Context,
    call: &Call,
    browser: &Browser,
    query: &str,
    user_name: &str,
) -> Result<Answer, SignInFailure> {
    Visit { environment, cx, call, browser, query }.page(user_name, Some(Notice::UpdatePasswordExpired), None)
}

/// Status, code and text. What a sign-in fails by otherwise does not happen here.
const fn page_of(failure: &SignInFailure) -> (StatusCode, &'static str, ErrorText) {
    match failure {
        SignInFailure::Form(_) => (StatusCode::BAD_REQUEST, "MSIS7000", ErrorText::ErrorRequest),
        SignInFailure::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, "MSIS7012", ErrorText::ErrorUnavailable),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "MSIS7012", ErrorText::ErrorInternal),
    }
}

/// One request.
struct Visit<'a> {
    environment: &'a Environment,
    cx: &'a Context,
    call: &'a Call,
    browser: &'a Browser,
    /// What the address carries: an interrupted request, or a user name.
    query: &'a str,
}

impl Visit<'_> {
    const fn settings(&self) -> &BrowserSignIn {
        &self.environment.browser
    }

    fn open(&self) -> Result<Answer, SignInFailure> {
        let parameters = Parameters::parse(self.query.as_bytes())?;
        self.page(parameters.line("username", MAX_FIELD)?.unwrap_or_default(), None, None)
    }

    /// The form was sent.
    async fn change(&self) -> Result<Answer, SignInFailure> {
        let form = Parameters::of_form(self.call)?;
        let name = form.line("UserName", MAX_FIELD)?.unwrap_or_default();
        let password = |field| Ok::<_, ParameterError>(Secret::new(form.get(field)?.unwrap_or_default().to_owned()));
        let (old, new) = (password("OldPassword")?, password("NewPassword")?);
        let again = password("ConfirmNewPassword")?;
        let Some((step, until)) = self.returned(&form)? else {
            let notice = if self.browser.id.is_none() { Notice::NoticeCookies } else { Notice::NoticeStale };
            return self.page(name, Some(notice), None);
        };
        if let Some(notice) = flaw(&old, &new, &again) {
            return self.page(name, Some(notice), None);
        }
        // Before anything is checked: a form that is sent twice would count as a wrong password the second time.
        if self.cx.services.one_time.redeem(Purpose::SignInStep, &step, until).await? == FirstUse::Repeated {
            return self.page(name, Some(Notice::NoticeSentTwice), None);
        }
        match credential::change_password(self.environment, self.cx, self.call, name, &old, &new).await {
            Ok(()) => {
                let go_on = Parameters::parse(self.query.as_bytes()).ok().and_then(|query| {
                    let place = [("wa", Place::WsFederation), ("response_type", Place::OAuth)];
                    place
                        .into_iter()
                        .find(|(name, _)| query.has(name))
                        .map(|(_, place)| place.with(Door::Main, self.query))
                });
                let page = PasswordUpdatedPage { go_on };
                Ok(reply::page(self.settings(), self.cx, self.call, StatusCode::OK, self.theme(), &page)?)
            }
            Err(refusal) => {
                let (notice, rules) = told(name, &refusal);
                self.page(name, Some(notice), rules)
            }
        }
    }

    /// The step that the form carries, and its end; `None` when it is another browser's, another address's or too old.
    fn returned(&self, form: &Parameters) -> Result<Option<(TokenId, crate::clock::UtcTime)>, SignInFailure> {
        let (Some(state), Some(browser)) = (form.get("SignInState")?, &self.browser.id) else { return Ok(None) };
        match SignInFlow::open(&self.settings().sealer, browser, &self.address(), state) {
            Ok(returned) => Ok(TokenId::from_octets(returned.step.as_octets()).ok().map(|step| (step, returned.until))),
            Err(error) => {
                tracing::info!(correlation = %self.cx.request.activity, %error, "a password page is not taken");
                Ok(None)
            }
        }
    }

    fn page(
        &self,
        user_name: &str,
        notice: Option<Notice>,
        rules: Option<ShownRules>,
    ) -> Result<Answer, SignInFailure> {
        let (browser, cookie) = self.browser.id_or_new(self.cx)?;
        let services = &self.cx.services;
        let flow = SignInFlow::new(AuthnRequirement::default(), &self.address());
        let state = flow.seal(&self.settings().sealer, &browser, services.clock.now(), &*services.random)?;
        let page = UpdatePasswordPage { action: self.address(), state, user_name: user_name.to_owned(), notice, rules };
        let status = match notice {
            Some(Notice::NoticeChangeUnavailable) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::OK,
        };
        let answer = reply::page(self.settings(), self.cx, self.call, status, self.theme(), &page)?;
        Ok(answer.with_headers(cookie))
    }

    /// That of the relying party of an interrupted request.
    fn theme(&self) -> Option<&Theme> {
        let parameters = Parameters::parse(self.query.as_bytes()).ok()?;
        match self.cx.services.trusts.relying_party(parameters.get("wtrealm").ok()??) {
            TrustLookup::Enabled(trust) => trust.theme.as_deref(),
            TrustLookup::Disabled(_) | TrustLookup::Unknown => None,
        }
    }

    fn address(&self) -> String {
        if self.query.is_empty() { String::from(PATH) } else { format!("{PATH}?{}", self.query) }
    }
}

/// What is wrong with the passwords by themselves.
fn flaw(old: &Secret<String>, new: &Secret<String>, again: &Secret<String>) -> Option<Notice> {
    let (new, again) = (new.expose(), again.expose());
    if new.is_empty() || again.is_empty() {
        Some(Notice::NoticeNewPasswordMissing)
    } else if new != again {
        Some(Notice::NoticeNewPasswordMismatch)
    } else if new == old.expose() {
        Some(Notice::NoticeNewPasswordSame)
    } else if new.contains('\0') || new.encode_utf16().count() > MAX_PASSWORD {
        Some(Notice::NoticeNewPasswordRules)
    } else {
        None
    }
}

/// What the person is told. That the old password was right shows only to who gave it.
fn told(name: &str, refusal: &ChangeRefusal) -> (Notice, Option<ShownRules>) {
    match refusal {
        ChangeRefusal::Password(refusal) => (notice_of_refusal(name, refusal), None),
        ChangeRefusal::Change(ChangeError::AgainstRules(rules)) => (Notice::NoticeNewPasswordRules, rules.map(shown)),
        ChangeRefusal::Change(ChangeError::NotAllowed) => (Notice::NoticeChangeNotAllowed, None),
        ChangeRefusal::Change(ChangeError::Unavailable { .. }) => (Notice::NoticeChangeUnavailable, None),
    }
}

fn shown(rules: PasswordRules) -> ShownRules {
    let PasswordRules { length, complex, history, age } = rules;
    ShownRules { length, complex, history, days: age.as_secs().div_ceil(24 * 60 * 60) }
}

const PATH: &str = "/adfs/portal/updatepassword/";
/// UTF-16 units that Active Directory takes.
const MAX_PASSWORD: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_new_passwords_by_themselves_is_seen_before_anybody_is_asked() {
        let of = |old: &str, new: &str, again: &str| {
            let [old, new, again] = [old, new, again].map(|text| Secret::new(text.to_owned()));
            flaw(&old, &new, &again)
        };
        let (longest, too_long) = ("\u{1f511}".repeat(MAX_PASSWORD / 2), "\u{1f511}".repeat(MAX_PASSWORD / 2 + 1));
        for (new, again, expected) in [
            ("", "", Some(Notice::NoticeNewPasswordMissing)),
            ("new", "", Some(Notice::NoticeNewPasswordMissing)),
            ("new", "New", Some(Notice::NoticeNewPasswordMismatch)),
            ("old", "old", Some(Notice::NoticeNewPasswordSame)),
            ("ne\0w", "ne\0w", Some(Notice::NoticeNewPasswordRules)),
            (&*too_long, &*too_long, Some(Notice::NoticeNewPasswordRules)),
            (&*longest, &*longest, None),
            ("new", "new", None),
        ] {
            assert_eq!(of("old", new, again), expected, "{new:?} {again:?}");
        }
    }
}
