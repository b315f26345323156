//! Clients and verifiers written in Python, because the libraries that real deployments use are.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Runs `tests/e2e/clients/<program>.py` with a JSON value on its standard input; returns the JSON it prints. `cache` is the
/// Kerberos credential cache it uses.
pub fn python(program: &str, input: &Value, cache: Option<&Path>) -> Value {
    python_with(program, input, cache, None)
}

/// The same where names lead to what this hosts file says.
pub fn python_with(program: &str, input: &Value, cache: Option<&Path>, hosts: Option<&Path>) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = match hosts {
        Some(hosts) => {
            let mut command = Command::new(root.join("tests/lab/run"));
            command.arg("--hosts").arg(hosts).arg(root.join(".venv/bin/python"));
            command
        }
        None => Command::new(root.join(".venv/bin/python")),
    };
    command
        .arg(root.join("tests/e2e/clients").join(format!("{program}.py")))
        .env_remove("KRB5CCNAME")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(cache) = cache {
        command.env("KRB5CCNAME", format!("FILE:{}", cache.display()));
    }
    let mut child = command.spawn().expect(".venv/bin/python starts (tests/lab/setup makes it)");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_string();
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(input.as_bytes());
    });
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("the writer ends");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}.py failed ({}): {errors}", output.status);
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{program}.py: {error}: {}{errors}", String::from_utf8_lossy(&output.stdout)))
}
