//! Tokens: what is issued, how it is written and signed; what partners issue, how it is verified and read.
//!
//! Knows claims and keys; knows nothing of the protocol that carries a token or of how the subject authenticated.

mod attribute;
pub mod content;
mod decryption;
pub mod encryption;
mod error;
pub mod inbound;
pub mod jwt;
pub mod saml11;
pub mod saml2;
#[cfg(test)]
pub(crate) mod samples;
pub mod sealed;
mod sealing_key;
mod signer;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::clock::{Random, RandomError, UtcTime};
use crate::xml::CanonicalXml;

pub use content::{AssertionContent, AssertionFrame, AuthenticationStatement, BearerConfirmation, NameIdentifier};
pub use error::TokenError;
pub use signer::{KeyId, SignError, Signature, SignatureAlgorithm, SigningKey, TokenSigner};

/// The kinds of token the server issues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenType {
    /// SAML 1.1 assertion, the AD FS default for WS-Trust and WS-Federation.
    Saml11,
    /// SAML 2.0 assertion.
    Saml2,
    /// JSON Web Token.
    Jwt,
}

impl TokenType {
    /// The version of the assertion; `None` for a JSON Web Token.
    pub const fn assertion(self) -> Option<AssertionVersion> {
        match self {
            Self::Saml11 => Some(AssertionVersion::Saml11),
            Self::Saml2 => Some(AssertionVersion::Saml2),
            Self::Jwt => None,
        }
    }

    /// The URI by which WS-Trust and audit events name it.
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Saml11 => "urn:oasis:names:tc:SAML:1.0:assertion",
            Self::Saml2 => "urn:oasis:names:tc:SAML:2.0:assertion",
            Self::Jwt => "urn:ietf:params:oauth:token-type:jwt",
        }
    }
}

/// The versions of a SAML assertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AssertionVersion {
    /// SAML 1.1.
    Saml11,
    /// SAML 2.0.
    Saml2,
}

impl From<AssertionVersion> for TokenType {
    fn from(version: AssertionVersion) -> Self {
        match version {
            AssertionVersion::Saml11 => Self::Saml11,
            AssertionVersion::Saml2 => Self::Saml2,
        }
    }
}

/// Identifier of a token: `_` and a lower-case GUID, a valid XML ID and never reused.
#[derive(Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct TokenId(String);

impl TokenId {
    /// A fresh random identifier.
    ///
    /// # Errors
    /// [`RandomError`] when the random source fails.
    pub fn random(random: &dyn Random) -> Result<Self, RandomError> {
        let mut octets = [0; 16];
        random.fill(&mut octets)?;
        Ok(Self(format!("_{}", uuid::Builder::from_random_bytes(octets).into_uuid().hyphenated())))
    }

    /// The identifier of what a UUID stands for.
    pub fn of(uuid: uuid::Uuid) -> Self {
        Self(format!("_{}", uuid.hyphenated()))
    }

    /// The identifier as it stands in `AssertionID` or `ID`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A finished token.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// Its identifier, also in the audit log.
    pub id: TokenId,
    /// Its kind.
    pub token_type: TokenType,
    /// The token as sent: canonical XML, signed, encrypted when the relying party wants it; or a JSON Web Token in its
    /// compact form.
    pub bytes: Vec<u8>,
    /// Start of validity.
    pub not_before: UtcTime,
    /// End of validity.
    pub not_on_or_after: UtcTime,
    /// Whether `bytes` is an encrypted assertion.
    pub encrypted: bool,
}

impl IssuedToken {
    /// The token encrypted to the relying party, as its trust asks (sign, then encrypt). A JSON Web Token stays as it is: AD FS
    /// encrypts assertions only.
    ///
    /// # Errors
    /// [`TokenError::Encryption`].
    pub fn encrypt(
        self,
        key: &encryption::EncryptionKey,
        cipher: encryption::ContentCipher,
        random: &dyn Random,
    ) -> Result<Self, TokenError> {
        let Some(version) = self.token_type.assertion() else { return Ok(self) };
        let bytes = encryption::encrypt_assertion(&self.bytes, version, key, cipher, random)?;
        Ok(Self { bytes, encrypted: true, ..self })
    }

    /// The assertion as a fragment for the XML that carries it; `None` for a JSON Web Token.
    pub fn as_xml(&self) -> Option<CanonicalXml<'_>> {
        self.token_type.assertion().map(|_| CanonicalXml::from_own_output(&self.bytes))
    }

    /// The compact form of a JSON Web Token; `None` for an assertion.
    pub fn as_jwt(&self) -> Option<&str> {
        if self.token_type == TokenType::Jwt { std::str::from_utf8(&self.bytes).ok() } else { None }
    }
}
