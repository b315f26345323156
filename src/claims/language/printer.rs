//! Syntax tree to text, in the canonical layout: one annotation or condition per line.
//!
//! A rule that nobody changed should be printed by its span instead, which keeps it octet for octet.

use std::fmt::Write as _;

use super::{Condition, Expression, Form, Rule, Rules, Test};

/// All rules in canonical layout, an empty line between them.
pub fn print_rules(rules: &Rules) -> String {
    let printed: Vec<String> = rules.rules.iter().map(print_rule).collect();
    printed.join("\n")
}

/// One rule in canonical layout, with a final line end.
pub fn print_rule(rule: &Rule) -> String {
    let mut out = String::new();
    for annotation in &rule.annotations {
        let _ = writeln!(out, "@{} = \"{}\"", annotation.name.text, annotation.value.text);
    }
    for (index, condition) in rule.conditions.iter().enumerate() {
        let join = if index == 0 { "" } else { " && " };
        out.push_str(join);
        print_condition(condition, &mut out);
        out.push('\n');
    }
    let arrow = if rule.conditions.is_empty() { "=> " } else { " => " };
    out.push_str(arrow);
    out.push_str(rule.action.verb.as_str());
    out.push('(');
    match &rule.action.form {
        Form::Copy(tag) => {
            let _ = write!(out, "claim = {}", tag.text);
        }
        Form::Create(assignments) => {
            for (index, assignment) in assignments.iter().enumerate() {
                separate(index, &mut out);
                let _ = write!(out, "{} = ", assignment.property.property);
                print_expression(&assignment.value, &mut out);
            }
        }
        Form::Store(call) => {
            let _ = write!(out, "store = \"{}\", types = (", call.store.text);
            for (index, claim_type) in call.types.iter().enumerate() {
                separate(index, &mut out);
                let _ = write!(out, "\"{}\"", claim_type.text);
            }
            let _ = write!(out, "), query = \"{}\"", call.query.text);
            for param in &call.params {
                out.push_str(", param = ");
                print_expression(param, &mut out);
            }
        }
    }
    out.push_str(");\n");
    out
}

fn print_condition(condition: &Condition, out: &mut String) {
    match condition {
        Condition::Select(selector) => {
            if let Some(tag) = &selector.tag {
                let _ = write!(out, "{}:", tag.text);
            }
            print_tests(&selector.tests, out);
        }
        Condition::Exists { negated, claims } => {
            out.push_str(if *negated { "NOT EXISTS(" } else { "EXISTS(" });
            print_tests(&claims.tests, out);
            out.push(')');
        }
        Condition::Count(count) => {
            out.push_str("COUNT(");
            print_tests(&count.claims.tests, out);
            let _ = write!(out, ") {} {}", count.comparison.as_str(), count.number);
        }
    }
}

fn print_tests(tests: &[Test], out: &mut String) {
    out.push('[');
    for (index, test) in tests.iter().enumerate() {
        separate(index, out);
        let _ = write!(out, "{} {} ", test.property.property, test.operator.as_str());
        print_expression(&test.operand, out);
    }
    out.push(']');
}

fn print_expression(expression: &Expression, out: &mut String) {
    match expression {
        Expression::Literal(literal) => {
            let _ = write!(out, "\"{}\"", literal.text);
        }
        Expression::Property { tag, property, .. } => {
            let _ = write!(out, "{}.{}", tag.text, property.property);
        }
        Expression::Call { function, arguments, .. } => {
            let _ = write!(out, "{}(", function.text);
            for (index, argument) in arguments.iter().enumerate() {
                separate(index, out);
                print_expression(argument, out);
            }
            out.push(')');
        }
        Expression::Concatenation(parts) => {
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    out.push_str(" + ");
                }
                print_expression(part, out);
            }
        }
    }
}

fn separate(index: usize, out: &mut String) {
    if index > 0 {
        out.push_str(", ");
    }
}
