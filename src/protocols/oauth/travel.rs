//! What codes and refresh tokens carry, sealed: who signed in, from where, for what. Rules are asked again when a token is
//! made, so that what was permitted once is not permitted for good.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::authn::{PackedSession, RequestOrigin, SessionRef, SsoSession};
use crate::clock::{Random, RandomError, UtcTime};
use crate::tokens::sealed::SealPurpose;

/// A sign-in on its way from one request of a client to the next.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SignedIn {
    #[serde(rename = "s")]
    session: PackedSession,
    /// End of the session, and of every refresh token that comes of it.
    #[serde(rename = "u")]
    pub(super) until: UtcTime,
    /// Where the person was.
    #[serde(rename = "o")]
    pub(super) origin: RequestOrigin,
    /// The resource.
    #[serde(rename = "r")]
    pub(super) resource: String,
    /// The scopes that were granted.
    #[serde(rename = "c")]
    pub(super) scopes: Vec<String>,
    /// All tokens that come of one sign-in, to be revoked together.
    #[serde(rename = "f")]
    pub(super) family: SessionRef,
    /// Whether the client got it on behalf of the person, whom it has never seen itself.
    #[serde(rename = "b", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) on_behalf: bool,
}

/// An authorization code.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Code {
    /// What it is redeemed for.
    #[serde(flatten)]
    pub(super) signed_in: SignedIn,
    /// Its own id.
    #[serde(rename = "i")]
    pub(super) id: Uuid,
    /// Where it was sent to.
    #[serde(rename = "a")]
    pub(super) redirect_uri: String,
    /// `code_challenge` of method `S256`.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub(super) challenge: Option<String>,
    /// `nonce`
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub(super) nonce: Option<String>,
}

/// A refresh token.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Refresh {
    /// What it yields tokens for.
    #[serde(flatten)]
    pub(super) signed_in: SignedIn,
    /// Its own id.
    #[serde(rename = "i")]
    pub(super) id: Uuid,
}

impl SignedIn {
    /// A sign-in that begins a family of its own.
    pub(super) fn begin(
        session: &SsoSession,
        origin: RequestOrigin,
        resource: String,
        scopes: Vec<String>,
        random: &dyn Random,
    ) -> Result<Self, RandomError> {
        Ok(Travelled::begin(origin, resource, scopes, random)?.again(session))
    }

    /// The session, and the rest.
    pub(super) fn unpack(self) -> Option<(SsoSession, Travelled)> {
        let Self { session, until, origin, resource, scopes, family, on_behalf } = self;
        Some((session.unpack(until)?, Travelled { origin, resource, scopes, family, on_behalf }))
    }
}

/// A sign-in that arrived, without its session.
#[derive(Debug, Clone)]
pub(super) struct Travelled {
    /// Where the person was.
    pub(super) origin: RequestOrigin,
    /// The resource.
    pub(super) resource: String,
    /// The scopes that were granted.
    pub(super) scopes: Vec<String>,
    /// The family.
    pub(super) family: SessionRef,
    /// Whether the client got it on behalf of the person.
    pub(super) on_behalf: bool,
}

impl Travelled {
    /// What begins a family of its own.
    pub(super) fn begin(
        origin: RequestOrigin,
        resource: String,
        scopes: Vec<String>,
        random: &dyn Random,
    ) -> Result<Self, RandomError> {
        Ok(Self { origin, resource, scopes, family: SessionRef::random(random)?, on_behalf: false })
    }

    /// What goes on travelling.
    pub(super) fn again(&self, session: &SsoSession) -> SignedIn {
        SignedIn {
            session: PackedSession::from(session),
            until: session.until,
            origin: self.origin.clone(),
            resource: self.resource.clone(),
            scopes: self.scopes.clone(),
            family: self.family.clone(),
            on_behalf: self.on_behalf,
        }
    }
}

/// A fresh id.
pub(super) fn fresh_id(random: &dyn Random) -> Result<Uuid, RandomError> {
    Ok(SessionRef::random(random)?.0)
}

/// A code; bound to the client.
pub(super) const CODE: SealPurpose<'static> = SealPurpose::new("oauth_code");
/// A refresh token; bound to the client.
pub(super) const REFRESH: SealPurpose<'static> = SealPurpose::new("oauth_refresh_token");
/// In front of a refresh token: some clients take a token without a dot for base64 of something else.
pub(super) const REFRESH_PREFIX: &str = "0.";
