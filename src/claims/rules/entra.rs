//! Issuance transform rules of the Microsoft Entra trust, written from settings (claims.md 5.1, 5.2).

use std::fmt::Write as _;

use crate::claims::types::{ACCOUNT_TYPE, IMMUTABLE_ID, ISSUER_ID, UPN_V1, WINDOWS_ACCOUNT_NAME};

/// What the rules depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntraSettings {
    /// The federated domains of the tenant. None: no user gets an `issuerid`, and Entra goes by the token's issuer.
    /// Otherwise a user gets the `IssuerUri` of the longest suffix that his UPN's domain is or ends in, and none when there is no
    /// such suffix: one domain is no reason to vouch for users of another.
    pub domains: Vec<EntraDomain>,
    /// Which attribute anchors a user to his cloud object.
    pub source_anchor: SourceAnchor,
    /// Attribute that holds the UPN Entra knows; normally `userPrincipalName`.
    pub upn_attribute: String,
    /// `issuerid` of computers, which have no UPN; normally the `IssuerUri` of the first domain. `None`: they get none.
    pub computer_issuer: Option<String>,
}

/// A federated domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntraDomain {
    /// The verified DNS domain, such as `brand.example`; its sub-domains belong to it unless they are listed themselves.
    pub suffix: String,
    /// `IssuerUri` of its federation settings in Entra; any text.
    pub issuer_uri: String,
}

/// What ImmutableID is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceAnchor {
    /// `objectGUID`.
    ObjectGuid,
    /// `mS-DS-ConsistencyGuid`, and `objectGUID` for who has none (what Entra Connect sets up).
    ConsistencyGuid,
    /// Another attribute, as it is; who has none gets no ImmutableID.
    Attribute(String),
}

/// Why no rules can be written from settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntraRulesError {
    /// A text with a character no rule string can hold.
    #[error("{setting} '{value}' holds a quotation mark or a line end, which no claim rule can express")]
    Unwritable {
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: String,
    },
    /// An empty text.
    #[error("{setting} is empty")]
    Empty {
        /// The setting.
        setting: &'static str,
    },
    /// A suffix that is no DNS domain.
    #[error("'{suffix}' is no DNS domain name")]
    Suffix {
        /// The suffix.
        suffix: String,
    },
    /// The same suffix twice.
    #[error("the domain '{suffix}' is listed twice")]
    DuplicateSuffix {
        /// The suffix.
        suffix: String,
    },
    /// A text that is no attribute name.
    #[error("{setting} '{value}' is no attribute name")]
    Attribute {
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: String,
    },
}

/// The rules as readable text; [`RuleSet::parse`](crate::claims::RuleSet::parse) accepts it.
///
/// # Errors
/// [`EntraRulesError`] when a setting cannot stand in a rule.
pub fn entra_rules(settings: &EntraSettings) -> Result<String, EntraRulesError> {
    let domains = checked(settings)?;
    let mut rules = String::from(include_str!("entra.rules"));
    write_directory_rules(settings, &mut rules);
    if let Some(issuer) = &settings.computer_issuer {
        let _ = write!(
            rules,
            "\n@RuleName = \"Computer: issuer\"\n\
             EXISTS([Type == \"{ACCOUNT_TYPE}\", Value == \"DJ\"])\n \
             => issue(Type = \"{ISSUER_ID}\", Value = \"{issuer}\");\n"
        );
    }
    for domain in &domains {
        write_domain_rule(domain, &domains, &mut rules);
    }
    rules.push('\n');
    rules.push_str(include_str!("entra_pass_through.rules"));
    Ok(rules)
}

