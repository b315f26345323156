//! Enveloped signatures: assertions, metadata, protocol messages.

use std::collections::HashSet;

use bergshamra::xml::{NodeId, uppsala};

use super::profile::{Signature, Transforms, ask_engine, canonical_octets, read};
use super::tree::Tree;
use super::{Policy, VerificationKeys, VerifiedXml, VerifyError};
use crate::xml::namespace::{METADATA, SAML2, SAML2_PROTOCOL, SAML11, SIGNATURE};
use crate::xml::scan::scan;
use crate::xml::syntax::is_ncname;

/// The element that must be signed: found by a fixed path, each step of which exists exactly once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedElement<'a> {
    /// Namespace and local name of each element from the root to the signed one.
    pub path: &'a [(&'a str, &'a str)],
    /// The attribute, in no namespace, that identifies it.
    pub id_attribute: &'a str,
    /// Whether the root may be signed as well, when it is another element; its signature is then verified too.
    pub root_may_be_signed: bool,
}

impl SignedElement<'static> {
    /// A SAML 1.1 assertion by itself.
    pub const SAML11_ASSERTION: Self = Self::root(&[(SAML11, "Assertion")], "AssertionID");
    /// A SAML 2.0 assertion by itself.
    pub const SAML2_ASSERTION: Self = Self::root(&[(SAML2, "Assertion")], "ID");
    /// Metadata of one entity.
    pub const METADATA: Self = Self::root(&[(METADATA, "EntityDescriptor")], "ID");
    /// The assertion of a SAML 2.0 response, which must be signed itself; the response may be signed beside it.
    pub const RESPONSE_ASSERTION: Self = Self {
        path: &[(SAML2_PROTOCOL, "Response"), (SAML2, "Assertion")],
        id_attribute: "ID",
        root_may_be_signed: true,
    };

    const fn root(path: &'static [(&'static str, &'static str)], id_attribute: &'static str) -> Self {
        Self { path, id_attribute, root_may_be_signed: false }
    }
}

/// Verifies the signature of one element and returns the octets that were signed.
///
/// # Errors
/// [`VerifyError`].
pub fn verify_enveloped(
    input: &[u8],
    element: &SignedElement<'_>,
    keys: &VerificationKeys,
    policy: &Policy,
) -> Result<VerifiedXml, VerifyError> {
    verify_with_root(input, element, keys, policy).map(|verified| verified.element)
}

/// A verified element, with the root around it when that is signed too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedPair {
    /// The element.
    pub element: VerifiedXml,
    /// The root element; `None` when it has no signature, and then nothing of it is verified.
    pub root: Option<VerifiedXml>,
}

/// As [`verify_enveloped`], and returns what was signed of the root as well.
///
/// # Errors
/// [`VerifyError`].
pub fn verify_with_root(
    input: &[u8],
    element: &SignedElement<'_>,
    keys: &VerificationKeys,
    policy: &Policy,
) -> Result<VerifiedPair, VerifyError> {
    let text = scan(input, &policy.limits)?;
    let document = uppsala::parse(text).map_err(|error| VerifyError::Engine(error.to_string()))?;
    let tree = Tree(&document);
    let target = locate(tree, element.path)?;
    let root = tree.root()?;
    unique_ids(tree)?;

    let inner = signature_of(tree, target, element.id_attribute, policy)?
        .ok_or_else(|| VerifyError::Missing { parent: tree.local(target), element: String::from("Signature") })?;
    let outer = if element.root_may_be_signed && target != root {
        signature_of(tree, root, element.id_attribute, policy)?
    } else {
        None
    };
    let mut expected: Vec<(&Signature, &[NodeId])> = vec![(&inner, std::slice::from_ref(&target))];
    expected.extend(outer.as_ref().map(|outer| (outer, std::slice::from_ref(&root))));
    ask_engine(tree, keys, &expected)?;
    let octets_of = |node: NodeId, signature: &Signature| {
        let [reference] = &signature.references[..] else {
            return Err(VerifyError::Structure { element: String::from("SignedInfo"), reason: "number of references" });
        };
        let octets = canonical_octets(tree, node, signature.node, reference)?;
        Ok(VerifiedXml { octets, limits: policy.limits })
    };
    let root = outer.as_ref().map(|outer| octets_of(root, outer)).transpose()?;
    Ok(VerifiedPair { element: octets_of(target, &inner)?, root })
}

/// Follows the path from the root.
fn locate(tree: Tree<'_, '_>, path: &[(&str, &str)]) -> Result<NodeId, VerifyError> {
    let missing = |parent: String, element: &str| VerifyError::Missing { parent, element: element.to_owned() };
    let Some(((namespace, local), rest)) = path.split_first() else {
        return Err(missing(String::from("the path"), "element"));
    };
    let mut node = tree.root()?;
    if !tree.is(node, namespace, local) {
        return Err(missing(String::from("the document"), local));
    }
    for (namespace, local) in rest {
        node = tree.required_child(node, namespace, local)?;
    }
    Ok(node)
}

/// The signature of `element`: its direct child, with one reference to it.
fn signature_of(
    tree: Tree<'_, '_>,
    element: NodeId,
    id_attribute: &str,
    policy: &Policy,
) -> Result<Option<Signature>, VerifyError> {
    let Some(node) = tree.only_child(element, SIGNATURE, "Signature")? else { return Ok(None) };
    let id = tree
        .attribute(element, id_attribute)
        .filter(|id| is_ncname(id))
        .ok_or_else(|| VerifyError::NoId { element: tree.local(element) })?;
    let signature = read(tree, node, Transforms::Enveloped, policy)?;
    let [reference] = &signature.references[..] else {
        return Err(VerifyError::Structure { element: String::from("SignedInfo"), reason: "number of references" });
    };
    if reference.id != id {
        return Err(VerifyError::Reference { uri: format!("#{}", reference.id) });
    }
    Ok(Some(signature))
}

/// Refuses a document in which two elements have one identifier, by any of the names identifiers go by.
pub(super) fn unique_ids(tree: Tree<'_, '_>) -> Result<(), VerifyError> {
    let mut seen = HashSet::new();
    for node in tree.elements() {
        let Some(element) = tree.0.element(node) else { continue };
        for attribute in &element.attributes {
            if ID_NAMES.contains(&&*attribute.name.local_name) && !seen.insert(&*attribute.value) {
                return Err(VerifyError::DuplicateId { id: attribute.value.to_string() });
            }
        }
    }
    Ok(())
}

/// Local names of attributes that identify elements, whatever their namespace.
const ID_NAMES: [&str; 6] = ["ID", "Id", "id", "AssertionID", "RequestID", "ResponseID"];
