//! What a primary refresh token holds, and its text.
//!
//! Everything by which a node that never saw the device can serve it: the session key, who the user is, how and when they
//! proved it, and what must still be true. No groups and no claims: those are asked again at each use, and a token must get
//! through headers. The text has a dot in it, because a well-known client takes a text without one for base64 to be decoded.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use uuid::Uuid;
use zeroize::Zeroize as _;

use super::kdf::{KdfVersion, SESSION_KEY_OCTETS, SessionKey};
use super::transport_key::TransportKey;
use crate::authn::{AuthenticationMethod, SessionRef};
use crate::clock::{Random, RandomError, UtcTime};
use crate::devices::{CertificateMark, DeviceId};
use crate::directory::Sid;
use crate::secret::Secret;
use crate::tokens::sealed::{SealError, SealPurpose, Sealer};

/// A primary refresh token, opened.
#[derive(Debug, Clone)]
pub struct PrimaryRefreshToken {
    /// The token itself, for the audit log and the store of used requests.
    pub id: Uuid,
    /// What it and all its renewals are revoked by.
    pub family: SessionRef,
    /// How often it was renewed.
    pub generation: u32,
    /// What the device proves that it has.
    pub session_key: SessionKey,
    /// The oldest key derivation that it is used with: a device that knows version 2 does not go back.
    pub kdf: KdfVersion,
    /// Whose it is.
    pub user: Sid,
    /// The device it was given to.
    pub device: DeviceId,
    /// SHA-1 of the device's certificate; a device that registered again is another.
    pub certificate: [u8; 20],
    /// SHA-256 of the transport key that the session key was wrapped with.
    pub transport_key: [u8; 32],
    /// The broker that asked for it.
    pub client: String,
    /// How the user authenticated, the primary method first.
    pub methods: Vec<AuthenticationMethod>,
    /// When.
    pub instant: UtcTime,
    /// The name of another kind that the user signed in by, if any.
    pub alternate_login_id: Option<String>,
    /// What the authentication stands on, so that it ends with that.
    pub origin: ProofOrigin,
    /// When the first of the family was given.
    pub begun: UtcTime,
    /// When this one was given.
    pub issued: UtcTime,
    /// When it stops being taken.
    pub until: UtcTime,
}

/// What the user's proof stands on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProofOrigin {
    /// A password, with the account's `pwdLastSet` at that time, as far as known.
    Password(Option<i64>),
    /// A Windows Hello key, by the SHA-256 of its material in base64.
    Key(String),
    /// A certificate.
    Certificate,
}

/// How long PRTs last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrtLifetimes {
    /// Each one, from its issue.
    pub each: Duration,
    /// All renewals, from the first issue.
    pub family: Duration,
}

impl PrtLifetimes {
    /// The end of a PRT issued now, of a family begun then.
    fn end(self, begun: UtcTime, now: UtcTime) -> UtcTime {
        now.plus(self.each).min(begun.plus(self.family))
    }
}

/// What a new PRT is made of.
#[derive(Debug)]
pub struct NewPrt<'a> {
    /// Whose it will be.
    pub user: Sid,
    /// The device that asked.
    pub device: DeviceId,
    /// Its certificate.
    pub certificate: &'a CertificateMark,
    /// The key that the session key is wrapped with.
    pub transport_key: &'a TransportKey,
    /// The broker that asked.
    pub client: String,
    /// The key derivation that the device said it uses.
    pub kdf: KdfVersion,
    /// How the user authenticated.
    pub methods: Vec<AuthenticationMethod>,
    /// When.
    pub instant: UtcTime,
    /// The name of another kind that the user signed in by, if any.
    pub alternate_login_id: Option<String>,
    /// What that stands on.
    pub origin: ProofOrigin,
    /// The sign-in that it goes on from, where the proof was no credential but what an earlier sign-in left.
    pub after: Option<Lineage>,
}

/// The sign-in that a PRT goes on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lineage {
    /// What all that came of it is revoked by.
    pub family: SessionRef,
    /// When it began: however often it is renewed, it ends a fixed time after that.
    pub begun: UtcTime,
    /// The generation of what was left.
    pub generation: u32,
}

impl PrimaryRefreshToken {
    /// Where it stands, for a PRT that goes on from it.
    pub fn lineage(&self) -> Lineage {
        Lineage { family: self.family.clone(), begun: self.begun, generation: self.generation }
    }
}

