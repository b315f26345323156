//! A circuit breaker for one domain controller.
//!
//! Keeps questions away from a server that has just failed several times, and lets one through now and then to see whether it
//! is back. Knows time only as durations handed in, and nothing of LDAP.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// When a circuit opens and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerOptions {
    /// Failures in a row that open the circuit; at least 1.
    pub failures: u32,
    /// How long it stays open the first time; doubled each time a probe fails.
    pub cool_down: Duration,
    /// The longest it ever stays open.
    pub max_cool_down: Duration,
}

impl Default for BreakerOptions {
    fn default() -> Self {
        Self { failures: 3, cool_down: Duration::from_secs(5), max_cool_down: Duration::from_mins(1) }
    }
}

/// The state of a circuit, for operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Circuit {
    /// Questions pass.
    Closed,
    /// Questions are kept away.
    Open,
    /// One question is on its way to find out whether the server is back.
    HalfOpen,
}

/// The breaker. All methods take the current monotonic time.
#[derive(Debug)]
pub struct Breaker {
    options: BreakerOptions,
    state: Mutex<State>,
}

impl Breaker {
    /// A closed circuit.
    pub const fn new(options: BreakerOptions) -> Self {
        Self { options, state: Mutex::new(State::Closed { failures: 0 }) }
    }

    /// Whether a question may go to this server now. Whoever gets `true` must report the outcome by
    /// [`succeeded`](Self::succeeded) or [`failed`](Self::failed); a probe that never reports is given up after the cool-down.
    pub fn admits(&self, now: Duration) -> bool {
        let mut state = self.lock();
        match *state {
            State::Closed { .. } => true,
            State::Open { until, .. } if now < until => false,
            State::Open { cool_down, .. } | State::HalfOpen { cool_down, .. } if !state.probing_at(now) => {
                *state = State::HalfOpen { until: now.saturating_add(cool_down), cool_down };
                true
            }
            State::Open { .. } | State::HalfOpen { .. } => false,
        }
    }

    /// The server answered. Returns whether this closed an open circuit.
    pub fn succeeded(&self) -> bool {
        let mut state = self.lock();
        let was_open = !matches!(*state, State::Closed { .. });
        *state = State::Closed { failures: 0 };
        was_open
    }

    /// The server failed. Returns for how long the circuit is open now, if this failure opened it.
    pub fn failed(&self, now: Duration) -> Option<Duration> {
        let mut state = self.lock();
        let cool_down = match *state {
            State::Closed { failures } if failures + 1 < self.options.failures => {
                *state = State::Closed { failures: failures + 1 };
                return None;
            }
            State::Closed { .. } => self.options.cool_down,
            // A question that was under way when the circuit opened says nothing new.
            State::Open { .. } => return None,
            State::HalfOpen { cool_down, .. } => cool_down.saturating_mul(2).min(self.options.max_cool_down),
        };
        *state = State::Open { until: now.saturating_add(cool_down), cool_down };
        Some(cool_down)
    }

    /// The server refused our own password: every further attempt counts towards the lockout of the service account, and
    /// nothing but a change of configuration helps. Returns for how long the circuit is open now.
    pub fn refused(&self, now: Duration) -> Duration {
        *self.lock() = State::Open { until: now.saturating_add(REFUSED_COOL_DOWN), cool_down: REFUSED_COOL_DOWN };
        REFUSED_COOL_DOWN
    }

    /// Whether the last outcome was a failure, or the circuit is open: others should be tried first.
    pub fn is_suspect(&self) -> bool {
        !matches!(*self.lock(), State::Closed { failures: 0 })
    }

    /// The state, for operators.
    pub fn circuit(&self) -> Circuit {
        match *self.lock() {
            State::Closed { .. } => Circuit::Closed,
            State::Open { .. } => Circuit::Open,
            State::HalfOpen { .. } => Circuit::HalfOpen,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is a plain value: a panic elsewhere cannot have left it half written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed { failures: u32 },
    Open { until: Duration, cool_down: Duration },
    HalfOpen { until: Duration, cool_down: Duration },
}

impl State {
    fn probing_at(self, now: Duration) -> bool {
        matches!(self, Self::HalfOpen { until, .. } if now < until)
    }
}

/// Long enough that a wrong password of the service account never locks it (five failures in half an hour are usual).
const REFUSED_COOL_DOWN: Duration = Duration::from_mins(15);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock as _, ManualClock, UtcTime};

