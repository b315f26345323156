//! Counts bad passwords for each account, apart for familiar and unknown places.
//!
//! An attempt takes a place before the password is checked and settles it afterwards, so that a hundred parallel attempts
//! reach Active Directory no oftener than a hundred in a row.
//!
//! The map is bounded. What an attacker can put into it are names; the question is what may be forgotten to make room.
//! First what counts for nothing any more, then accounts that do not exist, then the fewest bad passwords, then the oldest.
//! A locked account that may exist is never forgotten: to push out one with `n` bad passwords, an attacker must have `n` bad
//! passwords judged for every place in the map. When nothing may be forgotten, new accounts are refused.

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

pub(super) type LedgerKey = (LockoutKey, Familiarity);

#[derive(Debug)]
pub(super) struct Ledger {
    entries: HashMap<LedgerKey, Entry>,
    capacity: usize,
    window: Duration,
    /// Until then a sweep that found nothing is not repeated.
    full_until: Duration,
}

/// What a request for a place is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Go on, and settle later. `failures` are those that count now.
    Taken { failures: u32 },
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

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    failures: u32,
    in_flight: u32,
    /// Monotonic time of the last bad password that was passed on.
    last_failure: Duration,
    known_not_to_exist: bool,
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
    pub(super) fn take(&mut self, key: LedgerKey, threshold: u32, enforce: bool, now: Duration) -> Place {
        if !self.entries.contains_key(&key) && self.entries.len() >= self.capacity && !self.make_room(threshold, now) {
            return Place::Full;
        }
        let entry = self.entries.entry(key).or_default();
        (entry.failures, entry.probation) = entry.counting(threshold, self.window, now);
        if enforce {
            if entry.failures >= threshold {
                return Place::Locked { failures: entry.failures, retry_at: entry.last_failure + self.window };
            }
            if entry.failures + entry.in_flight >= threshold {
                return Place::Busy;
            }
        }
        entry.in_flight = entry.in_flight.saturating_add(1);
        Place::Taken { failures: entry.failures }
    }

    /// Settles a taken place; answers the bad passwords that count now.
    pub(super) fn settle(&mut self, key: LedgerKey, verdict: Verdict, now: Duration) -> u32 {
        let Some(entry) = self.entries.get_mut(&key) else { return 0 };
        entry.in_flight = entry.in_flight.saturating_sub(1);
        match verdict {
            Verdict::Good => {
                entry.failures = 0;
                entry.known_not_to_exist = false;
                entry.probation = false;
            }
            Verdict::Bad { account_exists } => {
                entry.failures = entry.failures.saturating_add(1);
                entry.last_failure = now;
                entry.known_not_to_exist = !account_exists;
            }
            Verdict::Neutral => {}
        }
        let (failures, in_flight) = (entry.failures, entry.in_flight);
        if failures == 0 && in_flight == 0 {
            self.entries.remove(&key);
        }
        failures
    }

    /// Counts for `to` what was counted for `from`: both turned out to be one account.
    pub(super) fn join(&mut self, from: LockoutKey, to: LockoutKey) {
        for familiarity in [Familiarity::Familiar, Familiarity::Unknown] {
            let Some(source) = self.entries.get_mut(&(from, familiarity)) else { continue };
            let moved = *source;
            source.failures = 0;
            if source.in_flight == 0 {
                self.entries.remove(&(from, familiarity));
            }
            if moved.failures > 0 {
                let target = self.entries.entry((to, familiarity)).or_default();
                target.failures = target.failures.saturating_add(moved.failures);
                target.last_failure = target.last_failure.max(moved.last_failure);
                target.probation |= moved.probation;
            }
        }
    }

    /// Forgets at least one entry, or says that none may be forgotten. Sweeps a part of the map at once, so that a flood pays
    /// for one sweep in many attempts.
    fn make_room(&mut self, threshold: u32, now: Duration) -> bool {
        if now < self.full_until {
            return false;
        }
        let window = self.window;
        let mut candidates: Vec<(Rank, LedgerKey)> = self
            .entries
            .iter()
            .filter_map(|(key, entry)| entry.rank(threshold, window, now).map(|rank| (rank, *key)))
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

    fn rank(&self, threshold: u32, window: Duration, now: Duration) -> Option<Rank> {
        let (failures, _) = self.counting(threshold, window, now);
        if self.in_flight > 0 {
            None
        } else if failures == 0 {
            Some(Rank::Worthless)
        } else if self.known_not_to_exist {
            Some(Rank::NoAccount(self.last_failure))
        } else if self.failures < threshold {
            Some(Rank::Account(failures, self.last_failure))
        } else {
            None
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

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_mins(30);
    const BAD: Verdict = Verdict::Bad { account_exists: true };

    fn key(name: &str) -> LedgerKey {
        (LockoutKey::of_account("CORP.EXAMPLE", name), Familiarity::Unknown)
    }

    fn fail(ledger: &mut Ledger, name: &str, times: u32, verdict: Verdict, now: Duration) {
        for _ in 0..times {
            assert!(matches!(ledger.take(key(name), 3, true, now), Place::Taken { .. }), "{name}");
            ledger.settle(key(name), verdict, now);
        }
    }

    fn is_locked(ledger: &mut Ledger, name: &str, now: Duration) -> bool {
        match ledger.take(key(name), 3, true, now) {
            Place::Locked { .. } => true,
            Place::Taken { .. } => {
                ledger.settle(key(name), Verdict::Neutral, now);
                false
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn locks_at_the_threshold_and_lets_one_through_after_the_window() {
        let mut ledger = Ledger::new(10, WINDOW);
        fail(&mut ledger, "alice", 3, BAD, Duration::ZERO);
        assert!(is_locked(&mut ledger, "alice", WINDOW / 2));
        fail(&mut ledger, "alice", 1, BAD, WINDOW);
        assert!(is_locked(&mut ledger, "alice", WINDOW), "one attempt only");
        assert!(!is_locked(&mut ledger, "alice", WINDOW * 2));
        assert!(!is_locked(&mut ledger, "alice", WINDOW * 2), "an attempt without a verdict takes nothing away");
        fail(&mut ledger, "alice", 1, BAD, WINDOW * 2);
        assert!(is_locked(&mut ledger, "alice", WINDOW * 2));
        fail(&mut ledger, "alice", 3, BAD, WINDOW * 2 + WINDOW * FORGIVEN_AFTER_WINDOWS);
    }

    #[test]
    fn refused_attempts_do_not_prolong_the_lockout() {
        let mut ledger = Ledger::new(10, WINDOW);
        fail(&mut ledger, "alice", 3, BAD, Duration::ZERO);
        assert!(is_locked(&mut ledger, "alice", WINDOW / 2));
        assert!(!is_locked(&mut ledger, "alice", WINDOW));
    }

    #[test]
    fn unlocked_counts_end_with_the_window_and_with_a_success() {
        let mut ledger = Ledger::new(10, WINDOW);
        fail(&mut ledger, "alice", 1, BAD, Duration::ZERO);
        fail(&mut ledger, "alice", 2, BAD, WINDOW);
        assert!(!is_locked(&mut ledger, "alice", WINDOW));
        fail(&mut ledger, "alice", 1, Verdict::Good, WINDOW);
        assert_eq!(ledger.len(), 0);
    }

    #[test]
    fn parallel_attempts_share_the_threshold() {
        let mut ledger = Ledger::new(10, WINDOW);
        for _ in 0..3 {
            assert_eq!(ledger.take(key("alice"), 3, true, Duration::ZERO), Place::Taken { failures: 0 });
        }
        assert_eq!(ledger.take(key("alice"), 3, true, Duration::ZERO), Place::Busy);
        ledger.settle(key("alice"), Verdict::Neutral, Duration::ZERO);
        assert!(matches!(ledger.take(key("alice"), 3, true, Duration::ZERO), Place::Taken { .. }));
        for _ in 0..3 {
            ledger.settle(key("alice"), BAD, Duration::ZERO);
        }
        assert!(is_locked(&mut ledger, "alice", Duration::ZERO));
    }

    #[test]
    fn a_flood_of_names_unlocks_nobody() {
        let mut ledger = Ledger::new(32, WINDOW);
        fail(&mut ledger, "locked", 3, BAD, Duration::ZERO);
        fail(&mut ledger, "two", 2, BAD, Duration::ZERO);
        for n in 0..500_u64 {
            fail(&mut ledger, &format!("flood{n}"), 1, BAD, Duration::from_secs(n % 60));
            assert!(ledger.len() <= 32);
        }
        for n in 0..500 {
            fail(&mut ledger, &format!("nobody{n}"), 3, Verdict::Bad { account_exists: false }, Duration::from_mins(1));
        }
        assert!(is_locked(&mut ledger, "locked", Duration::from_mins(1)));
        fail(&mut ledger, "two", 1, BAD, Duration::from_mins(1));
        assert!(is_locked(&mut ledger, "two", Duration::from_mins(1)));
    }

    #[test]
    fn a_full_map_makes_room_by_a_sixteenth() {
        let mut ledger = Ledger::new(32, WINDOW);
        for n in 0..33 {
            fail(&mut ledger, &format!("flood{n}"), 1, BAD, Duration::ZERO);
        }
        assert_eq!(ledger.len(), 31);
    }

    #[test]
    fn an_attempt_under_way_keeps_its_place() {
        let mut ledger = Ledger::new(4, WINDOW);
        for _ in 0..3 {
            assert!(matches!(ledger.take(key("alice"), 3, true, Duration::ZERO), Place::Taken { .. }));
        }
        for n in 0..50 {
            fail(&mut ledger, &format!("flood{n}"), 1, BAD, Duration::ZERO);
        }
        assert_eq!(ledger.take(key("alice"), 3, true, Duration::ZERO), Place::Busy);
    }

    #[test]
    fn full_of_locked_accounts_refuses_new_ones_until_they_are_forgiven() {
        let mut ledger = Ledger::new(4, WINDOW);
        for n in 0..4 {
            fail(&mut ledger, &format!("locked{n}"), 3, BAD, Duration::ZERO);
        }
        assert_eq!(ledger.take(key("new"), 3, true, Duration::ZERO), Place::Full);
        assert!(is_locked(&mut ledger, "locked0", Duration::ZERO));
        let later = WINDOW * FORGIVEN_AFTER_WINDOWS;
        assert!(matches!(ledger.take(key("new"), 3, true, later), Place::Taken { .. }));
    }

    #[test]
    fn one_bad_password_below_the_threshold_is_forgotten_too() {
        let mut ledger = Ledger::new(4, WINDOW);
        fail(&mut ledger, "alice", 2, BAD, Duration::ZERO);
        fail(&mut ledger, "alice", 3, BAD, WINDOW);
    }

    #[test]
    fn two_names_of_one_account_add_up() {
        let mut ledger = Ledger::new(4, WINDOW);
        fail(&mut ledger, "upn", 2, BAD, Duration::ZERO);
        fail(&mut ledger, "alice", 1, BAD, Duration::ZERO);
        ledger.join(key("upn").0, key("alice").0);
        assert!(is_locked(&mut ledger, "alice", Duration::ZERO));
        assert_eq!(ledger.len(), 1);
    }

    #[test]
    fn a_name_on_probation_puts_its_account_on_probation() {
        let mut ledger = Ledger::new(4, WINDOW);
        fail(&mut ledger, "upn", 3, BAD, Duration::ZERO);
        assert!(!is_locked(&mut ledger, "upn", WINDOW));
        ledger.join(key("upn").0, key("alice").0);
        fail(&mut ledger, "alice", 1, BAD, WINDOW * 2);
        assert!(is_locked(&mut ledger, "alice", WINDOW * 2), "one attempt only");
    }

    #[test]
    fn a_name_without_bad_passwords_leaves_no_entry_behind() {
        let mut ledger = Ledger::new(4, WINDOW);
        assert!(matches!(ledger.take(key("upn"), 3, true, Duration::ZERO), Place::Taken { .. }));
        ledger.join(key("upn").0, key("alice").0);
        assert_eq!(ledger.len(), 1);
    }

    #[test]
    fn familiar_and_unknown_places_count_apart() {
        let mut ledger = Ledger::new(4, WINDOW);
        fail(&mut ledger, "alice", 3, BAD, Duration::ZERO);
        let familiar = (key("alice").0, Familiarity::Familiar);
        assert_eq!(ledger.take(familiar, 3, true, Duration::ZERO), Place::Taken { failures: 0 });
    }
}
