//! Makes every refusal take the same time.
//!
//! A wrong password costs a KDC two trips, an unknown account one, and a locked one none: without care the clock tells which
//! accounts exist. Every refusal therefore ends at a multiple of one target. The target follows the slow end of the genuine
//! answers: at once upwards, slowly downwards, never below a floor or above a ceiling. An answer that misses the
//! target is held until the next multiple, so a slow one looks like any other slow one.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::authn::PasswordError;

/// Waits; the runtime's timer in the product, nothing at all in most tests.
#[async_trait::async_trait]
pub trait Sleeper: Send + Sync {
    /// Returns after `duration`.
    async fn sleep(&self, duration: Duration);
}

/// The tokio runtime's timer.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokioSleeper;

#[async_trait::async_trait]
impl Sleeper for TokioSleeper {
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// How long refusals take, for one domain.
#[derive(Debug)]
pub struct ResponsePacer {
    limits: PacerLimits,
    state: Mutex<State>,
}

/// The shortest and the longest target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacerLimits {
    /// No refusal comes sooner. Well above what an unloaded domain controller next door needs.
    pub floor: Duration,
    /// A domain slower than this is told apart rather than waited for.
    pub ceiling: Duration,
}

impl Default for PacerLimits {
    fn default() -> Self {
        Self { floor: Duration::from_millis(120), ceiling: Duration::from_secs(3) }
    }
}

#[derive(Debug)]
struct State {
    wrong: Ring,
    /// Disabled, locked, expired …: rarer, and often slower because a second question tells why.
    other: Ring,
    target: Duration,
}

impl ResponsePacer {
    /// A pacer that starts at the floor.
    pub fn new(limits: PacerLimits) -> Self {
        let floor = limits.floor.max(Duration::from_millis(1));
        let limits = PacerLimits { floor, ceiling: limits.ceiling.max(floor) };
        Self { limits, state: Mutex::new(State { wrong: Ring::default(), other: Ring::default(), target: floor }) }
    }

    /// Learns how long the domain took to refuse an account that exists. Unknown accounts teach nothing: they are the quick
    /// ones, and anybody can send as many as they like.
    pub fn observe(&self, error: &PasswordError, took: Duration) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match error {
            PasswordError::Wrong => state.wrong.push(took),
            PasswordError::UnknownAccount | PasswordError::Empty | PasswordError::Unusable => return,
            error if error.is_account_answer() => state.other.push(took),
            _ => return,
        }
        let slow_end = state.wrong.slow_end().max(state.other.slow_end());
        let wanted = (slow_end + slow_end / MARGIN).clamp(self.limits.floor, self.limits.ceiling);
        state.target = if wanted >= state.target {
            wanted
        } else {
            state.target.saturating_sub(state.target.saturating_sub(wanted) / DOWNWARD_STEP)
        };
    }

    /// How much longer a refusal that has taken `elapsed` has to wait.
    pub fn remaining(&self, elapsed: Duration) -> Duration {
        let target = self.target().as_nanos().max(1);
        let elapsed = elapsed.as_nanos();
        let due = elapsed.div_ceil(target).max(1).saturating_mul(target);
        Duration::from_nanos(u64::try_from(due - elapsed).unwrap_or(0))
    }

    /// The time that refusals take now.
    pub fn target(&self) -> Duration {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).target
    }
}

/// The last durations of one kind.
#[derive(Debug, Default)]
struct Ring {
    samples: std::collections::VecDeque<Duration>,
}

impl Ring {
    fn push(&mut self, sample: Duration) {
        if self.samples.len() >= RING_LENGTH {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }

    /// The 95th percentile; the slowest while there are few.
    fn slow_end(&self) -> Duration {
        let mut sorted: Vec<Duration> = self.samples.iter().copied().collect();
        sorted.sort_unstable();
        let index = (sorted.len() * 95 / 100).min(sorted.len().saturating_sub(1));
        sorted.get(index).copied().unwrap_or_default()
    }
}

const RING_LENGTH: usize = 128;

/// The target stands a tenth above the slow end.
const MARGIN: u32 = 10;

/// The target goes down by so small a part of the difference with each answer.
const DOWNWARD_STEP: u32 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn pacer() -> ResponsePacer {
        ResponsePacer::new(PacerLimits { floor: ms(100), ceiling: ms(1000) })
    }

    #[test]
    fn every_refusal_ends_at_a_multiple_of_the_target() {
        let pacer = pacer();
        for (elapsed, remaining) in [(0, 100), (15, 85), (99, 1), (100, 0), (101, 99), (250, 50)] {
            assert_eq!(pacer.remaining(ms(elapsed)), ms(remaining), "{elapsed}");
        }
    }

    #[test]
    fn follows_slow_answers_at_once_and_quick_ones_slowly() {
        let pacer = pacer();
        pacer.observe(&PasswordError::Wrong, ms(300));
        assert_eq!(pacer.target(), ms(330));
        pacer.observe(&PasswordError::Wrong, ms(20));
        assert_eq!(pacer.target(), ms(330), "one quick answer is not the slow end");
        for _ in 0..RING_LENGTH {
            pacer.observe(&PasswordError::Wrong, ms(20));
        }
        let soon = pacer.target();
        assert!(soon > ms(100), "{soon:?}");
        for _ in 0..500 {
            pacer.observe(&PasswordError::Wrong, ms(20));
        }
        assert!(pacer.target() < ms(101), "{:?}", pacer.target());
    }

    #[test]
    fn five_of_a_hundred_may_be_slower() {
        let pacer = pacer();
        for took in [10; 36].into_iter().chain([200; 3]).chain([900]) {
            pacer.state.lock().unwrap().wrong.push(ms(took));
        }
        assert_eq!(pacer.state.lock().unwrap().wrong.slow_end(), ms(200));
    }

    #[test]
    fn a_single_outlier_among_many_does_not_raise_the_target() {
        let pacer = pacer();
        for _ in 0..100 {
            pacer.observe(&PasswordError::Wrong, ms(50));
        }
        pacer.observe(&PasswordError::Wrong, ms(900));
        assert_eq!(pacer.target(), ms(100));
    }

    #[test]
    fn unknown_accounts_and_failures_to_ask_teach_nothing() {
        let pacer = pacer();
        for error in [
            PasswordError::UnknownAccount,
            PasswordError::Empty,
            PasswordError::Unavailable { reason: String::new() },
            PasswordError::Untrusted { reason: String::new() },
        ] {
            pacer.observe(&error, ms(900));
        }
        assert_eq!(pacer.target(), ms(100));
    }

    #[test]
    fn the_slow_way_to_a_disabled_account_is_covered() {
        let pacer = pacer();
        for _ in 0..100 {
            pacer.observe(&PasswordError::Wrong, ms(50));
        }
        pacer.observe(&PasswordError::Disabled, ms(200));
        assert_eq!(pacer.target(), ms(220));
    }

    #[test]
    fn the_target_has_a_ceiling() {
        let pacer = pacer();
        pacer.observe(&PasswordError::Wrong, Duration::from_mins(1));
        assert_eq!(pacer.target(), ms(1000));
    }
}
