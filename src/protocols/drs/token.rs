//! The access token of a request: found, verified, and made for this service.

use actix_web::http::header::AUTHORIZATION;

use super::RESOURCE;
use super::refusal::Refusal;
use crate::devices::DeviceServices;
use crate::protocols::environment::Environment;
use crate::protocols::http::Call;
use crate::tokens::jwt::{AccessToken, JwtError, verify_resource_token};

/// The token in `Authorization: Bearer`.
///
/// # Errors
/// [`Refusal::Token`].
pub(super) fn bearer(call: &Call) -> Result<&str, Refusal> {
    let header = call.header(AUTHORIZATION.as_str()).ok_or_else(|| Refusal::Token(String::from("there is none")))?;
    let (scheme, token) = header.trim().split_once(' ').unwrap_or((header, ""));
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(token.trim())
    } else {
        Err(Refusal::Token(String::from("the Authorization header is of another scheme")))
    }
}

/// Verifies a token for this service: its own spelling of the resource, and those that name the host. It may be one of WS-Trust:
/// a computer has no browser. An address that sends many bad ones has to wait.
///
/// # Errors
/// [`Refusal::Token`], [`Refusal::TooMany`].
pub(super) fn verify(
    environment: &Environment,
    devices: &DeviceServices,
    call: &Call,
    token: Result<&str, Refusal>,
) -> Result<AccessToken, Refusal> {
    let stranger = devices.limits.stranger(call.origin.client_ip)?;
    let token = verified(environment, token?)?;
    stranger.is_known();
    Ok(token)
}

/// The same for a token that a client got, as for a session of its own.
///
/// # Errors
/// As [`verify`].
pub(super) fn verify_of_client(
    environment: &Environment,
    devices: &DeviceServices,
    call: &Call,
    token: Result<&str, Refusal>,
) -> Result<AccessToken, Refusal> {
    let token = verify(environment, devices, call, token)?;
    if token.client.is_some() { Ok(token) } else { Err(Refusal::Token(JwtError::Kind.to_string())) }
}

fn verified(environment: &Environment, token: &str) -> Result<AccessToken, Refusal> {
    let hosts = [&environment.service_name, &environment.registration_host];
    let by_host = hosts.map(|host| format!("urn:ms-drs:{host}"));
    let [service, registration] = &by_host;
    let services = &environment.services;
    let audiences = [RESOURCE, service, registration];
    verify_resource_token(&services.keys, &environment.service_identifier, token, &audiences, services.clock.now())
        .map_err(|error| Refusal::Token(error.to_string()))
}
