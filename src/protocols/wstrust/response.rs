//! Answers of the WS-Trust endpoints: the token, or a fault (ws-federation.md 3.4, 3.8).
//!
//! No white space between elements: some clients take the first child of `RequestedSecurityToken`, others cut the token out
//! as text.

use std::time::Duration;

use crate::clock::UtcTime;
use crate::protocols::soap::{self, Header, must_understand, soap};
use crate::protocols::trust_endpoint::{TrustEndpoint, Version};
use crate::tokens::{IssuedToken, TokenType};
use crate::xml::{Attribute, Name, WriteError, Writer};

use super::fault::TrustFault;
use super::names;

/// Writes the answer that carries `token`.
///
/// # Errors
/// [`WriteError`] when the relying party's identifier or the message id has a character that XML cannot carry.
pub fn token_response(
    endpoint: TrustEndpoint,
    relates_to: Option<&str>,
    applies_to: &str,
    token: &IssuedToken,
    now: UtcTime,
) -> Result<Vec<u8>, WriteError> {
    let version = endpoint.version;
    let header = Header { action: version.response_action(), relates_to };
    let security =
        |writer: &mut Writer| if endpoint.credential.is_mixed() { security_header(writer, now) } else { Ok(()) };
    soap::envelope(token.bytes.len() + 4096, &header, security, |writer| match version {
        Version::February2005 => response(writer, version, applies_to, token),
        Version::Trust13 => {
            let collection = Name::new("trust", version.namespace(), "RequestSecurityTokenResponseCollection");
            writer.element(&collection, &[], |writer| response(writer, version, applies_to, token))
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

fn response(writer: &mut Writer, version: Version, applies_to: &str, token: &IssuedToken) -> Result<(), WriteError> {
    let prefix = match version {
        Version::February2005 => "t",
        Version::Trust13 => "trust",
    };
    let trust = |local| Name::new(prefix, version.namespace(), local);
    writer.element(&trust("RequestSecurityTokenResponse"), &[], |writer| {
        writer.element(&trust("Lifetime"), &[], |writer| {
            writer.leaf(&utility("Created"), &[], &token.not_before.to_xml())?;
            writer.leaf(&utility("Expires"), &[], &token.not_on_or_after.to_xml())
        })?;
        let policy = |local| Name::new("wsp", names::POLICY, local);
        writer.element(&policy("AppliesTo"), &[], |writer| {
            let address = |local| Name::new("wsa", soap::ADDRESSING, local);
            writer
                .element(&address("EndpointReference"), &[], |writer| writer.leaf(&address("Address"), &[], applies_to))
        })?;
        writer.element(&trust("RequestedSecurityToken"), &[], |writer| writer.embed(token.as_xml()))?;
        for local in ["RequestedAttachedReference", "RequestedUnattachedReference"] {
            writer.element(&trust(local), &[], |writer| token_reference(writer, token))?;
        }
        writer.leaf(
            &trust("TokenType"),
            &[],
            match token.token_type {
                TokenType::Saml11 => names::SAML11_TYPE,
                TokenType::Saml2 => names::SAML2_TYPE,
            },
        )?;
        writer.leaf(&trust("RequestType"), &[], version.issue_request_type())?;
        writer.leaf(&trust("KeyType"), &[], version.bearer_key_type())
    })
}

fn token_reference(writer: &mut Writer, token: &IssuedToken) -> Result<(), WriteError> {
    let (profile, value_type) = match token.token_type {
        TokenType::Saml11 => (names::SAML11_PROFILE, names::SAML_ASSERTION_ID),
        TokenType::Saml2 => (names::SAML2_PROFILE, names::SAML2_ID),
    };
    let token_type = Attribute::new(Name::new("k", names::SECURITY_11, "TokenType"), profile);
    writer.element(&security("SecurityTokenReference"), &[token_type], |writer| {
        writer.leaf(&security("KeyIdentifier"), &[Attribute::plain("ValueType", value_type)], token.id.as_str())
    })
}

const fn security(local: &'static str) -> Name {
    Name::new("o", names::SECURITY, local)
}

const fn utility(local: &'static str) -> Name {
    Name::new("u", names::UTILITY, local)
}

const XML_LANG: Name = Name::new("xml", "http://www.w3.org/XML/1998/namespace", "lang");
/// How long an answer's `Timestamp` is good, as WCF writes it.
const TIMESTAMP_VALIDITY: Duration = Duration::from_mins(5);
