//! SQL attribute stores: the lab's PostgreSQL and an SQLite file, joined with Active Directory, and everything that can go wrong.

use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::attribute_stores::{ask, audit, claim_type, sign_in, token, trust, values};
use crate::support::{Node, NodeSetup, eventually, run, script, variable};

/// One test at a time has the database: one of them pauses it.
pub fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A server with the personnel database as the store `HR`, and one that knows a wrong password as `WRONG`.
fn with_database(timeout: u32) -> NodeSetup {
    let store = |name: &str, password: &str| {
        format!(
            "[[attribute_stores]]\nname = \"{name}\"\nquery_timeout_seconds = {timeout}\nconnect_timeout_seconds = 2\n\
             [attribute_stores.postgresql]\nhost = \"{}\"\ndatabase = \"hr\"\nuser = \"chancery\"\npassword_file = \"{password}\"\nca_file = \"{}\"\n",
            variable("LAB_POSTGRES"),
            variable("CHANCERY_CA"),
        )
    };
    NodeSetup::new()
        .write("hr-password", "Hr-Db-Pw-1\n")
        .write("no-password", "not-it\n")
        .append(&store("HR", "hr-password"))
        .append(&store("WRONG", "no-password"))
}

fn postgres(command: &str) {
    run(Command::new(script("postgres")).arg(command));
}

/// Gives no token, within a time; the event that says why.
fn denied(node: &Node, name: &str, status: u16) -> serde_json::Value {
    let began = Instant::now();
    let answer = sign_in(node, "alice", "alice", name);
    assert_eq!(answer.status, status, "{name}: {}", answer.body);
    assert!(began.elapsed() < Duration::from_secs(8), "{name} took {:?}", began.elapsed());
    assert!(!answer.body.contains("Assertion"), "{name}: {}", answer.body);
    let event = audit(node, &answer).event(9002);
    assert_eq!(event["ErrorCode"], "POLICY0018", "{event}");
    assert_eq!(event["Retryable"], status == 503, "{event}");
    assert_eq!(audit(node, &answer).event(1201)["ErrorCode"], "POLICY0018");
    event
}

#[test]
fn a_database_is_joined_with_active_directory_in_one_rule_set() {
    let _turn = turn();
    let rules = format!(
        r#"c:[Type == "http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsaccountname", Issuer == "AD AUTHORITY"]
 => add(store = "Active Directory", types = ("urn:sam", "urn:name"), query = ";sAMAccountName,displayName;{{0}}", param = c.Value);
s:[Type == "urn:sam"] => add(store = "StringProcessing", types = ("urn:key"), query = "toLower", param = s.Value);
k:[Type == "urn:key"] => add(store = "HR", types = ("urn:title"), query = "SELECT title FROM employee WHERE account = {{0}} AND active", param = k.Value);
n:[Type == "urn:name"] && t:[Type == "urn:title"] => issue(Type = "{}", Value = n.Value + ", " + t.Value);
k:[Type == "urn:key"] => issue(store = "hr", types = ("{}"), query = "SELECT * FROM roles_of({{0}})", param = k.Value);
"#,
        claim_type("card"),
        claim_type("role")
    );
    let node = with_database(5).write("trusts/join.toml", trust("join", &rules)).start();
    let alice = token(&node, "alice", "alice", "join");
    assert_eq!(values(&alice, "card"), ["Alice Liddell, Director"]);
    assert_eq!(values(&alice, "role"), ["approver", "auditor"]);
    let bob = token(&node, "bob", "bob", "join");
    assert_eq!(values(&bob, "card"), [""; 0]);
    assert_eq!(values(&bob, "role"), ["builder"]);
}

#[test]
fn every_cell_is_text_and_every_parameter_is_data() {
    let _turn = turn();
    let columns = ["number", "salary", "hired", "seen", "active", "badge", "title"];
    let select = format!("SELECT {} FROM employee WHERE account = {{0}}", columns.join(", "));
    let hr = |types: &[&str], query: &str, params: &[&str]| ask("HR", types, query, params);
    let rules = hr(&columns, &select, &["\"alice\""])
        + &hr(&["n2", "s2", "h2", "e2", "a2", "b2", "t2"], &select, &["\"bob\""])
        + &hr(&["poet"], "SELECT title FROM employee WHERE account = {0} -- quotes are data", &["\"o'hara\""])
        + &hr(&["injected"], "SELECT account FROM employee WHERE account = {0}", &["\"x' OR '1'='1\""])
        + &hr(&["injected"], "SELECT account FROM employee WHERE account = {0}", &["\"'; DROP TABLE role; --\""])
        + &hr(&["twice"], "SELECT {1} || '-' || {0} || '-' || {1} WHERE {0} <> {1}", &["\"a\"", "\"b\""])
        + &hr(&["cast"], "SELECT account FROM employee WHERE number = {0}::integer", &["\"7\""])
        + &hr(&["none"], "SELECT account FROM employee WHERE false", &[]);
    let node = with_database(5).write("trusts/cells.toml", trust("cells", &rules)).start();
    let token = token(&node, "alice", "alice", "cells");
    let expected = ["42", "9000.50", "2019-03-01", "2026-01-05 10:00:00+00", "true", "AP8Q", "Director"];
    for (column, value) in columns.iter().zip(expected) {
        assert_eq!(values(&token, column), [value], "{column}");
    }
    for (column, value) in
        [("n2", vec!["7"]), ("s2", vec![]), ("h2", vec![]), ("e2", vec![]), ("a2", vec!["false"]), ("t2", vec![])]
    {
        assert_eq!(values(&token, column), value, "{column}");
    }
    assert_eq!(values(&token, "poet"), ["Poet"]);
    assert_eq!(values(&token, "injected"), [""; 0]);
    assert_eq!(values(&token, "twice"), ["b-a-b"]);
    assert_eq!(values(&token, "cast"), ["bob"]);
    assert_eq!(values(&token, "none"), [""; 0]);
    // The table is still there.
    assert_eq!(values(&crate::attribute_stores::token(&node, "alice", "alice", "cells"), "poet"), ["Poet"]);
}

