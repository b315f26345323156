//! Origins behind every kind of hop, told and lied about.

use proptest::prelude::*;

use super::NetworkLocation::{Extranet, Intranet};
use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn policy() -> NetworkPolicy {
    let nets = |list: &[&str]| list.iter().map(|n| n.parse().unwrap()).collect::<Vec<IpNet>>();
    NetworkPolicy::new(
        nets(&["10.0.9.0/24", "fd00:9::/64"]),
        nets(&["192.0.2.10/32", "::ffff:192.0.2.11/128"]),
        nets(&["10.0.0.0/8", "fd00::/16"]),
    )
}

struct Case {
    name: &'static str,
    peer: &'static str,
    xff: &'static [&'static str],
    proxy: &'static [&'static str],
    fwd: &'static [&'static str],
    client: &'static str,
    location: NetworkLocation,
    hints: &'static [&'static str],
}

const PLAIN: Case =
    Case { name: "", peer: "", xff: &[], proxy: &[], fwd: &[], client: "", location: Extranet, hints: &[] };

const CASES: &[Case] = &[
    Case { name: "direct, inside", peer: "10.1.1.1", client: "10.1.1.1", location: Intranet, ..PLAIN },
    Case { name: "direct, outside", peer: "203.0.113.5", client: "203.0.113.5", ..PLAIN },
    Case { name: "mapped peer", peer: "::ffff:10.1.1.1", client: "10.1.1.1", location: Intranet, ..PLAIN },
    Case {
        name: "spoofed headers from an untrusted peer",
        peer: "203.0.113.5",
        xff: &["10.1.1.1"],
        fwd: &["10.1.1.2"],
        client: "203.0.113.5",
        ..PLAIN
    },
    Case {
        name: "an untrusted peer cannot pose as a proxy either",
        peer: "10.1.1.1",
        proxy: &["wap1"],
        client: "10.1.1.1",
        location: Intranet,
        ..PLAIN
    },
    Case {
        name: "balancer, inside client",
        peer: "10.0.9.1",
        xff: &["10.1.1.1"],
        client: "10.1.1.1",
        location: Intranet,
        ..PLAIN
    },
    Case {
        name: "balancer, client wrote an inside address itself",
        peer: "10.0.9.1",
        xff: &["10.1.1.1, 203.0.113.5"],
        client: "203.0.113.5",
        hints: &["10.1.1.1"],
        ..PLAIN
    },
    Case {
        name: "the same in its own header line",
        peer: "10.0.9.1",
        xff: &["10.1.1.1", "203.0.113.5"],
        client: "203.0.113.5",
        hints: &["10.1.1.1"],
        ..PLAIN
    },
    Case { name: "two balancers", peer: "10.0.9.1", xff: &["198.51.100.7, 10.0.9.2"], client: "198.51.100.7", ..PLAIN },
    Case {
        name: "balancer in IPv6, client with port",
        peer: "fd00:9::1",
        xff: &["[fd00:1::5]:4711"],
        client: "fd00:1::5",
        location: Intranet,
        ..PLAIN
    },
    Case { name: "balancer says nothing", peer: "10.0.9.1", client: "10.0.9.1", ..PLAIN },
    Case {
        name: "no address ends the walk",
        peer: "10.0.9.1",
        xff: &["10.1.1.1, unknown"],
        client: "10.0.9.1",
        hints: &["10.1.1.1"],
        ..PLAIN
    },
    Case {
        name: "empty entry ends the walk",
        peer: "10.0.9.1",
        xff: &["10.1.1.1,"],
        client: "10.0.9.1",
        hints: &["10.1.1.1"],
        ..PLAIN
    },
    Case { name: "only proxies", peer: "10.0.9.1", xff: &["10.0.9.2"], client: "10.0.9.2", ..PLAIN },
    Case {
        name: "X-MS-Proxy from a trusted balancer puts an inside address outside",
        peer: "10.0.9.1",
        xff: &["10.1.1.1"],
        proxy: &["wap1.corp.example"],
        client: "10.1.1.1",
        ..PLAIN
    },
    Case {
        name: "X-MS-Forwarded-Client-IP from a mere balancer is not believed",
        peer: "10.0.9.1",
        xff: &["203.0.113.5"],
        fwd: &["10.1.1.1"],
        client: "203.0.113.5",
        ..PLAIN
    },
    Case {
        name: "nor when the balancer adds nothing itself",
        peer: "10.0.9.1",
        fwd: &["10.1.1.1"],
        client: "10.0.9.1",
        ..PLAIN
    },
    Case {
        name: "federation proxy is outside even for an inside client",
        peer: "192.0.2.10",
        proxy: &["wap1"],
        fwd: &["10.1.1.1"],
        client: "10.1.1.1",
        ..PLAIN
    },
    Case {
        name: "federation proxy without X-MS-Proxy",
        peer: "192.0.2.11",
        xff: &["10.1.1.1"],
        client: "10.1.1.1",
        ..PLAIN
    },
    Case {
        name: "the proxy's own entry is the last one",
        peer: "192.0.2.10",
        proxy: &["wap1"],
        fwd: &["10.1.1.1, 203.0.113.5"],
        client: "203.0.113.5",
        hints: &["10.1.1.1"],
        ..PLAIN
    },
    Case {
        name: "federation proxy behind a balancer",
        peer: "10.0.9.1",
        xff: &["192.0.2.10"],
        proxy: &["wap1"],
        fwd: &["203.0.113.5"],
        client: "203.0.113.5",
        ..PLAIN
    },
    Case {
        name: "federation proxy that names itself",
        peer: "192.0.2.10",
        fwd: &["192.0.2.10"],
        client: "192.0.2.10",
        ..PLAIN
    },
];

