//! `/EnrollmentServer/DeviceEnrollmentWebService.svc`: a user's own device by SOAP (device-registration.md 6).

use actix_web::http::StatusCode;

use super::attempt::{Attempt, Purpose};
use super::claims::TokenMembers;
use super::join_request::{MAX_BODY, MessageError};
use super::refusal::Refusal;
use super::{enrolment_answer, enrolment_request, registration, rest, token};
use crate::devices::{DeviceServices, JoinType};
use crate::issuance::Context;
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};
use crate::protocols::soap;

/// Answers a request.
pub(super) async fn handle(environment: &Environment, devices: &DeviceServices, cx: &Context, call: &Call) -> Answer {
    let mut attempt = Attempt::new(Purpose::Register);
    attempt.device.join_type = Some(JoinType::Enrolment);
    let mut message_id = None;
    match enrol(environment, devices, cx, call, &mut message_id, &mut attempt).await {
        Ok(body) => rest::traced(Answer::new(StatusCode::OK, soap::CONTENT_TYPE, body), call.correlation),
        Err(refusal) => {
            attempt.refused(cx, &refusal);
            fault(&refusal, message_id.as_deref(), call)
        }
    }
}

async fn enrol(
    environment: &Environment,
    devices: &DeviceServices,
    cx: &Context,
    call: &Call,
    message_id: &mut Option<String>,
    attempt: &mut Attempt,
) -> Result<Vec<u8>, Refusal> {
    if call.body.len() > MAX_BODY {
        return Err(MessageError::TooLarge { octets: call.body.len() }.into());
    }
    let enrolment = enrolment_request::decode(&call.body, &environment.xml_limits, message_id)?;
    let token = token::verify(environment, devices, call, Ok(&enrolment.token))?;
    let members = TokenMembers(token.members.members());
    attempt.by(members);
    let registered = registration::register(devices, cx, &members.enrolment(), enrolment.request, attempt).await?;
    let relates_to = message_id.as_deref();
    enrolment_answer::enrolled(relates_to, &registered.certificate, &registered.thumbprint, &registered.upn)
        .map_err(|error| Refusal::Write(error.to_string()))
}

/// 500 for every fault, as SOAP 1.2 has it, and 503 for those that ask to try again.
fn fault(refusal: &Refusal, relates_to: Option<&str>, call: &Call) -> Answer {
    let error = refusal.wire();
    let status = if error.retry { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::INTERNAL_SERVER_ERROR };
    // A text of the request that XML cannot carry must not hide the fault.
    let written = enrolment_answer::fault(relates_to, &error, call.correlation)
        .or_else(|_| enrolment_answer::fault(None, &error, call.correlation));
    match written {
        Ok(body) => {
            let answer = rest::traced(Answer::new(status, soap::CONTENT_TYPE, body), call.correlation);
            rest::with_hints(answer, status, error.retry)
        }
        Err(error) => {
            tracing::error!(correlation = %call.correlation, %error, "a fault could not be written");
            Answer::empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}
