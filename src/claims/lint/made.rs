//! Conditions on claims that only the rules before them make, and that none of those passes: the value, a property or an issuer is
//! another one, as far as the rules write it out.

use super::facts::{Facts, asks_type, assigned, is_needed, literal, passes};
use super::reach::is_of_rules_alone;
use super::{Found, LintCode};
use crate::claims::language::{Condition, Expression, Form, Property, Rule};
use crate::claims::types::{issuer, value_type};

pub(super) fn lint(facts: &Facts<'_>, found: &mut Found<'_>) {
    for (index, rule) in facts.rules() {
        for condition in &rule.conditions {
            passed_by_none(index, condition, facts, found);
        }
    }
}

fn passed_by_none(index: usize, condition: &Condition, facts: &Facts<'_>, found: &mut Found<'_>) {
    let Some(asked) = asks_type(condition) else { return };
    let makers: Vec<usize> = facts.makers(&asked.text).iter().copied().filter(|maker| *maker < index).collect();
    if makers.is_empty() || !is_of_rules_alone(&asked.text, facts) || facts.anything_before(index) {
        return;
    }
    let made = |maker: &usize| facts.rules.rules.get(*maker);
    // One test that every maker fails says more than the condition as a whole.
    let tests = condition.tests().iter().filter(|test| literal(test).is_some());
    for test in tests.filter(|test| test.property.property != Property::Type) {
        let property = &test.property.property;
        let may_pass = |rule: &Rule| match text_of(rule, property) {
            Some(text) => passes(std::slice::from_ref(test), property, text),
            None => true,
        };
        if makers.iter().filter_map(made).any(may_pass) {
            continue;
        }
        let effect = if is_needed(condition) { "never holds" } else { "always holds" };
        let numbers: Vec<String> = makers.iter().map(|maker| (maker + 1).to_string()).collect();
        let rules = if numbers.len() == 1 { "rule" } else { "rules" };
        let message = format!(
            "claims of this type are made by {rules} {}, and none of them passes this test of {property}: the condition {effect}",
            numbers.join(", ")
        );
        let help = "compare it letter by letter with what is made; a property that is not set reads as \"\"";
        found.push(LintCode::NeverMatches, test.span, message, help);
        return;
    }
}

/// What a claim that the rule makes has in a property; `None` when that is known only when the rule runs.
fn text_of<'r>(rule: &'r Rule, property: &Property) -> Option<&'r str> {
    let default = match property {
        Property::ValueType => value_type::STRING,
        Property::Issuer | Property::OriginalIssuer => issuer::LOCAL_AUTHORITY,
        Property::Type | Property::Value | Property::Named(_) => "",
    };
    match &rule.action.form {
        Form::Create(assignments) => match assigned(assignments, property) {
            None => Some(default),
            Some(Expression::Literal(literal)) => Some(&literal.text),
            Some(_) => None,
        },
        Form::Store(_) if matches!(property, Property::Type | Property::Value) => None,
        Form::Store(_) => Some(default),
        // A copy has the type of what it copies, so it is no maker.
        Form::Copy(_) => None,
    }
}
