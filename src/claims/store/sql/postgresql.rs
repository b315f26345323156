//! PostgreSQL: over TLS with a verified name, or by a local socket; each question a read-only transaction.

use std::fmt::Write as _;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{
    AssertSqlSafe, Column as _, Executor as _, Postgres, Row as _, SqlSafeStr as _, Statement as _, TypeInfo as _,
};

use super::{Collected, Question, SqlFailure, SqlLimits};
use crate::claims::Text;
use crate::claims::store::{Rows, StoreError, StoreLimits};
use crate::store::postgresql::{PostgresqlOptions, connect_options};

/// A pool of connections to one database.
pub(super) struct Postgresql {
    pool: PgPool,
}

impl Postgresql {
    pub(super) fn new(options: PostgresqlOptions, limits: SqlLimits) -> Self {
        // The server gives a statement up on its own, even when nobody listens any more.
        let timeout = limits.statement_timeout().as_millis().to_string();
        let connect = connect_options(options).options([("statement_timeout", timeout)]);
        let pool = PgPoolOptions::new()
            .max_connections(limits.connections.max(1))
            .acquire_timeout(limits.connect_timeout)
            .idle_timeout(IDLE)
            .max_lifetime(LIFETIME)
            .connect_lazy_with(connect);
        Self { pool }
    }

    pub(super) async fn ask(&self, question: &Question) -> Result<Rows, SqlFailure> {
        let mut transaction = self.pool.begin_with("BEGIN READ ONLY").await?;
        // Parameters are declared as text, so that the server never reads a value as anything else by itself.
        let types = vec![<String as sqlx::Type<Postgres>>::type_info(); question.values.len()];
        let statement =
            (&mut *transaction).prepare_with(AssertSqlSafe(question.sql.as_str()).into_sql_str(), &types).await?;
        let columns = statement.columns();
        if columns.len() != question.columns {
            let found = columns.len();
            return Err(StoreError::Columns { expected: question.columns, found }.into());
        }
        let binary: Vec<bool> = columns.iter().map(|column| column.type_info().name() == "BYTEA").collect();
        let sql = as_text(&question.sql, &binary);
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for value in &question.values {
            query = query.bind(value.as_str());
        }
        let mut collected = Collected::new();
        {
            let mut rows = query.fetch(&mut *transaction);
            while let Some(row) = rows.try_next().await? {
                let cells = (0..binary.len())
                    .map(|index| Ok(row.try_get::<Option<&str>, _>(index)?.map(Text::from)))
                    .collect::<Result<_, sqlx::Error>>()?;
                if !collected.push(cells) {
                    break;
                }
            }
        }
        transaction.rollback().await?;
        Ok(Rows(collected.rows))
    }
}

/// The statement with every column made text by the server itself, binary ones as base64, and no more of it sent than may be
/// taken: one more than that, which is then refused.
fn as_text(sql: &str, binary: &[bool]) -> String {
    let limits = StoreLimits::default();
    let most = limits.octets + 1;
    let mut text = String::with_capacity(sql.len() + 64 * binary.len());
    text.push_str("SELECT ");
    for (index, is_binary) in binary.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let _ = if *is_binary {
            write!(text, "{comma}translate(encode(substring(q.c{index} FROM 1 FOR {most}), 'base64'), E'\\n', '')")
        } else {
            write!(text, "{comma}left(q.c{index}::text, {most})")
        };
    }
    // A comment at the statement's end must not swallow what follows.
    let _ = write!(text, " FROM (\n{sql}\n) AS q(");
    for index in 0..binary.len() {
        let comma = if index == 0 { "" } else { ", " };
        let _ = write!(text, "{comma}c{index}");
    }
    let _ = write!(text, ") LIMIT {}", limits.rows + 1);
    text
}

/// A connection nobody used for this long is closed.
const IDLE: Duration = Duration::from_mins(5);
/// Older connections are replaced, so that they follow a fail-over or a changed role.
const LIFETIME: Duration = Duration::from_mins(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_made_text() {
        assert_eq!(
            as_text("SELECT a, b FROM t ORDER BY a", &[false, true]),
            "SELECT left(q.c0::text, 4194305), translate(encode(substring(q.c1 FROM 1 FOR 4194305), 'base64'), E'\\n', '') FROM (\nSELECT a, b FROM t ORDER BY a\n) \
             AS q(c0, c1) LIMIT 5001"
        );
    }
}
