//! Names that configuration states and everything else compares: host names, realms, NetBIOS names, addresses.
//!
//! Each is checked and brought to one form when it is read, so that comparing them later is comparing octets. Knows nothing
//! of files or of what a name is used for.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

use ipnet::IpNet;

/// A DNS name in lower case without a trailing dot: a host (`sts.corp.example`) or a domain (`corp.example`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DnsName(Arc<str>);

impl DnsName {
    /// The name in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this name equals `domain` or lies below it: `emea.brand.example` is within `brand.example`.
    pub fn is_within(&self, domain: &Self) -> bool {
        self.0.strip_suffix(&*domain.0).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

impl FromStr for DnsName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.parse::<IpAddr>().is_ok() {
            return Err(NameError::AddressNotName(text.to_owned()));
        }
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if name.len() > 253 || !name.split('.').all(is_label) {
            return Err(NameError::Dns(text.to_owned()));
        }
        Ok(Self(name.to_ascii_lowercase().into()))
    }
}

/// A Kerberos realm of Active Directory, in upper case: `CORP.EXAMPLE`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Realm(Arc<str>);

impl Realm {
    /// The realm in upper case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The DNS name of the domain, which in Active Directory is the realm in lower case.
    pub fn dns_name(&self) -> DnsName {
        DnsName(self.0.to_ascii_lowercase().into())
    }
}

impl FromStr for Realm {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let name = DnsName::from_str(text).map_err(|_| NameError::Realm(text.to_owned()))?;
        Ok(Self(name.as_str().to_ascii_uppercase().into()))
    }
}

/// The NetBIOS name of a domain, in upper case: `CORP`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetbiosName(Arc<str>);

impl NetbiosName {
    /// The name in upper case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NetbiosName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        const FORBIDDEN: &[char] = &['\\', '/', ':', '*', '?', '"', '<', '>', '|', '.', '@', ' '];
        let good =
            (1..=15).contains(&text.chars().count()) && !text.chars().any(|c| c.is_control() || FORBIDDEN.contains(&c));
        if good { Ok(Self(text.to_uppercase().into())) } else { Err(NameError::Netbios(text.to_owned())) }
    }
}

/// A Kerberos service principal of this server, with or without its realm: `HTTP/sts.corp.example@CORP.EXAMPLE`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServicePrincipal(Arc<str>);

impl ServicePrincipal {
    /// `HTTP/<host>`, the principal that browsers and Windows ask tickets for.
    pub fn http(host: &DnsName) -> Self {
        Self(format!("HTTP/{host}").into())
    }

    /// The principal as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The principal without its realm: `HTTP/sts.corp.example`.
    pub fn name(&self) -> &str {
        self.0.split_once('@').map_or(&*self.0, |(name, _)| name)
    }

    /// The realm, when one is written.
    pub fn realm(&self) -> Option<&str> {
        self.0.split_once('@').map(|(_, realm)| realm)
    }
}

impl FromStr for ServicePrincipal {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (name, realm) = match text.split_once('@') {
            Some((name, realm)) => (name, Some(realm)),
            None => (text, None),
        };
        let good = name.split_once('/').is_some_and(|(service, host)| {
            !service.is_empty() && service.bytes().all(|b| b.is_ascii_alphanumeric()) && DnsName::from_str(host).is_ok()
        });
        if good && realm.is_none_or(|realm| Realm::from_str(realm).is_ok()) {
            Ok(Self(text.into()))
        } else {
            Err(NameError::ServicePrincipal(text.to_owned()))
        }
    }
}

/// An address range: `10.0.0.0/8`, `2001:db8::/32`, or a single address. Host bits beyond the prefix are cleared.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    net: IpNet,
    /// The text had host bits set (`10.1.2.3/8`), which is more often a slip than meant.
    sloppy: bool,
}

impl Network {
    /// Whether `address` lies in the range. An IPv4 address mapped into IPv6 counts as the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.net.contains(&address.to_canonical())
    }

    /// Whether the range holds every loopback address or some of them.
    pub fn is_loopback(&self) -> bool {
        self.net.network().is_loopback()
    }

    /// Whether the range is all of IPv4 or IPv6.
    pub fn is_everything(&self) -> bool {
        self.net.prefix_len() == 0
    }

    /// Whether the text had bits set beyond its prefix.
    pub const fn had_host_bits(&self) -> bool {
        self.sloppy
    }

    /// The range itself.
    pub const fn as_ip_net(&self) -> IpNet {
        self.net
    }
}

impl FromStr for Network {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let net = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address),
            Err(_) => text.parse().map_err(|_| NameError::Network(text.to_owned()))?,
        };
        // ::ffff:10.0.0.0/104 and 10.0.0.0/8 are the same range; compare in one form only.
        let mapped = match net {
            IpNet::V6(v6) if v6.prefix_len() >= 96 => v6.network().to_ipv4_mapped().map(|a| (a, v6.prefix_len() - 96)),
            _ => None,
        };
        let net = match mapped {
            Some((address, prefix)) => {
                IpNet::new(address.into(), prefix).map_err(|_| NameError::Network(text.to_owned()))?
            }
            None => net,
        };
        Ok(Self { net: net.trunc(), sloppy: net.trunc() != net })
    }
}

