//! The SOAP faults of the WS-Trust endpoints: the one place where an error becomes its wire form (ws-federation.md 3.8).
//!
//! Texts are AD FS' own, because clients and administrators search for them. No text tells whether an account exists, is
//! locked or has an expired password.

use actix_web::http::StatusCode;

use crate::issuance::{AuthnDemand, Denial, IssueError};
use crate::protocols::trust_endpoint::Version;
use crate::protocols::{names, soap};

use super::request::RequestError;

/// A fault on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustFault {
    /// Wrong password, unknown, locked or disabled account, bad certificate: all the same.
    FailedAuthentication,
    /// Authenticated, and not permitted.
    AccessDenied,
    /// Acting for another is not offered.
    DelegationDenied,
    /// The relying party is unknown or switched off.
    InvalidScope,
    /// The token could not be issued.
    RequestFailed,
    /// Not a request this endpoint can read.
    InvalidRequest,
    /// Something that is not issued here.
    BadRequest,
    /// The security header is missing, stale or not signed as it must be.
    InvalidSecurity,
    /// `wsa:Action` is not one of this endpoint.
    ActionNotSupported {
        /// The action.
        action: String,
    },
    /// `wsa:To` names another endpoint.
    DestinationUnreachable {
        /// The address.
        to: String,
    },
    /// A header block that must be understood and is not.
    MustUnderstand {
        /// Its namespace.
        namespace: String,
        /// Its local name.
        local: String,
    },
    /// The envelope is not SOAP 1.2.
    VersionMismatch,
    /// Something the token needs did not answer in time; the client may try again.
    Unavailable,
    /// The server's own failure.
    Internal,
}

/// `Code`, `Subcode` with its namespace, and `Reason` of a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultText {
    /// `Sender`, `Receiver`, `MustUnderstand`, `VersionMismatch`.
    pub code: &'static str,
    /// Namespace and name of the subcode.
    pub subcode: Option<(&'static str, &'static str)>,
    /// The reason, in English as AD FS has it.
    pub reason: String,
}

impl TrustFault {
    /// The fault's wire text on an endpoint of this version.
    pub fn text(&self, version: Version) -> FaultText {
        let trust = version.namespace();
        let (code, subcode, reason): (_, _, &str) = match self {
            Self::FailedAuthentication => (
                "Sender",
                Some((names::SECURITY, "FailedAuthentication")),
                "ID3242: The security token could not be authenticated or authorized.",
            ),
            Self::AccessDenied => ("Sender", Some((trust, "FailedAuthentication")), "MSIS7068: Access denied."),
            Self::DelegationDenied => ("Sender", Some((trust, "FailedAuthentication")), "MSIS3126: Access denied."),
            Self::InvalidScope => {
                ("Sender", Some((trust, "InvalidScope")), "ID3082: The request scope is not valid or is unsupported.")
            }
            Self::RequestFailed => {
                ("Sender", Some((trust, "RequestFailed")), "MSIS3127: The specified request failed.")
            }
            Self::InvalidRequest => {
                ("Sender", Some((trust, "InvalidRequest")), "MSIS3127: The specified request failed.")
            }
            Self::BadRequest => (
                "Sender",
                Some((trust, "BadRequest")),
                "MSIS3127: The specified request failed. The kind of request, key or token it asks for is not issued here.",
            ),
            Self::InvalidSecurity => (
                "Sender",
                Some((names::SECURITY, "InvalidSecurity")),
                "An error occurred when verifying security for the message.",
            ),
            Self::ActionNotSupported { action } => {
                return FaultText {
                    code: "Sender",
                    subcode: Some((soap::ADDRESSING, "ActionNotSupported")),
                    reason: format!("The message with Action '{action}' cannot be processed at the receiver."),
                };
            }
            Self::DestinationUnreachable { to } => {
                return FaultText {
                    code: "Sender",
                    subcode: Some((soap::ADDRESSING, "DestinationUnreachable")),
                    reason: format!("The message with To '{to}' cannot be processed at the receiver."),
                };
            }
            Self::MustUnderstand { namespace, local } => {
                return FaultText {
                    code: "MustUnderstand",
                    subcode: None,
                    reason: format!("The header '{local}' from the namespace '{namespace}' was not understood."),
                };
            }
            Self::VersionMismatch => ("VersionMismatch", None, "The envelope is not of SOAP 1.2."),
            Self::Unavailable => (
                "Receiver",
                Some((soap::ADDRESSING, "EndpointUnavailable")),
                "The endpoint is unable to process the message at this time.",
            ),
            Self::Internal => (
                "Receiver",
                Some((names::WCF_DISPATCHER, "InternalServiceFault")),
                "The server was unable to process the request due to an internal error.",
            ),
        };
        FaultText { code, subcode, reason: reason.to_owned() }
    }

    /// HTTP status: 500 for every fault, as the clients expect, and 503 for the one that asks to try again.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<&RequestError> for TrustFault {
    fn from(error: &RequestError) -> Self {
        match error {
            RequestError::Xml(_) | RequestError::Shape(_) => Self::InvalidRequest,
            RequestError::SoapVersion => Self::VersionMismatch,
            RequestError::MustUnderstand { namespace, local } => {
                Self::MustUnderstand { namespace: namespace.clone(), local: local.clone() }
            }
            RequestError::Action { action } => Self::ActionNotSupported { action: action.clone() },
            RequestError::Destination { to } => Self::DestinationUnreachable { to: to.clone() },
            RequestError::Unsupported { .. } => Self::BadRequest,
            RequestError::Delegation(_) => Self::DelegationDenied,
            RequestError::Security(_) => Self::InvalidSecurity,
        }
    }
}

impl From<&IssueError> for TrustFault {
    fn from(error: &IssueError) -> Self {
        match error {
            IssueError::UnknownRelyingParty { .. } | IssueError::DisabledRelyingParty { .. } => Self::InvalidScope,
            IssueError::SessionRevoked => Self::FailedAuthentication,
            _ if error.is_retryable() => Self::Unavailable,
            _ => Self::RequestFailed,
        }
    }
}

impl From<&Denial> for TrustFault {
    fn from(_: &Denial) -> Self {
        Self::AccessDenied
    }
}

impl From<&AuthnDemand> for TrustFault {
    /// No page can be shown here, so a demand for more is a refusal.
    fn from(_: &AuthnDemand) -> Self {
        Self::AccessDenied
    }
}
