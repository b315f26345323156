//! Where a request comes from: the client's address behind proxies, and inside or outside the corporate network.
//!
//! Pure functions over addresses and header texts. Knows no HTTP types and reads nothing from the network. Every doubt ends
//! at [`NetworkLocation::Extranet`] and at an address that a trusted hop vouches for: lockout, banned addresses, Integrated
//! Windows Authentication and `insidecorporatenetwork` all stand on this answer (ws-federation.md 11.1 to 11.3;
//! CVE-2019-0975, CVE-2019-1126 and CVE-2024-47070 are what happens when a client can choose it).

use std::net::{IpAddr, SocketAddr};

use ipnet::{IpNet, Ipv4Net};

/// Inside or outside the corporate network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkLocation {
    /// The client's address lies in a configured intranet network and no AD FS proxy was involved.
    Intranet,
    /// Everything else, and everything that is in doubt.
    Extranet,
}

impl NetworkLocation {
    /// As AD FS writes it in audit events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intranet => "Intranet",
            Self::Extranet => "Extranet",
        }
    }
}

/// Where a request comes from, as far as somebody trusted says so.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RequestOrigin {
    /// The other end of the TCP connection; IPv4-mapped IPv6 is written as IPv4.
    pub peer: IpAddr,
    /// The client: the first address, seen from here, that is no trusted proxy. When a trusted proxy does not say for whom it
    /// speaks, that proxy's own address.
    pub client_ip: IpAddr,
    /// Addresses that headers name beyond the hops that are vouched for, nearest first: claims and hints, spoofable by the
    /// client, and empty unless the peer is a trusted proxy. They may make a request less trusted, never more.
    pub forwarded_for: Vec<IpAddr>,
    /// Host name of the AD FS proxy (`X-MS-Proxy`), when a trusted proxy sent one.
    pub proxy: Option<String>,
    /// Inside or outside.
    pub location: NetworkLocation,
    /// A peer that is no trusted proxy sent proxy headers. They were ignored; an operator who sees this often has a balancer
    /// that is missing from the configuration.
    pub ignored_headers: bool,
}

impl RequestOrigin {
    /// Every address that the request presents, the client's first: what has to be familiar, and what may be banned.
    pub fn presented(&self) -> impl Iterator<Item = IpAddr> + '_ {
        std::iter::once(self.client_ip).chain(self.forwarded_for.iter().copied())
    }

    /// Whether the request comes from outside.
    pub fn is_extranet(&self) -> bool {
        self.location == NetworkLocation::Extranet
    }
}

/// The forwarding headers of one request: the values in the order in which the header lines came.
#[derive(Debug, Clone, Copy, Default)]
pub struct ForwardingHeaders<'a> {
    /// `X-Forwarded-For`, one item for each header line.
    pub x_forwarded_for: &'a [&'a str],
    /// `X-MS-Proxy`, one item for each header line; presence alone means "through an AD FS proxy".
    pub x_ms_proxy: &'a [&'a str],
    /// `X-MS-Forwarded-Client-IP`, one item for each header line.
    pub x_ms_forwarded_client_ip: &'a [&'a str],
    /// `X-MS-ADFS-Proxy-Client-IP` (2016 and later): the TCP peer of the AD FS proxy.
    pub x_ms_adfs_proxy_client_ip: &'a [&'a str],
}

impl ForwardingHeaders<'_> {
    fn is_empty(&self) -> bool {
        self.x_forwarded_for.is_empty()
            && self.x_ms_proxy.is_empty()
            && self.x_ms_forwarded_client_ip.is_empty()
            && self.x_ms_adfs_proxy_client_ip.is_empty()
    }
}

/// Which networks are trusted to speak for clients, and which are inside.
#[derive(Debug, Clone, Default)]
pub struct NetworkPolicy {
    balancers: Vec<IpNet>,
    federation_proxies: Vec<IpNet>,
    intranet: Vec<IpNet>,
}

