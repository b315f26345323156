//! Runs a program (claims.md 1.5).
//!
//! Rule by rule: all tuples first, then the action once per tuple. The only place that waits is a store rule's action.

use std::cell::Cell;

use super::program::{
    Condition, ConditionKind, Expression, Form, Operand, Program, Rule, StoreAction, Test, Tests, TypeId,
};
use super::working_set::{ClaimId, WorkingSet, duplicates};
use super::{
    EvaluationError, EvaluationErrorKind as Kind, Limits, Outcome, QueryAnswer, RuleRef, TraceEvent, TraceSink,
};
use crate::claims::language::{Property, Verb};
use crate::claims::regex::{MatchError, Pattern};
use crate::claims::store::{AskError, RequestStores, StoreQuery};
use crate::claims::{Claim, ClaimSet, Properties, Text, types};

pub(super) async fn evaluate(
    program: &Program,
    input: &[Claim],
    stores: &RequestStores<'_>,
    limits: &Limits,
    trace: &mut dyn TraceSink,
) -> Result<Outcome, EvaluationError> {
    let at = |index: usize, kind: Kind| EvaluationError {
        rule: RuleRef { index, name: program.rules.get(index).and_then(|rule| rule.name.clone()) },
        kind,
    };
    if input.len() > limits.claims {
        return Err(at(0, Kind::TooManyClaims { limit: limits.claims }));
    }
    let mut run = Run {
        set: WorkingSet::new(&program.types, input),
        issued: Vec::with_capacity(USUAL_MATCHES),
        added: Vec::new(),
        work: Cell::new(limits.work),
        limits,
        store_calls: 0,
    };
    let traced = trace.is_enabled();
    for (index, rule) in program.rules.iter().enumerate() {
        if traced {
            trace.event(TraceEvent::Rule { index, name: rule.name.as_ref(), span: rule.span });
        }
        let tuples = run.tuples(rule, trace, traced).map_err(|kind| at(index, kind))?;
        for place in 0..tuples.count {
            let bound = tuples.get(place);
            if traced {
                trace.event(TraceEvent::Tuple { claims: &run.claims(bound) });
            }
            let sink = Sink { verb: rule.verb, rule: index };
            match &rule.form {
                Form::Copy(slot) => {
                    if let Some(id) = bound.get(*slot) {
                        run.copy(*id, sink, trace, traced)
                    } else {
                        Ok(())
                    }
                }
                Form::Create { type_id, assignments } => {
                    run.create(assignments, bound).and_then(|claim| run.emit_new(claim, *type_id, sink, trace, traced))
                }
                Form::Store(action) => {
                    let params =
                        action.params.iter().map(|param| run.text(param, bound)).collect::<Result<Vec<_>, _>>();
                    match params {
                        Ok(params) => run.ask(action, params, stores, sink, trace, traced).await,
                        Err(kind) => Err(kind),
                    }
                }
            }
            .map_err(|kind| at(index, kind))?;
        }
    }
    Ok(run.outcome())
}

/// Where the claims of an action go, and which rule makes them.
#[derive(Clone, Copy)]
struct Sink {
    verb: Verb,
    rule: usize,
}

pub(super) struct Run<'a> {
    pub(super) set: WorkingSet<'a>,
    /// Claims issued, each with its rule.
    issued: Vec<(ClaimId, usize)>,
    added: Vec<ClaimId>,
    /// Work left.
    pub(super) work: Cell<u64>,
    pub(super) limits: &'a Limits,
    store_calls: usize,
}

/// Combinations of claims, `width` numbers each.
struct Tuples {
    flat: Vec<ClaimId>,
    width: usize,
    count: usize,
}

impl Tuples {
    fn get(&self, place: usize) -> &[ClaimId] {
        self.flat.get(place * self.width..(place + 1) * self.width).unwrap_or_default()
    }

    fn first(&self, most: usize) -> Vec<Vec<ClaimId>> {
        (0..self.count.min(most)).map(|place| self.get(place).to_vec()).collect()
    }
}

