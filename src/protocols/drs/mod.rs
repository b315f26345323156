//! Device registration (`/EnrollmentServer`): discovery, the join of MS-DVRJ, the SOAP enrolment of MS-DVRE, and key
//! provisioning of MS-KPP.
//!
//! Each endpoint reads its message, has [`enrolment`](crate::devices::enrolment) decide, lets the authority certify and the
//! registry keep, and writes the answer. Nothing here redirects, and errors always have the form of their protocol: clients
//! show them to whoever must help.

pub mod claims;
pub mod discovery;
pub mod enrolment_request;
pub mod join_request;
mod version;

use actix_web::http::Method;

use super::environment::Environment;
use super::http::{Answer, Call};

/// Identifier of the service as a resource, the same on every farm since Windows Server 2016.
pub const RESOURCE: &str = "urn:ms-drs:434DF4A9-3CF2-4C1D-917E-2CD2B72F515A";

/// An endpoint of device registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistrationEndpoint {
    /// The discovery document.
    Discovery,
}

impl RegistrationEndpoint {
    /// Methods the endpoint answers.
    pub const fn methods(self) -> &'static [Method] {
        match self {
            Self::Discovery => &[Method::GET, Method::HEAD],
        }
    }
}

/// Answers a request.
pub fn handle(environment: &Environment, endpoint: RegistrationEndpoint, call: &Call) -> Answer {
    match endpoint {
        RegistrationEndpoint::Discovery => {
            let names = discovery::Names {
                service: &environment.service_name,
                join: &environment.registration_host,
                resource: RESOURCE,
            };
            discovery::handle(names, call)
        }
    }
}
