//! One TLS connection under the test's control: to hold it open, send half a request, and look at both sides' certificates.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use openssl::ssl::{SslConnector, SslMethod, SslStream, SslVerifyMode};

use super::lab::Lab;

/// An open connection.
pub struct KeepAlive {
    stream: SslStream<TcpStream>,
    host: String,
}

impl KeepAlive {
    /// Connects under the service's name, or says why not.
    pub fn try_open(address: &str, port: u16) -> Result<Self, String> {
        Self::open_by(&Self::connector(), address, port)
    }

    /// What connections are made by; making it takes longer than a connection, so those who open many share one.
    pub fn connector() -> SslConnector {
        let mut connector = SslConnector::builder(SslMethod::tls_client()).expect("TLS");
        // Which certificate is served is what the tests look at.
        connector.set_verify(SslVerifyMode::NONE);
        connector.build()
    }

    /// Connects by a connector that is there.
    pub fn open_by(connector: &SslConnector, address: &str, port: u16) -> Result<Self, String> {
        let host = Lab::get().url.trim_start_matches("https://").to_owned();
        let tcp = TcpStream::connect((address, port)).map_err(|error| error.to_string())?;
        tcp.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
        let stream = connector.connect(&host, tcp).map_err(|error| error.to_string())?;
        Ok(Self { stream, host })
    }

    /// Connects to the HTTPS port.
    pub fn open(address: &str) -> Self {
        Self::try_open(address, 443).expect("a connection")
    }

    /// SHA-256 of the server's certificate.
    pub fn certificate(&self) -> Vec<u8> {
        let certificate = self.stream.ssl().peer_certificate().expect("a certificate");
        certificate.digest(openssl::hash::MessageDigest::sha256()).expect("a digest").to_vec()
    }

    /// Sends octets as they are.
    pub fn send(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).and_then(|()| self.stream.flush()).expect("the connection takes octets");
    }

    /// The head of a POST request whose body follows.
    pub fn post_head(&mut self, path: &str, length: usize) {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/soap+xml; charset=utf-8\r\nContent-Length: {length}\r\n\r\n",
            self.host
        );
        self.send(head.as_bytes());
    }

    /// Requests a page and returns its status.
    pub fn get(&mut self, path: &str) -> u16 {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.host);
        self.send(request.as_bytes());
        self.answer().0
    }

    /// Posts a body and reads the answer: status and body; nothing when the server ends before that.
    pub fn try_post(&mut self, path: &str, more: &[(&str, &str)], body: &str) -> Option<(u16, String)> {
        let more: String = more.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let (host, length) = (&self.host, body.len());
        let request = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\n{more}Content-Length: {length}\r\n\r\n{body}");
        self.stream.write_all(request.as_bytes()).and_then(|()| self.stream.flush()).ok()?;
        let (status, text) = self.try_answer().ok()?;
        text.split_once("\r\n\r\n").map(|(_, body)| (status, body.to_owned()))
    }

    /// Reads one answer: status, and everything as text.
    pub fn answer(&mut self) -> (u16, String) {
        self.try_answer().unwrap_or_else(|error| panic!("no answer: {error}"))
    }

    fn try_answer(&mut self) -> Result<(u16, String), String> {
        let mut octets = Vec::new();
        let mut buffer = [0; 16 * 1024];
        loop {
            let read = self.stream.read(&mut buffer).map_err(|error| error.to_string())?;
            octets.extend_from_slice(&buffer[..read]);
            let text = String::from_utf8_lossy(&octets).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head
                    .lines()
                    .filter_map(|line| line.split_once(':'))
                    .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                    .and_then(|(_, value)| value.trim().parse().ok())
                    .unwrap_or(0);
                if body.len() >= length {
                    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default();
                    return Ok((status, text));
                }
            }
            if read == 0 {
                return Err(format!("the connection ended in the middle of an answer: {text:?}"));
            }
        }
    }

    /// Whether the server has closed the connection.
    pub fn is_closed(&mut self) -> bool {
        matches!(self.stream.read(&mut [0; 1]), Ok(0) | Err(_))
    }
}
