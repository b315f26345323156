//! XML: the one parser, the one writer, signatures made and signatures checked.
//!
//! Unsigned input is read by [`reader`] only.
//!
//! Knows XML, Namespaces, Exclusive Canonicalization and XML Signature; knows nothing of SOAP, SAML or who is trusted.

pub mod namespace;
pub mod reader;

mod syntax;

pub use reader::{Comments, Document, Element, Limits, ReadError};
