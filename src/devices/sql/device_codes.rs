//! What devices without a browser wait for, in the database of devices: any server that shares it answers
//! ([`DeviceCodes`](crate::store::DeviceCodes)).
//!
//! Every change is one statement, so that of servers that ask at once one is first. Codes are digests, approvals are under seal.

use std::sync::Arc;
use std::time::Duration;

use sqlx::Row as _;

use super::SqlRegistry;
use super::database::on_database;
use super::schema::{APPROVED, DENIED};
use crate::clock::{Clock, UtcTime};
use crate::devices::RegistryError;
use crate::store::{Decision, DeviceCodes, Polled, REQUESTS_OF_DEVICES, StoreError, TokenId};

/// [`DeviceCodes`] in the database of a registry, of at most so many requests.
pub struct SqlDeviceCodes {
    registry: Arc<SqlRegistry>,
    clock: Arc<dyn Clock>,
    capacity: u32,
}

impl SqlDeviceCodes {
    /// Requests beside the devices of `registry`; `capacity` of all servers together.
    pub fn new(registry: Arc<SqlRegistry>, clock: Arc<dyn Clock>, capacity: u32) -> Self {
        Self { registry, clock, capacity }
    }

    fn now(&self) -> i64 {
        self.clock.now().unix_millis()
    }
}

#[async_trait::async_trait]
impl DeviceCodes for SqlDeviceCodes {
    async fn begin(&self, code: &TokenId, request: &str, until: UtcTime) -> Result<bool, StoreError> {
        let now = self.now();
        if until.unix_millis() <= now {
            return Err(StoreError::Expired { what: REQUESTS_OF_DEVICES, until });
        }
        let (code, request, capacity) = (octets(code), request.to_owned(), i64::from(self.capacity));
        let begun = self.registry.ask(move |database| async move {
            on_database!(database, |pool| {
                // What has ended makes room.
                sqlx::query("DELETE FROM device_code WHERE until <= $1").bind(now).execute(pool).await?;
                let sql = "INSERT INTO device_code (code, request, until, decision) SELECT $1, $2, $3, 0 \
                           WHERE (SELECT COUNT(*) FROM device_code) < $4 ON CONFLICT (code) DO NOTHING";
                let query = sqlx::query(sql).bind(code.clone()).bind(request).bind(until.unix_millis()).bind(capacity);
                if query.execute(pool).await?.rows_affected() > 0 {
                    return Ok(Begun::Kept);
                }
                let sql = "SELECT COUNT(*) FROM device_code WHERE code = $1";
                let taken = sqlx::query(sql).bind(code).fetch_one(pool).await?.try_get::<i64, _>(0)? > 0;
                if taken {
                    return Ok(Begun::Taken);
                }
                let first = sqlx::query("SELECT MIN(until) FROM device_code").fetch_one(pool).await?;
                Ok(Begun::Full(first.try_get::<Option<i64>, _>(0)?.map_or(until, UtcTime::from_unix_millis)))
            })
        });
        match begun.await.map_err(unavailable)? {
            Begun::Kept => Ok(true),
            Begun::Taken => Ok(false),
            Begun::Full(until) => Err(StoreError::Full { what: REQUESTS_OF_DEVICES, until }),
        }
    }

    async fn waiting(&self, code: &TokenId) -> Result<Option<String>, StoreError> {
        let (code, now) = (octets(code), self.now());
        let found = self.registry.ask(move |database| async move {
            on_database!(database, |pool| {
                let sql = "SELECT request FROM device_code WHERE code = $1 AND until > $2 AND decision = 0";
                let row = sqlx::query(sql).bind(code).bind(now).fetch_optional(pool).await?;
                Ok(row.map(|row| row.try_get::<String, _>(0)).transpose()?)
            })
        });
        found.await.map_err(unavailable)
    }

    async fn decide(&self, code: &TokenId, decision: Decision) -> Result<bool, StoreError> {
        let (code, now) = (octets(code), self.now());
        let (decision, answer) = match decision {
            Decision::Approved(answer) => (APPROVED, Some(answer)),
            Decision::Denied => (DENIED, None),
        };
        let decided = self.registry.ask(move |database| async move {
            on_database!(database, |pool| {
                let sql =
                    "UPDATE device_code SET decision = $3, answer = $4 WHERE code = $1 AND until > $2 AND decision = 0";
                let query = sqlx::query(sql).bind(code).bind(now).bind(decision).bind(answer);
                Ok(query.execute(pool).await?.rows_affected() > 0)
            })
        });
        decided.await.map_err(unavailable)
    }

