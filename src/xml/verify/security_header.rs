//! Signatures in a WS-Security header made with an X.509 certificate, as clients of `certificatemixed` make them
//! (ws-federation.md 3.6): over the timestamp and the addressing headers, TLS protecting the rest.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bergshamra::xml::{NodeId, uppsala};

use super::enveloped::unique_ids;
use super::profile::{Transforms, ask_engine, canonical_octets, read};
use super::tree::Tree;
use super::{Policy, VerificationKeys, VerifiedXml, VerifyError};
use crate::xml::namespace::{ADDRESSING, SECURITY, SIGNATURE, SOAP12, UTILITY};
use crate::xml::scan::scan;

/// A message signed with a certificate. The certificate proves nothing until the caller has judged its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageSignature {
    /// DER of the certificate whose key signed.
    pub certificate: Vec<u8>,
    /// `wsu:Timestamp`, always signed.
    pub timestamp: VerifiedXml,
    /// `wsa:To`; when the message has one it is signed.
    pub to: Option<VerifiedXml>,
    /// The body, when it is signed. When not, TLS alone protects it.
    pub body: Option<VerifiedXml>,
    /// The signature's octets, to recognise a repetition.
    pub value: Vec<u8>,
}

/// Verifies the one signature of a SOAP 1.2 message's security header.
///
/// The signing certificate is the `BinarySecurityToken` the signature refers to, or the one that `by_thumbprint` finds for
/// the SHA-1 thumbprint it names.
///
/// # Errors
/// [`VerifyError`].
pub fn verify_security_header(
    input: &[u8],
    policy: &Policy,
    by_thumbprint: &dyn Fn(&[u8]) -> Option<Vec<u8>>,
) -> Result<MessageSignature, VerifyError> {
    let text = scan(input, &policy.limits)?;
    let document = uppsala::parse(text).map_err(|error| VerifyError::Engine(error.to_string()))?;
    let tree = Tree(&document);
    let envelope = tree.root()?;
    if !tree.is(envelope, SOAP12, "Envelope") {
        return Err(VerifyError::Missing { parent: String::from("the document"), element: String::from("Envelope") });
    }
    let header = tree.required_child(envelope, SOAP12, "Header")?;
    let body = tree.required_child(envelope, SOAP12, "Body")?;
    let security = tree.required_child(header, SECURITY, "Security")?;
    let timestamp = tree.required_child(security, UTILITY, "Timestamp")?;
    let to = tree.only_child(header, ADDRESSING, "To")?;
    let node = tree.required_child(security, SIGNATURE, "Signature")?;
    unique_ids(tree)?;

    let signature = read(tree, node, Transforms::Exclusive, policy)?;
    let token = signature.key_info.ok_or(VerifyError::TokenReference { reason: "there is no KeyInfo" })?;
    let (certificate, token) = find_certificate(tree, security, token, by_thumbprint)?;

    let addressing = tree.children(header).filter(|child| tree.namespace(*child) == Some(ADDRESSING));
    let signable: Vec<NodeId> = addressing.chain([timestamp, body]).chain(token).collect();
    let mut targets = Vec::with_capacity(signature.references.len());
    for reference in &signature.references {
        let target = signable.iter().find(|node| tree.attribute_ns(**node, UTILITY, "Id") == Some(&reference.id));
        match target {
            Some(target) if !targets.contains(target) => targets.push(*target),
            _ => return Err(VerifyError::Reference { uri: format!("#{}", reference.id) }),
        }
    }

    let keys = VerificationKeys::from_certificates([&certificate[..]])?.detached();
    ask_engine(tree, &keys, &[(&signature, &targets)])?;
    let mut covered = Vec::with_capacity(targets.len());
    for (target, reference) in targets.iter().zip(&signature.references) {
        let octets = canonical_octets(tree, *target, signature.node, reference)?;
        covered.push((*target, VerifiedXml { octets, limits: policy.limits }));
    }
    let mut take = |node: NodeId| {
        let at = covered.iter().position(|(covered, _)| *covered == node)?;
        Some(covered.swap_remove(at).1)
    };
    let timestamp = take(timestamp).ok_or(VerifyError::NotCovered { element: "Timestamp" })?;
    let to = match to {
        Some(to) => Some(take(to).ok_or(VerifyError::NotCovered { element: "To" })?),
        None => None,
    };
    Ok(MessageSignature { certificate, timestamp, to, body: take(body), value: signature.value })
}

/// The certificate that `KeyInfo` refers to, and the token it stands in when that is in the header.
fn find_certificate(
    tree: Tree<'_, '_>,
    security: NodeId,
    key_info: NodeId,
    by_thumbprint: &dyn Fn(&[u8]) -> Option<Vec<u8>>,
) -> Result<(Vec<u8>, Option<NodeId>), VerifyError> {
    let unsupported = |reason| VerifyError::TokenReference { reason };
    let only = |node| {
        let mut children = tree.children(node);
        children.next().filter(|_| children.next().is_none())
    };
    let reference = only(key_info)
        .filter(|child| tree.is(*child, SECURITY, "SecurityTokenReference"))
        .and_then(only)
        .ok_or(unsupported("KeyInfo is not one SecurityTokenReference with one child"))?;
    let mut tokens = tree.children_named(security, SECURITY, "BinarySecurityToken");
    if tree.is(reference, SECURITY, "Reference") {
        let id = tree
            .attribute(reference, "URI")
            .and_then(|uri| uri.strip_prefix('#'))
            .ok_or(unsupported("the reference is not to this document"))?;
        let token = tokens
            .find(|token| tree.attribute_ns(*token, UTILITY, "Id") == Some(id))
            .ok_or(unsupported("the header has no such BinarySecurityToken"))?;
        return Ok((certificate_in(tree, token)?, Some(token)));
    }
    if !tree.is(reference, SECURITY, "KeyIdentifier") || tree.attribute(reference, "ValueType") != Some(THUMBPRINT) {
        return Err(unsupported("neither a reference to a BinarySecurityToken nor a SHA-1 thumbprint"));
    }
    if !matches!(tree.attribute(reference, "EncodingType"), None | Some(BASE64_BINARY)) {
        return Err(unsupported("the thumbprint is not in base64"));
    }
    let thumbprint =
        BASE64.decode(tree.text(reference)?.trim()).map_err(|_| unsupported("the thumbprint is not in base64"))?;
    for token in tokens {
        let certificate = certificate_in(tree, token)?;
        if digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &certificate).as_ref() == thumbprint {
            return Ok((certificate, Some(token)));
        }
    }
    let certificate = by_thumbprint(&thumbprint).ok_or(unsupported("no certificate has this thumbprint"))?;
    Ok((certificate, None))
}

/// The certificate in a `BinarySecurityToken`.
fn certificate_in(tree: Tree<'_, '_>, token: NodeId) -> Result<Vec<u8>, VerifyError> {
    let unsupported = |reason| VerifyError::TokenReference { reason };
    if tree.attribute(token, "ValueType") != Some(X509_V3) {
        return Err(unsupported("the BinarySecurityToken is not an X.509 certificate"));
    }
    if !matches!(tree.attribute(token, "EncodingType"), None | Some(BASE64_BINARY)) {
        return Err(unsupported("the BinarySecurityToken is not in base64"));
    }
    let text: String = tree.text(token)?.split_ascii_whitespace().collect();
    BASE64.decode(text).map_err(|_| unsupported("the BinarySecurityToken is not in base64"))
}

const X509_V3: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3";
const BASE64_BINARY: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary";
const THUMBPRINT: &str = "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#ThumbprintSHA1";
