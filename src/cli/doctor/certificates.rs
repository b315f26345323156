//! TLS certificates as they are really served on each name.

use std::path::Path;

use openssl::asn1::Asn1Time;
use openssl::x509::{X509, X509VerifyResult};

use super::names::{Name, uncovered};
use crate::cli::finding::catalogue::{CERTIFICATE_EXPIRY, CERTIFICATE_NAME, CERTIFICATE_OTHER, CERTIFICATE_TRUST};
use crate::cli::finding::{Finding, Level};
use crate::cli::probe::tls::Shown;
use crate::clock::UtcTime;
use crate::config::{ChannelBinding, Config, EXPIRY_NOTICE_DAYS, certificate_covers};

/// Judges what was shown on each name. A certificate that is shown on several is judged once, but for its names.
pub(super) struct Judge {
    now: UtcTime,
    /// Certificates that the server knows clients may see; `None` where that does not matter.
    known: Option<Vec<Vec<u8>>>,
    judged: Vec<Vec<u8>>,
}

impl Judge {
    pub(super) fn of(config: &Config, now: UtcTime) -> Self {
        Self { now, known: known(config), judged: Vec::new() }
    }

    /// Findings about the certificate shown on a name; whether a client takes it.
    pub(super) fn judge(&mut self, name: &Name, shown: &Shown) -> (Vec<Finding>, bool) {
        let host = &name.host;
        let covered = certificate_covers(&shown.certificate, host);
        let mut findings = vec![if covered {
            Finding::ok(CERTIFICATE_NAME, format!("the certificate shown on {host} covers it"))
        } else {
            uncovered(&format!("the certificate shown on {host}"), host, name.level)
        }];
        let der = shown.certificate.to_der().unwrap_or_default();
        if !self.judged.contains(&der) {
            findings.push(expiry(&format!("the certificate shown on {host}"), &shown.certificate, self.now));
            findings.extend(trust(host, shown.verdict));
            findings.extend(self.other(host, &der));
            self.judged.push(der);
        }
        (findings, covered && shown.verdict == X509VerifyResult::OK)
    }

    fn other(&self, host: &str, der: &Vec<u8>) -> Option<Finding> {
        let known = self.known.as_ref()?;
        (!known.contains(der)).then(|| {
            Finding::warning(
                CERTIFICATE_OTHER,
                format!("the certificate shown on {host} is none that this configuration knows"),
                "where a balancer ends TLS name its certificate in `kerberos.front_certificates`; on another node, or \
                 before a reload, it may be the one of before",
            )
        })
    }
}

/// What clients may see: the server's own certificate, or those in front of it.
fn known(config: &Config) -> Option<Vec<Vec<u8>>> {
    if config.kerberos.channel_binding(config.server.tls_ends_in_front) == ChannelBinding::None {
        return None;
    }
    let files: Vec<&Path> = if config.server.tls_ends_in_front {
        config.kerberos.front_certificates.iter().map(std::path::PathBuf::as_path).collect()
    } else {
        config.server.tls.iter().map(|tls| tls.certificate_file.as_path()).collect()
    };
    let read = |file: &Path| X509::from_pem(&std::fs::read(file).ok()?).ok()?.to_der().ok();
    Some(files.into_iter().filter_map(read).collect())
}

fn trust(host: &str, verdict: X509VerifyResult) -> Option<Finding> {
    match verdict.as_raw() {
        // Whether it has expired is said already.
        9 | 10 => None,
        0 => Some(Finding::ok(CERTIFICATE_TRUST, format!("the certificate shown on {host} is trusted here"))),
        _ => Some(Finding::error(
            CERTIFICATE_TRUST,
            format!("the certificate shown on {host} is not trusted here: {}", verdict.error_string()),
            "let the server send its intermediate certificates, and put the authority into the clients' machine store; \
             --ca names an authority for this look",
        )),
    }
}

/// How long a certificate is still good.
pub(super) fn expiry(what: &str, certificate: &X509, now: UtcTime) -> Finding {
    let fix = "renew it; the server takes the new file in without a restart";
    let end = certificate.not_after();
    let days = Asn1Time::from_unix(now.unix_seconds()).and_then(|now| now.diff(end)).map(|left| left.days);
    let level = match days {
        Ok(days) if days >= EXPIRY_NOTICE_DAYS => {
            return Finding::ok(CERTIFICATE_EXPIRY, format!("{what} is good until {end}"));
        }
        Ok(0..) => Level::Warning,
        _ => Level::Error,
    };
    Finding::bad(level, CERTIFICATE_EXPIRY, format!("{what} ends on {end}"), String::from(fix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_watched_for_two_weeks() {
        let certificate = rcgen::generate_simple_self_signed([String::from("sts.corp.example")]).unwrap();
        let certificate = X509::from_der(certificate.cert.der()).unwrap();
        // rcgen's default: until 4096-01-01.
        let end = UtcTime::from_xml("4096-01-01T00:00:00Z").unwrap();
        let day = |days: u64| std::time::Duration::from_secs(days * 86_400);
        for (now, level) in
            [(end.minus(day(20)), Level::Ok), (end.minus(day(10)), Level::Warning), (end.plus(day(1)), Level::Error)]
        {
            assert_eq!(expiry("it", &certificate, now).level, level, "{now}");
        }
    }
}
