//! Single logout towards a partner: requests and responses sent, responses read (saml-core 3.7, saml-profiles 4.4).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::redirect::{self, Parameter, RedirectError, RedirectMessage};
use super::status::{PartnerStatus, StatusCode};
use super::write::{EncodeError, Enveloped, message, protocol, saml, sign};
use crate::clock::UtcTime;
use crate::tokens::inbound::{Delivery, InboundError, Limit, Partner};
use crate::tokens::{NameIdentifier, SignatureAlgorithm, SigningKey};
use crate::xml::namespace::{SAML2, SAML2_PROTOCOL};
use crate::xml::verify::{SignedElement, verify_enveloped};
use crate::xml::{Attribute, Document, Element, WriteError, Writer};

pub use super::write::Header;

/// A request to end a session at the partner. It must be signed, so there is no way to send it without a key.
#[derive(Debug, Clone)]
pub struct LogoutRequest<'a> {
    /// What every message says.
    pub header: Header<'a>,
    /// The subject, exactly as the partner named it.
    pub name_identifier: &'a NameIdentifier,
    /// The session at the partner, as its assertion named it.
    pub session_index: Option<&'a str>,
    /// After this the request says nothing any more.
    pub not_on_or_after: Option<UtcTime>,
    /// Why.
    pub reason: LogoutReason,
}

/// Why a session ends (saml-core 3.7.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoutReason {
    /// The user wants it.
    User,
    /// An administrator wants it.
    Administrator,
}

/// The answer to a partner's logout request.
#[derive(Debug, Clone)]
pub struct LogoutResponse<'a> {
    /// What every message says.
    pub header: Header<'a>,
    /// The request it answers.
    pub in_response_to: &'a str,
    /// How it ended.
    pub outcome: LogoutOutcome,
}

/// How a logout ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum LogoutOutcome {
    /// Everybody is signed out.
    Success,
    /// Somebody could not be signed out.
    Partial,
    /// The request was refused.
    Refused,
}

impl LogoutRequest<'_> {
    /// The signed query for the redirect binding.
    ///
    /// # Errors
    /// [`EncodeError`].
    pub async fn to_query(
        &self,
        relay_state: Option<&str>,
        key: &SigningKey,
        algorithm: SignatureAlgorithm,
    ) -> Result<String, EncodeError> {
        let octets = self.write(Enveloped::Unsigned)?.finish()?;
        redirect::encode(Parameter::Request, &octets, relay_state, Some((key, algorithm))).await
    }

    /// The value of the form field `SAMLRequest` for the POST binding, signed.
    ///
    /// # Errors
    /// [`EncodeError`].
    pub async fn to_form(&self, key: &SigningKey, algorithm: SignatureAlgorithm) -> Result<String, EncodeError> {
        sign(self.write(Enveloped::Signed)?, self.header.id, key, algorithm).await
    }

    fn write(&self, enveloped: Enveloped) -> Result<Writer, WriteError> {
        let until = self.not_on_or_after.map(UtcTime::to_xml);
        let reason = match self.reason {
            LogoutReason::User => "urn:oasis:names:tc:SAML:2.0:logout:user",
            LogoutReason::Administrator => "urn:oasis:names:tc:SAML:2.0:logout:admin",
        };
        let attributes =
            [Attribute::plain_optional("NotOnOrAfter", until.as_deref()), Attribute::plain("Reason", reason)];
        message("LogoutRequest", &self.header, &attributes, enveloped, |writer| {
            let name = self.name_identifier;
            let qualifiers = [
                Attribute::plain_optional("Format", name.format.as_deref()),
                Attribute::plain_optional("NameQualifier", name.name_qualifier.as_deref()),
                Attribute::plain_optional("SPNameQualifier", name.sp_name_qualifier.as_deref()),
            ];
            writer.leaf(&saml("NameID"), &qualifiers, &name.value)?;
            match self.session_index {
                Some(index) => writer.leaf(&protocol("SessionIndex"), &[], index),
                None => Ok(()),
            }
        })
    }
}

impl LogoutResponse<'_> {
    /// The signed query for the redirect binding.
    ///
    /// # Errors
    /// [`EncodeError`].
    pub async fn to_query(
        &self,
        relay_state: Option<&str>,
        key: &SigningKey,
        algorithm: SignatureAlgorithm,
    ) -> Result<String, EncodeError> {
        let octets = self.write(Enveloped::Unsigned)?.finish()?;
        redirect::encode(Parameter::Response, &octets, relay_state, Some((key, algorithm))).await
    }

    /// The value of the form field `SAMLResponse` for the POST binding, signed.
    ///
    /// # Errors
    /// [`EncodeError`].
    pub async fn to_form(&self, key: &SigningKey, algorithm: SignatureAlgorithm) -> Result<String, EncodeError> {
        sign(self.write(Enveloped::Signed)?, self.header.id, key, algorithm).await
    }

    fn write(&self, enveloped: Enveloped) -> Result<Writer, WriteError> {
        let (code, detail) = match self.outcome {
            LogoutOutcome::Success => (StatusCode::Success, None),
            LogoutOutcome::Partial => (StatusCode::Responder, Some(StatusCode::PartialLogout)),
            LogoutOutcome::Refused => (StatusCode::Requester, Some(StatusCode::RequestDenied)),
        };
        let answered = [Attribute::plain("InResponseTo", self.in_response_to)];
        message("LogoutResponse", &self.header, &answered, enveloped, |writer| {
            let name = protocol("StatusCode");
            writer.element(&protocol("Status"), &[], |writer| {
                writer.element(&name, &[Attribute::plain("Value", &code.uri())], |writer| match detail {
                    Some(detail) => writer.empty(&name, &[Attribute::plain("Value", &detail.uri())]),
                    None => Ok(()),
                })
            })
        })
    }
}

