//! `samlp:LogoutRequest` of a partner: it wants a session ended that rests on its word (saml-core 3.7.1, saml-profiles 4.4).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::logout::{LogoutError, MESSAGE_LIFETIME, common};
use super::redirect::{Parameter, RedirectError, RedirectMessage};
use crate::claims::Text;
use crate::clock::UtcTime;
use crate::tokens::NameIdentifier;
use crate::tokens::inbound::{Delivery, InboundError, Limit, Partner, subject_name};
use crate::xml::namespace::{SAML2, SAML2_PROTOCOL};
use crate::xml::verify::{Policy, SignedElement, verify_enveloped};
use crate::xml::{Document, Element};

/// A message as the browser brought it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// By the redirect binding: the raw query.
    Query(String),
    /// By the POST binding: the form field with the message.
    Form(String),
}

/// What a partner asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedLogout {
    /// Its identifier, for the answer.
    pub id: String,
    /// After this it says nothing any more.
    pub until: UtcTime,
    /// The subject.
    pub name_identifier: NameIdentifier,
    /// The sessions at the partner; empty for all of the subject's.
    pub session_indexes: Vec<Text>,
}

/// Who says that it sent a message. Nothing is known of it yet: it tells whose keys to verify with.
///
/// # Errors
/// [`LogoutError`].
pub fn claimed_issuer(message: &Carried) -> Result<String, LogoutError> {
    let octets = match message {
        Carried::Query(query) => RedirectMessage::parse(query)?.octets,
        Carried::Form(value) => decode(value)?,
    };
    let document = Document::parse(&octets, &Policy::STRICT.limits).map_err(InboundError::from)?;
    let issuer = document.root().child_text(SAML2, "Issuer").map_err(InboundError::from)?;
    Ok(issuer.ok_or(InboundError::Missing { element: "LogoutRequest", what: "Issuer" })?.to_owned())
}

/// Whether a form field holds the answer to a logout request; any other message is for others to read.
pub fn is_logout_response(value: &str) -> bool {
    let Ok(octets) = decode(value) else { return false };
    Document::parse(&octets, &Policy::STRICT.limits)
        .is_ok_and(|document| document.root().is(SAML2_PROTOCOL, "LogoutResponse"))
}

/// Verifies a request and reads it.
///
/// # Errors
/// [`LogoutError`].
pub fn receive(
    message: &Carried,
    partner: &Partner<'_>,
    delivery: &Delivery<'_>,
) -> Result<ReceivedLogout, LogoutError> {
    match message {
        Carried::Query(query) => {
            let message = RedirectMessage::parse(query)?;
            if message.parameter != Parameter::Request {
                return Err(LogoutError::NotARequest { found: String::from("response") });
            }
            message.verify(partner.keys, &partner.policy()).map_err(InboundError::from)?;
            // The query's signature covers the octets whole.
            let document = Document::parse(&message.octets, &partner.policy().limits).map_err(InboundError::from)?;
            read(document.root(), partner, delivery)
        }
        Carried::Form(value) => {
            let path = [(SAML2_PROTOCOL, "LogoutRequest")];
            let element = SignedElement { path: &path, id_attribute: "ID", root_may_be_signed: false };
            let verified = verify_enveloped(&decode(value)?, &element, partner.keys, &partner.policy());
            let verified = verified.map_err(InboundError::from)?;
            read(verified.document().map_err(InboundError::from)?.root(), partner, delivery)
        }
    }
}

fn read(
    request: Element<'_, '_>,
    partner: &Partner<'_>,
    delivery: &Delivery<'_>,
) -> Result<ReceivedLogout, LogoutError> {
    if !request.is(SAML2_PROTOCOL, "LogoutRequest") {
        return Err(LogoutError::NotARequest { found: request.local().to_owned() });
    }
    let issued = common(request, partner, delivery)?;
    let mut until = issued.plus(MESSAGE_LIFETIME);
    if let Some(text) = request.attribute("NotOnOrAfter") {
        let end = UtcTime::from_xml(text)
            .map_err(|_| InboundError::Value { what: "NotOnOrAfter", value: text.to_owned() })?;
        if end.plus(delivery.skew) <= delivery.now {
            return Err(InboundError::TooLate { limit: Limit::Conditions, at: end }.into());
        }
        until = until.min(end);
    }
    let missing = |what| InboundError::Missing { element: "LogoutRequest", what };
    let id = request.attribute("ID").filter(|id| !id.is_empty()).ok_or_else(|| missing("ID"))?;
    let name = subject_name(request, "LogoutRequest", partner.decryption_keys)?;
    let mut session_indexes = Vec::new();
    for index in request.children_named(SAML2_PROTOCOL, "SessionIndex").take(MAX_SESSIONS) {
        session_indexes.push(Text::from(index.text().map_err(InboundError::from)?.trim()));
    }
    Ok(ReceivedLogout {
        id: id.to_owned(),
        until: until.plus(delivery.skew),
        name_identifier: name.ok_or_else(|| missing("NameID"))?,
        session_indexes,
    })
}

fn decode(value: &str) -> Result<Vec<u8>, LogoutError> {
    let text: String = value.split_ascii_whitespace().collect();
    Ok(BASE64.decode(text).map_err(|_| RedirectError::Base64)?)
}

/// Sessions that one request may name.
const MAX_SESSIONS: usize = 100;
