//! The two databases, and their tables brought to the present version at the first question.

use std::path::PathBuf;
use std::time::Duration;

use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Row as _};
use tokio::runtime::Handle;
use tokio::sync::OnceCell;

use super::schema::VERSIONS;
use super::writer::Writer;
use crate::devices::RegistryError;
use crate::store::postgresql::{PostgresqlOptions, connect_options};

/// Where the database is.
#[derive(Debug)]
pub enum SqlPlace {
    /// A file of this server alone; made when it is not there.
    Sqlite(PathBuf),
    /// A database that several servers share.
    Postgresql(PostgresqlOptions),
}

pub(super) struct Database {
    pub(super) pool: Pool,
    /// Whether the tables are known to be of the present version.
    prepared: OnceCell<()>,
}

pub(super) enum Pool {
    Sqlite { pool: SqlitePool, writer: Writer },
    Postgresql(PgPool),
}

/// Runs the same statements on whichever database there is. `return` and `?` end the whole.
macro_rules! on_database {
    ($database:expr, |$pool:ident| $body:block) => {
        match &$database.pool {
            $crate::devices::sql::database::Pool::Sqlite { pool: $pool, .. } => $body,
            $crate::devices::sql::database::Pool::Postgresql($pool) => $body,
        }
    };
}
pub(super) use on_database;

impl Database {
    /// The database. Its connections live on this runtime.
    pub(super) fn new(place: SqlPlace, runtime: &Handle) -> Result<Self, RegistryError> {
        let pool = match place {
            SqlPlace::Sqlite(file) => {
                make_private(&file)
                    .map_err(|error| RegistryError::Unavailable { reason: format!("{}: {error}", file.display()) })?;
                // A registration that was answered outlives a loss of power.
                let connect = SqliteConnectOptions::new()
                    .filename(file)
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full)
                    .busy_timeout(BUSY);
                let pool = SqlitePoolOptions::new()
                    .max_connections(CONNECTIONS)
                    .acquire_timeout(CONNECT)
                    // There is no network that could have lost one, and asking costs a thread's waking.
                    .test_before_acquire(false);
                let pool = pool.connect_lazy_with(connect);
                Pool::Sqlite { writer: Writer::start(pool.clone(), runtime), pool }
            }
            SqlPlace::Postgresql(options) => {
                let connect = connect_options(options).options([("statement_timeout", "7000")]);
                let pool = PgPoolOptions::new()
                    .max_connections(CONNECTIONS)
                    .acquire_timeout(CONNECT)
                    .idle_timeout(IDLE)
                    .max_lifetime(LIFETIME);
                Pool::Postgresql(pool.connect_lazy_with(connect))
            }
        };
        Ok(Self { pool, prepared: OnceCell::new() })
    }

    /// Brings the tables to the present version, once. `unique` becomes the registry's identifiers if it has none.
    pub(super) async fn prepare(&self, unique: [u8; 32]) -> Result<(), RegistryError> {
        self.prepared.get_or_try_init(|| self.migrate(unique)).await.copied()
    }

    async fn migrate(&self, unique: [u8; 32]) -> Result<(), RegistryError> {
        let (invocation, domain) = unique.split_at(16);
        let octets = match self.pool {
            Pool::Sqlite { .. } => "BLOB",
            Pool::Postgresql(_) => "BYTEA",
        };
        on_database!(self, |pool| {
            // Whoever comes first makes the tables; the others wait, and find them.
            let begin = match self.pool {
                Pool::Sqlite { .. } => "BEGIN IMMEDIATE",
                Pool::Postgresql(_) => "BEGIN",
            };
            let mut transaction = pool.begin_with(begin).await?;
            if matches!(self.pool, Pool::Postgresql(_)) {
                sqlx::query("SELECT pg_advisory_xact_lock(4919273015)").execute(&mut *transaction).await?;
            }
            let sql = "CREATE TABLE IF NOT EXISTS device_schema (version BIGINT NOT NULL)";
            sqlx::query(sql).execute(&mut *transaction).await?;
            let row =
                sqlx::query("SELECT COALESCE(MAX(version), 0) FROM device_schema").fetch_one(&mut *transaction).await?;
            let version = usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or_default();
            if version > VERSIONS.len() {
                let reason = format!("the database is of version {version}; this program knows {}", VERSIONS.len());
                return Err(RegistryError::Refused { reason });
            }
            for (number, statements) in VERSIONS.iter().enumerate().skip(version) {
                for statement in *statements {
                    let sql = statement.replace("{OCTETS}", octets);
                    sqlx::query(AssertSqlSafe(sql)).execute(&mut *transaction).await?;
                }
                let sql = "INSERT INTO device_schema (version) VALUES ($1)";
                let number = i64::try_from(number + 1).unwrap_or(i64::MAX);
                sqlx::query(sql).bind(number).execute(&mut *transaction).await?;
            }
            let sql = "INSERT INTO place (id, invocation, domain) VALUES (1, $1, $2) ON CONFLICT (id) DO NOTHING";
            sqlx::query(sql).bind(invocation.to_vec()).bind(domain.to_vec()).execute(&mut *transaction).await?;
            transaction.commit().await?;
            Ok(())
        })
    }
}

/// Makes the file for its owner alone: it says who has which devices.
fn make_private(file: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(file).map(drop)
}

/// Conditions that pass: lost connections, exhausted resources, a server that starts or stops, conflicts, statements that took too
/// long (PostgreSQL appendix A), and `SQLITE_BUSY` with its kin.
pub(super) fn is_passing(code: &str) -> bool {
    ["08", "53", "57", "58"].iter().any(|class| code.len() == 5 && code.starts_with(class))
        || matches!(code, "40001" | "40P01" | "5" | "261" | "517" | "6" | "9")
}

const CONNECTIONS: u32 = 8;
const CONNECT: Duration = Duration::from_secs(3);
const BUSY: Duration = Duration::from_secs(5);
const IDLE: Duration = Duration::from_mins(10);
const LIFETIME: Duration = Duration::from_mins(30);
