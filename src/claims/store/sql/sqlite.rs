//! SQLite: one file, opened to be read only.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::TryStreamExt as _;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteRow};
use sqlx::{AssertSqlSafe, Row as _, TypeInfo as _, ValueRef as _};

use super::{Collected, Question, SqlFailure, SqlLimits};
use crate::claims::Text;
use crate::claims::store::{Rows, StoreError};
use crate::clock::Clock;

/// A pool of connections to one file.
pub(super) struct Sqlite {
    pool: SqlitePool,
}

impl Sqlite {
    pub(super) fn new(file: PathBuf, limits: SqlLimits) -> Self {
        let connect = SqliteConnectOptions::new()
            .filename(file)
            .read_only(true)
            .create_if_missing(false)
            .busy_timeout(limits.query_timeout);
        let pool = SqlitePoolOptions::new()
            .max_connections(limits.connections.max(1))
            .acquire_timeout(limits.connect_timeout)
            .max_lifetime(LIFETIME)
            .connect_lazy_with(connect);
        Self { pool }
    }

    pub(super) async fn ask(
        &self,
        question: &Question,
        clock: &Arc<dyn Clock>,
        within: Duration,
    ) -> Result<Rows, SqlFailure> {
        let mut connection = self.pool.acquire().await?;
        // Works on a thread of its own, which does not notice that nobody waits any more.
        let (clock, until) = (Arc::clone(clock), clock.monotonic().saturating_add(within));
        connection.lock_handle().await?.set_progress_handler(STEPS, move || clock.monotonic() < until);
        let mut query = sqlx::query(AssertSqlSafe(question.sql.as_str()));
        for value in &question.values {
            query = query.bind(value.as_str());
        }
        let mut collected = Collected::new();
        let mut rows = query.fetch(&mut *connection);
        while let Some(row) = rows.try_next().await? {
            if row.len() != question.columns {
                return Err(StoreError::Columns { expected: question.columns, found: row.len() }.into());
            }
            let cells = (0..row.len()).map(|index| cell(&row, index)).collect::<Result<_, _>>()?;
            if !collected.push(cells) {
                break;
            }
        }
        Ok(Rows(collected.rows))
    }
}

/// A cell as SQLite itself would write it; a blob as base64.
fn cell(row: &SqliteRow, index: usize) -> Result<Option<Text>, SqlFailure> {
    let value = row.try_get_raw(index)?;
    if value.is_null() {
        return Ok(None);
    }
    let is_blob = value.type_info().name() == "BLOB";
    // SQLite hands numbers out as text when octets are asked for.
    let octets: Vec<u8> = row.try_get_unchecked(index)?;
    if is_blob {
        return Ok(Some(STANDARD.encode(octets).into()));
    }
    match String::from_utf8(octets) {
        Ok(text) => Ok(Some(text.into())),
        Err(_) => {
            Err(StoreError::Failed { reason: format!("column {} holds text that is no UTF-8", index + 1) }.into())
        }
    }
}

/// Instructions of SQLite's virtual machine between two looks at the clock.
const STEPS: i32 = 10_000;
/// Older connections are replaced, so that they follow a file that was replaced by another.
const LIFETIME: Duration = Duration::from_mins(1);
