//! The explanation of one rule set's run, as data.

use super::near_miss::{Reason, reason};
use crate::claims::case::SavedClaim;
use crate::claims::engine::{QueryTrace, RuleTrace, RunTrace, TupleTrace};
use crate::claims::language::{Condition, Location, ParseOptions, Rule, Span, Verb, parse};
use crate::claims::{Claim, ClaimSet, Stage, Text};

/// What one rule set did and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StageExplanation {
    /// What the rules are for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// The claims it started with.
    pub input: Vec<SavedClaim>,
    /// Every rule that was reached, in order.
    pub rules: Vec<RuleExplanation>,
    /// Rules that were not reached because one before them failed.
    pub not_reached: usize,
    /// The claims issued, without duplicates.
    pub output: Vec<IssuedClaim>,
    /// Why it failed, if it did; then nothing was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What one rule did and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleExplanation {
    /// Place in the set, from 1.
    pub number: usize,
    /// `@RuleName`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// The line of the text it begins on, from 1.
    pub line: u32,
    /// Its text.
    pub text: String,
    /// How many combinations of claims it acted on; 0 when it did not act.
    pub acted: usize,
    /// Its conditions as far as they were evaluated.
    pub conditions: Vec<ConditionExplanation>,
    /// The first combinations it acted on.
    pub combinations: Vec<Combination>,
    /// Why it did not act: the last condition found nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// How one condition went.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionExplanation {
    /// Place in the rule, from 1.
    pub number: usize,
    /// Its text.
    pub text: String,
    /// Claims that match it; an EXISTS counts to 1.
    pub matched: usize,
    /// Combinations that it left.
    pub combinations: usize,
}

/// One combination of claims a rule acted on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Combination {
    /// The claims behind the tags.
    pub bound: Vec<Bound>,
    /// The question to an attribute store, when the rule asks one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<QueryExplanation>,
    /// The claims made.
    pub made: Vec<MadeClaim>,
}

/// A claim and its tag.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Bound {
    /// The tag.
    pub tag: Text,
    /// The claim.
    pub claim: SavedClaim,
}

/// A question to an attribute store and what it said.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryExplanation {
    /// The store's name.
    pub store: Text,
    /// The query as written.
    pub query: Text,
    /// The claim type of each column.
    pub types: Vec<Text>,
    /// The parameters.
    pub params: Vec<Text>,
    /// The rows.
    pub rows: Vec<Vec<Option<Text>>>,
    /// Why it failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The answer was remembered from earlier in the request.
    pub remembered: bool,
}

/// A claim that a rule made.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MadeClaim {
    /// Issued or added.
    pub verb: Verb,
    /// The claim.
    pub claim: SavedClaim,
}

/// A claim that left the rules.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IssuedClaim {
    /// The claim.
    pub claim: SavedClaim,
    /// The rule that issued it first, from 1.
    pub rule: usize,
    /// That rule's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_name: Option<Text>,
}

impl StageExplanation {
    /// The explanation of a recorded run.
    pub fn of(run: &RunTrace) -> Self {
        // The text was accepted with whatever liberties were granted then.
        let parsed = parse(&run.text, ParseOptions { comments: true, lenient: true });
        let rules = parsed.map(|(rules, _)| rules.rules).unwrap_or_default();
        let mut input = run.input.clone();
        input.deduplicate();
        let mut work = WORK;
        let explain = |trace: &RuleTrace| rule_explanation(run, rules.get(trace.index), trace, &input, &mut work);
        let explained: Vec<RuleExplanation> = run.rules.iter().map(explain).collect();
        let (output, error) = match &run.result {
            Some(Ok(outcome)) => {
                let issued = outcome.output.iter().zip(&outcome.issued_by);
                let name =
                    |rule: usize| run.rules.iter().find(|trace| trace.index == rule).and_then(|r| r.name.clone());
                let issued = issued.map(|(claim, rule)| IssuedClaim {
                    claim: claim.into(),
                    rule: rule + 1,
                    rule_name: name(*rule),
                });
                (issued.collect(), None)
            }
            Some(Err(error)) => (Vec::new(), Some(error.to_string())),
            None => (Vec::new(), Some(String::from("the run did not end"))),
        };
        Self {
            stage: run.stage,
            input: run.input.iter().map(SavedClaim::from).collect(),
            not_reached: rules.len().saturating_sub(explained.len()),
            rules: explained,
            output,
            error,
        }
    }
}

fn rule_explanation(
    run: &RunTrace,
    rule: Option<&Rule>,
    trace: &RuleTrace,
    input: &ClaimSet,
    work: &mut u64,
) -> RuleExplanation {
    let text = |span: Span| run.text.get(span.range()).unwrap_or_default().to_owned();
    let conditions = trace.conditions.iter().enumerate().map(|(index, condition)| ConditionExplanation {
        number: index + 1,
        text: text(condition.span),
        matched: condition.matched,
        combinations: condition.tuples,
    });
    let tags: Vec<Text> = rule.map(tags).unwrap_or_default();
    let reason = rule.and_then(|rule| {
        let earlier = run.made.iter().filter(|(index, _)| *index < trace.index).map(|(_, made)| &made.claim);
        let claims: Vec<&Claim> = input.iter().chain(earlier).collect();
        reason(&run.text, rule, trace, &claims, work)
    });
    RuleExplanation {
        number: trace.index + 1,
        name: trace.name.clone(),
        line: Location::of(&run.text, trace.span.start).line,
        text: text(trace.span),
        acted: trace.acted,
        conditions: conditions.collect(),
        combinations: trace.tuples.iter().map(|tuple| combination(tuple, &tags)).collect(),
        reason,
    }
}

/// Tests that the search for nearest claims may make in one rule set; a pattern counts for more.
const WORK: u64 = 1_000_000;

fn tags(rule: &Rule) -> Vec<Text> {
    let selectors = rule.conditions.iter().filter_map(|condition| match condition {
        Condition::Select(selector) => selector.tag.as_ref(),
        Condition::Exists { .. } | Condition::Count(_) => None,
    });
    selectors.map(|tag| tag.text.clone()).collect()
}

fn combination(tuple: &TupleTrace, tags: &[Text]) -> Combination {
    let bound = tags.iter().zip(&tuple.bound).map(|(tag, claim)| Bound { tag: tag.clone(), claim: claim.into() });
    let made = tuple.made.iter().map(|made| MadeClaim { verb: made.verb, claim: (&made.claim).into() });
    Combination { bound: bound.collect(), query: tuple.query.as_ref().map(Into::into), made: made.collect() }
}

impl From<&QueryTrace> for QueryExplanation {
    fn from(query: &QueryTrace) -> Self {
        let (rows, error) = match &query.answer {
            Ok(rows) => (rows.0.clone(), None),
            Err(reason) => (Vec::new(), Some(reason.clone())),
        };
        Self {
            store: query.store.clone(),
            query: query.query.clone(),
            types: query.types.clone(),
            params: query.params.clone(),
            rows,
            error,
            remembered: query.remembered,
        }
    }
}
