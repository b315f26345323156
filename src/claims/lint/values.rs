//! Values that claims of the server never have.

use super::facts::{Facts, asks_type, is_needed, passes};
use super::{Found, LintCode};
use crate::claims::language::{Operator, Property};
use crate::claims::types;

pub(super) fn lint(facts: &Facts<'_>, found: &mut Found<'_>) {
    for (_, rule) in facts.rules() {
        for condition in &rule.conditions {
            let Some(claim_type) = asks_type(condition) else { continue };
            let device = DEVICE_SWITCHES.contains(&&*claim_type.text);
            if !device && &*claim_type.text != types::INSIDE_CORPORATE_NETWORK {
                continue;
            }
            if !facts.makers(&claim_type.text).is_empty() {
                continue;
            }
            let tests = condition.tests();
            let (truth, falsehood) =
                (passes(tests, &Property::Value, "true"), passes(tests, &Property::Value, "false"));
            let Some(test) = tests.iter().find(|test| test.property.property == Property::Value) else { continue };
            if !truth && !falsehood {
                let message = "this claim is \"true\" or \"false\" in small letters: no claim passes this test";
                let help = "write Value == \"true\" or Value == \"false\"";
                found.push(LintCode::ImpossibleValue, test.span, message, help);
            } else if device && !truth && is_needed(condition) && test.operator == Operator::Equal {
                let message = "a sign-in without a known device has no such claim, so this test does not hold for it";
                let help = "for every case but \"true\" write NOT EXISTS([Type == \"…\", Value == \"true\"])";
                found.push(LintCode::AbsentDeviceClaim, test.span, message, help);
            }
        }
    }
}

const DEVICE_SWITCHES: [&str; 4] = [
    "http://schemas.microsoft.com/2012/01/devicecontext/claims/isregistereduser",
    "http://schemas.microsoft.com/2012/01/devicecontext/claims/ismanaged",
    "http://schemas.microsoft.com/2014/02/devicecontext/claims/isknown",
    "http://schemas.microsoft.com/2014/09/devicecontext/claims/iscompliant",
];
