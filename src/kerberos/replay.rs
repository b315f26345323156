//! A memory of authenticators that were used, so that a captured token works on this node once.
//!
//! The key is the sealed authenticator, the one part of a token that nobody without the session key can alter: wrapping the
//! same AP-REQ anew, or changing its open fields, does not make it new. Only tokens that GSSAPI accepted are remembered, so
//! that strangers cannot fill the memory. Per node: across a farm it is TLS and channel bindings that protect.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest;

use crate::clock::Clock;

/// A bounded set of recently used authenticators, shared by all threads.
#[derive(Debug)]
pub struct ReplayGuard<C: Clock + ?Sized = dyn Clock> {
    shards: Vec<Mutex<Shard>>,
    options: ReplayOptions,
    clock: Arc<C>,
}

/// Size and behaviour of a [`ReplayGuard`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayOptions {
    /// Most authenticators remembered at once; each takes about 60 octets.
    pub capacity: usize,
    /// How long one is remembered. A service accepts an authenticator from five minutes before to five minutes after its own
    /// time, so anything below ten minutes leaves a gap.
    pub retention: Duration,
    /// What happens to a sign-in that finds the memory full of unexpired entries.
    pub when_full: WhenFull,
}

impl Default for ReplayOptions {
    /// A million authenticators (about 1,700 sign-ins a second for ten minutes), refusing beyond that.
    fn default() -> Self {
        Self { capacity: 1_000_000, retention: Duration::from_mins(10), when_full: WhenFull::Refuse }
    }
}

/// What a full guard does.
///
/// A guard that forgets under load is one that an account with a script can switch off, so the default refuses. An
/// installation that prefers sign-in to replay protection chooses the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum WhenFull {
    /// Refuse until entries expire.
    #[default]
    Refuse,
    /// Forget the oldest entry.
    EvictOldest,
}

/// What the guard says of an authenticator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use]
pub enum Verdict {
    /// Not seen before; it is remembered now.
    Fresh,
    /// Seen before.
    Replay,
    /// The guard is full and refuses.
    Full,
}

impl<C: Clock + ?Sized> ReplayGuard<C> {
    /// An empty guard. Memory is taken as entries come.
    pub fn new(options: ReplayOptions, clock: Arc<C>) -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), options, clock }
    }

    /// Remembers the authenticator, unless it is known or the guard is full; checking and remembering are one step.
    pub fn check(&self, authenticator: &[u8]) -> Verdict {
        let key = key_of(authenticator);
        let [first, ..] = key;
        let Some(shard) = self.shards.get(usize::from(first) % SHARDS) else { return Verdict::Full };
        // The monotonic clock: setting the wall clock must not empty or freeze the guard.
        let now = self.clock.monotonic();
        let capacity = self.options.capacity.div_ceil(SHARDS);
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        shard.expire(now);
        if shard.known.contains(&key) {
            return Verdict::Replay;
        }
        if shard.known.len() >= capacity {
            match self.options.when_full {
                WhenFull::Refuse => return Verdict::Full,
                WhenFull::EvictOldest => shard.forget_oldest(),
            }
        }
        shard.known.insert(key);
        shard.by_age.push_back((now.saturating_add(self.options.retention), key));
        Verdict::Fresh
    }

    /// How many authenticators are remembered, expired ones that were not yet swept included.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).known.len()).sum()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Half of a SHA-256: two of them collide by accident once in 2^64 entries, and a collision only refuses a sign-in.
type Key = [u8; 16];

#[derive(Debug, Default)]
struct Shard {
    known: HashSet<Key>,
    by_age: VecDeque<(Duration, Key)>,
}

impl Shard {
    fn expire(&mut self, now: Duration) {
        while self.by_age.front().is_some_and(|(until, _)| *until <= now) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, key)) = self.by_age.pop_front() {
            self.known.remove(&key);
        }
    }
}

