//! Sealed state: what a browser or a client carries for us, and can neither read nor change.
//!
//! Codes, cookies, nonces and refresh tokens are values sealed with AES-256-GCM. The octets are
//!
//! ```text
//! version (1) | key id (4, big-endian: days since 1970) | nonce (12) | ciphertext | tag (16)
//! ```
//!
//! in base64url without padding; the plaintext is the expiry (8, big-endian milliseconds since 1970) and the value in JSON, of a packed
//! purpose (version 2) deflated: codes and session cookies have to get through query strings and header lines of limited length.
//! The key of a day and a purpose is HKDF-SHA256 of the master key, so no key seals more than 2³² values under random
//! nonces, and every old key can be derived again. Purpose and header are authenticated: a code is no refresh token.
//!
//! One master key seals; the others of the farm only open, so that a change of the master key signs nobody out. The octets do not
//! name the master key: what the first does not open is tried with the others.
//!
//! Knows keys, time and octets; knows nothing of what is sealed.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;

use crate::clock::{Clock, Random, RandomError, UtcTime};
use crate::secret::Secret;

use super::sealing_key::MasterKey;

/// What a sealed value is for. One purpose cannot open what another sealed, nor can the same purpose for another context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealPurpose<'a> {
    name: &'static str,
    context: &'a str,
    packed: bool,
}

impl SealPurpose<'static> {
    /// A purpose without context, such as `srv_challenge`. Names are the program's own and hold no NUL.
    pub const fn new(name: &'static str) -> Self {
        Self { name, context: "", packed: false }
    }

    /// The purpose with values that are deflated: those that are large and travel where there is little room.
    #[must_use]
    pub const fn packed(self) -> Self {
        Self { packed: true, ..self }
    }
}

impl SealPurpose<'_> {
    /// The purpose bound to a context that must be the same when opened, such as a client identifier.
    pub const fn bound_to(self, context: &str) -> SealPurpose<'_> {
        SealPurpose { name: self.name, context, packed: self.packed }
    }

    const fn version(self) -> u8 {
        if self.packed { PACKED } else { PLAIN }
    }

    /// A value in JSON as it is sealed.
    fn pack(self, octets: &mut Vec<u8>, value: &(impl serde::Serialize + ?Sized)) -> Result<(), SealError> {
        let unwritable = |error: serde_json::Error| SealError::Value(error.to_string());
        if !self.packed {
            return serde_json::to_writer(octets, value).map_err(unwritable);
        }
        let json = serde_json::to_vec(value).map_err(unwritable)?;
        if json.len() > MOST_UNPACKED {
            return Err(SealError::TooLarge { length: json.len(), limit: MOST_UNPACKED });
        }
        octets.extend_from_slice(&compress_to_vec(&json, LEVEL));
        Ok(())
    }

    fn unpack<T: serde::de::DeserializeOwned>(self, value: &[u8]) -> Result<T, SealError> {
        let unreadable = |error: serde_json::Error| SealError::Value(error.to_string());
        if !self.packed {
            return serde_json::from_slice(value).map_err(unreadable);
        }
        let json = decompress_to_vec_with_limit(value, MOST_UNPACKED);
        serde_json::from_slice(&json.map_err(|error| SealError::Value(error.to_string()))?).map_err(unreadable)
    }
}

/// Seals and opens.
pub struct Sealer {
    master: MasterKey,
    /// Further master keys that open and do not seal.
    others: Vec<MasterKey>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    limit: usize,
}

impl Sealer {
    /// A sealer with the farm's master key. `limit` is the largest sealed text, in characters, that is made or opened.
    pub fn new(master: &Secret<[u8; 32]>, clock: Arc<dyn Clock>, random: Arc<dyn Random>, limit: usize) -> Self {
        Self { master: MasterKey::new(master), others: Vec::new(), clock, random, limit }
    }

