//! From where accounts have signed in before.
//!
//! Written by successful sign-ins only, so a flood of wrong passwords can push nobody's places out.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::{IpAddr, Ipv6Addr};

use crate::authn::LockoutKey;

#[derive(Debug)]
pub(super) struct FamiliarPlaces {
    accounts: HashMap<LockoutKey, Places>,
    capacity: usize,
    /// Counts sign-ins; orders accounts by their last one.
    tick: u64,
}

#[derive(Debug, Default)]
struct Places {
    /// Oldest first.
    addresses: VecDeque<IpAddr>,
    last_tick: u64,
}

impl FamiliarPlaces {
    pub(super) fn new(capacity: usize) -> Self {
        Self { accounts: HashMap::new(), capacity: capacity.max(1), tick: 0 }
    }

    /// Takes over a changed bound.
    pub(super) fn reconfigure(&mut self, capacity: usize) {
        self.capacity = capacity.max(1);
    }

    /// Whether the account has signed in from every one of these addresses.
    pub(super) fn knows_all(&self, account: &LockoutKey, addresses: impl IntoIterator<Item = IpAddr>) -> bool {
        let Some(places) = self.accounts.get(account) else { return false };
        let known: HashSet<&IpAddr> = places.addresses.iter().collect();
        addresses.into_iter().all(|address| known.contains(&place(address)))
    }

    /// Remembers a successful sign-in.
    pub(super) fn learn(&mut self, account: LockoutKey, addresses: impl IntoIterator<Item = IpAddr>) {
        if !self.accounts.contains_key(&account) && self.accounts.len() >= self.capacity {
            self.forget_oldest();
        }
        self.tick += 1;
        let places = self.accounts.entry(account).or_default();
        places.last_tick = self.tick;
        for address in addresses.into_iter().map(place) {
            places.addresses.retain(|known| *known != address);
            places.addresses.push_back(address);
        }
        while places.addresses.len() > MAX_PLACES {
            places.addresses.pop_front();
        }
    }

    /// Forgets a sixteenth at once, so that a full map pays for one sweep in many sign-ins.
    fn forget_oldest(&mut self) {
        let mut by_age: Vec<(u64, LockoutKey)> =
            self.accounts.iter().map(|(key, places)| (places.last_tick, *key)).collect();
        by_age.sort_unstable();
        for (_, key) in by_age.iter().take((self.capacity / 16).max(1)) {
            self.accounts.remove(key);
        }
    }
}

/// An IPv6 client changes its address within its /64 by itself.
fn place(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Familiar addresses of one account; the oldest goes first (as in AD FS).
const MAX_PLACES: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(n: u8) -> IpAddr {
        IpAddr::from([203, 0, 113, n])
    }

    #[test]
    fn all_addresses_must_be_known() {
        let mut places = FamiliarPlaces::new(10);
        let alice = LockoutKey::of_account("R", "alice");
        assert!(!places.knows_all(&alice, [ip(1)]));
        places.learn(alice, [ip(1), ip(2)]);
        assert!(places.knows_all(&alice, [ip(1)]) && places.knows_all(&alice, [ip(2), ip(1)]));
        assert!(!places.knows_all(&alice, [ip(1), ip(3)]));
        assert!(!places.knows_all(&LockoutKey::of_account("R", "bob"), [ip(1)]));
    }

    #[test]
    fn a_full_map_forgets_the_oldest_sixteenth() {
        let mut places = FamiliarPlaces::new(32);
        let account = |n: usize| LockoutKey::of_account("R", &n.to_string());
        for n in 0..33 {
            places.learn(account(n), [ip(1)]);
        }
        assert_eq!(places.accounts.len(), 31);
        assert!(!places.knows_all(&account(0), [ip(1)]) && !places.knows_all(&account(1), [ip(1)]));
        assert!(places.knows_all(&account(2), [ip(1)]) && places.knows_all(&account(32), [ip(1)]));
    }

    #[test]
    fn a_smaller_bound_holds_from_the_next_sign_in_on() {
        let mut places = FamiliarPlaces::new(2);
        let [alice, bob] = ["alice", "bob"].map(|name| LockoutKey::of_account("R", name));
        places.reconfigure(1);
        places.learn(alice, [ip(1)]);
        places.learn(bob, [ip(1)]);
        assert!(!places.knows_all(&alice, [ip(1)]) && places.knows_all(&bob, [ip(1)]));
    }

    #[test]
    fn twenty_places_and_the_oldest_goes() {
        let mut places = FamiliarPlaces::new(10);
        let alice = LockoutKey::of_account("R", "alice");
        for n in 0..=20 {
            places.learn(alice, [ip(n)]);
        }
        assert!(!places.knows_all(&alice, [ip(0)]));
        assert!(places.knows_all(&alice, [ip(1)]));
    }

    #[test]
    fn the_map_is_bounded_and_keeps_the_latest() {
        let mut places = FamiliarPlaces::new(16);
        for n in 0..100 {
            places.learn(LockoutKey::of_account("R", &n.to_string()), [ip(1)]);
            assert!(places.accounts.len() <= 16);
        }
        assert!(places.knows_all(&LockoutKey::of_account("R", "99"), [ip(1)]));
    }

    #[test]
    fn an_ipv6_place_is_a_64() {
        let mut places = FamiliarPlaces::new(1);
        let alice = LockoutKey::of_account("R", "alice");
        places.learn(alice, ["2001:db8::1".parse().unwrap()]);
        assert!(places.knows_all(&alice, ["2001:db8::ffff".parse().unwrap()]));
        assert!(!places.knows_all(&alice, ["2001:db8:0:1::1".parse().unwrap()]));
    }
}
