//! The service communications certificate: does it fit its key, the service's names and the calendar?

use std::fs;

use openssl::pkey::{PKey, Private};
use openssl::x509::X509;

use super::certificates::{judge_dates, read_certificates};
use crate::clock::UtcTime;
use crate::config::diagnostic::Code;
use crate::config::findings::Findings;
use crate::config::{Config, Tls};

pub(super) fn check(config: &Config, now: UtcTime, findings: &mut Findings<'_, '_, '_>) {
    let Some(tls) = &config.server.tls else {
        if !config.server.tls_ends_in_front {
            findings.error(
                Code::MissingKey,
                "server.tls",
                "`[server.tls]` is missing: the server has no certificate",
                "name `certificate_file` and `key_file`; only behind a balancer that forwards plain HTTP write \
                 `tls_ends_in_front = true` instead",
            );
        } else if config.server.trusted_proxies.is_empty() {
            findings.error(
                Code::Contradiction,
                "server.tls_ends_in_front",
                "the server takes plain HTTP, but no balancer is trusted: everybody could send passwords in clear",
                "list the balancer in `trusted_proxies`",
            );
        }
        return;
    };
    let chain = certificate(config, tls, now, findings);
    let key = private_key(tls, findings);
    if let (Some(leaf), Some(key)) = (chain.first(), key)
        && !leaf.public_key().is_ok_and(|public| public.public_eq(&key))
    {
        findings.error(
            Code::Certificate,
            "server.tls.key_file",
            "the key does not belong to the certificate",
            "name the key the certificate was requested with; the server's certificate must stand first in its file",
        );
    }
}

fn certificate(config: &Config, tls: &Tls, now: UtcTime, findings: &mut Findings<'_, '_, '_>) -> Vec<X509> {
    const KEY: &str = "server.tls.certificate_file";
    let chain = read_certificates(&tls.certificate_file, KEY, findings);
    let Some(leaf) = chain.first() else { return chain };
    judge_dates(leaf, "the server's certificate", now, KEY, findings);

    let names = dns_names(leaf);
    let service = config.service.federation_service_name.as_str();
    if findings.is_sound("service.federation_service_name") && !names.iter().any(|name| covers(name, service)) {
        let shown = if names.is_empty() { String::from("no name at all") } else { format!("`{}`", names.join("`, `")) };
        findings.error(
            Code::Certificate,
            KEY,
            format!("the certificate does not cover `{service}`: its subject alternative names have {shown}"),
            "clients refuse it: get a certificate with the federation service name as a DNS subject alternative name",
        );
    }
    let certauth = format!("certauth.{service}");
    if !config.certificates.client_ca_files.is_empty() && !names.iter().any(|name| covers(name, &certauth)) {
        findings.warning(
            Code::Certificate,
            KEY,
            format!("the certificate does not cover `{certauth}`, where AD FS clients sign in with certificates"),
            "add the name to the certificate, or let clients use port 49443 as older AD FS does",
        );
    }
    chain
}

fn private_key(tls: &Tls, findings: &mut Findings<'_, '_, '_>) -> Option<PKey<Private>> {
    let pem = zeroize::Zeroizing::new(fs::read(&tls.key_file).ok()?);
    // A callback keeps OpenSSL from asking the terminal for the pass phrase of an encrypted key.
    let key = PKey::private_key_from_pem_callback(&pem, |_| Ok(0)).ok();
    if key.is_none() {
        let encrypted = pem.windows(9).any(|window| window == b"ENCRYPTED");
        findings.error(
            Code::Certificate,
            "server.tls.key_file",
            if encrypted { "the private key is encrypted" } else { "the file holds no private key in PEM form" },
            if encrypted {
                "store it unencrypted, readable by the server only: `openssl pkey -in old.pem -out new.pem`"
            } else {
                "the file begins with `-----BEGIN PRIVATE KEY-----`"
            },
        );
    }
    key
}

/// Whether a listener asks clients for certificates: by its port, or by the name that the server's certificate covers.
pub(super) fn asks_for_certificates(config: &Config) -> bool {
    let Some(tls) = &config.server.tls else { return false };
    if !config.server.client_certificate.is_empty() {
        return true;
    }
    // A file that cannot be used has its finding already.
    let chain =
        fs::read(&tls.certificate_file).ok().and_then(|pem| X509::stack_from_pem(&pem).ok()).unwrap_or_default();
    let certauth = format!("certauth.{}", config.service.federation_service_name);
    chain.first().is_some_and(|leaf| certificate_covers(leaf, &certauth))
}

fn dns_names(certificate: &X509) -> Vec<String> {
    certificate.subject_alt_names().map_or_else(Vec::new, |names| {
        names.iter().filter_map(|name| name.dnsname().map(str::to_ascii_lowercase)).collect()
    })
}

/// Whether a certificate has a DNS name that stands for `host`.
pub(crate) fn certificate_covers(certificate: &X509, host: &str) -> bool {
    dns_names(certificate).iter().any(|name| covers(name, host))
}

/// Whether a name in a certificate stands for `host`; `*` stands for exactly one label (RFC 6125 6.4.3).
fn covers(name: &str, host: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(parent) => host.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(parent)),
        None => name.eq_ignore_ascii_case(host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_for_one_label() {
        assert!(covers("sts.corp.example", "sts.corp.example"));
        assert!(covers("*.corp.example", "sts.corp.example"));
        assert!(!covers("*.corp.example", "certauth.sts.corp.example"));
        assert!(!covers("*.corp.example", "corp.example"));
    }
}