impl NetworkPolicy {
    /// A policy of three lists.
    ///
    /// - `balancers`: HTTP proxies that append the address of their peer to `X-Forwarded-For`. A balancer that passes TLS
    ///   through adds no header and does not belong here: its requests could never be told inside from outside.
    /// - `federation_proxies`: Web Application Proxies and their kind. What comes through one is always from the extranet.
    /// - `intranet`: networks whose clients are inside.
    ///
    /// IPv4-mapped IPv6 networks are read as the IPv4 networks they mean. Empty lists trust nobody and put everybody outside.
    pub fn new(
        balancers: impl IntoIterator<Item = IpNet>,
        federation_proxies: impl IntoIterator<Item = IpNet>,
        intranet: impl IntoIterator<Item = IpNet>,
    ) -> Self {
        let canonical = |nets: &mut dyn Iterator<Item = IpNet>| nets.map(canonical_net).collect();
        Self {
            balancers: canonical(&mut balancers.into_iter()),
            federation_proxies: canonical(&mut federation_proxies.into_iter()),
            intranet: canonical(&mut intranet.into_iter()),
        }
    }

    /// Decides where a request comes from.
    ///
    /// `X-Forwarded-For` is read from the right, over trusted hops only: what a client wrote itself stands to the left of what
    /// the first trusted proxy appended, and is never reached. An entry that is no address ends the walk.
    pub fn origin(&self, peer: IpAddr, headers: &ForwardingHeaders<'_>) -> RequestOrigin {
        let peer = peer.to_canonical();
        if !self.is_proxy(peer) {
            return RequestOrigin {
                peer,
                client_ip: peer,
                forwarded_for: Vec::new(),
                proxy: None,
                location: self.locate(peer),
                ignored_headers: !headers.is_empty(),
            };
        }
        let walk = self.walk(peer, headers);
        let behind_federation_proxy = walk.federation_proxy || !headers.x_ms_proxy.is_empty();
        let location = match walk.client {
            Some(client) if !behind_federation_proxy => self.locate(client),
            _ => NetworkLocation::Extranet,
        };
        RequestOrigin {
            peer,
            client_ip: walk.client.unwrap_or(walk.last_hop),
            forwarded_for: walk.hints,
            proxy: headers.x_ms_proxy.iter().find_map(|name| proxy_name(name)),
            location,
            ignored_headers: false,
        }
    }

    /// Follows the chain of trusted hops from the peer outwards.
    fn walk(&self, peer: IpAddr, headers: &ForwardingHeaders<'_>) -> Walk {
        let mut entries = reversed_entries(headers.x_forwarded_for);
        let mut hop = peer;
        let mut federation_proxy = false;
        let mut client = None;
        for _ in 0..MAX_TRUSTED_HOPS {
            let next = if contains(&self.federation_proxies, hop) {
                federation_proxy = true;
                // An AD FS proxy names its own peer in its own headers; only without them is X-Forwarded-For its word.
                self.named_by_federation_proxy(headers).unwrap_or_else(|| entries.next().and_then(parse_address))
            } else {
                entries.next().and_then(parse_address)
            };
            let Some(next) = next else { break };
            if !self.is_proxy(next) {
                client = Some(next);
                break;
            }
            // A proxy may name itself for ever; the number of hops ends that.
            hop = next;
        }
        let mut hints: Vec<IpAddr> = Vec::new();
        let more_entries = federation_proxy
            .then(|| reversed_entries(headers.x_ms_forwarded_client_ip))
            .into_iter()
            .flatten()
            .chain(entries)
            .take(MAX_HINTS);
        for hint in more_entries.filter_map(parse_address) {
            if Some(hint) != client && !hints.contains(&hint) && !self.is_proxy(hint) {
                hints.push(hint);
            }
        }
        Walk { client, last_hop: hop, hints, federation_proxy }
    }

