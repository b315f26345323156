//! `/adfs/ls/certificate` on the name and the port where certificates are asked for: looks at the browser's certificate and
//! sends the browser back with what it came to (ws-federation.md 9).
//!
//! Reads and sets no cookie: those of the main name are not sent here. Whose browser it is stands under seal in the address, and
//! what goes back opens for that browser alone. A refusal goes back as well, so that the person is told in the look and the
//! words of the application they came for.

use actix_web::http::StatusCode;

use super::parameters::{ParameterError, Parameters};
use super::reply::{self, Said};
use super::{CertificateDoor, SEALED_LIMIT};
use crate::audit::{AuthProtocol, CredentialFailure, Detail, ErrorCode, EventKind, Parties};
use crate::authn::certificate_sign_in::CertificateDeparture;
use crate::authn::{AuthenticatedSubject, AuthenticationMethod, CertificateFailure};
use crate::clock::RandomError;
use crate::issuance::Context;
use crate::pages::{ErrorText, HandOverPage, PageError};
use crate::protocols::certificate_credential::{self, CertificateRefusal, HeldCertificate, X509_TOKEN};
use crate::protocols::credential::{self, Proof};
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};
use crate::tokens::sealed::SealError;

/// Why the browser cannot be sent back.
#[derive(Debug, thiserror::Error)]
enum DoorError {
    /// The address cannot be read.
    #[error(transparent)]
    Parameters(#[from] ParameterError),
    /// The address carries no sign-in.
    #[error("the address carries no sign-in")]
    NoState,
    /// What it carries is not this farm's, or too old.
    #[error("the address carries no sign-in of this service: {0}")]
    State(SealError),
    /// The result could not be sealed.
    #[error(transparent)]
    Seal(SealError),
    /// The page could not be made.
    #[error(transparent)]
    Page(#[from] PageError),
    /// The random source failed.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// Answers a request.
pub async fn handle(environment: &Environment, call: &Call) -> Answer {
    let cx = environment.context(call, AuthProtocol::WsFederation, PATH);
    // On the main name no certificate is asked for, and none is looked at.
    let Some(door) = environment.browser.certificate.as_ref().filter(|_| call.connection.asks_for_certificate) else {
        return Answer::empty(StatusCode::NOT_FOUND);
    };
    match look(environment, &cx, call, door).await {
        Ok(answer) => answer,
        Err(error) => refused(environment, &cx, call, &error),
    }
}

/// The address of the door for a sealed departure.
pub(super) fn address(door: &CertificateDoor, state: &str) -> String {
    format!("{}{PATH}?{STATE}={state}", door.origin)
}

async fn look(
    environment: &Environment,
    cx: &Context,
    call: &Call,
    door: &CertificateDoor,
) -> Result<Answer, DoorError> {
    let settings = &environment.browser;
    let parameters = Parameters::parse(call.query.as_bytes())?;
    let state = parameters.line(STATE, SEALED_LIMIT)?.ok_or(DoorError::NoState)?;
    let departure = CertificateDeparture::open(&settings.sealer, state).map_err(DoorError::State)?;
    let result = subject(environment, cx, call, &departure.relying_party).await?;
    let action = format!("https://{}{}", environment.service_name, departure.back);
    let sealed = departure.seal_result(result, &door.sealer, cx.services.clock.now()).map_err(DoorError::Seal)?;
    let page = HandOverPage { action, fields: vec![("AuthMethod", METHOD.to_owned()), (RESULT, sealed)] };
    Ok(reply::page(settings, cx, call, StatusCode::OK, None, &page)?)
}

/// Whose certificate the browser presented.
async fn subject(
    environment: &Environment,
    cx: &Context,
    call: &Call,
    relying_party: &str,
) -> Result<Result<AuthenticatedSubject, CertificateFailure>, RandomError> {
    let method = AuthenticationMethod::TlsClient;
    let (Some(sign_in), Some((leaf, chain))) =
        (&environment.certificates, call.connection.client_certificates.split_first())
    else {
        let parties = Parties::claimed("", Some(relying_party));
        let detail = "the browser presented no certificate";
        credential::rejected(cx, parties, method, X509_TOKEN, CredentialFailure::MalformedToken, detail);
        return Ok(Err(CertificateFailure::Missing));
    };
    let held = HeldCertificate { leaf, chain, method };
    match certificate_credential::account(cx, sign_in, held, relying_party).await {
        Ok(account) => {
            let proof = Proof { method, certificate: Some(leaf), password_expires: None, alternate_login_id: None };
            credential::accepted(cx, account, proof, relying_party, X509_TOKEN).map(Ok)
        }
        Err(refusal) => Ok(Err(failure_of(&refusal))),
    }
}

/// What the person is told. That an account is disabled, or that there is none, is for the log.
const fn failure_of(refusal: &CertificateRefusal) -> CertificateFailure {
    match refusal.failure {
        _ if refusal.retryable => CertificateFailure::Unavailable,
        CredentialFailure::CertificateTime => CertificateFailure::Expired,
        _ => CertificateFailure::Refused,
    }
}

fn refused(environment: &Environment, cx: &Context, call: &Call, error: &DoorError) -> Answer {
    let (status, code, text) = match error {
        DoorError::Parameters(_) | DoorError::NoState | DoorError::State(_) => {
            (StatusCode::BAD_REQUEST, "MSIS7000", ErrorText::ErrorRequest)
        }
        DoorError::Seal(_) | DoorError::Page(_) | DoorError::Random(_) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "MSIS7012", ErrorText::ErrorInternal)
        }
    };
    tracing::info!(correlation = %cx.request.activity, code, reason = %error, "a sign-in by certificate is refused");
    cx.note([EventKind::PassiveRequestFailed {
        parties: Parties::default(),
        code: ErrorCode(code),
        detail: Detail::public(&error.to_string()),
    }]);
    let said = Said { text, application: None, theme: None };
    reply::error_page(&environment.browser, cx, call, status, code, said)
}

const PATH: &str = "/adfs/ls/certificate";
/// Parameter with the sealed departure.
const STATE: &str = "SignInState";
/// `AuthMethod` of this method, AD FS' name.
pub(super) const METHOD: &str = "CertificateAuthentication";
/// Field with the sealed result.
pub(super) const RESULT: &str = "CertificateResult";
