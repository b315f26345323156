//! The profile of `ds:Signature`: which elements, attributes and algorithms it may have, and nothing else.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bergshamra::c14n::{C14nMode, canonicalize_doc};
use bergshamra::xml::{NodeId, NodeSet};
use bergshamra::{VerifyResult, dsig};

use super::tree::Tree;
use super::{Policy, VerificationKeys, VerifyError};
use crate::xml::namespace::{EXCLUSIVE_C14N, SECURITY, SIGNATURE};
use crate::xml::syntax::is_ncname;

/// A signature that has the form the profile wants; nothing is verified yet.
pub(super) struct Signature {
    pub(super) node: NodeId,
    pub(super) references: Vec<Reference>,
    pub(super) value: Vec<u8>,
    pub(super) key_info: Option<NodeId>,
}

/// One reference.
pub(super) struct Reference {
    /// What follows `#` in its URI.
    pub(super) id: String,
    prefixes: Vec<String>,
    digest: &'static digest::Algorithm,
    value: Vec<u8>,
}

/// The transforms each reference must have, exactly.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Transforms {
    /// Enveloped signature, then exclusive canonicalization.
    Enveloped,
    /// Exclusive canonicalization.
    Exclusive,
}

/// Reads a signature, refusing whatever the profile does not know.
pub(super) fn read(
    tree: Tree<'_, '_>,
    node: NodeId,
    transforms: Transforms,
    policy: &Policy,
) -> Result<Signature, VerifyError> {
    tree.strict(node, &["Id"])?;
    only_these(tree, node, &["SignedInfo", "SignatureValue", "KeyInfo"])?;
    let signed_info = tree.required_child(node, SIGNATURE, "SignedInfo")?;
    let value = tree.required_child(node, SIGNATURE, "SignatureValue")?;
    tree.strict_leaf(value)?;
    let key_info = tree.only_child(node, SIGNATURE, "KeyInfo")?;
    if let Some(key_info) = key_info {
        check_key_info(tree, key_info)?;
    }

    tree.strict(signed_info, &[])?;
    only_these(tree, signed_info, &["CanonicalizationMethod", "SignatureMethod", "Reference"])?;
    let canonicalization = tree.required_child(signed_info, SIGNATURE, "CanonicalizationMethod")?;
    expect_algorithm(tree, canonicalization, EXCLUSIVE_C14N)?;
    inclusive_prefixes(tree, canonicalization)?;
    let method = tree.required_child(signed_info, SIGNATURE, "SignatureMethod")?;
    tree.no_children(method)?;
    let uri = algorithm(tree, method)?;
    let allowed = SIGNATURE_METHODS.contains(&uri) || (policy.sha1 && uri == RSA_SHA1);
    if !allowed {
        return Err(refused(tree, method, uri));
    }

    let references: Vec<NodeId> = tree.children_named(signed_info, SIGNATURE, "Reference").collect();
    if references.is_empty() || references.len() > MAX_REFERENCES {
        return Err(VerifyError::Structure { element: tree.local(signed_info), reason: "number of references" });
    }
    Ok(Signature {
        node,
        references: references
            .into_iter()
            .map(|reference| read_reference(tree, reference, transforms, policy))
            .collect::<Result<_, _>>()?,
        value: base64(tree, value)?,
        key_info,
    })
}

/// Asks the engine about all signatures of the document: they must be the expected ones, valid, and their references
/// resolve to the targets given with each, in order.
pub(super) fn ask_engine(
    tree: Tree<'_, '_>,
    keys: &VerificationKeys,
    expected: &[(&Signature, &[NodeId])],
) -> Result<(), VerifyError> {
    let found = tree.elements().filter(|node| tree.is(*node, SIGNATURE, "Signature")).count();
    if found != expected.len() {
        return Err(VerifyError::StraySignature { found, expected: expected.len() });
    }
    let results = dsig::verify::verify_all_document(keys.context(), tree.0)
        .map_err(|error| VerifyError::Invalid { reason: error.to_string() })?;
    for (signature, targets) in expected {
        let mut reason = String::from("the engine did not look at the signature");
        let bound = results.iter().any(|result| match result {
            VerifyResult::Valid { signature_node, references, .. } if *signature_node == signature.node => {
                reason = String::from("a reference resolved to another element");
                references.len() == targets.len()
                    && references.iter().zip(*targets).all(|(reference, target)| {
                        reference.digest_verified && reference.resolved_node.as_ref() == Some(target)
                    })
            }
            VerifyResult::Valid { .. } => false,
            VerifyResult::Invalid { reason: why } => {
                reason.clone_from(why);
                false
            }
        });
        if !bound {
            return Err(VerifyError::Invalid { reason });
        }
    }
    Ok(())
}

/// Canonical octets of the referenced element, without `signature` when it is inside; their digest is compared again.
pub(super) fn canonical_octets(
    tree: Tree<'_, '_>,
    element: NodeId,
    signature: NodeId,
    reference: &Reference,
) -> Result<Vec<u8>, VerifyError> {
    let nodes =
        NodeSet::tree_without_comments(element, tree.0).subtract(&NodeSet::tree_without_comments(signature, tree.0));
    let octets = canonicalize_doc(tree.0, C14nMode::Exclusive, Some(&nodes), &reference.prefixes)
        .map_err(|error| VerifyError::Engine(error.to_string()))?;
    let digest = digest::digest(reference.digest, &octets);
    if digest.as_ref() != reference.value {
        return Err(VerifyError::Invalid { reason: String::from("the digest of the octets to be read differs") });
    }
    Ok(octets)
}

