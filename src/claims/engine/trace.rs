//! What a run did, rule by rule. `claims explain` is a run with a recording sink; there is no second engine.

use super::{EvaluationError, Outcome};
use crate::claims::language::{Span, Verb};
use crate::claims::store::Rows;
use crate::claims::{Claim, ClaimSet, Stage, Text};

/// Something a run did.
#[derive(Debug, Clone, Copy)]
pub enum TraceEvent<'a> {
    /// The rule set of this stage comes next. Told by whoever runs the stages, the engine does not know them.
    Stage(Stage),
    /// A rule set starts; the events up to [`TraceEvent::End`] belong to it.
    Run {
        /// The text that spans point into.
        text: &'a Text,
        /// The claims it starts with.
        input: &'a ClaimSet,
    },
    /// A rule starts; the events up to the next one belong to it.
    Rule {
        /// Place in the set, from 0.
        index: usize,
        /// `@RuleName`.
        name: Option<&'a Text>,
        /// The rule's text.
        span: Span,
    },
    /// A condition was evaluated; those after one that leaves no tuples are not.
    Condition {
        /// Place in the rule, from 0.
        index: usize,
        /// Its text.
        span: Span,
        /// How many claims matched it, over all tuples; an EXISTS stops counting at the first.
        matched: usize,
        /// How many tuples it left.
        tuples: usize,
        /// When it left none: the first few tuples it was asked about, each the claims bound to the tags before it.
        refused: &'a [Vec<&'a Claim>],
    },
    /// The rule acts on a tuple: the claims bound to its tags, in the order of the conditions.
    Tuple {
        /// The bound claims.
        claims: &'a [&'a Claim],
    },
    /// A store was asked.
    Query {
        /// Its name.
        store: &'a Text,
        /// The query as written.
        query: &'a Text,
        /// The claim type of each column.
        types: &'a [Text],
        /// The parameters.
        params: &'a [Text],
        /// What it said.
        answer: QueryAnswer<'a>,
    },
    /// The rule made a claim.
    Claim {
        /// Issued or added.
        verb: Verb,
        /// The claim.
        claim: &'a Claim,
    },
    /// The rule set ended.
    End {
        /// What came of it.
        result: Result<&'a Outcome, &'a EvaluationError>,
    },
}

/// What a store said.
#[derive(Debug, Clone, Copy)]
pub enum QueryAnswer<'a> {
    /// It answered.
    Rows {
        /// The rows.
        rows: &'a Rows,
        /// The answer was remembered from earlier in this request.
        remembered: bool,
    },
    /// It failed, and the run with it.
    Failed {
        /// Why.
        reason: &'a str,
    },
}

/// Takes the events of a run.
pub trait TraceSink: Send {
    /// Takes one event.
    fn event(&mut self, event: TraceEvent<'_>);

    /// Whether anybody looks; without that a run builds no events.
    fn is_enabled(&self) -> bool {
        true
    }
}

/// Takes nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTrace;

impl TraceSink for NoTrace {
    fn event(&mut self, _event: TraceEvent<'_>) {}

    fn is_enabled(&self) -> bool {
        false
    }
}

/// Keeps everything, but of each rule's tuples only the first [`KEPT_TUPLES`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordedTrace {
    /// Every rule set that ran, in order.
    pub runs: Vec<RunTrace>,
    /// The stage of the next run.
    next: Option<Stage>,
}

/// What one rule set did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunTrace {
    /// Its stage, when it ran in a pipeline.
    pub stage: Option<Stage>,
    /// Its text.
    pub text: Text,
    /// The claims it started with.
    pub input: ClaimSet,
    /// Every rule that was reached, in order.
    pub rules: Vec<RuleTrace>,
    /// Every claim that was made, in order, each with its rule: with the input, all that later rules see.
    pub made: Vec<(usize, ClaimTrace)>,
    /// Every question to a store, once each.
    pub queries: Vec<QueryTrace>,
    /// What came of it; `None` while it runs.
    pub result: Option<Result<Outcome, EvaluationError>>,
}

/// What one rule did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleTrace {
    /// Place in the set, from 0.
    pub index: usize,
    /// `@RuleName`.
    pub name: Option<Text>,
    /// Its text.
    pub span: Span,
    /// Its conditions as far as they were evaluated; the last one with no tuples is why the rule did not act.
    pub conditions: Vec<ConditionTrace>,
    /// The first tuples it acted on.
    pub tuples: Vec<TupleTrace>,
    /// How many tuples it acted on.
    pub acted: usize,
}

