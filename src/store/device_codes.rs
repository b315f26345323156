//! What devices ask that have no browser, and what people answer on another device (RFC 8628).
//!
//! A request waits under its user code until somebody decides, or its time is over; an approval is taken once. What is asked and
//! what is answered are texts of the protocol, which nothing here reads.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{StoreError, TokenId};
use crate::clock::{Clock, UtcTime};

/// Keeps requests of devices.
#[async_trait::async_trait]
pub trait DeviceCodes: Send + Sync {
    /// Keeps a request under its code until `until`; whether the code was free.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::Expired`], [`StoreError::Unavailable`].
    async fn begin(&self, code: &TokenId, request: &str, until: UtcTime) -> Result<bool, StoreError>;

    /// The request with this code, while it waits for a decision.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn waiting(&self, code: &TokenId) -> Result<Option<String>, StoreError>;

    /// Decides a request; whether it waited for that. Of several decisions the first counts.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn decide(&self, code: &TokenId, decision: Decision) -> Result<bool, StoreError>;

    /// What became of a request, asked by its device, which must leave `interval` between two questions. An approval stays until
    /// it is taken: what else the device needs may fail for a while.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn poll(&self, code: &TokenId, interval: Duration) -> Result<Polled, StoreError>;

    /// Takes an approved request away; whether it was there. Of any number of concurrent calls one is told that it was.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn take(&self, code: &TokenId) -> Result<bool, StoreError>;
}

/// What somebody decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The device gets what this text says.
    Approved(String),
    /// It gets nothing.
    Denied,
}

/// What a device is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Polled {
    /// Nobody has decided.
    Waiting,
    /// It asks too often.
    TooSoon,
    /// Somebody approved, with this text.
    Approved(String),
    /// Somebody denied.
    Denied,
    /// There is no such request, or its time is over, or it was taken.
    Unknown,
}

/// [`DeviceCodes`] in memory, of at most so many requests.
pub struct MemoryDeviceCodes {
    clock: Arc<dyn Clock>,
    capacity: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    requests: HashMap<TokenId, Waiting>,
    by_end: BTreeSet<(UtcTime, TokenId)>,
}

struct Waiting {
    until: UtcTime,
    request: String,
    decision: Option<Decision>,
    asked: Option<UtcTime>,
}

impl MemoryDeviceCodes {
    /// An empty store with room for `capacity` requests, of a few hundred octets each until they are approved, and of some thousand
    /// then.
    pub fn new(clock: Arc<dyn Clock>, capacity: usize) -> Self {
        Self { clock, capacity, kept: Mutex::new(Kept::default()) }
    }

    /// What is kept, without what has ended.
    fn kept<T>(&self, work: impl FnOnce(&mut Kept, UtcTime) -> T) -> T {
        let now = self.clock.now();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((end, code)) = kept.by_end.first().copied()
            && end <= now
        {
            kept.by_end.pop_first();
            kept.requests.remove(&code);
        }
        work(&mut kept, now)
    }
}

#[async_trait::async_trait]
impl DeviceCodes for MemoryDeviceCodes {
    async fn begin(&self, code: &TokenId, request: &str, until: UtcTime) -> Result<bool, StoreError> {
        self.kept(|kept, now| {
            if until <= now {
                return Err(StoreError::Expired { what: REQUESTS_OF_DEVICES, until });
            }
            if kept.requests.contains_key(code) {
                return Ok(false);
            }
            if kept.requests.len() >= self.capacity {
                let until = kept.by_end.first().map_or(until, |(end, _)| *end);
                return Err(StoreError::Full { what: REQUESTS_OF_DEVICES, until });
            }
            kept.by_end.insert((until, *code));
            kept.requests.insert(*code, Waiting { until, request: request.to_owned(), decision: None, asked: None });
            Ok(true)
        })
    }

    async fn waiting(&self, code: &TokenId) -> Result<Option<String>, StoreError> {
        self.kept(|kept, _| {
            let found = kept.requests.get(code).filter(|found| found.decision.is_none());
            Ok(found.map(|found| found.request.clone()))
        })
    }

    async fn decide(&self, code: &TokenId, decision: Decision) -> Result<bool, StoreError> {
        self.kept(|kept, _| {
            let Some(found) = kept.requests.get_mut(code).filter(|found| found.decision.is_none()) else {
                return Ok(false);
            };
            found.decision = Some(decision);
            Ok(true)
        })
    }

    async fn poll(&self, code: &TokenId, interval: Duration) -> Result<Polled, StoreError> {
        self.kept(|kept, now| {
            let Some(found) = kept.requests.get_mut(code) else { return Ok(Polled::Unknown) };
            let too_soon = found.asked.is_some_and(|asked| now < asked.plus(interval));
            found.asked = Some(now);
            Ok(match &found.decision {
                _ if too_soon => Polled::TooSoon,
                None => Polled::Waiting,
                Some(Decision::Denied) => Polled::Denied,
                Some(Decision::Approved(text)) => Polled::Approved(text.clone()),
            })
        })
    }

    async fn take(&self, code: &TokenId) -> Result<bool, StoreError> {
        self.kept(|kept, _| {
            let approved = |found: &&Waiting| matches!(found.decision, Some(Decision::Approved(_)));
            let Some(until) = kept.requests.get(code).filter(approved).map(|found| found.until) else {
                return Ok(false);
            };
            kept.by_end.remove(&(until, *code));
            kept.requests.remove(code);
            Ok(true)
        })
    }
}

/// What a store of codes is full of, when it is.
pub const REQUESTS_OF_DEVICES: &str = "requests of devices";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::store::conformance;

    fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::at(UtcTime::from_unix_seconds(1_000)))
    }

    #[tokio::test]
    async fn device_codes_conform() {
        let clock = clock();
        conformance::device_codes(Arc::new(MemoryDeviceCodes::new(clock.clone(), 100)), &clock).await;
    }

    #[tokio::test]
    async fn requests_are_bounded_and_end() {
        let clock = clock();
        let store = MemoryDeviceCodes::new(clock.clone(), 2);
        conformance::bounded_device_codes(&store, &clock).await;
        let kept = store.kept.lock().unwrap();
        assert_eq!((kept.requests.len(), kept.by_end.len()), (0, 0));
    }
}
