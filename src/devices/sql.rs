//! Devices in a SQL database: an SQLite file of one server, or PostgreSQL for a farm.
//!
//! For where the service may not write to Active Directory. Statements are the same for both databases. Knows tables; knows
//! nothing of protocols, and nothing of who may register what.

mod database;
mod device_codes;
mod registration;
mod row;
mod schema;
mod upkeep;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Row as _};
use tokio::sync::OnceCell;
use uuid::Uuid;

pub use self::database::SqlPlace;
pub use self::device_codes::SqlDeviceCodes;

use self::database::{Database, Pool, on_database};
use self::row::{columns, device, key, key_digest};
use super::codec::key_credential::USAGE_NGC;
use super::{
    AddedKey, CertificateMark, Device, DeviceId, DeviceKey, DeviceRegistry, DeviceService, Registration, RegistryError,
    RegistryPlace, is_touch_due,
};
use crate::clock::{Random, UtcTime};
use crate::directory::{ObjectGuid, Sid};

/// The registry in a SQL database. Connects when the first question comes.
pub struct SqlRegistry {
    database: Arc<Database>,
    settings: SqlSettings,
    runtime: tokio::runtime::Handle,
    random: Arc<dyn Random>,
    /// Never changes.
    place: OnceCell<RegistryPlace>,
}

/// What Active Directory would say of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SqlSettings {
    /// Devices of one user; 0 for any number.
    pub registration_quota: u32,
    /// Days after which an unused device is swept; 0 for never.
    pub maximum_inactivity_days: u32,
}

impl SqlRegistry {
    /// A registry in this database. Its connections live on the present runtime.
    ///
    /// # Errors
    /// [`RegistryError::Unavailable`] outside a runtime, or when the file of an SQLite database cannot be made.
    pub fn new(place: SqlPlace, settings: SqlSettings, random: Arc<dyn Random>) -> Result<Self, RegistryError> {
        let runtime = tokio::runtime::Handle::try_current()
            .map_err(|error| RegistryError::Unavailable { reason: error.to_string() })?;
        let database = Arc::new(Database::new(place, &runtime)?);
        Ok(Self { database, settings, runtime, random, place: OnceCell::new() })
    }

    /// Runs a question within its time: to its end on the runtime where the connections live, whether or not somebody still waits; but
    /// SQLite's live on threads of their own, so that another thread between would cost more than many a question.
    async fn ask<T, Fut>(&self, question: impl FnOnce(Arc<Database>) -> Fut) -> Result<T, RegistryError>
    where
        T: Send + 'static,
        Fut: Future<Output = Result<T, RegistryError>> + Send + 'static,
    {
        let database = Arc::clone(&self.database);
        let question = question(Arc::clone(&database));
        let mut unique = [0; 32];
        self.random.fill(&mut unique).map_err(|error| RegistryError::Unavailable { reason: error.to_string() })?;
        let is_sqlite = matches!(database.pool, Pool::Sqlite { .. });
        let all = async move {
            let all = async {
                database.prepare(unique).await?;
                question.await
            };
            let late = || RegistryError::Unavailable { reason: String::from("the database gave no answer in time") };
            tokio::time::timeout(QUESTION, all).await.unwrap_or_else(|_| Err(late()))
        };
        if is_sqlite {
            return all.await;
        }
        let task = self.runtime.spawn(all);
        task.await.unwrap_or_else(|error| Err(RegistryError::Unavailable { reason: error.to_string() }))
    }

    async fn read_place(&self) -> Result<RegistryPlace, RegistryError> {
        self.ask(move |database| async move {
            on_database!(database, |pool| {
                let row = sqlx::query("SELECT invocation, domain FROM place WHERE id = 1").fetch_one(pool).await?;
                let guid = |octets: Vec<u8>| {
                    let octets = octets.try_into().map_err(|_| damaged("place", "an identifier has not 16 octets"))?;
                    Ok::<_, RegistryError>(ObjectGuid::from_directory_bytes(octets))
                };
                Ok(RegistryPlace { invocation: guid(row.try_get(0)?)?, domain: guid(row.try_get(1)?)? })
            })
        })
        .await
    }

