//! SQL stores: a rule's `SELECT` with bound parameters, in PostgreSQL or in an SQLite file.
//!
//! Reads only, within a time, a number of rows and a number of octets. Every cell becomes text as the database writes it, binary
//! cells become base64. Knows one database; knows nothing of the rules.

mod postgresql;
mod sqlite;
mod statement;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

pub use crate::store::postgresql::{PostgresqlOptions, PostgresqlServer};
pub use statement::{Dialect, SqlSyntax, SqlSyntaxKind, Statement};

use super::{AttributeStore, QueryContext, Rows, StoreError, StoreLimits, StoreQuery};
use crate::claims::Text;
use crate::clock::Clock;
use crate::directory::ldap::{Breaker, BreakerOptions};

/// Bounds of one SQL store.
#[derive(Debug, Clone, Copy)]
pub struct SqlLimits {
    /// Connections open at once; further questions wait for one within their time.
    pub connections: u32,
    /// For a connection to stand.
    pub connect_timeout: Duration,
    /// For one question, waiting for a connection included.
    pub query_timeout: Duration,
}

impl SqlLimits {
    /// After which the database gives a statement up by itself: a little before nobody waits any more, so that a slow statement
    /// is told from a database that does not answer.
    fn statement_timeout(&self) -> Duration {
        self.query_timeout.mul_f32(0.9)
    }
}

impl Default for SqlLimits {
    fn default() -> Self {
        Self { connections: 4, connect_timeout: Duration::from_secs(3), query_timeout: Duration::from_secs(5) }
    }
}

/// An attribute store in a SQL database. Connects when the first question comes.
pub struct SqlStore {
    inner: Arc<Inner>,
    /// Where its connections live; questions come from other runtimes.
    runtime: Handle,
}

struct Inner {
    database: Database,
    limits: SqlLimits,
    breaker: Breaker,
    clock: Arc<dyn Clock>,
}

enum Database {
    Postgresql(postgresql::Postgresql),
    Sqlite(sqlite::Sqlite),
}

/// Why a SQL store cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SqlSetupError {
    /// Called outside a Tokio runtime.
    #[error("a SQL store needs a running Tokio runtime")]
    NoRuntime,
}

impl SqlStore {
    /// A store in a PostgreSQL database.
    ///
    /// # Errors
    /// [`SqlSetupError`].
    pub fn postgresql(
        options: PostgresqlOptions,
        limits: SqlLimits,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SqlSetupError> {
        Self::new(|| Database::Postgresql(postgresql::Postgresql::new(options, limits)), limits, clock)
    }

    /// A store in an SQLite file, which is never written to.
    ///
    /// # Errors
    /// [`SqlSetupError`].
    pub fn sqlite(file: PathBuf, limits: SqlLimits, clock: Arc<dyn Clock>) -> Result<Self, SqlSetupError> {
        Self::new(|| Database::Sqlite(sqlite::Sqlite::new(file, limits)), limits, clock)
    }

    fn new(
        database: impl FnOnce() -> Database,
        limits: SqlLimits,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SqlSetupError> {
        let runtime = Handle::try_current().map_err(|_| SqlSetupError::NoRuntime)?;
        let breaker = Breaker::new(BreakerOptions::default());
        let inner = Arc::new(Inner { database: database(), limits, breaker, clock });
        Ok(Self { inner, runtime })
    }
}

impl Inner {
    const fn dialect(&self) -> Dialect {
        match self.database {
            Database::Postgresql(_) => Dialect::Postgresql,
            Database::Sqlite(_) => Dialect::Sqlite,
        }
    }

    async fn ask(&self, question: Question) -> Result<Rows, StoreError> {
        if !self.breaker.admits(self.clock.monotonic()) {
            let reason = String::from("the database has failed just now and is left alone for a while");
            return Err(StoreError::Unavailable { reason });
        }
        let answer = async {
            match &self.database {
                Database::Postgresql(database) => database.ask(&question).await,
                Database::Sqlite(database) => {
                    database.ask(&question, &self.clock, self.limits.statement_timeout()).await
                }
            }
        };
        let answer = tokio::time::timeout(self.limits.query_timeout, answer).await;
        let answer = answer.unwrap_or_else(|_| {
            let reason = format!("no answer within {} s", self.limits.query_timeout.as_secs_f32());
            Err(SqlFailure::Unavailable { reason, is_databases_fault: true })
        });
        match &answer {
            Err(SqlFailure::Unavailable { reason, is_databases_fault: true }) => {
                if let Some(cool_down) = self.breaker.failed(self.clock.monotonic()) {
                    tracing::warn!(%reason, ?cool_down, "a SQL attribute store is left alone for a while");
                }
            }
            _ => {
                if self.breaker.succeeded() {
                    tracing::info!("a SQL attribute store answers again");
                }
            }
        }
        answer.map_err(StoreError::from)
    }
}

#[async_trait::async_trait]
impl AttributeStore for SqlStore {
    async fn query(&self, _: &QueryContext<'_>, query: &StoreQuery, params: &[Text]) -> Result<Rows, StoreError> {
        let statement = Statement::parse(query.text(), self.inner.dialect())
            .map_err(|error| StoreError::Query { reason: error.to_string() })?;
        let values = statement
            .parameters()
            .iter()
            .map(|index| params.get(*index).map(ToString::to_string).unwrap_or_default())
            .collect();
        let question = Question { sql: statement.sql().to_owned(), values, columns: query.columns() };
        let inner = Arc::clone(&self.inner);
        // To its end even when nobody waits any more, so that no connection is left in the middle of an answer.
        self.runtime.spawn(async move { inner.ask(question).await }).await.unwrap_or_else(|error| {
            tracing::error!(%error, "a question to a SQL attribute store ended abnormally");
            Err(StoreError::Unavailable { reason: error.to_string() })
        })
    }
}

impl std::fmt::Debug for SqlStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlStore").field("dialect", &self.inner.dialect()).finish_non_exhaustive()
    }
}

