//! Device registration: a domain there is, join types there are.

use crate::config::Config;
use crate::config::diagnostic::Code;
use crate::config::findings::Findings;

pub(super) fn check(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    let settings = &config.device_registration;
    if let Some(domain) = &settings.domain
        && settings.domain(config).is_none()
    {
        findings.error(
            Code::Contradiction,
            "device_registration.domain",
            format!("`{domain}` is not among the configured domains"),
            "name the realm of one of `[[domains]]`, or leave the key out for the first of them",
        );
    }
    for (i, join_type) in settings.join_types.iter().enumerate() {
        if !matches!(join_type, 4 | 6) {
            findings.error(
                Code::InvalidValue,
                &format!("device_registration.join_types.{i}"),
                format!("devices cannot join by type {join_type}"),
                "write 6 for domain-joined computers, 4 for users' own devices, or both",
            );
        }
    }
    if settings.enabled && settings.join_types.is_empty() {
        findings.error(
            Code::Contradiction,
            "device_registration.join_types",
            "no device can join by any type",
            "write `join_types = [6, 4]`, or `enabled = false`",
        );
    }
}