    /// Devices that a condition with one value holds for, in order of their identifiers.
    async fn devices(&self, condition: &str, value: Vec<u8>, limit: usize) -> Result<Vec<Device>, RegistryError> {
        let sql = format!(
            concat!("SELECT ", columns!(), " FROM device WHERE {condition} ORDER BY id LIMIT $2"),
            condition = condition
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.ask(move |database| async move {
            on_database!(database, |pool| {
                let rows = sqlx::query(AssertSqlSafe(sql)).bind(value).bind(limit).fetch_all(pool).await?;
                rows.iter().map(|row| device!(row)).collect()
            })
        })
        .await
    }
}

#[async_trait::async_trait]
impl DeviceRegistry for SqlRegistry {
    async fn find(&self, id: DeviceId) -> Result<Option<Device>, RegistryError> {
        Ok(self.devices("id = $1", octets(id), 1).await?.pop())
    }

    async fn find_by_certificate(&self, mark: &CertificateMark) -> Result<Option<Device>, RegistryError> {
        let mut devices = self.devices("thumbprint = $1", mark.thumbprint.to_vec(), 16).await?;
        devices.retain(|device| device.certificates.contains(mark));
        let one = devices.pop();
        if devices.is_empty() {
            Ok(one)
        } else {
            Err(RegistryError::Ambiguous { what: String::from("the certificate") })
        }
    }

    async fn of_user(&self, user: &Sid) -> Result<Vec<Device>, RegistryError> {
        self.devices("owner = $1", user.to_bytes(), MOST_OF_USER).await
    }

    async fn list(&self, after: Option<DeviceId>, limit: usize) -> Result<Vec<Device>, RegistryError> {
        // Everything stands behind nothing.
        self.devices("id > $1", after.map(octets).unwrap_or_default(), limit).await
    }

    async fn register(&self, registration: &Registration) -> Result<Device, RegistryError> {
        let (id, what) = (registration.id, registration.clone());
        let written = self.ask(move |database| async move { registration::write(&database, what).await }).await?;
        if let Some(device) = written {
            return Ok(device);
        }
        if let Some(limit) = registration.quota {
            let count = self.of_user(&registration.owner).await?.iter().filter(|device| device.id != id).count();
            if count >= usize::try_from(limit).unwrap_or(usize::MAX) {
                return Err(RegistryError::QuotaReached { count, limit });
            }
        }
        Err(RegistryError::Disabled { id })
    }

    async fn set_enabled(&self, id: DeviceId, enabled: bool) -> Result<(), RegistryError> {
        let changed = self.ask(move |database| async move {
            on_database!(database, |pool| {
                let sql = "UPDATE device SET enabled = $2, unused_since = NULL WHERE id = $1";
                let done = sqlx::query(sql).bind(octets(id)).bind(i64::from(enabled)).execute(pool).await?;
                Ok(done.rows_affected())
            })
        });
        if changed.await? == 0 { Err(no_device(id)) } else { Ok(()) }
    }

    async fn delete(&self, id: DeviceId) -> Result<bool, RegistryError> {
        self.ask(move |database| async move {
            on_database!(database, |pool| {
                let done = sqlx::query("DELETE FROM device WHERE id = $1").bind(octets(id)).execute(pool).await?;
                Ok(done.rows_affected() > 0)
            })
        })
        .await
    }

    async fn touch(&self, device: &Device, at: UtcTime) -> Result<(), RegistryError> {
        if !is_touch_due(device, at) {
            return Ok(());
        }
        let id = device.id;
        self.ask(move |database| async move {
            on_database!(database, |pool| {
                // Another node may have been faster: time goes forward only. One that was disabled meanwhile is not used.
                let sql = "UPDATE device SET last_used = $2, unused_since = NULL \
                           WHERE id = $1 AND enabled = 1 AND (last_used IS NULL OR last_used < $2)";
                sqlx::query(sql).bind(octets(id)).bind(at.unix_millis()).execute(pool).await?;
                Ok(())
            })
        })
        .await
    }

    async fn user_keys(&self, user: &Sid) -> Result<Vec<DeviceKey>, RegistryError> {
        let user = user.to_bytes();
        self.ask(move |database| async move {
            on_database!(database, |pool| {
                let sql = "SELECT key_usage, material, device, created FROM user_key WHERE owner = $1 AND key_usage = $2 \
                           ORDER BY digest LIMIT 1000";
                let rows = sqlx::query(sql).bind(user).bind(i64::from(USAGE_NGC)).fetch_all(pool).await?;
                rows.iter().map(|row| key!(row)).collect()
            })
        })
        .await
    }

