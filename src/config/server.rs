//! `[server]`: addresses, TLS, limits, and which clients count as inside the company's network.

use std::net::IpAddr;
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
    /// Plain HTTP for probes and metrics; keep it off public networks.
    pub management: Vec<ListenAddress>,
    /// Certificate and key; absent only when a balancer in front ends TLS and forwards plain HTTP.
    pub tls: Option<Tls>,
    /// Clients' TLS ends at a balancer in front (which forwards plain HTTP, or TLS of its own).
    pub tls_ends_in_front: bool,
    /// Peers whose `X-Forwarded-For` and `X-MS-*` headers are believed.
    pub trusted_proxies: Vec<Network>,
    /// Client addresses inside the company's network.
    pub intranet: Vec<Network>,
    /// How a request is found to come from inside or outside.
    pub location: LocationRule,
    /// Sizes, times and counts.
    pub limits: Limits,
    /// How long requests in flight may take to finish after a stop signal, in seconds.
    pub shutdown_grace_seconds: u64,
    /// Structured log.
    pub log: Log,
}

impl Server {
    /// Whether a peer's proxy headers are believed.
    pub fn trusts_proxy(&self, peer: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(peer))
    }

    /// Where a request comes from. `client` is the client's address after trusted proxies were taken off; `via_adfs_proxy`
    /// says that a trusted proxy marked the request with `X-MS-Proxy` (ws-federation.md 11.3).
    pub fn location_of(&self, client: IpAddr, via_adfs_proxy: bool) -> Location {
        match self.location {
            _ if via_adfs_proxy => Location::Extranet,
            LocationRule::Extranet => Location::Extranet,
            LocationRule::Intranet => Location::Intranet,
            LocationRule::Address if self.intranet.iter().any(|network| network.contains(client)) => Location::Intranet,
            LocationRule::Address => Location::Extranet,
        }
    }

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
            intranet: Vec::new(),
            location: LocationRule::Address,
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

/// How a request is found to come from inside or outside the company's network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LocationRule {
    /// By the client's address and `intranet`; an AD FS proxy always means outside.
    #[default]
    Address,
    /// Every request that did not pass an AD FS proxy is from inside (what AD FS itself assumes).
    Intranet,
    /// Every request is from outside.
    Extranet,
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Location {
    /// Inside the company's network: Windows sign-in is offered.
    Intranet,
    /// Anywhere else.
    Extranet,
}

/// `[server.limits]`.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Octets of all request headers together; Kerberos tickets of members of many groups need 64 KiB.
    pub header_bytes: usize,
    /// Octets of a request body.
    pub body_bytes: usize,
    /// Depth of elements in XML.
    pub xml_depth: usize,
    /// Seconds a client may take to send its request headers.
    pub header_seconds: u64,
    /// Seconds a whole request may take.
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
#[derive(Debug, Clone, serde::Deserialize)]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxied_request_is_never_inside() {
        let inside: IpAddr = "10.1.1.1".parse().unwrap();
        let outside: IpAddr = "198.51.100.1".parse().unwrap();
        let intranet = vec!["10.0.0.0/8".parse().unwrap()];
        let server = |location| Server { intranet: intranet.clone(), location, ..Server::default() };
        for (rule, client, via_proxy, expected) in [
            (LocationRule::Address, inside, false, Location::Intranet),
            (LocationRule::Address, inside, true, Location::Extranet),
            (LocationRule::Address, outside, false, Location::Extranet),
            (LocationRule::Intranet, outside, false, Location::Intranet),
            (LocationRule::Intranet, outside, true, Location::Extranet),
            (LocationRule::Extranet, inside, false, Location::Extranet),
        ] {
            assert_eq!(server(rule).location_of(client, via_proxy), expected, "{rule:?} {client} {via_proxy}");
        }
    }
}
