//! Replacements that let a value through as it is, or cut more than they say.

use super::facts::{Facts, Replacement, asks_type, bound_by, computed, makes, pattern, replacements};
use super::{Found, LintCode};
use crate::claims::language::{Expression, Operator, Property, PropertyRef, Rule};
use crate::claims::types;

pub(super) fn lint(facts: &Facts<'_>, found: &mut Found<'_>) {
    for (_, rule) in facts.rules() {
        for replacement in computed(rule).into_iter().flat_map(replacements) {
            if let Some(most) = replacement.pattern.cuts_too_much() {
                found.push(
                    LintCode::CutsTooMuch,
                    replacement.literal.span,
                    format!("meant to cut values to {most} characters, this also takes the last character of every shorter one"),
                    format!("let what follows be cut only when there is something: ^(?<start>.{{{most}}}).+$"),
                );
            }
            // What becomes of issuerid has a lint of its own.
            let issuer_id = makes(rule).is_some_and(|literal| &*literal.text == types::ISSUER_ID);
            if !issuer_id && fails_open(rule, &replacement) {
                found.push(
                    LintCode::ReplacementMayNotMatch,
                    replacement.literal.span,
                    "a value this pattern does not match is issued as it is",
                    "test the value by the same pattern in the condition: Value =~ \"…\"",
                );
            }
        }
    }
}

/// Whether a replacement is made to take a part of its whole input, and nothing makes sure that the input is of that form.
fn fails_open(rule: &Rule, replacement: &Replacement<'_>) -> bool {
    let whole = replacement.pattern.is_held_at_start() && replacement.pattern.is_held_at_end();
    let takes_part = matches!(replacement.with, Expression::Literal(literal) if literal.text.contains('$'));
    if !(whole && takes_part && replacement.pattern.has_groups()) {
        return false;
    }
    let Expression::Property { tag, property, .. } = replacement.input else { return false };
    !replacement.pattern.asks_for_length_only()
        && !is_guarded(rule, &tag.text, property, replacement)
        && !is_looked_at(rule, &tag.text, property)
}

/// Whether the condition that binds the tag takes only values of some form; then its author has thought of the others.
fn is_looked_at(rule: &Rule, tag: &str, property: &PropertyRef) -> bool {
    let Some(condition) = bound_by(rule, tag) else { return false };
    condition.tests().iter().any(|test| {
        test.property.property == property.property
            && test.operator == Operator::Match
            && pattern(test).is_some_and(|(pattern, _)| pattern.is_held_at_start() && pattern.is_held_at_end())
    })
}

/// Whether the condition that binds the tag takes only values the pattern matches: by the same pattern, by a literal, or
/// because claims of its type always look so.
pub(super) fn is_guarded(rule: &Rule, tag: &str, property: &PropertyRef, replacement: &Replacement<'_>) -> bool {
    let Some(condition) = bound_by(rule, tag) else { return false };
    let matches = |value: &str| replacement.pattern.is_match(value).unwrap_or(false);
    let by_test =
        condition.tests().iter().filter(|test| test.property.property == property.property).any(|test| {
            match (test.operator, &test.operand) {
                (Operator::Equal, Expression::Literal(literal)) => matches(&literal.text),
                (Operator::Match, _) => {
                    pattern(test).is_some_and(|(pattern, _)| pattern.is_alike(&replacement.pattern))
                }
                _ => false,
            }
        });
    let samples = asks_type(condition).map_or(&[][..], |literal| samples(&literal.text));
    by_test
        || (property.property == Property::Value && !samples.is_empty() && samples.iter().all(|sample| matches(sample)))
}

/// What values of a known type look like.
fn samples(claim_type: &str) -> &'static [&'static str] {
    match claim_type {
        types::WINDOWS_ACCOUNT_NAME | types::NAME => &["CORP\\alice", "OTHER\\WS-01$"],
        types::UPN | types::UPN_V1 | types::IMPLICIT_UPN => &["alice@corp.example", "b.o'b@sales.other.example"],
        types::PRIMARY_SID | types::GROUP_SID | types::PRIMARY_GROUP_SID => &["S-1-5-21-1-2-3-512", "S-1-5-11"],
        _ => &[],
    }
}
