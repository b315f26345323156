//! Primary refresh tokens at the token endpoint: a nonce, a request for a PRT, and what a PRT is exchanged for
//! (oauth-oidc-prt.md 3).
//!
//! Decodes, calls the library and the issuer, encodes. What is signed by whom, and in which order things are judged, is the
//! library's.

mod exchange;
mod issue;
mod proof;
mod refusal;

use actix_web::http::StatusCode;
use serde_json::json;

use super::OAuthSettings;
use super::error::OAuthError;
use super::json as json_answer;
use crate::audit::Parties;
use crate::authn::{AuthenticatedSubject, AuthenticationMethod};
use crate::issuance::{Context, Decision, Grant, SignInRequest};
use crate::protocols::credential;
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};
use crate::protocols::prt_failure::{PRT_TOKEN, credential_failure};
use crate::protocols::unknown_device;
use crate::prt::{PrtRefusal, PrtService, SignedRequest};
use crate::tokens::TokenType;

pub(super) use refusal::shown;

/// `grant_type=srv_challenge`: a nonce, for whoever asks, as long as not one address asks without end.
///
/// # Errors
/// [`OAuthError`].
pub(super) fn challenge(environment: &Environment, cx: &Context, call: &Call) -> Result<Answer, OAuthError> {
    let service = service(environment)?;
    let paid = service.devices.limits.nonce(call.origin.client_ip);
    paid.map_err(|_| OAuthError::TooMany)?;
    let nonce = service.nonce((&*cx.services).into())?;
    Ok(json_answer(StatusCode::OK, &json!({ "Nonce": nonce })))
}

/// `request=`: a text that a device or a session key signed.
///
/// # Errors
/// [`OAuthError`].
pub(super) async fn request(
    environment: &Environment,
    settings: &OAuthSettings,
    cx: &Context,
    call: &Call,
    text: &str,
) -> Result<Answer, OAuthError> {
    let service = service(environment)?;
    let at = At { environment, settings, cx, call, service };
    match SignedRequest::read(text) {
        Ok(SignedRequest::ByDevice(signed)) => issue::answer(at, &signed).await,
        Ok(SignedRequest::BySession(signed)) => exchange::answer(at, &signed).await,
        Err(error) => Err(at.refused(Parties::default(), error.into())),
    }
}

/// One request, and what it is answered with.
#[derive(Clone, Copy)]
struct At<'a> {
    environment: &'a Environment,
    settings: &'a OAuthSettings,
    cx: &'a Context,
    call: &'a Call,
    service: &'a PrtService,
}

impl At<'_> {
    /// What comes of a request of which nothing is known yet.
    async fn judged<T>(&self, judgement: impl Future<Output = Result<T, PrtRefusal>>) -> Result<T, OAuthError> {
        let judged = unknown_device::judged(self.service, self.call, judgement).await;
        judged.map_err(|_| OAuthError::TooMany)?.map_err(|refusal| self.refused(Parties::default(), refusal))
    }

    /// The audit events of a refusal, and the refusal as an error of the protocol.
    fn refused(&self, parties: Parties, refusal: PrtRefusal) -> OAuthError {
        let failure = credential_failure(&refusal);
        credential::rejected(self.cx, parties, AuthenticationMethod::X509, PRT_TOKEN, failure, &refusal.to_string());
        OAuthError::Prt(Box::new(refusal))
    }

    /// What the rules of a resource permit.
    async fn decide(&self, resource: &str, subject: &AuthenticatedSubject) -> Result<Box<Grant>, OAuthError> {
        let request = SignInRequest {
            relying_party: resource.to_owned(),
            endpoint: super::OAuthEndpoint::Token.path().to_owned(),
            origin: self.call.origin.clone(),
            hints: self.call.hints(),
            token_type: Some(TokenType::Jwt),
            persistent_session: false,
            actor: None,
        };
        match self.environment.issuer.decide(self.cx, &request, subject).await? {
            Decision::Permit(grant) => Ok(grant),
            Decision::Deny(denial) => Err(OAuthError::Denied(denial)),
            Decision::StepUp(demand) => Err(OAuthError::StepUp(demand)),
        }
    }
}

fn service(environment: &Environment) -> Result<&PrtService, OAuthError> {
    environment.prt.as_deref().ok_or(OAuthError::UnsupportedGrant)
}
