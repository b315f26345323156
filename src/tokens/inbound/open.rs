//! From a message to the assertion in it.

use super::claims::is_reserved;
use super::conditions::Check;
use super::{Delivery, InboundError, Partner, Profile, Unredeemed, saml2, saml11};
use crate::tokens::AssertionVersion;
use crate::tokens::decryption::{self, Ciphertext};
use crate::xml::namespace::{ENCRYPTION, SAML2, SAML11, SIGNATURE};
use crate::xml::verify::{SignedElement, VerifiedXml, verify_enveloped, verify_with_root};
use crate::xml::{Document, Element};

/// Where in a message the assertion stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carrier<'a> {
    /// Namespace and local name of each element from the root to the one that holds the assertion.
    pub path: &'a [(&'a str, &'a str)],
    /// Whether the root may be signed beside the assertion.
    pub root_may_be_signed: bool,
}

/// An assertion out of a message.
#[derive(Debug)]
pub struct Received {
    /// The assertion, verified and checked.
    pub assertion: Unredeemed,
    /// The message's root element, when it was signed: read what else it says from here.
    pub root: Option<VerifiedXml>,
}

/// Takes the one assertion out of a message, and verifies, decrypts, reads and checks it.
///
/// # Errors
/// [`InboundError`].
pub fn receive(
    message: &[u8],
    carrier: &Carrier<'_>,
    partner: &Partner<'_>,
    delivery: &Delivery<'_>,
) -> Result<Received, InboundError> {
    if is_reserved(partner.identifier) {
        return Err(InboundError::ReservedIdentifier { identifier: partner.identifier.to_owned() });
    }
    let limits = partner.policy().limits;
    // This reading says where to look. Nothing of it is believed.
    let document = Document::parse(message, &limits)?;
    only_one(&document)?;
    let found = held(holder(&document, carrier)?)?;
    let check = Check { partner, delivery };
    match found {
        Held::Plain(kind) => {
            let path: Vec<_> = carrier.path.iter().copied().chain([kind.name()]).collect();
            let element = SignedElement {
                path: &path,
                id_attribute: kind.id_attribute(),
                root_may_be_signed: carrier.root_may_be_signed,
            };
            let verified = verify_with_root(message, &element, partner.keys, &partner.policy())?;
            let assertion = read(&verified.element, kind, &check)?;
            Ok(Received { assertion, root: verified.root })
        }
        Held::Encrypted => {
            let root = verified_root(message, &document, carrier, partner)?;
            let assertion = match &root {
                Some(root) => {
                    let document = root.document()?;
                    only_one(&document)?;
                    decrypt(holder(&document, carrier)?, Ciphertext::Vouched, &check)?
                }
                None if partner.unvouched_cbc => decrypt(holder(&document, carrier)?, Ciphertext::Vouched, &check)?,
                None => decrypt(holder(&document, carrier)?, Ciphertext::Unvouched, &check)?,
            };
            Ok(Received { assertion, root })
        }
    }
}

/// The root, when it may be signed and is.
fn verified_root(
    message: &[u8],
    document: &Document<'_>,
    carrier: &Carrier<'_>,
    partner: &Partner<'_>,
) -> Result<Option<VerifiedXml>, InboundError> {
    if !carrier.root_may_be_signed || document.root().child(SIGNATURE, "Signature").is_none() {
        return Ok(None);
    }
    let path = carrier.path.get(..1).unwrap_or_default();
    let element = SignedElement { path, id_attribute: "ID", root_may_be_signed: false };
    Ok(Some(verify_enveloped(message, &element, partner.keys, &partner.policy())?))
}

fn decrypt(holder: Element<'_, '_>, ciphertext: Ciphertext, check: &Check<'_>) -> Result<Unredeemed, InboundError> {
    let encrypted = holder.children().find(|child| is_encrypted(*child));
    let encrypted = encrypted.ok_or_else(|| InboundError::NoAssertion { parent: holder.local().to_owned() })?;
    let partner = check.partner;
    let plain = decryption::open(encrypted, partner.decryption_keys, ciphertext)?;
    // Whoever may alter ciphertext must not learn from the answer what came out of it.
    let verified = verify_plain(plain.expose(), partner).map_err(|_| InboundError::Undecryptable)?;
    read(&verified.0, verified.1, check)
}