impl Run<'_> {
    fn claims(&self, tuple: &[ClaimId]) -> Vec<&Claim> {
        tuple.iter().filter_map(|id| self.set.claim(*id)).collect()
    }

    // Conditions.

    fn tuples(&self, rule: &Rule, trace: &mut dyn TraceSink, traced: bool) -> Result<Tuples, Kind> {
        let mut tuples = Tuples { flat: Vec::new(), width: 0, count: 1 };
        for (index, condition) in rule.conditions.iter().enumerate() {
            let matched;
            let asked = if traced { tuples.first(TRACED_REFUSALS) } else { Vec::new() };
            (tuples, matched) = self.extend(tuples, condition)?;
            if traced {
                let (span, tuples) = (condition.span, tuples.count);
                let asked = asked.iter().filter(|_| tuples == 0);
                let refused: Vec<Vec<&Claim>> = asked.map(|tuple| self.claims(tuple)).collect();
                trace.event(TraceEvent::Condition { index, span, matched, tuples, refused: &refused });
            }
            if tuples.count == 0 {
                break;
            }
        }
        Ok(tuples)
    }

    /// The tuples that are left, or made, by a condition, and how many claims matched it.
    fn extend(&self, tuples: Tuples, condition: &Condition) -> Result<(Tuples, usize), Kind> {
        let tests = &condition.tests;
        match condition.kind {
            ConditionKind::Select { bind } => self.select(&tuples, tests, bind),
            ConditionKind::Exists { negated } => self.keep(tuples, tests, |count| (count > 0) != negated, Some(1)),
            ConditionKind::Count { comparison, number } => {
                self.keep(tuples, tests, |count| comparison.holds(count as u64, u64::from(number)), None)
            }
        }
    }

    fn select(&self, tuples: &Tuples, tests: &Tests, bind: bool) -> Result<(Tuples, usize), Kind> {
        let mut hits = Vec::new();
        let mut matched = 0;
        if !tests.depends {
            hits.reserve(USUAL_MATCHES);
            self.matching(tests, &[], &mut hits, None)?;
            matched = hits.len();
            self.bounded(tuples.count.saturating_mul(matched))?;
            if tuples.width == 0 && tuples.count == 1 && bind {
                return Ok((Tuples { flat: hits, width: 1, count: matched }, matched));
            }
        }
        let width = tuples.width + usize::from(bind);
        let mut next = Tuples { flat: Vec::new(), width, count: 0 };
        for place in 0..tuples.count {
            let tuple = tuples.get(place);
            if tests.depends {
                hits.clear();
                self.matching(tests, tuple, &mut hits, None)?;
                matched += hits.len();
            }
            next.count += hits.len();
            self.bounded(next.count)?;
            // Each condition copies every combination: many conditions over many of them are work as well.
            if tuples.width > 0 {
                self.charge(hits.len() as u64)?;
            }
            for id in &hits {
                next.flat.extend_from_slice(tuple);
                if bind {
                    next.flat.push(*id);
                }
            }
        }
        Ok((next, matched))
    }

    /// Keeps the tuples for which the number of matching claims is accepted.
    fn keep(
        &self,
        tuples: Tuples,
        tests: &Tests,
        accept: impl Fn(usize) -> bool,
        enough: Option<usize>,
    ) -> Result<(Tuples, usize), Kind> {
        let mut hits = Vec::new();
        if !tests.depends {
            self.matching(tests, &[], &mut hits, enough)?;
            let matched = hits.len();
            return Ok(if accept(matched) {
                (tuples, matched)
            } else {
                (Tuples { flat: Vec::new(), width: tuples.width, count: 0 }, matched)
            });
        }
        let mut kept = Tuples { flat: Vec::new(), width: tuples.width, count: 0 };
        let mut matched = 0;
        for place in 0..tuples.count {
            let tuple = tuples.get(place);
            hits.clear();
            self.matching(tests, tuple, &mut hits, enough)?;
            matched += hits.len();
            if accept(hits.len()) {
                kept.count += 1;
                kept.flat.extend_from_slice(tuple);
            }
        }
        Ok((kept, matched))
    }

    /// The claims that pass all tests, in order; at most `enough` of them.
    fn matching(
        &self,
        tests: &Tests,
        tuple: &[ClaimId],
        out: &mut Vec<ClaimId>,
        enough: Option<usize>,
    ) -> Result<(), Kind> {
        for (id, claim) in self.set.candidates(tests.claim_type) {
            self.charge(1)?;
            let mut passes = true;
            for test in &tests.others {
                if !self.passes(test, claim, tuple)? {
                    passes = false;
                    break;
                }
            }
            if passes {
                out.push(id);
                if enough.is_some_and(|enough| out.len() >= enough) {
                    break;
                }
            }
        }
        Ok(())
    }

    fn passes(&self, test: &Test, claim: &Claim, tuple: &[ClaimId]) -> Result<bool, Kind> {
        let value = property(claim, &test.property);
        let positive = match &test.operand {
            Operand::Text(literal) => same(value, literal),
            Operand::Expression(expression) => {
                self.charge(1)?;
                same(value, &self.text(expression, tuple)?)
            }
            Operand::Pattern(pattern) => self.is_match(pattern, value)?,
            Operand::DynamicPattern(expression) => {
                let pattern = self.dynamic_pattern(expression, tuple)?;
                self.is_match(&pattern, value)?
            }
        };
        Ok(positive != test.negative)
    }

    fn is_match(&self, pattern: &Pattern, value: &str) -> Result<bool, Kind> {
        let mut left = self.work.get();
        let found = pattern.is_match_within(value, &mut left);
        self.work.set(left);
        found.map_err(|source| self.match_error(pattern, source))
    }

    // Actions.

    fn copy(&mut self, id: ClaimId, sink: Sink, trace: &mut dyn TraceSink, traced: bool) -> Result<(), Kind> {
        // `add(claim = c)` has no effect.
        if sink.verb == Verb::Add { Ok(()) } else { self.emit(id, sink, trace, traced) }
    }

    fn create(&self, assignments: &[(Property, Expression)], tuple: &[ClaimId]) -> Result<Claim, Kind> {
        let mut claim = new_claim();
        for (name, value) in assignments {
            let text = self.text(value, tuple)?;
            match name {
                Property::Type => claim.claim_type = text,
                Property::Value => claim.value = text,
                Property::ValueType => claim.value_type = text,
                Property::Issuer => claim.issuer = text,
                Property::OriginalIssuer => claim.original_issuer = text,
                Property::Named(name) => {
                    claim.properties.insert(name.clone(), text);
                }
            }
        }
        Ok(claim)
    }

    async fn ask(
        &mut self,
        action: &StoreAction,
        params: Vec<Text>,
        stores: &RequestStores<'_>,
        sink: Sink,
        trace: &mut dyn TraceSink,
        traced: bool,
    ) -> Result<(), Kind> {
        self.store_calls += 1;
        let query = &action.query;
        let shown = if traced { params.clone() } else { Vec::new() };
        let answer = stores.ask(query, params).await.map_err(|error| ask_error(query, error));
        if traced {
            let reason = answer.as_ref().err().map(ToString::to_string).unwrap_or_default();
            let answer = match &answer {
                Ok(answer) => QueryAnswer::Rows { rows: &answer.rows, remembered: answer.remembered },
                Err(_) => QueryAnswer::Failed { reason: &reason },
            };
            let (store, text, types) = (query.store(), query.text(), query.types());
            trace.event(TraceEvent::Query { store, query: text, types, params: &shown, answer });
        }
        let answer = answer?;
        for row in &answer.rows.0 {
            for ((claim_type, type_id), cell) in query.types().iter().zip(&action.type_ids).zip(row) {
                let Some(value) = cell else { continue };
                let mut claim = new_claim();
                claim.claim_type = claim_type.clone();
                claim.value = value.clone();
                self.emit_new(claim, Some(*type_id), sink, trace, traced)?;
            }
        }
        Ok(())
    }

    fn emit_new(
        &mut self,
        claim: Claim,
        type_id: Option<TypeId>,
        sink: Sink,
        trace: &mut dyn TraceSink,
        traced: bool,
    ) -> Result<(), Kind> {
        let id = self.set.make(claim, type_id);
        self.emit(id, sink, trace, traced)
    }

    fn emit(&mut self, id: ClaimId, sink: Sink, trace: &mut dyn TraceSink, traced: bool) -> Result<(), Kind> {
        if self.set.len() >= self.limits.claims {
            return Err(Kind::TooManyClaims { limit: self.limits.claims });
        }
        self.charge(1)?;
        self.set.append(id);
        match sink.verb {
            Verb::Issue => self.issued.push((id, sink.rule)),
            Verb::Add => self.added.push(id),
        }
        if traced && let Some(claim) = self.set.claim(id) {
            trace.event(TraceEvent::Claim { verb: sink.verb, claim });
        }
        Ok(())
    }

    fn outcome(self) -> Outcome {
        let issued_claim = |index: usize| self.issued.get(index).and_then(|(id, _)| self.set.claim(*id));
        // What passes claims on, each once and in order, makes no duplicate: the input has none any more.
        let only_passed = self.issued.is_sorted_by(|(one, _), (two, _)| one < two)
            && self.issued.last().is_none_or(|(last, _)| self.set.is_input(*last));
        let duplicate = if only_passed { Vec::new() } else { duplicates(self.issued.len(), issued_claim) };
        let mut output = Vec::with_capacity(self.issued.len());
        let mut issued_by = Vec::with_capacity(self.issued.len());
        for (place, (id, rule)) in self.issued.iter().enumerate() {
            if duplicate.get(place) == Some(&true) {
                continue;
            }
            if let Some(claim) = self.set.claim(*id) {
                output.push(claim.clone());
                issued_by.push(*rule);
            }
        }
        let mut added: ClaimSet = self.added.iter().filter_map(|id| self.set.claim(*id).cloned()).collect();
        added.deduplicate();
        Outcome { output: output.into(), added, issued_by, issued: self.issued.len(), store_calls: self.store_calls }
    }

    // Bounds.

    pub(super) fn charge(&self, units: u64) -> Result<(), Kind> {
        match self.work.get().checked_sub(units) {
            Some(left) => {
                self.work.set(left);
                Ok(())
            }
            None => Err(Kind::TooMuchWork { limit: self.limits.work }),
        }
    }

    pub(super) fn match_error(&self, pattern: &Pattern, source: MatchError) -> Kind {
        match source {
            MatchError::TooMuchWork => Kind::TooMuchWork { limit: self.limits.work },
            source => Kind::Match { pattern: pattern.text().into(), source },
        }
    }

    fn bounded(&self, tuples: usize) -> Result<(), Kind> {
        if tuples > self.limits.tuples {
            return Err(Kind::TooManyTuples { limit: self.limits.tuples });
        }
        Ok(())
    }
}

