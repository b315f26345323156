//! XML: the one parser, the one writer, signatures made and signatures checked.
//!
//! Unsigned input is read by [`reader`] only. Output is written by [`writer`], whose octets are canonical as they stand,
//! and signed by [`signature`].
//!
//! Knows XML, Namespaces, Exclusive Canonicalization and XML Signature; knows nothing of SOAP, SAML or who is trusted.

pub mod namespace;
pub mod reader;
pub mod signature;
pub mod writer;

mod syntax;

pub use reader::{Comments, Document, Element, Limits, ReadError};
pub(crate) use syntax::is_ncname;

pub use signature::{KeyInfoForm, SignatureError, sign_enveloped};
pub use writer::{Attribute, CanonicalXml, Name, WriteError, Writer};
