//! `samlp:Response` of a partner, by the HTTP POST binding (saml-profiles 4.1.4).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::status::{PartnerStatus, StatusCode};
use crate::clock::UtcTime;
use crate::tokens::inbound::{self, Carrier, Delivery, InboundError, Limit, Partner, Unredeemed};
use crate::xml::namespace::{SAML2, SAML2_PROTOCOL};
use crate::xml::verify::Policy;
use crate::xml::{Document, Element};

/// The octets of the form field `SAMLResponse`.
///
/// # Errors
/// [`ResponseError::Base64`].
pub fn decode_form(value: &str) -> Result<Vec<u8>, ResponseError> {
    // Base64 in forms is often broken into lines.
    let text: String = value.split_ascii_whitespace().collect();
    BASE64.decode(text).map_err(|_| ResponseError::Base64)
}

/// Verifies a response, takes its assertion, and checks both.
///
/// A response that is signed is read from its verified octets. One that is not says nothing that the assertion does not say
/// again; it is compared all the same, so that mistakes show where they are made.
///
/// # Errors
/// [`ResponseError`].
pub fn receive(message: &[u8], partner: &Partner<'_>, delivery: &Delivery<'_>) -> Result<Unredeemed, ResponseError> {
    let unverified = Document::parse(message, &Policy::STRICT.limits).map_err(InboundError::from)?;
    let root = unverified.root();
    if !root.is(SAML2_PROTOCOL, "Response") {
        return Err(ResponseError::NotAResponse { found: root.local().to_owned() });
    }
    // A failure is taken at its word: it gives nobody anything, and is seldom signed.
    success(root)?;
    let received = inbound::receive(message, &CARRIER, partner, delivery)?;
    match &received.root {
        Some(verified) => {
            let document = verified.document().map_err(InboundError::from)?;
            envelope(document.root(), Signed::Yes, partner, delivery)?;
        }
        None => envelope(root, Signed::No, partner, delivery)?,
    }
    Ok(received.assertion)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Signed {
    Yes,
    No,
}

fn success(response: Element<'_, '_>) -> Result<(), ResponseError> {
    let status = PartnerStatus::read(response)?;
    if status.code == StatusCode::Success { Ok(()) } else { Err(ResponseError::Status(status)) }
}

fn envelope(
    response: Element<'_, '_>,
    signed: Signed,
    partner: &Partner<'_>,
    delivery: &Delivery<'_>,
) -> Result<(), ResponseError> {
    success(response)?;
    let value = |what, value: Option<&str>| InboundError::Value { what, value: value.unwrap_or_default().to_owned() };
    match response.attribute("Version") {
        Some("2.0") => {}
        other => return Err(value("Version", other).into()),
    }
    let issued = response.attribute("IssueInstant").and_then(|text| UtcTime::from_xml(text).ok());
    let issued = issued.ok_or_else(|| value("IssueInstant", response.attribute("IssueInstant")))?;
    if issued > delivery.now.plus(delivery.skew) {
        return Err(InboundError::TooEarly { limit: Limit::IssueInstant, at: issued }.into());
    }
    if let Some(issuer) = response.child_text(SAML2, "Issuer").map_err(InboundError::from)?
        && issuer != partner.identifier
    {
        let expected = partner.identifier.to_owned();
        return Err(InboundError::Issuer { found: issuer.to_owned(), expected }.into());
    }
    match response.attribute("Destination") {
        Some(found) if found != delivery.recipient => {
            let (found, expected) = (found.to_owned(), delivery.recipient.to_owned());
            return Err(InboundError::Recipient { found, expected }.into());
        }
        // saml-bindings 3.5.5.2: who signs a message says where it is sent.
        None if signed == Signed::Yes => {
            return Err(InboundError::Missing { element: "Response", what: "Destination" }.into());
        }
        _ => {}
    }
    let found = response.attribute("InResponseTo");
    if found != delivery.in_response_to {
        let owned = |id: Option<&str>| id.map(str::to_owned);
        return Err(InboundError::InResponseTo { found: owned(found), expected: owned(delivery.in_response_to) }.into());
    }
    Ok(())
}

/// Why a response was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// The form field is not base64.
    #[error("SAMLResponse is not base64")]
    Base64,
    /// Another message.
    #[error("the message is a {found}, not a Response")]
    NotAResponse {
        /// Local name of its root.
        found: String,
    },
    /// The partner says that it failed.
    #[error("the partner answers {0}")]
    Status(PartnerStatus),
    /// The assertion, or what surrounds it, was refused.
    #[error(transparent)]
    Inbound(#[from] InboundError),
}

impl ResponseError {
    /// The number under which administrators of AD FS look this up (ws-federation.md 12.4).
    pub const fn number(&self) -> &'static str {
        match self {
            Self::Base64 | Self::NotAResponse { .. } => "MSIS7046",
            Self::Status(PartnerStatus { detail: Some(StatusCode::InvalidNameIdPolicy), .. }) => "MSIS7070",
            Self::Status(PartnerStatus { detail: Some(StatusCode::NoAuthnContext), .. }) => "MSIS7102",
            Self::Status(_) => "MSIS7066",
            Self::Inbound(error) => error.number(),
        }
    }
}

const CARRIER: Carrier<'_> = Carrier { path: &[(SAML2_PROTOCOL, "Response")], root_may_be_signed: true };
