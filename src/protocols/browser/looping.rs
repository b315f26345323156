//! A browser that comes back again and again: a relying party that does not accept its token sends it here without end (MSIS7042).
//!
//! Counted for each relying party in a cookie, so that opening many applications at once is no loop.

use actix_web::http::header::{HeaderName, HeaderValue};
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;

use super::cookies::{self, Cookie, Cookies, Keep};
use super::{BrowserSignIn, LoopLimits};
use crate::clock::UtcTime;
use crate::tokens::sealed::SealPurpose;

/// What a browser got lately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::protocols) struct LoopGuard {
    limits: Option<LoopLimits>,
    /// Short digest of the relying party, and when it got a token, by the second.
    issued: Vec<(u32, UtcTime)>,
}

/// The browser got as many tokens as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the same client browser session has made '{requests}' requests in the last '{seconds}' seconds: the relying party does \
     not accept its token, or has lost its own cookie"
)]
pub(in crate::protocols) struct TooManyTokens {
    /// Requests, this one among them.
    requests: usize,
    /// The interval.
    seconds: u64,
}

impl LoopGuard {
    /// What the browser's cookie says. One that cannot be read says nothing.
    pub(in crate::protocols) fn of(sign_in: &BrowserSignIn, cookies: &Cookies) -> Self {
        let opened = cookies.get(Cookie::Loop).and_then(|text| sign_in.sealer.open::<String>(PURPOSE, text).ok());
        Self { limits: sign_in.loop_detection, issued: opened.map(|opened| unpack(&opened.value)).unwrap_or_default() }
    }

    /// Whether the browser may have another token for this relying party.
    ///
    /// # Errors
    /// [`TooManyTokens`].
    pub(in crate::protocols) fn check(&self, relying_party: &str, now: UtcTime) -> Result<(), TooManyTokens> {
        let Some(limits) = self.limits else { return Ok(()) };
        let key = key_of(relying_party);
        let recent = self.issued.iter().filter(|(own, at)| *own == key && now.since(*at) < limits.interval).count();
        if recent >= usize::try_from(limits.tokens).unwrap_or(usize::MAX) {
            return Err(TooManyTokens { requests: recent + 1, seconds: limits.interval.as_secs() });
        }
        Ok(())
    }

    /// The cookie after one more token.
    pub(in crate::protocols) fn issued(
        self,
        sign_in: &BrowserSignIn,
        relying_party: &str,
        now: UtcTime,
    ) -> Option<(HeaderName, HeaderValue)> {
        let limits = self.limits?;
        let mut issued = self.issued;
        issued.retain(|(_, at)| now.since(*at) < limits.interval);
        issued.push((key_of(relying_party), now));
        let surplus = issued.len().saturating_sub(MAX_REMEMBERED);
        issued.drain(..surplus);
        let text = sign_in.sealer.seal(PURPOSE, &pack(&issued), now.plus(limits.interval)).ok()?;
        cookies::set(Cookie::Loop, &text, Keep::Session)
    }
}

/// Eight octets for each: the digest, and the time in whole seconds.
fn pack(issued: &[(u32, UtcTime)]) -> String {
    let seconds = |at: &UtcTime| u32::try_from(at.unix_millis() / 1000).unwrap_or(u32::MAX);
    let octets = issued.iter().flat_map(|(key, at)| key.to_be_bytes().into_iter().chain(seconds(at).to_be_bytes()));
    BASE64.encode(octets.collect::<Vec<u8>>())
}

fn unpack(text: &str) -> Vec<(u32, UtcTime)> {
    let octets = BASE64.decode(text).unwrap_or_default();
    let (entries, _) = octets.as_chunks::<4>();
    let (entries, _) = entries.as_chunks::<2>();
    let at = |seconds: &[u8; 4]| UtcTime::from_unix_seconds(i64::from(u32::from_be_bytes(*seconds)));
    entries.iter().map(|[key, seconds]| (u32::from_be_bytes(*key), at(seconds))).collect()
}

fn key_of(relying_party: &str) -> u32 {
    let digest = digest::digest(&digest::SHA256, relying_party.as_bytes());
    digest.as_ref().first_chunk::<4>().map_or(0, |octets| u32::from_be_bytes(*octets))
}

const PURPOSE: SealPurpose<'static> = SealPurpose::new("loop_detection");
const MAX_REMEMBERED: usize = 30;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: UtcTime = UtcTime::from_unix_seconds(1_767_607_201);

    #[test]
    fn what_was_issued_comes_back_and_the_most_of_it_fits() {
        let issued: Vec<_> =
            (0_u32..).take(MAX_REMEMBERED).map(|n| (u32::MAX - n, NOW.plus(Duration::from_secs(n.into())))).collect();
        assert_eq!(unpack(&pack(&issued)), issued);
        assert_eq!(unpack("?"), []);
        let clock = std::sync::Arc::new(crate::clock::ManualClock::at(NOW));
        let random = std::sync::Arc::new(crate::clock::SystemRandomSource::new());
        let sealer = crate::tokens::sealed::Sealer::new(&crate::secret::Secret::new([3; 32]), clock, random, 8192);
        let text = sealer.seal(PURPOSE, &pack(&issued), NOW.plus(Duration::from_hours(1))).unwrap();
        assert!(text.len() <= Cookie::Loop.most(), "{}", text.len());
    }

    #[test]
    fn the_sixth_in_twenty_seconds_is_stopped_for_its_relying_party_only() {
        let limits = LoopLimits { tokens: 5, interval: Duration::from_secs(20) };
        let issued = (0..5).map(|second| (key_of("urn:a"), NOW.plus(Duration::from_secs(second)))).collect();
        let guard = LoopGuard { limits: Some(limits), issued };
        let error = guard.check("urn:a", NOW.plus(Duration::from_secs(19))).unwrap_err();
        assert_eq!(error, TooManyTokens { requests: 6, seconds: 20 });
        assert_eq!(guard.check("urn:b", NOW.plus(Duration::from_secs(19))), Ok(()));
        assert_eq!(guard.check("urn:a", NOW.plus(Duration::from_secs(20))), Ok(()), "the first is forgotten");
        assert_eq!(LoopGuard { limits: None, ..guard }.check("urn:a", NOW), Ok(()));
    }
}
