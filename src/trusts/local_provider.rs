//! The acceptance transform rules of the local claims provider: those of the configuration, with a warning where a rule would make what
//! the server alone may state.
//!
//! A warning only: what such a rule makes is known when it runs, and the issue path refuses it then.

use super::TrustContext;
use super::rules::{self, RuleKeys};
use crate::claims::language::{self, Expression, Form, Property};
use crate::claims::{ParseOptions, RuleSet, types};
use crate::config::ActiveDirectory;
use crate::config::diagnostic::Code;

/// The rules of the section. `None` when it has none, and the default ones hold; or when they are wrong (then there is a finding).
pub(crate) fn compile(section: &ActiveDirectory, context: &mut TrustContext<'_, '_, '_>) -> Option<RuleSet> {
    const KEYS: RuleKeys =
        RuleKeys { inline: "active_directory.acceptance_rules", file: "active_directory.acceptance_rules_file" };
    let (text, file) = (section.acceptance_rules.as_deref(), section.acceptance_rules_file.as_deref());
    let rules = rules::compile(text, file, &KEYS, context)?;
    let key = if text.is_some() { KEYS.inline } else { KEYS.file };
    if rules.is_empty() {
        context.findings.warning(
            Code::Advice,
            key,
            "there is no acceptance rule: nothing that Active Directory says of its accounts gets in",
            "take the key out for the rules that hold without it, or pass at least `windowsaccountname` and `primarysid`",
        );
    }
    for claim_type in made(&rules) {
        context.findings.warning(
            Code::ClaimRule,
            key,
            format!("a rule makes claims of the type {claim_type}, which the server alone may state"),
            "a sign-in to which the rule adds one is refused: pass such claims on, or leave them out",
        );
    }
    Some(rules)
}

/// The types among [`types::STATED_BY_SERVER`] that a rule names for what it makes, each once.
fn made(rules: &RuleSet) -> Vec<String> {
    let Ok((tree, _)) = language::parse(rules.text(), ParseOptions::default()) else { return Vec::new() };
    let mut found: Vec<String> = Vec::new();
    for rule in &tree.rules {
        let named: Vec<&str> = match &rule.action.form {
            Form::Copy(_) => Vec::new(),
            Form::Create(assignments) => {
                let types = assignments.iter().filter(|assignment| assignment.property.property == Property::Type);
                types.filter_map(|assignment| literal(&assignment.value)).collect()
            }
            Form::Store(call) => call.types.iter().map(|claim_type| &*claim_type.text).collect(),
        };
        for claim_type in named {
            if types::STATED_BY_SERVER.contains(&claim_type) && !found.iter().any(|known| known == claim_type) {
                found.push(claim_type.to_owned());
            }
        }
    }
    found
}

fn literal(expression: &Expression) -> Option<&str> {
    match expression {
        Expression::Literal(literal) => Some(&literal.text),
        Expression::Property { .. } | Expression::Call { .. } | Expression::Concatenation(_) => None,
    }
}
