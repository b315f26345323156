//! Why metadata was refused.

use super::Side;
use crate::clock::UtcTime;
use crate::xml::ReadError;
use crate::xml::verify::VerifyError;

/// Why metadata was refused; the text is for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartnerMetadataError {
    /// Not XML as this server reads it, or without an element it must have.
    #[error("the metadata cannot be read: {0}")]
    Read(#[from] ReadError),
    /// The signature that the trust demands is missing or wrong.
    #[error("the signature of the metadata was refused: {0}")]
    Signature(#[from] VerifyError),
    /// Another document.
    #[error("the document is {found}, not SAML metadata")]
    NotMetadata {
        /// Local name of its root.
        found: String,
    },
    /// The entity that is wanted is not in it.
    #[error("the metadata does not describe {wanted}")]
    NoSuchEntity {
        /// Its entity id.
        wanted: String,
    },
    /// It is in it more than once.
    #[error("the metadata describes {wanted} {count} times")]
    SeveralEntities {
        /// Its entity id; `an entity` when any was wanted.
        wanted: String,
        /// How often.
        count: usize,
    },
    /// A required attribute is not there.
    #[error("{element} has no {attribute}")]
    Missing {
        /// Local name of the element.
        element: &'static str,
        /// The attribute.
        attribute: &'static str,
    },
    /// A value that is not what its place demands.
    #[error("{what} is not valid: {value}")]
    Value {
        /// What.
        what: &'static str,
        /// It, cut off after 200 characters.
        value: String,
    },
    /// An address that no browser may be sent to.
    #[error(
        "{url} is no address a browser may be sent to; it must be absolute, by https, without user name and fragment"
    )]
    Url {
        /// It, cut off after 200 characters.
        url: String,
    },
    /// More of something than is taken.
    #[error("the metadata has more than {limit} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many are taken.
        limit: usize,
    },
    /// It has no role that this server can use.
    #[error("the metadata of {entity} describes no {} of SAML 2.0 or WS-Federation", .side.describe())]
    NoRole {
        /// The entity.
        entity: String,
        /// What it should be.
        side: Side,
    },
    /// A role without a certificate to verify with, or to encrypt to where it wants that.
    #[error("a role of {entity} has no usable certificate{}", .unusable.first().map(|why| format!(": {why}")).unwrap_or_default())]
    NoCertificate {
        /// The entity.
        entity: String,
        /// Why those it has cannot be used.
        unusable: Vec<String>,
    },
    /// It says itself that it is over.
    #[error("the metadata was valid until {until}")]
    Expired {
        /// Its end.
        until: UtcTime,
    },
}

impl Side {
    const fn describe(self) -> &'static str {
        match self {
            Self::ClaimsProvider => "identity provider",
            Self::RelyingParty => "service provider",
        }
    }
}
