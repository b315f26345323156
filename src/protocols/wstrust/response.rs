//! Answers of the WS-Trust endpoints: the token, or a fault (ws-federation.md 3.4, 3.8).
//!
//! No white space between elements: some clients take the first child of `RequestedSecurityToken`, others cut the token out
//! as text.

use std::time::Duration;

use crate::clock::UtcTime;
use crate::protocols::names;
use crate::protocols::rstr::{self, References, security, utility};
use crate::protocols::soap::{self, Header, must_understand, soap};
use crate::protocols::trust_endpoint::{TrustEndpoint, Version};
use crate::tokens::IssuedToken;
use crate::xml::{Attribute, Name, WriteError, Writer};

use super::fault::TrustFault;

/// What an answer repeats of its request, so that the client knows which it answers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// `wsa:MessageID`.
    pub message_id: Option<&'a str>,
    /// `RequestSecurityToken/@Context` (WS-Trust 1.3, 3.1).
    pub context: Option<&'a str>,
}

/// Writes the answer that carries `token`.
///
/// # Errors
/// [`WriteError`] when the relying party's identifier, the message id or the context has a character that XML cannot carry.
pub fn token_response(
    endpoint: TrustEndpoint,
    asked: &Asked<'_>,
    applies_to: &str,
    token: &IssuedToken,
    now: UtcTime,
) -> Result<Vec<u8>, WriteError> {
    let version = endpoint.version;
    let header = Header { action: version.response_action(), relates_to: asked.message_id };
    let response =
        |writer: &mut Writer| rstr::response(writer, version, applies_to, token, References::Written, asked.context);
    let security =
        |writer: &mut Writer| if endpoint.credential.is_mixed() { security_header(writer, now) } else { Ok(()) };
    soap::envelope(token.bytes.len() + 4096, &header, security, |writer| match version {
        Version::February2005 => response(writer),
        Version::Trust13 => {
            let collection = Name::new("trust", version.namespace(), "RequestSecurityTokenResponseCollection");
            writer.element(&collection, &[], response)
        }
    })
}

/// Writes a fault.
///
/// # Errors
/// [`WriteError`] when a text taken from the request has a character that XML cannot carry.
pub fn fault_response(
    endpoint: TrustEndpoint,
    relates_to: Option<&str>,
    fault: &TrustFault,
) -> Result<Vec<u8>, WriteError> {
    let text = fault.text(endpoint.version);
    let header = Header { action: soap::FAULT_ACTION, relates_to };
    let misunderstood = |writer: &mut Writer| match fault {
        TrustFault::MustUnderstand { namespace, local } => not_understood(writer, namespace, local),
        _ => Ok(()),
    };
    soap::envelope(1024, &header, misunderstood, |writer| {
        writer.element(&soap("Fault"), &[], |writer| {
            writer.element(&soap("Code"), &[], |writer| {
                writer.leaf(&soap("Value"), &[], &format!("s:{}", text.code))?;
                let Some((namespace, local)) = text.subcode else { return Ok(()) };
                writer.element(&soap("Subcode"), &[], |writer| {
                    // The prefix stands in the value; clients cut it off at the colon.
                    writer.leaf_with_value_prefixes(&soap("Value"), &[], &[("t", namespace)], &format!("t:{local}"))
                })
            })?;
            writer.element(&soap("Reason"), &[], |writer| {
                writer.leaf(&soap("Text"), &[Attribute::new(XML_LANG, "en-US")], &text.reason)
            })
        })
    })
}

/// SOAP 1.2 part 1, 5.4.8: names the block as a qualified name whose prefix is declared here.
fn not_understood(writer: &mut Writer, namespace: &str, local: &str) -> Result<(), WriteError> {
    let name = format!("q:{local}");
    let attributes = [Attribute::plain("qname", name.as_str())];
    writer.element_with_value_prefixes(&soap("NotUnderstood"), &attributes, &[("q", namespace)], |_| Ok(()))
}

fn security_header(writer: &mut Writer, now: UtcTime) -> Result<(), WriteError> {
    writer.element(&security("Security"), &[must_understand()], |writer| {
        let id = Attribute::new(Name::new("u", names::UTILITY, "Id"), "_0");
        writer.element(&utility("Timestamp"), &[id], |writer| {
            writer.leaf(&utility("Created"), &[], &now.to_xml())?;
            writer.leaf(&utility("Expires"), &[], &now.plus(TIMESTAMP_VALIDITY).to_xml())
        })
    })
}

const XML_LANG: Name = Name::new("xml", "http://www.w3.org/XML/1998/namespace", "lang");
/// How long an answer's `Timestamp` is good, as WCF writes it.
const TIMESTAMP_VALIDITY: Duration = Duration::from_mins(5);
