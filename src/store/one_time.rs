//! What may be used once.

use std::fmt;

use aws_lc_rs::digest;

use super::StoreError;
use crate::clock::UtcTime;

/// Remembers what has been used.
#[async_trait::async_trait]
pub trait OneTime: Send + Sync {
    /// Uses `id` for `purpose`, and remembers that until `until`, after which what it identifies is no longer valid anyway.
    ///
    /// Of any number of concurrent calls with the same purpose and id, one is told [`FirstUse::First`].
    ///
    /// # Errors
    /// [`StoreError::Expired`] when `until` has passed, [`StoreError::Full`] when nothing more can be remembered,
    /// [`StoreError::Unavailable`]. In every case the caller refuses the use.
    async fn redeem(&self, purpose: Purpose, id: &TokenId, until: UtcTime) -> Result<FirstUse, StoreError>;

    /// Uses the first of `ids` that nobody has used, as by [`OneTime::redeem`], in one question. [`FirstUse::Repeated`] when all
    /// were used.
    ///
    /// # Errors
    /// As [`OneTime::redeem`].
    async fn redeem_one_of(&self, purpose: Purpose, ids: &[TokenId], until: UtcTime) -> Result<FirstUse, StoreError>;
}

/// Whether a use was the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a repeated use must be refused"]
pub enum FirstUse {
    /// Go on.
    First,
    /// Somebody used it before: refuse, and for codes revoke what the first use yielded.
    Repeated,
}

/// What an identifier is used for. The same text for two purposes is two identifiers; each purpose has its own room, so that
/// a flood of one does not stop another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// An OAuth authorization code.
    AuthorizationCode,
    /// A nonce that this server gave out.
    Nonce,
    /// The id of an assertion that a claims provider or client sent.
    Assertion,
    /// The signature of a signed request (certificatemixed) with its message id.
    RequestSignature,
    /// The signature of a request with a primary refresh token.
    PrimaryRefreshTokenRequest,
    /// A SAML artifact.
    Artifact,
    /// A step of a sign-in in progress.
    SignInStep,
    /// One of the places for requests of devices that an address has.
    DeviceCodeRequest,
    /// One of the user codes that a person may enter in a while.
    DeviceCodeEntry,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 9] = [
        Self::AuthorizationCode,
        Self::Nonce,
        Self::Assertion,
        Self::RequestSignature,
        Self::PrimaryRefreshTokenRequest,
        Self::Artifact,
        Self::SignInStep,
        Self::DeviceCodeRequest,
        Self::DeviceCodeEntry,
    ];

    /// Its name in a database and in metrics; never changes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::Nonce => "nonce",
            Self::Assertion => "assertion",
            Self::RequestSignature => "request_signature",
            Self::PrimaryRefreshTokenRequest => "primary_refresh_token_request",
            Self::Artifact => "artifact",
            Self::SignInStep => "sign_in_step",
            Self::DeviceCodeRequest => "device_code_request",
            Self::DeviceCodeEntry => "device_code_entry",
        }
    }
}

/// The identifier of something that may be used once, as its SHA-256: of one size whatever a client sends, and useless to a
/// reader of the store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId([u8; 32]);

impl TokenId {
    /// The identifier `text`, compared octet by octet.
    ///
    /// # Errors
    /// [`TokenIdError`] for an empty text or one of more than [`TokenId::MAX_OCTETS`].
    pub fn new(text: &str) -> Result<Self, TokenIdError> {
        Self::from_octets(text.as_bytes())
    }

    /// The identifier made of octets, such as a signature value.
    ///
    /// # Errors
    /// As [`TokenId::new`].
    pub fn from_octets(octets: &[u8]) -> Result<Self, TokenIdError> {
        if octets.is_empty() || octets.len() > Self::MAX_OCTETS {
            return Err(TokenIdError(octets.len()));
        }
        let mut id = [0; 32];
        for (to, from) in id.iter_mut().zip(digest::digest(&digest::SHA256, octets).as_ref()) {
            *to = *from;
        }
        Ok(Self(id))
    }

    /// Longest identifier in octets.
    pub const MAX_OCTETS: usize = 8192;

    /// The identifier with this SHA-256.
    pub(super) const fn from_digest(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The SHA-256 of the identifier.
    pub const fn as_octets(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// A text that identifies nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an identifier has between 1 and 8192 octets, not {0}")]
pub struct TokenIdError(pub usize);
