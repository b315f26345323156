//! Patterns for SIDs that longer SIDs match as well.

use super::facts::{Facts, asks_type, pattern};
use super::{Found, LintCode};
use crate::claims::language::{Operator, Property};

pub(super) fn lint(facts: &Facts<'_>, found: &mut Found<'_>) {
    for condition in facts.rules().flat_map(|(_, rule)| &rule.conditions) {
        let about_sids = asks_type(condition).is_some_and(|literal| literal.text.ends_with("sid"));
        for test in condition.tests().iter().filter(|test| test.property.property == Property::Value) {
            let Some((pattern, literal)) = pattern(test) else { continue };
            if !(about_sids || literal.text.contains("S-1-5-")) || !pattern.ends_in_digit() {
                continue;
            }
            let wrong = if test.operator == Operator::Match { "matches" } else { "excludes" };
            found.push(
                LintCode::OpenSidPattern,
                literal.span,
                format!(
                    "nothing ends this pattern: it {wrong} every SID that goes on with more digits, such as {}0",
                    last_digits(&literal.text)
                ),
                "put $ at the end, and ( ) around alternatives: \"^(S-1-5-…-512|S-1-5-…-519)$\"",
            );
        }
    }
}

/// The last number of the pattern.
fn last_digits(pattern: &str) -> String {
    let digits: Vec<char> =
        pattern.chars().rev().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    format!("…-{}", digits.iter().rev().collect::<String>())
}
