//! Syntax tree to text: in the canonical layout, one annotation or condition per line, or as it was written.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::lexer::{has_comment, tokenize};
use super::{Condition, Expression, Form, Rule, Rules, Span, Test};

/// The text with some rules changed, each given by its place in the set. Everything else stays octet for octet; without a
/// change the text itself comes back.
pub fn replace_rules(rules: &Rules, changed: &BTreeMap<usize, Rule>) -> String {
    let mut out = String::with_capacity(rules.text.len());
    let mut copied = 0;
    for (index, rule) in rules.rules.iter().enumerate() {
        let Some(changed) = changed.get(&index) else { continue };
        let span = rule.span.range();
        out.push_str(rules.text.get(copied..span.start).unwrap_or_default());
        out.push_str(print_rule(changed).trim_end());
        copied = span.end;
    }
    out.push_str(rules.text.get(copied..).unwrap_or_default());
    out
}

/// All rules in canonical layout, an empty line between them. Comments are kept where they stand: those between rules on
/// lines of their own, and a rule with a comment inside as it was written.
pub fn format_rules(rules: &Rules) -> String {
    let mut parts: Vec<String> = Vec::with_capacity(rules.rules.len() + 1);
    let mut end = 0;
    for rule in &rules.rules {
        let mut part = comments(rules, Span { start: end, end: rule.span.start }, &mut parts);
        let written = rules.text.get(rule.span.range()).unwrap_or_default();
        if written.ends_with(';') && has_comment(written) {
            part.push_str(written);
            part.push('\n');
        } else {
            part.push_str(&print_rule(rule));
        }
        parts.push(part);
        end = rule.span.end;
    }
    let rest = comments(rules, Span { start: end, end: u32::MAX }, &mut parts);
    if !rest.is_empty() {
        parts.push(rest);
    }
    parts.join("\n")
}

/// The comments in a stretch of text between two rules, each on a line of its own. One that stands behind a rule on its
/// last line is put there again.
fn comments(rules: &Rules, span: Span, before: &mut [String]) -> String {
    let start = span.start as usize;
    let between = rules.text.get(start..(span.end as usize).min(rules.text.len())).unwrap_or_default();
    let mut out = String::new();
    let mut line_ended = false;
    let mut end = 0;
    for token in tokenize(between, false) {
        let text = between.get(token.span.range()).unwrap_or_default().trim_end();
        line_ended |= between.get(end..token.span.start as usize).unwrap_or_default().contains(['\n', '\r']);
        end = token.span.end as usize;
        match before.last_mut() {
            _ if text.is_empty() => {}
            Some(rule) if !line_ended => {
                rule.truncate(rule.trim_end().len());
                rule.push(' ');
                rule.push_str(text);
                rule.push('\n');
            }
            _ => {
                out.push_str(text);
                out.push('\n');
            }
        }
    }
    out
}

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
            let known = function.text.eq_ignore_ascii_case(REPLACE);
            let _ = write!(out, "{}(", if known { REPLACE } else { &function.text });
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

/// The one function, as AD FS writes it.
const REPLACE: &str = "RegExReplace";