#[test]
fn a_database_that_does_not_answer_as_it_must_yields_no_token() {
    let _turn = turn();
    let hr = |query: &str| ask("HR", &["a"], query, &[]);
    let slow = ask("HR", &["a"], "SELECT pg_sleep({0}::integer)::text", &["\"30\""]);
    let node = with_database(2)
        .write("trusts/fine.toml", trust("fine", &hr("SELECT title FROM employee WHERE number = 42")))
        .write("trusts/wide.toml", trust("wide", &hr("SELECT account, title FROM employee")))
        .write("trusts/long.toml", trust("long", &hr("SELECT generate_series(1, 6000)")))
        .write("trusts/large.toml", trust("large", &hr("SELECT repeat('x', 5000000)")))
        .write(
            "trusts/write.toml",
            trust("write", &hr("SELECT set_config('transaction_read_only', 'off', false) FROM employee")),
        )
        .write("trusts/absent.toml", trust("absent", &hr("SELECT x FROM nothing")))
        .write("trusts/slow.toml", trust("slow", &slow))
        .write("trusts/wrong.toml", trust("wrong", &ask("WRONG", &["a"], "SELECT 1", &[])))
        .start();
    let says = |event: &serde_json::Value, text: &str| {
        let detail = event["Detail"].as_str().expect("a text");
        assert!(detail.contains(text), "`{text}` in {detail}");
    };
    let wide = denied(&node, "wide", 500);
    says(
        &wide,
        "POLICY0018: Query 'SELECT account, title FROM employee' to attribute store 'HR' failed: 'the query yields 2 columns",
    );
    assert_eq!(wide["AttributeStore"], "HR");
    assert_eq!(wide["Rule"], "issuance transform, rule 1");
    says(&denied(&node, "long", 500), "more than 5000 rows");
    says(&denied(&node, "large", 500), "larger than");
    says(&denied(&node, "write", 500), "read-write mode");
    says(&denied(&node, "absent", 500), "code 42P01");
    says(&denied(&node, "wrong", 500), "code 28P01");
    denied(&node, "slow", 503);
    assert_eq!(values(&token(&node, "alice", "alice", "fine"), "a"), ["Director"]);

    postgres("stop");
    // The first wait; then the database is left alone and nobody waits any more.
    for _ in 0..3 {
        denied(&node, "fine", 503);
    }
    let began = Instant::now();
    denied(&node, "fine", 503);
    let took = began.elapsed();
    postgres("cont");
    assert!(took < Duration::from_secs(1), "left alone, yet it took {took:?}");
    eventually("the database answers again", || sign_in(&node, "alice", "alice", "fine").status == 200);
}

#[test]
fn an_sqlite_file_is_read_and_never_written() {
    let setup = NodeSetup::new();
    let file = setup.directory.join("hr.db");
    let make = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.executescript(sys.argv[2]); c.commit()";
    let tables = "CREATE TABLE t (account TEXT, n INTEGER, r REAL, b BLOB, e TEXT); \
                  INSERT INTO t VALUES ('alice', 42, 1.5, x'00ff10', NULL);";
    run(Command::new("python3").args(["-c", make]).arg(&file).arg(tables));
    let rules = ask(
        "Files",
        &["n", "r", "b", "e", "sum"],
        "SELECT n, r, b, e, n + 1 FROM t WHERE account = {0} AND n = {1}",
        &["\"alice\"", "\"42\""],
    ) + &ask("Files", &["injected"], "SELECT account FROM t WHERE account = {0}", &["\"x' OR '1'='1\""]);
    let endless = "WITH RECURSIVE x(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM x) SELECT max(i) FROM x";
    let node = setup
        .append("[[attribute_stores]]\nname = \"Files\"\nquery_timeout_seconds = 2\n[attribute_stores.sqlite]\nfile = \"hr.db\"")
        .write("trusts/files.toml", trust("files", &rules))
        .write("trusts/wide.toml", trust("wide", &ask("Files", &["a"], "SELECT n, r FROM t", &[])))
        .write("trusts/slow.toml", trust("slow", &ask("Files", &["a"], endless, &[])))
        .start();
    let token = token(&node, "alice", "alice", "files");
    for (name, expected) in
        [("n", vec!["42"]), ("r", vec!["1.5"]), ("b", vec!["AP8Q"]), ("e", vec![]), ("sum", vec!["43"])]
    {
        assert_eq!(values(&token, name), expected, "{name}");
    }
    assert_eq!(values(&token, "injected"), [""; 0]);
    denied(&node, "wide", 500);
    denied(&node, "slow", 503);
    assert_eq!(values(&crate::attribute_stores::token(&node, "alice", "alice", "files"), "n"), ["42"]);
}
