//! Explanations in sentences.

use std::fmt::Write as _;

use super::output::{counted, printable};
use crate::claims::case::SavedClaim;
use crate::claims::explain::{FailedTest, NearMiss, Reason, RuleExplanation};

/// `type = "value"`, with what differs from a plain claim.
pub(super) fn claim_line(claim: &SavedClaim) -> String {
    let mut line = format!("{} = \"{}\"", printable(&claim.claim_type), printable(&claim.value));
    if let Some(issuer) = claim.issuer.as_ref().filter(|issuer| &***issuer != "AD AUTHORITY") {
        let _ = write!(line, ", issuer {}", printable(issuer));
    }
    for (name, value) in claim.properties.iter().flatten() {
        let _ = write!(line, ", {} = \"{}\"", printable(name), printable(value));
    }
    line
}

/// `rule 3 "roles"`.
pub(super) fn rule(number: usize, name: Option<&str>) -> String {
    match name {
        Some(name) => format!("rule {number} \"{}\"", printable(name)),
        None => format!("rule {number}"),
    }
}

/// Why a rule did not act, one line a fact; nothing when it acted.
pub(super) fn why(rule: &RuleExplanation) -> Vec<String> {
    let (Some(reason), Some(last)) = (&rule.reason, rule.conditions.last()) else { return Vec::new() };
    let condition = format!("condition {}, {}", last.number, one_line(&last.text));
    let mut lines = Vec::new();
    match reason {
        Reason::NoClaim { missing_type, nearest } => {
            lines.push(format!("{condition}: no claim matches"));
            if let Some(claim_type) = missing_type {
                lines.push(format!("there is no claim of the type {}", printable(claim_type)));
            }
            if let Some(nearest) = nearest {
                lines.extend(near(nearest));
            }
        }
        Reason::Exists { claim } => {
            lines.push(format!("{condition}: such a claim exists"));
            if let Some(claim) = claim {
                lines.push(format!("it is {}", claim_line(claim)));
            }
        }
        Reason::Count { found, wanted } => {
            lines.push(format!("{condition}: {} matched, the rule wants {wanted}", counted(*found, "claim")));
        }
    }
    lines
}

fn near(nearest: &NearMiss) -> Vec<String> {
    let mut lines = vec![format!("nearest: {}", claim_line(&nearest.claim))];
    for failed in &nearest.failed {
        lines.push(failed_test(failed));
    }
    lines
}

fn failed_test(failed: &FailedTest) -> String {
    let FailedTest { test, property, found, wanted, difference } = failed;
    let mut line = format!("it fails {}: {property} is \"{}\"", one_line(test), printable(found));
    // A literal stands in the test already.
    if !test.contains(wanted.as_str()) {
        let _ = write!(line, ", the rule compares with \"{}\"", printable(wanted));
    }
    if let Some(advice) = difference.advice() {
        line.push_str("; ");
        line.push_str(advice);
    }
    line
}

/// Rule text on one line.
pub(super) fn one_line(text: &str) -> String {
    printable(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}
