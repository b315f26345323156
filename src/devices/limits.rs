//! How often devices ask: for registrations per account by those with a good token, per address by those without, and for nonces per
//! address. And how often a person on a device uses a primary refresh token.
//!
//! Each registration costs a signature and several writes of a domain controller, so an account gets few of them; who has no token
//! costs the verification of what he sends. What is signed by a session key costs its maker next to nothing, and is remembered here so
//! that it counts once: without a limit one device could fill what all need. State is this node's own, as that of the password gate,
//! and outlives a reload.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::budget::{Budget, network_of};
use crate::clock::Clock;
use crate::directory::Sid;

use super::DeviceId;

/// The limits of one server.
pub struct RequestLimits {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    addresses: Budget<IpAddr>,
    nonces: Budget<IpAddr>,
    accounts: Budget<Sid>,
    uses: Budget<Holder>,
    lasting: Budget<Holder>,
}

/// A person on a device.
type Holder = (DeviceId, Sid);

/// How long a use of a primary refresh token is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remembered {
    /// An hour or so.
    Shortly,
    /// As long as the token lasts, because the request itself says no end.
    Lasting,
}

/// Whose limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitReached {
    /// Too many requests without a good token or certificate, or for nonces.
    #[error("too many requests without a good token or certificate from one address")]
    Address,
    /// Too many registrations of one account.
    #[error("too many registrations of one account")]
    Account,
    /// Too many uses of primary refresh tokens.
    #[error("too many uses of primary refresh tokens by one person on one device")]
    Holder,
}

/// Somebody of whom nothing is known yet; the address has paid for him.
#[must_use = "who turns out to be known is paid back"]
pub struct Stranger<'l> {
    limits: &'l RequestLimits,
    network: IpAddr,
}

/// A use of a primary refresh token that is paid for.
#[must_use = "what turns out to have been used before is paid back"]
pub struct PaidUse<'l> {
    limits: &'l RequestLimits,
    holder: Holder,
    remembered: Remembered,
}

impl RequestLimits {
    /// Limits that nobody has used.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let state = State {
            addresses: Budget::new(MOST_SOURCES, ADDRESS_BURST, ADDRESS_INTERVAL),
            nonces: Budget::new(MOST_SOURCES, NONCE_BURST, NONCE_INTERVAL),
            accounts: Budget::new(MOST_SOURCES, ACCOUNT_BURST, ACCOUNT_INTERVAL),
            uses: Budget::new(MOST_SOURCES, USE_BURST, USE_INTERVAL),
            lasting: Budget::new(MOST_SOURCES, LASTING_BURST, LASTING_INTERVAL),
        };
        Self { clock, state: Mutex::new(state) }
    }

    /// A request from an address, before anything is known of who sends it.
    ///
    /// # Errors
    /// [`LimitReached::Address`].
    pub fn stranger(&self, address: IpAddr) -> Result<Stranger<'_>, LimitReached> {
        let network = network_of(address);
        let paid = self.state().addresses.pay(network, self.clock.monotonic());
        paid.map(|()| Stranger { limits: self, network }).map_err(|_| LimitReached::Address)
    }

    /// A nonce that somebody at an address asks for, of whom nothing will be known.
    ///
    /// # Errors
    /// [`LimitReached::Address`].
    pub fn nonce(&self, address: IpAddr) -> Result<(), LimitReached> {
        let paid = self.state().nonces.pay(network_of(address), self.clock.monotonic());
        paid.map_err(|_| LimitReached::Address)
    }

    /// A registration that an account asks for.
    ///
    /// # Errors
    /// [`LimitReached::Account`].
    pub fn account(&self, account: &Sid) -> Result<(), LimitReached> {
        let paid = self.state().accounts.pay(*account, self.clock.monotonic());
        paid.map_err(|_| LimitReached::Account)
    }

    /// A use of a primary refresh token by this person on this device, whose signature is good.
    ///
    /// # Errors
    /// [`LimitReached::Holder`].
    pub fn use_by(&self, device: DeviceId, user: Sid, remembered: Remembered) -> Result<PaidUse<'_>, LimitReached> {
        let holder = (device, user);
        let paid = self.state().uses_of(remembered).pay(holder, self.clock.monotonic());
        paid.map(|()| PaidUse { limits: self, holder, remembered }).map_err(|_| LimitReached::Holder)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    const fn uses_of(&mut self, remembered: Remembered) -> &mut Budget<Holder> {
        match remembered {
            Remembered::Shortly => &mut self.uses,
            Remembered::Lasting => &mut self.lasting,
        }
    }
}

impl PaidUse<'_> {
    /// It takes no room: who repeats what others once sent spends nothing of theirs.
    pub fn was_none(self) {
        self.limits.state().uses_of(self.remembered).pay_back(self.holder, self.limits.clock.monotonic());
    }
}

