//! A directory that remembers.
//!
//! Stands before any [`Directory`]. What never changes (object GUID, SID, class) is kept for good, other attributes for a configured
//! time and never longer, unknown SIDs for a moment. Equal questions under way at the same time are asked once. So a sign-in whose
//! attributes are warm needs no domain controller. Accounts with their groups, searches, certificate mappings and sign-in states
//! pass through: they decide who may do what.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use moka::sync::Cache;

use super::codec::base_name;
use super::{
    Account, AccountKey, AttributeName, AttributeValue, Attributes, Directory, DirectoryError, ObjectGuid, Sid,
    SignInState,
};
use crate::clock::Clock;

/// How much is remembered and for how long.
#[derive(Debug, Clone, Copy)]
pub struct CacheOptions {
    /// How old an attribute may be when it is given out.
    pub attribute_ttl: Duration,
    /// How long a SID counts as unknown after the directory said so.
    pub negative_ttl: Duration,
    /// Memory for what never changes, in octets (about 300 for each object).
    pub constant_octets: u64,
    /// Memory for all other attributes, in octets.
    pub attribute_octets: u64,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            attribute_ttl: Duration::from_mins(5),
            negative_ttl: Duration::from_secs(10),
            constant_octets: 64 << 20,
            attribute_octets: 64 << 20,
        }
    }
}

/// A [`Directory`] with a memory.
pub struct CachedDirectory {
    inner: Arc<dyn Directory>,
    clock: Arc<dyn Clock>,
    options: CacheOptions,
    held: Arc<Held>,
    flights: Flights,
}

impl CachedDirectory {
    /// Stands before `inner`, with an empty memory.
    pub fn new(inner: Arc<dyn Directory>, clock: Arc<dyn Clock>, options: CacheOptions) -> Self {
        Self { inner, clock, options, held: Arc::new(Held::new(&options)), flights: Flights::default() }
    }

    /// Asks for attributes that are not in memory, together with whoever asks the same at this moment.
    async fn ask(&self, sid: Sid, missing: Vec<AttributeName>) -> Result<Attributes, DirectoryError> {
        let (inner, held, clock) = (Arc::clone(&self.inner), Arc::clone(&self.held), Arc::clone(&self.clock));
        let question = (sid, missing.clone());
        let ask = async move {
            // The age counts from the question: what the directory says may be that old already.
            let asked = clock.monotonic();
            let answer = inner.attributes(&sid, &missing).await;
            match &answer {
                Ok(found) => held.remember(&sid, &missing, found, asked),
                Err(DirectoryError::NotFound { .. }) => held.unknown.insert(sid, asked),
                Err(_) => {}
            }
            answer
        };
        self.flights.join(question, ask).await
    }
}

#[async_trait::async_trait]
impl Directory for CachedDirectory {
    async fn account(&self, key: &AccountKey) -> Result<Account, DirectoryError> {
        self.inner.account(key).await
    }

    async fn object_guid(&self, sid: &Sid) -> Result<ObjectGuid, DirectoryError> {
        let attributes = self.attributes(sid, &[AttributeName::new("objectGUID")]).await?;
        attributes.object_guid().ok_or_else(|| DirectoryError::Malformed {
            attribute: "objectGUID".to_owned(),
            key: sid.to_string(),
            reason: "missing or not 16 octets".to_owned(),
        })
    }

    async fn attributes(&self, sid: &Sid, names: &[AttributeName]) -> Result<Attributes, DirectoryError> {
        let now = self.clock.monotonic();
        let mut answer = Attributes::default();
        let mut missing = BTreeSet::new();
        for name in names {
            match self.held.recall(sid, name, now, self.options.attribute_ttl) {
                Some(values) if values.is_empty() => {}
                Some(values) => answer.insert_shared(name.clone(), values),
                None => {
                    missing.insert(name.clone());
                }
            }
        }
        if missing.is_empty() {
            return Ok(answer);
        }
        if let Some(asked) = self.held.unknown.get(sid)
            && now.saturating_sub(asked) < self.options.negative_ttl
        {
            return Err(DirectoryError::NotFound { key: sid.to_string() });
        }
        let found = self.ask(*sid, missing.into_iter().collect()).await?;
        for (name, values) in found.iter() {
            answer.insert(name.clone(), values.to_vec());
        }
        Ok(answer)
    }

