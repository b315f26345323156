//! SOAP 1.2 with WS-Addressing 1.0: the envelope around answers, for every protocol that speaks it.

use crate::xml::{Attribute, Name, WriteError, Writer};

/// SOAP 1.2 envelope, the only version these endpoints speak.
pub const SOAP: &str = "http://www.w3.org/2003/05/soap-envelope";
/// SOAP 1.1 envelope; known only to refuse it properly.
pub const SOAP_11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// WS-Addressing 1.0.
pub const ADDRESSING: &str = "http://www.w3.org/2005/08/addressing";
/// `wsa:Action` of every fault.
pub const FAULT_ACTION: &str = "http://www.w3.org/2005/08/addressing/soap/fault";
/// `Content-Type` of every SOAP 1.2 answer.
pub const CONTENT_TYPE: &str = "application/soap+xml; charset=utf-8";

/// Header blocks that every answer has.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    /// `wsa:Action`.
    pub action: &'a str,
    /// `wsa:MessageID` of the request, for `wsa:RelatesTo`.
    pub relates_to: Option<&'a str>,
}

/// Writes an envelope: the common header blocks, then those of `blocks`, then the content of the body.
///
/// # Errors
/// [`WriteError`] when a text has a character that XML cannot carry.
pub fn envelope(
    capacity: usize,
    header: &Header<'_>,
    blocks: impl FnOnce(&mut Writer) -> Result<(), WriteError>,
    body: impl FnOnce(&mut Writer) -> Result<(), WriteError>,
) -> Result<Vec<u8>, WriteError> {
    let mut writer = Writer::with_capacity(capacity);
    writer.element(&soap("Envelope"), &[], |writer| {
        writer.element(&soap("Header"), &[], |writer| {
            writer.leaf(&addressing("Action"), &[must_understand()], header.action)?;
            if let Some(relates_to) = header.relates_to {
                writer.leaf(&addressing("RelatesTo"), &[], relates_to)?;
            }
            blocks(writer)
        })?;
        writer.element(&soap("Body"), &[], body)
    })?;
    writer.finish()
}

/// A name of the SOAP envelope.
pub const fn soap(local: &'static str) -> Name {
    Name::new("s", SOAP, local)
}

/// A name of WS-Addressing.
pub const fn addressing(local: &'static str) -> Name {
    Name::new("a", ADDRESSING, local)
}

/// `s:mustUnderstand="1"`.
pub fn must_understand() -> Attribute<'static> {
    Attribute::new(soap("mustUnderstand"), "1")
}
