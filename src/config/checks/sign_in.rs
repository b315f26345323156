//! Sign-in by a browser: amounts, and the list of browsers.

use crate::authn::WindowsUserAgents;
use crate::config::Config;
use crate::config::diagnostic::Code;
use crate::config::findings::Findings;

pub(super) fn check(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    let settings = &config.sign_in;
    for (key, value, range) in [
        ("sign_in.sso_lifetime_minutes", settings.sso_lifetime_minutes, 1..=MAX_LIFETIME),
        ("sign_in.keep_signed_in_lifetime_minutes", settings.keep_signed_in_lifetime_minutes, 1..=MAX_LIFETIME),
        ("sign_in.loop_detection_tokens", settings.loop_detection_tokens, 1..=20),
        ("sign_in.loop_detection_seconds", settings.loop_detection_seconds, 5..=3600),
        ("sign_in.hrd_cookie_lifetime_days", settings.hrd_cookie_lifetime_days, 1..=366),
    ] {
        if !range.contains(&value) {
            let message = format!("{value} is outside {} to {}", range.start(), range.end());
            findings.error(Code::InvalidValue, key, message, "leave the key out for AD FS' default");
        }
    }
    for (place, entry) in settings.windows_user_agents.iter().enumerate() {
        let key = format!("sign_in.windows_user_agents.{place}");
        if entry.trim().is_empty() {
            findings.error(Code::InvalidValue, &key, "the entry is empty and would match every browser", "remove it");
        } else if let Err((_, error)) = WindowsUserAgents::new([entry.as_str()]) {
            // The rest of the text is a drawing of several lines.
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            let message = format!("what follows `=~` is no regular expression: {reason}");
            findings.error(Code::InvalidValue, &key, message, "correct it, or write a part of the header without `=~`");
        }
    }
}

/// A year.
const MAX_LIFETIME: u32 = 366 * 24 * 60;