/// Room for what a rule usually finds, so that a list grows once or never.
const USUAL_MATCHES: usize = 32;

/// A claim before its assignments. Which issuer AD FS gives a new claim is not documented; the wizards assign the old one
/// explicitly, so the default differs from it.
fn new_claim() -> Claim {
    Claim {
        claim_type: EMPTY,
        value: EMPTY,
        value_type: STRING,
        issuer: LOCAL_AUTHORITY,
        original_issuer: LOCAL_AUTHORITY,
        properties: Properties::new(),
    }
}

/// A property of a claim as rules read it.
pub(in crate::claims) fn property<'c>(claim: &'c Claim, name: &Property) -> &'c str {
    match name {
        Property::Type => &claim.claim_type,
        Property::Value => &claim.value,
        Property::ValueType => &claim.value_type,
        Property::Issuer => &claim.issuer,
        Property::OriginalIssuer => &claim.original_issuer,
        Property::Named(name) => claim.properties.get(name).map_or("", |value| value),
    }
}

/// Ordinal equality; texts that share memory are equal without looking.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && (std::ptr::eq(a, b) || a == b)
}

fn ask_error(query: &StoreQuery, error: AskError) -> Kind {
    let store = query.store().clone();
    match error {
        AskError::UnknownStore => Kind::UnknownStore { store },
        AskError::TooManyQueries { limit } => Kind::TooManyQueries { limit },
        AskError::TooManyRows { limit } => Kind::TooManyRows { store, limit },
        AskError::Store(source) => Kind::Store { store, query: query.text().clone(), source: Box::new(source) },
    }
}

/// Refused tuples that a trace shows.
const TRACED_REFUSALS: usize = 8;

pub(super) const EMPTY: Text = Text::constant("");
const STRING: Text = Text::constant(types::value_type::STRING);
const LOCAL_AUTHORITY: Text = Text::constant(types::issuer::LOCAL_AUTHORITY);
