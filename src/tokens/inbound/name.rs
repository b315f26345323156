//! The name identifier of a subject, in the clear or encrypted (saml-core 2.2.3, 2.2.4).

use super::InboundError;
use super::reading::{non_empty, text_of};
use crate::claims::Text;
use crate::keys::DecryptionKey;
use crate::tokens::NameIdentifier;
use crate::tokens::decryption::{self, Ciphertext};
use crate::xml::namespace::SAML2;
use crate::xml::verify::Policy;
use crate::xml::{Document, Element};

/// The name in a verified element, which holds one or none; `parent` is the element's local name. Whatever is encrypted there is
/// covered by the signature that was verified.
pub(crate) fn subject_name(
    element: Element<'_, '_>,
    parent: &'static str,
    keys: &[&DecryptionKey],
) -> Result<Option<NameIdentifier>, InboundError> {
    let plain = element.only_child(SAML2, "NameID")?;
    match (plain, element.only_child(SAML2, "EncryptedID")?) {
        (Some(name), None) => read(name).map(Some),
        (None, Some(encrypted)) => {
            let octets = decryption::open(encrypted, keys, Ciphertext::Vouched)?;
            decrypted(octets.expose()).map(Some).map_err(|_| InboundError::Undecryptable)
        }
        (Some(_), Some(_)) => {
            Err(InboundError::Unsupported { parent, element: String::from("EncryptedID beside NameID") })
        }
        (None, None) => Ok(None),
    }
}

/// What was encrypted must be a name; an assertion or a name of another kind is none.
fn decrypted(octets: &[u8]) -> Result<NameIdentifier, InboundError> {
    let document = Document::parse(octets, &Policy::STRICT.limits)?;
    let name = document.root();
    if !name.is(SAML2, "NameID") {
        return Err(InboundError::Missing { element: "EncryptedID", what: "NameID" });
    }
    read(name)
}

fn read(name: Element<'_, '_>) -> Result<NameIdentifier, InboundError> {
    Ok(NameIdentifier {
        value: Text::from(non_empty(name, "NameID")?),
        format: text_of(name, "Format"),
        name_qualifier: text_of(name, "NameQualifier"),
        sp_name_qualifier: text_of(name, "SPNameQualifier"),
    })
}
