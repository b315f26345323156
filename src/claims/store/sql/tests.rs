#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
//! The SQLite half against real files; PostgreSQL is tested in a real domain with a real server.

use sqlx::ConnectOptions as _;
use sqlx::Executor as _;

use super::*;
use crate::clock::SystemClock;

/// A file with these tables.
async fn file(sql: &'static str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("people.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    options.connect().await.unwrap().execute(sqlx::raw_sql(sql)).await.unwrap();
    (directory, path)
}

fn store(path: PathBuf, limits: SqlLimits) -> SqlStore {
    SqlStore::sqlite(path, limits, Arc::new(SystemClock::new())).unwrap()
}

async fn ask(
    store: &SqlStore,
    sql: &str,
    columns: usize,
    params: &[&str],
) -> Result<Vec<Vec<Option<String>>>, StoreError> {
    let query = StoreQuery::new("S", sql, vec![Text::from("t"); columns]);
    let params: Vec<Text> = params.iter().map(|param| Text::from(*param)).collect();
    let rows = store.query(&QueryContext::default(), &query, &params).await?;
    Ok(rows.0.into_iter().map(|row| row.into_iter().map(|cell| cell.map(|text| text.to_string())).collect()).collect())
}

#[tokio::test]
async fn cells_are_text_as_the_database_writes_it() {
    let (_directory, path) =
        file("CREATE TABLE t (a TEXT, n INTEGER, r REAL, b BLOB, d BOOLEAN); INSERT INTO t VALUES ('é', -7, 2.0, x'00ff', 1), ('x', NULL, 1e300, NULL, 0);")
            .await;
    let store = store(path, SqlLimits::default());
    let rows = ask(&store, "SELECT a, n, r, b, d FROM t ORDER BY a DESC", 5, &[]).await.unwrap();
    let row = |cells: [Option<&str>; 5]| cells.map(|cell| cell.map(str::to_owned)).to_vec();
    assert_eq!(
        rows,
        [
            row([Some("é"), Some("-7"), Some("2.0"), Some("AP8="), Some("1")]),
            row([Some("x"), None, Some("1.0e+300"), None, Some("0")])
        ]
    );
}

#[tokio::test]
async fn parameters_never_change_the_statement() {
    let (_directory, path) = file("CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('alice'), ('o''hara');").await;
    let store = store(path, SqlLimits::default());
    let sql = "SELECT a FROM t WHERE a = {0}";
    for value in ["x' OR '1'='1", "'; DROP TABLE t; --", "{0}", "?1", "alice\0", ""] {
        assert_eq!(ask(&store, sql, 1, &[value]).await, Ok(vec![]), "{value}");
    }
    assert_eq!(ask(&store, sql, 1, &["o'hara"]).await, Ok(vec![vec![Some("o'hara".into())]]));
    assert_eq!(ask(&store, "SELECT {1} || {0} || {1}", 1, &["a", "b"]).await, Ok(vec![vec![Some("bab".into())]]));
    // A parameter that the rule does not have is empty; such rules are refused when they are loaded.
    assert_eq!(ask(&store, "SELECT {3}", 1, &[]).await, Ok(vec![vec![Some(String::new())]]));
}

#[tokio::test]
async fn what_cannot_be_answered_is_a_failure_of_the_right_kind() {
    let (directory, path) = file("CREATE TABLE t (a TEXT);").await;
    let limits = SqlLimits { query_timeout: Duration::from_millis(300), ..SqlLimits::default() };
    let files = store(path.clone(), limits);
    assert!(matches!(ask(&files, "SELECT '{0}'", 1, &["x"]).await, Err(StoreError::Query { .. })));
    assert!(matches!(ask(&files, "SELECT x FROM nothing", 1, &[]).await, Err(StoreError::Failed { .. })));
    let wide = ask(&files, "SELECT 1, 2", 1, &[]).await;
    assert_eq!(wide, Err(StoreError::Columns { expected: 1, found: 2 }));

    // A query without end is ended, and the store goes on.
    let endless = "WITH RECURSIVE x(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM x) SELECT max(i) FROM x";
    let clock = SystemClock::new();
    let began = clock.monotonic();
    let slow = ask(&files, endless, 1, &[]).await.unwrap_err();
    assert!(slow.is_retryable(), "{slow}");
    assert!(clock.monotonic().saturating_sub(began) < Duration::from_secs(5));
    assert_eq!(ask(&files, "SELECT 'a'", 1, &[]).await, Ok(vec![vec![Some("a".into())]]));

    // More rows than one answer may have are not collected without end.
    let many = "WITH RECURSIVE x(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM x) SELECT i FROM x";
    let patient = store(path, SqlLimits::default());
    assert_eq!(ask(&patient, many, 1, &[]).await.unwrap().len(), StoreLimits::default().rows + 1);

    // Reading a file that is not there makes none.
    let absent = directory.path().join("absent.db");
    let store = store(absent.clone(), limits);
    assert!(ask(&store, "SELECT 1", 1, &[]).await.is_err());
    assert!(!absent.exists());
}

/// The statement reader refuses to write; the connection would as well.
#[tokio::test]
async fn the_file_is_open_to_be_read_only() {
    let (_directory, path) = file("CREATE TABLE t (a TEXT);").await;
    let database = sqlite::Sqlite::new(path, SqlLimits::default());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let question = Question { sql: "INSERT INTO t VALUES ('x')".into(), values: vec![], columns: 1 };
    let refused = database.ask(&question, &clock, Duration::from_secs(5)).await.unwrap_err();
    assert!(StoreError::from(refused).to_string().contains("readonly"));
}

#[test]
fn conditions_that_pass_are_told_from_those_that_do_not() {
    for code in ["08006", "53300", "57P01", "57P03", "40001", "40P01", "5"] {
        assert!(is_passing(code), "{code}");
    }
    for code in ["28P01", "42P01", "42501", "25006", "22P02", "1", "57014", "580"] {
        assert!(!is_passing(code), "{code}");
    }
    assert!(is_slow("57014"));
}
