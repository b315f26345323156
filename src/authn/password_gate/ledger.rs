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
        if !self.entries.contains_key(&account)
            && self.entries.len() >= self.capacity
            && !self.make_room(thresholds, now)
        {
            return Place::Full;
        }
        let window = self.window;
        let entry = self.entries.entry(account).or_default();
        entry.everywhere.refresh(thresholds.everywhere, window, now);
        entry.unknown.refresh(thresholds.unknown, window, now);
        let concerned = entry.concerned(from, thresholds);
        let failures = concerned.iter().flatten().map(|(counter, _)| counter.failures).max().unwrap_or(0);
        let full = concerned.iter().flatten().filter(|(counter, threshold)| counter.failures >= *threshold);
        // The one that stays full longest decides when an attempt makes sense again.
        let retry_at = full.map(|(counter, _)| counter.last_failure + window).max();
        if enforce {
            if let Some(retry_at) = retry_at {
                return Place::Locked { failures, retry_at };
            }
            let busy = |(counter, threshold): &(&mut Counter, u32)| counter.failures + counter.in_flight >= *threshold;
            if concerned.iter().flatten().any(busy) {
                return Place::Busy;
            }
        }
        for (counter, _) in concerned.into_iter().flatten() {
            counter.in_flight = counter.in_flight.saturating_add(1);
        }
        Place::Taken { failures, locked: retry_at.is_some() }
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

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_mins(30);
    const BAD: Verdict = Verdict::Bad { account_exists: true };

    /// The count of all places is the one that fills, unless a test says otherwise.
    const EVERYWHERE: Thresholds = Thresholds { everywhere: 3, unknown: 3 };

    fn key(name: &str) -> LockoutKey {
        LockoutKey::of_account("CORP.EXAMPLE", name)
    }

    impl Ledger {
        fn take_from(&mut self, from: Familiarity, name: &str, thresholds: Thresholds, now: Duration) -> Place {
            self.take(key(name), from, thresholds, true, now)
        }

        fn take_3(&mut self, name: &str, now: Duration) -> Place {
            self.take_from(Familiarity::Unknown, name, EVERYWHERE, now)
        }

        fn settle_3(&mut self, name: &str, verdict: Verdict, now: Duration) {
            self.settle(key(name), Familiarity::Unknown, EVERYWHERE, verdict, now);
        }
    }

    fn fail(ledger: &mut Ledger, name: &str, times: u32, verdict: Verdict, now: Duration) {
        for _ in 0..times {
            assert!(matches!(ledger.take_3(name, now), Place::Taken { .. }), "{name}");
            ledger.settle_3(name, verdict, now);
        }
    }

    fn is_locked(ledger: &mut Ledger, name: &str, now: Duration) -> bool {
        match ledger.take_3(name, now) {
            Place::Locked { .. } => true,
            Place::Taken { .. } => {
                ledger.settle_3(name, Verdict::Neutral, now);
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
            assert_eq!(ledger.take_3("alice", Duration::ZERO), Place::Taken { failures: 0, locked: false });
        }
        assert_eq!(ledger.take_3("alice", Duration::ZERO), Place::Busy);
        ledger.settle_3("alice", Verdict::Neutral, Duration::ZERO);
        assert!(matches!(ledger.take_3("alice", Duration::ZERO), Place::Taken { .. }));
        for _ in 0..3 {
            ledger.settle_3("alice", BAD, Duration::ZERO);
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
            assert!(matches!(ledger.take_3("alice", Duration::ZERO), Place::Taken { .. }));
        }
        for n in 0..50 {
            fail(&mut ledger, &format!("flood{n}"), 1, BAD, Duration::ZERO);
        }
        assert_eq!(ledger.take_3("alice", Duration::ZERO), Place::Busy);
    }

    #[test]
    fn full_of_locked_accounts_refuses_new_ones_until_they_are_forgiven() {
        let mut ledger = Ledger::new(4, WINDOW);
        for n in 0..4 {
            fail(&mut ledger, &format!("locked{n}"), 3, BAD, Duration::ZERO);
        }
        assert_eq!(ledger.take_3("new", Duration::ZERO), Place::Full);
        assert!(is_locked(&mut ledger, "locked0", Duration::ZERO));
        let later = WINDOW * FORGIVEN_AFTER_WINDOWS;
        assert!(matches!(ledger.take_3("new", later), Place::Taken { .. }));
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
        ledger.join(key("upn"), key("alice"));
        assert!(is_locked(&mut ledger, "alice", Duration::ZERO));
        assert_eq!(ledger.len(), 1);
    }

    #[test]
    fn a_name_on_probation_puts_its_account_on_probation() {
        let mut ledger = Ledger::new(4, WINDOW);
        fail(&mut ledger, "upn", 3, BAD, Duration::ZERO);
        assert!(!is_locked(&mut ledger, "upn", WINDOW));
        ledger.join(key("upn"), key("alice"));
        fail(&mut ledger, "alice", 1, BAD, WINDOW * 2);
        assert!(is_locked(&mut ledger, "alice", WINDOW * 2), "one attempt only");
    }

    #[test]
    fn a_name_without_bad_passwords_leaves_no_entry_behind() {
        let mut ledger = Ledger::new(4, WINDOW);
        assert!(matches!(ledger.take_3("upn", Duration::ZERO), Place::Taken { .. }));
        ledger.join(key("upn"), key("alice"));
        assert_eq!(ledger.len(), 1);
    }

    #[test]
    fn all_places_together_stay_below_the_one_threshold() {
        use Familiarity::{Familiar, Unknown};
        let thresholds = Thresholds { everywhere: 4, unknown: 3 };
        // In whatever order they come, no more than four are passed on.
        for order in [[Unknown, Familiar], [Familiar, Unknown]] {
            let mut ledger = Ledger::new(4, WINDOW);
            let mut passed_on = 0;
            for from in order.into_iter().cycle().take(40) {
                if let Place::Taken { .. } = ledger.take_from(from, "alice", thresholds, Duration::ZERO) {
                    passed_on += 1;
                    let settled = ledger.settle(key("alice"), from, thresholds, BAD, Duration::ZERO);
                    assert_eq!(settled.locks, passed_on == 4, "{passed_on}");
                }
            }
            assert_eq!(passed_on, 4);
            for from in order {
                assert!(matches!(
                    ledger.take_from(from, "alice", thresholds, Duration::ZERO),
                    Place::Locked { failures: 4, .. }
                ));
            }
        }
    }

    #[test]
    fn attempts_under_way_from_all_places_share_the_threshold() {
        use Familiarity::{Familiar, Unknown};
        let thresholds = Thresholds { everywhere: 4, unknown: 3 };
        let mut ledger = Ledger::new(4, WINDOW);
        for from in [Unknown, Unknown, Familiar, Familiar] {
            assert!(matches!(ledger.take_from(from, "alice", thresholds, Duration::ZERO), Place::Taken { .. }));
        }
        for from in [Unknown, Familiar] {
            assert_eq!(ledger.take_from(from, "alice", thresholds, Duration::ZERO), Place::Busy);
        }
    }

    #[test]
    fn unknown_places_leave_the_owner_a_share() {
        use Familiarity::{Familiar, Unknown};
        let thresholds = Thresholds { everywhere: 4, unknown: 3 };
        let mut ledger = Ledger::new(4, WINDOW);
        for n in 1..=3 {
            assert!(matches!(ledger.take_from(Unknown, "alice", thresholds, Duration::ZERO), Place::Taken { .. }));
            let settled = ledger.settle(key("alice"), Unknown, thresholds, BAD, Duration::ZERO);
            assert_eq!(settled, Settled { failures: n, locks: n == 3 });
        }
        assert!(matches!(
            ledger.take_from(Unknown, "alice", thresholds, Duration::ZERO),
            Place::Locked { failures: 3, .. }
        ));
        let left = ledger.take_from(Familiar, "alice", thresholds, Duration::ZERO);
        assert_eq!(left, Place::Taken { failures: 3, locked: false });
        // The right password empties the count of all places, and the guesser is still out.
        ledger.settle(key("alice"), Familiar, thresholds, Verdict::Good, Duration::ZERO);
        let again = ledger.take_from(Familiar, "alice", thresholds, Duration::ZERO);
        assert_eq!(again, Place::Taken { failures: 0, locked: false });
        assert!(matches!(
            ledger.take_from(Unknown, "alice", thresholds, Duration::ZERO),
            Place::Locked { failures: 3, .. }
        ));
    }
}
