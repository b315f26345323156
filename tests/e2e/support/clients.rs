//! Clients and verifiers in the languages of the libraries that real deployments use. Each reads a JSON value and prints one.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::Value;

use super::lab::run;

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
    command.arg(root.join("tests/e2e/clients").join(format!("{program}.py"))).env_remove("KRB5CCNAME");
    if let Some(cache) = cache {
        command.env("KRB5CCNAME", format!("FILE:{}", cache.display()));
    }
    converse(command, program, input)
}

/// Runs `tests/e2e/clients/<program>.mjs` in the same way.
pub fn javascript(program: &str, input: &Value) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new("node");
    command.arg(root.join("tests/e2e/clients").join(format!("{program}.mjs")));
    converse(command, program, input)
}

/// Runs the client made of the `openidconnect` crate.
pub fn openidconnect(input: &Value) -> Value {
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| built("openidconnect", "openidconnect-client"));
    converse(Command::new(&*PROGRAM), "openidconnect", input)
}

/// Runs the device made of `compact_jwt` and `kanidm-hsm-crypto`.
pub fn compact_jwt(input: &Value) -> Value {
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| built("compact_jwt", "compact-jwt-client"));
    converse(Command::new(&*PROGRAM), "compact_jwt", input)
}

/// A client that is a crate of its own under `tests`.
fn built(directory: &str, program: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = root.join("target").join(directory);
    let manifest = root.join("tests").join(directory).join("Cargo.toml");
    let mut cargo = Command::new(env!("CARGO"));
    run(cargo.args(["build", "--quiet", "--locked", "--manifest-path"]).arg(manifest).arg("--target-dir").arg(&target));
    target.join("debug").join(program)
}

fn converse(mut command: Command, program: &str, input: &Value) -> Value {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child =
        command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error} (tests/lab/setup installs it)"));
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_string();
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(input.as_bytes());
    });
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("the writer ends");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} failed ({}): {errors}", output.status);
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{program}: {error}: {}{errors}", String::from_utf8_lossy(&output.stdout)))
}
