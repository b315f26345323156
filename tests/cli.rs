//! The compiled program as an operator meets it: its help, a first configuration, and what it says to wrong command lines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::path::Path;
use std::process::{Command, Output};

#[path = "claims/tools.rs"]
mod claims_tools;

/// Runs the program with nothing of this environment but the path.
fn chancery(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chancery"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("COLUMNS", "100");
    command.args(arguments).stdin(std::process::Stdio::null()).output().expect("the program starts")
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn the_help_of_every_command() {
    for command in [
        "",
        "init",
        "check",
        "doctor",
        "reload",
        "serve",
        "claims",
        "claims check",
        "claims describe",
        "claims explain",
        "claims fmt",
        "claims run",
        "claims test",
        "keys",
        "keys list",
        "keys create",
        "keys generate",
        "keys import",
        "keys promote",
        "keys remove",
        "keys export-public",
        "entra",
        "entra settings",
        "policies",
        "policies list",
        "policies show",
        "probe",
        "probe hybrid-join",
        "probe password",
        "probe device",
        "devices",
        "devices list",
        "devices show",
        "devices disable",
        "devices enable",
        "devices delete",
        "devices sweep",
        "drs",
        "drs init",
        "drs check",
        "trusts",
        "trusts show",
        "trusts refresh",
        "trusts accept",
        "trusts forget",
    ] {
        let mut arguments: Vec<&str> = command.split_whitespace().collect();
        arguments.push("--help");
        let output = chancery(&arguments);
        assert!(output.status.success(), "{command}");
        let name =
            if command.is_empty() { String::from("help") } else { format!("help-{}", command.replace(' ', "-")) };
        insta::assert_snapshot!(name, out(&output));
    }
}

#[test]
fn wrong_command_lines_end_with_two_and_say_why() {
    for (line, expected) in [
        (&["serv"][..], "serve"),
        (&["check", "--forma", "json"], "--format"),
        (&["reload", "--timeout", "5"], "--wait"),
        (&["keys", "export-public", "--format", "der"], "--output"),
        (&["keys", "import"], "--pkcs12"),
        (&["keys", "promote"], "<ID>"),
        (&["entra", "settings", "--domain", "corp.example"], "--tenant"),
        (&["claims", "run", "r.rules"], "CASES"),
        (&["claims", "test"], "DIR"),
        (&["claims", "explain", "--subject", "alice"], "--relying-party"),
        (
            &["claims", "explain", "--case", "c.json", "--subject", "alice", "--relying-party", "x"],
            "cannot be used with",
        ),
        (&["claims", "explain", "--case", "c.json", "--save", "s.json"], "cannot be used with"),
        (&["probe", "hybrid-join", "--principal", "WS01$"], "--keytab"),
        (&["probe", "hybrid-join", "--keytab", "k"], "--principal"),
        (&["probe", "hybrid-join", "--keytab", "k", "--password-file", "p", "--principal", "x"], "cannot be used with"),
        (&["probe", "password", "--principal", "alice"], "--password-file"),
    ] {
        let output = chancery(line);
        assert_eq!(output.status.code(), Some(2), "{line:?}: {}", err(&output));
        assert!(err(&output).contains(expected), "{line:?}: {}", err(&output));
    }
    assert_eq!(chancery(&[]).status.code(), Some(2));
}

/// Arguments that name the configuration in `directory`.
fn initialised(directory: &Path) -> String {
    let file = directory.join("chancery.toml").to_str().unwrap().to_owned();
    let state = directory.join("state").to_str().unwrap().to_owned();
    let output = chancery(&[
        "init",
        "--config",
        &file,
        "--domain",
        "corp.example",
        "--sid",
        "S-1-5-21-1004336348-1177238915-682003330",
        "--dc",
        "dc1.corp.example",
        "--intranet",
        "10.0.0.0/8",
        "--state-directory",
        &state,
    ]);
    assert!(output.status.success(), "{}", err(&output));
    assert!(out(&output).contains("run `chancery check"), "{}", out(&output));
    file
}

#[test]
fn a_first_configuration_lacks_only_what_init_cannot_know() {
    let directory = tempfile::tempdir().unwrap();
    let file = initialised(directory.path());
    let output = chancery(&["check", "--config", &file, "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let answer: serde_json::Value = serde_json::from_str(&out(&output)).unwrap();
    let text = answer.to_string();
    for missing in ["sts.keytab", "tls.crt", "tls.key"] {
        assert!(text.contains(missing), "{missing}: {text}");
    }
    assert_eq!(answer["valid"], false);
    // The directory is as good as the file.
    let output = chancery(&["check", "--config", directory.path().to_str().unwrap()]);
    assert!(out(&output).contains("sts.keytab"), "{}", out(&output));

    let again = chancery(&["init", "--config", &file, "--domain", "corp.example"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(err(&again).contains("exists already"), "{}", err(&again));
}

#[test]
fn init_without_a_terminal_names_what_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let output = chancery(&["init", "--config", directory.path().join("chancery.toml").to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    for option in ["--domain", "--sid"] {
        assert!(err(&output).contains(option), "{}", err(&output));
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "nothing is written");
}

#[test]
fn commands_that_need_a_configuration_say_what_is_wrong_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("chancery.toml").to_str().unwrap().to_owned();
    let file = initialised(tempfile::tempdir().unwrap().path());
    for line in [
        &["keys", "list", "--config", &missing][..],
        &["entra", "settings", "--config", &missing, "--domain", "corp.example", "--tenant", "corp.onmicrosoft.com"],
        &["serve", "--config", &missing],
        &["reload", "--config", &missing],
        &["probe", "password", "--config", &missing, "--principal", "alice", "--password-file", "p"],
        &["keys", "list", "--config", &file],
    ] {
        let output = chancery(line);
        assert_eq!(output.status.code(), Some(1), "{line:?}");
        assert!(err(&output).contains("chancery"), "{line:?}: {}", err(&output));
    }
}

#[test]
fn keys_are_listed_without_a_configuration_when_the_directory_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("chancery.toml").to_str().unwrap().to_owned();
    let keys = directory.path().join("keys").to_str().unwrap().to_owned();
    let output = chancery(&["keys", "--config", &missing, "list", "--directory", &keys]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("made at the first start"), "{}", err(&output));
}

#[test]
fn a_probe_of_nothing_says_where_it_ends() {
    let directory = tempfile::tempdir().unwrap();
    let password = directory.path().join("pw");
    std::fs::write(&password, "Secret-Pw-1\n").unwrap();
    let password = password.to_str().unwrap();
    // Port 1 of the loopback: nobody listens.
    let output = chancery(&[
        "probe",
        "password",
        "--server",
        "sts.corp.example:1",
        "--connect-to",
        "127.0.0.1",
        "--principal",
        "alice@corp.example",
        "--password-file",
        password,
        "--json",
        "--verbose",
    ]);
    assert_eq!(output.status.code(), Some(1));
    let answer: serde_json::Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!(answer["succeeds"], false);
    assert_eq!(answer["steps"][1]["step"], "TLS");
    assert_eq!(answer["steps"][1]["outcome"], "failed");
    assert!(!out(&output).contains("Secret-Pw-1") && !err(&output).contains("Secret-Pw-1"));

    let output = chancery(&[
        "probe",
        "password",
        "--server",
        "http://sts.corp.example",
        "--principal",
        "a",
        "--password-file",
        password,
    ]);
    assert!(err(&output).contains("https only"), "{}", err(&output));
}
