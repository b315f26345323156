//! The rule sets and access control policies of a trust file, whatever else is right or wrong in it: `chancery check` judges the rest.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::finding::Finding;
use super::rule_text::RuleText;
use super::source::{self, SourceError};
use crate::claims::Stage;
use crate::claims::language::Location;
use crate::claims::lint::LintContext;
use crate::config::policy_file;
use crate::trusts::entra;

/// Every rule set of a trust file, those in files it names included, and what there is to say of its policies.
pub(super) fn rule_texts(file: &Path, context: &LintContext) -> Result<Vec<Result<RuleText, Finding>>, SourceError> {
    let text: Arc<str> = source::read(file)?.into();
    let shown = source::shown(file);
    let (root, errors) = DeTable::parse_recoverable(&text);
    let root = root.into_inner();
    let mut found: Vec<Result<RuleText, Finding>> = Vec::new();
    if let Some(error) = errors.first() {
        let at = error.span().map_or(0, |span| span.start);
        let location = Location::of(&text, u32::try_from(at).unwrap_or(u32::MAX));
        found.push(Err(Finding::of_toml(shown.clone(), location, error.message())));
    }
    for (table, key, stage) in RULE_SETS {
        let Some(DeValue::Table(values)) = root.get(table).map(Spanned::get_ref) else { continue };
        let mut context = context.clone();
        context.stage = Some(stage);
        context.entra |= names_entra(values);
        if let Some(value) = values.get(key)
            && let DeValue::String(rules) = value.get_ref()
        {
            found.push(Ok(if let Some(range) = content(&text, value.span()) {
                RuleText::within(shown.clone(), text.clone(), range, context.clone())
            } else {
                // With escapes the lines of the rules are not those of the file.
                let name = PathBuf::from(format!("{} ({table}.{key})", shown.display()));
                RuleText::of_file(name, rules.to_string(), context.clone())
            }));
        }
        if let Some(DeValue::String(beside)) = values.get(format!("{key}_file").as_str()).map(Spanned::get_ref) {
            let beside = file.parent().unwrap_or_else(|| Path::new("")).join(&**beside);
            found.push(match source::read(&beside) {
                Ok(text) => Ok(RuleText::of_file(beside, text, context)),
                Err(error) => Err(Finding::of_source(beside, &error)),
            });
        }
    }
    let policies = policy_file::findings(&shown, &text);
    for diagnostic in &policies {
        found.push(Err(Finding::of_diagnostic(shown.clone(), &text, diagnostic)));
    }
    Ok(found)
}

fn names_entra(trust: &DeTable<'_>) -> bool {
    let Some(DeValue::Array(identifiers)) = trust.get("identifiers").map(Spanned::get_ref) else { return false };
    identifiers.iter().any(
        |identifier| matches!(identifier.get_ref(), DeValue::String(text) if entra::IDENTIFIERS.contains(&&**text)),
    )
}

/// The octets between the quotes of a string that has no escapes.
fn content(text: &str, span: std::ops::Range<usize>) -> Option<std::ops::Range<usize>> {
    let raw = text.get(span.clone())?;
    let quotes = ["'''", "\"\"\"", "'", "\""].into_iter().find(|quotes| raw.starts_with(quotes))?;
    let inner = raw.get(quotes.len()..raw.len().checked_sub(quotes.len())?)?;
    if quotes.starts_with('"') && inner.contains('\\') {
        return None;
    }
    // A line end right after the opening quotes is no part of the text; as a blank it does no harm.
    let start = span.start + quotes.len();
    Some(start..start + inner.len())
}

/// Table, key and use of every rule set a trust file or the configuration file may hold.
const RULE_SETS: [(&str, &str, Stage); 7] = [
    ("active_directory", "acceptance_rules", Stage::AcceptanceTransform),
    ("authentication", "additional_authentication_rules", Stage::AdditionalAuthentication),
    ("claims_provider", "acceptance_rules", Stage::AcceptanceTransform),
    ("relying_party", "additional_authentication_rules", Stage::AdditionalAuthentication),
    ("relying_party", "authorization_rules", Stage::IssuanceAuthorization),
    ("relying_party", "delegation_authorization_rules", Stage::DelegationAuthorization),
    ("relying_party", "transform_rules", Stage::IssuanceTransform),
];