    async fn search(
        &self,
        domain: &str,
        filter: &str,
        names: &[AttributeName],
    ) -> Result<Vec<Attributes>, DirectoryError> {
        self.inner.search(domain, filter, names).await
    }

    async fn find_by_alt_security_identity(&self, values: &[String]) -> Result<Account, DirectoryError> {
        self.inner.find_by_alt_security_identity(values).await
    }

    async fn sign_in_state(&self, sid: &Sid) -> Result<SignInState, DirectoryError> {
        self.inner.sign_in_state(sid).await
    }
}

/// What is in memory.
struct Held {
    constants: Cache<(Sid, AttributeName), Remembered>,
    attributes: Cache<(Sid, AttributeName), Remembered>,
    /// When the directory said that there is no such SID.
    unknown: Cache<Sid, Duration>,
}

impl Held {
    fn new(options: &CacheOptions) -> Self {
        let bounded = |octets: u64| Cache::builder().max_capacity(octets).weigher(weight).build();
        Self {
            constants: bounded(options.constant_octets),
            attributes: bounded(options.attribute_octets),
            unknown: Cache::new(UNKNOWN_SIDS),
        }
    }

    /// The values in memory if they are fresh enough; none at all is an answer, too.
    fn recall(&self, sid: &Sid, name: &AttributeName, now: Duration, ttl: Duration) -> Option<Arc<[AttributeValue]>> {
        let key = (*sid, name.clone());
        if is_constant(name) {
            return self.constants.get(&key).map(|remembered| remembered.values);
        }
        self.attributes
            .get(&key)
            .filter(|remembered| now.saturating_sub(remembered.asked) < ttl)
            .map(|remembered| remembered.values)
    }

    fn remember(&self, sid: &Sid, names: &[AttributeName], found: &Attributes, asked: Duration) {
        self.unknown.invalidate(sid);
        for name in names {
            let remembered = Remembered { values: found.values(name).into(), asked };
            // An object without a GUID is a permission problem, which somebody may solve.
            let store = match is_constant(name) {
                true if remembered.values.is_empty() => continue,
                true => &self.constants,
                false => &self.attributes,
            };
            store.insert((*sid, name.clone()), remembered);
        }
    }
}

/// The values of one attribute of one object, and when they were asked for.
#[derive(Debug, Clone)]
struct Remembered {
    values: Arc<[AttributeValue]>,
    asked: Duration,
}

type Question = (Sid, Vec<AttributeName>);
type Answer = Result<Attributes, DirectoryError>;
type Flight = BoxFuture<'static, Answer>;

/// Questions under way. A question leaves the map when it is answered or when nobody waits for it any more.
#[derive(Clone, Default)]
struct Flights(Arc<Mutex<HashMap<Question, WeakShared<Flight>>>>);

impl Flights {
    /// Waits for the flight of this question; starts it with `ask` if there is none.
    fn join(&self, question: Question, ask: impl Future<Output = Answer> + Send + 'static) -> Shared<Flight> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(&question).and_then(WeakShared::upgrade) {
            return flight;
        }
        let landing = Landing { flights: self.clone(), question: question.clone() };
        let flight = async move {
            let _landing = landing;
            ask.await
        }
        .boxed()
        .shared();
        if let Some(weak) = flight.downgrade() {
            flights.insert(question, weak);
        }
        flight
    }
}

/// Takes a question off the map when its flight is over or dropped.
struct Landing {
    flights: Flights,
    question: Question,
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.flights.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.question);
    }
}

