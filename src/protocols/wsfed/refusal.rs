//! Why a passive request got no token, and the page that says so: the one place where an error becomes what a person sees.
//!
//! Codes are AD FS' own, because administrators search for them. Nothing is ever told to the relying party.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};

use super::request::RequestError;
use crate::audit::{Detail, ErrorCode, EventKind, Identifier, Parties};
use crate::issuance::{AuthnDemand, Context, Denial, IssueError};
use crate::pages::theme::Theme;
use crate::pages::{ErrorText, PageError};
use crate::protocols::browser::provider_sign_out::SignOutFailure;
use crate::protocols::browser::{self, SignInFailure, TooManyTokens};
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};
use crate::xml::WriteError;

/// Why a request got no token.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// It is no request.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// No trust has the identifier.
    #[error("no relying party trust has the identifier of wtrealm")]
    UnknownRelyingParty,
    /// The trust is switched off.
    #[error("the relying party trust is disabled")]
    DisabledRelyingParty,
    /// The trust has no address for tokens.
    #[error("the relying party trust has no WS-Federation endpoint")]
    NotPassive,
    /// The browser comes again and again.
    #[error(transparent)]
    Loop(#[from] TooManyTokens),
    /// Nobody is signed in.
    #[error(transparent)]
    SignIn(#[from] SignInFailure),
    /// A claims provider's word about the end of a session is not taken.
    #[error(transparent)]
    SignOut(#[from] SignOutFailure),
    /// Not permitted; audited by the issuer as well.
    #[error("{0}")]
    Denied(Denial),
    /// More is asked than can be asked.
    #[error("the relying party asks for a second factor")]
    StepUp(AuthnDemand),
    /// The token could not be issued.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The response could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The page could not be made.
    #[error(transparent)]
    Page(#[from] PageError),
}

/// A refusal, with what is known when it happens.
#[derive(Debug, Default)]
pub(super) struct About {
    /// The relying party as it was named.
    pub(super) realm: Option<String>,
    /// Name of its trust.
    pub(super) application: Option<String>,
    /// Its theme.
    pub(super) theme: Option<Arc<Theme>>,
    /// Header fields that the answer must have, such as a new session's cookies.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    /// Status, code and text.
    fn shown(&self) -> (StatusCode, &'static str, ErrorText) {
        let request = StatusCode::INTERNAL_SERVER_ERROR;
        match self {
            Self::Request(RequestError::Empty) => (StatusCode::BAD_REQUEST, "MSIS7065", ErrorText::ErrorNoRequest),
            Self::Request(RequestError::Artifact) => (request, "MSIS7046", ErrorText::ErrorPartner),
            Self::Request(RequestError::Method(_)) => (request, "MSIS7102", ErrorText::ErrorRequest),
            Self::Request(_) => (request, "MSIS7000", ErrorText::ErrorRequest),
            Self::SignOut(failure) => (request, failure.number(), ErrorText::ErrorRequest),
            Self::NotPassive => (request, "MSIS7007", ErrorText::ErrorApplication),
            Self::Loop(_) => (request, "MSIS7042", ErrorText::ErrorLoop),
            Self::SignIn(failure) => failure.shown(),
            Self::Denied(_) => (StatusCode::FORBIDDEN, "MSIS7068", ErrorText::ErrorDenied),
            Self::StepUp(_) => (StatusCode::FORBIDDEN, "MSIS7102", ErrorText::ErrorMoreProof),
            Self::UnknownRelyingParty
            | Self::DisabledRelyingParty
            | Self::Issue(IssueError::UnknownRelyingParty { .. } | IssueError::DisabledRelyingParty { .. }) => {
                (request, "MSIS3020", ErrorText::ErrorApplication)
            }
            Self::Issue(error) if error.is_retryable() => {
                (StatusCode::SERVICE_UNAVAILABLE, "MSIS7012", ErrorText::ErrorUnavailable)
            }
            Self::Issue(_) | Self::Write(_) | Self::Page(_) => (request, "MSIS7012", ErrorText::ErrorInternal),
        }
    }

    /// The page, after the refusal was written to log and audit (event 364).
    pub(super) fn answer(&self, environment: &Environment, cx: &Context, call: &Call, about: About) -> Answer {
        let (status, code, text) = self.shown();
        // The first leg of Negotiate is no failure.
        if !matches!(self, Self::SignIn(SignInFailure::TicketWanted)) {
            tracing::info!(correlation = %cx.request.activity, code, reason = %self, "passive request refused");
            let relying_party = about.realm.as_deref().map(Identifier::public);
            cx.note([EventKind::PassiveRequestFailed {
                parties: Parties { relying_party, ..Parties::default() },
                code: ErrorCode(code),
                detail: Detail::public(&self.to_string()),
            }]);
        }
        let said = browser::Said { text, application: about.application, theme: about.theme.as_deref() };
        let mut answer = browser::error_page(&environment.browser, cx, call, status, code, said);
        if status == StatusCode::UNAUTHORIZED {
            answer = answer.with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Negotiate"));
        }
        answer.with_headers(about.headers)
    }
}