/// A statement with its values.
struct Question {
    sql: String,
    values: Vec<String>,
    columns: usize,
}

/// Why a database gave no answer.
#[derive(Debug)]
enum SqlFailure {
    /// Not now. Only what is the database's own fault counts for leaving it alone.
    Unavailable { reason: String, is_databases_fault: bool },
    /// Not this way.
    Final(StoreError),
}

impl From<SqlFailure> for StoreError {
    fn from(failure: SqlFailure) -> Self {
        match failure {
            SqlFailure::Unavailable { reason, .. } => Self::Unavailable { reason },
            SqlFailure::Final(error) => error,
        }
    }
}

impl From<StoreError> for SqlFailure {
    fn from(error: StoreError) -> Self {
        Self::Final(error)
    }
}

impl From<sqlx::Error> for SqlFailure {
    fn from(error: sqlx::Error) -> Self {
        let unavailable = |reason: String| Self::Unavailable { reason: one_line(&reason), is_databases_fault: true };
        match error {
            sqlx::Error::Database(error) => {
                let code = error.code().unwrap_or_default().into_owned();
                let reason = one_line(&format!("{error} (code {code})"));
                if is_slow(&code) {
                    Self::Unavailable {
                        reason: format!("the query takes too long: {reason}"),
                        is_databases_fault: false,
                    }
                } else if is_passing(&code) {
                    unavailable(reason)
                } else {
                    Self::Final(StoreError::Failed { reason })
                }
            }
            sqlx::Error::PoolTimedOut => unavailable(String::from("no connection within the time for connecting")),
            error @ (sqlx::Error::Io(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed) => unavailable(error.to_string()),
            error => Self::Final(StoreError::Failed { reason: one_line(&error.to_string()) }),
        }
    }
}

/// `query_canceled` of PostgreSQL, which `statement_timeout` raises, and `SQLITE_INTERRUPT`.
fn is_slow(code: &str) -> bool {
    matches!(code, "57014" | "9")
}

/// Conditions that pass: lost connections, exhausted resources, a server that starts or stops, conflicts (PostgreSQL appendix
/// A), and `SQLITE_BUSY` with its kin.
fn is_passing(code: &str) -> bool {
    ["08", "53", "57P", "58"].iter().any(|class| code.len() == 5 && code.starts_with(class))
        || matches!(code, "40001" | "40P01" | "5" | "261" | "517" | "6")
}

/// A database's text on one line, of bounded length.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(400).collect()
}

/// Rows with a bound on their number and size. One more than a request may have is kept, so that the request notices.
struct Collected {
    rows: Vec<Vec<Option<Text>>>,
    octets: usize,
}

impl Collected {
    const fn new() -> Self {
        Self { rows: Vec::new(), octets: 0 }
    }

    /// Takes a row; whether there is room for another.
    fn push(&mut self, row: Vec<Option<Text>>) -> bool {
        let limits = StoreLimits::default();
        self.octets += row.iter().flatten().map(|cell| cell.len()).sum::<usize>();
        self.rows.push(row);
        self.rows.len() <= limits.rows && self.octets <= limits.octets
    }
}