    /// The same, which also opens what these master keys sealed: the one of before, and the one that comes next.
    #[must_use]
    pub fn also_opening<'k>(self, others: impl IntoIterator<Item = &'k Secret<[u8; 32]>>) -> Self {
        Self { others: others.into_iter().map(MasterKey::new).collect(), ..self }
    }

    /// Seals `value` so that it opens for the same purpose until `expiry`.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal<T: serde::Serialize + ?Sized>(
        &self,
        purpose: SealPurpose<'_>,
        value: &T,
        expiry: UtcTime,
    ) -> Result<String, SealError> {
        let day = day_of(self.clock.now());
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce)?;
        let mut octets = Vec::with_capacity(512);
        octets.push(purpose.version());
        octets.extend_from_slice(&day.to_be_bytes());
        octets.extend_from_slice(&nonce);
        octets.extend_from_slice(&expiry.unix_millis().to_be_bytes());
        purpose.pack(&mut octets, value)?;
        let (head, body) = octets.split_at_mut_checked(HEAD).ok_or(SealError::Malformed)?;
        let aad = aad(head, purpose);
        let tag = self
            .master
            .of(day, purpose.name, |key| {
                key.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(&aad), body)
            })
            .map_err(|_| SealError::Library)?;
        octets.extend_from_slice(tag.as_ref());
        let sealed = BASE64URL.encode(&octets);
        if sealed.len() > self.limit {
            return Err(SealError::TooLarge { length: sealed.len(), limit: self.limit });
        }
        Ok(sealed)
    }

    /// Opens what [`Sealer::seal`] sealed for the same purpose.
    ///
    /// # Errors
    /// [`SealError`]; the variants are for the audit log, the outside gets one answer for all.
    pub fn open<T: serde::de::DeserializeOwned>(
        &self,
        purpose: SealPurpose<'_>,
        sealed: &str,
    ) -> Result<Opened<T>, SealError> {
        let opened = self.open_late(purpose, sealed)?;
        if self.clock.now() >= opened.expiry {
            return Err(SealError::Expired { at: opened.expiry });
        }
        Ok(opened)
    }

    /// The same also of what has expired: for whoever has to know what it was. It is good for nothing any more.
    ///
    /// # Errors
    /// [`SealError`], without [`SealError::Expired`].
    pub fn open_late<T: serde::de::DeserializeOwned>(
        &self,
        purpose: SealPurpose<'_>,
        sealed: &str,
    ) -> Result<Opened<T>, SealError> {
        if sealed.len() > self.limit {
            return Err(SealError::TooLarge { length: sealed.len(), limit: self.limit });
        }
        let octets = BASE64URL.decode(sealed).map_err(|_| SealError::Malformed)?;
        let mut masters = std::iter::once(&self.master).chain(&self.others);
        let plain = masters.find_map(|master| match decrypt(master, purpose, &octets) {
            Err(SealError::NotAuthentic) => None,
            other => Some(other),
        });
        let plain = plain.unwrap_or(Err(SealError::NotAuthentic))?;
        let (expiry, value) = plain.split_first_chunk::<8>().ok_or(SealError::Malformed)?;
        let expiry = UtcTime::from_unix_millis(i64::from_be_bytes(*expiry));
        Ok(Opened { value: purpose.unpack(value)?, expiry })
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// What was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened<T> {
    /// The value.
    pub value: T,
    /// When it would have stopped opening.
    pub expiry: UtcTime,
}

/// Why something could not be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Longer than a sealed text may be.
    #[error("the sealed text has {length} characters, more than {limit}")]
    TooLarge {
        /// Its length in characters.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// Not base64url, too short, or of an unknown version.
    #[error("this is not a sealed text")]
    Malformed,
    /// Changed, sealed for another purpose or context, or sealed with another master key.
    #[error("the sealed text was changed, or sealed for another purpose or by another farm")]
    NotAuthentic,
    /// Opened too late.
    #[error("the sealed text expired at {at}")]
    Expired {
        /// When it expired.
        at: UtcTime,
    },
    /// The value does not go into JSON, or does not come out as the type asked for.
    #[error("the sealed value cannot be written or read: {0}")]
    Value(String),
    /// The random source failed.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The cryptographic library refused.
    #[error("the cryptographic library refused")]
    Library,
}

