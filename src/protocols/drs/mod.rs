//! Device registration (`/EnrollmentServer`): discovery, the join of MS-DVRJ, the SOAP enrolment of MS-DVRE, and key
//! provisioning of MS-KPP.
//!
//! Each endpoint reads its message, has [`enrolment`](crate::devices::enrolment) decide, lets the authority certify and the
//! registry keep, and writes the answer. Nothing here redirects, and errors always have the form of their protocol: clients
//! show them to whoever must help.

mod attempt;
pub mod claims;
mod device;
pub mod discovery;
mod enrolment_answer;
pub mod enrolment_request;
pub mod join_request;
mod key;
pub mod key_message;
mod leaving;
mod refusal;
mod registration;
mod rest;
mod soap;
#[cfg(test)]
mod testing;
mod token;
mod version;

use actix_web::http::{Method, StatusCode};

use self::attempt::{Attempt, Purpose};
use self::join_request::MessageError;
use self::refusal::Refusal;
use super::environment::Environment;
use super::http::{Answer, Call};
use crate::audit::AuthProtocol;

/// Identifier of the service as a resource, the same on every farm since Windows Server 2016.
pub const RESOURCE: &str = "urn:ms-drs:434DF4A9-3CF2-4C1D-917E-2CD2B72F515A";

/// An endpoint of device registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistrationEndpoint {
    /// The discovery document.
    Discovery,
    /// Where devices join.
    Devices,
    /// One device, which leaves.
    Device,
    /// SOAP enrolment.
    Enrolment,
    /// Keys of users.
    Keys,
}

impl RegistrationEndpoint {
    /// Methods the endpoint answers.
    pub const fn methods(self) -> &'static [Method] {
        match self {
            Self::Discovery => &[Method::GET, Method::HEAD],
            Self::Devices | Self::Device => &[Method::POST, Method::DELETE],
            Self::Enrolment | Self::Keys => &[Method::POST],
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Discovery => "/EnrollmentServer/contract",
            Self::Devices | Self::Device => "/EnrollmentServer/device",
            Self::Enrolment => "/EnrollmentServer/DeviceEnrollmentWebService.svc",
            Self::Keys => "/EnrollmentServer/key",
        }
    }

    fn purpose(self, call: &Call) -> Purpose {
        match self {
            Self::Keys => Purpose::AddKey,
            _ if call.method == Method::DELETE => Purpose::Unregister,
            _ => Purpose::Register,
        }
    }
}

/// Answers a request.
pub async fn handle(environment: &Environment, endpoint: RegistrationEndpoint, call: &Call) -> Answer {
    if endpoint == RegistrationEndpoint::Discovery {
        // Whether or not devices are registered here: clients look up where a domain signs in.
        let names = discovery::Names {
            service: &environment.service_name,
            join: &environment.registration_host,
            resource: RESOURCE,
        };
        return discovery::handle(names, call);
    }
    let Some(devices) = environment.devices.as_deref() else { return Answer::empty(StatusCode::NOT_FOUND) };
    let cx = environment.context(call, AuthProtocol::DeviceRegistration, endpoint.path());
    match endpoint {
        RegistrationEndpoint::Enrolment => soap::handle(environment, devices, &cx, call).await,
        RegistrationEndpoint::Keys => key::handle(environment, devices, &cx, call).await,
        RegistrationEndpoint::Device => {
            let device = call.path.trim_end_matches('/').rsplit('/').next();
            device::handle(environment, devices, &cx, device, call).await
        }
        RegistrationEndpoint::Devices | RegistrationEndpoint::Discovery => {
            device::handle(environment, devices, &cx, None, call).await
        }
    }
}

/// Audits a request that was refused before it was read: too large, or too slow.
pub fn unread(environment: &Environment, endpoint: RegistrationEndpoint, call: &Call, status: StatusCode) {
    if endpoint == RegistrationEndpoint::Discovery || environment.devices.is_none() {
        return;
    }
    let cx = environment.context(call, AuthProtocol::DeviceRegistration, endpoint.path());
    let refusal = MessageError::Json(format!("it was not read: {status}"));
    Attempt::new(endpoint.purpose(call)).refused(&cx, &Refusal::Message(refusal));
}
