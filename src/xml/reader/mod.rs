//! The hardened XML parser: untrusted octets become a small immutable tree, or an error.
//!
//! Every protocol decoder reads XML through this module and through nothing else, so no two parts of the server can see
//! different documents in the same octets. There is no DTD, no processing instruction, no entity beyond the five predefined
//! ones, nothing outside the root element, no encoding but UTF-8; names are compared by namespace URI and local name. Text
//! of an element is always the concatenation of all its pieces (a comment or a CDATA section in the middle cuts nothing).
//!
//! Tokenising is quick-xml's; well-formedness beyond tags, namespaces, attribute syntax and limits are checked here.

mod attributes;
mod error;
mod parse;
mod tree;

#[cfg(test)]
mod tests;

pub use error::ReadError;
pub use tree::{Children, Document, Element};

/// How much XML is accepted. All counts are upper bounds, inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Size of the document in octets.
    pub octets: usize,
    /// Nesting of elements; the root is at depth 1.
    pub depth: usize,
    /// Number of elements.
    pub elements: usize,
    /// Number of attributes of one element, namespace declarations included.
    pub attributes: usize,
    /// Number of namespace declarations in scope at any place.
    pub declarations: usize,
    /// Size in octets of one name (prefix, colon and local part).
    pub name: usize,
    /// What happens to comments.
    pub comments: Comments,
}

impl Limits {
    /// SOAP requests: 1 MiB, depth 64, 2000 elements, comments ignored.
    pub const SOAP: Self = Self {
        octets: 1 << 20,
        depth: 64,
        elements: 2000,
        attributes: 64,
        declarations: 256,
        name: 256,
        comments: Comments::Ignore,
    };

    /// Signed input and canonical octets of a verified element: 256 KiB, depth 32, 2000 elements, comments refused.
    pub const SIGNED: Self = Self { octets: 256 << 10, depth: 32, comments: Comments::Refuse, ..Self::SOAP };

    /// Federation metadata from configuration: 4 MiB, 50,000 elements, comments ignored.
    pub const METADATA: Self = Self { octets: 4 << 20, elements: 50_000, ..Self::SOAP };
}

/// What the parser does with comments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comments {
    /// A comment is an error.
    Refuse,
    /// A comment is as if it were not there; the text around it is one text.
    Ignore,
}