/// Reads a partner's answer to a logout request, by the redirect binding: the raw query.
///
/// # Errors
/// [`LogoutError`].
pub fn receive_query(
    query: &str,
    partner: &Partner<'_>,
    delivery: &Delivery<'_>,
) -> Result<PartnerStatus, LogoutError> {
    let message = RedirectMessage::parse(query)?;
    if message.parameter != Parameter::Response {
        return Err(LogoutError::NotAResponse { found: String::from("request") });
    }
    message.verify(partner.keys, &partner.policy()).map_err(InboundError::from)?;
    // The query's signature covers the octets whole.
    let document = Document::parse(&message.octets, &partner.policy().limits).map_err(InboundError::from)?;
    check(document.root(), partner, delivery)
}

/// Reads a partner's answer to a logout request, by the POST binding: the form field `SAMLResponse`.
///
/// # Errors
/// [`LogoutError`].
pub fn receive_form(value: &str, partner: &Partner<'_>, delivery: &Delivery<'_>) -> Result<PartnerStatus, LogoutError> {
    let text: String = value.split_ascii_whitespace().collect();
    let octets = BASE64.decode(text).map_err(|_| RedirectError::Base64)?;
    let element =
        SignedElement { path: &[(SAML2_PROTOCOL, "LogoutResponse")], id_attribute: "ID", root_may_be_signed: false };
    let verified = verify_enveloped(&octets, &element, partner.keys, &partner.policy()).map_err(InboundError::from)?;
    let document = verified.document().map_err(InboundError::from)?;
    check(document.root(), partner, delivery)
}

fn check(
    response: Element<'_, '_>,
    partner: &Partner<'_>,
    delivery: &Delivery<'_>,
) -> Result<PartnerStatus, LogoutError> {
    if !response.is(SAML2_PROTOCOL, "LogoutResponse") {
        return Err(LogoutError::NotAResponse { found: response.local().to_owned() });
    }
    common(response, partner, delivery)?;
    let found = response.attribute("InResponseTo");
    if found.is_none() || found != delivery.in_response_to {
        let owned = |id: Option<&str>| id.map(str::to_owned);
        return Err(InboundError::InResponseTo { found: owned(found), expected: owned(delivery.in_response_to) }.into());
    }
    Ok(PartnerStatus::read(response)?)
}

/// What requests and responses are checked for alike: version, issuer, address and time. Gives when the message was made.
pub(super) fn common(
    message: Element<'_, '_>,
    partner: &Partner<'_>,
    delivery: &Delivery<'_>,
) -> Result<UtcTime, LogoutError> {
    let value = |what, value: Option<&str>| InboundError::Value { what, value: value.unwrap_or_default().to_owned() };
    match message.attribute("Version") {
        Some("2.0") => {}
        other => return Err(value("Version", other).into()),
    }
    let issuer = message.child_text(SAML2, "Issuer").map_err(InboundError::from)?.unwrap_or_default();
    if issuer != partner.identifier {
        let expected = partner.identifier.to_owned();
        return Err(InboundError::Issuer { found: issuer.to_owned(), expected }.into());
    }
    let destination = message.attribute("Destination").unwrap_or_default();
    if destination != delivery.recipient {
        let (found, expected) = (destination.to_owned(), delivery.recipient.to_owned());
        return Err(InboundError::Recipient { found, expected }.into());
    }
    let at = message.attribute("IssueInstant").and_then(|text| UtcTime::from_xml(text).ok());
    let at = at.ok_or_else(|| value("IssueInstant", message.attribute("IssueInstant")))?;
    let limit = Limit::IssueInstant;
    if at > delivery.now.plus(delivery.skew) {
        return Err(InboundError::TooEarly { limit, at }.into());
    }
    if at.plus(MESSAGE_LIFETIME).plus(delivery.skew) <= delivery.now {
        return Err(InboundError::TooLate { limit, at }.into());
    }
    Ok(at)
}

/// Why a logout message was refused. That the partner failed is a status, not an error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogoutError {
    /// Another message.
    #[error("the message is a {found}, not a LogoutResponse")]
    NotAResponse {
        /// Local name of its root, or its kind.
        found: String,
    },
    /// Another message.
    #[error("the message is a {found}, not a LogoutRequest")]
    NotARequest {
        /// Local name of its root, or its kind.
        found: String,
    },
    /// The query or form carries no message.
    #[error(transparent)]
    Carrier(#[from] RedirectError),
    /// The message was refused.
    #[error(transparent)]
    Inbound(#[from] InboundError),
}

impl LogoutError {
    /// The number under which administrators of AD FS look this up (ws-federation.md 12.4).
    pub const fn number(&self) -> &'static str {
        match self {
            Self::NotAResponse { .. } | Self::NotARequest { .. } | Self::Carrier(_) => "MSIS7046",
            Self::Inbound(InboundError::Signature(_)) => "MSIS0038",
            Self::Inbound(_) => "MSIS7054",
        }
    }
}

/// How long a message may be under way, as AD FS has it (`SamlMessageDeliveryWindow`).
pub(super) const MESSAGE_LIFETIME: std::time::Duration = std::time::Duration::from_mins(5);
