//! curl, as the client most people debug with.

use std::path::Path;
use std::process::{Command, Stdio};

/// One request by curl.
pub struct Curl {
    command: Command,
    correlation: String,
    body: Option<Vec<u8>>,
}

/// What came back.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// The correlation id that was sent.
    pub correlation: String,
}

impl Curl {
    /// A request for an absolute URL.
    pub fn new(url: &str) -> Self {
        let correlation = uuid::Uuid::from_bytes(std::array::from_fn(|_| fastrand::u8(..))).to_string();
        let mut command = Command::new("curl");
        command
            .args(["--silent", "--show-error", "--include", "--max-time", "30"])
            .args(["--header", &format!("client-request-id: {correlation}")])
            .env_remove("KRB5CCNAME")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .arg(url);
        Self { command, correlation, body: None }
    }

    /// Authenticates by Negotiate with the tickets of a credential cache.
    pub fn negotiate(mut self, cache: &Path) -> Self {
        self.command.args(["--negotiate", "--user", ":"]).env("KRB5CCNAME", format!("FILE:{}", cache.display()));
        self
    }

    /// Sends a header field.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.command.args(["--header", &format!("{name}: {value}")]);
        self
    }

    /// Further arguments.
    pub fn args<'a>(mut self, args: impl IntoIterator<Item = &'a str>) -> Self {
        self.command.args(args);
        self
    }

    /// Posts a SOAP 1.2 message.
    pub fn soap(self, envelope: impl Into<Vec<u8>>) -> Self {
        self.header("Content-Type", "application/soap+xml; charset=utf-8").post(envelope)
    }

    /// Posts a body.
    pub fn post(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.command.args(["--data-binary", "@-"]);
        self.body = Some(body.into());
        self
    }

    /// Sends the request; the last answer counts when there were several (401, then 200).
    pub fn send(mut self) -> Response {
        use std::io::Write as _;
        let mut child = self.command.spawn().expect("curl starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        let body = self.body.take();
        let writer = std::thread::spawn(move || {
            if let Some(body) = body {
                // curl may stop reading when the server answers early.
                let _ = stdin.write_all(&body);
            }
        });
        let output = child.wait_with_output().expect("curl ends");
        writer.join().expect("the writer ends");
        assert!(
            output.status.success(),
            "curl failed ({}): {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        Response::parse(&output.stdout, self.correlation)
    }
}

impl Response {
    fn parse(raw: &[u8], correlation: String) -> Self {
        let text = String::from_utf8_lossy(raw);
        let mut rest: &str = &text;
        loop {
            let (head, body) = rest.split_once("\r\n\r\n").unwrap_or((rest, ""));
            let mut lines = head.lines();
            let status_line = lines.next().unwrap_or_default();
            let status: u16 = status_line.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default();
            let headers = lines
                .filter_map(|line| line.split_once(':'))
                .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
                .collect();
            // The answers of earlier legs stand before the last one.
            if body.starts_with("HTTP/") {
                rest = body;
                continue;
            }
            return Self { status, headers, body: body.to_owned(), correlation };
        }
    }

    /// The first header field of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(candidate, _)| candidate.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }
}
