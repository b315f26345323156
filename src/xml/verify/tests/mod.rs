//! Genuine signatures verify; each published way to forge one, and each construct outside the profile, is refused.
//!
//! Forgeries are made with a real key where that is possible, so that nothing but the check under test can refuse them.

mod enveloped;
mod security_header;
mod wrapping;

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bergshamra::c14n::{C14nMode, canonicalize_doc};
use bergshamra::keys::loader::load_rsa_private_pem;
use bergshamra::xml::{NodeSet, uppsala};
use bergshamra::{DsigContext, KeysManager};

use super::tree::Tree;
use super::*;
use crate::tokens::samples;

/// Certificate and private key of the partner.
static PARTNER: LazyLock<(Vec<u8>, Vec<u8>)> = LazyLock::new(samples::new_certificate);
/// Certificate and private key of somebody else.
static STRANGER: LazyLock<(Vec<u8>, Vec<u8>)> = LazyLock::new(samples::new_certificate);

fn partner_keys() -> VerificationKeys {
    VerificationKeys::from_certificates([&PARTNER.0[..]]).unwrap()
}

/// A `ds:Signature` to be filled in by [`sign`]; by default exactly what the profile wants.
#[derive(Clone)]
struct Template {
    canonicalization: String,
    method: String,
    references: String,
    key_info: String,
    after: String,
}

const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

impl Template {
    fn new(references: String) -> Self {
        Self {
            canonicalization: format!(r#"<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>"#),
            method: String::from(
                r#"<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>"#,
            ),
            references,
            key_info: String::new(),
            after: String::new(),
        }
    }

    fn enveloped(id: &str) -> Self {
        Self::new(reference(&format!("#{id}"), &[ENVELOPED, EXCLUSIVE], SHA256))
    }

    fn xml(&self) -> String {
        let Self { canonicalization, method, references, key_info, after } = self;
        format!(
            "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>{canonicalization}{method}\
             {references}</ds:SignedInfo><ds:SignatureValue></ds:SignatureValue>{key_info}{after}</ds:Signature>"
        )
    }
}

fn reference(uri: &str, transforms: &[&str], digest: &str) -> String {
    let transforms: Vec<_> = transforms.iter().map(|uri| format!(r#"<ds:Transform Algorithm="{uri}"/>"#)).collect();
    format!(
        r#"<ds:Reference URI="{uri}"><ds:Transforms>{}</ds:Transforms><ds:DigestMethod Algorithm="{digest}"/><ds:DigestValue></ds:DigestValue></ds:Reference>"#,
        transforms.concat()
    )
}

/// Fills in digests and signature value with the partner's key.
fn sign(template: &str) -> String {
    sign_with(template, &PARTNER.1)
}

fn sign_with(template: &str, private: &[u8]) -> String {
    let lines: Vec<_> =
        BASE64.encode(private).as_bytes().chunks(64).map(|l| String::from_utf8(l.to_vec()).unwrap()).collect();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
    let mut manager = KeysManager::new();
    manager.add_key(load_rsa_private_pem(pem.as_bytes()).unwrap());
    bergshamra::sign(&DsigContext::new_permissive(manager), template).unwrap()
}

/// The same document with its signature made again as RSA-SHA1, which the engine does not make.
fn with_sha1_signature(document: &str) -> String {
    let sha256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    let document = document.replace(sha256, "http://www.w3.org/2000/09/xmldsig#rsa-sha1");
    let parsed = uppsala::parse(&document).unwrap();
    let node = Tree(&parsed).elements().find(|node| Tree(&parsed).local(*node) == "SignedInfo").unwrap();
    let nodes = NodeSet::tree_without_comments(node, &parsed);
    let octets = canonicalize_doc::<&str>(&parsed, C14nMode::Exclusive, Some(&nodes), &[]).unwrap();
    let key = openssl::pkey::PKey::private_key_from_der(&PARTNER.1).unwrap();
    let mut signer = openssl::sign::Signer::new(openssl::hash::MessageDigest::sha1(), &key).unwrap();
    let value = BASE64.encode(signer.sign_oneshot_to_vec(&octets).unwrap());
    let (before, rest) = document.split_once("<ds:SignatureValue>").unwrap();
    let (_, after) = rest.split_once("</ds:SignatureValue>").unwrap();
    format!("{before}<ds:SignatureValue>{value}</ds:SignatureValue>{after}")
}

/// Cuts `<tag …>…</tag>` out of a document that has it once.
fn cut(document: &str, tag: &str) -> (String, String) {
    let start = document.find(&format!("<{tag} ")).unwrap();
    let close = format!("</{tag}>");
    let end = document.rfind(&close).unwrap() + close.len();
    (document[start..end].to_owned(), format!("{}{}", &document[..start], &document[end..]))
}
