//! Assertions that partners issue: verified, decrypted where they are encrypted, read and checked.
//!
//! The one way in for every protocol: [`receive`] takes the whole message as it came and where in it the assertion stands.
//! What is read are the canonical octets of the element whose signature was verified, never the message. The assertion must be
//! signed itself; the message around it may be signed too and then counts as well (see design.md 4, "Incoming XML
//! signatures"). There is one assertion in a message, counted wherever they could hide.
//!
//! Knows assertions and keys. Knows nothing of how a message travelled, of trusts' files, or of what a claim is worth: that is
//! for the acceptance rules to say ([`InboundAssertion::to_claims`] is their input).

mod attributes;
mod claims;
mod conditions;
mod error;
mod keys;
mod name;
mod open;
pub mod openid;
mod reading;
mod saml11;
mod saml2;

use std::time::Duration;

use super::{NameIdentifier, TokenType};
use crate::claims::Text;
use crate::clock::UtcTime;
use crate::keys::DecryptionKey;
use crate::store::{FirstUse, OneTime, Purpose, TokenId};
use crate::xml::verify::{Policy, VerificationKeys};

pub use error::{InboundError, Limit};
pub use keys::signing_keys;
pub(crate) use name::subject_name;
pub use open::{Carrier, Received, receive};

/// What is known of the partner, and of this server towards it.
#[derive(Debug, Clone, Copy)]
pub struct Partner<'a> {
    /// The partner's identifier: entity id of SAML 2.0, issuer of SAML 1.1. Compared octet by octet; becomes the issuer of
    /// every claim.
    pub identifier: &'a str,
    /// Keys of the certificates it signs with, such as [`signing_keys`] gives.
    pub keys: &'a VerificationKeys,
    /// Identifiers of this server, one of which the assertion must be for.
    pub audiences: &'a [&'a str],
    /// Token-decryption keys, the primary first.
    pub decryption_keys: &'a [&'a DecryptionKey],
    /// Whether the trust allows SHA-1 in signatures and digests.
    pub sha1: bool,
    /// Whether the trust allows AES-CBC where no signature covers the ciphertext, as AD FS sends it by default.
    pub unvouched_cbc: bool,
}

impl Partner<'_> {
    pub(crate) const fn policy(&self) -> Policy {
        if self.sha1 { Policy::LEGACY } else { Policy::STRICT }
    }
}

/// Where and when an assertion arrived.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// The address it was sent to, as partners know it.
    pub recipient: &'a str,
    /// The request it must answer; `None` when none was sent, and then it may name none.
    pub in_response_to: Option<&'a str>,
    /// The profile that carries it.
    pub profile: Profile,
    /// Now.
    pub now: UtcTime,
    /// How far the partner's clock may be from ours.
    pub skew: Duration,
}

/// What the profile demands of an assertion beyond its own standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// SAML 2.0 web browser SSO (saml-profiles 4.1.4.2): the assertion is one of SAML 2.0, its bearer confirmation names
    /// recipient and end, and there is an authentication statement.
    WebSso,
    /// WS-Federation passive: recipient and request are compared where they are named.
    Passive,
}

/// What a partner says of a subject; verified and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundAssertion {
    /// Identifier of the assertion.
    pub id: Text,
    /// SAML 1.1 or 2.0.
    pub token_type: TokenType,
    /// The partner's identifier.
    pub issuer: Text,
    /// The subject's name; in a logout request it must be sent back as it stands.
    pub name_identifier: Option<NameIdentifier>,
    /// The attributes in order.
    pub attributes: Vec<InboundAttribute>,
    /// How and when the subject authenticated.
    pub authentication: Option<InboundAuthentication>,
    /// End of the assertion: the earliest of all ends that it names, without skew.
    pub not_on_or_after: UtcTime,
    /// Names of attributes with values that hold elements instead of text, which no claim can carry. They are left out.
    pub unreadable: Vec<Text>,
}

/// An attribute of an assertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundAttribute {
    /// Claim type: `Name` of SAML 2.0, namespace and name of SAML 1.1 joined by `/`.
    pub claim_type: Text,
    /// `NameFormat`; SAML 2.0 only.
    pub name_format: Option<Text>,
    /// `FriendlyName`; SAML 2.0 only.
    pub friendly_name: Option<Text>,
    /// The values in order.
    pub values: Vec<InboundValue>,
}

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundValue {
    /// The text as it stands.
    pub text: Text,
    /// URI of its XML Schema type.
    pub value_type: Text,
}

/// How and when the subject authenticated at the partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundAuthentication {
    /// URI of the method (SAML 1.1) or of the context class (SAML 2.0).
    pub method: Text,
    /// When.
    pub instant: UtcTime,
    /// The session at the partner, for logout requests; SAML 2.0 only.
    pub session_index: Option<Text>,
    /// When a session that rests on it must end; SAML 2.0 only.
    pub session_not_on_or_after: Option<UtcTime>,
}

/// An assertion that may have been used before. [`Unredeemed::redeem`] is the only way to what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "an assertion is good once"]
pub struct Unredeemed {
    assertion: InboundAssertion,
    until: UtcTime,
}

impl Unredeemed {
    fn new(assertion: InboundAssertion, skew: Duration) -> Self {
        let until = assertion.not_on_or_after.plus(skew);
        Self { assertion, until }
    }

    /// Uses the assertion. Its identifier is remembered, with the partner's, until no skew makes it valid any more.
    ///
    /// # Errors
    /// [`InboundError::Replayed`] for every use but the first; [`InboundError::Store`].
    pub async fn redeem(self, store: &dyn OneTime) -> Result<InboundAssertion, InboundError> {
        let Self { assertion, until } = self;
        // No identifier of XML holds a line end, so no two pairs make one text.
        let id = TokenId::new(&format!("{}\n{}", assertion.id, assertion.issuer))
            .map_err(|_| InboundError::Missing { element: "Assertion", what: "identifier of a sane length" })?;
        match store.redeem(Purpose::Assertion, &id, until).await? {
            FirstUse::First => Ok(assertion),
            FirstUse::Repeated => Err(InboundError::Replayed { id: assertion.id.to_string() }),
        }
    }
}
