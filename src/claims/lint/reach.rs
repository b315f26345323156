//! Rules that can never act: conditions on types that are made too late or by nobody, and tests that exclude each other.

use std::collections::HashSet;

use super::facts::{Facts, asks_type, is_needed, literal, makes, passes};
use super::{Found, LintCode, types};
use crate::claims::Stage;
use crate::claims::language::{Condition, Operator, Property, Rule, Span, Test};

pub(super) fn lint(facts: &Facts<'_>, found: &mut Found<'_>) {
    let mut told: HashSet<&str> = HashSet::new();
    for (index, rule) in facts.rules() {
        for condition in &rule.conditions {
            excluded(condition, found);
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
    let only_added = || makers.iter().all(|maker| facts.adds(*maker));
    let inside = types::is_made_by_rules(&literal.text) || (!types::is_known(&literal.text, facts) && only_added());
    if !inside || facts.anything_before(index) {
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

/// Literal tests of one property that no value passes together: one value asked for by `==`, and a test it fails.
fn excluded(condition: &Condition, found: &mut Found<'_>) {
    let tests = condition.tests();
    let mut seen: Vec<&Property> = Vec::new();
    for test in tests.iter().filter(|test| test.operator == Operator::Equal) {
        let property = &test.property.property;
        let Some(value) = literal(test).filter(|_| !seen.contains(&property)) else { continue };
        seen.push(property);
        let fails = |other: &&Test| !passes(std::slice::from_ref(other), property, &value.text);
        let Some(other) = tests.iter().find(fails) else { continue };
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
