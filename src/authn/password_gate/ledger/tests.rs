//! The ledger on times of the tests' own.

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
