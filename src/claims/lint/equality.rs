//! A regular expression under `==` or `!=`, which compare the text as it stands.

use super::facts::{Facts, literal};
use super::{Found, LintCode};
use crate::claims::language::{Condition, Operator};

pub(super) fn lint(facts: &Facts<'_>, found: &mut Found<'_>) {
    for test in facts.rules().flat_map(|(_, rule)| &rule.conditions).flat_map(Condition::tests) {
        let Some(text) = literal(test).filter(|_| !test.operator.is_pattern()) else { continue };
        if !looks_like_pattern(&text.text) {
            continue;
        }
        let (outcome, operator) = match test.operator {
            Operator::Equal => ("never holds, unless a value is this very text", "=~"),
            _ => ("always holds, unless a value is this very text", "!~"),
        };
        let message =
            format!("this is a regular expression, but {} compares texts: the test {outcome}", test.operator.as_str());
        let pattern = text.text.trim_start_matches('^').trim_end_matches('$');
        let help = format!("write {operator} \"^({pattern})$\" to test the whole value against the expression");
        found.push(LintCode::PatternUnderEquality, test.span, message, help);
    }
}

fn looks_like_pattern(text: &str) -> bool {
    let bars = text.contains('|') && !text.contains(' ');
    let anchored = text.starts_with('^') && text.len() > 1;
    bars || anchored
        || ["(?i)", ".*", ".+", "\\d", "\\.", "[0-9]", "[a-z", "[A-Z"].iter().any(|part| text.contains(part))
}