/// A socket address to listen on: `0.0.0.0:443`, `[::]:443`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenAddress(pub std::net::SocketAddr);

impl ListenAddress {
    /// All IPv4 addresses of the host at `port`.
    pub const fn any(port: u16) -> Self {
        Self(std::net::SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), port))
    }

    /// Whether the address means "every address of this host".
    pub fn is_unspecified(&self) -> bool {
        self.0.ip().is_unspecified() || self.0.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED)
    }
}

impl FromStr for ListenAddress {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        text.parse().map(Self).map_err(|_| NameError::Listen(text.to_owned()))
    }
}

/// Why text is not the name it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Not a DNS name.
    #[error("`{0}` is no DNS name: expected a name like `sts.corp.example`, without scheme, port or path")]
    Dns(String),
    /// An IP address where clients need a name.
    #[error("`{0}` is an IP address: Kerberos and certificates need a DNS name like `sts.corp.example`")]
    AddressNotName(String),
    /// Not a realm.
    #[error("`{0}` is no Kerberos realm: expected the domain's DNS name, like `CORP.EXAMPLE`")]
    Realm(String),
    /// Not a NetBIOS name.
    #[error("`{0}` is no NetBIOS domain name: expected 1 to 15 characters without dots, like `CORP`")]
    Netbios(String),
    /// Not a service principal.
    #[error("`{0}` is no service principal: expected a name like `HTTP/sts.corp.example`, with or without `@REALM`")]
    ServicePrincipal(String),
    /// Not an address range.
    #[error("`{0}` is no address range: expected a form like `10.0.0.0/8`, `2001:db8::/32` or one address")]
    Network(String),
    /// Not a socket address.
    #[error("`{0}` is no address to listen on: expected an IP address and a port, like `0.0.0.0:443` or `[::]:443`")]
    Listen(String),
}

/// `Display`, `Debug` and `Serialize` by the text; `Deserialize` through `FromStr`.
macro_rules! text_form {
    ($($name:ident => $text:expr),+ $(,)?) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let text: fn(&Self, &mut fmt::Formatter<'_>) -> fmt::Result = $text;
                text(self, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                std::borrow::Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

text_form! {
    DnsName => |name, f| f.write_str(&name.0),
    Realm => |realm, f| f.write_str(&realm.0),
    NetbiosName => |name, f| f.write_str(&name.0),
    ServicePrincipal => |principal, f| f.write_str(&principal.0),
    Network => |network, f| fmt::Display::fmt(&network.net, f),
    ListenAddress => |address, f| fmt::Display::fmt(&address.0, f),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_brought_to_one_form() {
        assert_eq!("STS.Corp.Example.".parse::<DnsName>().unwrap().as_str(), "sts.corp.example");
        assert_eq!("corp.example".parse::<Realm>().unwrap().as_str(), "CORP.EXAMPLE");
        assert_eq!("corp".parse::<NetbiosName>().unwrap().as_str(), "CORP");
    }

    #[test]
    fn a_domain_is_within_itself_and_its_parents_only() {
        let name = |text: &str| text.parse::<DnsName>().unwrap();
        assert!(name("emea.brand.example").is_within(&name("brand.example")));
        assert!(name("brand.example").is_within(&name("brand.example")));
        assert!(!name("otherbrand.example").is_within(&name("brand.example")));
        assert!(!name("example").is_within(&name("brand.example")));
    }

    #[test]
    fn wrong_names_are_refused() {
        for text in ["", ".", "a..b", "-a.b", "https://sts.corp.example", "sts.corp.example:443", "a b", "10.0.0.1"] {
            assert!(text.parse::<DnsName>().is_err(), "{text}");
        }
        for text in ["", "CORP.EXAMPLE", "SIXTEENCHARACTER", "CO\\RP"] {
            assert!(text.parse::<NetbiosName>().is_err(), "{text}");
        }
        for text in ["sts.corp.example", "HTTP/", "/sts", "HTTP/a b", "HTTP/sts@"] {
            assert!(text.parse::<ServicePrincipal>().is_err(), "{text}");
        }
        for text in ["10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "corp.example"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }

    #[test]
    fn ranges_compare_mapped_addresses_as_ipv4() {
        let net: Network = "10.1.2.3/8".parse().unwrap();
        assert!(net.had_host_bits());
        assert_eq!(net.to_string(), "10.0.0.0/8");
        assert!(net.contains("10.200.0.1".parse().unwrap()));
        assert!(net.contains("::ffff:10.200.0.1".parse().unwrap()));
        assert!(!net.contains("11.0.0.1".parse().unwrap()));
        assert_eq!("::ffff:10.0.0.0/104".parse::<Network>().unwrap(), "10.0.0.0/8".parse().unwrap());
        assert!(!"192.0.2.7".parse::<Network>().unwrap().had_host_bits());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _ = text.parse::<DnsName>();
            let _ = text.parse::<NetbiosName>();
            let _ = text.parse::<ServicePrincipal>();
            let _ = text.parse::<Network>();
        }
    }
}