impl Stranger<'_> {
    /// It is known who it is: the address gets its payment back, so that an office behind one address has no limit of its own.
    pub fn is_known(self) {
        self.limits.state().addresses.pay_back(self.network, self.limits.clock.monotonic());
    }
}

/// Requests at once without a good token; each costs a signature that is verified, and no secret can be guessed.
const ADDRESS_BURST: u32 = 200;
const ADDRESS_INTERVAL: Duration = Duration::from_secs(1);
/// Nonces at once, and 50 in a second after that: each costs a random number and a seal. Thousands of computers behind one address that
/// start in the morning ask for two or three each.
const NONCE_BURST: u32 = 1000;
const NONCE_INTERVAL: Duration = Duration::from_millis(20);
/// Registrations at once: a person has ten devices, and a computer tries again every hour.
const ACCOUNT_BURST: u32 = 60;
const ACCOUNT_INTERVAL: Duration = Duration::from_secs(10);
/// Uses of a primary refresh token at once: a person who signs in has some dozens of programs, each of which asks again every hour. Two
/// thousand people on devices of theirs together fill a store of two million.
const USE_BURST: u32 = 200;
const USE_INTERVAL: Duration = Duration::from_secs(5);
/// Uses that are remembered for two weeks: a renewal every four hours is one.
const LASTING_BURST: u32 = 20;
const LASTING_INTERVAL: Duration = Duration::from_hours(1);
/// Remembered of each kind.
const MOST_SOURCES: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{ManualClock, UtcTime};

    fn limits() -> (RequestLimits, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(UtcTime::from_unix_seconds(0)));
        (RequestLimits::new(clock.clone()), clock)
    }

    fn count(mut one: impl FnMut() -> bool) -> usize {
        (0..1000).take_while(|_| one()).count()
    }

    #[test]
    fn an_account_has_a_burst_and_then_one_every_ten_seconds() {
        let (limits, clock) = limits();
        let account = |rid: u32| format!("S-1-5-21-1-2-3-{rid}").parse::<Sid>().unwrap();
        assert_eq!(count(|| limits.account(&account(1)).is_ok()), 60);
        assert_eq!(limits.account(&account(1)), Err(LimitReached::Account));
        assert_eq!(limits.account(&account(2)), Ok(()), "another account is another");
        clock.advance(Duration::from_secs(10));
        assert_eq!(count(|| limits.account(&account(1)).is_ok()), 1);
    }

    #[test]
    fn an_address_has_a_burst_of_nonces_and_then_fifty_in_a_second() {
        let (limits, clock) = limits();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let asked = |text: &str| (0..2000).take_while(|_| limits.nonce(address(text)).is_ok()).count();
        assert_eq!(asked("203.0.113.7"), 1000);
        assert_eq!(asked("203.0.113.8"), 1000, "another address is another");
        clock.advance(Duration::from_secs(1));
        assert_eq!(asked("203.0.113.7"), 50);
        assert!(limits.stranger(address("203.0.113.7")).is_ok(), "what is asked for without a nonce is another matter");
    }

    #[test]
    fn an_address_pays_for_strangers_only() {
        let (limits, _) = limits();
        let office: IpAddr = "203.0.113.7".parse().unwrap();
        assert_eq!(count(|| limits.stranger(office).map(Stranger::is_known).is_ok()), 1000);
        assert_eq!(count(|| limits.stranger(office).map(drop).is_ok()), 200);
        assert!(matches!(limits.stranger(office), Err(LimitReached::Address)));
        assert!(limits.stranger("203.0.113.8".parse().unwrap()).is_ok());
    }

    #[test]
    fn a_person_on_a_device_has_a_burst_of_uses_and_few_that_are_remembered_for_long() {
        let (limits, clock) = limits();
        let device = |n: u128| DeviceId(uuid::Uuid::from_u128(n));
        let person: Sid = "S-1-5-21-1-2-3-1107".parse().unwrap();
        let uses = |n, remembered| count(|| limits.use_by(device(n), person, remembered).is_ok());
        assert_eq!(
            count(|| limits.use_by(device(1), person, Remembered::Shortly).map(PaidUse::was_none).is_ok()),
            1000
        );
        assert_eq!(uses(1, Remembered::Shortly), 200);
        assert_eq!(uses(1, Remembered::Lasting), 20);
        assert_eq!(uses(2, Remembered::Shortly), 200, "on another device");
        let other: Sid = "S-1-5-21-1-2-3-1108".parse().unwrap();
        assert!(limits.use_by(device(1), other, Remembered::Shortly).is_ok(), "another person");
        clock.advance(Duration::from_mins(10));
        assert_eq!((uses(1, Remembered::Shortly), uses(1, Remembered::Lasting)), (120, 0));
        clock.advance(Duration::from_hours(24));
        assert_eq!((uses(1, Remembered::Shortly), uses(1, Remembered::Lasting)), (200, 20));
    }
}
