//! Service, limits, log, audit, lockout, key and endpoint settings.

use crate::config::diagnostic::Code;
use crate::config::findings::Findings;
use crate::config::{AuditSink, Config, Endpoints};
use crate::protocols::trust_endpoint::{Credential, TrustEndpoint};

pub(super) fn check(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    identifier(config, findings);
    log(config, findings);
    amounts(config, findings);
    audit(config, findings);
    lockout(config, findings);
    endpoints(config, findings);
}

fn identifier(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    let identifier = &config.service.identifier;
    if identifier.chars().any(char::is_whitespace) || !identifier.contains(':') {
        findings.error(
            Code::InvalidValue,
            "service.identifier",
            format!("`{identifier}` is no URI"),
            format!("AD FS' form is `http://{}/adfs/services/trust`", config.service.federation_service_name),
        );
    } else if identifier.starts_with("https://") {
        findings.warning(
            Code::Advice,
            "service.identifier",
            "the identifier begins with `https://`, AD FS' own begins with `http://`",
            "partners compare it character by character: keep what `Get-AdfsProperties` shows as Identifier",
        );
    }
    if !config.service.federation_service_name.as_str().contains('.') {
        findings.error(
            Code::InvalidValue,
            "service.federation_service_name",
            "the federation service name has no domain",
            "write the full name that clients use in URLs, like `sts.corp.example`",
        );
    }
}

fn log(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    if let Err(error) = tracing_subscriber::EnvFilter::try_new(&config.server.log.level) {
        findings.error(
            Code::InvalidValue,
            "server.log.level",
            format!("`{}` is no log filter: {error}", config.server.log.level),
            "write a level (`error`, `warn`, `info`, `debug`, `trace`) or a filter like `info,chancery::directory=debug`",
        );
    }
}

/// Amounts with which the server could not work: `(key, value, least, most)`.
fn amounts(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    let limits = &config.server.limits;
    let of = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let directory = &config.directory;
    let table = [
        // The web framework reads no more than this of a request before its body.
        ("server.limits.header_bytes", of(limits.header_bytes), 8 * 1024, 128 * 1024),
        ("server.limits.body_bytes", of(limits.body_bytes), 64 * 1024, 64 * 1024 * 1024),
        ("server.limits.xml_depth", of(limits.xml_depth), 16, 512),
        ("server.limits.header_seconds", limits.header_seconds, 1, 300),
        ("server.limits.request_seconds", limits.request_seconds, 1, 600),
        ("server.limits.keep_alive_seconds", limits.keep_alive_seconds, 0, 3600),
        ("server.limits.connections_per_worker", of(limits.connections_per_worker), 1, 1_000_000),
        ("server.limits.workers", of(limits.workers), 0, 1024),
        ("server.shutdown_grace_seconds", config.server.shutdown_grace_seconds, 0, 600),
        ("directory.connect_timeout_seconds", directory.connect_timeout_seconds, 1, 60),
        ("directory.query_timeout_seconds", directory.query_timeout_seconds, 1, 120),
        ("directory.connections", of(directory.connections), 1, 256),
        ("directory.retry_after_seconds", directory.retry_after_seconds, 1, 3600),
        ("directory.attribute_cache_seconds", directory.attribute_cache_seconds, 0, 86_400),
        ("keys.certificate_lifetime_days", u64::from(config.keys.certificate_lifetime_days), 1, 36_500),
        ("lockout.threshold", u64::from(config.lockout.threshold), 1, 1_000_000),
        ("lockout.unknown_threshold", u64::from(config.lockout.unknown_threshold), 1, 1_000_000),
        ("lockout.window_minutes", config.lockout.window_minutes, 1, 100_000),
        ("lockout.tracked_accounts", config.lockout.tracked_accounts, 1000, 100_000_000),
        ("entra.token_lifetime_minutes", u64::from(config.entra.token_lifetime_minutes), 1, 1440),
    ];
    for (key, value, least, most) in table {
        if !(least..=most).contains(&value) {
            findings.error(
                Code::InvalidValue,
                key,
                format!("`{key}` is {value}, outside {least} to {most}"),
                format!("write a number from {least} to {most}, or leave the key out for the default"),
            );
        }
    }
    if limits.header_bytes < 64 * 1024 {
        findings.warning(
            Code::Advice,
            "server.limits.header_bytes",
            "Kerberos tickets of members of many groups do not fit into this limit",
            "65536 takes the largest tickets that Windows sends",
        );
    }
}

fn audit(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    match (config.audit.sink, &config.audit.file) {
        (AuditSink::File, None) => findings.error(
            Code::MissingKey,
            "audit.sink",
            "`audit.sink` is `file`, but `audit.file` is missing",
            "name the file, like `file = \"/var/log/chancery/audit.jsonl\"`, or write to `stdout`",
        ),
        (AuditSink::Stdout, Some(_)) => findings.warning(
            Code::Contradiction,
            "audit.file",
            "`audit.file` is not used, because `audit.sink` is `stdout`",
            "write `sink = \"file\"`, or leave `file` out",
        ),
        _ => {}
    }
}

fn lockout(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    let lockout = &config.lockout;
    if lockout.enabled && lockout.threshold > 1 && lockout.unknown_threshold >= lockout.threshold {
        findings.warning(
            Code::Advice,
            "lockout.unknown_threshold",
            format!(
                "strangers may use up all {} wrong passwords of an account, and lock its owner out of this server",
                lockout.threshold
            ),
            "keep `unknown_threshold` below `threshold`: the rest is for places the account has signed in from",
        );
    }
}

fn endpoints(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    for endpoint in TrustEndpoint::ALL {
        let setting = config.endpoints.setting(endpoint);
        let key = Endpoints::key(endpoint);
        if endpoint.is_intranet_only() && setting.proxy_enabled == Some(true) {
            findings.error(
                Code::Exposure,
                &format!("{key}.proxy_enabled"),
                format!("`{}` cannot be opened to the outside", endpoint.path()),
                "Windows authentication from outside lets passwords be guessed past the lockout: remove this key",
            );
        }
        let needs_certificates = key.contains("certificate");
        if needs_certificates && setting.enabled == Some(true) && config.certificates.client_ca_files.is_empty() {
            findings.error(
                Code::Contradiction,
                &format!("{key}.enabled"),
                format!("`{}` is enabled, but no certificate authority of users is configured", endpoint.path()),
                "name the PEM files in `client_ca_files` of `[certificates]`, or remove this key",
            );
        }
        if endpoint.credential == Credential::CertificateTransport
            && setting.enabled == Some(true)
            && !super::tls::asks_for_certificates(config)
        {
            findings.error(
                Code::Contradiction,
                &format!("{key}.enabled"),
                format!("`{}` is enabled, but no listener asks clients for certificates", endpoint.path()),
                "list an address in `client_certificate` of `[server]`, or get a server certificate that covers \
                 `certauth.` and the federation service name too; or remove this key",
            );
        }
    }
}
