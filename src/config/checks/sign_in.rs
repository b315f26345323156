//! Sign-in by a browser: amounts, and the list of browsers.

use crate::authn::{Audience, NetworkLocation, WindowsUserAgents};
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
        findings.within(key, &value, &range, "leave the key out for AD FS' default");
    }
    methods(config, findings);
    alternate_login_id(config, findings);
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

/// Windows outside, and places where the local directory signs nobody in.
fn methods(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    let settings = &config.sign_in;
    if matches!(settings.windows, Audience::Extranet | Audience::Everybody) {
        findings.error(
            Code::Exposure,
            "sign_in.windows",
            "signing in by Windows is never offered outside: a ticket could be asked of any browser there, and relayed",
            "write `intranet` or `nobody`",
        );
    }
    let methods = settings.primary_methods();
    for (location, place) in [(NetworkLocation::Intranet, "inside"), (NetworkLocation::Extranet, "outside")] {
        let certificate = !config.certificates.client_ca_files.is_empty() && settings.certificate.is_offered(location);
        let offered = methods.offered(location, certificate);
        if !(offered.windows || offered.password || offered.certificate) {
            findings.warning(
                Code::Advice,
                "sign_in.forms",
                format!("nothing is offered to people {place} by which the local Active Directory could sign them in"),
                "`sign_in.windows`, `sign_in.forms` and `sign_in.certificate` say what is offered to whom",
            );
        }
    }
}

fn alternate_login_id(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    let Some(settings) = &config.sign_in.alternate_login_id else { return };
    let name = settings.attribute.as_bytes();
    let is_name = name.first().is_some_and(u8::is_ascii_alphabetic)
        && name.len() <= MAX_ATTRIBUTE
        && name.iter().all(|octet| octet.is_ascii_alphanumeric() || *octet == b'-');
    if !is_name {
        let message = format!("`{}` is no name of an LDAP attribute", settings.attribute);
        let help = "write its LDAP display name, like `mail`";
        findings.error(Code::InvalidValue, "sign_in.alternate_login_id.attribute", message, help);
    }
    for (place, domain) in settings.domains.iter().enumerate() {
        if !config.domains.iter().any(|known| known.dns_name() == *domain) {
            let key = format!("sign_in.alternate_login_id.domains.{place}");
            let message = format!("`{domain}` is none of the configured domains");
            findings.error(Code::InvalidValue, &key, message, "add a `[[domains]]` section for it, or remove it");
        }
    }
}

/// Longer than any name in a schema.
const MAX_ATTRIBUTE: usize = 256;
/// A year.
const MAX_LIFETIME: u32 = 366 * 24 * 60;
