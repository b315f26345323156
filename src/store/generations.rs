//! Which generation of a family of renewed tokens is the newest that somebody used.
//!
//! Whoever uses a generation has received it and needs no earlier one. So the use of an earlier one, more than a grace time
//! later, is the use of a copy.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use super::StoreError;
use super::journal::{Entry, Journal};
use crate::authn::SessionRef;
use crate::clock::{Clock, UtcTime};

/// Remembers generations.
#[async_trait::async_trait]
pub trait Generations: Send + Sync {
    /// Notes that `generation` of `family` is used, and says whether a later one was used more than `grace` ago. What is noted
    /// is remembered until `until`, when the generation ends. Generation 0 need not be remembered.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::Unavailable`]; the caller refuses the use.
    async fn present(
        &self,
        family: &SessionRef,
        generation: u32,
        grace: Duration,
        until: UtcTime,
    ) -> Result<Standing, StoreError>;

    /// As [`Generations::present`], of tokens that are used once: the use of the same generation more than `grace` after its
    /// first use is the use of a copy, too. Question and note are one step. The first generation is 1.
    ///
    /// # Errors
    /// As [`Generations::present`].
    async fn redeem(
        &self,
        family: &SessionRef,
        generation: u32,
        grace: Duration,
        until: UtcTime,
    ) -> Result<Standing, StoreError>;
}

/// Where a generation stands in its family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the use of a superseded generation must be refused"]
pub enum Standing {
    /// The newest that anybody used, or replaced a moment ago.
    Current,
    /// Replaced by one that was used: this one is a copy.
    Superseded,
}

/// [`Generations`] in memory, of at most so many families.
pub struct MemoryGenerations {
    clock: Arc<dyn Clock>,
    capacity: usize,
    known: Mutex<Known>,
    journal: Option<Arc<Journal>>,
}

#[derive(Default)]
struct Known {
    families: HashMap<Uuid, Newest>,
    by_end: BTreeSet<(UtcTime, Uuid)>,
}

#[derive(Clone, Copy)]
struct Newest {
    generation: u32,
    since: UtcTime,
    until: UtcTime,
}

impl MemoryGenerations {
    /// An empty store with room for `capacity` families; about 150 octets each.
    pub fn new(clock: Arc<dyn Clock>, capacity: usize) -> Self {
        Self { clock, capacity, known: Mutex::new(Known::default()), journal: None }
    }

    /// The same with what a journal remembers, which remembers what follows.
    pub(super) fn kept_in(mut self, journal: Arc<Journal>, entries: &[Entry]) -> Self {
        let known = self.known.get_mut().unwrap_or_else(PoisonError::into_inner);
        for entry in entries {
            // A later record of a family takes the place of an earlier one.
            if let Entry::Newest { family, generation, since, until } = *entry
                && (known.families.len() < self.capacity || known.families.contains_key(&family))
            {
                known.put(family, Newest { generation, since, until });
            }
        }
        self.journal = Some(journal);
        self
    }
}

/// How often a generation may be used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Uses {
    Once,
    Often,
}

impl Known {
    fn put(&mut self, family: Uuid, newest: Newest) {
        if let Some(before) = self.families.insert(family, newest) {
            self.by_end.remove(&(before.until, family));
        }
        self.by_end.insert((newest.until, family));
    }
}

impl MemoryGenerations {
    fn note(
        &self,
        family: &SessionRef,
        generation: u32,
        grace: Duration,
        until: UtcTime,
        uses: Uses,
    ) -> Result<Standing, StoreError> {
        let now = self.clock.now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = &mut *known;
        while let Some((end, id)) = known.by_end.first().copied()
            && end <= now
        {
            known.by_end.pop_first();
            known.families.remove(&id);
        }
        let newest = known.families.get(&family.0).copied();
        match newest {
            Some(newest) if generation < newest.generation || generation == newest.generation && uses == Uses::Once => {
                let superseded = now >= newest.since.plus(grace);
                return Ok(if superseded { Standing::Superseded } else { Standing::Current });
            }
            Some(newest) if generation == newest.generation => return Ok(Standing::Current),
            None if generation == 0 => return Ok(Standing::Current),
            None if known.families.len() >= self.capacity => {
                let until = known.by_end.first().map_or(until, |(end, _)| *end);
                return Err(StoreError::Full { what: "token families", until });
            }
            _ => {}
        }
        let until = newest.map_or(until, |newest| newest.until.max(until));
        // What cannot be written was not used.
        if let Some(journal) = &self.journal {
            journal.append(&Entry::Newest { family: family.0, generation, since: now, until })?;
        }
        known.put(family.0, Newest { generation, since: now, until });
        Ok(Standing::Current)
    }
}

#[async_trait::async_trait]
impl Generations for MemoryGenerations {
    async fn present(
        &self,
        family: &SessionRef,
        generation: u32,
        grace: Duration,
        until: UtcTime,
    ) -> Result<Standing, StoreError> {
        self.note(family, generation, grace, until, Uses::Often)
    }

    async fn redeem(
        &self,
        family: &SessionRef,
        generation: u32,
        grace: Duration,
        until: UtcTime,
    ) -> Result<Standing, StoreError> {
        self.note(family, generation, grace, until, Uses::Once)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::store::conformance;

    fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::at(UtcTime::from_unix_seconds(1_000)))
    }

    #[tokio::test]
    async fn generations_conform() {
        let clock = clock();
        let store = Arc::new(MemoryGenerations::new(clock.clone(), 100));
        conformance::generations(&*store, &clock).await;
        conformance::generations_used_once(store, &clock).await;
    }

    #[tokio::test]
    async fn families_are_bounded_and_end() {
        let clock = clock();
        let store = MemoryGenerations::new(clock.clone(), 1);
        let until = clock.now().plus(Duration::from_mins(1));
        let family = |n: u128| SessionRef(Uuid::from_u128(n));
        let present = async |n, generation| store.present(&family(n), generation, Duration::ZERO, until).await;
        assert_eq!(present(1, 1).await, Ok(Standing::Current));
        assert_eq!(present(2, 1).await, Err(StoreError::Full { what: "token families", until }));
        assert_eq!(present(2, 0).await, Ok(Standing::Current), "a token that was never renewed takes no room");
        assert_eq!(present(1, 2).await, Ok(Standing::Current));
        clock.advance(Duration::from_mins(1));
        let until = clock.now().plus(Duration::from_mins(1));
        assert_eq!(store.present(&family(2), 1, Duration::ZERO, until).await, Ok(Standing::Current));
        let known = store.known.lock().unwrap();
        assert_eq!((known.families.len(), known.by_end.len()), (1, 1));
    }
}
