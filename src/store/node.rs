//! The stores of one node together.

use std::path::Path;
use std::sync::Arc;

use super::journal::{Journal, JournalError};
use super::{Generations, MemoryGenerations, MemoryOneTime, MemoryRevocations, OneTime, Revocations};
use crate::clock::Clock;

/// What a node that shares nothing with others remembers.
#[derive(Clone)]
pub struct NodeStores {
    /// What may be used once.
    pub one_time: Arc<dyn OneTime>,
    /// Which sessions are over.
    pub revocations: Arc<dyn Revocations>,
    /// Which of renewed tokens is the newest.
    pub generations: Arc<dyn Generations>,
}

impl NodeStores {
    /// In memory: they forget everything when the process ends.
    pub fn forgetful(clock: &Arc<dyn Clock>) -> Self {
        Self {
            one_time: Arc::new(MemoryOneTime::new(clock.clone(), CAPACITY)),
            revocations: Arc::new(MemoryRevocations::new(clock.clone(), CAPACITY)),
            generations: Arc::new(MemoryGenerations::new(clock.clone(), CAPACITY)),
        }
    }

    /// In memory and in a file, which one process may have open: they outlive the process.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn lasting(clock: &Arc<dyn Clock>, file: &Path) -> Result<Self, JournalError> {
        let (journal, entries) = Journal::open(file, clock.clone())?;
        let journal = Arc::new(journal);
        let one_time = MemoryOneTime::new(clock.clone(), CAPACITY).kept_in(journal.clone(), &entries);
        let revocations = MemoryRevocations::new(clock.clone(), CAPACITY).kept_in(journal.clone(), &entries);
        let generations = MemoryGenerations::new(clock.clone(), CAPACITY).kept_in(journal, &entries);
        Ok(Self {
            one_time: Arc::new(one_time),
            revocations: Arc::new(revocations),
            generations: Arc::new(generations),
        })
    }
}

/// Sessions, families, and identifiers of each purpose; a full store takes about 400 MiB.
const CAPACITY: usize = 2_000_000;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::authn::SessionRef;
    use crate::clock::{ManualClock, UtcTime};
    use crate::store::{FirstUse, Purpose, Standing, TokenId};

    /// They live for two weeks where a device took part: 100,000 people have two programs each, however often each is used.
    #[tokio::test]
    async fn there_is_room_for_the_refresh_tokens_of_a_large_farm() {
        let manual = Arc::new(ManualClock::at(UtcTime::from_unix_seconds(1_000)));
        let clock: Arc<dyn Clock> = manual.clone();
        let stores = NodeStores::forgetful(&clock);
        for hour in 1..=2 {
            let until = manual.now().plus(Duration::from_hours(14 * 24));
            for family in 0..200_000_u128 {
                let family = SessionRef(uuid::Uuid::from_u128(family));
                let used = stores.generations.redeem(&family, hour, Duration::from_secs(30), until).await;
                assert_eq!(used, Ok(Standing::Current));
            }
            manual.advance(Duration::from_hours(1));
        }
    }

    #[tokio::test]
    async fn another_process_knows_what_the_first_one_knew() {
        let root = tempfile::tempdir().unwrap();
        let manual = Arc::new(ManualClock::at(UtcTime::from_unix_seconds(1_000)));
        let clock: Arc<dyn Clock> = manual.clone();
        let open = || NodeStores::lasting(&clock, &root.path().join("used.journal")).unwrap();
        let (code, session, family) =
            (TokenId::new("code").unwrap(), SessionRef(uuid::Uuid::from_u128(1)), SessionRef(uuid::Uuid::from_u128(2)));
        let minute = Duration::from_mins(1);
        let until = manual.now().plus(minute * 10);
        let first = open();
        let redeem = async |stores: &NodeStores, purpose| stores.one_time.redeem(purpose, &code, until).await;
        let present =
            async |stores: &NodeStores, number| stores.generations.present(&family, number, minute, until).await;
        assert_eq!(redeem(&first, Purpose::AuthorizationCode).await, Ok(FirstUse::First));
        first.revocations.revoke(&session, until).await.unwrap();
        assert_eq!(present(&first, 1).await, Ok(Standing::Current));
        assert_eq!(present(&first, 2).await, Ok(Standing::Current));
        drop(first);
        manual.advance(minute / 2);
        let second = open();
        assert_eq!(redeem(&second, Purpose::AuthorizationCode).await, Ok(FirstUse::Repeated));
        assert_eq!(redeem(&second, Purpose::Nonce).await, Ok(FirstUse::First));
        assert_eq!(second.revocations.is_revoked(&session).await, Ok(true));
        assert_eq!(present(&second, 1).await, Ok(Standing::Current), "within the grace time");
        manual.advance(minute / 2);
        drop(second);
        let third = open();
        assert_eq!(redeem(&third, Purpose::Nonce).await, Ok(FirstUse::Repeated));
        assert_eq!(present(&third, 1).await, Ok(Standing::Superseded));
        assert_eq!(present(&third, 2).await, Ok(Standing::Current));
    }
}
