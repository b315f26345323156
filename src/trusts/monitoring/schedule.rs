//! When metadata is looked at again.

use std::time::Duration;

use crate::clock::{Random, UtcTime};

/// How often metadata is looked at.
#[derive(Clone, Copy)]
pub struct Schedule<'a> {
    /// Between two looks, as configured.
    pub interval: Duration,
    /// For the jitter: a farm's nodes, and all who trust one partner, should not come at once.
    pub random: &'a dyn Random,
}

impl Schedule<'_> {
    /// After a document came. One that may be kept for a shorter time is fetched earlier, but not more than once an hour.
    pub(super) fn after_success(&self, now: UtcTime, cache: Option<Duration>) -> UtcTime {
        let wished = cache.map_or(self.interval, |cache| cache.max(SHORTEST).min(self.interval));
        now.plus(self.jittered(wished))
    }

    /// After none came, or none that could be used: earlier, and later each time it happens again.
    pub(super) fn after_failure(&self, now: UtcTime, failures: u32) -> UtcTime {
        let wait = FIRST_RETRY.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1).min(16)));
        now.plus(self.jittered(wait.min(self.interval)))
    }

    /// Nine to eleven tenths of it.
    fn jittered(&self, time: Duration) -> Duration {
        let mut octet = [128];
        // Without randomness all come at the same moment, which is no reason not to come.
        let _ = self.random.fill(&mut octet);
        let per_mille = 900 + 200 * u64::from(octet[0]) / 255;
        Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX).saturating_mul(per_mille) / 1000)
    }
}

impl std::fmt::Debug for Schedule<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Schedule").field("interval", &self.interval).finish_non_exhaustive()
    }
}

const SHORTEST: Duration = Duration::from_hours(1);
const FIRST_RETRY: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::RandomError;

    struct Fixed(u8);

    impl Random for Fixed {
        fn fill(&self, octets: &mut [u8]) -> Result<(), RandomError> {
            octets.fill(self.0);
            Ok(())
        }
    }

    #[test]
    fn looks_are_spread_and_failures_wait_longer_each_time() {
        const NOW: UtcTime = UtcTime::from_unix_seconds(1_767_607_201);
        let day = Duration::from_hours(24);
        for (octet, hours) in [(0, 216), (255, 264)] {
            let schedule = Schedule { interval: day, random: &Fixed(octet) };
            let tenths = |time: UtcTime| time.since(NOW).as_secs() / 360;
            assert_eq!(tenths(schedule.after_success(NOW, None)), hours);
            assert_eq!(tenths(schedule.after_success(NOW, Some(Duration::from_hours(240)))), hours);
            assert_eq!(tenths(schedule.after_success(NOW, Some(Duration::from_secs(1)))), hours / 24);
        }
        let schedule = Schedule { interval: day, random: &Fixed(255) };
        let minutes = |failures| schedule.after_failure(NOW, failures).since(NOW).as_secs() / 60;
        assert_eq!([1, 2, 3, 9, 10, 40, u32::MAX].map(minutes), [5, 11, 22, 1408, 1584, 1584, 1584]);
    }
}
