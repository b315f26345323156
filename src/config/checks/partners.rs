//! Requests to partners: amounts, and the authorities.

use openssl::x509::X509;

use crate::config::Config;
use crate::config::diagnostic::Code;
use crate::config::findings::Findings;
use crate::config::load::{MAX_CONFIGURATION_FILE, read_bounded};

pub(super) fn check(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    let settings = &config.partners;
    for (key, value, range) in [
        ("partners.metadata_refresh_minutes", settings.metadata_refresh_minutes, 5..=MAX_REFRESH),
        ("partners.timeout_seconds", settings.timeout_seconds, 1..=120),
    ] {
        if !range.contains(&value) {
            let message = format!("{value} is outside {} to {}", range.start(), range.end());
            findings.error(Code::InvalidValue, key, message, "leave the key out for the default");
        }
    }
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

/// Thirty days.
const MAX_REFRESH: u32 = 30 * 24 * 60;
