//! One request at a WS-Trust endpoint: decode, authenticate by the endpoint's credential, issue, encode.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::fault::TrustFault;
use super::refusal::Refusal;
use super::request::{self, TrustRequest};
use super::response::Asked;
use super::{credential, response};
use crate::audit::AuthProtocol;
use crate::authn::AuthenticatedSubject;
use crate::issuance::{Context, Decision, SignInRequest, TokenSpec, step_up_refused};
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};
use crate::protocols::soap;
use crate::protocols::trust_endpoint::{Credential, Exposure, TrustEndpoint};
use crate::xml::WriteError;

/// Answers a request.
pub async fn handle(environment: &Environment, endpoint: TrustEndpoint, call: &Call) -> Answer {
    match environment.endpoints.exposure(endpoint) {
        None => return Answer::empty(StatusCode::SERVICE_UNAVAILABLE),
        // Not even a 401 from outside: passwords could be tried through it.
        Some(Exposure::Intranet) if call.origin.is_extranet() => return Answer::empty(StatusCode::NOT_FOUND),
        Some(_) => {}
    }
    let cx = environment.context(call, AuthProtocol::WsTrust, &endpoint.path());
    match endpoint.credential {
        Credential::WindowsTransport => windows_transport(environment, &cx, endpoint, call).await,
        Credential::CertificateTransport if call.connection.client_certificates.is_empty() => {
            Answer::empty(StatusCode::FORBIDDEN)
        }
        Credential::CertificateTransport | Credential::UsernameMixed | Credential::CertificateMixed => {
            let mut message_id = None;
            let result = message_credential(environment, &cx, endpoint, call, &mut message_id).await;
            answer(&cx, endpoint, message_id.as_deref(), result)
        }
    }
}

/// Negotiate first, then the message: the client may send it empty until it is authenticated.
async fn windows_transport(environment: &Environment, cx: &Context, endpoint: TrustEndpoint, call: &Call) -> Answer {
    let (subject, reply) = match credential::negotiate(environment, cx, call) {
        Ok(accepted) => accepted,
        Err(answer) => return answer,
    };
    let mut message_id = None;
    let result = match decode(environment, endpoint, call, &mut message_id) {
        Ok(request) => issue(environment, cx, endpoint, call, &request, &subject).await,
        Err(refusal) => Err(refusal),
    };
    let answer = answer(cx, endpoint, message_id.as_deref(), result);
    // The client checks this before it believes the answer, whatever the answer is.
    match reply.map(|reply| HeaderValue::from_str(&format!("Negotiate {}", STANDARD.encode(reply)))) {
        Some(Ok(value)) => answer.with_header(header::WWW_AUTHENTICATE, value),
        _ => answer,
    }
}

/// The credential is in the message, or in TLS beside it.
async fn message_credential(
    environment: &Environment,
    cx: &Context,
    endpoint: TrustEndpoint,
    call: &Call,
    message_id: &mut Option<String>,
) -> Result<Vec<u8>, Refusal> {
    let request = decode(environment, endpoint, call, message_id)?;
    let subject = match endpoint.credential {
        Credential::UsernameMixed => credential::username(environment, cx, call, &request).await?,
        Credential::CertificateMixed => credential::signed_message(environment, cx, call, &request).await?,
        Credential::CertificateTransport | Credential::WindowsTransport => {
            credential::tls_certificate(environment, cx, call, &request).await?
        }
    };
    issue(environment, cx, endpoint, call, &request, &subject).await
}

fn decode(
    environment: &Environment,
    endpoint: TrustEndpoint,
    call: &Call,
    message_id: &mut Option<String>,
) -> Result<TrustRequest, Refusal> {
    Ok(request::decode(&call.body, endpoint, &environment.xml_limits, message_id)?)
}

async fn issue(
    environment: &Environment,
    cx: &Context,
    endpoint: TrustEndpoint,
    call: &Call,
    request: &TrustRequest,
    subject: &AuthenticatedSubject,
) -> Result<Vec<u8>, Refusal> {
    let sign_in = SignInRequest {
        relying_party: request.applies_to.clone(),
        endpoint: endpoint.path(),
        origin: call.origin.clone(),
        hints: call.hints(),
        token_type: request.token_type,
        persistent_session: false,
        actor: None,
    };
    let grant = match environment.issuer.decide(cx, &sign_in, subject).await? {
        Decision::Permit(grant) => grant,
        Decision::Deny(denial) => return Err(Refusal::Denied(denial)),
        Decision::StepUp(demand) => {
            step_up_refused(cx, subject, &request.applies_to, &demand);
            return Err(Refusal::StepUp(demand));
        }
    };
    let token = environment.issuer.mint(cx, &grant, &TokenSpec::default()).await?;
    let asked = Asked { message_id: request.message_id.as_deref(), context: request.context.as_deref() };
    Ok(response::token_response(endpoint, &asked, &grant.audience, &token, cx.services.clock.now())?)
}

fn answer(cx: &Context, endpoint: TrustEndpoint, relates_to: Option<&str>, result: Result<Vec<u8>, Refusal>) -> Answer {
    let refusal = match result {
        Ok(body) => return Answer::new(StatusCode::OK, soap::CONTENT_TYPE, body),
        Err(refusal) => refusal,
    };
    refusal.report(cx);
    let fault = TrustFault::from(&refusal);
    let written = response::fault_response(endpoint, relates_to, &fault)
        // A text of the request that XML cannot carry must not hide the fault.
        .or_else(|_| response::fault_response(endpoint, None, &TrustFault::InvalidRequest));
    match written {
        Ok(body) => {
            let answer = Answer::new(fault.status(), soap::CONTENT_TYPE, body);
            if fault == TrustFault::Unavailable {
                answer.with_header(header::RETRY_AFTER, HeaderValue::from_static("5"))
            } else {
                answer
            }
        }
        Err(error) => internal(cx, &error),
    }
}

fn internal(cx: &Context, error: &WriteError) -> Answer {
    tracing::error!(correlation = %cx.request.activity, %error, "a fault could not be written");
    Answer::empty(StatusCode::INTERNAL_SERVER_ERROR)
}
