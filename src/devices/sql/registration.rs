//! A registration, in one statement: of a device that is there everything is replaced.

use sqlx::Row as _;

use super::database::{Database, Pool};
use super::octets;
use super::row::{self, columns, device};
use crate::devices::{Device, Registration, RegistryError};

/// Writes a registration; the device as it is then. `None` when it was not written: an administrator disabled the device, or the
/// owner has as many others as allowed.
pub(super) async fn write(database: &Database, what: Registration) -> Result<Option<Device>, RegistryError> {
    // The rows of the two databases have different types and the same methods.
    macro_rules! write_to {
        ($executor:expr) => {
            sqlx::query(REGISTER)
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
                // All of them, of at most one: what stops reading before the end does not learn whether it was committed.
                .fetch_all($executor)
                .await?
                .first()
                .map(|row| -> Result<Device, RegistryError> { device!(row) })
                .transpose()?
        };
    }
    let written = match &database.pool {
        // One statement after the other: it counts what it writes to.
        Pool::Sqlite(pool) => write_to!(pool),
        Pool::Postgresql(pool) if what.quota.is_none() => write_to!(pool),
        Pool::Postgresql(pool) => {
            // Statements see what was committed when they began: whoever registers a device of the same owner waits before.
            let mut transaction = pool.begin().await?;
            let lock = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(number_of(&what.owner.to_bytes()));
            lock.execute(&mut *transaction).await?;
            let written = write_to!(&mut *transaction);
            transaction.commit().await?;
            written
        }
    };
    Ok(written)
}

/// A number for an owner. Others that have it wait for nothing.
fn number_of(owner: &[u8]) -> i64 {
    let digest = row::key_digest(owner);
    digest.first_chunk::<8>().map_or(0, |octets| i64::from_be_bytes(*octets))
}

const REGISTER: &str = concat!(
    "INSERT INTO device (id, display_name, os_type, os_version, enabled, owner, trust_type, computer_sid, thumbprint,
        public_key, transport_key, last_used, registered, key_created)
    SELECT $1, $2, $3, $4, 1, $5, $6, $7, $8, $9, $10, $11, $11, $11
    WHERE CAST($12 AS BIGINT) IS NULL OR (SELECT COUNT(*) FROM device WHERE owner = $5 AND id <> $1) < CAST($12 AS BIGINT)
    ON CONFLICT (id) DO UPDATE SET display_name = excluded.display_name, os_type = excluded.os_type,
        os_version = excluded.os_version, owner = excluded.owner, trust_type = excluded.trust_type,
        computer_sid = excluded.computer_sid, thumbprint = excluded.thumbprint, public_key = excluded.public_key,
        transport_key = excluded.transport_key, last_used = excluded.last_used, key_created = excluded.key_created,
        enabled = 1, unused_since = NULL
    WHERE device.enabled = 1 OR device.unused_since >= COALESCE(device.last_used, device.registered)
    RETURNING ",
    columns!()
);