fn key_of(authenticator: &[u8]) -> Key {
    let hash = digest::digest(&digest::SHA256, authenticator);
    hash.as_ref().first_chunk().copied().unwrap_or_default()
}

const SHARDS: usize = 16;

#[cfg(test)]
mod tests {
    use super::super::screen::tests::{raw_token, spnego_token};
    use super::super::screen::{Screened, screen};
    use super::*;
    use crate::clock::{ManualClock, UtcTime};

    fn guard(capacity: usize, when_full: WhenFull) -> (ReplayGuard<ManualClock>, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(UtcTime::from_unix_seconds(1_700_000_000)));
        let options = ReplayOptions { capacity, when_full, ..ReplayOptions::default() };
        (ReplayGuard::new(options, Arc::clone(&clock)), clock)
    }

    #[test]
    fn once_and_no_more() {
        let (guard, _) = guard(1000, WhenFull::Refuse);
        assert!(guard.is_empty());
        assert_eq!(guard.check(b"a"), Verdict::Fresh);
        assert!(!guard.is_empty());
        assert_eq!(guard.check(b"a"), Verdict::Replay);
        assert_eq!(guard.check(b"b"), Verdict::Fresh);
    }

    #[test]
    fn another_wrapping_is_the_same_authenticator() {
        let (guard, _) = guard(1000, WhenFull::Refuse);
        for (token, expected) in [
            (raw_token(b"sealed"), Verdict::Fresh),
            (spnego_token(b"sealed"), Verdict::Replay),
            (spnego_token(b"other"), Verdict::Fresh),
        ] {
            let Screened::Kerberos(token) = screen(&token) else { panic!("no Kerberos token") };
            assert_eq!(guard.check(token.ap_req.authenticator()), expected);
        }
    }

    #[test]
    fn forgotten_after_the_retention_and_not_before() {
        let (guard, clock) = guard(1000, WhenFull::Refuse);
        assert_eq!(guard.check(b"a"), Verdict::Fresh);
        clock.advance(Duration::from_millis(599_999));
        assert_eq!(guard.check(b"a"), Verdict::Replay);
        clock.advance(Duration::from_millis(1));
        assert_eq!(guard.check(b"a"), Verdict::Fresh, "a replay must not extend its own entry");
    }

    #[test]
    fn a_full_guard_refuses_what_is_new_and_still_knows_what_is_old() {
        let (guard, clock) = guard(160, WhenFull::Refuse);
        let verdicts: Vec<_> = (0_u32..10_000).map(|n| guard.check(&n.to_be_bytes())).collect();
        assert!(verdicts.contains(&Verdict::Full));
        assert_eq!(guard.len(), 160);
        for (n, verdict) in (0_u32..).zip(verdicts) {
            let again = if verdict == Verdict::Fresh { Verdict::Replay } else { Verdict::Full };
            assert_eq!(guard.check(&n.to_be_bytes()), again);
        }
        clock.advance(Duration::from_mins(10));
        assert_eq!(guard.check(b"new"), Verdict::Fresh);
    }

    #[test]
    fn an_evicting_guard_stays_bounded_and_forgets_the_oldest() {
        let (guard, _) = guard(160, WhenFull::EvictOldest);
        for n in 0_u32..10_000 {
            assert_eq!(guard.check(&n.to_be_bytes()), Verdict::Fresh);
        }
        assert_eq!(guard.len(), 160);
        assert_eq!(guard.check(&9999_u32.to_be_bytes()), Verdict::Replay);
        assert_eq!(guard.check(&0_u32.to_be_bytes()), Verdict::Fresh);
    }

    #[test]
    fn of_many_threads_one_wins() {
        let (guard, _) = guard(1000, WhenFull::Refuse);
        let fresh = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| guard.check(b"a") == Verdict::Fresh)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).filter(|won| *won).count()
        });
        assert_eq!(fresh, 1);
    }
}
