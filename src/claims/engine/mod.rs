//! Rule sets, ready to run.
//!
//! A rule set is read and compiled once and then shared by every request. Running it is a function of the input claims and
//! of what the attribute stores answer; without a store rule it never waits.

mod compile;
mod error;
mod evaluate;
mod expression;
mod program;
mod trace;
mod working_set;

use std::sync::Arc;

pub use error::{EvaluationError, EvaluationErrorKind, RuleRef};
pub(in crate::claims) use evaluate::property;
pub use trace::{
    ClaimTrace, ConditionTrace, KEPT_TUPLES, NoTrace, QueryAnswer, QueryTrace, RecordedTrace, RuleTrace, RunTrace,
    TraceEvent, TraceSink, TupleTrace,
};
pub(in crate::claims) use working_set::duplicates;

use super::language::{self, ParseOptions, RuleSetError, RuleWarning};
use super::store::RequestStores;
use super::{ClaimSet, Text};
use program::Program;

/// A compiled rule set. Cloning shares it.
#[derive(Clone)]
pub struct RuleSet(Arc<Program>);

impl RuleSet {
    /// Reads a rule set as AD FS would, and checks everything that can be checked before a request: syntax, tags,
    /// regular expressions, placeholders.
    ///
    /// # Errors
    /// [`RuleSetError`] with every problem found.
    pub fn parse(text: &str) -> Result<Self, RuleSetError> {
        Self::parse_with(text, ParseOptions::default())
    }

    /// Reads a rule set with liberties.
    ///
    /// # Errors
    /// [`RuleSetError`] with every problem found.
    pub fn parse_with(text: &str, options: ParseOptions) -> Result<Self, RuleSetError> {
        let (rules, problems, warnings) = language::read(text, options);
        compile::compile(&rules, problems, warnings).map(|program| Self(Arc::new(program)))
    }

    /// The text it was read from.
    pub fn text(&self) -> &Text {
        &self.0.text
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.0.rules.len()
    }

    /// Whether there is no rule, so that nothing is ever issued.
    pub fn is_empty(&self) -> bool {
        self.0.rules.is_empty()
    }

    /// What is legal in the text but probably not meant.
    pub fn warnings(&self) -> &[RuleWarning] {
        &self.0.warnings
    }

    /// The names of the attribute stores the rules ask, without duplicates.
    pub fn stores(&self) -> Vec<&Text> {
        self.0.stores()
    }

    /// Runs the rules over `input` and returns the issued claims without duplicates (claims.md 1.5).
    ///
    /// # Errors
    /// [`EvaluationError`]; then nothing was issued at all.
    pub async fn run(
        &self,
        input: &ClaimSet,
        stores: &RequestStores<'_>,
        limits: &Limits,
        trace: &mut dyn TraceSink,
    ) -> Result<ClaimSet, EvaluationError> {
        self.evaluate(input, stores, limits, trace).await.map(|outcome| outcome.output)
    }

    /// Runs the rules and also tells what they added and which rule issued what.
    ///
    /// # Errors
    /// [`EvaluationError`]; then nothing was issued at all.
    pub async fn evaluate(
        &self,
        input: &ClaimSet,
        stores: &RequestStores<'_>,
        limits: &Limits,
        trace: &mut dyn TraceSink,
    ) -> Result<Outcome, EvaluationError> {
        if trace.is_enabled() {
            trace.event(TraceEvent::Run { text: self.text(), input });
        }
        let result = evaluate::evaluate(&self.0, input.as_slice(), stores, limits, trace).await;
        if trace.is_enabled() {
            trace.event(TraceEvent::End { result: result.as_ref() });
        }
        result
    }

    /// A reference to one of the rules, for messages.
    pub(in crate::claims) fn rule_ref(&self, index: usize) -> RuleRef {
        RuleRef { index, name: self.0.rules.get(index).and_then(|rule| rule.name.clone()) }
    }
}

impl std::fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RuleSet").field("rules", &self.len()).finish_non_exhaustive()
    }
}

/// What a run came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Claims made by `issue`, without exact duplicates, in order.
    pub output: ClaimSet,
    /// Claims made by `add`, without exact duplicates, in order.
    pub added: ClaimSet,
    /// For each claim of `output` the index of the rule that issued it first.
    pub issued_by: Vec<usize>,
    /// How many claims `issue` made before duplicates were dropped.
    pub issued: usize,
    /// How many times a rule asked a store, answers from memory included.
    pub store_calls: usize,
}

/// Bounds of one run; exceeding any of them fails the run (claims.md 6.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most claims in the evaluation set.
    pub claims: usize,
    /// Most tuples of claims one rule may act on.
    pub tuples: usize,
    /// Most work: a unit is a comparison, or a regular expression over 16 octets; patterns that backtrack and patterns
    /// made from claims cost more.
    pub work: u64,
    /// Longest text a claim made by a rule may hold, in octets.
    pub text: usize,
    /// Whether patterns made from claims may run at all.
    pub dynamic_patterns: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { claims: 10_000, tuples: 50_000, work: 2_000_000, text: 64 * 1024, dynamic_patterns: true }
    }
}
