//! Strict verification of XML signatures (token-signing-lab.md 3.6).
//!
//! A small profile instead of the standard: what is not exactly as expected is refused before any cryptography. The engine
//! is bergshamra; its verdict is necessary, not sufficient. Each reference is resolved here, the element it names is
//! canonicalised again, its digest compared again, and **those octets are what the caller gets**: what was verified and what
//! is read are the same bytes. Keys never come from a message unless the caller asks for the certificate and judges it.
//!
//! Knows signatures and keys; knows nothing of issuers, audiences, times or replay.

mod enveloped;
mod keys;
mod profile;
mod security_header;
#[cfg(test)]
mod tests;
mod tree;

use super::reader::{Document, Limits, ReadError};
use super::scan::ScanError;

pub use enveloped::{SignedElement, VerifiedPair, verify_enveloped, verify_with_root};
pub use keys::{KeyError, VerificationKeys};
pub use security_header::{MessageSignature, verify_security_header};

/// What a caller allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Bounds of the document.
    pub limits: Limits,
    /// Whether RSA-SHA1 signatures and SHA-1 digests are accepted; only where a partner's trust says so.
    pub sha1: bool,
}

impl Policy {
    /// SHA-2 only, within [`Limits::SIGNED`].
    pub const STRICT: Self = Self { limits: Limits::SIGNED, sha1: false };

    /// As [`Policy::STRICT`], with SHA-1 as well.
    pub const LEGACY: Self = Self { limits: Limits::SIGNED, sha1: true };
}

/// The canonical octets of an element whose signature was verified, its signature left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedXml {
    octets: Vec<u8>,
    limits: Limits,
}

impl VerifiedXml {
    /// The octets that were signed.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The element, read from those octets.
    ///
    /// # Errors
    /// [`ReadError`]; does not happen for octets within the limits they were verified under.
    pub fn document(&self) -> Result<Document<'_>, ReadError> {
        Document::parse(&self.octets, &self.limits)
    }
}

/// Why a signature was refused. For the audit log; the outside gets one answer for all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The document does not pass the scan.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The engine's parser refuses what the scan let pass.
    #[error("the signature engine cannot read the document: {0}")]
    Engine(String),
    /// An element that must be there is not.
    #[error("{parent} has no {element}")]
    Missing {
        /// Where it was looked for.
        parent: String,
        /// Its local name.
        element: String,
    },
    /// An element that must stand once stands more than once.
    #[error("{parent} has more than one {element}")]
    Repeated {
        /// Where.
        parent: String,
        /// Its local name.
        element: String,
    },
    /// The document has signatures in other places than those that are verified.
    #[error("the document has {found} signatures where {expected} are expected")]
    StraySignature {
        /// How many there are.
        found: usize,
        /// How many stand in their place.
        expected: usize,
    },
    /// Two elements have the same identifier.
    #[error("the identifier {id} is used twice")]
    DuplicateId {
        /// The identifier.
        id: String,
    },
    /// The element to be verified has no usable identifier.
    #[error("{element} has no identifier that is a name")]
    NoId {
        /// Its local name.
        element: String,
    },
    /// The signature has content, an attribute or text that the profile does not know.
    #[error("{element} of the signature is not as the profile wants it: {reason}")]
    Structure {
        /// Local name of the element.
        element: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// An algorithm that is not allowed.
    #[error("the algorithm {uri} is not allowed for {element}")]
    Algorithm {
        /// Local name of the element that names it.
        element: String,
        /// Its URI.
        uri: String,
    },
    /// A reference does not point to the element it must point to.
    #[error("the reference {uri} does not point to an element that may be signed here")]
    Reference {
        /// Its URI.
        uri: String,
    },
    /// An element that must be signed is not.
    #[error("{element} is not signed")]
    NotCovered {
        /// Its local name.
        element: &'static str,
    },
    /// The key in the message is named in a way that is not supported, or cannot be found.
    #[error("the signing certificate cannot be found: {reason}")]
    TokenReference {
        /// What is wrong.
        reason: &'static str,
    },
    /// The key is not fit to verify with.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The signature or a digest does not verify.
    #[error("the signature is not valid: {reason}")]
    Invalid {
        /// The engine's words.
        reason: String,
    },
}