    /// The peer that an AD FS proxy reports: `Some(None)` when it sent a header that names nobody.
    #[expect(clippy::option_option, reason = "no header, and a header without an address, lead different ways")]
    #[expect(clippy::unused_self, reason = "reads as a question to the policy beside the other hops")]
    fn named_by_federation_proxy(&self, headers: &ForwardingHeaders<'_>) -> Option<Option<IpAddr>> {
        [headers.x_ms_adfs_proxy_client_ip, headers.x_ms_forwarded_client_ip]
            .into_iter()
            .find(|lines| !lines.is_empty())
            .map(|lines| reversed_entries(lines).next().and_then(parse_address))
    }

    fn is_proxy(&self, address: IpAddr) -> bool {
        contains(&self.balancers, address) || contains(&self.federation_proxies, address)
    }

    fn locate(&self, client: IpAddr) -> NetworkLocation {
        if contains(&self.intranet, client) { NetworkLocation::Intranet } else { NetworkLocation::Extranet }
    }
}

/// Whether `address` lies in one of `nets`; IPv4-mapped IPv6 counts as IPv4.
pub fn contains(nets: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    nets.iter().any(|net| net.contains(&address))
}

/// The network, as IPv4 when it is written as IPv4-mapped IPv6.
pub fn canonical_net(net: IpNet) -> IpNet {
    const MAPPED_PREFIX: u8 = 96;
    if let IpNet::V6(v6) = net
        && v6.prefix_len() >= MAPPED_PREFIX
        && let Some(v4) = v6.network().to_ipv4_mapped()
        && let Ok(v4) = Ipv4Net::new(v4, v6.prefix_len() - MAPPED_PREFIX)
    {
        return IpNet::V4(v4);
    }
    net.trunc()
}

struct Walk {
    client: Option<IpAddr>,
    last_hop: IpAddr,
    hints: Vec<IpAddr>,
    federation_proxy: bool,
}

/// The comma-separated entries of all header lines, last first.
fn reversed_entries<'a>(lines: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    lines.iter().rev().flat_map(|line| line.rsplit(',')).map(str::trim)
}

/// One entry: an address, or an address with a port as some balancers write it. A zone identifier is refused.
fn parse_address(entry: &str) -> Option<IpAddr> {
    const LONGEST: usize = 64;
    if entry.len() > LONGEST {
        return None;
    }
    let unbracketed = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = match unbracketed {
        Some(v6) => v6.parse().ok().filter(IpAddr::is_ipv6),
        None => entry.parse().ok().or_else(|| entry.parse().ok().and_then(address_without_zone)),
    };
    address.map(|a: IpAddr| a.to_canonical()).filter(|a| !a.is_unspecified() && !a.is_multicast())
}

fn address_without_zone(address: SocketAddr) -> Option<IpAddr> {
    match address {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => None,
        other => Some(other.ip()),
    }
}

/// The header's value when it looks like a host name; it ends up in a claim and in the audit log.
fn proxy_name(value: &str) -> Option<String> {
    let value = value.trim();
    let fits = !value.is_empty() && value.len() <= 255;
    let is_host = value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':'));
    (fits && is_host).then(|| value.to_owned())
}

/// More trusted proxies in a row than any network has.
const MAX_TRUSTED_HOPS: usize = 16;

/// Header entries looked at beyond the client.
const MAX_HINTS: usize = 20;

/// To whom something is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// To nobody.
    Nobody,
    /// To people inside.
    Intranet,
    /// To people outside.
    Extranet,
    /// To everybody.
    Everybody,
}

impl Audience {
    /// Whether it is offered to a request from there.
    pub fn is_offered(self, location: NetworkLocation) -> bool {
        match self {
            Self::Nobody => false,
            Self::Intranet => location == NetworkLocation::Intranet,
            Self::Extranet => location == NetworkLocation::Extranet,
            Self::Everybody => true,
        }
    }
}

#[cfg(test)]
mod tests;
