//! Listeners, proxies, and what counts as inside.

use std::collections::BTreeMap;

use crate::config::Config;
use crate::config::diagnostic::Code;
use crate::config::findings::Findings;
use crate::config::names::{ListenAddress, Network};

pub(super) fn check(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    listeners(config, findings);
    proxies(config, findings);
    intranet(config, findings);
}

fn listeners(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    let server = &config.server;
    if server.https.is_empty() {
        findings.error(
            Code::InvalidValue,
            "server.https",
            "there is no address for clients",
            "write at least one, like `https = [\"0.0.0.0:443\"]`",
        );
    }
    let lists: [(&str, &[ListenAddress]); 4] = [
        ("server.https", &server.https),
        ("server.http", &server.http),
        ("server.client_certificate", &server.client_certificate),
        ("server.management", &server.management),
    ];
    let mut seen: BTreeMap<ListenAddress, String> = BTreeMap::new();
    for (list, addresses) in lists {
        for (i, address) in addresses.iter().enumerate() {
            let key = format!("{list}.{i}");
            let clash = seen.iter().find(|(other, _)| {
                other.0.port() == address.0.port()
                    && address.0.port() != 0
                    && other.0.is_ipv4() == address.0.is_ipv4()
                    && (other.0.ip() == address.0.ip() || other.is_unspecified() || address.is_unspecified())
            });
            if let Some((other, first)) = clash {
                let at = if findings.document().has(&key) { key.as_str() } else { first.as_str() };
                findings.error(
                    Code::Duplicate,
                    at,
                    format!(
                        "{address} is taken already: {} listens on {other}",
                        first.rsplit_once('.').map_or("", |(l, _)| l)
                    ),
                    "give each listener an address and port of its own",
                );
            }
            seen.insert(*address, key);
        }
    }
}

fn proxies(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    let server = &config.server;
    for (list, networks) in
        [("trusted_proxies", &server.trusted_proxies), ("federation_proxies", &server.federation_proxies)]
    {
        for (i, network) in networks.iter().enumerate() {
            let key = format!("server.{list}.{i}");
            host_bits(network, &key, findings);
            if network.is_everything() {
                findings.error(
                    Code::Exposure,
                    &key,
                    format!("`{network}` lets every client say where it comes from"),
                    "list the addresses of your balancers and proxies only",
                );
            } else if network.is_loopback() {
                findings.warning(
                    Code::Exposure,
                    &key,
                    format!("`{network}` lets every program on this host say where a request comes from"),
                    "list the proxy's own address; a proxy on this host can be given one, like the source address 127.0.0.3",
                );
            }
        }
    }
    for (i, network) in server.federation_proxies.iter().enumerate() {
        if server.trusted_proxies.contains(network) {
            findings.error(
                Code::Contradiction,
                &format!("server.federation_proxies.{i}"),
                format!("`{network}` is listed as a balancer and as a federation proxy"),
                "a balancer in front of inside clients stands in `trusted_proxies`, a Web Application Proxy in \
                 `federation_proxies`",
            );
        }
    }
}

fn intranet(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    for (i, network) in config.server.intranet.iter().enumerate() {
        let key = format!("server.intranet.{i}");
        host_bits(network, &key, findings);
        if network.is_everything() {
            findings.warning(
                Code::Exposure,
                &key,
                format!("`{network}` makes every address in the world part of the intranet"),
                "safe only where nobody outside reaches this server except through a listed federation proxy",
            );
        }
    }
    if config.server.intranet.is_empty() {
        findings.warning(
            Code::Network,
            "server.intranet",
            "no intranet networks are listed, so that every request counts as from outside",
            "Windows sign-in and hybrid join are refused then: list the company's networks, like \
             `intranet = [\"10.0.0.0/8\"]`",
        );
    }
}

fn host_bits(network: &Network, key: &str, findings: &mut Findings<'_, '_, '_>) {
    if network.had_host_bits() {
        findings.warning(
            Code::Network,
            key,
            format!("the address has bits beyond its prefix; the range is read as `{network}`"),
            format!("write `{network}` if that is meant, or the whole address without a prefix for one host"),
        );
    }
}