impl PrimaryRefreshToken {
    /// A PRT with a session key of its own.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn new(
        new: NewPrt<'_>,
        lifetimes: PrtLifetimes,
        now: UtcTime,
        random: &dyn Random,
    ) -> Result<Self, RandomError> {
        let (family, begun, generation) = match new.after {
            Some(before) => (before.family, before.begun, before.generation.saturating_add(1)),
            None => (SessionRef::random(random)?, now, 0),
        };
        Ok(Self {
            id: SessionRef::random(random)?.0,
            family,
            generation,
            session_key: SessionKey::random(random)?,
            kdf: new.kdf,
            user: new.user,
            device: new.device,
            certificate: new.certificate.thumbprint,
            transport_key: new.transport_key.digest(),
            client: new.client,
            methods: new.methods,
            instant: new.instant,
            alternate_login_id: new.alternate_login_id,
            origin: new.origin,
            begun,
            issued: now,
            until: lifetimes.end(begun, now),
        })
    }

    /// The next of the family: the same session key, the key derivation that the renewal was asked for with, a later end.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn renewed(
        &self,
        kdf: KdfVersion,
        lifetimes: PrtLifetimes,
        now: UtcTime,
        random: &dyn Random,
    ) -> Result<Self, RandomError> {
        Ok(Self {
            id: SessionRef::random(random)?.0,
            generation: self.generation.saturating_add(1),
            kdf: self.kdf.max(kdf),
            issued: now,
            until: lifetimes.end(self.begun, now),
            ..self.clone()
        })
    }

    /// The token as text that only this farm reads.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal(&self, sealer: &Sealer) -> Result<String, SealError> {
        Ok([PREFIX, &sealer.seal(PURPOSE, &Wire::of(self), self.until)?].concat())
    }

    /// The token of a text that [`PrimaryRefreshToken::seal`] made. What it says may no longer be true.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn open(sealer: &Sealer, text: &str) -> Result<Self, SealError> {
        let text = text.strip_prefix(PREFIX).ok_or(SealError::Malformed)?;
        let opened = sealer.open::<Wire>(PURPOSE, text)?;
        opened.value.token(opened.expiry).ok_or_else(|| SealError::Value(String::from("a key has another length")))
    }

    /// Whether a text is of the form of a primary refresh token, as opposed to an ordinary one.
    pub fn is_one(text: &str) -> bool {
        text.starts_with(PREFIX)
    }
}

/// The sealed form: short names, octets in base64.
#[derive(serde::Serialize, serde::Deserialize)]
struct Wire {
    #[serde(rename = "j")]
    id: Uuid,
    #[serde(rename = "f")]
    family: SessionRef,
    #[serde(rename = "g")]
    generation: u32,
    #[serde(rename = "k")]
    session_key: SealedKey,
    #[serde(rename = "v")]
    kdf: KdfVersion,
    #[serde(rename = "u")]
    user: Sid,
    #[serde(rename = "d")]
    device: DeviceId,
    #[serde(rename = "c")]
    certificate: String,
    #[serde(rename = "t")]
    transport_key: String,
    #[serde(rename = "a")]
    client: String,
    #[serde(rename = "m")]
    methods: Vec<AuthenticationMethod>,
    #[serde(rename = "i")]
    instant: UtcTime,
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    alternate_login_id: Option<String>,
    #[serde(rename = "o")]
    origin: ProofOrigin,
    #[serde(rename = "b")]
    begun: UtcTime,
    #[serde(rename = "n")]
    issued: UtcTime,
}

/// A session key in base64, overwritten when dropped.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
struct SealedKey(String);

impl Drop for SealedKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Wire {
    fn of(token: &PrimaryRefreshToken) -> Self {
        Self {
            id: token.id,
            family: token.family.clone(),
            generation: token.generation,
            session_key: SealedKey(STANDARD_NO_PAD.encode(token.session_key.expose())),
            kdf: token.kdf,
            user: token.user,
            device: token.device,
            certificate: STANDARD_NO_PAD.encode(token.certificate),
            transport_key: STANDARD_NO_PAD.encode(token.transport_key),
            client: token.client.clone(),
            methods: token.methods.clone(),
            instant: token.instant,
            alternate_login_id: token.alternate_login_id.clone(),
            origin: token.origin.clone(),
            begun: token.begun,
            issued: token.issued,
        }
    }

    fn token(self, until: UtcTime) -> Option<PrimaryRefreshToken> {
        let key = Secret::new(STANDARD_NO_PAD.decode(&self.session_key.0).ok()?);
        let key: [u8; SESSION_KEY_OCTETS] = key.expose().as_slice().try_into().ok()?;
        Some(PrimaryRefreshToken {
            id: self.id,
            family: self.family,
            generation: self.generation,
            session_key: SessionKey::from_octets(key),
            kdf: self.kdf,
            user: self.user,
            device: self.device,
            certificate: STANDARD_NO_PAD.decode(self.certificate).ok()?.try_into().ok()?,
            transport_key: STANDARD_NO_PAD.decode(self.transport_key).ok()?.try_into().ok()?,
            client: self.client,
            methods: self.methods,
            instant: self.instant,
            alternate_login_id: self.alternate_login_id,
            origin: self.origin,
            begun: self.begun,
            issued: self.issued,
            until,
        })
    }
}

const PURPOSE: SealPurpose<'static> = SealPurpose::new("primary_refresh_token");
const PREFIX: &str = "prt.1.";
