//! The stores of one node, in memory. Without a journal they forget everything when the process ends.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use super::journal::{Entry, Journal};
use super::{FirstUse, OneTime, Purpose, Revocations, StoreError, TokenId};
use crate::authn::SessionRef;
use crate::clock::{Clock, UtcTime};

/// [`OneTime`] in memory, with room for so many live entries of each purpose.
pub struct MemoryOneTime {
    clock: Arc<dyn Clock>,
    capacity: usize,
    used: Mutex<HashMap<Purpose, Expiring<TokenId>>>,
    journal: Option<Arc<Journal>>,
}

impl MemoryOneTime {
    /// An empty store with room for `capacity` live entries of each purpose; about 200 octets each.
    pub fn new(clock: Arc<dyn Clock>, capacity: usize) -> Self {
        Self { clock, capacity, used: Mutex::new(HashMap::new()), journal: None }
    }

    /// The same with what a journal remembers, which remembers what follows.
    pub(super) fn kept_in(mut self, journal: Arc<Journal>, entries: &[Entry]) -> Self {
        for entry in entries {
            // What has no room any more, or has ended, is refused by its own age soon enough.
            if let Entry::Used { purpose, id, until } = *entry {
                let _ = self.remember(purpose, id, until);
            }
        }
        self.journal = Some(journal);
        self
    }

    /// What cannot be written was not used: the caller may try again, which must not look like a second use.
    fn remember(&self, purpose: Purpose, id: TokenId, until: UtcTime) -> Result<FirstUse, StoreError> {
        let now = self.clock.now();
        if until <= now {
            return Err(StoreError::Expired { what: purpose.as_str(), until });
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let used = used.entry(purpose).or_default();
        if used.contains(&id, now) {
            return Ok(FirstUse::Repeated);
        }
        let full = |until| StoreError::Full { what: purpose.as_str(), until };
        used.room(now, self.capacity).map_err(full)?;
        if let Some(journal) = &self.journal {
            journal.append(&Entry::Used { purpose, id, until })?;
        }
        used.insert(id, until, now, self.capacity).map_err(full)?;
        Ok(FirstUse::First)
    }
}

#[async_trait::async_trait]
impl OneTime for MemoryOneTime {
    async fn redeem(&self, purpose: Purpose, id: &TokenId, until: UtcTime) -> Result<FirstUse, StoreError> {
        self.remember(purpose, *id, until)
    }

    async fn redeem_one_of(&self, purpose: Purpose, ids: &[TokenId], until: UtcTime) -> Result<FirstUse, StoreError> {
        for id in ids {
            if self.remember(purpose, *id, until)? == FirstUse::First {
                return Ok(FirstUse::First);
            }
        }
        Ok(FirstUse::Repeated)
    }
}

/// [`Revocations`] in memory.
pub struct MemoryRevocations {
    clock: Arc<dyn Clock>,
    capacity: usize,
    revoked: Mutex<Expiring<SessionRef>>,
    journal: Option<Arc<Journal>>,
}

impl MemoryRevocations {
    /// An empty store with room for `capacity` revoked sessions; about 100 octets each.
    pub fn new(clock: Arc<dyn Clock>, capacity: usize) -> Self {
        Self { clock, capacity, revoked: Mutex::new(Expiring::default()), journal: None }
    }

    /// The same with what a journal remembers, which remembers what follows.
    pub(super) fn kept_in(mut self, journal: Arc<Journal>, entries: &[Entry]) -> Self {
        for entry in entries {
            if let Entry::Revoked { session, until } = *entry
                && let Err(error) = self.remember(&SessionRef(session), until)
            {
                tracing::error!(%error, "a session that was revoked before the start is forgotten");
            }
        }
        self.journal = Some(journal);
        self
    }

    fn remember(&self, session: &SessionRef, until: UtcTime) -> Result<(), StoreError> {
        const WHAT: &str = "revoked sessions";
        let now = self.clock.now();
        if until <= now {
            // It is over already.
            return Ok(());
        }
        let mut revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        revoked
            .insert(session.clone(), until, now, self.capacity)
            .map_err(|until| StoreError::Full { what: WHAT, until })
    }
}

#[async_trait::async_trait]
impl Revocations for MemoryRevocations {
    async fn is_revoked(&self, session: &SessionRef) -> Result<bool, StoreError> {
        let now = self.clock.now();
        Ok(self.revoked.lock().unwrap_or_else(PoisonError::into_inner).contains(session, now))
    }

    async fn revoke(&self, session: &SessionRef, until: UtcTime) -> Result<(), StoreError> {
        self.remember(session, until)?;
        match &self.journal {
            Some(journal) if until > self.clock.now() => journal.append(&Entry::Revoked { session: session.0, until }),
            _ => Ok(()),
        }
    }
}

/// A set whose members end. Ended members go when anything is inserted.
struct Expiring<T> {
    ends: HashMap<T, UtcTime>,
    /// The insertion number keeps members with one end apart without an order on `T`.
    by_end: BTreeSet<(UtcTime, u64)>,
    numbered: HashMap<u64, T>,
    next_number: u64,
}

impl<T> Default for Expiring<T> {
    fn default() -> Self {
        Self { ends: HashMap::new(), by_end: BTreeSet::new(), numbered: HashMap::new(), next_number: 0 }
    }
}

impl<T: Clone + Eq + Hash> Expiring<T> {
    fn contains(&self, member: &T, now: UtcTime) -> bool {
        self.ends.get(member).is_some_and(|end| *end > now)
    }

