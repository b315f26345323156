//! A client without manners: octets on a TLS connection, from any address of the loopback, with any name and certificate.
//!
//! Programs like curl refuse to send what an attacker sends; this sends whatever it is given, and reads the answer strictly.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use openssl::ssl::{SslConnector, SslFiletype, SslMethod, SslStream, SslVersion};

use crate::support::{Audit, Lab};

/// Where a connection leads, and as whom.
#[derive(Clone)]
pub struct Route {
    pub server: SocketAddr,
    pub source: IpAddr,
    /// Server name in TLS.
    pub name: String,
    /// Name of a client certificate in `LAB_CLIENTS`.
    pub certificate: Option<String>,
}

/// An open connection.
pub struct Wire {
    stream: SslStream<TcpStream>,
    host: String,
}

/// An answer, complete.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// The correlation id that was sent.
    pub correlation: String,
    pub took: Duration,
}

impl Route {
    /// To the lab's server, from inside.
    pub fn inside() -> Self {
        Self {
            server: SocketAddr::new(address(1), 443),
            source: IpAddr::from([127, 0, 0, 1]),
            name: host(),
            certificate: None,
        }
    }

    /// To the lab's server, from outside.
    pub fn outside() -> Self {
        Self { source: IpAddr::from([127, 0, 0, 9]), ..Self::inside() }
    }

    /// From another inside address: what one address does wrong must not be counted against other tests.
    pub fn from(self, last_octet: u8) -> Self {
        Self { source: address(last_octet), ..self }
    }

    /// To another server.
    pub fn to(self, server: IpAddr) -> Self {
        Self { server: SocketAddr::new(server, self.server.port()), ..self }
    }

    /// With another server name in TLS.
    pub fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// To the port that asks for a certificate, with one.
    pub fn certificate(self, name: &str) -> Self {
        let server = SocketAddr::new(self.server.ip(), 49443);
        Self { certificate: Some(name.to_owned()), server, ..self }
    }

    /// Opens a connection.
    pub fn open(&self) -> Wire {
        let mut connector = SslConnector::builder(SslMethod::tls_client()).expect("TLS");
        connector.set_ca_file(std::env::var("CHANCERY_CA").expect("CHANCERY_CA")).expect("the lab's authority");
        // One message more would tell whether a certificate is liked; in TLS 1.2 the handshake is over when it is over.
        connector.set_max_proto_version(Some(SslVersion::TLS1_2)).expect("TLS");
        if let Some(name) = &self.certificate {
            let clients = std::env::var("LAB_CLIENTS").expect("LAB_CLIENTS");
            let file = |suffix| Path::new(&clients).join(format!("{name}.{suffix}"));
            connector.set_certificate_file(file("pem"), SslFiletype::PEM).expect("a client certificate");
            connector.set_private_key_file(file("key"), SslFiletype::PEM).expect("its key");
        }
        let tcp = connect(self.source, self.server);
        let stream = connector.build().connect(&self.name, tcp).expect("a TLS handshake");
        Wire { stream, host: self.name.clone() }
    }

    /// One POST on a connection of its own.
    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        self.open().request("POST", path, headers, body)
    }

    /// One GET on a connection of its own.
    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.open().request("GET", path, headers, b"")
    }

    /// One request without regard to HTTP on a connection of its own; `None` when the server closes without an answer.
    pub fn octets(&self, octets: &[u8]) -> Option<Reply> {
        let mut wire = self.open();
        wire.send(octets);
        let mut reply = wire.read_reply(Instant::now(), "", false)?;
        // The request named none: it is the server's own.
        reply.correlation = reply.header("client-request-id").unwrap_or_default().to_owned();
        Some(reply)
    }
}

