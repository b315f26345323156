//! Patterns for IP addresses: prefixes that longer addresses begin with, and dots that match anything.

use super::facts::{Facts, asks_type, pattern};
use super::{Found, LintCode};
use crate::claims::language::Property;
use crate::claims::types;

pub(super) fn lint(facts: &Facts<'_>, found: &mut Found<'_>) {
    for condition in facts.rules().flat_map(|(_, rule)| &rule.conditions) {
        let asked = asks_type(condition).is_some_and(|literal| ADDRESSES.contains(&&*literal.text));
        for test in condition.tests().iter().filter(|test| test.property.property == Property::Value) {
            let Some((pattern, literal)) = pattern(test) else { continue };
            if !asked && !holds_address(&literal.text) {
                continue;
            }
            if pattern.has_bare_dot_between_digits() {
                found.push(
                    LintCode::UnescapedDot,
                    literal.span,
                    "a '.' in a pattern stands for any character: 10.0.0.1 also matches 10.0.011",
                    "write \\. for the dots of an address",
                );
            }
            if pattern.ends_in_digit() || pattern.excludes_prefixes_only() {
                found.push(
                    LintCode::OpenAddressPattern,
                    literal.span,
                    "nothing ends the address: 192.0.2.7 also means 192.0.2.70 to 192.0.2.79",
                    "end each address by \\b, or by ($|,) where the value may be a list of addresses",
                );
            }
        }
    }
}

/// Whether the text holds something like `192\.168\.1\.`: digits and dots, four times.
fn holds_address(pattern: &str) -> bool {
    let plain = pattern.replace("\\.", ".");
    let mut best = 0;
    let mut parts = 0;
    let mut digits = false;
    for c in plain.chars() {
        match c {
            '0'..='9' => digits = true,
            '.' if digits => {
                parts += 1;
                digits = false;
            }
            _ => {
                best = best.max(parts + usize::from(digits));
                (parts, digits) = (0, false);
            }
        }
    }
    best.max(parts + usize::from(digits)) >= 3
}

const ADDRESSES: [&str; 3] = [types::X_MS_CLIENT_IP, types::X_MS_FORWARDED_CLIENT_IP, types::USER_IP];
