//! Primary refresh tokens: amounts, and the list of browsers.

use crate::config::Config;
use crate::config::diagnostic::Code;
use crate::config::findings::Findings;

pub(super) fn check(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    let settings = &config.primary_refresh_token;
    for (key, value, range) in [
        ("primary_refresh_token.lifetime_minutes", settings.lifetime_minutes, 10..=MAX_LIFETIME),
        (
            "primary_refresh_token.persistent_sso_lifetime_minutes",
            settings.persistent_sso_lifetime_minutes,
            settings.lifetime_minutes..=MAX_LIFETIME,
        ),
        ("primary_refresh_token.device_usage_window_days", settings.device_usage_window_days, 1..=366),
    ] {
        findings.within(key, &value, &range, "leave the key out for AD FS' default");
    }
    for (place, entry) in settings.browser_sso_user_agents.iter().enumerate() {
        if entry.trim().is_empty() {
            let key = format!("primary_refresh_token.browser_sso_user_agents.{place}");
            findings.error(Code::InvalidValue, &key, "the entry is empty and would match every browser", "remove it");
        }
    }
}

/// A year.
const MAX_LIFETIME: u32 = 366 * 24 * 60;