    const OPTIONS: BreakerOptions =
        BreakerOptions { failures: 3, cool_down: Duration::from_secs(5), max_cool_down: Duration::from_secs(12) };

    fn clock() -> ManualClock {
        ManualClock::at(UtcTime::from_unix_seconds(1000))
    }

    fn opened(clock: &ManualClock) -> Breaker {
        let breaker = Breaker::new(OPTIONS);
        assert_eq!(breaker.failed(clock.monotonic()), None);
        assert_eq!(breaker.failed(clock.monotonic()), None);
        assert_eq!(breaker.failed(clock.monotonic()), Some(OPTIONS.cool_down));
        breaker
    }

    #[test]
    fn only_failures_in_a_row_open_it() {
        let (clock, breaker) = (clock(), Breaker::new(OPTIONS));
        for _ in 0..10 {
            breaker.failed(clock.monotonic());
            breaker.failed(clock.monotonic());
            breaker.succeeded();
        }
        assert!(breaker.admits(clock.monotonic()));
        assert_eq!(breaker.circuit(), Circuit::Closed);
    }

    #[test]
    fn the_first_failure_makes_it_suspect_and_a_success_clears_it() {
        let (clock, breaker) = (clock(), Breaker::new(OPTIONS));
        assert!(!breaker.is_suspect());
        breaker.failed(clock.monotonic());
        assert!(breaker.is_suspect() && breaker.circuit() == Circuit::Closed);
        breaker.succeeded();
        assert!(!breaker.is_suspect());
        assert!(opened(&clock).is_suspect());
    }

    #[test]
    fn after_the_cool_down_one_probe_passes() {
        let clock = clock();
        let breaker = opened(&clock);
        clock.advance(Duration::from_millis(4999));
        assert!(!breaker.admits(clock.monotonic()));
        clock.advance(Duration::from_millis(1));
        assert!(breaker.admits(clock.monotonic()));
        assert!(!breaker.admits(clock.monotonic()), "a second question must wait for the probe");
        assert_eq!(breaker.circuit(), Circuit::HalfOpen);
        assert!(breaker.succeeded());
        assert!(breaker.admits(clock.monotonic()));
    }

    #[test]
    fn a_failed_probe_doubles_the_cool_down_up_to_the_limit() {
        let clock = clock();
        let breaker = opened(&clock);
        for seconds in [10, 12, 12] {
            clock.advance(Duration::from_secs(12));
            assert!(breaker.admits(clock.monotonic()));
            assert_eq!(breaker.failed(clock.monotonic()), Some(Duration::from_secs(seconds)));
        }
    }

    #[test]
    fn a_probe_that_never_reports_does_not_block_for_good() {
        let clock = clock();
        let breaker = opened(&clock);
        clock.advance(Duration::from_secs(5));
        assert!(breaker.admits(clock.monotonic()));
        clock.advance(Duration::from_secs(5));
        assert!(breaker.admits(clock.monotonic()));
    }

    #[test]
    fn late_failures_do_not_prolong_an_open_circuit() {
        let clock = clock();
        let breaker = opened(&clock);
        clock.advance(Duration::from_secs(4));
        assert_eq!(breaker.failed(clock.monotonic()), None);
        clock.advance(Duration::from_secs(1));
        assert!(breaker.admits(clock.monotonic()));
    }

    #[test]
    fn a_refused_password_is_not_tried_again_soon() {
        let clock = ManualClock::at(UtcTime::from_unix_seconds(0));
        let breaker = Breaker::new(OPTIONS);
        breaker.refused(clock.monotonic());
        clock.advance(OPTIONS.max_cool_down);
        assert!(!breaker.admits(clock.monotonic()));
        clock.advance(Duration::from_mins(15));
        assert!(breaker.admits(clock.monotonic()));
    }
}
