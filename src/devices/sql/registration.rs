//! Registrations, in one statement: of a device that is there everything is replaced.

use std::collections::HashMap;
use std::fmt::Write as _;

use sqlx::sqlite::SqlitePool;
use sqlx::{AssertSqlSafe, PgExecutor, Row as _};

use super::database::{Database, Pool};
use super::octets;
use super::row::{self, columns, device};
use crate::devices::{Device, Registration, RegistryError};

/// Writes a registration; the device as it is then. `None` when it was not written: an administrator disabled the device, or the
/// owner has as many others as allowed.
pub(super) async fn write(database: &Database, what: Registration) -> Result<Option<Device>, RegistryError> {
    match &database.pool {
        Pool::Sqlite { writer, .. } => writer.write(what).await,
        Pool::Postgresql(pool) if what.quota.is_none() => in_postgresql(pool, what).await,
        Pool::Postgresql(pool) => {
            // Statements see what was committed when they began: whoever registers a device of the same owner waits before.
            let mut transaction = pool.begin().await?;
            let lock = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(number_of(&what.owner.to_bytes()));
            lock.execute(&mut *transaction).await?;
            let written = in_postgresql(&mut *transaction, what).await?;
            transaction.commit().await?;
            Ok(written)
        }
    }
}

/// The query with the values of one registration; the two databases' queries have different types and the same methods.
macro_rules! bind {
    ($query:expr, $what:expr) => {{
        let what = $what;
        $query
            .bind(octets(what.id))
            .bind(what.display_name)
            .bind(what.os_type)
            .bind(what.os_version)
            .bind(what.owner.to_bytes())
            .bind(what.trust_type.map(|kind| i64::from(kind.0)))
            .bind(what.computer_sid.map(|sid| sid.to_bytes()))
            .bind(what.certificate.thumbprint.to_vec())
            .bind(what.certificate.public_key.to_vec())
            .bind(what.transport_key)
            .bind(what.at.unix_millis())
            .bind(what.quota.map(i64::from))
    }};
}

/// Registrations of different devices and different owners, all of them or none. What came of each, as [`write`] says, in their order.
pub(super) async fn in_sqlite(
    pool: &SqlitePool,
    registrations: Vec<Registration>,
) -> Result<Vec<Option<Device>>, RegistryError> {
    let ids: Vec<_> = registrations.iter().map(|what| what.id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = sqlx::query(AssertSqlSafe(statement(ids.len())));
    for what in registrations {
        query = bind!(query, what);
    }
    // Read to the end: who stops before it does not learn whether it was committed.
    let mut written = HashMap::new();
    for row in query.fetch_all(pool).await? {
        let device: Result<Device, RegistryError> = (|| device!(&row))();
        let device = device?;
        written.insert(device.id, device);
    }
    Ok(ids.iter().map(|id| written.remove(id)).collect())
}

async fn in_postgresql(executor: impl PgExecutor<'_>, what: Registration) -> Result<Option<Device>, RegistryError> {
    let rows = bind!(sqlx::query(AssertSqlSafe(statement(1))), what).fetch_all(executor).await?;
    rows.first().map(|row| -> Result<Device, RegistryError> { device!(row) }).transpose()
}

/// A number for an owner. Others that have it wait for nothing.
fn number_of(owner: &[u8]) -> i64 {
    let digest = row::key_digest(owner);
    digest.first_chunk::<8>().map_or(0, |octets| i64::from_be_bytes(*octets))
}

/// The statement for so many registrations, each with [`VALUES`] values.
fn statement(registrations: usize) -> String {
    let mut sql = String::from(INSERT);
    for number in 0..registrations {
        let value = |of: usize| number * VALUES + of;
        let union = if number == 0 { "" } else { " UNION ALL " };
        let [id, name, kind, version, owner, trust, sid, thumbprint, key, transport, at, quota] =
            std::array::from_fn(|index| value(index + 1));
        let _ = write!(
            sql,
            "{union}SELECT ${id}, ${name}, ${kind}, ${version}, 1, ${owner}, ${trust}, ${sid}, ${thumbprint}, ${key}, ${transport}, \
             ${at}, ${at}, ${at} WHERE CAST(${quota} AS BIGINT) IS NULL \
             OR (SELECT COUNT(*) FROM device WHERE owner = ${owner} AND id <> ${id}) < CAST(${quota} AS BIGINT)"
        );
    }
    sql + REPLACE
}

const INSERT: &str =
    "INSERT INTO device (id, display_name, os_type, os_version, enabled, owner, trust_type, computer_sid, thumbprint,
    public_key, transport_key, last_used, registered, key_created) ";
const REPLACE: &str = concat!(
    " ON CONFLICT (id) DO UPDATE SET display_name = excluded.display_name, os_type = excluded.os_type,
        os_version = excluded.os_version, owner = excluded.owner, trust_type = excluded.trust_type,
        computer_sid = excluded.computer_sid, thumbprint = excluded.thumbprint, public_key = excluded.public_key,
        transport_key = excluded.transport_key, last_used = excluded.last_used, key_created = excluded.key_created,
        enabled = 1, unused_since = NULL
    WHERE device.enabled = 1 OR device.unused_since >= COALESCE(device.last_used, device.registered)
    RETURNING ",
    columns!()
);
/// Values of one registration.
const VALUES: usize = 12;