    async fn add_user_key(&self, user: &Sid, key: &DeviceKey) -> Result<AddedKey, RegistryError> {
        let (user, key) = (user.to_bytes(), key.clone());
        self.ask(move |database| async move {
            on_database!(database, |pool| {
                let done = sqlx::query(schema::ADD_USER_KEY)
                    .bind(user)
                    .bind(i64::from(key.usage))
                    .bind(key_digest(&key.material))
                    .bind(key.material)
                    .bind(key.device.map(octets))
                    .bind(key.created.map(UtcTime::unix_millis))
                    .execute(pool)
                    .await?;
                Ok(AddedKey { is_new: done.rows_affected() > 0, domain_controller: None })
            })
        })
        .await
    }

    async fn remove_user_key(&self, user: &Sid, key: &DeviceKey) -> Result<bool, RegistryError> {
        let (user, usage, digest) = (user.to_bytes(), i64::from(key.usage), key_digest(&key.material));
        self.ask(move |database| async move {
            on_database!(database, |pool| {
                let sql = "DELETE FROM user_key WHERE owner = $1 AND key_usage = $2 AND digest = $3";
                let done = sqlx::query(sql).bind(user).bind(usage).bind(digest).execute(pool).await?;
                Ok(done.rows_affected() > 0)
            })
        })
        .await
    }

    async fn service(&self) -> Result<DeviceService, RegistryError> {
        let place = *self.place.get_or_try_init(|| self.read_place()).await?;
        Ok(DeviceService {
            enabled: true,
            registration_quota: self.settings.registration_quota,
            maximum_inactivity_days: self.settings.maximum_inactivity_days,
            place,
            keeps_keys: true,
        })
    }

    async fn published_issuers(&self) -> Result<Vec<Vec<u8>>, RegistryError> {
        self.ask(move |database| async move {
            on_database!(database, |pool| {
                let sql = "SELECT certificate FROM issuer ORDER BY digest LIMIT 32";
                let rows = sqlx::query(sql).fetch_all(pool).await?;
                Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, sqlx::Error>>()?)
            })
        })
        .await
    }

    async fn publish_issuer(&self, certificate: &[u8]) -> Result<bool, RegistryError> {
        let certificate = certificate.to_vec();
        self.ask(move |database| async move {
            on_database!(database, |pool| {
                let sql = "INSERT INTO issuer (digest, certificate) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING";
                let done = sqlx::query(sql).bind(key_digest(&certificate)).bind(certificate).execute(pool).await?;
                Ok(done.rows_affected() > 0)
            })
        })
        .await
    }
}

impl From<sqlx::Error> for RegistryError {
    fn from(error: sqlx::Error) -> Self {
        let reason: String =
            error.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).take(400).collect();
        match error {
            sqlx::Error::Database(error) if !database::is_passing(&error.code().unwrap_or_default()) => {
                Self::Refused { reason }
            }
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::RowNotFound | sqlx::Error::ColumnNotFound(_) => {
                Self::Damaged { what: String::from("the database of devices"), reason }
            }
            _ => Self::Unavailable { reason },
        }
    }
}

/// In the order of the text form, which both databases sort by.
fn octets(id: DeviceId) -> Vec<u8> {
    id.0.as_bytes().to_vec()
}

fn id_of(octets: &[u8]) -> Result<DeviceId, RegistryError> {
    Uuid::from_slice(octets).map(DeviceId).map_err(|_| damaged("device", "its identifier has not 16 octets"))
}

fn damaged(what: &str, reason: &str) -> RegistryError {
    RegistryError::Damaged { what: what.to_owned(), reason: reason.to_owned() }
}

fn no_device(id: DeviceId) -> RegistryError {
    RegistryError::NotFound { what: format!("device {id}") }
}

impl std::fmt::Debug for SqlRegistry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlRegistry").field("settings", &self.settings).finish_non_exhaustive()
    }
}

const QUESTION: Duration = Duration::from_secs(8);
const MOST_OF_USER: usize = 10_000;

#[cfg(test)]
mod tests;