/// Expiry and value, when this master key sealed them. Works on a copy: what does not open is left as garbage.
fn decrypt(master: &MasterKey, purpose: SealPurpose<'_>, octets: &[u8]) -> Result<Vec<u8>, SealError> {
    let (head, body) = octets.split_at_checked(HEAD).ok_or(SealError::Malformed)?;
    let [version, d0, d1, d2, d3, nonce @ ..] = head else { return Err(SealError::Malformed) };
    match *version {
        version if version == purpose.version() => {}
        // Sealed for another purpose.
        PLAIN | PACKED => return Err(SealError::NotAuthentic),
        _ => return Err(SealError::Malformed),
    }
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Malformed)?;
    let day = u32::from_be_bytes([*d0, *d1, *d2, *d3]);
    let aad = aad(head, purpose);
    let mut body = body.to_vec();
    let length = master
        .of(day, purpose.name, |key| key.open_in_place(nonce, Aad::from(&aad), &mut body).map(|plain| plain.len()))
        .map_err(|_| SealError::NotAuthentic)?;
    body.truncate(length);
    Ok(body)
}

/// Header, purpose and context; NUL parts them, which no name holds.
fn aad(head: &[u8], purpose: SealPurpose<'_>) -> Vec<u8> {
    [head, purpose.name.as_bytes(), b"\0", purpose.context.as_bytes()].concat()
}

fn day_of(now: UtcTime) -> u32 {
    u32::try_from(now.unix_seconds().div_euclid(24 * 60 * 60)).unwrap_or(0)
}

const PLAIN: u8 = 1;
const PACKED: u8 = 2;

/// Of compression: a better level saves little.
const LEVEL: u8 = 6;
/// Octets of a packed value in JSON.
const MOST_UNPACKED: usize = 64 * 1024;

