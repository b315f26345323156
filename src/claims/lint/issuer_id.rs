//! The `issuerid` of the Entra trust: rules that make it the UPN, take foreign domains for own ones, or make two.

use super::facts::{Facts, asks_type, makes, passes, replacements, sets};
use super::replacement::is_guarded;
use super::{Found, LintCode};
use crate::claims::language::{Condition, Expression, Property, Rule, Verb};
use crate::claims::types;

pub(super) fn lint(facts: &Facts<'_>, found: &mut Found<'_>) {
    let rules: Vec<&Rule> = facts
        .rules()
        .map(|(_, rule)| rule)
        .filter(|rule| makes(rule).is_some_and(|literal| &*literal.text == types::ISSUER_ID))
        .filter(|rule| rule.action.verb == Verb::Issue)
        .collect();
    for rule in &rules {
        let Some(value) = sets(rule, &Property::Value) else { continue };
        for replacement in replacements(value) {
            let Expression::Property { tag, property, .. } = replacement.input else { continue };
            if !is_guarded(rule, &tag.text, property, &replacement) {
                found.push(
                    LintCode::IssuerIdFailsOpen,
                    replacement.literal.span,
                    "whoever's UPN this pattern does not match gets the UPN itself as issuerid, and Entra refuses the token",
                    "test the UPN by the same pattern in the condition, so that others get no issuerid; list every federated \
                     domain in it",
                );
            }
            if !replacement.pattern.takes_the_whole() || names_a_domain_with_open_dots(&replacement.literal.text) {
                found.push(
                    LintCode::IssuerIdUnanchored,
                    replacement.literal.span,
                    "the pattern leaves room around the domain: a UPN of another domain can match, and gets an issuerid made of \
                     parts of it",
                    "begin with ^ and end with $, and write \\. for the dots: \"(?i)^[^@]+@(?<domain>corp\\.example)$\"",
                );
            }
        }
    }
    if rules.len() > 1 {
        for rule in rules.iter().filter(|rule| !rule.conditions.iter().any(tells_computers)) {
            found.push(
                LintCode::IssuerIdTwice,
                rule.action.span,
                "another rule makes an issuerid too, and nothing keeps both from acting: Entra refuses a token with two",
                format!(
                    "keep users and computers apart: NOT EXISTS([Type == \"{0}\", Value == \"DJ\"]) for users, EXISTS(…) for \
                     computers; remove an older rule without such a condition",
                    types::ACCOUNT_TYPE
                ),
            );
        }
    }
}

/// Whether the condition holds for computers and for nobody else, or the other way round.
fn tells_computers(condition: &Condition) -> bool {
    let Some(claim_type) = asks_type(condition) else { return false };
    let passes = |value| passes(condition.tests(), &Property::Value, value);
    match &*claim_type.text {
        types::ACCOUNT_TYPE => passes("DJ") != passes("User"),
        types::GROUP_SID | types::PRIMARY_GROUP_SID => passes("S-1-5-21-1-2-3-515") && !passes("S-1-5-21-1-2-3-513"),
        _ => false,
    }
}

/// `corp.example` within the pattern, its dot not escaped.
fn names_a_domain_with_open_dots(pattern: &str) -> bool {
    let characters: Vec<char> = pattern.chars().collect();
    characters.windows(3).any(|window| match window {
        [before, '.', after] => (before.is_ascii_alphanumeric() || *before == '-') && after.is_ascii_alphabetic(),
        _ => false,
    })
}