    /// `Err` with the next end when full.
    fn room(&mut self, now: UtcTime, capacity: usize) -> Result<(), UtcTime> {
        self.drop_ended(now);
        match self.by_end.first() {
            Some((end, _)) if self.by_end.len() >= capacity => Err(*end),
            _ => Ok(()),
        }
    }

    /// `Err` with the next end when full. An end is moved later, never earlier.
    fn insert(&mut self, member: T, until: UtcTime, now: UtcTime, capacity: usize) -> Result<(), UtcTime> {
        self.drop_ended(now);
        if let Some(end) = self.ends.get(&member).copied()
            && end >= until
        {
            return Ok(());
        }
        // A longer life takes a second place in the order until the first has passed, so that places bound everything.
        if self.by_end.len() >= capacity {
            return Err(self.by_end.first().map_or(until, |(end, _)| *end));
        }
        let number = self.next_number;
        self.next_number = self.next_number.wrapping_add(1);
        self.ends.insert(member.clone(), until);
        self.by_end.insert((until, number));
        self.numbered.insert(number, member);
        Ok(())
    }

    fn drop_ended(&mut self, now: UtcTime) {
        while let Some((end, number)) = self.by_end.first().copied()
            && end <= now
        {
            self.by_end.pop_first();
            if let Some(member) = self.numbered.remove(&number)
                && self.ends.get(&member).is_some_and(|end| *end <= now)
            {
                self.ends.remove(&member);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::ManualClock;
    use crate::store::conformance;

    fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::at(UtcTime::from_unix_seconds(1_000)))
    }

    #[tokio::test]
    async fn one_time_conforms() {
        let clock = clock();
        let store = Arc::new(MemoryOneTime::new(clock.clone(), 100));
        conformance::one_time(store.clone(), &clock).await;
        conformance::one_time_of_several(&*store, &clock).await;
    }

    #[tokio::test]
    async fn revocations_conform() {
        let clock = clock();
        conformance::revocations(&MemoryRevocations::new(clock.clone(), 100), &clock).await;
    }

    #[tokio::test]
    async fn a_full_store_refuses_and_recovers() {
        let clock = clock();
        let store = MemoryOneTime::new(clock.clone(), 3);
        let until = clock.now().plus(Duration::from_mins(1));
        let id = |n: u8| TokenId::from_octets(&[n]).unwrap();
        for n in 0..3 {
            assert_eq!(store.redeem(Purpose::Nonce, &id(n), until).await, Ok(FirstUse::First));
        }
        assert_eq!(
            store.redeem(Purpose::Nonce, &id(9), until).await,
            Err(StoreError::Full { what: "nonce", until }),
            "never forgets a live one to make room"
        );
        assert_eq!(store.redeem(Purpose::Nonce, &id(0), until).await, Ok(FirstUse::Repeated));
        assert_eq!(store.redeem(Purpose::Artifact, &id(9), until).await, Ok(FirstUse::First));
        clock.advance(Duration::from_mins(1));
        let later = clock.now().plus(Duration::from_mins(1));
        assert_eq!(store.redeem(Purpose::Nonce, &id(9), later).await, Ok(FirstUse::First));
        let used = store.used.lock().unwrap();
        let nonces = used.get(&Purpose::Nonce).unwrap();
        assert_eq!((nonces.ends.len(), nonces.by_end.len(), nonces.numbered.len()), (1, 1, 1));
    }

    #[tokio::test]
    async fn what_could_not_be_written_was_not_used() {
        let clock = clock();
        let journal = Arc::new(Journal::failing(clock.clone()));
        let store = MemoryOneTime::new(clock.clone(), 100).kept_in(journal.clone(), &[]);
        let (id, until) = (TokenId::new("a").unwrap(), clock.now().plus(Duration::from_mins(1)));
        for _ in 0..2 {
            let refused = store.redeem(Purpose::Nonce, &id, until).await;
            assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
        }
        let generations = crate::store::MemoryGenerations::new(clock.clone(), 100).kept_in(journal, &[]);
        let family = SessionRef(uuid::Uuid::from_u128(1));
        let present = async |number| {
            crate::store::Generations::present(&generations, &family, number, Duration::ZERO, until).await
        };
        assert!(present(2).await.is_err());
        for _ in 0..2 {
            let redeemed = crate::store::Generations::redeem(&generations, &family, 3, Duration::ZERO, until).await;
            assert!(matches!(redeemed, Err(StoreError::Unavailable { .. })), "{redeemed:?}");
        }
        clock.advance(Duration::from_secs(1));
        assert_eq!(present(0).await, Ok(crate::store::Standing::Current), "nothing later was used");
    }

    #[tokio::test]
    async fn full_revocations_say_so() {
        let clock = clock();
        let store = MemoryRevocations::new(clock.clone(), 1);
        let until = clock.now().plus(Duration::from_mins(1));
        let session = |n: u128| SessionRef(uuid::Uuid::from_u128(n));
        assert_eq!(store.revoke(&session(1), until).await, Ok(()));
        assert_eq!(store.revoke(&session(1), until).await, Ok(()));
        assert!(matches!(store.revoke(&session(2), until).await, Err(StoreError::Full { .. })));
    }
}
