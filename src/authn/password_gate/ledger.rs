//! Counts bad passwords for each account: all of them, and apart those from unknown places.
//!
//! Active Directory has one counter for an account, wherever a bad password comes from. So has the ledger, and nothing passes
//! when that one is full. The second counter leaves the owner a share that a guesser elsewhere cannot use up.
//!
//! An attempt takes a place before the password is checked and settles it afterwards, so that a hundred parallel attempts
//! reach Active Directory no oftener than a hundred in a row.
//!
//! The map is bounded. What an attacker can put into it are names; the question is what may be forgotten to make room.
//! First what counts for nothing any more, then accounts that do not exist, then the fewest bad passwords, then the oldest.
//! A locked account that may exist is never forgotten: to push out one with `n` bad passwords, an attacker must have `n` bad
//! passwords judged for every place in the map. When nothing may be forgotten, new accounts are refused.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::Duration;

use crate::authn::LockoutKey;

/// Whether the account has signed in from all of a request's addresses before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Familiarity {
    /// It has, or the request comes from the intranet.
    Familiar,
    /// It has not.
    Unknown,
}

/// Bad passwords of one account that are passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Thresholds {
    /// From all places together; at least 1.
    pub(super) everywhere: u32,
    /// Of these, from unknown places; at least 1.
    pub(super) unknown: u32,
}

#[derive(Debug)]
pub(super) struct Ledger {
    entries: HashMap<LockoutKey, Entry>,
    capacity: usize,
    window: Duration,
    /// Until then a sweep that found nothing is not repeated.
    full_until: Duration,
}

/// What a request for a place is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Go on, and settle later. `failures` are those that count now; `locked` only when lockout is not enforced.
    Taken { failures: u32, locked: bool },
    /// Every place left is taken by an attempt still under way: wait for one to settle.
    Busy,
    /// Locked.
    Locked { failures: u32, retry_at: Duration },
    /// The map is full of accounts that may not be forgotten.
    Full,
}

/// What an attempt turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    Bad {
        account_exists: bool,
    },
    /// Nothing was learnt about the password.
    Neutral,
}

/// What settling an attempt did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Settled {
    /// Bad passwords that count now.
    pub(super) failures: u32,
    /// This bad password was the last that is passed on.
    pub(super) locks: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    everywhere: Counter,
    unknown: Counter,
    known_not_to_exist: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counter {
    failures: u32,
    in_flight: u32,
    /// Monotonic time of the last bad password that was passed on.
    last_failure: Duration,
    /// Was locked, and has a single attempt until it is forgiven.
    probation: bool,
}

impl Ledger {
    pub(super) fn new(capacity: usize, window: Duration) -> Self {
        Self { entries: HashMap::new(), capacity: capacity.max(1), window, full_until: Duration::ZERO }
    }

    /// Takes over changed settings; what is counted stays.
    pub(super) fn reconfigure(&mut self, capacity: usize, window: Duration) {
        self.capacity = capacity.max(1);
        self.window = window;
    }

    /// Takes a place for one attempt. With `enforce` off, an attempt on a locked account gets its place too.
    pub(super) fn take(
        &mut self,
        account: LockoutKey,
        from: Familiarity,
        thresholds: Thresholds,
        enforce: bool,
        now: Duration,
    ) -> Place {
        let locked = match self.refusal(account, from, thresholds, now) {
            Some(Place::Locked { .. }) if !enforce => true,
            Some(refusal) => return refusal,
            None => false,
        };
        let entry = self.entries.entry(account).or_default();
        let failures = entry.failures(from, thresholds);
        let concerned = entry.concerned(from, thresholds);
        let busy = |(counter, threshold): &(&mut Counter, u32)| counter.failures + counter.in_flight >= *threshold;
        if enforce && concerned.iter().flatten().any(busy) {
            return Place::Busy;
        }
        for (counter, _) in concerned.into_iter().flatten() {
            counter.in_flight = counter.in_flight.saturating_add(1);
        }
        Place::Taken { failures, locked }
    }

    /// Why an attempt would get no place, and would have no use for one that is free later: the account is locked, or the map is
    /// full. Takes none.
    pub(super) fn refusal(
        &mut self,
        account: LockoutKey,
        from: Familiarity,
        thresholds: Thresholds,
        now: Duration,
    ) -> Option<Place> {
        let window = self.window;
        let Some(entry) = self.entries.get_mut(&account) else {
            let full = self.entries.len() >= self.capacity && !self.make_room(thresholds, now);
            return full.then_some(Place::Full);
        };
        entry.everywhere.refresh(thresholds.everywhere, window, now);
        entry.unknown.refresh(thresholds.unknown, window, now);
        let failures = entry.failures(from, thresholds);
        let concerned = entry.concerned(from, thresholds);
        let full = concerned.iter().flatten().filter(|(counter, threshold)| counter.failures >= *threshold);
        // The one that stays full longest decides when an attempt makes sense again.
        let retry_at = full.map(|(counter, _)| counter.last_failure + window).max()?;
        Some(Place::Locked { failures, retry_at })
    }

    /// Settles a taken place.
    ///
    /// The right password empties the count of all places, as it does in Active Directory; that of the unknown ones only when it
    /// came from one, so that an owner who signs in gives a guesser nothing.
    pub(super) fn settle(
        &mut self,
        account: LockoutKey,
        from: Familiarity,
        thresholds: Thresholds,
        verdict: Verdict,
        now: Duration,
    ) -> Settled {
        let Some(entry) = self.entries.get_mut(&account) else { return Settled::default() };
        let mut settled = Settled::default();
        for (counter, threshold) in entry.concerned(from, thresholds).into_iter().flatten() {
            counter.settle(verdict, now);
            settled.failures = settled.failures.max(counter.failures);
            settled.locks |= matches!(verdict, Verdict::Bad { .. }) && counter.failures == threshold;
        }
        match verdict {
            Verdict::Good => entry.known_not_to_exist = false,
            Verdict::Bad { account_exists } => entry.known_not_to_exist = !account_exists,
            Verdict::Neutral => {}
        }
        if entry.everywhere.is_empty() && entry.unknown.is_empty() {
            self.entries.remove(&account);
        }
        settled
    }

