//! `https://` in URIs of the claims namespaces other than claim types: in values, names of properties, and patterns.
//!
//! Pages and editors that make links put it there. Nothing in those namespaces begins so: a rule that asks for a second factor by such
//! a value never asks for one.

use super::facts::{Facts, literals};
use super::{Found, LintCode};
use crate::claims::language::{Assignment, Condition, Expression, Form, Literal, Property, PropertyRef, Rule, Span};

pub(super) fn lint(facts: &Facts<'_>, found: &mut Found<'_>) {
    for (_, rule) in facts.rules() {
        for property in properties(rule) {
            if let Property::Named(name) = &property.property {
                about(name, property.span, found);
            }
        }
        let mut written: Vec<&Literal> = Vec::new();
        for test in rule.conditions.iter().flat_map(Condition::tests) {
            // Of a type that is compared another lint speaks.
            if test.property.property != Property::Type || test.operator.is_pattern() {
                literals(&test.operand, &mut written);
            }
        }
        match &rule.action.form {
            Form::Copy(_) => {}
            Form::Create(assignments) => {
                // The same of a type that is made by name.
                let named = |made: &&Assignment| {
                    made.property.property == Property::Type && matches!(made.value, Expression::Literal(_))
                };
                for made in assignments.iter().filter(|made| !named(made)) {
                    literals(&made.value, &mut written);
                }
            }
            Form::Store(call) => call.params.iter().for_each(|param| literals(param, &mut written)),
        }
        for literal in written {
            about(&literal.text, literal.span, found);
        }
    }
}

fn about(text: &str, span: Span, found: &mut Found<'_>) {
    let plain = text.trim_start_matches(['^', '(', ' ']).replace('\\', "");
    let Some(rest) = plain.strip_prefix("https://") else { return };
    if NAMESPACES.iter().any(|namespace| rest.starts_with(namespace)) {
        let message = "URIs of this namespace begin with http://, this one with https://: it is equal to none of them";
        found.push(LintCode::HttpsUri, span, message, "write http://");
    }
}

/// Every property that a rule names.
fn properties(rule: &Rule) -> impl Iterator<Item = &PropertyRef> {
    let tested = rule.conditions.iter().flat_map(Condition::tests).map(|test| &test.property);
    let assigned = match &rule.action.form {
        Form::Create(assignments) => assignments.as_slice(),
        Form::Copy(_) | Form::Store(_) => &[],
    };
    tested.chain(assigned.iter().map(|assignment| &assignment.property))
}

const NAMESPACES: [&str; 2] = ["schemas.microsoft.com/", "schemas.xmlsoap.org/"];
