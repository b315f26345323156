//! Which server is asked, and where it is reached.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};

use actix_web::http::Uri;

use super::failure::Failure;

/// A federation server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Target {
    /// Host name, for TLS, `Host` and the service principal name.
    pub(in crate::cli) host: String,
    /// Port, 443 as a rule.
    pub(in crate::cli) port: u16,
    connect_to: Option<(IpAddr, Option<u16>)>,
    /// Other names of the same server.
    aliases: Vec<String>,
}

impl Target {
    /// A server by host or URL; only scheme, host and port count. `connect_to` is an address with or without a port.
    pub(in crate::cli) fn parse(server: &str, connect_to: Option<&str>) -> Result<Self, Failure> {
        let refuse = |reason: &str| Failure::new(format!("{server:?} is no federation server: {reason}"));
        let with_scheme = if server.contains("://") { server.to_owned() } else { format!("https://{server}") };
        let uri: Uri = with_scheme.parse().map_err(|_| refuse("not a host or URL"))?;
        if uri.scheme_str() != Some("https") {
            return Err(refuse("federation servers are asked by https only"));
        }
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| refuse("it names no host"))?;
        Ok(Self {
            host: host.to_ascii_lowercase(),
            port: uri.port_u16().unwrap_or(443),
            connect_to: connect_to.map(address).transpose()?,
            aliases: Vec::new(),
        })
    }

    /// The same with other names of it: connections to those go where its own go.
    pub(super) fn known_as(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.aliases.extend(names);
        self
    }

    /// Another server, or the same under another name, by a URL of it.
    pub(super) fn sibling(&self, url: &str) -> Result<Self, Failure> {
        let other = Self::parse(url, None)?;
        let connect_to = self.connect_to.filter(|_| self.is_called(&other.host));
        Ok(Self { connect_to, aliases: Vec::new(), ..other })
    }

    fn is_called(&self, host: &str) -> bool {
        host.eq_ignore_ascii_case(&self.host) || self.aliases.iter().any(|name| name.eq_ignore_ascii_case(host))
    }

    /// The server's URL for a path that begins with a slash.
    pub(in crate::cli) fn url(&self, path: &str) -> String {
        match self.port {
            443 => format!("https://{}{path}", self.host),
            port => format!("https://{}:{port}{path}", self.host),
        }
    }

    /// Where a connection to this host goes instead of what its name resolves to.
    pub(in crate::cli) fn redirected(&self, host: &str, port: u16) -> Option<SocketAddr> {
        let (address, other) = self.connect_to?;
        self.is_called(host).then(|| SocketAddr::new(address, other.unwrap_or(port)))
    }

    /// The addresses of the server. Asks the resolver.
    pub(in crate::cli) fn addresses(&self) -> Result<Vec<SocketAddr>, Failure> {
        if let Some(address) = self.redirected(&self.host, self.port) {
            return Ok(vec![address]);
        }
        let unknown = |reason: String| {
            Failure::new(format!("{} does not resolve: {reason}", self.host)).advise(
                "Clients inside the company must resolve the federation service name to the servers (or their balancer). \
                 --connect-to names an address to try without DNS.",
            )
        };
        let found: Vec<_> =
            (self.host.as_str(), self.port).to_socket_addrs().map_err(|error| unknown(error.to_string()))?.collect();
        if found.is_empty() { Err(unknown(String::from("no address"))) } else { Ok(found) }
    }
}

fn address(text: &str) -> Result<(IpAddr, Option<u16>), Failure> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok((address, None));
    }
    let socket: SocketAddr = text
        .parse()
        .map_err(|_| Failure::new(format!("--connect-to {text:?} is no IP address, with or without a port")))?;
    Ok((socket.ip(), Some(socket.port())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_by_host_or_url() {
        for (text, host, port) in [
            ("sts.corp.example", "sts.corp.example", 443),
            ("STS.corp.example:8443", "sts.corp.example", 8443),
            ("https://sts.corp.example/adfs/services/trust/mex", "sts.corp.example", 443),
            ("https://127.0.0.1:9443", "127.0.0.1", 9443),
        ] {
            let target = Target::parse(text, None).unwrap();
            assert_eq!((target.host.as_str(), target.port), (host, port), "{text}");
        }
        for text in ["", "http://sts.corp.example", "https://", "a b", "ldap://x"] {
            assert!(Target::parse(text, None).is_err(), "{text}");
        }
        assert_eq!(Target::parse("a.example:8443", None).unwrap().url("/x"), "https://a.example:8443/x");
        assert_eq!(Target::parse("a.example", None).unwrap().url("/x"), "https://a.example/x");
    }

    #[test]
    fn connections_can_go_elsewhere() {
        for (text, expected) in [
            ("10.0.0.1", "10.0.0.1:443"),
            ("10.0.0.1:8443", "10.0.0.1:8443"),
            ("::1", "[::1]:443"),
            ("[::1]", "[::1]:443"),
            ("[::1]:8443", "[::1]:8443"),
        ] {
            let target = Target::parse("sts.corp.example", Some(text)).unwrap();
            assert_eq!(target.redirected("STS.corp.example", 443), Some(expected.parse().unwrap()), "{text}");
            assert_eq!(target.redirected("other.example", 443), None);
            assert_eq!(target.addresses().unwrap(), [expected.parse().unwrap()]);
        }
        assert!(Target::parse("sts.corp.example", Some("node1")).is_err());
        let known = Target::parse("a.example", Some("10.0.0.1")).unwrap().known_as([String::from("b.example")]);
        assert_eq!(known.redirected("B.example", 443), Some("10.0.0.1:443".parse().unwrap()));
        let sibling = known.sibling("https://b.example/adfs/oauth2/token").unwrap();
        assert_eq!(sibling.addresses().unwrap(), ["10.0.0.1:443".parse().unwrap()]);
        assert_eq!(known.sibling("https://c.example/").unwrap().redirected("c.example", 443), None);
    }
}
