//! Why a token could not be made.

use crate::xml::{SignatureError, WriteError};

/// Why a token could not be made. Claim types are the operator's own rules' and may be shown; values are not held.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The rules issued more than one name identifier.
    #[error("{count} name identifier claims were issued; a token has one subject")]
    SeveralNameIdentifiers {
        /// How many.
        count: usize,
    },
    /// The rules issued two different `issuerid` claims.
    #[error("two different issuerid claims were issued: {first} and {second}")]
    ConflictingIssuers {
        /// The first value.
        first: String,
        /// The first one that differs.
        second: String,
    },
    /// The `authenticationinstant` claim is no `xs:dateTime` with a time zone.
    #[error("the authenticationinstant claim is not a date and time: {value}")]
    AuthenticationInstant {
        /// Its value.
        value: String,
    },
    /// A SAML 1.1 attribute needs a namespace and a name, and the claim type has no `/` to part them.
    #[error("the claim type {claim_type} cannot be a SAML 1.1 attribute: it needs text on both sides of its last '/'")]
    ClaimTypeWithoutNamespace {
        /// The claim type.
        claim_type: String,
    },
    /// A value type that is not of the form `namespace#name`.
    #[error("the claim {claim_type} has the value type {value_type}, which is not of the form namespace#name")]
    ValueType {
        /// The claim type.
        claim_type: String,
        /// The value type.
        value_type: String,
    },
    /// A claim holds a character that XML does not allow.
    #[error("the claim {claim_type} holds U+{:04X}, which XML does not allow", u32::from(*character))]
    IllegalCharacter {
        /// The claim type.
        claim_type: String,
        /// The character.
        character: char,
    },
    /// There is nothing to state: no attribute and no authentication.
    #[error("the token would state nothing: neither an attribute nor an authentication")]
    NoStatement,
    /// The XML could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The assertion could not be encrypted to the relying party.
    #[error(transparent)]
    Encryption(#[from] super::encryption::EncryptionError),
    /// The signature could not be made.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// A rule issued a claim whose name in a JSON Web Token is one that the server itself says.
    #[error("the claim type {claim_type} would replace a member of the JSON Web Token that only the server may set")]
    ReservedMember {
        /// The claim type.
        claim_type: String,
    },
    /// The JSON could not be written.
    #[error("the JSON Web Token could not be written: {0}")]
    Json(String),
    /// The key could not sign a JSON Web Token.
    #[error(transparent)]
    Sign(#[from] super::SignError),
}

impl TokenError {
    /// A write error of a claim's value, with the claim named.
    pub(super) fn of_claim(error: WriteError, claim_type: &str) -> Self {
        match error {
            WriteError::IllegalCharacter { character, .. } => {
                Self::IllegalCharacter { claim_type: claim_type.to_owned(), character }
            }
            other => Self::Write(other),
        }
    }
}