    async fn poll(&self, code: &TokenId, interval: Duration) -> Result<Polled, StoreError> {
        let (code, now) = (octets(code), self.clock.now());
        let polled = self.registry.ask(move |database| async move {
            on_database!(database, |pool| {
                let sql = "UPDATE device_code SET asked_before = asked, asked = $2 WHERE code = $1 AND until > $2 \
                           RETURNING asked_before, decision, answer";
                let row = sqlx::query(sql).bind(code).bind(now.unix_millis()).fetch_optional(pool).await?;
                let Some(row) = row else { return Ok(Polled::Unknown) };
                let before = row.try_get::<Option<i64>, _>(0)?.map(UtcTime::from_unix_millis);
                if before.is_some_and(|before| now < before.plus(interval)) {
                    return Ok(Polled::TooSoon);
                }
                Ok(match row.try_get::<i64, _>(1)? {
                    DENIED => Polled::Denied,
                    APPROVED => row.try_get::<Option<String>, _>(2)?.map_or(Polled::Unknown, Polled::Approved),
                    _ => Polled::Waiting,
                })
            })
        });
        polled.await.map_err(unavailable)
    }

    async fn take(&self, code: &TokenId) -> Result<bool, StoreError> {
        let (code, now) = (octets(code), self.now());
        let taken = self.registry.ask(move |database| async move {
            on_database!(database, |pool| {
                // Whoever takes the row away has the approval.
                let sql = "DELETE FROM device_code WHERE code = $1 AND until > $2 AND decision = $3";
                let query = sqlx::query(sql).bind(code).bind(now).bind(APPROVED);
                Ok(query.execute(pool).await?.rows_affected() > 0)
            })
        });
        taken.await.map_err(unavailable)
    }
}

/// What became of a new request.
enum Begun {
    Kept,
    Taken,
    /// Until then.
    Full(UtcTime),
}

fn octets(code: &TokenId) -> Vec<u8> {
    code.as_octets().to_vec()
}

#[expect(clippy::needless_pass_by_value, reason = "what errors are mapped with")]
fn unavailable(error: RegistryError) -> StoreError {
    StoreError::Unavailable { reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{ManualClock, SystemRandomSource};
    use crate::devices::{SqlPlace, SqlSettings};
    use crate::store::conformance;

    fn store(root: &std::path::Path, clock: &Arc<ManualClock>, capacity: u32) -> SqlDeviceCodes {
        let settings = SqlSettings { registration_quota: 10, maximum_inactivity_days: 90 };
        let place = SqlPlace::Sqlite(root.join("devices.db"));
        let registry = SqlRegistry::new(place, settings, Arc::new(SystemRandomSource::new())).unwrap();
        SqlDeviceCodes::new(Arc::new(registry), clock.clone(), capacity)
    }

    fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::at(UtcTime::from_unix_seconds(1_000)))
    }

    #[tokio::test]
    async fn sqlite_conforms() {
        let (root, clock) = (tempfile::tempdir().unwrap(), clock());
        conformance::device_codes(Arc::new(store(root.path(), &clock, 100)), &clock).await;
    }

    #[tokio::test]
    async fn requests_are_bounded_and_end() {
        let (root, clock) = (tempfile::tempdir().unwrap(), clock());
        let store = store(root.path(), &clock, 2);
        conformance::bounded_device_codes(&store, &clock).await;
        let (until, code) = (clock.now().plus(Duration::from_mins(1)), TokenId::from_octets(&[9]).unwrap());
        assert_eq!(store.begin(&code, "x", until).await, Ok(true), "what has ended makes room, under its own code too");
    }

    #[tokio::test]
    async fn two_servers_have_one_memory() {
        let (root, clock) = (tempfile::tempdir().unwrap(), clock());
        let (one, two) = (store(root.path(), &clock, 9), store(root.path(), &clock, 9));
        let (code, second) = (TokenId::new("a").unwrap(), Duration::from_secs(1));
        let until = clock.now().plus(Duration::from_mins(1));
        assert_eq!(one.begin(&code, "request", until).await, Ok(true));
        assert_eq!(two.begin(&code, "another", until).await, Ok(false));
        assert_eq!(one.poll(&code, second).await, Ok(Polled::Waiting));
        assert_eq!(two.poll(&code, second).await, Ok(Polled::TooSoon));
        assert_eq!(two.waiting(&code).await, Ok(Some(String::from("request"))));
        assert_eq!(two.decide(&code, Decision::Approved(String::from("answer"))).await, Ok(true));
        clock.advance(second);
        assert_eq!(one.poll(&code, second).await, Ok(Polled::Approved(String::from("answer"))));
        assert_eq!((one.take(&code).await, two.take(&code).await), (Ok(true), Ok(false)));
        assert_eq!(two.poll(&code, second).await, Ok(Polled::Unknown));
    }
}
