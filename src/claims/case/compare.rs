//! Holds what came of a case against what it expects: as sets, and nothing more than is written down.

use super::{Case, CaseResult, SavedClaim};
use crate::claims::{Claim, ClaimSet};

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// A claim that was expected in the output is not there.
    MissingOutput(SavedClaim),
    /// A claim is in the output that was not expected.
    ExtraOutput {
        /// The claim.
        claim: Claim,
        /// The rule that issued it first, from 0.
        rule: usize,
    },
    /// A claim that `add` should have made is not there.
    MissingAdded(SavedClaim),
    /// `add` made a claim that was not expected.
    ExtraAdded(Claim),
    /// Another number than expected.
    Number {
        /// What was counted.
        what: &'static str,
        /// The number expected.
        expected: usize,
        /// The number found.
        found: usize,
    },
    /// Another decision than expected.
    Decision {
        /// The decision expected.
        expected: String,
        /// The decision found, when the stage decides anything.
        found: Option<&'static str>,
    },
    /// The rules failed otherwise than expected, or although they should not.
    Failed {
        /// The failure expected, if any.
        expected: Option<String>,
        /// How they failed, and what the engine says.
        found: (&'static str, String),
    },
    /// The rules should have failed.
    NotFailed {
        /// The failure expected.
        expected: String,
    },
    /// The case says nothing about what must come of it.
    NothingExpected,
}

/// Every difference between what `case` expects and what came of it; none when the case passes.
pub fn compare(case: &Case, result: &CaseResult) -> Vec<Mismatch> {
    let outcome = match (&result.outcome, &case.error) {
        (Err(failure), expected) => {
            let found = failure.kind.as_str();
            if expected.as_deref() == Some(found) {
                return Vec::new();
            }
            return vec![Mismatch::Failed { expected: expected.clone(), found: (found, failure.to_string()) }];
        }
        (Ok(_), Some(expected)) => return vec![Mismatch::NotFailed { expected: expected.clone() }],
        (Ok(outcome), None) => outcome,
    };
    let mut found = Vec::new();
    if let Some(expected) = &case.output {
        found.extend(missing(expected, &outcome.output).map(Mismatch::MissingOutput));
        let issued = outcome.output.iter().zip(&outcome.issued_by);
        let extra = issued.filter(|(claim, _)| !expected.iter().any(|saved| saved.describes(claim)));
        found.extend(extra.map(|(claim, rule)| Mismatch::ExtraOutput { claim: claim.clone(), rule: *rule }));
    }
    if let Some(expected) = &case.added {
        found.extend(missing(expected, &outcome.added).map(Mismatch::MissingAdded));
        let extra = outcome.added.iter().filter(|claim| !expected.iter().any(|saved| saved.describes(claim)));
        found.extend(extra.cloned().map(Mismatch::ExtraAdded));
    }
    let numbers = [
        ("claims issued before duplicates are dropped", case.output_count, outcome.issued),
        ("store calls", case.store_calls, outcome.store_calls),
    ];
    for (what, expected, counted) in numbers {
        if let Some(expected) = expected.filter(|expected| *expected != counted) {
            found.push(Mismatch::Number { what, expected, found: counted });
        }
    }
    if let Some(expected) = case.decision.as_ref().filter(|expected| Some(expected.as_str()) != result.decision) {
        found.push(Mismatch::Decision { expected: expected.clone(), found: result.decision });
    }
    let expects_nothing = case.output.is_none()
        && case.added.is_none()
        && case.decision.is_none()
        && numbers.iter().all(|(_, expected, _)| expected.is_none());
    if expects_nothing {
        found.push(Mismatch::NothingExpected);
    }
    found
}

fn missing<'a>(expected: &'a [SavedClaim], found: &'a ClaimSet) -> impl Iterator<Item = SavedClaim> + 'a {
    expected.iter().filter(|saved| !found.iter().any(|claim| saved.describes(claim))).cloned()
}
