//! The static rules V1 to V8 and V11 (claims.md 1.2) on one parsed rule.

use super::{
    Action, Condition, Expression, Findings, Form, Ident, Property, Rule, RuleProblemKind, RuleWarningKind, Test, Verb,
};
use crate::claims::Text;
use crate::claims::store::QueryText;

/// Records every problem of a rule that its syntax does not show.
pub(super) fn check(rule: &Rule, findings: &mut Findings<'_>) {
    for annotation in &rule.annotations {
        if !["RuleName", "RuleTemplate"].iter().any(|known| annotation.name.text.eq_ignore_ascii_case(known)) {
            let name = annotation.name.text.clone();
            findings.warning(annotation.name.span, RuleWarningKind::UnknownAnnotation { name });
        }
    }
    let all: Vec<&Ident> = rule.conditions.iter().filter_map(Condition::tag).collect();
    let mut bound: Vec<&Ident> = Vec::new();
    for condition in &rule.conditions {
        for test in condition.tests() {
            check_test(test, &bound, &all, findings);
        }
        if let Some(tag) = condition.tag() {
            if contains(&bound, &tag.text) {
                let kind = RuleProblemKind::DuplicateTag { tag: tag.text.clone() };
                findings.problem(tag.span, kind, Some(String::from("tags compare without regard to case")));
            }
            bound.push(tag);
        }
    }
    check_action(&rule.action, &bound, findings);
}

fn contains(tags: &[&Ident], tag: &str) -> bool {
    tags.iter().any(|known| known.text.eq_ignore_ascii_case(tag))
}

fn check_test(test: &Test, bound: &[&Ident], all: &[&Ident], findings: &mut Findings<'_>) {
    check_expression(&test.operand, bound, all, findings);
}

fn check_expression(expression: &Expression, bound: &[&Ident], all: &[&Ident], findings: &mut Findings<'_>) {
    match expression {
        Expression::Literal(_) => {}
        Expression::Property { tag, .. } => {
            if contains(bound, &tag.text) {
                return;
            }
            let text: Text = tag.text.clone();
            if contains(all, &tag.text) {
                let help = "a test may use the tags of earlier conditions only, never its own or a later one";
                findings.problem(tag.span, RuleProblemKind::UnboundTag { tag: text }, Some(help.to_owned()));
            } else {
                findings.problem(
                    tag.span,
                    RuleProblemKind::UnknownTag { tag: text, in_copy: false },
                    Some(known_tags(all)),
                );
            }
        }
        Expression::Call { function, arguments, span } => {
            if !function.text.eq_ignore_ascii_case("RegExReplace") {
                let name = function.text.to_ascii_lowercase();
                let help = if name.contains("lower") || name.contains("upper") {
                    "the language does not change case; ask the store: issue(store = \"StringProcessing\", types = (\"…\"), \
                     query = \"toLower\", param = c.Value)"
                } else {
                    "the only function is RegExReplace(input, pattern, replacement)"
                };
                let help = Some(help.to_owned());
                findings.problem(function.span, RuleProblemKind::UnknownFunction { name: function.text.clone() }, help);
            } else if arguments.len() != 3 {
                findings.problem(*span, RuleProblemKind::ArgumentCount { found: arguments.len() }, None);
            }
            for argument in arguments {
                check_expression(argument, bound, all, findings);
            }
        }
        Expression::Concatenation(parts) => {
            for part in parts {
                check_expression(part, bound, all, findings);
            }
        }
    }
}

fn known_tags(all: &[&Ident]) -> String {
    if all.is_empty() {
        return String::from("bind the claim to a tag by a condition of the form c:[…]");
    }
    let tags: Vec<&str> = all.iter().map(|tag| &*tag.text).collect();
    format!("the tags of this rule are: {}", tags.join(", "))
}

fn check_action(action: &Action, bound: &[&Ident], findings: &mut Findings<'_>) {
    match &action.form {
        Form::Copy(tag) => {
            if !contains(bound, &tag.text) {
                let kind = RuleProblemKind::UnknownTag { tag: tag.text.clone(), in_copy: true };
                findings.problem(tag.span, kind, Some(known_tags(bound)));
            }
            if action.verb == Verb::Add {
                findings.warning(action.span, RuleWarningKind::AddCopy);
            }
        }
        Form::Create(assignments) => {
            for (index, assignment) in assignments.iter().enumerate() {
                let property = &assignment.property;
                if assignments.iter().take(index).any(|earlier| earlier.property.property == property.property) {
                    let kind = RuleProblemKind::DuplicateProperty { property: property.property.to_string() };
                    findings.problem(property.span, kind, None);
                }
                check_expression(&assignment.value, bound, bound, findings);
            }
            if !assignments.iter().any(|assignment| assignment.property.property == Property::Type) {
                let help = Some(String::from("add Type = \"…\""));
                findings.problem(action.span, RuleProblemKind::MissingType, help);
            }
        }
        Form::Store(call) => {
            if call.store.text.trim() != &*call.store.text {
                findings.warning(call.store.span, RuleWarningKind::BlankInStoreName);
            }
            for param in &call.params {
                check_expression(param, bound, bound, findings);
            }
            let highest = QueryText::parse(&call.query.text).highest_placeholder();
            if let Some(index) = highest.filter(|index| *index >= call.params.len()) {
                let kind = RuleProblemKind::MissingParameter { index, params: call.params.len() };
                findings.problem(call.query.span, kind, Some(String::from("the first param is {0}")));
            }
        }
    }
}