/// Attributes that never change while the object exists. (`objectClass` changes between `user` and `inetOrgPerson` at most.)
fn is_constant(name: &AttributeName) -> bool {
    matches!(base_name(name.as_str()), "objectguid" | "objectsid" | "objectclass")
}

/// About the memory that one entry takes.
fn weight(key: &(Sid, AttributeName), remembered: &Remembered) -> u32 {
    let values = remembered.values.iter().map(|value| value.as_octets().len() + 48).sum::<usize>();
    u32::try_from(ENTRY_OVERHEAD + key.1.as_str().len() + values).unwrap_or(u32::MAX)
}

const ENTRY_OVERHEAD: usize = 200;
const UNKNOWN_SIDS: u64 = 10_000;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::clock::{ManualClock, UtcTime};

    /// Counts questions; knows RIDs below 1000; can be switched off.
    struct Counting {
        questions: AtomicUsize,
        down: std::sync::atomic::AtomicBool,
    }

    #[async_trait::async_trait]
    impl Directory for Counting {
        async fn account(&self, key: &AccountKey) -> Result<Account, DirectoryError> {
            Err(DirectoryError::NotFound { key: key.to_string() })
        }

        async fn object_guid(&self, _: &Sid) -> Result<ObjectGuid, DirectoryError> {
            unreachable!("the cache asks for the attribute")
        }

        async fn attributes(&self, sid: &Sid, names: &[AttributeName]) -> Result<Attributes, DirectoryError> {
            let number = self.questions.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            if self.down.load(Ordering::SeqCst) {
                return Err(DirectoryError::Unavailable { domain: "corp.example".into(), reason: "off".into() });
            }
            if sid.rid() >= Some(1000) {
                return Err(DirectoryError::NotFound { key: sid.to_string() });
            }
            let mut attributes = Attributes::default();
            for name in names {
                match name.as_str() {
                    "absent" => {}
                    "objectguid" => attributes.insert(name.clone(), vec![AttributeValue::Octets(vec![7; 16])]),
                    _ => attributes.insert(name.clone(), vec![AttributeValue::Text(number.to_string())]),
                }
            }
            Ok(attributes)
        }

        async fn search(&self, _: &str, _: &str, _: &[AttributeName]) -> Result<Vec<Attributes>, DirectoryError> {
            Ok(Vec::new())
        }
    }

    struct World {
        inner: Arc<Counting>,
        clock: Arc<ManualClock>,
        cached: Arc<CachedDirectory>,
    }

    fn world(options: CacheOptions) -> World {
        let inner = Arc::new(Counting { questions: AtomicUsize::new(0), down: false.into() });
        let clock = Arc::new(ManualClock::at(UtcTime::from_unix_seconds(0)));
        let cached = CachedDirectory::new(inner.clone(), clock.clone(), options);
        World { inner, clock, cached: Arc::new(cached) }
    }

    impl World {
        fn asked(&self) -> usize {
            self.inner.questions.load(Ordering::SeqCst)
        }

        async fn mail(&self, rid: u32) -> Result<String, DirectoryError> {
            let found = self.cached.attributes(&sid(rid), &[AttributeName::new("mail")]).await?;
            Ok(found.text("mail").unwrap().to_owned())
        }
    }

    fn sid(rid: u32) -> Sid {
        Sid::new(5, &[21, 1, 2, 3, rid]).unwrap()
    }

    fn names(names: &[&str]) -> Vec<AttributeName> {
        names.iter().map(|name| AttributeName::new(name)).collect()
    }

    #[tokio::test]
    async fn attributes_are_kept_for_their_time_and_no_longer() {
        let world = world(CacheOptions::default());
        assert_eq!(world.mail(1).await.unwrap(), "0");
        world.clock.advance(Duration::from_secs(299));
        assert_eq!(world.mail(1).await.unwrap(), "0");
        world.clock.advance(Duration::from_secs(1));
        assert_eq!(world.mail(1).await.unwrap(), "1");
        world.clock.advance(Duration::from_mins(5));
        world.inner.down.store(true, Ordering::SeqCst);
        assert!(world.mail(1).await.unwrap_err().is_retryable(), "a stale attribute must not be given out");
    }

    #[tokio::test]
    async fn what_never_changes_is_kept_for_good() {
        let world = world(CacheOptions::default());
        let guid = world.cached.object_guid(&sid(1)).await.unwrap();
        world.cached.attributes(&sid(1), &names(&["objectClass"])).await.unwrap();
        assert_eq!(world.asked(), 2);
        world.clock.advance(Duration::from_hours(365 * 24));
        world.inner.down.store(true, Ordering::SeqCst);
        assert_eq!(world.cached.object_guid(&sid(1)).await.unwrap(), guid);
        assert!(world.cached.attributes(&sid(1), &names(&["objectClass"])).await.is_ok());
        assert_eq!(world.asked(), 2);
    }

    #[tokio::test]
    async fn only_what_is_missing_is_asked() {
        let world = world(CacheOptions::default());
        world.cached.attributes(&sid(1), &names(&["mail", "absent"])).await.unwrap();
        let found = world.cached.attributes(&sid(1), &names(&["absent", "MAIL"])).await.unwrap();
        assert_eq!(found.iter().count(), 1);
        assert_eq!(world.asked(), 1);
        let found = world.cached.attributes(&sid(1), &names(&["mail", "title"])).await.unwrap();
        assert_eq!((found.text("mail"), found.text("title")), (Some("0"), Some("1")));
    }

    #[tokio::test]
    async fn equal_questions_are_asked_once() {
        let world = Arc::new(world(CacheOptions::default()));
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let world = world.clone();
                tokio::spawn(async move { world.mail(1).await.unwrap() })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), "0");
        }
        assert_eq!(world.asked(), 1);
        assert!(world.cached.flights.0.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_question_nobody_waits_for_is_forgotten() {
        let world = world(CacheOptions::default());
        let mut waiting = Box::pin(world.mail(1));
        assert!(futures_util::poll!(&mut waiting).is_pending());
        assert_eq!(world.cached.flights.0.lock().unwrap().len(), 1);
        drop(waiting);
        assert!(world.cached.flights.0.lock().unwrap().is_empty());
        assert!(world.mail(1).await.is_ok());
    }

    #[tokio::test]
    async fn unknown_sids_are_remembered_for_a_moment() {
        let world = world(CacheOptions::default());
        for _ in 0..3 {
            assert!(matches!(world.mail(1000).await, Err(DirectoryError::NotFound { .. })));
        }
        assert_eq!(world.asked(), 1);
        world.clock.advance(Duration::from_secs(10));
        assert!(world.mail(1000).await.is_err());
        assert_eq!(world.asked(), 2);
    }

    #[tokio::test]
    async fn failures_are_not_remembered() {
        let world = world(CacheOptions::default());
        world.inner.down.store(true, Ordering::SeqCst);
        assert!(world.mail(1).await.unwrap_err().is_retryable());
        world.inner.down.store(false, Ordering::SeqCst);
        assert!(world.mail(1).await.is_ok());
    }

    #[tokio::test]
    async fn memory_is_bounded() {
        let world =
            world(CacheOptions { attribute_octets: 20_000, constant_octets: 20_000, ..CacheOptions::default() });
        for rid in 0..900 {
            world.mail(rid).await.unwrap();
            world.cached.object_guid(&sid(rid)).await.unwrap();
        }
        for cache in [&world.cached.held.attributes, &world.cached.held.constants] {
            cache.run_pending_tasks();
            assert!(cache.weighted_size() <= 20_000 && cache.entry_count() < 100);
        }
    }
}
