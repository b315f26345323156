//! How much one source may ask for: a token bucket for each, kept as one instant (the generic cell rate algorithm).
//!
//! An attempt pays first and may be paid back when it was harmless, so parallel attempts cannot overdraw, and an office behind one
//! address spends nothing on people who sign in. Knows neither what a source is nor what it pays for.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// The buckets of sources of a kind: addresses, accounts.
#[derive(Debug)]
pub(crate) struct Budget<K> {
    /// For each source the monotonic time at which its bucket is full again.
    full_at: HashMap<K, Duration>,
    capacity: usize,
    burst: u32,
    interval: Duration,
}

impl<K: Copy + Eq + Hash> Budget<K> {
    pub(crate) fn new(capacity: usize, burst: u32, interval: Duration) -> Self {
        Self { full_at: HashMap::new(), capacity: capacity.max(1), burst, interval }
    }

    /// Takes over changed settings; what is spent stays spent.
    pub(crate) fn reconfigure(&mut self, capacity: usize, burst: u32, interval: Duration) {
        self.capacity = capacity.max(1);
        self.burst = burst;
        self.interval = interval;
    }

    /// Pays for one attempt; `Err` with the time at which the next one is possible.
    pub(crate) fn pay(&mut self, source: K, now: Duration) -> Result<(), Duration> {
        if !self.full_at.contains_key(&source) && self.full_at.len() >= self.capacity {
            self.make_room(now);
        }
        let full_at = self.full_at.entry(source).or_insert(now);
        let after = (*full_at).max(now) + self.interval;
        let limit = now + self.interval.saturating_mul(self.burst);
        if after > limit {
            return Err(now + after.saturating_sub(limit));
        }
        *full_at = after;
        Ok(())
    }

    /// Pays one attempt back.
    pub(crate) fn pay_back(&mut self, source: K, now: Duration) {
        if let Some(full_at) = self.full_at.get_mut(&source) {
            *full_at = full_at.saturating_sub(self.interval);
            if *full_at <= now {
                self.full_at.remove(&source);
            }
        }
    }

    /// Forgets full buckets, then the fullest: whoever can fill this map has that many sources and gains nothing by it.
    fn make_room(&mut self, now: Duration) {
        self.full_at.retain(|_, full_at| *full_at > now);
        if self.full_at.len() < self.capacity {
            return;
        }
        let mut fullest: Vec<(Duration, K)> = self.full_at.iter().map(|(source, at)| (*at, *source)).collect();
        fullest.sort_unstable_by_key(|(at, _)| *at);
        for (_, source) in fullest.iter().take((self.capacity / 16).max(1)) {
            self.full_at.remove(source);
        }
    }
}

/// What one customer of a provider controls: an IPv4 address, or an IPv6 /56.
pub(crate) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 72))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn ip(n: u32) -> IpAddr {
        IpAddr::from(n.to_be_bytes())
    }

    #[test]
    fn a_burst_then_one_in_each_interval() {
        let mut budget = Budget::new(10, 3, SECOND);
        for _ in 0..3 {
            assert_eq!(budget.pay(ip(1), Duration::ZERO), Ok(()));
        }
        assert_eq!(budget.pay(ip(1), Duration::ZERO), Err(SECOND));
        assert_eq!(budget.pay(ip(2), Duration::ZERO), Ok(()));
        assert_eq!(budget.pay(ip(1), SECOND), Ok(()));
        assert!(budget.pay(ip(1), SECOND).is_err());
    }

    #[test]
    fn what_is_paid_back_was_not_spent() {
        let mut budget = Budget::new(10, 2, SECOND);
        for _ in 0..50 {
            assert_eq!(budget.pay(ip(1), Duration::ZERO), Ok(()));
            budget.pay_back(ip(1), Duration::ZERO);
        }
        assert!(budget.full_at.is_empty());
    }

    #[test]
    fn the_map_is_bounded_and_keeps_the_spent() {
        let mut budget = Budget::new(16, 2, SECOND);
        budget.pay(ip(1), Duration::ZERO).unwrap();
        budget.pay(ip(1), Duration::ZERO).unwrap();
        for n in 2..200 {
            let _ = budget.pay(ip(n), Duration::ZERO);
            assert!(budget.full_at.len() <= 16);
        }
        assert!(budget.pay(ip(1), Duration::ZERO).is_err());
    }

    #[test]
    fn a_full_map_forgets_a_sixteenth_and_never_who_pays() {
        let mut budget = Budget::new(32, 1, SECOND);
        for n in 1..=32 {
            budget.pay(ip(n), Duration::ZERO).unwrap();
        }
        assert!(budget.pay(ip(1), Duration::ZERO).is_err(), "no new budget in a full map");
        budget.pay(ip(33), Duration::ZERO).unwrap();
        assert_eq!(budget.full_at.len(), 31);
    }

    #[test]
    fn full_buckets_are_forgotten_before_spent_ones() {
        let mut budget = Budget::new(16, 2, SECOND);
        budget.pay(ip(1), Duration::ZERO).unwrap();
        for n in 1..=16 {
            budget.pay(ip(n), Duration::ZERO).unwrap();
        }
        budget.pay(ip(17), SECOND).unwrap();
        assert_eq!(budget.full_at.len(), 2, "all but the spent one were full again");
        assert_eq!(budget.pay(ip(1), SECOND), Ok(()));
        assert!(budget.pay(ip(1), SECOND).is_err());
    }

    #[test]
    fn an_ipv6_source_is_a_56() {
        let network = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(network("2001:db8::1"), network("2001:db8:0:ff::1"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:100::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    }
}
