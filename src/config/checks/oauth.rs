//! `[oauth]`: amounts within bounds, origins that a browser would send, a policy that exists.

use crate::claims::policy::{Parameters, Policies};
use crate::config::Config;
use crate::config::diagnostic::Code;
use crate::config::findings::Findings;

pub(super) fn check(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    let settings = &config.oauth;
    for (key, value, allowed) in [
        ("oauth.code_lifetime_seconds", settings.code_lifetime_seconds, 10..=600),
        ("oauth.device_code_lifetime_seconds", settings.device_code_lifetime_seconds, 10..=900),
        ("oauth.refresh_grace_seconds", settings.refresh_grace_seconds, 0..=60),
    ] {
        findings.within(key, &value, &allowed, "leave it out for the default");
    }
    for (i, origin) in settings.cors_origins.iter().enumerate() {
        let host = origin.strip_prefix("https://");
        if host.is_none_or(|host| host.is_empty() || host.contains(['/', '?', '#', '@', '*']) || !host.is_ascii()) {
            findings.error(
                Code::InvalidValue,
                &format!("oauth.cors_origins.{i}"),
                format!("`{origin}` is no origin"),
                "write scheme and host as browsers send them, like `https://app.corp.example`; there are no wildcards",
            );
        }
    }
    let policies = Policies::new(config.access_control_policies.clone());
    let policy = policies.find(&settings.device_registration_policy);
    if policy.is_none_or(|found| policies.compile(found, &Parameters::default()).is_err()) {
        findings.error(
            Code::InvalidValue,
            "oauth.device_registration_policy",
            format!("`{}` is no access control policy without parameters", settings.device_registration_policy),
            "`chancery policies` lists the policies",
        );
    }
}
