//! A program that serves for as long as a test wants it: it is told what to do on its standard input, says "ready", and ends with it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// A running program.
pub struct Program {
    child: Child,
    _input: ChildStdin,
    /// A program whose output nobody takes any more ends by what it says next.
    _output: BufReader<ChildStdout>,
}

impl Program {
    /// Starts `tests/node/<path>` with a JSON value.
    pub fn node(path: &str, settings: &Value) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node").join(path);
        let child = Command::new("node")
            .arg(&script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn();
        let mut child = child.expect("node starts (tests/lab/setup installs it)");
        let mut input = child.stdin.take().expect("a pipe");
        writeln!(input, "{settings}").expect("it reads");
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        output.read_line(&mut line).expect("it writes");
        assert_eq!(line.trim(), "ready", "{path} did not start");
        Self { child, _input: input, _output: output }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
