//! What a run did, rule by rule. `claims explain` is a run with a recording sink; there is no second engine.

use crate::claims::language::{Span, Verb};
use crate::claims::{Claim, Text};

/// Something a run did.
#[derive(Debug)]
pub enum TraceEvent<'a> {
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
        /// The parameters.
        params: &'a [Text],
        /// How many rows came back.
        rows: usize,
        /// The answer was remembered from earlier in this request.
        remembered: bool,
    },
    /// The rule made a claim.
    Claim {
        /// Issued or added.
        verb: Verb,
        /// The claim.
        claim: &'a Claim,
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

/// Keeps everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct RecordedTrace {
    /// Every rule that was reached, in order.
    pub rules: Vec<RuleTrace>,
}

/// What one rule did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RuleTrace {
    /// Place in the set, from 0.
    pub index: usize,
    /// `@RuleName`.
    pub name: Option<Text>,
    /// First octet of its text.
    pub start: u32,
    /// Octet behind its text.
    pub end: u32,
    /// Its conditions as far as they were evaluated; the last one with no tuples is why the rule did not act.
    pub conditions: Vec<ConditionTrace>,
    /// The tuples it acted on.
    pub tuples: Vec<TupleTrace>,
}

/// How one condition went.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ConditionTrace {
    /// First octet of its text.
    pub start: u32,
    /// Octet behind its text.
    pub end: u32,
    /// Claims that matched it.
    pub matched: usize,
    /// Tuples it left.
    pub tuples: usize,
}

/// What came of one tuple.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TupleTrace {
    /// The claims bound to the rule's tags.
    pub bound: Vec<Claim>,
    /// The question to a store, when the rule has one.
    pub query: Option<QueryTrace>,
    /// The claims made.
    pub made: Vec<ClaimTrace>,
}

/// A question to a store.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct QueryTrace {
    /// Its name.
    pub store: Text,
    /// The query as written.
    pub query: Text,
    /// The parameters.
    pub params: Vec<Text>,
    /// Rows that came back.
    pub rows: usize,
    /// The answer was remembered.
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

impl TraceSink for RecordedTrace {
    fn event(&mut self, event: TraceEvent<'_>) {
        if let TraceEvent::Rule { index, name, span } = event {
            self.rules.push(RuleTrace {
                index,
                name: name.cloned(),
                start: span.start,
                end: span.end,
                conditions: Vec::new(),
                tuples: Vec::new(),
            });
            return;
        }
        let Some(rule) = self.rules.last_mut() else { return };
        match event {
            TraceEvent::Rule { .. } => {}
            TraceEvent::Condition { span, matched, tuples, .. } => {
                rule.conditions.push(ConditionTrace { start: span.start, end: span.end, matched, tuples });
            }
            TraceEvent::Tuple { claims } => {
                let bound = claims.iter().map(|claim| (*claim).clone()).collect();
                rule.tuples.push(TupleTrace { bound, query: None, made: Vec::new() });
            }
            TraceEvent::Query { store, query, params, rows, remembered } => {
                if let Some(tuple) = rule.tuples.last_mut() {
                    tuple.query = Some(QueryTrace {
                        store: store.clone(),
                        query: query.clone(),
                        params: params.to_vec(),
                        rows,
                        remembered,
                    });
                }
            }
            TraceEvent::Claim { verb, claim } => {
                if let Some(tuple) = rule.tuples.last_mut() {
                    tuple.made.push(ClaimTrace { verb, claim: claim.clone() });
                }
            }
        }
    }
}
