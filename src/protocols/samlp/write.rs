//! What all messages to a partner share: the root element, the issuer, the place of the signature, the POST form's value.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::clock::UtcTime;
use crate::tokens::{SignError, SignatureAlgorithm, SigningKey, TokenId};
use crate::xml::namespace::{SAML2, SAML2_PROTOCOL};
use crate::xml::{Attribute, KeyInfoForm, Name, SignatureError, WriteError, Writer, sign_enveloped};

/// What every message says of itself.
#[derive(Debug, Clone)]
pub struct Header<'a> {
    /// Its identifier.
    pub id: &'a TokenId,
    /// When it is made.
    pub issue_instant: UtcTime,
    /// The partner's address it is sent to.
    pub destination: &'a str,
    /// This server's identifier.
    pub issuer: &'a str,
}

/// Whether the message has a signature of its own. Messages of the redirect binding have none: their query is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Enveloped {
    Signed,
    Unsigned,
}

/// A message: the root `local` with `attributes` beside those of the header, the issuer, and `content`.
pub(super) fn message(
    local: &'static str,
    header: &Header<'_>,
    attributes: &[Attribute<'_>],
    enveloped: Enveloped,
    content: impl FnOnce(&mut Writer) -> Result<(), WriteError>,
) -> Result<Writer, WriteError> {
    let issued = header.issue_instant.to_xml();
    let mut all = vec![
        Attribute::plain("ID", header.id.as_str()),
        Attribute::plain("Version", "2.0"),
        Attribute::plain("IssueInstant", &issued),
        Attribute::plain("Destination", header.destination),
    ];
    all.extend_from_slice(attributes);
    let mut writer = Writer::with_capacity(4 << 10);
    writer.element(&protocol(local), &all, |writer| {
        writer.leaf(&saml("Issuer"), &[], header.issuer)?;
        if enveloped == Enveloped::Signed {
            writer.signature_here()?;
        }
        content(writer)
    })?;
    Ok(writer)
}

/// The signed message as a form carries it: base64 of the octets.
pub(super) async fn sign(
    writer: Writer,
    id: &TokenId,
    key: &SigningKey,
    algorithm: SignatureAlgorithm,
) -> Result<String, EncodeError> {
    let unsigned = writer.finish_for_signature()?;
    let signed = sign_enveloped(unsigned, id.as_str(), key, algorithm, KeyInfoForm::Prefixed).await?;
    Ok(BASE64.encode(signed))
}

pub(super) const fn protocol(local: &'static str) -> Name {
    Name::new("samlp", SAML2_PROTOCOL, local)
}

pub(super) const fn saml(local: &'static str) -> Name {
    Name::new("saml", SAML2, local)
}

/// Why a message could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// It could not be signed.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The query could not be signed.
    #[error(transparent)]
    Key(#[from] SignError),
}
