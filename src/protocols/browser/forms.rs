//! The sign-in page and its form: user name and password, checked by the password gate.

use std::time::Duration;

use actix_web::http::StatusCode;

use super::failure::SignInFailure;
use super::parameters::Parameters;
use super::prompt::{Door, Place};
use super::sign_in::{Outcome, Visit, skip_windows};
use super::{reply, update_password};
use crate::authn::flow::{Returned, StepId};
use crate::authn::{
    AuthenticatedSubject, AuthenticationMethod, AuthnError, Challenge, FlowInput, FlowStep, LoginName, LoginNameError,
    NetworkLocation, PasswordFailure, SignInFlow,
};
use crate::directory::{self, Account};
use crate::pages::{Notice, SignInPage};
use crate::protocols::credential::{self, PasswordRefusal, Proof, USERNAME_TOKEN};
use crate::protocols::http::{Answer, Call};
use crate::secret::Secret;
use crate::store::{FirstUse, Purpose, TokenId};

impl Visit<'_> {
    /// The sign-in page was sent.
    pub(super) async fn password(&self, form: &Parameters) -> Result<Outcome, SignInFailure> {
        if form.line("AuthMethod", MAX_FIELD)? != Some("FormsAuthentication") {
            return Err(AuthnError::Unavailable.into());
        }
        // Before anything is checked: where passwords are not offered, none is guessed.
        if !self.offered().password {
            return Err(AuthnError::Unavailable.into());
        }
        if !self.prompt.candidates.has_active_directory() {
            return Err(AuthnError::NoClaimsProvider.into());
        }
        let name = form.line("UserName", MAX_FIELD)?.unwrap_or_default();
        let password = Secret::new(form.get("Password")?.unwrap_or_default().to_owned());
        let mut keep = None;
        let returned = if is_a_tools(self.call, form) { Some(self.begun_by_form()?) } else { self.returned(form)? };
        let Some(returned) = returned else {
            let notice = if self.browser.id.is_none() { Notice::NoticeCookies } else { Notice::NoticeStale };
            let flow = SignInFlow::new(self.prompt.requirement.clone(), self.prompt.query);
            return self.page(&flow, StatusCode::OK, Some(notice), Some(name)).map(Outcome::Answer);
        };
        let relying_party = self.prompt.relying_party;
        let checked = credential::password(self.environment, self.cx, self.call, name, &password, relying_party).await;
        let result = match checked {
            Ok(accepted) => {
                if form.line("Kmsi", MAX_FIELD)? == Some("true") {
                    keep = self.password_set(&accepted.account).await;
                }
                let method = AuthenticationMethod::Password;
                let alternate_login_id = accepted.alternate_login_id.as_deref();
                let proof = Proof { method, certificate: None, password_expires: accepted.expires, alternate_login_id };
                Ok(credential::accepted(self.cx, accepted.account, proof, relying_party, USERNAME_TOKEN)?)
            }
            Err(refusal) => Err(failure_of(name, &refusal)),
        };
        let Returned { flow, step, until } = returned;
        match flow.step(FlowInput::Password(result)) {
            FlowStep::Authenticated(subject) => {
                let id = TokenId::from_octets(step.as_octets()).map_err(|_| AuthnError::Unavailable)?;
                match self.cx.services.one_time.redeem(Purpose::SignInStep, &id, until).await? {
                    FirstUse::First => Ok(self.after_password(*subject, keep)),
                    // Sent twice, or sent again from the browser's history: what it was good for is done.
                    FirstUse::Repeated => Ok(Outcome::Answer(reply::redirect(&self.prompt.address(Door::Main)))),
                }
            }
            FlowStep::Challenge(Challenge::Forms { last: Some(PasswordFailure::Expired) }, _)
                if self.settings.password_change.is_offered(self.call.origin.location) =>
            {
                let Self { environment, cx, call, browser, prompt, .. } = self;
                let page = update_password::expired_page(environment, cx, call, browser, prompt.query, name);
                page.map(Outcome::Answer)
            }
            FlowStep::Challenge(Challenge::Forms { last }, flow) => {
                let status = match last {
                    Some(PasswordFailure::Unavailable) => StatusCode::SERVICE_UNAVAILABLE,
                    _ => StatusCode::OK,
                };
                self.page(&flow, status, last.map(notice_of), Some(name)).map(Outcome::Answer)
            }
            FlowStep::Failed(error) => Err(error.into()),
            FlowStep::Challenge(..) | FlowStep::Continue => Err(AuthnError::Unavailable.into()),
        }
    }

    /// The flow of a form that came without a page.
    fn begun_by_form(&self) -> Result<Returned, SignInFailure> {
        let services = &self.cx.services;
        let flow = SignInFlow::new(self.prompt.requirement.clone(), self.prompt.query);
        let step = StepId::random(&*services.random)?;
        Ok(Returned { flow, step, until: services.clock.now().plus(AT_ONCE) })
    }

    /// What a session that the person wants to keep is held against later. One for which it is not known is not kept.
    async fn password_set(&self, account: &Account) -> Option<i64> {
        self.settings.lifetimes.kept?;
        match directory::password_set(&*self.cx.services.directory, account).await {
            Ok(set) => set,
            Err(error) => {
                tracing::warn!(correlation = %self.cx.request.activity, %error, "a session is not kept: when the password was set is not known");
                None
            }
        }
    }

    /// The flow that the form carries; `None` when it is another browser's, another request's or too old.
    fn returned(&self, form: &Parameters) -> Result<Option<Returned>, SignInFailure> {
        let (Some(state), Some(browser)) = (form.get("SignInState")?, &self.browser.id) else { return Ok(None) };
        match SignInFlow::open(&self.settings.sealer, browser, self.prompt.query, state) {
            Ok(returned) => Ok(Some(returned)),
            Err(error) => {
                tracing::info!(correlation = %self.cx.request.activity, %error, "a sign-in page is not taken");
                Ok(None)
            }
        }
    }

    /// A redirection to the same request, as AD FS does, so that the password is in no history. Where the new session would not
    /// be enough for it (it wants a fresh sign-in each time, or the session fits in no cookie), the sign-in goes on at once.
    fn after_password(&self, subject: AuthenticatedSubject, keep: Option<i64>) -> Outcome {
        let enough = self.prompt.requirement.is_met_by(&subject, self.cx.services.clock.now());
        let mut outcome = self.signed_in(subject, keep);
        if let Outcome::SignedIn { headers, kept_by_browser, .. } = &mut outcome {
            // It came here although Windows was to be tried first: that did not work.
            if self.call.origin.location == NetworkLocation::Intranet && self.is_windows_browser() {
                headers.extend(skip_windows());
            }
            if enough && *kept_by_browser {
                let answer = reply::redirect(&self.prompt.address(Door::Main));
                return Outcome::Answer(answer.with_headers(std::mem::take(headers)));
            }
        }
        outcome
    }

    /// The sign-in page.
    pub(super) fn page(
        &self,
        flow: &SignInFlow,
        status: StatusCode,
        notice: Option<Notice>,
        typed: Option<&str>,
    ) -> Result<Answer, SignInFailure> {
        if self.prompt.silent {
            return Err(SignInFailure::PageWanted);
        }
        let (browser, cookie) = self.browser.id_or_new(self.cx)?;
        let services = &self.cx.services;
        let state = flow.seal(&self.settings.sealer, &browser, services.clock.now(), &*services.random)?;
        let page = SignInPage {
            action: self.prompt.address(Door::Main),
            state,
            user_name: typed.or(self.prompt.home_realm.user()).unwrap_or_default().to_owned(),
            application: self.prompt.application.map(str::to_owned),
            notice,
            password: self.offered().password,
            keep_signed_in: self.settings.lifetimes.kept.is_some(),
            choose_another: self.choose_another(),
            certificate: self.offered_certificate().map(|door| door.origin.clone()),
            // A client is answered by a redirection; WS-Federation by a page.
            leads_elsewhere: self.prompt.place == Place::OAuth,
        };
        let answer = reply::page(self.settings, self.cx, self.call, status, self.prompt.theme, &page)?;
        Ok(answer.with_headers(cookie))
    }
}

