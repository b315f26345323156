//! `[server]`: addresses, TLS, limits, and which clients count as inside the company's network.

use std::path::PathBuf;
use std::time::Duration;

use super::names::{ListenAddress, Network};

/// Listeners and everything decided before a request is understood.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// HTTPS for clients; AD FS' `HttpsPort`.
    pub https: Vec<ListenAddress>,
    /// Plain HTTP: `/adfs/probe` for balancers, nothing else; AD FS' `HttpPort`.
    pub http: Vec<ListenAddress>,
    /// HTTPS that asks for client certificates; AD FS' `TlsClientPort`.
    pub client_certificate: Vec<ListenAddress>,
    /// Plain HTTP for probes; keep it off public networks.
    pub management: Vec<ListenAddress>,
    /// Certificate and key; absent only when a balancer in front ends TLS and forwards plain HTTP.
    pub tls: Option<Tls>,
    /// Clients' TLS ends at a balancer in front (which forwards plain HTTP, or TLS of its own).
    pub tls_ends_in_front: bool,
    /// HTTP balancers whose `X-Forwarded-For` is believed. One that passes TLS through adds no header and does not belong here.
    pub trusted_proxies: Vec<Network>,
    /// Web Application Proxies and their kind: their `X-MS-*` headers are believed, and what they forward is from outside.
    pub federation_proxies: Vec<Network>,
    /// Networks whose clients are inside; every other client is outside.
    pub intranet: Vec<Network>,
    /// Sizes, times and counts.
    pub limits: Limits,
    /// How long requests in flight may take to finish after a stop signal, in seconds.
    pub shutdown_grace_seconds: u64,
    /// Structured log.
    pub log: Log,
}

impl Server {
    /// How long requests in flight may take to finish after a stop signal.
    pub const fn shutdown_grace(&self) -> Duration {
        Duration::from_secs(self.shutdown_grace_seconds)
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            https: vec![ListenAddress::any(443)],
            http: vec![ListenAddress::any(80)],
            client_certificate: vec![ListenAddress::any(49443)],
            management: vec![ListenAddress(std::net::SocketAddr::from(([127, 0, 0, 1], 9080)))],
            tls: None,
            tls_ends_in_front: false,
            trusted_proxies: Vec::new(),
            federation_proxies: Vec::new(),
            intranet: Vec::new(),
            limits: Limits::default(),
            shutdown_grace_seconds: 30,
            log: Log::default(),
        }
    }
}

/// `[server.tls]`: the service communications certificate.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM file: the certificate, then its intermediates.
    pub certificate_file: PathBuf,
    /// PEM file with the unencrypted private key.
    pub key_file: PathBuf,
    /// Which protocol versions and cipher suites are offered.
    #[serde(default)]
    pub profile: TlsProfile,
    /// Offer `h2`. Negotiate is not defined on HTTP/2, so Windows sign-in clients fall back or fail where this is on.
    #[serde(default)]
    pub http2: bool,
}

/// Protocol versions and cipher suites.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsProfile {
    /// TLS 1.2 and 1.3 with forward secrecy and authenticated encryption only.
    #[default]
    Modern,
    /// As `modern`, with the ECDHE-RSA AES-CBC suites that Windows 7 to Server 2012 R2 need.
    Downlevel,
}

/// `[server.limits]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Octets of all request headers together; Kerberos tickets of members of many groups need 64 KiB.
    pub header_bytes: usize,
    /// Octets of a request body.
    pub body_bytes: usize,
    /// Depth of elements in XML.
    pub xml_depth: usize,
    /// Seconds a client may take to send the header of a request; of a later one on the same connection, twice these and
    /// `keep_alive_seconds` together.
    pub header_seconds: u64,
    /// Seconds a client may take to send the body of a request.
    pub request_seconds: u64,
    /// Seconds an idle connection is kept.
    pub keep_alive_seconds: u64,
    /// Connections open at once, per worker thread.
    pub connections_per_worker: usize,
    /// Worker threads; 0 means one per processor.
    pub workers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes: 64 * 1024,
            body_bytes: 1024 * 1024,
            xml_depth: 64,
            header_seconds: 10,
            request_seconds: 30,
            keep_alive_seconds: 75,
            connections_per_worker: 25_000,
            workers: 0,
        }
    }
}

/// `[server.log]`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// One JSON object or one line of text per event.
    pub format: LogFormat,
    /// Filter in the syntax of `tracing`: `info`, `warn,chancery::directory=debug`.
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Json, level: String::from("info") }
    }
}

/// Form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// Lines for people.
    Text,
}