#[test]
fn decides_by_trusted_hops_only() {
    for case in CASES {
        let headers = ForwardingHeaders {
            x_forwarded_for: case.xff,
            x_ms_proxy: case.proxy,
            x_ms_forwarded_client_ip: case.fwd,
            x_ms_adfs_proxy_client_ip: &[],
        };
        let origin = policy().origin(ip(case.peer), &headers);
        assert_eq!(origin.client_ip, ip(case.client), "{}", case.name);
        assert_eq!(origin.location, case.location, "{}", case.name);
        assert_eq!(origin.forwarded_for, case.hints.iter().map(|h| ip(h)).collect::<Vec<_>>(), "{}", case.name);
    }
}

#[test]
fn the_proxys_own_peer_header_comes_first() {
    let headers = ForwardingHeaders {
        x_ms_adfs_proxy_client_ip: &["203.0.113.9"],
        x_ms_forwarded_client_ip: &["10.1.1.1"],
        ..ForwardingHeaders::default()
    };
    let origin = policy().origin(ip("192.0.2.10"), &headers);
    assert_eq!(origin.client_ip, ip("203.0.113.9"));
    assert_eq!(origin.forwarded_for, [ip("10.1.1.1")]);
}

#[test]
fn tells_the_operator_of_ignored_headers() {
    let headers = ForwardingHeaders { x_forwarded_for: &["10.1.1.1"], ..ForwardingHeaders::default() };
    assert!(policy().origin(ip("10.7.7.7"), &headers).ignored_headers);
    assert!(!policy().origin(ip("10.7.7.7"), &ForwardingHeaders::default()).ignored_headers);
}

#[test]
fn a_proxy_name_is_a_host_name_or_nothing() {
    let name = |value| {
        let headers = ForwardingHeaders { x_ms_proxy: &[value], ..ForwardingHeaders::default() };
        policy().origin(ip("192.0.2.10"), &headers).proxy
    };
    assert_eq!(name(" wap1.corp.example "), Some("wap1.corp.example".into()));
    assert_eq!(name("<script>"), None);
    assert_eq!(name(&"a".repeat(256)), None);
}

#[test]
fn an_empty_policy_trusts_nobody() {
    let headers = ForwardingHeaders { x_forwarded_for: &["10.1.1.1"], ..ForwardingHeaders::default() };
    let origin = NetworkPolicy::default().origin(ip("127.0.0.1"), &headers);
    assert_eq!((origin.client_ip, origin.location), (ip("127.0.0.1"), Extranet));
}

#[test]
fn hints_are_bounded() {
    let many = (0..200).map(|n| format!("203.0.113.{}", n % 250)).collect::<Vec<_>>().join(",");
    let headers = ForwardingHeaders { x_forwarded_for: &[&many], ..ForwardingHeaders::default() };
    assert!(policy().origin(ip("10.0.9.1"), &headers).forwarded_for.len() <= MAX_HINTS);
}

#[test]
fn entries_that_are_no_plain_address_are_refused() {
    for entry in ["fe80::1%eth0", "[fe80::1%2]:80", "10.1.1", "010.1.1.1", "0.0.0.0", "::", "224.0.0.1", "[10.0.0.1]"] {
        assert_eq!(parse_address(entry), None, "{entry}");
    }
    assert_eq!(parse_address("::ffff:10.0.0.1"), Some(ip("10.0.0.1")));
    assert_eq!(parse_address("10.0.0.1:443"), Some(ip("10.0.0.1")));
    assert_eq!(parse_address("[2001:db8::1]"), Some(ip("2001:db8::1")));
}

fn header_line() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,40}",
        prop::collection::vec(any::<[u8; 4]>(), 0..6).prop_map(|all| all
            .iter()
            .map(|o| IpAddr::from(*o).to_string())
            .collect::<Vec<_>>()
            .join(", ")),
    ]
}

proptest! {
    /// Whatever a client writes, a proxy that appends the client's real address has the last word.
    #[test]
    fn a_client_cannot_choose_its_address(lines in prop::collection::vec(header_line(), 0..4), fwd in header_line()) {
        let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        lines.push("203.0.113.5");
        let headers = ForwardingHeaders {
            x_forwarded_for: &lines,
            x_ms_forwarded_client_ip: &[&fwd],
            ..ForwardingHeaders::default()
        };
        let origin = policy().origin(ip("10.0.9.1"), &headers);
        prop_assert_eq!(origin.client_ip, ip("203.0.113.5"));
        prop_assert_eq!(origin.location, Extranet);
    }

    /// From an untrusted peer no header changes anything.
    #[test]
    fn untrusted_headers_change_nothing(line in header_line(), peer in any::<[u8; 4]>()) {
        let headers = ForwardingHeaders {
            x_forwarded_for: &[&line],
            x_ms_proxy: &[&line],
            x_ms_forwarded_client_ip: &[&line],
            x_ms_adfs_proxy_client_ip: &[&line],
        };
        let peer = IpAddr::from(peer);
        prop_assume!(!policy().is_proxy(peer));
        let bare = policy().origin(peer, &ForwardingHeaders::default());
        let dressed = policy().origin(peer, &headers);
        prop_assert_eq!(RequestOrigin { ignored_headers: false, ..dressed }, bare);
    }

    /// Behind a federation proxy nothing is ever inside.
    #[test]
    fn a_federation_proxy_is_never_inside(line in header_line(), fwd in header_line()) {
        let headers = ForwardingHeaders {
            x_forwarded_for: &[&line],
            x_ms_forwarded_client_ip: &[&fwd],
            ..ForwardingHeaders::default()
        };
        prop_assert_eq!(policy().origin(ip("192.0.2.10"), &headers).location, Extranet);
    }
}