/// The query for users, the UPN and the anchor.
fn write_directory_rules(settings: &EntraSettings, rules: &mut String) {
    let (attribute, fallback) = match &settings.source_anchor {
        SourceAnchor::ObjectGuid => (None, true),
        SourceAnchor::ConsistencyGuid => (Some("mS-DS-ConsistencyGuid"), true),
        SourceAnchor::Attribute(name) => (Some(name.as_str()), false),
    };
    let mut types = format!("\"{TMP_UPN}\"");
    let mut attributes = settings.upn_attribute.trim().to_owned();
    if fallback {
        let _ = write!(types, ", \"{TMP_GUID}\"");
        attributes.push_str(",objectGUID");
    }
    if let Some(name) = attribute {
        let _ = write!(types, ", \"{TMP_ANCHOR}\"");
        let _ = write!(attributes, ",{}", name.trim());
    }
    let _ = write!(
        rules,
        "\n@RuleName = \"User: ask the directory\"\n\
         NOT EXISTS([Type == \"{ACCOUNT_TYPE}\", Value == \"DJ\"])\n \
         && account:[Type == \"{WINDOWS_ACCOUNT_NAME}\", Issuer == \"AD AUTHORITY\"]\n \
         => add(store = \"Active Directory\", types = ({types}), query = \";{attributes};{{0}}\", param = account.Value);\n\
         \n@RuleName = \"User: UPN\"\n\
         upn:[Type == \"{TMP_UPN}\"]\n \
         => issue(Type = \"{UPN_V1}\", Value = upn.Value);\n"
    );
    if attribute.is_some() {
        let _ = write!(
            rules,
            "\n@RuleName = \"Anchor\"\n\
             anchor:[Type == \"{TMP_ANCHOR}\"]\n \
             => issue(Type = \"{IMMUTABLE_ID}\", Value = anchor.Value);\n"
        );
    }
    let without = if attribute.is_some() && fallback {
        format!("NOT EXISTS([Type == \"{TMP_ANCHOR}\"])\n && ")
    } else {
        String::new()
    };
    // Computers are always anchored by their object GUID.
    let only =
        if fallback { String::new() } else { format!("EXISTS([Type == \"{ACCOUNT_TYPE}\", Value == \"DJ\"])\n && ") };
    let _ = write!(
        rules,
        "\n@RuleName = \"Anchor from the object GUID\"\n\
         {without}{only}guid:[Type == \"{TMP_GUID}\"]\n \
         => issue(Type = \"{IMMUTABLE_ID}\", Value = guid.Value);\n"
    );
}

/// One rule per domain; a longer suffix that is listed too takes its users away.
fn write_domain_rule(domain: &Checked<'_>, all: &[Checked<'_>], rules: &mut String) {
    let pattern = |suffix: &str| format!(r"(?i)^[^@]+@([^@]+\.)?{}\z", suffix.replace('.', r"\."));
    let mut tests = format!("Type == \"{UPN_V1}\", Value =~ \"{}\"", pattern(&domain.suffix));
    let inner = format!(".{}", domain.suffix);
    for longer in all.iter().filter(|other| other.suffix.ends_with(&inner)) {
        let _ = write!(tests, ", Value !~ \"{}\"", pattern(&longer.suffix));
    }
    let _ = write!(
        rules,
        "\n@RuleName = \"User: issuer for {}\"\n\
         NOT EXISTS([Type == \"{ACCOUNT_TYPE}\", Value == \"DJ\"])\n \
         && upn:[{tests}]\n \
         => issue(Type = \"{ISSUER_ID}\", Value = \"{}\");\n",
        domain.suffix, domain.issuer_uri
    );
}

struct Checked<'a> {
    /// Lower case.
    suffix: String,
    issuer_uri: &'a str,
}

fn checked(settings: &EntraSettings) -> Result<Vec<Checked<'_>>, EntraRulesError> {
    attribute_name("upn_attribute", &settings.upn_attribute)?;
    if let SourceAnchor::Attribute(name) = &settings.source_anchor {
        attribute_name("source_anchor", name)?;
    }
    if let Some(issuer) = &settings.computer_issuer {
        writable("computer_issuer", issuer)?;
    }
    let mut domains: Vec<Checked<'_>> = Vec::with_capacity(settings.domains.len());
    for domain in &settings.domains {
        writable("issuer_uri", &domain.issuer_uri)?;
        let suffix = domain.suffix.trim().trim_start_matches('@').to_lowercase();
        let label =
            |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
        if suffix.len() > 255 || !suffix.split('.').all(label) {
            return Err(EntraRulesError::Suffix { suffix: domain.suffix.clone() });
        }
        if domains.iter().any(|known| known.suffix == suffix) {
            return Err(EntraRulesError::DuplicateSuffix { suffix });
        }
        domains.push(Checked { suffix, issuer_uri: &domain.issuer_uri });
    }
    Ok(domains)
}

fn writable(setting: &'static str, value: &str) -> Result<(), EntraRulesError> {
    if value.trim().is_empty() {
        return Err(EntraRulesError::Empty { setting });
    }
    if value.contains(['"', '\n', '\r']) {
        return Err(EntraRulesError::Unwritable { setting, value: value.to_owned() });
    }
    Ok(())
}

fn attribute_name(setting: &'static str, value: &str) -> Result<(), EntraRulesError> {
    writable(setting, value)?;
    if value.trim().chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Ok(());
    }
    Err(EntraRulesError::Attribute { setting, value: value.to_owned() })
}

const TMP_UPN: &str = "urn:chancery:tmp/upn";
const TMP_GUID: &str = "urn:chancery:tmp/guid";
const TMP_ANCHOR: &str = "urn:chancery:tmp/anchor";
