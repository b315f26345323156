//! Rules that can never act: conditions on types that are made too late or by nobody, and tests that exclude each other.

use std::collections::HashSet;

use super::facts::{Facts, asks_type, is_needed, literal, makes, passes, pattern};
use super::{Found, LintCode, types};
use crate::claims::Stage;
use crate::claims::language::{Condition, Operator, Property, Rule, Span, Test};

pub(super) fn lint(facts: &Facts<'_>, found: &mut Found<'_>) {
    let mut told: HashSet<&str> = HashSet::new();
    for (index, rule) in facts.rules() {
        for condition in &rule.conditions {
            excluded(condition, found);
            pattern_of_later(index, condition, facts, found);
            // A rule that makes a claim unless there is one asks for its own type.
            let own = makes(rule).is_some_and(|own| asks_type(condition).is_some_and(|asked| own.text == asked.text));
            let before = found.lints.len();
            if is_needed(condition) || !own {
                made_later(index, condition, facts, found);
            }
            if is_needed(condition) && found.lints.len() == before {
                unknown(index, condition, facts, &mut told, found);
            }
        }
        impossible_counts(rule, found);
    }
}

/// A type that only rules behind this one make: those of the Entra trust, and those that are only added, for rules to see.
fn made_later(index: usize, condition: &Condition, facts: &Facts<'_>, found: &mut Found<'_>) {
    let Some(literal) = asks_type(condition) else { return };
    let makers = facts.makers(&literal.text);
    let Some(first) = makers.first().filter(|first| **first >= index) else { return };
    if !is_of_rules_alone(&literal.text, facts) || facts.anything_before(index) {
        return;
    }
    let effect = if is_needed(condition) { "never holds" } else { "always holds" };
    let message = if *first == index {
        format!("only this rule makes claims of this type, and a rule never sees its own: the condition {effect}")
    } else {
        let maker = first + 1;
        format!("claims of this type are made by rule {maker}, behind this one: the condition {effect}")
    };
    let help = "rules run in their order; put the rule that makes the claims first";
    found.push(LintCode::MadeLater, literal.span, message, help);
}

/// Whether claims of the type come from these rules and from nowhere else: those of the Entra trust, and those that are only added.
pub(super) fn is_of_rules_alone(claim_type: &str, facts: &Facts<'_>) -> bool {
    let makers = facts.makers(claim_type);
    types::is_made_by_rules(claim_type)
        || (!makers.is_empty() && !types::is_known(claim_type, facts) && makers.iter().all(|maker| facts.adds(*maker)))
}

/// As [`made_later`], for a pattern: of all types there are it matches such only as rules behind this one make.
fn pattern_of_later(index: usize, condition: &Condition, facts: &Facts<'_>, found: &mut Found<'_>) {
    let of_types = condition.tests().iter().filter(|test| test.property.property == Property::Type);
    let mut of_types = of_types.filter(|test| test.operator == Operator::Match);
    let (Some(test), None) = (of_types.next(), asks_type(condition)) else { return };
    let Some((pattern, written)) = pattern(test) else { return };
    let matches = |claim_type: &str| pattern.is_match(claim_type).unwrap_or(true);
    let made: Vec<&str> = facts.made().filter(|made| matches(made)).collect();
    let of_rules = |made: &&str| is_of_rules_alone(made, facts);
    let later = |made: &&str| facts.makers(made).iter().all(|maker| *maker >= index);
    if made.is_empty() || !made.iter().all(of_rules) || !made.iter().all(later) {
        return;
    }
    if facts.anything_before(index) || types::any_known(facts, matches) {
        return;
    }
    let effect = if is_needed(condition) { "never holds" } else { "always holds" };
    let message = format!(
        "the claim types that this pattern matches are made by rules behind this one only: the condition {effect}"
    );
    let help =
        "rules run in their order, and a rule never sees its own claims; put the rules that make the claims first";
    found.push(LintCode::MadeLater, written.span, message, help);
}

/// Said once for each type: it may come from a claims provider.
fn unknown<'a>(
    index: usize,
    condition: &'a Condition,
    facts: &Facts<'_>,
    told: &mut HashSet<&'a str>,
    found: &mut Found<'_>,
) {
    if facts.context.stage == Some(Stage::AcceptanceTransform) || facts.anything_before(index) {
        return;
    }
    let Some(literal) = types::unknown(condition, facts) else { return };
    let made_before = facts.makers(&literal.text).first().is_some_and(|maker| *maker < index);
    if made_before || !told.insert(&literal.text) {
        return;
    }
    found.push(
        LintCode::UnknownClaimType,
        literal.span,
        "no rule before this one makes claims of this type, and it is none of the built-in ones: the condition holds only when \
         acceptance rules let such claims in",
        "compare the type with the one that is issued, letter by letter",
    );
}

/// Literal tests of one property that no value passes together: the values that one of them leaves, by `==` or by a pattern that is no more
/// than a list of texts, and tests that all of those fail.
fn excluded(condition: &Condition, found: &mut Found<'_>) {
    let tests = condition.tests();
    let mut seen: Vec<&Property> = Vec::new();
    for test in tests {
        let property = &test.property.property;
        if seen.contains(&property) {
            continue;
        }
        let Some(values) = values(test) else { continue };
        if values.iter().any(|value| passes(tests, property, value)) {
            continue;
        }
        seen.push(property);
        // The one test that all of them fail, or as good: one that some fail.
        let fails = |other: &&Test, value: &String| !passes(std::slice::from_ref(other), property, value);
        let all = tests.iter().find(|other| values.iter().all(|value| fails(other, value)));
        let other = all.or_else(|| tests.iter().find(|other| values.iter().any(|value| fails(other, value))));
        let Some(other) = other else { continue };
        let help = if *property == Property::Type {
            "one claim has one type; write one rule for each type, or one pattern: Type =~ \"^(a|b)$\""
        } else {
            "tests in one [ ] are about the same claim; write one rule for each value, or one pattern: =~ \"^(a|b)$\""
        };
        let span = Span { start: test.span.start.min(other.span.start), end: test.span.end.max(other.span.end) };
        let message = format!("no claim passes both tests of {property}: the condition never matches");
        found.push(LintCode::NeverMatches, span, message, help);
    }
}

/// Every text that passes the test; `None` where that is no short list.
fn values(test: &Test) -> Option<Vec<String>> {
    match test.operator {
        Operator::Equal => Some(vec![literal(test)?.text.to_string()]),
        Operator::Match => pattern(test)?.0.only_texts(),
        Operator::NotEqual | Operator::NotMatch => None,
    }
}

/// COUNT compared so that it never holds.
fn impossible_counts(rule: &Rule, found: &mut Found<'_>) {
    for condition in &rule.conditions {
        let Condition::Count(count) = condition else { continue };
        let number = u64::from(count.number);
        // A comparison that holds for neither none, nor as many, nor more, holds for nothing.
        if ![0, number.saturating_sub(1), number, number + 1].iter().any(|n| count.comparison.holds(*n, number)) {
            let message = "a count is never below zero: the condition never holds";
            found.push(LintCode::NeverMatches, count.claims.span, message, "write NOT EXISTS([…]) for \"none\"");
        }
    }
}
