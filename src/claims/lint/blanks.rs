//! Blanks and invisible characters inside strings, which have to match like any other character.

use super::facts::{Facts, computed, literals, patterns};
use super::types::is_known;
use super::{Found, LintCode};
use crate::claims::language::{Condition, Expression, Literal, Operator, Property};

pub(super) fn lint(facts: &Facts<'_>, found: &mut Found<'_>) {
    for (_, rule) in facts.rules() {
        let patterns = patterns(rule);
        for (pattern, literal) in &patterns {
            if pattern.has_stray_blank() {
                let message = "a blank in a pattern stands for a blank: where the value has none, nothing matches";
                found.push(
                    LintCode::StrayBlank,
                    literal.span,
                    message,
                    "remove the blank, or write \\s if one is meant",
                );
            }
        }
        let tests = rule.conditions.iter().flat_map(Condition::tests);
        for test in tests.clone() {
            if let (Operator::Equal | Operator::NotEqual, Expression::Literal(literal)) = (test.operator, &test.operand)
                && literal.text.trim_matches(BLANKS) != &*literal.text
                // Of a known type with a blank another lint speaks.
                && !(test.property.property == Property::Type && is_known(literal.text.trim(), facts))
            {
                let message = "the text begins or ends with a blank, and compares equal only to one that does so too";
                found.push(LintCode::StrayBlank, literal.span, message, "remove the blank");
            }
        }
        let mut written: Vec<&Literal> = Vec::new();
        for expression in tests.map(|test| &test.operand).chain(computed(rule)) {
            literals(expression, &mut written);
        }
        for literal in written {
            if let Some(c) = literal.text.chars().find(|c| is_invisible(*c)) {
                let message = format!("the invisible character U+{:04X} is part of this text", u32::from(c));
                let help = "it probably came along with a copy; write a space, or nothing";
                found.push(LintCode::StrayBlank, literal.span, message, help);
            }
        }
    }
}

fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{A0}' | '\u{AD}' | '\u{2000}'
                ..='\u{200F}' | '\u{2028}' | '\u{2029}' | '\u{202F}' | '\u{2060}' | '\u{FEFF}'
        )
}

const BLANKS: [char; 2] = [' ', '\t'];
