//! Why a device was not registered, and the one place where that becomes words on the wire (device-registration.md 4.5, 9).
//!
//! Administrators read type and message in `dsregcmd /status` and in the client's event log, so a message names the rule that
//! failed. A caller without a good token learns nothing but that. Causes that only operators may see stay in the log.

use actix_web::http::StatusCode;

use super::enrolment_request::EnrolmentError;
use super::join_request::MessageError;
use crate::devices::enrolment::EnrolmentRefusal;
use crate::devices::{LimitReached, RegistryError};
use crate::directory::DirectoryError;

/// Why a request at a registration endpoint was refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// No `api-version` that is spoken here.
    #[error("the api-version is missing or not supported")]
    Version,
    /// The answer would be of a kind that the client does not take.
    #[error("the client does not accept the answer's format")]
    NotAcceptable,
    /// The path names no device where it must, or one where it must not.
    #[error("the path is not that of the method")]
    Path,
    /// The message cannot be used.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The SOAP message cannot be used.
    #[error(transparent)]
    Soap(#[from] EnrolmentError),
    /// There is no token, or not one to be accepted.
    #[error("token: {0}")]
    Token(String),
    /// The token lacks what key provisioning needs.
    #[error("the token has no usable claim {0}")]
    KeyClaim(&'static str),
    /// The device, the account or the quota.
    #[error(transparent)]
    Enrolment(#[from] EnrolmentRefusal),
    /// No device certificate, or not one of a registered device.
    #[error("device certificate: {0}")]
    DeviceCertificate(String),
    /// The account or the address asks too often.
    #[error(transparent)]
    TooMany(#[from] LimitReached),
    /// Registration is switched off in the directory.
    #[error("device registration is switched off")]
    SwitchedOff,
    /// The authority gave no certificate.
    #[error("certificate authority: {0}")]
    Authority(String),
    /// The registry did not do it.
    #[error("registry: {0}")]
    Registry(#[from] RegistryError),
    /// The directory did not answer.
    #[error("directory: {0}")]
    Directory(#[from] DirectoryError),
    /// No randomness.
    #[error("no randomness: {0}")]
    Random(#[from] crate::clock::RandomError),
    /// The audit log could not be written, and nothing may happen without it.
    #[error("the audit log could not be written: {0}")]
    Audit(String),
    /// The answer could not be written.
    #[error("the answer could not be written: {0}")]
    Write(String),
}

/// A refusal as clients see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WireError {
    /// Status of a REST answer.
    pub status: StatusCode,
    /// `ErrorType`.
    pub error_type: ErrorType,
    /// `Message`.
    pub message: String,
    /// Whether the client may try again a little later.
    pub retry: bool,
}

/// `ErrorType` (MS-DVRE; the last one is the cloud's, which clients know too).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorType {
    InvalidParameter,
    CertificateAuthorityError,
    DirectoryAccountError,
    AuthenticationError,
    AuthorizationError,
    UnknownError,
    DirectoryError,
}

impl ErrorType {
    /// As in REST answers.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidParameter => "InvalidParameter",
            Self::CertificateAuthorityError => "CertificateAuthorityError",
            Self::DirectoryAccountError => "DirectoryAccountError",
            Self::AuthenticationError => "AuthenticationError",
            Self::AuthorizationError => "AuthorizationError",
            Self::UnknownError => "UnknownError",
            Self::DirectoryError => "DirectoryError",
        }
    }

    /// As in SOAP faults, whose schema knows one word for both failures of the directory.
    pub(super) const fn in_soap(self) -> &'static str {
        match self {
            Self::DirectoryError => Self::DirectoryAccountError.as_str(),
            other => other.as_str(),
        }
    }
}

impl Refusal {
    /// What the client is told.
    pub(super) fn wire(&self) -> WireError {
        use ErrorType as Type;
        match self {
            Self::Version => bad("The api-version is missing or not supported. Use api-version=1.0."),
            Self::NotAcceptable => bad("The request must accept application/json."),
            Self::Path => bad("The path of the request is not that of the method."),
            Self::Message(error) => bad(&sentence(&error.to_string())),
            Self::Soap(error) => bad(&sentence(&error.to_string())),
            Self::Token(_) => error(
                StatusCode::UNAUTHORIZED,
                Type::AuthenticationError,
                "The access token is missing, not valid, expired, or not for the device registration service.",
            ),
            Self::KeyClaim(claim) => error(
                StatusCode::UNAUTHORIZED,
                Type::AuthenticationError,
                &format!("The access token has no usable claim {claim}, which key provisioning needs."),
            ),
            Self::DeviceCertificate(_) => error(
                StatusCode::UNAUTHORIZED,
                Type::AuthenticationError,
                "The client certificate is missing, or is not that of a registered device.",
            ),
            Self::Enrolment(refusal) => enrolment(refusal),
            Self::SwitchedOff => {
                busy(Type::UnknownError, "Device registration is switched off by the administrator of the directory.")
            }
            Self::TooMany(_) => busy(Type::UnknownError, "Too many requests. Try again in a minute."),
            Self::Authority(_) => error(
                StatusCode::INTERNAL_SERVER_ERROR,
                Type::CertificateAuthorityError,
                "The certificate of the device could not be issued.",
            ),
            Self::Registry(failure) => registry(failure),
            Self::Directory(failure) => directory(failure),
            Self::Audit(_) => busy(Type::UnknownError, "The service cannot work now. Try again in a few minutes."),
            Self::Random(_) | Self::Write(_) => {
                error(StatusCode::INTERNAL_SERVER_ERROR, Type::UnknownError, "The service failed; its log says why.")
            }
        }
    }
}

fn enrolment(refusal: &EnrolmentRefusal) -> WireError {
    use ErrorType as Type;
    let bad_request = |kind, message: &str| error(StatusCode::BAD_REQUEST, kind, message);
    match refusal {
        EnrolmentRefusal::JoinType(kind) => bad_request(
            Type::AuthenticationError,
            &format!("The enrollment request type ({}) is not allowed.", kind.as_str()),
        ),
        EnrolmentRefusal::Claim(claim) => bad_request(
            Type::AuthenticationError,
            &format!("The access token has no usable claim {claim}, which this registration needs."),
        ),
        EnrolmentRefusal::NotPermitted => {
            bad_request(Type::AuthorizationError, "The account is not permitted to register devices.")
        }
        EnrolmentRefusal::Detail(_)
        | EnrolmentRefusal::CertificateRequest(_)
        | EnrolmentRefusal::NoTransportKey
        | EnrolmentRefusal::TransportKey(_) => bad(&sentence(&refusal.to_string())),
        EnrolmentRefusal::NoAccount => bad_request(
            Type::DirectoryAccountError,
            "The account of the access token is not in the directory, or is not the one it was.",
        ),
        EnrolmentRefusal::AccountState(_) => {
            bad_request(Type::AuthorizationError, "The account is disabled, locked or expired.")
        }
        // Exactly this word: clients show their text about the number of devices for it.
        EnrolmentRefusal::Quota { .. } => bad_request(Type::AuthorizationError, DEVICE_CAP_REACHED),
        EnrolmentRefusal::Disabled { id } => bad_request(
            Type::AuthorizationError,
            &format!("The device {id} is disabled. An administrator must enable it before it can register again."),
        ),
        EnrolmentRefusal::WrittenBack { id } => bad_request(
            Type::AuthorizationError,
            &format!("The device {id} is registered in the cloud and was written back; it is changed there."),
        ),
    }
}

fn directory(failure: &DirectoryError) -> WireError {
    match failure {
        DirectoryError::NotFound { .. } | DirectoryError::UnknownDomain { .. } => {
            enrolment(&EnrolmentRefusal::NoAccount)
        }
        DirectoryError::Unavailable { .. } => {
            busy(ErrorType::DirectoryError, "The directory does not answer. Try again in a few minutes.")
        }
        DirectoryError::Refused { .. } | DirectoryError::Malformed { .. } => error(
            StatusCode::BAD_REQUEST,
            ErrorType::DirectoryError,
            "What the directory holds of this account cannot be used; the service's log says why.",
        ),
    }
}

fn registry(failure: &RegistryError) -> WireError {
    match failure {
        RegistryError::Disabled { id } => enrolment(&EnrolmentRefusal::Disabled { id: *id }),
        RegistryError::QuotaReached { count, limit } => {
            enrolment(&EnrolmentRefusal::Quota { count: *count, limit: *limit })
        }
        RegistryError::Unavailable { .. } => {
            busy(ErrorType::DirectoryError, "The registry of devices does not answer. Try again in a few minutes.")
        }
        RegistryError::NotFound { .. } | RegistryError::Ambiguous { .. } | RegistryError::Damaged { .. } => error(
            StatusCode::BAD_REQUEST,
            ErrorType::DirectoryError,
            "What the registry holds of this device or account cannot be used; the service's log says why.",
        ),
        RegistryError::Refused { .. } => error(
            StatusCode::BAD_REQUEST,
            ErrorType::DirectoryError,
            "The registry of devices refused the change; the service's log says why.",
        ),
    }
}

fn error(status: StatusCode, error_type: ErrorType, message: &str) -> WireError {
    WireError { status, error_type, message: message.to_owned(), retry: false }
}

fn bad(message: &str) -> WireError {
    error(StatusCode::BAD_REQUEST, ErrorType::InvalidParameter, message)
}

fn busy(error_type: ErrorType, message: &str) -> WireError {
    WireError { retry: true, ..error(StatusCode::SERVICE_UNAVAILABLE, error_type, message) }
}

/// An error's text as a sentence.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", characters.as_str())
}

