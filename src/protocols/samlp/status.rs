//! `samlp:Status` (saml-core 3.2.2.2).

use crate::tokens::inbound::InboundError;
use crate::xml::Element;
use crate::xml::namespace::SAML2_PROTOCOL;

/// What a partner answers instead of, or with, what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartnerStatus {
    /// Who is to blame, or success.
    pub code: StatusCode,
    /// Why.
    pub detail: Option<StatusCode>,
    /// The partner's words, at most 512 characters of them.
    pub message: Option<String>,
}

/// A status code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatusCode {
    /// The request succeeded.
    Success,
    /// It failed for what this server sent.
    Requester,
    /// It failed at the partner.
    Responder,
    /// The partner speaks another version of SAML.
    VersionMismatch,
    /// The partner could not authenticate the subject.
    AuthnFailed,
    /// The requested name identifier format is not to be had.
    InvalidNameIdPolicy,
    /// The requested authentication context is not to be had.
    NoAuthnContext,
    /// It cannot be done without asking the user, and that was forbidden.
    NoPassive,
    /// The partner refuses to answer.
    RequestDenied,
    /// The partner does not know this kind of request.
    RequestUnsupported,
    /// The partner does not know the subject.
    UnknownPrincipal,
    /// Not everybody could be signed out.
    PartialLogout,
    /// Another code.
    Other(String),
}

impl StatusCode {
    fn from_uri(uri: &str) -> Self {
        let Some(name) = uri.strip_prefix(PREFIX) else { return Self::Other(shortened(uri)) };
        match name {
            "Success" => Self::Success,
            "Requester" => Self::Requester,
            "Responder" => Self::Responder,
            "VersionMismatch" => Self::VersionMismatch,
            "AuthnFailed" => Self::AuthnFailed,
            "InvalidNameIDPolicy" => Self::InvalidNameIdPolicy,
            "NoAuthnContext" => Self::NoAuthnContext,
            "NoPassive" => Self::NoPassive,
            "RequestDenied" => Self::RequestDenied,
            "RequestUnsupported" => Self::RequestUnsupported,
            "UnknownPrincipal" => Self::UnknownPrincipal,
            "PartialLogout" => Self::PartialLogout,
            _ => Self::Other(shortened(uri)),
        }
    }

    /// The code's URI.
    pub fn uri(&self) -> String {
        let name = match self {
            Self::Other(uri) => return uri.clone(),
            Self::Success => "Success",
            Self::Requester => "Requester",
            Self::Responder => "Responder",
            Self::VersionMismatch => "VersionMismatch",
            Self::AuthnFailed => "AuthnFailed",
            Self::InvalidNameIdPolicy => "InvalidNameIDPolicy",
            Self::NoAuthnContext => "NoAuthnContext",
            Self::NoPassive => "NoPassive",
            Self::RequestDenied => "RequestDenied",
            Self::RequestUnsupported => "RequestUnsupported",
            Self::UnknownPrincipal => "UnknownPrincipal",
            Self::PartialLogout => "PartialLogout",
        };
        format!("{PREFIX}{name}")
    }
}

impl std::fmt::Display for PartnerStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.code.uri())?;
        if let Some(detail) = &self.detail {
            write!(f, ", {}", detail.uri())?;
        }
        match &self.message {
            Some(message) => write!(f, ": {message}"),
            None => Ok(()),
        }
    }
}

impl PartnerStatus {
    /// Reads the status of a response.
    pub(super) fn read(response: Element<'_, '_>) -> Result<Self, InboundError> {
        let status = response.required_child(SAML2_PROTOCOL, "Status")?;
        let code = status.required_child(SAML2_PROTOCOL, "StatusCode")?;
        let value = |code: Element<'_, '_>| code.attribute("Value").map(StatusCode::from_uri);
        Ok(Self {
            code: value(code).ok_or(InboundError::Missing { element: "StatusCode", what: "Value" })?,
            detail: code.only_child(SAML2_PROTOCOL, "StatusCode")?.and_then(value),
            message: status.child_text(SAML2_PROTOCOL, "StatusMessage")?.map(shortened),
        })
    }
}

fn shortened(text: &str) -> String {
    text.trim().chars().take(512).collect()
}

const PREFIX: &str = "urn:oasis:names:tc:SAML:2.0:status:";
