//! Certificates: reading PEM files, dates, and the trust anchors of client certificates.

use std::fs;
use std::path::Path;

use openssl::asn1::Asn1Time;
use openssl::x509::{X509, X509Crl};

use crate::clock::UtcTime;
use crate::config::diagnostic::Code;
use crate::config::findings::Findings;
use crate::config::{Config, Revocation};

pub(super) fn check(config: &Config, now: UtcTime, findings: &mut Findings<'_, '_, '_>) {
    for (i, file) in config.certificates.client_ca_files.iter().enumerate() {
        let key = format!("certificates.client_ca_files.{i}");
        for certificate in read_certificates(file, &key, findings) {
            judge_dates(&certificate, "a certificate authority of users", now, &key, findings);
        }
    }
    for (i, file) in config.certificates.crl_files.iter().enumerate() {
        revocation_list(file, &format!("certificates.crl_files.{i}"), now, findings);
    }
    for (i, domain) in config.domains.iter().enumerate() {
        if let Some(file) = &domain.ldap.ca_file {
            read_certificates(file, &format!("domains.{i}.ldap.ca_file"), findings);
        }
    }
    if config.certificates.revocation == Revocation::Required && config.certificates.crl_files.is_empty() {
        findings.error(
            Code::Contradiction,
            "certificates.revocation",
            "revocation lists are required, but `crl_files` names none: every certificate would be refused",
            "name the lists of every certificate authority in `crl_files`",
        );
    }
}

/// The certificates of a PEM file. A file that cannot be opened has its finding already.
pub(super) fn read_certificates(file: &Path, key: &str, findings: &mut Findings<'_, '_, '_>) -> Vec<X509> {
    let Ok(pem) = fs::read(file) else { return Vec::new() };
    match X509::stack_from_pem(&pem) {
        Ok(certificates) if !certificates.is_empty() => certificates,
        _ => {
            findings.error(
                Code::Certificate,
                key,
                format!("{} holds no certificate in PEM form", file.display()),
                "the file begins with `-----BEGIN CERTIFICATE-----`; convert DER by `openssl x509 -inform der`",
            );
            Vec::new()
        }
    }
}

/// Findings for a certificate that is expired, not yet valid, or soon to expire.
pub(crate) fn judge_dates(
    certificate: &X509,
    what: &str,
    now: UtcTime,
    key: &str,
    findings: &mut Findings<'_, '_, '_>,
) {
    let Ok(now) = Asn1Time::from_unix(now.unix_seconds()) else { return };
    let days_left = now.diff(certificate.not_after()).map_or(0, |difference| difference.days);
    if certificate.not_after() < now {
        findings.error(
            Code::Certificate,
            key,
            format!("{what} expired on {}", certificate.not_after()),
            "renew it; the server takes the new file in without a restart",
        );
    } else if certificate.not_before() > now {
        findings.error(
            Code::Certificate,
            key,
            format!("{what} is valid only from {}", certificate.not_before()),
            "check this host's clock, or wait",
        );
    } else if days_left < EXPIRY_NOTICE_DAYS {
        findings.warning(
            Code::Certificate,
            key,
            format!("{what} expires in {days_left} days, on {}", certificate.not_after()),
            "renew it; the server takes the new file in without a restart",
        );
    }
}

fn revocation_list(file: &Path, key: &str, now: UtcTime, findings: &mut Findings<'_, '_, '_>) {
    let Ok(bytes) = fs::read(file) else { return };
    let Ok(list) = X509Crl::from_pem(&bytes).or_else(|_| X509Crl::from_der(&bytes)) else {
        findings.error(
            Code::Certificate,
            key,
            format!("{} is no certificate revocation list", file.display()),
            "name a list in PEM or DER form",
        );
        return;
    };
    let expired = Asn1Time::from_unix(now.unix_seconds())
        .ok()
        .zip(list.next_update())
        .is_some_and(|(now, next_update)| next_update < now);
    if expired {
        findings.warning(
            Code::Certificate,
            key,
            format!("the revocation list {} is out of date", file.display()),
            "fetch the current one; with `revocation = \"required\"` certificates of its issuer are refused until then",
        );
    }
}

pub(crate) const EXPIRY_NOTICE_DAYS: i32 = 14;
