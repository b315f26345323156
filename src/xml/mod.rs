//! XML: the one parser, the one writer, signatures made and signatures checked.
//!
//! Unsigned input is read by [`reader`] only. Signed input passes the reject-only [`scan`] and the strict [`verify`]; what
//! comes out are the canonical octets of the verified element, and those are read by [`reader`] again. Output is written by [`writer`], whose octets are canonical as they stand,
//! and signed by [`signature`].
//!
//! Knows XML, Namespaces, Exclusive Canonicalization and XML Signature; knows nothing of SOAP, SAML or who is trusted.

pub mod namespace;
pub mod reader;
pub mod scan;
pub mod signature;
pub mod verify;
pub mod writer;

mod syntax;

pub use reader::{Comments, Document, Element, Limits, ReadError};
pub(crate) use syntax::is_ncname;
#[cfg(test)]
pub(crate) use syntax::is_text;

pub use signature::{KeyInfoForm, SignatureError, sign_enveloped};
pub use writer::{Attribute, CanonicalXml, Name, WriteError, Writer};