fn read_reference(
    tree: Tree<'_, '_>,
    node: NodeId,
    expected: Transforms,
    policy: &Policy,
) -> Result<Reference, VerifyError> {
    tree.strict(node, &["URI"])?;
    only_these(tree, node, &["Transforms", "DigestMethod", "DigestValue"])?;
    let uri = tree.attribute(node, "URI").unwrap_or_default();
    let id = uri
        .strip_prefix('#')
        .filter(|id| is_ncname(id))
        .ok_or_else(|| VerifyError::Reference { uri: uri.to_owned() })?;

    let list = tree.required_child(node, SIGNATURE, "Transforms")?;
    tree.strict(list, &[])?;
    only_these(tree, list, &["Transform"])?;
    let transforms: Vec<NodeId> = tree.children(list).collect();
    let exclusive = match (expected, &transforms[..]) {
        (Transforms::Enveloped, [enveloped, exclusive]) => {
            expect_algorithm(tree, *enveloped, ENVELOPED)?;
            tree.no_children(*enveloped)?;
            *exclusive
        }
        (Transforms::Exclusive, [exclusive]) => *exclusive,
        _ => return Err(VerifyError::Structure { element: tree.local(list), reason: "number of transforms" }),
    };
    expect_algorithm(tree, exclusive, EXCLUSIVE_C14N)?;
    let prefixes = inclusive_prefixes(tree, exclusive)?;

    let method = tree.required_child(node, SIGNATURE, "DigestMethod")?;
    tree.no_children(method)?;
    let digest = match algorithm(tree, method)? {
        "http://www.w3.org/2001/04/xmlenc#sha256" => &digest::SHA256,
        "http://www.w3.org/2001/04/xmldsig-more#sha384" => &digest::SHA384,
        "http://www.w3.org/2001/04/xmlenc#sha512" => &digest::SHA512,
        "http://www.w3.org/2000/09/xmldsig#sha1" if policy.sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        other => return Err(refused(tree, method, other)),
    };
    let value = tree.required_child(node, SIGNATURE, "DigestValue")?;
    tree.strict_leaf(value)?;
    Ok(Reference { id: id.to_owned(), prefixes, digest, value: base64(tree, value)? })
}

/// `KeyInfo` may only order the keys that are known; it may not make anybody fetch one.
fn check_key_info(tree: Tree<'_, '_>, key_info: NodeId) -> Result<(), VerifyError> {
    tree.strict(key_info, &["Id"])?;
    for child in tree.children(key_info) {
        let known = ["X509Data", "KeyName", "KeyValue"].iter().any(|name| tree.is(child, SIGNATURE, name))
            || tree.is(child, SECURITY, "SecurityTokenReference");
        if !known {
            return Err(VerifyError::Structure { element: tree.local(child), reason: "not allowed in KeyInfo" });
        }
    }
    Ok(())
}

/// The prefix list of an exclusive canonicalization; absent is empty.
fn inclusive_prefixes(tree: Tree<'_, '_>, node: NodeId) -> Result<Vec<String>, VerifyError> {
    let structure = |reason| VerifyError::Structure { element: tree.local(node), reason };
    let mut children = tree.children(node);
    let Some(list) = children.next() else { return Ok(Vec::new()) };
    if children.next().is_some() || !tree.is(list, EXCLUSIVE_C14N, "InclusiveNamespaces") {
        return Err(structure("unexpected child element"));
    }
    tree.strict(list, &["PrefixList"])?;
    tree.no_children(list)?;
    let prefixes: Vec<String> =
        tree.attribute(list, "PrefixList").unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect();
    if prefixes.len() > MAX_PREFIXES || !prefixes.iter().all(|prefix| prefix == "#default" || is_ncname(prefix)) {
        return Err(structure("prefix list"));
    }
    Ok(prefixes)
}

fn algorithm<'d>(tree: Tree<'d, '_>, node: NodeId) -> Result<&'d str, VerifyError> {
    tree.strict(node, &["Algorithm"])?;
    Ok(tree.attribute(node, "Algorithm").unwrap_or_default())
}

fn expect_algorithm(tree: Tree<'_, '_>, node: NodeId, expected: &str) -> Result<(), VerifyError> {
    let uri = algorithm(tree, node)?;
    if uri == expected { Ok(()) } else { Err(refused(tree, node, uri)) }
}

fn refused(tree: Tree<'_, '_>, node: NodeId, uri: &str) -> VerifyError {
    VerifyError::Algorithm { element: tree.local(node), uri: uri.to_owned() }
}

/// Refuses child elements other than these of XML Signature.
fn only_these(tree: Tree<'_, '_>, node: NodeId, names: &[&str]) -> Result<(), VerifyError> {
    for child in tree.children(node) {
        if !names.iter().any(|name| tree.is(child, SIGNATURE, name)) {
            return Err(VerifyError::Structure { element: tree.local(child), reason: "unexpected element" });
        }
    }
    Ok(())
}

fn base64(tree: Tree<'_, '_>, node: NodeId) -> Result<Vec<u8>, VerifyError> {
    let text: String = tree.text(node)?.split_ascii_whitespace().collect();
    BASE64.decode(text).map_err(|_| VerifyError::Structure { element: tree.local(node), reason: "not base64" })
}

const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
pub(super) const RSA_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
const SIGNATURE_METHODS: [&str; 5] = [
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
];
const MAX_REFERENCES: usize = 12;
const MAX_PREFIXES: usize = 16;
