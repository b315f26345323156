//! Pages of this service itself for whoever is signed in: the sign-in before them, and what keeps others from sending their forms.
//!
//! A form of such a page carries a text that is sealed for the session it was made in: another site cannot make one, and another
//! session's is worth nothing.

use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::parameters::{ParameterError, Parameters};
use super::prompt::{Door, Place, Prompt};
use super::reply::{self, Said};
use super::sign_in::{Input, Outcome, sign_in};
use super::{Arrival, Browser, HomeRealmParameters, SignInFailure, home_realm};
use crate::audit::{Detail, ErrorCode, EventKind, Parties};
use crate::authn::{AuthnRequirement, SsoSession};
use crate::issuance::Context;
use crate::pages::ErrorText;
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};
use crate::tokens::sealed::{SealError, SealPurpose};
use crate::trusts::Candidates;

/// A visit to such a page.
#[derive(Clone, Copy)]
pub(in crate::protocols) struct Portal<'a> {
    pub(in crate::protocols) environment: &'a Environment,
    pub(in crate::protocols) cx: &'a Context,
    pub(in crate::protocols) call: &'a Call,
    pub(in crate::protocols) place: Place,
    pub(in crate::protocols) door: Door,
    /// What is visited, for the audit log.
    pub(in crate::protocols) name: &'static str,
    /// Who may sign its users in.
    pub(in crate::protocols) candidates: Candidates<'a>,
    /// The answer of a claims provider that the visit goes on with.
    pub(in crate::protocols) arrival: Option<&'a Arrival>,
}

/// What comes of the sign-in.
pub(in crate::protocols) enum Entered {
    /// The browser goes on elsewhere first.
    Answer(Answer),
    /// Somebody is signed in.
    SignedIn {
        /// Who.
        session: Box<SsoSession>,
        /// The parameters of the address.
        parameters: Parameters,
        /// The page's own form, when it was sent.
        form: Option<Parameters>,
        /// Header fields that the answer must have.
        headers: Vec<(HeaderName, HeaderValue)>,
    },
}

impl Portal<'_> {
    /// Signs in, or goes one step towards it.
    ///
    /// # Errors
    /// [`SignInFailure`].
    pub(in crate::protocols) async fn enter(&self) -> Result<Entered, SignInFailure> {
        let Self { environment, cx, call, place, door, name, candidates, arrival } = *self;
        let query = arrival.map_or(call.query.as_str(), Arrival::query);
        let parameters = Parameters::parse(query.as_bytes())?;
        for name in home_realm::OWN_PARAMETERS {
            parameters.get(name)?;
        }
        let body =
            if call.method == Method::POST && arrival.is_none() { Some(Parameters::of_form(call)?) } else { None };
        let (sign_in_form, form) = match body {
            Some(body) if body.has("AuthMethod") || home_realm::is_form(&body) => (Some(body), None),
            other => (None, other),
        };
        let browser = Browser::of(&environment.browser, cx, call).await;
        let requirement = AuthnRequirement::default();
        let home_realm = HomeRealmParameters::read(&parameters)?;
        let prompt = Prompt {
            requirement: &requirement,
            application: None,
            theme: None,
            relying_party: name,
            home_realm: &home_realm,
            candidates,
            for_entra: false,
            query,
            place,
            silent: false,
        };
        let input = match arrival {
            Some(arrival) => Input::Answer(arrival),
            None => sign_in_form.as_ref().map_or(Input::Request, Input::Form),
        };
        Ok(match sign_in(environment, cx, call, &browser, &prompt, door, input).await? {
            Outcome::Answer(answer) => Entered::Answer(answer),
            Outcome::SignedIn { session, headers, .. } => Entered::SignedIn { session, parameters, form, headers },
        })
    }

    /// A value for a form of this page in this session.
    ///
    /// # Errors
    /// [`SealError`].
    pub(in crate::protocols) fn seal<T: Serialize>(
        &self,
        session: &SsoSession,
        value: &T,
    ) -> Result<String, SealError> {
        let until = self.cx.services.clock.now().plus(FORM_LIFETIME);
        self.environment.browser.sealer.seal(FORM.bound_to(&self.context(session)), value, until)
    }

    /// The value that [`Portal::seal`] gave to the same page in the same session; `None` for anything else.
    ///
    /// # Errors
    /// [`ParameterError`] when the field comes twice.
    pub(in crate::protocols) fn open<T: DeserializeOwned>(
        &self,
        session: &SsoSession,
        form: &Parameters,
        field: &'static str,
    ) -> Result<Option<T>, ParameterError> {
        let Some(text) = form.get(field)? else { return Ok(None) };
        match self.environment.browser.sealer.open::<T>(FORM.bound_to(&self.context(session)), text) {
            Ok(opened) => Ok(Some(opened.value)),
            Err(error) => {
                tracing::info!(correlation = %self.cx.request.activity, %error, "a form is not taken");
                Ok(None)
            }
        }
    }

    fn context(&self, session: &SsoSession) -> String {
        format!("{} {}", self.place.path(Door::Main), session.subject.session.0)
    }

    /// The page of a failure to sign in.
    pub(in crate::protocols) fn refuse(&self, failure: &SignInFailure) -> Answer {
        self.refuse_with(failure.shown(), &failure.to_string(), Parties::default(), None)
    }

    /// The page of a failure, with its status, code and text, after it was written to log and audit (event 364).
    pub(in crate::protocols) fn refuse_with(
        &self,
        (status, code, text): (StatusCode, &'static str, ErrorText),
        reason: &str,
        parties: Parties,
        application: Option<String>,
    ) -> Answer {
        tracing::info!(correlation = %self.cx.request.activity, code, reason, page = self.name, "a page is refused");
        let detail = Detail::public(reason);
        self.cx.note([EventKind::PassiveRequestFailed { parties, code: ErrorCode(code), detail }]);
        let said = Said { text, application, theme: None };
        reply::error_page(&self.environment.browser, self.cx, self.call, status, code, said)
    }
}

const FORM: SealPurpose<'static> = SealPurpose::new("portal_form");
/// How long such a page may stay open.
const FORM_LIFETIME: Duration = Duration::from_hours(1);