/// Whether a form was filled in by a program that knows AD FS' fields and has never seen the page, as command-line tools do.
///
/// The hidden field of the page keeps other sites from signing a browser in as somebody else. A site cannot make a browser leave out
/// what is looked for here: its name, and where the form came from.
fn is_a_tools(call: &Call, form: &Parameters) -> bool {
    let has = |name: &str| call.headers.contains_key(name);
    let is_browser =
        call.header("user-agent").is_none_or(|agent| agent.contains("Mozilla/") || agent.contains("Opera"));
    !form.has("SignInState") && !is_browser && !has("origin") && !has("referer") && !has("sec-fetch-site")
}

/// What the person is told. Only a right password, or a name without any domain, gives more than "not right".
fn failure_of(name: &str, refusal: &PasswordRefusal) -> PasswordFailure {
    use crate::audit::CredentialFailure;
    match refusal.failure {
        _ if refusal.retryable => PasswordFailure::Unavailable,
        CredentialFailure::SpoofedKdc => PasswordFailure::Unavailable,
        CredentialFailure::PasswordExpired | CredentialFailure::PasswordMustChange => PasswordFailure::Expired,
        _ if LoginName::parse(name) == Err(LoginNameError::NoDomain) => PasswordFailure::UserName,
        _ => PasswordFailure::Refused,
    }
}

/// The same as a notice on a page.
pub(super) fn notice_of_refusal(name: &str, refusal: &PasswordRefusal) -> Notice {
    notice_of(failure_of(name, refusal))
}

const fn notice_of(failure: PasswordFailure) -> Notice {
    match failure {
        PasswordFailure::Refused => Notice::NoticeCredentials,
        PasswordFailure::UserName => Notice::NoticeUserName,
        PasswordFailure::Expired => Notice::NoticePasswordExpired,
        PasswordFailure::Unavailable => Notice::NoticeUnavailable,
    }
}

/// A flow that has no page ends with the request that began it.
const AT_ONCE: Duration = Duration::from_mins(1);
/// Octets of a field of the form, except the password, which the gate bounds.
pub(super) const MAX_FIELD: usize = 1024;
