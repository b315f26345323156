//! Which rules could make a claim, by their text alone.

use crate::claims::language::{Condition, Expression, Form, Operator, ParseOptions, Property, Rule, Test, Verb, parse};

/// Whether an action of this kind in `rule` could make a claim of this type.
pub fn could_make(rule: &Rule, verb: Verb, claim_type: &str) -> bool {
    if rule.action.verb != verb {
        return false;
    }
    match &rule.action.form {
        Form::Store(call) => call.types.iter().any(|literal| &*literal.text == claim_type),
        Form::Create(assignments) => assignments
            .iter()
            .filter(|assignment| assignment.property.property == Property::Type)
            .any(|assignment| may_be(&assignment.value, claim_type)),
        Form::Copy(tag) => rule.conditions.iter().any(|condition| match condition {
            Condition::Select(selector) => {
                let is_meant = selector.tag.as_ref().is_some_and(|own| own.text.eq_ignore_ascii_case(&tag.text));
                is_meant && selector.tests.iter().all(|test| allows_type(test, claim_type))
            }
            Condition::Exists { .. } | Condition::Count(_) => false,
        }),
    }
}

/// The places of the rules of a text that could make a claim of this type, from 0.
pub fn candidates(text: &str, verb: Verb, claim_type: &str) -> Vec<usize> {
    let Ok((rules, _)) = parse(text, ParseOptions { comments: true, lenient: true }) else { return Vec::new() };
    let makes = |rule: &Rule| could_make(rule, verb, claim_type);
    rules.rules.iter().enumerate().filter(|(_, rule)| makes(rule)).map(|(index, _)| index).collect()
}

/// Only a literal is certain.
fn may_be(expression: &Expression, text: &str) -> bool {
    match expression {
        Expression::Literal(literal) => &*literal.text == text,
        Expression::Property { .. } | Expression::Call { .. } | Expression::Concatenation(_) => true,
    }
}

fn allows_type(test: &Test, claim_type: &str) -> bool {
    test.property.property != Property::Type || test.operator != Operator::Equal || may_be(&test.operand, claim_type)
}
