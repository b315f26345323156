//! Signing in with a certificate, as the main name sees it: the browser is sent to where certificates are asked for, and comes
//! back with what was found there.
//!
//! The result is taken from the browser that was sent and from no other, for the request it was sent for, and once.

use actix_web::http::StatusCode;

use super::CertificateDoor;
use super::certificate_door::{self, METHOD, RESULT};
use super::failure::SignInFailure;
use super::parameters::Parameters;
use super::prompt::Door;
use super::reply;
use super::sign_in::{Outcome, Visit};
use crate::audit::{CredentialFailure, Parties};
use crate::authn::certificate_sign_in::{CertificateDeparture, CertificateReturn};
use crate::authn::flow::StepId;
use crate::authn::{AuthenticationMethod, AuthnError, CertificateFailure, Challenge, FlowInput, FlowStep, SignInFlow};
use crate::pages::{CertificatePage, Notice};
use crate::protocols::certificate_credential::X509_TOKEN;
use crate::protocols::credential;
use crate::protocols::http::Answer;
use crate::store::{FirstUse, Purpose, TokenId};

/// Whether a form of this service is about a certificate.
pub(super) fn is_form(form: &Parameters) -> bool {
    form.get("AuthMethod").is_ok_and(|method| method == Some(METHOD))
}

impl Visit<'_> {
    /// Where certificates are asked for, when that is offered to whoever is there.
    pub(super) fn certificate_door(&self) -> Option<&CertificateDoor> {
        self.settings.certificate.as_ref().filter(|door| door.audience.is_offered(self.call.origin.location))
    }

    /// The same, when the request takes a certificate.
    pub(super) fn offered_certificate(&self) -> Option<&CertificateDoor> {
        self.certificate_door().filter(|_| self.prompt.requirement.accepts(&[AuthenticationMethod::TlsClient]))
    }

    /// The form of the sign-in page, or the one that comes back from the other name.
    pub(super) async fn certificate_form(&self, form: &Parameters) -> Result<Outcome, SignInFailure> {
        if self.offered_certificate().is_none() {
            return Err(AuthnError::Unavailable.into());
        }
        if !self.prompt.candidates.has_active_directory() {
            return Err(AuthnError::NoClaimsProvider.into());
        }
        match form.get(RESULT)? {
            Some(result) => self.certificate_result(result).await,
            // Nothing was proved yet: a page that was open for long is as good as a new one.
            None => self.ask_for_certificate(SignInFlow::new(self.prompt.requirement.clone(), self.prompt.query)),
        }
    }

    /// Sends the browser to where certificates are asked for.
    pub(super) fn ask_for_certificate(&self, flow: SignInFlow) -> Result<Outcome, SignInFailure> {
        let door = self.certificate_door().ok_or(AuthnError::Unavailable)?;
        let (browser, cookie) = self.browser.id_or_new(self.cx)?;
        let services = &self.cx.services;
        let departure = CertificateDeparture {
            flow,
            step: StepId::random(&*services.random)?,
            browser,
            back: self.prompt.address(Door::Main),
            relying_party: self.prompt.relying_party.to_owned(),
        };
        let state = departure.seal(&self.settings.sealer, services.clock.now())?;
        let answer = reply::redirect(&certificate_door::address(door, &state));
        Ok(Outcome::Answer(answer.with_headers(cookie)))
    }

    async fn certificate_result(&self, result: &str) -> Result<Outcome, SignInFailure> {
        let Some(browser) = &self.browser.id else {
            self.result_refused(CredentialFailure::MalformedToken, "the browser has no cookie of this server");
            return self.certificate_page(Notice::NoticeCookies);
        };
        let door = self.certificate_door().ok_or(AuthnError::Unavailable)?;
        let returned = match CertificateReturn::open(&door.sealer, browser, self.prompt.query, result) {
            Ok(returned) => returned,
            Err(error) => {
                let detail = format!("the result belongs to no sign-in of this browser: {error}");
                self.result_refused(CredentialFailure::MalformedToken, &detail);
                return self.certificate_page(Notice::NoticeStale);
            }
        };
        let CertificateReturn { flow, step, until, result } = returned;
        match flow.step(FlowInput::Certificate(result)) {
            FlowStep::Authenticated(subject) => {
                let id = TokenId::from_octets(step.as_octets()).map_err(|_| AuthnError::Unavailable)?;
                match self.cx.services.one_time.redeem(Purpose::SignInStep, &id, until).await? {
                    FirstUse::First => Ok(self.back_to_request(*subject, None)),
                    // Sent again from the browser's history: the session that came of the first time will do.
                    FirstUse::Repeated if self.browser.session.is_some() => {
                        Ok(Outcome::Answer(reply::redirect(&self.prompt.address(Door::Main))))
                    }
                    FirstUse::Repeated => {
                        self.result_refused(CredentialFailure::Replayed, "the result was used before");
                        self.certificate_page(Notice::NoticeStale)
                    }
                }
            }
            FlowStep::Challenge(Challenge::Certificate { last: Some(failure) }, _) => {
                self.certificate_page(notice_of(failure))
            }
            FlowStep::Failed(error) => Err(error.into()),
            FlowStep::Challenge(..) | FlowStep::Continue => Err(AuthnError::Unavailable.into()),
        }
    }

    /// Audits a result that is not taken. What was wrong with a certificate was audited where it was looked at.
    fn result_refused(&self, failure: CredentialFailure, detail: &str) {
        tracing::info!(correlation = %self.cx.request.activity, detail, "the result of a certificate is not taken");
        let parties = Parties::claimed("", Some(self.prompt.relying_party));
        credential::rejected(self.cx, parties, AuthenticationMethod::TlsClient, X509_TOKEN, failure, detail);
    }

    /// The page that says what became of the certificate, and what to do.
    fn certificate_page(&self, notice: Notice) -> Result<Outcome, SignInFailure> {
        let status = match notice {
            Notice::NoticeCertificateUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::FORBIDDEN,
        };
        let address = self.prompt.address(Door::Main);
        let by_password = self.offered().password && self.prompt.requirement.accepts(&[AuthenticationMethod::Password]);
        let page = CertificatePage {
            action: address.clone(),
            application: self.prompt.application.map(str::to_owned),
            notice,
            other: by_password.then_some(address),
        };
        let answer: Answer = reply::page(self.settings, self.cx, self.call, status, self.prompt.theme, &page)?;
        Ok(Outcome::Answer(answer))
    }
}

const fn notice_of(failure: CertificateFailure) -> Notice {
    match failure {
        CertificateFailure::Missing => Notice::NoticeCertificateMissing,
        CertificateFailure::Expired => Notice::NoticeCertificateExpired,
        CertificateFailure::Refused => Notice::NoticeCertificateRefused,
        CertificateFailure::Unavailable => Notice::NoticeCertificateUnavailable,
    }
}
