//! Why a rule did not act: the condition that failed, and the claim that came nearest to it.

use super::Difference;
use super::expression::Bindings;
use crate::claims::case::SavedClaim;
use crate::claims::engine::{ConditionTrace, RuleTrace, property};
use crate::claims::language::{Condition, Expression, Operator, Property, Rule, Test};
use crate::claims::regex::Pattern;
use crate::claims::{Claim, Text};

/// Why a condition left nothing to act on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Reason {
    /// No claim passes all tests.
    NoClaim {
        /// The type that the condition asks for, when no claim has it.
        #[serde(skip_serializing_if = "Option::is_none")]
        missing_type: Option<Text>,
        /// The claim that comes nearest.
        #[serde(skip_serializing_if = "Option::is_none")]
        nearest: Option<NearMiss>,
    },
    /// `NOT EXISTS`, but this claim exists.
    Exists {
        /// The first such claim.
        #[serde(skip_serializing_if = "Option::is_none")]
        claim: Option<SavedClaim>,
    },
    /// `COUNT` counts another number.
    Count {
        /// How many claims pass the tests; the sum over all combinations when the tests use tags.
        found: usize,
        /// What was wanted: `>= 2`.
        wanted: String,
    },
}

/// A claim that passes a part of the tests.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NearMiss {
    /// The claim.
    pub claim: SavedClaim,
    /// The tests it does not pass.
    pub failed: Vec<FailedTest>,
}

/// A test that a claim does not pass.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedTest {
    /// The test as written.
    pub test: String,
    /// What is tested: `Value`.
    pub property: String,
    /// What the claim has.
    pub found: String,
    /// What the test compares with, after its tags were filled in.
    pub wanted: String,
    /// How the two differ.
    pub difference: Difference,
}

/// Why `rule` did not act, by what was recorded of it and the claims it could see; `None` when it acted. Looking for the
/// nearest claim spends `work`.
pub(super) fn reason(text: &str, rule: &Rule, trace: &RuleTrace, claims: &[&Claim], work: &mut u64) -> Option<Reason> {
    let last = trace.conditions.last().filter(|condition| condition.tuples == 0)?;
    let place = trace.conditions.len() - 1;
    let condition = rule.conditions.get(place)?;
    let tags: Vec<&str> = rule.conditions.iter().take(place).filter_map(tag).collect();
    let mut search = Search { text, tags: &tags, refused: &last.refused, claims, work };
    Some(match condition {
        Condition::Select(selector) => search.no_claim(&selector.tests),
        Condition::Exists { negated: false, claims } => search.no_claim(&claims.tests),
        Condition::Exists { negated: true, claims } => Reason::Exists { claim: search.passing(&claims.tests) },
        Condition::Count(count) => count_of(last, count.comparison.as_str(), count.number),
    })
}

fn count_of(trace: &ConditionTrace, comparison: &str, number: u32) -> Reason {
    Reason::Count { found: trace.matched, wanted: format!("{comparison} {number}") }
}

fn tag(condition: &Condition) -> Option<&str> {
    match condition {
        Condition::Select(selector) => selector.tag.as_ref().map(|tag| &*tag.text),
        Condition::Exists { .. } | Condition::Count(_) => None,
    }
}

/// Looks through the claims for each refused combination, within bounds.
struct Search<'a> {
    text: &'a str,
    tags: &'a [&'a str],
    refused: &'a [Vec<Claim>],
    claims: &'a [&'a Claim],
    work: &'a mut u64,
}

