//! `[[claim_descriptions]]`: claim types of the company's own.

use crate::claims::descriptions::{ClaimDescription, ClaimDescriptions};

/// A claim type, its names, and whether metadata shows it.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimDescriptionSetting {
    /// Display name.
    pub name: String,
    /// Name in JSON Web Tokens.
    pub short_name: Option<String>,
    /// The claim type, a URI.
    pub claim_type: String,
    /// Whether metadata names it among the claims this service takes.
    #[serde(default = "yes")]
    pub accepted: bool,
    /// Whether metadata names it among the claims this service issues.
    #[serde(default = "yes")]
    pub offered: bool,
    /// Whether metadata says that partners must send it.
    #[serde(default)]
    pub required: bool,
    /// What it is for; the description in metadata.
    #[serde(default)]
    pub notes: String,
}

impl From<&ClaimDescriptionSetting> for ClaimDescription {
    fn from(setting: &ClaimDescriptionSetting) -> Self {
        Self {
            uri: setting.claim_type.clone().into(),
            name: setting.name.clone().into(),
            short_name: setting.short_name.clone().map(Into::into),
            description: setting.notes.clone().into(),
            accepted: setting.accepted,
            offered: setting.offered,
            required: setting.required,
        }
    }
}

/// The built-in descriptions and these. Of two that clash the first counts; the checks of the configuration refuse that case.
pub fn all_claim_descriptions(own: &[ClaimDescriptionSetting]) -> ClaimDescriptions {
    let mut all = ClaimDescriptions::default();
    for setting in own {
        let _ = all.add(setting.into());
    }
    all
}

const fn yes() -> bool {
    true
}
