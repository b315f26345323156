//! `/EnrollmentServer/device`: a device joins with a token, and leaves with its certificate (device-registration.md 4).

use actix_web::http::{Method, StatusCode};

use super::attempt::{Attempt, Purpose};
use super::claims::TokenMembers;
use super::discovery::JSON;
use super::refusal::Refusal;
use super::version::{Version, api_version};
use super::{join_request, leaving, registration, rest, token};
use crate::devices::DeviceServices;
use crate::issuance::Context;
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};

/// Answers a request; `device` is the last segment of the path, where there is one.
pub(super) async fn handle(
    environment: &Environment,
    devices: &DeviceServices,
    cx: &Context,
    device: Option<&str>,
    call: &Call,
) -> Answer {
    let purpose = if call.method == Method::DELETE { Purpose::Unregister } else { Purpose::Register };
    let mut attempt = Attempt::new(purpose);
    let result = match (purpose, device) {
        (Purpose::Unregister, Some(device)) => {
            leaving::unregister(devices, cx, device, call, &mut attempt).await.map(|()| Answer::empty(StatusCode::OK))
        }
        (Purpose::Register, None) => {
            join(environment, devices, cx, call, &mut attempt).await.map(|body| Answer::new(StatusCode::OK, JSON, body))
        }
        _ => Err(Refusal::Path),
    };
    match result {
        Ok(answer) => rest::traced(answer, call.correlation),
        Err(refusal) => {
            attempt.refused(cx, &refusal);
            rest::failed(&refusal, call.correlation, cx.services.clock.now())
        }
    }
}

/// The token first: who has none learns nothing of what would be wrong with the request.
async fn join(
    environment: &Environment,
    devices: &DeviceServices,
    cx: &Context,
    call: &Call,
    attempt: &mut Attempt,
) -> Result<Vec<u8>, Refusal> {
    let token = token::verify(environment, devices, call, token::bearer(call))?;
    let members = TokenMembers(token.members.members());
    attempt.by(members);
    if !matches!(api_version(call), Some(Version::V1_0 | Version::V2_0)) {
        return Err(Refusal::Version);
    }
    let request = join_request::read(&call.body)?;
    let registered = registration::register(devices, cx, &members.enrolment(), request, attempt).await?;
    rest::joined(&registered.certificate, registered.thumbprint, &registered.upn)
}