/// How one condition went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionTrace {
    /// Its text.
    pub span: Span,
    /// Claims that matched it.
    pub matched: usize,
    /// Tuples it left.
    pub tuples: usize,
    /// When it left none: the first few tuples it was asked about.
    pub refused: Vec<Vec<Claim>>,
}

/// What came of one tuple.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TupleTrace {
    /// The claims bound to the rule's tags.
    pub bound: Vec<Claim>,
    /// The question to a store, when the rule has one.
    pub query: Option<QueryTrace>,
    /// The claims made.
    pub made: Vec<ClaimTrace>,
}

/// A question to a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryTrace {
    /// Its name.
    pub store: Text,
    /// The query as written.
    pub query: Text,
    /// The claim type of each column.
    pub types: Vec<Text>,
    /// The parameters.
    pub params: Vec<Text>,
    /// The rows, or why there are none.
    pub answer: Result<Rows, String>,
    /// The answer was remembered from earlier in the request.
    pub remembered: bool,
}

/// A claim made by a rule.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ClaimTrace {
    /// Issued or added.
    pub verb: Verb,
    /// The claim.
    pub claim: Claim,
}

/// Tuples of one rule that a recording keeps; the others are only counted.
pub const KEPT_TUPLES: usize = 1000;

impl RecordedTrace {
    /// The run of a stage.
    pub fn stage(&self, stage: Stage) -> Option<&RunTrace> {
        self.runs.iter().find(|run| run.stage == Some(stage))
    }
}

impl TraceSink for RecordedTrace {
    fn event(&mut self, event: TraceEvent<'_>) {
        match event {
            TraceEvent::Stage(stage) => self.next = Some(stage),
            TraceEvent::Run { text, input } => self.runs.push(RunTrace {
                stage: self.next.take(),
                text: text.clone(),
                input: input.clone(),
                rules: Vec::new(),
                made: Vec::new(),
                queries: Vec::new(),
                result: None,
            }),
            event => {
                if let Some(run) = self.runs.last_mut() {
                    run.event(event);
                }
            }
        }
    }
}

impl RunTrace {
    fn event(&mut self, event: TraceEvent<'_>) {
        match event {
            TraceEvent::End { result } => {
                self.result = Some(match result {
                    Ok(outcome) => Ok(outcome.clone()),
                    Err(error) => Err(error.clone()),
                });
                return;
            }
            TraceEvent::Rule { index, name, span } => {
                let (conditions, tuples) = (Vec::new(), Vec::new());
                self.rules.push(RuleTrace { index, name: name.cloned(), span, conditions, tuples, acted: 0 });
                return;
            }
            _ => {}
        }
        let Some(rule) = self.rules.last_mut() else { return };
        // The tuple that acts now, while tuples are kept.
        let acting = if rule.acted <= KEPT_TUPLES { rule.tuples.last_mut() } else { None };
        match event {
            TraceEvent::Condition { span, matched, tuples, refused, .. } => {
                let refused = refused.iter().map(|tuple| tuple.iter().map(|claim| (*claim).clone()).collect());
                rule.conditions.push(ConditionTrace { span, matched, tuples, refused: refused.collect() });
            }
            TraceEvent::Tuple { claims } => {
                rule.acted += 1;
                if rule.acted <= KEPT_TUPLES {
                    let bound = claims.iter().map(|claim| (*claim).clone()).collect();
                    rule.tuples.push(TupleTrace { bound, query: None, made: Vec::new() });
                }
            }
            TraceEvent::Query { store, query, types, params, answer } => {
                let (answer, remembered) = match answer {
                    QueryAnswer::Rows { rows, remembered } => (Ok(rows.clone()), remembered),
                    QueryAnswer::Failed { reason } => (Err(reason.to_owned()), false),
                };
                let (types, params) = (types.to_vec(), params.to_vec());
                let asked =
                    QueryTrace { store: store.clone(), query: query.clone(), types, params, answer, remembered };
                if !self.queries.iter().any(|known| known.asks_the_same(&asked)) {
                    self.queries.push(asked.clone());
                }
                if let Some(tuple) = acting {
                    tuple.query = Some(asked);
                }
            }
            TraceEvent::Claim { verb, claim } => {
                let made = ClaimTrace { verb, claim: claim.clone() };
                if let Some(tuple) = acting {
                    tuple.made.push(made.clone());
                }
                self.made.push((rule.index, made));
            }
            TraceEvent::Stage(_) | TraceEvent::Run { .. } | TraceEvent::Rule { .. } | TraceEvent::End { .. } => {}
        }
    }
}

impl QueryTrace {
    fn asks_the_same(&self, other: &Self) -> bool {
        self.store == other.store
            && self.query == other.query
            && self.params == other.params
            && self.types.len() == other.types.len()
    }
}