/// Version, key id and nonce.
const HEAD: usize = 1 + 4 + NONCE_LEN;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::{ManualClock, SystemRandomSource};

    const CODE: SealPurpose<'static> = SealPurpose::new("code");

    fn farm(master: u8) -> (Sealer, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(UtcTime::from_unix_seconds(1_767_607_201)));
        let farm = Sealer::new(&Secret::new([master; 32]), clock.clone(), Arc::new(SystemRandomSource::new()), 4096);
        (farm, clock)
    }

    fn soon() -> UtcTime {
        UtcTime::from_unix_seconds(1_767_607_201).plus(Duration::from_mins(5))
    }

    fn open(farm: &Sealer, purpose: SealPurpose<'_>, sealed: &str) -> Result<String, SealError> {
        farm.open::<String>(purpose, sealed).map(|opened| opened.value)
    }

    #[test]
    fn what_is_sealed_opens_for_its_purpose_only() {
        let (farm, _) = farm(1);
        let for_client = CODE.bound_to("client-a");
        let sealed = farm.seal(for_client, "hällo", soon()).unwrap();
        assert_eq!(farm.open(for_client, &sealed), Ok(Opened { value: String::from("hällo"), expiry: soon() }));
        for other in [CODE, CODE.bound_to("client-b"), SealPurpose::new("refresh").bound_to("client-a")] {
            assert_eq!(open(&farm, other, &sealed), Err(SealError::NotAuthentic), "{other:?}");
        }
        assert_eq!(open(&self::farm(2).0, for_client, &sealed), Err(SealError::NotAuthentic), "another master key");
    }

    #[test]
    fn another_master_key_seals_and_the_one_of_before_still_opens() {
        let (before, clock) = farm(1);
        let sealed = before.seal(CODE, "x", soon()).unwrap();
        let after = farm(2).0.also_opening([&Secret::new([3; 32]), &Secret::new([1; 32])]);
        assert_eq!(open(&after, CODE, &sealed).as_deref(), Ok("x"));
        assert_eq!(open(&after, CODE.bound_to("a"), &sealed), Err(SealError::NotAuthentic), "purposes stay apart");
        let own = after.seal(CODE, "y", soon()).unwrap();
        assert_eq!(open(&after, CODE, &own).as_deref(), Ok("y"));
        assert_eq!(open(&before, CODE, &own), Err(SealError::NotAuthentic), "the new one seals");
        assert_eq!(open(&farm(2).0, CODE, &sealed), Err(SealError::NotAuthentic), "a key that is gone opens nothing");
        // No key makes a text last longer than it was sealed for.
        clock.advance(Duration::from_mins(5));
        let later = Sealer::new(&Secret::new([2; 32]), clock, Arc::new(SystemRandomSource::new()), 4096)
            .also_opening([&Secret::new([1; 32])]);
        assert_eq!(open(&later, CODE, &sealed), Err(SealError::Expired { at: soon() }));
    }

    #[test]
    fn it_expires_to_the_millisecond() {
        let (farm, clock) = farm(1);
        let sealed = farm.seal(CODE, "x", soon()).unwrap();
        clock.advance(Duration::from_mins(5) - Duration::from_millis(1));
        assert!(open(&farm, CODE, &sealed).is_ok());
        clock.advance(Duration::from_millis(1));
        assert_eq!(open(&farm, CODE, &sealed), Err(SealError::Expired { at: soon() }));
    }

    #[test]
    fn a_key_of_an_earlier_day_still_opens() {
        let (farm, clock) = farm(1);
        let sealed = farm.seal(CODE, "x", soon().plus(Duration::from_hours(24 * 90))).unwrap();
        clock.advance(Duration::from_hours(24 * 89));
        assert_eq!(open(&farm, CODE, &sealed).as_deref(), Ok("x"));
        let later = farm.seal(CODE, "x", soon().plus(Duration::from_hours(24 * 90))).unwrap();
        assert_ne!(sealed[..6], later[..6], "the key id changes from day to day");
    }

    #[test]
    fn no_octet_can_be_changed() {
        let (farm, _) = farm(1);
        let sealed = BASE64URL.decode(farm.seal(CODE, "hello", soon()).unwrap()).unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            let refused = open(&farm, CODE, &BASE64URL.encode(&changed)).unwrap_err();
            let expected = if at == 0 { SealError::Malformed } else { SealError::NotAuthentic };
            assert_eq!(refused, expected, "octet {at}");
            assert!(open(&farm, CODE, &BASE64URL.encode(&sealed[..at])).is_err(), "cut to {at}");
        }
    }

    #[test]
    fn sizes_are_bounded_and_nonsense_is_refused() {
        let (farm, _) = farm(1);
        let large = "x".repeat(4096);
        assert!(matches!(farm.seal(CODE, &large, soon()), Err(SealError::TooLarge { limit: 4096, .. })));
        assert!(matches!(open(&farm, CODE, &"A".repeat(4097)), Err(SealError::TooLarge { length: 4097, .. })));
        for nonsense in ["", "AQ", "!", "AQ==", &"A".repeat(100)] {
            assert_eq!(open(&farm, CODE, nonsense), Err(SealError::Malformed), "{nonsense}");
        }
        let number = farm.seal(CODE, &7, soon()).unwrap();
        assert!(matches!(open(&farm, CODE, &number), Err(SealError::Value(_))));
    }

    #[test]
    fn the_limit_is_the_longest_text_that_is_made_and_taken() {
        let clock = Arc::new(ManualClock::at(UtcTime::from_unix_seconds(1_767_607_201)));
        let with =
            |limit| Sealer::new(&Secret::new([1; 32]), clock.clone(), Arc::new(SystemRandomSource::new()), limit);
        let sealed = with(4096).seal(CODE, "x", soon()).unwrap();
        let (exact, short) = (with(sealed.len()), with(sealed.len() - 1));
        assert!(exact.seal(CODE, "x", soon()).is_ok() && open(&exact, CODE, &sealed).is_ok());
        assert!(matches!(short.seal(CODE, "x", soon()), Err(SealError::TooLarge { .. })));
        assert!(matches!(open(&short, CODE, &sealed), Err(SealError::TooLarge { .. })));
    }

    #[test]
    fn the_key_changes_at_midnight_and_not_before() {
        let (farm, clock) = farm(1);
        let day = || BASE64URL.decode(farm.seal(CODE, "x", soon()).unwrap()).unwrap()[1..5].to_vec();
        let first = day();
        // From 10:00:01 to 23:59:59.
        clock.advance(Duration::from_hours(14) - Duration::from_secs(2));
        assert_eq!(day(), first);
        clock.advance(Duration::from_secs(1));
        assert_ne!(day(), first);
    }

    #[test]
    fn each_purpose_and_each_day_has_its_own_key() {
        let clock = Arc::new(ManualClock::at(UtcTime::from_unix_seconds(1_767_607_201)));
        // The same nonce each time, so that equal keys would give equal octets.
        let random = Arc::new(crate::tokens::samples::CountingRandom);
        let farm = Sealer::new(&Secret::new([1; 32]), clock.clone(), random, 4096);
        let body = |purpose| {
            let octets = BASE64URL.decode(farm.seal(purpose, "hello", soon()).unwrap()).unwrap();
            octets[HEAD..octets.len() - 16].to_vec()
        };
        let today = body(CODE);
        assert_eq!(body(CODE.bound_to("client-a")), today);
        assert_ne!(body(SealPurpose::new("refresh")), today);
        clock.advance(Duration::from_hours(24));
        assert_ne!(body(CODE), today);
    }

    #[test]
    fn a_packed_value_is_small_and_opens_for_its_purpose_only() {
        const PACKED_CODE: SealPurpose<'static> = SealPurpose::new("code").packed();
        let (farm, clock) = farm(1);
        let large = "group,".repeat(5000);
        let sealed = farm.seal(PACKED_CODE, &large, soon()).unwrap();
        assert!(sealed.len() < 500, "{} characters", sealed.len());
        assert_eq!(open(&farm, PACKED_CODE, &sealed), Ok(large));
        assert_eq!(open(&farm, PACKED_CODE.bound_to("a"), &sealed), Err(SealError::NotAuthentic));
        assert_eq!(open(&farm, CODE, &sealed), Err(SealError::NotAuthentic), "not as a plain one");
        let plain = farm.seal(CODE, "x", soon()).unwrap();
        assert_eq!(open(&farm, PACKED_CODE, &plain), Err(SealError::NotAuthentic), "nor the reverse");
        let bomb = "x".repeat(MOST_UNPACKED);
        assert!(matches!(farm.seal(PACKED_CODE, &bomb, soon()), Err(SealError::TooLarge { limit: MOST_UNPACKED, .. })));
        clock.advance(Duration::from_mins(5));
        assert_eq!(open(&farm, PACKED_CODE, &sealed), Err(SealError::Expired { at: soon() }));
    }

    #[test]
    fn what_has_expired_can_still_be_read() {
        let (farm, clock) = farm(1);
        let sealed = farm.seal(CODE, "x", soon()).unwrap();
        clock.advance(Duration::from_mins(6));
        assert_eq!(farm.open_late(CODE, &sealed), Ok(Opened { value: String::from("x"), expiry: soon() }));
        let another = farm.open_late::<String>(CODE.bound_to("a"), &sealed);
        assert_eq!(another, Err(SealError::NotAuthentic));
    }

    #[test]
    fn two_seals_of_one_value_differ() {
        let (farm, _) = farm(1);
        assert_ne!(farm.seal(CODE, "x", soon()), farm.seal(CODE, "x", soon()));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(sealed in "[A-Za-z0-9_-]{0,120}") {
            let (farm, _) = farm(1);
            proptest::prop_assert!(open(&farm, CODE, &sealed).is_err());
        }

        #[test]
        fn every_text_comes_back(text in ".{0,200}", context in ".{0,20}") {
            let (farm, _) = farm(1);
            let purpose = CODE.bound_to(&context);
            let sealed = farm.seal(purpose, &text, soon()).unwrap();
            proptest::prop_assert_eq!(open(&farm, purpose, &sealed), Ok(text));
        }
    }
}
