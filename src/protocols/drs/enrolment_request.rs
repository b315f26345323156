//! A SOAP enrolment (MS-DVRE): from octets to a typed request (device-registration.md 6.1).
//!
//! Published messages have line breaks inside their values, so every value is trimmed; an element that decides something
//! stands once.

use super::join_request::decode as base64;
use crate::devices::JoinType;
use crate::devices::enrolment::EnrolmentRequest;
use crate::protocols::{names, soap};
use crate::xml::{Document, Element, Limits, ReadError};

/// A decoded enrolment.
#[derive(Debug)]
pub struct Enrolment {
    /// The compact JSON Web Token, which travels in base64 a second time.
    pub token: String,
    /// What is asked for.
    pub request: EnrolmentRequest,
}

/// Why a message is no enrolment that can be used.
#[derive(Debug, thiserror::Error)]
pub enum EnrolmentError {
    /// Not XML that may be read.
    #[error("XML: {0}")]
    Xml(#[from] ReadError),
    /// Not a SOAP message with one enrolment.
    #[error("not an enrolment: {0}")]
    Shape(&'static str),
    /// Another action, request type, token type or encoding.
    #[error("unsupported {0}")]
    Unsupported(&'static str),
    /// A header block that must be understood and is not.
    #[error("a header block must be understood and is not")]
    MustUnderstand,
}

/// Decodes a message. On an error the message id, if it could be read, is in `message_id`, for the fault's `RelatesTo`.
///
/// # Errors
/// [`EnrolmentError`].
pub fn decode(body: &[u8], limits: &Limits, message_id: &mut Option<String>) -> Result<Enrolment, EnrolmentError> {
    let document = Document::parse(body, limits)?;
    let envelope = document.root();
    if !envelope.is(soap::SOAP, "Envelope") {
        return Err(EnrolmentError::Shape("the root element is no SOAP 1.2 envelope"));
    }
    let header = envelope.required_child(soap::SOAP, "Header")?;
    *message_id = header
        .child_text(soap::ADDRESSING, "MessageID")?
        .map(str::trim)
        .filter(|id| id.len() <= MAX_MESSAGE_ID)
        .map(str::to_owned);
    check_understood(header)?;
    if header.child_text(soap::ADDRESSING, "Action")?.is_some_and(|action| action.trim() != ACTION) {
        return Err(EnrolmentError::Unsupported("Action"));
    }
    let token = token(header.required_child(names::SECURITY, "Security")?)?;
    let body = envelope.required_child(soap::SOAP, "Body")?;
    let mut children = body.children();
    let request = match (children.next(), children.next()) {
        (Some(request), None) if request.is(WS_TRUST, "RequestSecurityToken") => read_request(request)?,
        _ => return Err(EnrolmentError::Shape("the body is not one RequestSecurityToken")),
    };
    Ok(Enrolment { token, request })
}

fn check_understood(header: Element<'_, '_>) -> Result<(), EnrolmentError> {
    for block in header.children() {
        let must = block.attribute_ns(soap::SOAP, "mustUnderstand").map(str::trim);
        let known = block.namespace() == soap::ADDRESSING || block.is(names::SECURITY, "Security");
        if matches!(must, Some("1" | "true")) && !known {
            return Err(EnrolmentError::MustUnderstand);
        }
    }
    Ok(())
}

/// The token in `wsse:Security`.
fn token(security: Element<'_, '_>) -> Result<String, EnrolmentError> {
    let element = security.required_child(names::SECURITY, "BinarySecurityToken")?;
    if attribute(element, "ValueType") != JWT_TYPE {
        return Err(EnrolmentError::Unsupported("ValueType of the security token"));
    }
    let octets = octets(element)?;
    String::from_utf8(octets)
        .ok()
        .filter(|token| token.is_ascii())
        .map(|token| token.trim().to_owned())
        .ok_or(EnrolmentError::Shape("the security token is no text"))
}

fn read_request(request: Element<'_, '_>) -> Result<EnrolmentRequest, EnrolmentError> {
    let text = |local| Ok::<_, ReadError>(request.child_text(WS_TRUST, local)?.unwrap_or_default().trim());
    if text("TokenType")? != TOKEN_TYPE {
        return Err(EnrolmentError::Unsupported("TokenType"));
    }
    if text("RequestType")? != "http://docs.oasis-open.org/ws-sx/ws-trust/200512/Issue" {
        return Err(EnrolmentError::Unsupported("RequestType"));
    }
    let csr = request.required_child(names::SECURITY, "BinarySecurityToken")?;
    if attribute(csr, "ValueType") != CSR_TYPE {
        return Err(EnrolmentError::Unsupported("ValueType of the certificate request"));
    }
    let context = request.required_child(AUTHORIZATION, "AdditionalContext")?;
    Ok(EnrolmentRequest {
        join_type: JoinType::Enrolment,
        display_name: context_item(context, "DeviceDisplayName")?,
        os_type: context_item(context, "DeviceType")?,
        os_version: context_item(context, "ApplicationVersion")?,
        certificate_request: octets(csr)?,
        transport_key: None,
        reuse: false,
    })
}

/// The value of a named item; empty when it is absent, and refused when it stands twice.
fn context_item(context: Element<'_, '_>, name: &str) -> Result<String, EnrolmentError> {
    let mut items = context
        .children_named(AUTHORIZATION, "ContextItem")
        .filter(|item| item.attribute("Name").is_some_and(|own| own.trim() == name));
    let (item, None) = (items.next(), items.next()) else {
        return Err(EnrolmentError::Shape("a ContextItem stands twice"));
    };
    let value = item.map(|item| item.child_text(AUTHORIZATION, "Value")).transpose()?.flatten();
    Ok(value.unwrap_or_default().trim().to_owned())
}

fn octets(element: Element<'_, '_>) -> Result<Vec<u8>, EnrolmentError> {
    // The fragment is spelled with capital and with small letters, even in one message.
    let encoding = attribute(element, "EncodingType");
    if !encoding.is_empty() && !encoding.to_ascii_lowercase().ends_with("#base64binary") {
        return Err(EnrolmentError::Unsupported("EncodingType"));
    }
    base64(element.text()?).ok_or(EnrolmentError::Shape("a BinarySecurityToken is not base64"))
}

fn attribute<'d>(element: Element<'d, '_>, name: &str) -> &'d str {
    element.attribute(name).unwrap_or_default().trim()
}

/// WS-Trust 1.3.
pub(super) const WS_TRUST: &str = "http://docs.oasis-open.org/ws-sx/ws-trust/200512";
/// WS-Federation's authorization namespace, whose context items carry names of the device.
pub(super) const AUTHORIZATION: &str = "http://schemas.xmlsoap.org/ws/2006/12/authorization";
/// The kind of token asked for and given.
pub(super) const TOKEN_TYPE: &str =
    "http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentToken";

const ACTION: &str = "http://schemas.microsoft.com/windows/pki/2009/01/enrollment/RST/wstep";
const JWT_TYPE: &str = "urn:ietf:params:oauth:token-type:jwt";
const CSR_TYPE: &str = "http://schemas.microsoft.com/windows/pki/2009/01/enrollment#PKCS10";
const MAX_MESSAGE_ID: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// With white space where the published message has it.
    const MESSAGE: &str = include_str!("enrolment_request.xml");

    fn with(from: &str, to: &str) -> Result<Enrolment, EnrolmentError> {
        assert!(MESSAGE.contains(from), "{from}");
        decode(MESSAGE.replacen(from, to, 1).as_bytes(), &Limits::SOAP, &mut None)
    }

    #[test]
    fn a_message_of_windows_8_1() {
        let mut message_id = None;
        let Enrolment { token, request } = decode(MESSAGE.as_bytes(), &Limits::SOAP, &mut message_id).unwrap();
        assert_eq!(message_id.as_deref(), Some("urn:uuid:0d5a1441-5891-453b-becf-a2e5f6ea3749"));
        assert_eq!(token, "eyJh.e30.AA");
        assert_eq!(request.certificate_request, b"0\x82");
        assert_eq!((request.join_type, request.transport_key), (JoinType::Enrolment, None));
        assert_eq!((request.display_name.as_str(), request.os_type.as_str()), ("Poste de Zoé", "Windows"));
        assert_eq!(request.os_version, "6.3.9600.0");
    }

    #[test]
    fn what_may_be_absent_or_differ() {
        assert!(with("#Base64Binary", "#base64binary").is_ok());
        assert!(with("<ac:Value>6.3.9600.0</ac:Value>", "").unwrap().request.os_version.is_empty());
        assert!(with("Name=\"DeviceType\"", "Name=\"Other\"").unwrap().request.os_type.is_empty());
    }

    #[test]
    fn what_is_no_enrolment() {
        for (from, to) in [
            ("RST/wstep", "RST/other"),
            ("200512/Issue", "200512/Renew"),
            ("Enrollment/DeviceEnrollmentToken", "Enrollment/Other"),
            ("enrollment#PKCS10", "enrollment#PKCS7"),
            ("token-type:jwt", "token-type:saml2"),
            ("#Base64Binary", "#HexBinary"),
        ] {
            assert!(matches!(with(from, to), Err(EnrolmentError::Unsupported(_))), "{to}");
        }
        for (from, to) in [
            ("ZXlKaC5lMzAuQUE=", "!"),
            ("ZXlKaC5lMzAuQUE=", "gICA"),
            ("Name=\"DeviceType\"", "Name=\"DeviceDisplayName\""),
            ("</s:Body>", "<x/></s:Body>"),
            ("http://www.w3.org/2003/05/soap-envelope", "http://schemas.xmlsoap.org/soap/envelope/"),
        ] {
            assert!(matches!(with(from, to), Err(EnrolmentError::Shape(_))), "{to}");
        }
        let unknown = r#"<x:Other xmlns:x="urn:x" s:mustUnderstand="1"/><wsse:Security "#;
        assert!(matches!(with("<wsse:Security ", unknown), Err(EnrolmentError::MustUnderstand)));
        assert!(matches!(
            with(
                "<s:Header>",
                "<s:Header><wsse:Security xmlns:wsse=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd\"/>"
            ),
            Err(EnrolmentError::Xml(_))
        ));
        assert!(decode(b"<!DOCTYPE x><x/>", &Limits::SOAP, &mut None).is_err());
    }
}