impl Search<'_> {
    fn no_claim(&mut self, tests: &[Test]) -> Reason {
        let mut best: Option<(Rank, &Claim, Vec<FailedTest>)> = None;
        for bound in self.refused {
            let bindings = Bindings { tags: self.tags, claims: bound };
            for claim in self.claims {
                let Some(failed) = self.failed(tests, claim, &bindings) else { break };
                let Some(rank) = rank(&failed) else { continue };
                if best.as_ref().is_none_or(|(known, ..)| rank < *known) {
                    best = Some((rank, claim, failed));
                }
            }
        }
        let nearest = best.map(|(_, claim, failed)| NearMiss { claim: claim.into(), failed });
        let asked = self.refused.first().and_then(|bound| {
            let bindings = Bindings { tags: self.tags, claims: bound };
            let test = tests.iter().find(|test| is_type(test) && test.operator == Operator::Equal)?;
            bindings.text(&test.operand)
        });
        let missing_type = asked.filter(|asked| !self.claims.iter().any(|claim| claim.claim_type == *asked));
        Reason::NoClaim { missing_type, nearest }
    }

    /// The first claim that passes all tests.
    fn passing(&mut self, tests: &[Test]) -> Option<SavedClaim> {
        let bound = self.refused.first()?;
        let bindings = Bindings { tags: self.tags, claims: bound };
        for claim in self.claims {
            if self.failed(tests, claim, &bindings)?.is_empty() {
                return Some((*claim).into());
            }
        }
        None
    }

    /// The tests that a claim does not pass; `None` when the search has gone on long enough.
    fn failed(&mut self, tests: &[Test], claim: &Claim, bindings: &Bindings<'_>) -> Option<Vec<FailedTest>> {
        let mut failed = Vec::new();
        for test in tests {
            let found = property(claim, &test.property.property);
            let Some(wanted) = bindings.text(&test.operand) else { continue };
            let cost = if test.operator.is_pattern() { 20 + found.len() as u64 / 8 } else { 1 };
            *self.work = self.work.checked_sub(cost)?;
            if let Some(difference) = difference(test, found, &wanted) {
                failed.push(FailedTest {
                    test: self.text.get(test.span.range()).unwrap_or_default().to_owned(),
                    property: test.property.property.to_string(),
                    found: found.to_owned(),
                    wanted: wanted.to_string(),
                    difference,
                });
            }
        }
        Some(failed)
    }
}

/// How far a claim is off: another type, how many tests, how many of them are no slip. `None` for a claim of a type that
/// has nothing to do with the one wanted, and for one that passes everything.
fn rank(failed: &[FailedTest]) -> Option<Rank> {
    let mut other_type = false;
    for test in failed.iter().filter(|test| test.property == Property::Type.to_string()) {
        if !test.difference.is_slip() {
            return None;
        }
        other_type = true;
    }
    let unlike = failed.iter().filter(|test| !test.difference.is_slip()).count();
    (!failed.is_empty()).then_some((other_type, failed.len(), unlike))
}

type Rank = (bool, usize, usize);

fn is_type(test: &Test) -> bool {
    test.property.property == Property::Type
}

/// How a text fails a test; `None` when it passes.
fn difference(test: &Test, found: &str, wanted: &str) -> Option<Difference> {
    let between = |found, wanted| match test.property.property {
        Property::Type => Difference::between_types(found, wanted),
        _ => Difference::between(found, wanted),
    };
    match test.operator {
        Operator::Equal => (found != wanted).then(|| between(found, wanted)),
        Operator::NotEqual => (found == wanted).then_some(Difference::Excluded),
        Operator::Match | Operator::NotMatch => {
            let matches = matches(&test.operand, wanted, found);
            if test.operator == Operator::NotMatch {
                return matches.then_some(Difference::Excluded);
            }
            let but_for_case = || matches_pattern(&format!("(?i){wanted}"), found);
            let pattern = || if but_for_case() { Difference::PatternCase } else { Difference::Pattern };
            (!matches).then(pattern)
        }
    }
}

/// Patterns of the rule text are in memory already; those made from claims are used once.
fn matches(operand: &Expression, pattern: &str, found: &str) -> bool {
    match operand {
        Expression::Literal(_) => {
            Pattern::shared(pattern).is_ok_and(|pattern| pattern.is_match(found).unwrap_or(false))
        }
        _ => matches_pattern(pattern, found),
    }
}

fn matches_pattern(pattern: &str, found: &str) -> bool {
    Pattern::unshared(pattern).is_ok_and(|pattern| pattern.is_match(found).unwrap_or(false))
}