    /// Counts for `to` what was counted for `from`: both turned out to be one account.
    pub(super) fn join(&mut self, from: LockoutKey, to: LockoutKey) {
        let Some(source) = self.entries.get_mut(&from) else { return };
        let moved = *source;
        source.everywhere.failures = 0;
        source.unknown.failures = 0;
        if source.everywhere.is_empty() && source.unknown.is_empty() {
            self.entries.remove(&from);
        }
        if moved.everywhere.failures > 0 || moved.unknown.failures > 0 {
            let target = self.entries.entry(to).or_default();
            target.everywhere.add(moved.everywhere);
            target.unknown.add(moved.unknown);
        }
    }

    /// Forgets at least one entry, or says that none may be forgotten. Sweeps a part of the map at once, so that a flood pays
    /// for one sweep in many attempts.
    fn make_room(&mut self, thresholds: Thresholds, now: Duration) -> bool {
        if now < self.full_until {
            return false;
        }
        let window = self.window;
        let mut candidates: Vec<(Rank, LockoutKey)> = self
            .entries
            .iter()
            .filter_map(|(key, entry)| entry.rank(thresholds, window, now).map(|rank| (rank, *key)))
            .collect();
        candidates.sort_unstable();
        let swept = (self.capacity / 16).max(1);
        let worthless = candidates.iter().take_while(|(rank, _)| matches!(rank, Rank::Worthless)).count();
        for (_, key) in candidates.iter().take(swept.max(worthless)) {
            self.entries.remove(key);
        }
        if candidates.is_empty() {
            self.full_until = now + SWEEP_PAUSE;
        }
        !candidates.is_empty()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

impl Entry {
    /// The counters that an attempt from there fills, with their thresholds.
    fn concerned(&mut self, from: Familiarity, thresholds: Thresholds) -> [Option<(&mut Counter, u32)>; 2] {
        let unknown = (from == Familiarity::Unknown).then_some((&mut self.unknown, thresholds.unknown));
        [Some((&mut self.everywhere, thresholds.everywhere)), unknown]
    }

    /// The most bad passwords that an attempt from there has behind it.
    fn failures(&mut self, from: Familiarity, thresholds: Thresholds) -> u32 {
        self.concerned(from, thresholds).iter().flatten().map(|(counter, _)| counter.failures).max().unwrap_or(0)
    }

    fn rank(&self, thresholds: Thresholds, window: Duration, now: Duration) -> Option<Rank> {
        let counters = [(self.everywhere, thresholds.everywhere), (self.unknown, thresholds.unknown)];
        let counting = counters.map(|(counter, threshold)| counter.counting(threshold, window, now).0);
        let failures = counting.into_iter().max().unwrap_or(0);
        let last_failure = self.everywhere.last_failure.max(self.unknown.last_failure);
        if self.everywhere.in_flight > 0 {
            None
        } else if failures == 0 {
            Some(Rank::Worthless)
        } else if self.known_not_to_exist {
            Some(Rank::NoAccount(last_failure))
        } else if counters.iter().all(|(counter, threshold)| counter.failures < *threshold) {
            Some(Rank::Account(failures, last_failure))
        } else {
            None
        }
    }
}

impl Counter {
    /// Forgets what does not count any more.
    fn refresh(&mut self, threshold: u32, window: Duration, now: Duration) {
        (self.failures, self.probation) = self.counting(threshold, window, now);
    }

    fn settle(&mut self, verdict: Verdict, now: Duration) {
        self.in_flight = self.in_flight.saturating_sub(1);
        match verdict {
            Verdict::Good => {
                self.failures = 0;
                self.probation = false;
            }
            Verdict::Bad { .. } => {
                self.failures = self.failures.saturating_add(1);
                self.last_failure = now;
            }
            Verdict::Neutral => {}
        }
    }

    fn add(&mut self, other: Self) {
        self.failures = self.failures.saturating_add(other.failures);
        self.last_failure = self.last_failure.max(other.last_failure);
        self.probation |= other.probation;
    }

    const fn is_empty(&self) -> bool {
        self.failures == 0 && self.in_flight == 0
    }

    /// Bad passwords that count at `now`, and whether the account is on probation. After the window an unlocked account
    /// starts afresh and a locked one has a single attempt; after [`FORGIVEN_AFTER_WINDOWS`] it starts afresh too.
    fn counting(&self, threshold: u32, window: Duration, now: Duration) -> (u32, bool) {
        let quiet = now.saturating_sub(self.last_failure);
        if quiet < window {
            (self.failures, self.probation)
        } else if (self.failures >= threshold || self.probation)
            && quiet < window.saturating_mul(FORGIVEN_AFTER_WINDOWS)
        {
            (threshold.saturating_sub(1), true)
        } else {
            (0, false)
        }
    }
}

/// In the order in which entries are forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Worthless,
    NoAccount(Duration),
    Account(u32, Duration),
}

/// A locked account that was left alone for so many windows starts afresh.
const FORGIVEN_AFTER_WINDOWS: u32 = 8;

/// Pause between two sweeps of a map in which nothing may be forgotten.
const SWEEP_PAUSE: Duration = Duration::from_secs(1);
