//! The attributes of a SAML 2.0 assertion, in the clear or encrypted one by one (saml-core 2.7.3).

use super::reading::{only_these, required, text_of, values};
use super::{InboundAttribute, InboundError};
use crate::claims::Text;
use crate::keys::DecryptionKey;
use crate::tokens::decryption::{self, Ciphertext};
use crate::xml::namespace::SAML2;
use crate::xml::verify::Policy;
use crate::xml::{Document, Element};

/// Every attribute in a verified assertion, and the names of those of which values were left out. Whatever is encrypted there is
/// covered by the signature that was verified.
pub(super) fn attributes(
    assertion: Element<'_, '_>,
    keys: &[&DecryptionKey],
) -> Result<(Vec<InboundAttribute>, Vec<Text>), InboundError> {
    let mut found = Attributes::default();
    for statement in assertion.children_named(SAML2, "AttributeStatement") {
        only_these(statement, "AttributeStatement", &["Attribute", "EncryptedAttribute"])?;
        for child in statement.children() {
            if child.is(SAML2, "EncryptedAttribute") {
                found.open(child, keys)?;
            } else {
                found.add(child)?;
            }
        }
    }
    Ok((found.read, found.unreadable))
}

#[derive(Default)]
struct Attributes {
    read: Vec<InboundAttribute>,
    unreadable: Vec<Text>,
    encrypted: usize,
}

impl Attributes {
    fn add(&mut self, attribute: Element<'_, '_>) -> Result<(), InboundError> {
        let claim_type = Text::from(required(attribute, "Attribute", "Name")?);
        let (values, left_out) = values(attribute.children_named(SAML2, "AttributeValue"));
        if left_out {
            self.unreadable.push(claim_type.clone());
        }
        self.read.push(InboundAttribute {
            claim_type,
            name_format: text_of(attribute, "NameFormat"),
            friendly_name: text_of(attribute, "FriendlyName"),
            values,
        });
        Ok(())
    }

    /// Each costs operations with our private keys, so there are not any number of them.
    fn open(&mut self, encrypted: Element<'_, '_>, keys: &[&DecryptionKey]) -> Result<(), InboundError> {
        self.encrypted += 1;
        if self.encrypted > MOST_ENCRYPTED {
            let what = format!("more than {MOST_ENCRYPTED} encrypted attributes");
            return Err(InboundError::Encryption { what });
        }
        let octets = decryption::open(encrypted, keys, Ciphertext::Vouched)?;
        self.add_decrypted(octets.expose()).map_err(|_| InboundError::Undecryptable)
    }

    /// What was encrypted must be an attribute; an assertion or a name is none.
    fn add_decrypted(&mut self, octets: &[u8]) -> Result<(), InboundError> {
        let document = Document::parse(octets, &Policy::STRICT.limits)?;
        let attribute = document.root();
        if !attribute.is(SAML2, "Attribute") {
            return Err(InboundError::Missing { element: "EncryptedAttribute", what: "Attribute" });
        }
        self.add(attribute)
    }
}

const MOST_ENCRYPTED: usize = 64;