/// The message of a quota that is used up, and the subcode of its SOAP fault.
pub(super) const DEVICE_CAP_REACHED: &str = "DeviceCapReached";

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::devices::{CsrError, DeviceId, JoinType, KeyBlobError, WeakKey};
    use crate::directory::SignInState;

    /// Status, type and message of every refusal, as administrators meet them.
    #[test]
    fn what_clients_are_told() {
        let id = DeviceId("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0".parse().unwrap());
        let what = || String::from("secret cause");
        let refusals = [
            Refusal::Version,
            Refusal::NotAcceptable,
            Refusal::Path,
            MessageError::TooLarge { octets: 70_000 }.into(),
            MessageError::Json("it is no JSON (line 1)".into()).into(),
            MessageError::Member("JoinType is none that is known").into(),
            Refusal::Token(what()),
            Refusal::KeyClaim("deviceid"),
            Refusal::DeviceCertificate(what()),
            EnrolmentRefusal::JoinType(JoinType::DomainJoin).into(),
            EnrolmentRefusal::Claim("primarysid").into(),
            EnrolmentRefusal::NotPermitted.into(),
            EnrolmentRefusal::Detail("DeviceDisplayName").into(),
            EnrolmentRefusal::CertificateRequest(CsrError::Signature).into(),
            EnrolmentRefusal::CertificateRequest(CsrError::Algorithm("SHA-1".into())).into(),
            EnrolmentRefusal::CertificateRequest(CsrError::Weak(WeakKey::Size { bits: 1024 })).into(),
            EnrolmentRefusal::NoTransportKey.into(),
            EnrolmentRefusal::TransportKey(KeyBlobError::JsonWebKey).into(),
            EnrolmentRefusal::TransportKey(KeyBlobError::Weak(WeakKey::EvenModulus)).into(),
            EnrolmentRefusal::NoAccount.into(),
            EnrolmentRefusal::AccountState(SignInState::Disabled).into(),
            EnrolmentRefusal::Quota { count: 10, limit: 10 }.into(),
            EnrolmentRefusal::Disabled { id }.into(),
            EnrolmentRefusal::WrittenBack { id }.into(),
            Refusal::SwitchedOff,
            LimitReached::Address.into(),
            LimitReached::Account.into(),
            Refusal::Authority(what()),
            RegistryError::NotFound { what: what() }.into(),
            RegistryError::Ambiguous { what: what() }.into(),
            RegistryError::Disabled { id }.into(),
            RegistryError::QuotaReached { count: 10, limit: 10 }.into(),
            RegistryError::Refused { reason: what() }.into(),
            RegistryError::Damaged { what: what(), reason: what() }.into(),
            RegistryError::Unavailable { reason: what() }.into(),
            DirectoryError::NotFound { key: what() }.into(),
            DirectoryError::UnknownDomain { domain: what() }.into(),
            DirectoryError::Unavailable { domain: what(), reason: what() }.into(),
            DirectoryError::Refused { server: what(), reason: what() }.into(),
            Refusal::Audit(what()),
            Refusal::Write(what()),
        ];
        let mut lines = String::new();
        for refusal in &refusals {
            let WireError { status, error_type, message, retry } = refusal.wire();
            assert!(!message.contains("secret"), "{message}");
            let retry = if retry { " (retry)" } else { "" };
            writeln!(lines, "{}{retry} {}: {message}", status.as_u16(), error_type.as_str()).unwrap();
        }
        insta::assert_snapshot!("refusals", lines);
    }

    #[test]
    fn soap_has_one_word_for_the_directory() {
        assert_eq!(ErrorType::DirectoryError.in_soap(), "DirectoryAccountError");
        assert_eq!(ErrorType::AuthorizationError.in_soap(), "AuthorizationError");
    }
}
