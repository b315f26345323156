//! Claim descriptions: each names a type, and nothing is named twice.

use crate::claims::descriptions::{ClaimDescriptions, Clash};
use crate::config::Config;
use crate::config::diagnostic::Code;
use crate::config::findings::Findings;

pub(super) fn check(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    let mut known = ClaimDescriptions::default();
    for (i, setting) in config.claim_descriptions.iter().enumerate() {
        let key = |name: &str| format!("claim_descriptions.{i}.{name}");
        let uri = &setting.claim_type;
        if uri.is_empty() || uri.chars().any(|c| c.is_whitespace() || c.is_control() || c == '"') {
            findings.error(
                Code::InvalidValue,
                &key("claim_type"),
                format!("`{uri}` is no claim type"),
                "write a URI, like `https://claims.corp.example/costcentre`",
            );
        } else if !uri.contains(':') {
            findings.warning(
                Code::Advice,
                &key("claim_type"),
                format!("the claim type `{uri}` is no URI"),
                "AD FS takes it as it is; SAML 1.1 tokens need a type with a `/` in it",
            );
        }
        for (name, text) in [
            ("name", Some(&setting.name)),
            ("short_name", setting.short_name.as_ref()),
            ("notes", Some(&setting.notes).filter(|notes| !notes.is_empty())),
        ] {
            if text.is_some_and(|text| text.trim().is_empty() || text.chars().any(char::is_control)) {
                findings.error(
                    Code::InvalidValue,
                    &key(name),
                    format!("`{name}` is empty or holds a control character"),
                    "write plain text on one line",
                );
            }
        }
        if let Err(clash) = known.add(setting.into()) {
            let (name, text) = match &clash {
                Clash::ClaimType { .. } => ("claim_type", uri),
                Clash::Name { .. } => ("name", &setting.name),
                Clash::ShortName { .. } => ("short_name", setting.short_name.as_ref().unwrap_or(&setting.name)),
            };
            findings.error(
                Code::Duplicate,
                &key(name),
                format!("`{text}` is already that of the claim description \"{}\"", clash.other()),
                "claim types, names and short names are unique without regard to case",
            );
        }
    }
}