/// The assertion in decrypted octets, which is the root there.
fn verify_plain(plain: &[u8], partner: &Partner<'_>) -> Result<(VerifiedXml, Kind), InboundError> {
    let policy = partner.policy();
    let document = Document::parse(plain, &policy.limits)?;
    only_one(&document)?;
    let kind = Kind::of(document.root());
    let kind = kind.ok_or_else(|| InboundError::NoAssertion { parent: String::from("EncryptedData") })?;
    let element = SignedElement { path: &[kind.name()], id_attribute: kind.id_attribute(), root_may_be_signed: false };
    Ok((verify_enveloped(plain, &element, partner.keys, &policy)?, kind))
}

fn read(verified: &VerifiedXml, kind: Kind, check: &Check<'_>) -> Result<Unredeemed, InboundError> {
    // A SAML 1.1 assertion names neither request nor recipient: in a response it could be one that was sent elsewhere.
    if check.delivery.profile == Profile::WebSso && kind.0 == AssertionVersion::Saml11 {
        return Err(InboundError::Unsupported { parent: "Response", element: String::from("assertion of SAML 1.1") });
    }
    let document = verified.document()?;
    let assertion = match kind.0 {
        AssertionVersion::Saml11 => saml11::read(document.root(), check)?,
        AssertionVersion::Saml2 => saml2::read(document.root(), check)?,
    };
    Ok(Unredeemed::new(assertion, check.delivery.skew))
}

/// Refuses a message with more than one assertion, wherever they stand: in advice, in an extension, in a signature.
fn only_one(document: &Document<'_>) -> Result<(), InboundError> {
    let count = document.elements().filter(|element| Kind::of(*element).is_some() || is_wrapper(*element)).count();
    if count > 1 { Err(InboundError::SeveralAssertions { count }) } else { Ok(()) }
}

/// The element that holds the assertion: each step of the path stands once.
fn holder<'d, 'i>(document: &'d Document<'i>, carrier: &Carrier<'_>) -> Result<Element<'d, 'i>, InboundError> {
    let mut element = document.root();
    let missing = || InboundError::NoAssertion { parent: String::from("the document") };
    let ((namespace, local), rest) = carrier.path.split_first().ok_or_else(missing)?;
    if !element.is(namespace, local) {
        return Err(missing());
    }
    for (namespace, local) in rest {
        element = element.required_child(namespace, local)?;
    }
    Ok(element)
}

fn held(holder: Element<'_, '_>) -> Result<Held, InboundError> {
    let mut found = holder.children().filter_map(|child| match Kind::of(child) {
        Some(kind) => Some(Held::Plain(kind)),
        None => is_encrypted(child).then_some(Held::Encrypted),
    });
    let first = found.next().ok_or_else(|| InboundError::NoAssertion { parent: holder.local().to_owned() })?;
    match found.count() {
        0 => Ok(first),
        more => Err(InboundError::SeveralAssertions { count: more + 1 }),
    }
}

enum Held {
    Plain(Kind),
    Encrypted,
}

/// The kind of an assertion that is not encrypted.
#[derive(Clone, Copy)]
struct Kind(AssertionVersion);

impl Kind {
    fn of(element: Element<'_, '_>) -> Option<Self> {
        [AssertionVersion::Saml11, AssertionVersion::Saml2]
            .map(Self)
            .into_iter()
            .find(|kind| element.name() == kind.name())
    }

    const fn name(self) -> (&'static str, &'static str) {
        match self.0 {
            AssertionVersion::Saml11 => (SAML11, "Assertion"),
            AssertionVersion::Saml2 => (SAML2, "Assertion"),
        }
    }

    const fn id_attribute(self) -> &'static str {
        match self.0 {
            AssertionVersion::Saml11 => "AssertionID",
            AssertionVersion::Saml2 => "ID",
        }
    }
}

fn is_wrapper(element: Element<'_, '_>) -> bool {
    element.is(SAML2, "EncryptedAssertion")
}

/// SAML 2.0 wraps encrypted assertions, SAML 1.1 does not.
fn is_encrypted(element: Element<'_, '_>) -> bool {
    is_wrapper(element) || element.is(ENCRYPTION, "EncryptedData")
}
