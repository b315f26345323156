//! Requests to partners: amounts, the authorities, and the proxy.

use openssl::x509::X509;

use crate::config::diagnostic::Code;
use crate::config::findings::Findings;
use crate::config::load::{MAX_CONFIGURATION_FILE, read_bounded};
use crate::config::{Config, Partners};

pub(super) fn check(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    let settings = &config.partners;
    for (key, value, range) in [
        ("partners.metadata_refresh_minutes", settings.metadata_refresh_minutes, 5..=MAX_REFRESH),
        ("partners.timeout_seconds", settings.timeout_seconds, 1..=120),
    ] {
        findings.within(key, &value, &range, "leave the key out for the default");
    }
    proxy(settings, findings);
    // A file that cannot be read has its finding already.
    if let Some(Ok(octets)) = settings.ca_file.as_ref().map(|path| read_bounded(path, MAX_CONFIGURATION_FILE))
        && X509::stack_from_pem(&octets).map_or(true, |certificates| certificates.is_empty())
    {
        findings.error(
            Code::Certificate,
            "partners.ca_file",
            "the file holds no certificate in PEM form",
            "the file begins with `-----BEGIN CERTIFICATE-----`; convert DER by `openssl x509 -inform der`",
        );
    }
}

fn proxy(settings: &Partners, findings: &mut Findings<'_, '_, '_>) {
    if settings.proxy.is_some() && settings.proxy_address().is_none() {
        findings.error(
            Code::InvalidValue,
            "partners.proxy",
            "this is no address of a proxy",
            "write `http://host:port`; the credentials stand in a file, `proxy_credentials_file`",
        );
    }
    let unused = [
        ("partners.proxy_credentials_file", settings.proxy_credentials_file.is_some()),
        ("partners.no_proxy", !settings.no_proxy.is_empty()),
    ];
    for (key, _) in unused.into_iter().filter(|(_, is_there)| *is_there && settings.proxy.is_none()) {
        findings.error(Code::Contradiction, key, "there is no `proxy`", "write `proxy` as well, or take this out");
    }
}

/// Thirty days.
const MAX_REFRESH: u32 = 30 * 24 * 60;
