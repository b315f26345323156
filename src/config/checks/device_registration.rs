//! Device registration: a domain there is, join types there are.

use crate::config::diagnostic::Code;
use crate::config::findings::Findings;
use crate::config::{Config, Registry};

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
    if settings.maximum_inactivity_days != 0 && settings.maximum_inactivity_days < LEAST_INACTIVITY {
        findings.error(
            Code::InvalidValue,
            "device_registration.maximum_inactivity_days",
            format!(
                "{} days are too few: the use of a device is noted every 14 days only",
                settings.maximum_inactivity_days
            ),
            "write 15 or more, or 0 for never",
        );
    }
    let sweep = &settings.sweep;
    for (key, value, range) in [
        ("device_registration.sweep.interval_minutes", sweep.interval_minutes, 1..=7 * 24 * 60),
        ("device_registration.sweep.grace_days", sweep.grace_days, 1..=3650),
        ("device_registration.sweep.most", sweep.most, 1..=10_000),
    ] {
        findings.within(key, &value, &range, "leave the key out for the default");
    }
    database(config, findings);
}

fn database(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    let settings = &config.device_registration;
    let databases = usize::from(settings.sqlite.is_some()) + usize::from(settings.postgresql.is_some());
    match settings.registry {
        Registry::Sql if databases != 1 => findings.error(
            Code::Contradiction,
            "device_registration.registry",
            "a registry in SQL needs exactly one database",
            "write `[device_registration.sqlite]` with `file`, or `[device_registration.postgresql]`",
        ),
        Registry::ActiveDirectory if databases != 0 => findings.warning(
            Code::Contradiction,
            "device_registration.registry",
            "a database is configured, but devices are kept in Active Directory",
            "write `registry = \"sql\"`, or leave the database out",
        ),
        _ => {}
    }
    if let Some(postgresql) = &settings.postgresql {
        super::attribute_stores::postgresql(postgresql, "device_registration.postgresql", findings);
    }
}

/// More than the 14 days between two stamps.
const LEAST_INACTIVITY: u32 = 15;
