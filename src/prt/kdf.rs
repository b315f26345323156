//! The session key and what is derived from it (MS-OAPXBC 3.1.5.1.3.3).
//!
//! NIST SP 800-108 in counter mode with HMAC-SHA256, one round. Version 2 puts the payload into the context, so that a key
//! that leaks signs one payload and no other (CVE-2021-33779, CVE-2021-33781).

use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use aws_lc_rs::digest;
use aws_lc_rs::hmac;

use crate::clock::{Random, RandomError};
use crate::secret::Secret;

/// The key that server and device share for one PRT. Used for nothing but deriving others.
#[derive(Debug, Clone)]
pub struct SessionKey(Secret<[u8; SESSION_KEY_OCTETS]>);

impl SessionKey {
    /// A fresh key.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn random(random: &dyn Random) -> Result<Self, RandomError> {
        let mut octets = [0; SESSION_KEY_OCTETS];
        random.fill(&mut octets)?;
        Ok(Self(Secret::new(octets)))
    }

    /// The key of these octets.
    pub const fn from_octets(octets: [u8; SESSION_KEY_OCTETS]) -> Self {
        Self(Secret::new(octets))
    }

    /// The octets: to be wrapped for the device, and to be sealed into the PRT.
    pub(super) const fn expose(&self) -> &[u8; SESSION_KEY_OCTETS] {
        self.0.expose()
    }

    /// The key for one `ctx` and, in version 2, for one payload exactly as it was transmitted.
    pub fn derive(&self, version: KdfVersion, ctx: &[u8], payload: &[u8]) -> DerivedKey {
        let context = match version {
            KdfVersion::One => ctx.to_vec(),
            KdfVersion::Two => digest::digest(&digest::SHA256, &[ctx, payload].concat()).as_ref().to_vec(),
        };
        let input = [&1u32.to_be_bytes()[..], LABEL, &[0], &context, &256u32.to_be_bytes()].concat();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, self.expose()), &input);
        let mut octets = [0; SESSION_KEY_OCTETS];
        for (to, from) in octets.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        DerivedKey(Secret::new(octets))
    }
}

/// A key derived from a session key.
#[derive(Debug, Clone)]
pub struct DerivedKey(Secret<[u8; SESSION_KEY_OCTETS]>);

impl DerivedKey {
    /// The HMAC-SHA256 of `signed`: what a client of ours sends.
    pub fn sign(&self, signed: &[u8]) -> Vec<u8> {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, self.0.expose()), signed).as_ref().to_vec()
    }

    /// The key as one for AES-256-GCM.
    pub(super) fn aead(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, self.0.expose()).ok().map(LessSafeKey::new)
    }

    /// The octets: for verifying a signature under it.
    pub(super) const fn expose(&self) -> &[u8; SESSION_KEY_OCTETS] {
        self.0.expose()
    }
}

/// How a key is derived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum KdfVersion {
    /// From `ctx` alone.
    One,
    /// From `ctx` and the payload.
    Two,
}

impl KdfVersion {
    /// The version of this number.
    pub const fn of(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::One),
            2 => Some(Self::Two),
            _ => None,
        }
    }
}

impl From<KdfVersion> for u8 {
    fn from(version: KdfVersion) -> Self {
        match version {
            KdfVersion::One => 1,
            KdfVersion::Two => 2,
        }
    }
}

impl TryFrom<u8> for KdfVersion {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        Self::of(i64::from(number)).ok_or("no version of the key derivation")
    }
}

/// Octets of a session key.
pub(super) const SESSION_KEY_OCTETS: usize = 32;
const LABEL: &[u8] = b"AzureAD-SecureConversation";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn session_key() -> SessionKey {
        SessionKey::from_octets(std::array::from_fn(|at| u8::try_from(at).unwrap()))
    }

    fn ctx() -> Vec<u8> {
        (0x40..0x58).collect()
    }

    #[test]
    fn both_versions_give_the_keys_of_the_published_vectors() {
        let derived = |version, payload: &[u8]| hex::encode(session_key().derive(version, &ctx(), payload).expose());
        let one = "261704508fac96248f7d3be91a017495fc867b984effbbd36059d69719da6375";
        assert_eq!(derived(KdfVersion::One, b""), one);
        assert_eq!(derived(KdfVersion::One, b"{}"), one, "the payload is no part of version 1");
        assert_eq!(
            derived(KdfVersion::Two, br#"{"client_id":"x","scope":"openid"}"#),
            "9b7d92d7394c8bebf93ac1a5ac526de59bc5248fb69ecc65db183c3bc2fd7886"
        );
    }

    proptest! {
        #[test]
        fn the_versions_differ_and_version_2_takes_the_payload_as_transmitted(
            ctx in prop::collection::vec(any::<u8>(), 16..64),
            payload in prop::collection::vec(any::<u8>(), 0..200),
            other in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let key = session_key();
            let derived = |version, payload: &[u8]| *key.derive(version, &ctx, payload).expose();
            prop_assert_ne!(derived(KdfVersion::One, &payload), derived(KdfVersion::Two, &payload));
            prop_assert_eq!(derived(KdfVersion::Two, &payload) == derived(KdfVersion::Two, &other), payload == other);
        }
    }
}
