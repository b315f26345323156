//! Sweeping devices in the database.

use sqlx::Row as _;
use uuid::Uuid;

use super::database::on_database;
use super::row::{columns, device};
use super::{SqlRegistry, octets};
use crate::clock::UtcTime;
use crate::devices::{DeviceId, DeviceUpkeep, RegistryError, UnusedDevice};

#[async_trait::async_trait]
impl DeviceUpkeep for SqlRegistry {
    /// A registration is one statement here: there are no halves.
    async fn unused(
        &self,
        before: UtcTime,
        marked_before: UtcTime,
        _: UtcTime,
        limit: usize,
    ) -> Result<Vec<UnusedDevice>, RegistryError> {
        let sql = concat!(
            "SELECT ",
            columns!(),
            " FROM device WHERE COALESCE(last_used, registered) <= $1 \
             AND (enabled = 1 OR unused_since BETWEEN COALESCE(last_used, registered) AND $2) ORDER BY id LIMIT $3"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.ask(move |database| async move {
            on_database!(database, |pool| {
                let query = sqlx::query(sql).bind(before.unix_millis()).bind(marked_before.unix_millis()).bind(limit);
                let rows = query.fetch_all(pool).await?;
                let unused = rows.iter().map(|row| {
                    let device: Result<_, RegistryError> = (|| device!(row))();
                    Ok(UnusedDevice { device: device?, begun_only: false })
                });
                unused.collect()
            })
        })
        .await
    }

    async fn disable_unused(&self, id: DeviceId, before: UtcTime, now: UtcTime) -> Result<bool, RegistryError> {
        self.ask(move |database| async move {
            on_database!(database, |pool| {
                let sql = "UPDATE device SET enabled = 0, unused_since = $3 WHERE id = $1 AND enabled = 1 \
                           AND COALESCE(last_used, registered) <= $2";
                let query = sqlx::query(sql).bind(octets(id)).bind(before.unix_millis()).bind(now.unix_millis());
                Ok(query.execute(pool).await?.rows_affected() > 0)
            })
        })
        .await
    }

    async fn claim_sweep(&self, holder: Uuid, now: UtcTime, until: UtcTime) -> Result<bool, RegistryError> {
        self.ask(move |database| async move {
            on_database!(database, |pool| {
                let sql = "INSERT INTO lease (name, holder, until) VALUES ('sweep', $1, $3) ON CONFLICT (name) DO UPDATE \
                           SET holder = excluded.holder, until = excluded.until \
                           WHERE lease.holder = excluded.holder OR lease.until <= $2";
                let holder = holder.as_bytes().to_vec();
                let query = sqlx::query(sql).bind(holder).bind(now.unix_millis()).bind(until.unix_millis());
                Ok(query.execute(pool).await?.rows_affected() > 0)
            })
        })
        .await
    }

    async fn disabled_since(&self, since: UtcTime) -> Result<usize, RegistryError> {
        self.ask(move |database| async move {
            on_database!(database, |pool| {
                let sql = "SELECT COUNT(*) FROM device WHERE enabled = 0 AND unused_since >= $1 \
                           AND unused_since >= COALESCE(last_used, registered)";
                let count: i64 = sqlx::query_scalar(sql).bind(since.unix_millis()).fetch_one(pool).await?;
                Ok(usize::try_from(count).unwrap_or(usize::MAX))
            })
        })
        .await
    }

    async fn delete_unused(&self, id: DeviceId, marked_before: UtcTime) -> Result<bool, RegistryError> {
        self.ask(move |database| async move {
            on_database!(database, |pool| {
                let sql = "DELETE FROM device WHERE id = $1 AND enabled = 0 \
                           AND unused_since BETWEEN COALESCE(last_used, registered) AND $2";
                let query = sqlx::query(sql).bind(octets(id)).bind(marked_before.unix_millis());
                Ok(query.execute(pool).await?.rows_affected() > 0)
            })
        })
        .await
    }
}
