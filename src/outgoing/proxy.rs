//! The way to a partner: straight, or through a proxy by `CONNECT` (RFC 9110 9.3.6). What goes through the tunnel is TLS with the
//! partner itself: the proxy sees its name and no more.

use std::io;
use std::path::Path;
use std::sync::Arc;

use actix_tls::connect::{ConnectError, ConnectInfo, Connection};
use actix_web::http::Uri;
use actix_web::rt::net::TcpStream;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use zeroize::Zeroizing;

use super::OutgoingError;
use crate::config::Partners;
use crate::config::load::{MAX_CONFIGURATION_FILE, read_bounded};
use crate::secret::Secret;

/// A proxy, and who is reached without it.
pub(super) struct Proxy {
    host: String,
    port: u16,
    /// What stands in `Proxy-Authorization`.
    authorization: Option<Secret<String>>,
    /// Names that are reached without it, with those below them; in small letters.
    except: Vec<String>,
}

impl Proxy {
    /// The proxy of the configuration, where it has one.
    pub(super) fn of(partners: &Partners) -> Result<Option<Self>, OutgoingError> {
        let Some((host, port)) = partners.proxy_address() else { return Ok(None) };
        let authorization = partners.proxy_credentials_file.as_deref().map(authorization).transpose()?;
        let except = partners.no_proxy.iter().map(|name| name.trim_start_matches('.').to_ascii_lowercase()).collect();
        Ok(Some(Self { host, port, authorization, except }))
    }

    fn leads_to(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        !self.except.iter().any(|name| {
            host.strip_suffix(name.as_str()).is_some_and(|before| before.is_empty() || before.ends_with('.'))
        })
    }

    fn request(&self, target: &str) -> Zeroizing<String> {
        let authorization =
            self.authorization.as_ref().map(|value| format!("Proxy-Authorization: {}\r\n", value.expose()));
        let authorization = Zeroizing::new(authorization.unwrap_or_default());
        Zeroizing::new(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{}\r\n", *authorization))
    }
}

fn authorization(file: &Path) -> Result<Secret<String>, OutgoingError> {
    let refused = |reason: String| OutgoingError::Proxy(format!("{}: {reason}", file.display()));
    let octets = read_bounded(file, MAX_CONFIGURATION_FILE).map_err(|error| refused(error.to_string()))?;
    let octets = Secret::new(octets);
    let line = octets.expose().split(|octet| *octet == b'\n' || *octet == b'\r').next().unwrap_or_default();
    if !line.contains(&b':') {
        return Err(refused(String::from("it does not hold `user:password`")));
    }
    Ok(Secret::new(format!("Basic {}", *Zeroizing::new(STANDARD.encode(line)))))
}

/// A connection to whom the address names.
pub(super) async fn connect(
    proxy: Option<Arc<Proxy>>,
    target: ConnectInfo<Uri>,
) -> Result<Connection<Uri, TcpStream>, ConnectError> {
    let (host, port) = (target.hostname().to_owned(), target.port());
    let stream = match proxy.filter(|proxy| proxy.leads_to(&host)) {
        None => TcpStream::connect((host.trim_matches(['[', ']']), port)).await,
        Some(proxy) => tunnel(&proxy, &format!("{host}:{port}")).await,
    };
    Ok(Connection::new(target.request().clone(), stream.map_err(ConnectError::Io)?))
}

async fn tunnel(proxy: &Proxy, target: &str) -> io::Result<TcpStream> {
    let failed = |what: &str| io::Error::other(format!("the proxy {}:{} {what}", proxy.host, proxy.port));
    let stream = TcpStream::connect((proxy.host.trim_matches(['[', ']']), proxy.port)).await;
    let mut stream = stream.map_err(|error| failed(&format!("gave no answer: {error}")))?;
    stream.write_all(proxy.request(target).as_bytes()).await?;
    // Octet by octet: what follows the head belongs to the partner.
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MAX_HEAD {
            return Err(failed("gave an answer without an end"));
        }
        head.push(stream.read_u8().await.map_err(|_| failed("closed the connection"))?);
    }
    match status(&head) {
        Some(200..=299) => Ok(stream),
        Some(status) => Err(failed(&format!("answers {status}"))),
        None => Err(failed("does not speak HTTP")),
    }
}

/// The status of the first line: `HTTP/1.1 200 …`.
fn status(head: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(head.split(|octet| *octet == b'\r').next()?).ok()?;
    let mut parts = line.split(' ');
    parts.next().filter(|version| version.starts_with("HTTP/1."))?;
    parts.next().filter(|status| status.len() == 3)?.parse().ok()
}

const MAX_HEAD: usize = 8 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(except: &[&str]) -> Proxy {
        let partners = Partners {
            proxy: Some(String::from("http://proxy.corp.example:3128")),
            no_proxy: except.iter().map(ToString::to_string).collect(),
            ..Partners::default()
        };
        Proxy::of(&partners).unwrap().unwrap()
    }

    #[test]
    fn names_and_those_below_them_are_reached_without_it() {
        let proxy = proxy(&["corp.example", ".Partner.Example"]);
        assert_eq!((proxy.host.as_str(), proxy.port), ("proxy.corp.example", 3128));
        for host in ["corp.example", "sts.corp.example", "STS.CORP.EXAMPLE", "idp.partner.example", "partner.example"] {
            assert!(!proxy.leads_to(host), "{host}");
        }
        for host in ["example", "notcorp.example", "corp.example.org", "partner.example.net"] {
            assert!(proxy.leads_to(host), "{host}");
        }
        assert!(self::proxy(&[]).leads_to("corp.example"));
    }

    #[test]
    fn a_tunnel_is_asked_for_by_name_and_port() {
        let mut proxy = proxy(&[]);
        assert_eq!(*proxy.request("op.example:443"), "CONNECT op.example:443 HTTP/1.1\r\nHost: op.example:443\r\n\r\n");
        proxy.authorization = Some(Secret::new(String::from("Basic eA==")));
        assert!(proxy.request("op.example:443").ends_with("\r\nProxy-Authorization: Basic eA==\r\n\r\n"));
    }

    #[test]
    fn only_the_first_line_says_how_it_went() {
        for (head, expected) in [
            ("HTTP/1.1 200 Connection established\r\n\r\n", Some(200)),
            ("HTTP/1.0 407 Proxy Authentication Required\r\nX: HTTP/1.1 200\r\n\r\n", Some(407)),
            ("HTTP/1.1 200\r\n\r\n", Some(200)),
            ("HTTP/2 200\r\n\r\n", None),
            ("SSH-2.0 200\r\n\r\n", None),
            ("HTTP/1.1 20\r\n\r\n", None),
            ("HTTP/1.1 +20 \r\n\r\n", Some(20)),
            ("\r\n\r\n", None),
        ] {
            assert_eq!(status(head.as_bytes()), expected, "{head}");
        }
    }
}