impl Wire {
    /// Sends a request with everything it needs, and reads the answer. The connection stays open.
    pub fn request(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let correlation = id();
        let mut text =
            format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nclient-request-id: {correlation}\r\n", self.host);
        if method == "POST" {
            text += "Content-Type: application/soap+xml; charset=utf-8\r\n";
            let _ = write!(text, "Content-Length: {}\r\n", body.len());
        }
        for (name, value) in headers {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        text += "\r\n";
        let started = Instant::now();
        self.send(text.as_bytes());
        self.send(body);
        self.read_reply(started, &correlation, method == "HEAD")
            .unwrap_or_else(|| panic!("the server closed the connection without an answer to {method} {path}"))
    }

    /// Sends octets; a server that has closed already may have answered before.
    pub fn send(&mut self, octets: &[u8]) {
        let _ = self.stream.write_all(octets).and_then(|()| self.stream.flush());
    }

    /// Reads one answer; `None` at the end of the connection.
    pub fn read_reply(&mut self, started: Instant, correlation: &str, is_head: bool) -> Option<Reply> {
        let mut received = Vec::new();
        let end = loop {
            if let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            if !self.read_more(&mut received) {
                assert!(received.is_empty(), "half an answer: {}", String::from_utf8_lossy(&received));
                return None;
            }
        };
        let head = String::from_utf8(received[..end].to_vec()).expect("a head of text");
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(':').unwrap_or_else(|| panic!("no header field: {line}")))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let length =
            headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
        let length: usize = if is_head { 0 } else { length.unwrap_or(0) };
        while received.len() < end + 4 + length {
            assert!(self.read_more(&mut received), "the answer ends early: {head}");
        }
        let body = String::from_utf8(received[end + 4..end + 4 + length].to_vec()).expect("a body of text");
        let correlation = correlation.to_owned();
        Some(Reply { status: status.expect("a status"), headers, body, correlation, took: started.elapsed() })
    }

    /// Whether the server has closed the connection, without a further answer.
    pub fn is_closed(&mut self) -> bool {
        let mut more = Vec::new();
        !self.read_more(&mut more)
    }

    fn read_more(&mut self, received: &mut Vec<u8>) -> bool {
        let mut chunk = [0; 16 << 10];
        match self.stream.read(&mut chunk) {
            Ok(0) => false,
            Ok(n) => {
                received.extend_from_slice(&chunk[..n]);
                true
            }
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                panic!("no answer within {PATIENCE:?}")
            }
            // A reset after the close.
            Err(_) => false,
        }
    }
}

impl Reply {
    /// The first header field of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(candidate, _)| candidate == name).map(|(_, value)| &**value)
    }

    /// The audit events of this request at the lab's server.
    pub fn audit(&self) -> Audit {
        self.audit_in(&Lab::get().config)
    }

    /// The audit events of this request at the server with this directory.
    pub fn audit_in(&self, directory: &Path) -> Audit {
        Audit::of(directory.join("audit.jsonl"), &self.correlation)
    }

    /// What is the same in answers that tell nothing: everything but ids and times.
    pub fn without_ids_and_times(&self) -> String {
        let ids =
            regex::Regex::new(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").expect("a pattern");
        let times = regex::Regex::new(r"\d{4}-\d\d-\d\dT[0-9:.]+Z").expect("a pattern");
        // The order of header fields is that of a hash table in the worker that answers.
        let mut headers: Vec<String> = self
            .headers
            .iter()
            .filter(|(name, _)| name != "date")
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        headers.sort_unstable();
        let text = format!("{}\n{}\n\n{}", self.status, headers.join("\n"), self.body);
        times.replace_all(&ids.replace_all(&text, "ID"), "TIME").into_owned()
    }
}

/// An address of the lab's block.
pub fn address(last_octet: u8) -> IpAddr {
    let block = std::env::var("LAB_BLOCK").expect("LAB_BLOCK");
    format!("{block}.{last_octet}").parse().expect("an address")
}

/// The federation service name.
pub fn host() -> String {
    std::env::var("LAB_HOST").expect("LAB_HOST")
}

/// A new correlation id.
pub fn id() -> String {
    uuid::Uuid::from_bytes(std::array::from_fn(|_| fastrand::u8(..))).to_string()
}

fn connect(source: IpAddr, server: SocketAddr) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::new(source, 0)).expect("a source address");
        let stream = socket.connect(server).await.unwrap_or_else(|error| panic!("{server}: {error}"));
        stream.into_std().expect("a socket")
    });
    stream.set_nonblocking(false).expect("a socket that blocks");
    stream.set_nodelay(true).expect("a socket");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    stream
}

const PATIENCE: Duration = Duration::from_secs(30);
