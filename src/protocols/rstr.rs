//! The response that carries a token, `RequestSecurityTokenResponse`: WS-Trust puts it into a SOAP envelope, WS-Federation
//! into a form (ws-federation.md 3.4, 6.3).
//!
//! No white space between elements: some clients take the first child of `RequestedSecurityToken`, others cut the token out
//! as text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::protocols::names;
use crate::protocols::soap;
use crate::protocols::trust_endpoint::Version;
use crate::tokens::{IssuedToken, TokenType};
use crate::xml::{Attribute, Name, WriteError, Writer};

/// Whether the response says how messages refer to the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum References {
    /// As active clients want it.
    Written,
    /// As in a browser's form, where no message follows.
    Absent,
}

/// Writes the response. `context` is what the request called itself, by which its client finds the answer.
///
/// # Errors
/// [`WriteError`] when the relying party's identifier has a character that XML cannot carry.
pub(super) fn response(
    writer: &mut Writer,
    version: Version,
    applies_to: &str,
    token: &IssuedToken,
    references: References,
    context: Option<&str>,
) -> Result<(), WriteError> {
    let prefix = match version {
        Version::February2005 => "t",
        Version::Trust13 => "trust",
    };
    let trust = |local| Name::new(prefix, version.namespace(), local);
    let context = context.map(|context| Attribute::plain("Context", context));
    writer.element(&trust("RequestSecurityTokenResponse"), context.as_slice(), |writer| {
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
        writer.element(&trust("RequestedSecurityToken"), &[], |writer| requested_token(writer, token))?;
        if references == References::Written {
            for local in ["RequestedAttachedReference", "RequestedUnattachedReference"] {
                writer.element(&trust(local), &[], |writer| token_reference(writer, token))?;
            }
        }
        writer.leaf(
            &trust("TokenType"),
            &[],
            match token.token_type {
                TokenType::Saml11 => names::SAML11_TYPE,
                TokenType::Saml2 => names::SAML2_TYPE,
                TokenType::Jwt => names::JWT_TYPE,
            },
        )?;
        writer.leaf(&trust("RequestType"), &[], version.issue_request_type())?;
        writer.leaf(&trust("KeyType"), &[], version.bearer_key_type())
    })
}

/// An assertion as it is; a JSON Web Token inside a `BinarySecurityToken`, base64 over its compact form, as WCF writes it.
fn requested_token(writer: &mut Writer, token: &IssuedToken) -> Result<(), WriteError> {
    if let Some(assertion) = token.as_xml() {
        return writer.embed(assertion);
    }
    let attributes = [
        Attribute::new(utility("Id"), token.id.as_str()),
        Attribute::plain("ValueType", names::JWT_TYPE),
        Attribute::plain("EncodingType", names::BASE64_BINARY),
    ];
    writer.leaf(&security("BinarySecurityToken"), &attributes, &STANDARD.encode(&token.bytes))
}

fn token_reference(writer: &mut Writer, token: &IssuedToken) -> Result<(), WriteError> {
    let (profile, value_type) = match token.token_type {
        TokenType::Saml11 => (names::SAML11_PROFILE, names::SAML_ASSERTION_ID),
        TokenType::Saml2 => (names::SAML2_PROFILE, names::SAML2_ID),
        TokenType::Jwt => {
            // No profile gives such a token a key identifier; it is referred to by the id of its element.
            let place = format!("#{}", token.id);
            let reference = [Attribute::plain("URI", &place), Attribute::plain("ValueType", names::JWT_TYPE)];
            return writer.element(&security("SecurityTokenReference"), &[], |writer| {
                writer.leaf(&security("Reference"), &reference, "")
            });
        }
    };
    let token_type = Attribute::new(Name::new("k", names::SECURITY_11, "TokenType"), profile);
    writer.element(&security("SecurityTokenReference"), &[token_type], |writer| {
        writer.leaf(&security("KeyIdentifier"), &[Attribute::plain("ValueType", value_type)], token.id.as_str())
    })
}

/// A name of WS-Security.
pub(super) const fn security(local: &'static str) -> Name {
    Name::new("o", names::SECURITY, local)
}

/// A name of the WS-Security utility schema.
pub(super) const fn utility(local: &'static str) -> Name {
    Name::new("u", names::UTILITY, local)
}
