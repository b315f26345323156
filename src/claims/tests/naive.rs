//! The engine against an evaluator that is as simple as the rules of evaluation are, on random small rule sets: the same claims, or the
//! same failure of the same rule.

use std::collections::HashSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::random::{input, rule};
use super::support::{now, rules};
use crate::claims::explain::StageExplanation;
use crate::claims::language::{Condition, Expression, Form, Operator, Property, StoreCall, Test, Verb, parse};
use crate::claims::regex::MatchError;
use crate::claims::store::{AttributeStore, QueryContext, RequestStores, Rows, StoreError, StoreLimits, StoreQuery};
use crate::claims::{
    Claim, ClaimSet, EvaluationError, EvaluationErrorKind as Kind, Limits, NoTrace, Outcome, ParseOptions,
    RecordedTrace, StoreSet, Text, TraceSink,
};

type Environment = Vec<(String, Claim)>;

/// What came of a set of rules.
#[derive(Debug, PartialEq)]
struct Naive {
    output: Vec<Claim>,
    added: Vec<Claim>,
    issued: usize,
    store_calls: usize,
}

/// How a rule fails.
#[derive(Debug, PartialEq)]
enum Fault {
    Tuples,
    Claims,
    Text,
    Pattern,
    UnknownStore,
    Store,
    Rows,
    Queries,
}

impl Fault {
    fn of(kind: &Kind) -> Self {
        match kind {
            Kind::TooManyTuples { limit: TUPLES } => Self::Tuples,
            Kind::TooManyClaims { limit: CLAIMS } => Self::Claims,
            Kind::TextTooLong { limit: TEXT }
            | Kind::Match { source: MatchError::OutputTooLong { limit: TEXT }, .. } => Self::Text,
            Kind::DynamicPattern(_) => Self::Pattern,
            Kind::UnknownStore { .. } => Self::UnknownStore,
            Kind::Store { .. } => Self::Store,
            Kind::TooManyRows { limit: ROWS, .. } => Self::Rows,
            Kind::TooManyQueries { limit: QUERIES } => Self::Queries,
            other => panic!("{other}"),
        }
    }
}

const TUPLES: usize = 60;
const CLAIMS: usize = 40;
const TEXT: usize = 24;
const ROWS: usize = 3;
const QUERIES: usize = 4;

/// No index, no order of tests but the one that decides which of two failures is met, no sharing: one list per set. A failure comes with
/// the place of its rule.
fn naive(text: &str, input: &[Claim]) -> Result<Naive, (usize, Fault)> {
    let (rules, _) = parse(text, ParseOptions::default()).unwrap();
    let mut sets = Sets {
        evaluation: unique(input),
        output: Vec::new(),
        added: Vec::new(),
        store_calls: 0,
        asked: HashSet::new(),
    };
    for (index, rule) in rules.rules.iter().enumerate() {
        let fault = |fault| (index, fault);
        let mut environments: Vec<Environment> = vec![Vec::new()];
        for condition in &rule.conditions {
            environments = sets.extend(&environments, condition).map_err(fault)?;
        }
        for environment in &environments {
            sets.act(rule.action.verb, &rule.action.form, environment).map_err(fault)?;
        }
    }
    let Sets { output, added, store_calls, .. } = sets;
    Ok(Naive { issued: output.len(), output: unique(&output), added: unique(&added), store_calls })
}

struct Sets {
    evaluation: Vec<Claim>,
    output: Vec<Claim>,
    added: Vec<Claim>,
    store_calls: usize,
    /// Questions that were answered.
    asked: HashSet<(String, String, usize, Vec<String>)>,
}

impl Sets {
    fn extend(&self, environments: &[Environment], condition: &Condition) -> Result<Vec<Environment>, Fault> {
        let mut next = Vec::new();
        for environment in environments {
            // EXISTS looks no further than the first claim.
            let most = if matches!(condition, Condition::Exists { .. }) { 1 } else { usize::MAX };
            let matching = self.matching(condition.tests(), environment, most)?;
            match condition {
                Condition::Select(selector) => {
                    for claim in matching {
                        let mut extended = environment.clone();
                        if let Some(tag) = &selector.tag {
                            extended.push((tag.text.to_lowercase(), claim));
                        }
                        next.push(extended);
                    }
                    if next.len() > TUPLES {
                        return Err(Fault::Tuples);
                    }
                }
                Condition::Exists { negated, .. } => {
                    if matching.is_empty() == *negated {
                        next.push(environment.clone());
                    }
                }
                Condition::Count(count) => {
                    if count.comparison.holds(matching.len() as u64, u64::from(count.number)) {
                        next.push(environment.clone());
                    }
                }
            }
        }
        Ok(next)
    }

    fn matching(&self, tests: &[Test], environment: &Environment, most: usize) -> Result<Vec<Claim>, Fault> {
        let mut tests: Vec<&Test> = tests.iter().collect();
        tests.sort_by_key(|test| effort(test));
        let mut found = Vec::new();
        for claim in &self.evaluation {
            let mut passes = found.len() < most;
            for test in &tests {
                passes = passes && holds(test, claim, environment)?;
            }
            if passes {
                found.push(claim.clone());
            }
        }
        Ok(found)
    }

    fn act(&mut self, verb: Verb, form: &Form, environment: &Environment) -> Result<(), Fault> {
        match form {
            Form::Copy(_) if verb == Verb::Add => Ok(()),
            Form::Copy(tag) => self.emit(verb, lookup(environment, &tag.text).clone()),
            Form::Create(assignments) => {
                let mut claim = Claim::new("", "", "LOCAL AUTHORITY");
                for assignment in assignments {
                    let text = text_of(&assignment.value, environment)?.into();
                    match &assignment.property.property {
                        Property::Type => claim.claim_type = text,
                        Property::Value => claim.value = text,
                        Property::ValueType => claim.value_type = text,
                        Property::Issuer => claim.issuer = text,
                        Property::OriginalIssuer => claim.original_issuer = text,
                        Property::Named(name) => claim.properties.insert(name.clone(), text),
                    }
                }
                self.emit(verb, claim)
            }
            Form::Store(call) => {
                let params =
                    call.params.iter().map(|param| text_of(param, environment)).collect::<Result<Vec<_>, _>>()?;
                self.store_calls += 1;
                for row in self.ask(call, &params)? {
                    for (claim_type, cell) in call.types.iter().zip(row) {
                        if let Some(cell) = cell {
                            self.emit(verb, Claim::new(claim_type.text.clone(), cell, "LOCAL AUTHORITY"))?;
                        }
                    }
                }
                Ok(())
            }
        }
    }

    fn ask(&mut self, call: &StoreCall, params: &[String]) -> Result<Vec<Vec<Option<String>>>, Fault> {
        let store = call.store.text.to_string();
        if store == "Absent" {
            return Err(Fault::UnknownStore);
        }
        let question = (store.clone(), call.query.text.to_string(), call.types.len(), params.to_vec());
        if !self.asked.contains(&question) && self.asked.len() >= QUERIES {
            return Err(Fault::Queries);
        }
        let rows = answer(&store, params, call.types.len()).map_err(|_| Fault::Store)?;
        if rows.len() > ROWS {
            return Err(Fault::Rows);
        }
        if rows.iter().any(|row| row.len() != call.types.len()) {
            return Err(Fault::Store);
        }
        self.asked.insert(question);
        Ok(rows)
    }

    fn emit(&mut self, verb: Verb, claim: Claim) -> Result<(), Fault> {
        if self.evaluation.len() >= CLAIMS {
            return Err(Fault::Claims);
        }
        self.evaluation.push(claim.clone());
        match verb {
            Verb::Issue => self.output.push(claim),
            Verb::Add => self.added.push(claim),
        }
        Ok(())
    }
}

/// Tests are tried from the cheapest on, those of a claim's type first: which of them fails depends on it, and nothing else.
fn effort(test: &Test) -> u8 {
    match (&test.operand, test.operator.is_pattern(), &test.property.property, test.operator) {
        (Expression::Literal(_), false, Property::Type, Operator::Equal) => 0,
        (Expression::Literal(_), false, ..) => 1,
        (_, false, ..) => 2,
        (Expression::Literal(_), true, ..) => 3,
        (_, true, ..) => 4,
    }
}

/// What the stores of these tests answer: each parameter in a row and a column of its own, and nothing for an empty one; and each in its
/// own way a failure for one of them.
fn answer(store: &str, params: &[String], width: usize) -> Result<Vec<Vec<Option<String>>>, StoreError> {
    let first = params.first().map_or("", String::as_str);
    if store == "Failing" && first == "1" {
        return Err(StoreError::Failed { reason: String::from("down") });
    }
    let width = if store == "Wide" && first == "2" { width + 1 } else { width };
    let filled = params.iter().enumerate().filter(|(_, param)| !param.is_empty());
    let rows: Vec<Vec<Option<String>>> = filled
        .map(|(index, param)| (0..width).map(|column| (column == index % width).then(|| param.clone())).collect())
        .collect();
    Ok(if store == "Many" && first == "1" { vec![rows.concat(); ROWS + 1] } else { rows })
}

/// The store of this name.
struct Answering(&'static str);

#[async_trait::async_trait]
impl AttributeStore for Answering {
    async fn query(&self, _: &QueryContext<'_>, query: &StoreQuery, params: &[Text]) -> Result<Rows, StoreError> {
        let params: Vec<String> = params.iter().map(ToString::to_string).collect();
        let rows = answer(self.0, &params, query.columns())?;
        Ok(Rows(rows.into_iter().map(|row| row.into_iter().map(|cell| cell.map(Text::from)).collect()).collect()))
    }
}

/// The engine with the same stores and bounds, and any amount of work.
fn evaluate(text: &str, input: &[Claim], trace: &mut dyn TraceSink) -> Result<Outcome, EvaluationError> {
    let limits = Limits { tuples: TUPLES, claims: CLAIMS, text: TEXT, work: u64::MAX, ..Limits::default() };
    let stores = ["S", "Failing", "Wide", "Many"]
        .into_iter()
        .fold(StoreSet::new(), |stores, name| stores.with(name, Arc::new(Answering(name))));
    let store_limits = StoreLimits { queries: QUERIES, rows: ROWS, ..StoreLimits::default() };
    let stores = RequestStores::with_limits(&stores, QueryContext::default(), store_limits);
    now(rules(text).evaluate(&ClaimSet::from(input.to_vec()), &stores, &limits, trace))
}

fn unique(claims: &[Claim]) -> Vec<Claim> {
    let mut kept: Vec<Claim> = Vec::new();
    for claim in claims {
        if !kept.contains(claim) {
            kept.push(claim.clone());
        }
    }
    kept
}

fn lookup<'e>(environment: &'e Environment, tag: &str) -> &'e Claim {
    &environment.iter().find(|(known, _)| *known == tag.to_lowercase()).unwrap().1
}

fn property(claim: &Claim, property: &Property) -> String {
    match property {
        Property::Type => claim.claim_type.to_string(),
        Property::Value => claim.value.to_string(),
        Property::ValueType => claim.value_type.to_string(),
        Property::Issuer => claim.issuer.to_string(),
        Property::OriginalIssuer => claim.original_issuer.to_string(),
        Property::Named(name) => claim.properties.get(name).map(ToString::to_string).unwrap_or_default(),
    }
}

fn text_of(expression: &Expression, environment: &Environment) -> Result<String, Fault> {
    match expression {
        Expression::Literal(literal) => Ok(literal.text.to_string()),
        Expression::Property { tag, property: of, .. } => Ok(property(lookup(environment, &tag.text), &of.property)),
        Expression::Concatenation(parts) => {
            let mut joined = String::new();
            for part in parts {
                joined += &text_of(part, environment)?;
                if joined.len() > TEXT {
                    return Err(Fault::Text);
                }
            }
            Ok(joined)
        }
        Expression::Call { arguments, .. } => {
            let [input, pattern, replacement] = arguments.as_slice() else { panic!("RegExReplace takes three") };
            // The patterns and replacements of these rules mean the same to .NET and to this crate, but for `$_`.
            let input = text_of(input, environment)?;
            let pattern = compiled(&text_of(pattern, environment)?)?;
            let replacement = text_of(replacement, environment)?.replace("$_", &input);
            let replaced = pattern.replace_all(&input, &*replacement);
            match replaced {
                std::borrow::Cow::Borrowed(_) => Ok(input),
                std::borrow::Cow::Owned(text) if text.len() > TEXT => Err(Fault::Text),
                std::borrow::Cow::Owned(text) => Ok(text),
            }
        }
    }
}

fn compiled(pattern: &str) -> Result<regex::Regex, Fault> {
    regex::Regex::new(pattern).map_err(|_| Fault::Pattern)
}

fn holds(test: &Test, claim: &Claim, environment: &Environment) -> Result<bool, Fault> {
    let (found, operand) = (property(claim, &test.property.property), text_of(&test.operand, environment)?);
    Ok(match test.operator {
        Operator::Equal => found == operand,
        Operator::NotEqual => found != operand,
        Operator::Match => compiled(&operand)?.is_match(&found),
        Operator::NotMatch => !compiled(&operand)?.is_match(&found),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn the_engine_agrees_with_the_naive_evaluator(set in prop::collection::vec(rule(), 0..4), input in input()) {
        let text = set.concat();
        let found = match evaluate(&text, &input, &mut NoTrace) {
            Ok(Outcome { output, added, issued, store_calls, .. }) => {
                let (output, added) = (output.as_slice().to_vec(), added.as_slice().to_vec());
                Ok(Naive { output, added, issued, store_calls })
            }
            Err(error) => Err((error.rule.index, Fault::of(&error.kind))),
        };
        prop_assert_eq!(found, naive(&text, &input), "{}", text);
    }

    /// A recording changes nothing; whatever did not act has a reason, and no claim named as nearest passes every test.
    #[test]
    fn every_rule_that_does_not_act_is_explained(set in prop::collection::vec(rule(), 0..4), input in input()) {
        let text = set.concat();
        let mut trace = RecordedTrace::default();
        let traced = evaluate(&text, &input, &mut trace);
        prop_assert_eq!(&traced, &evaluate(&text, &input, &mut NoTrace));
        let explained = StageExplanation::of(&trace.runs[0]);
        if traced.is_ok() {
            for rule in &explained.rules {
                prop_assert_eq!(rule.acted == 0, rule.reason.is_some(), "{}\n{:?}", text, rule);
                prop_assert!(
                    !matches!(&rule.reason, Some(crate::claims::explain::Reason::Exists { claim: None })),
                    "{}\n{:?}", text, rule
                );
            }
        }
    }
}

/// Every failure that the comparison is about is one that random rules reach.
#[test]
fn every_failure_is_met() {
    let claims: Vec<Claim> = (0..8).map(|number| Claim::new("a", number.to_string(), "AD AUTHORITY")).collect();
    let double = "x:[] => issue(Type = \"b\", Value = x.Value);\n".repeat(3);
    for (text, fault) in [
        ("x:[] && y:[] => issue(claim = x);", (0, Fault::Tuples)),
        (&*double, (2, Fault::Claims)),
        ("x:[] => issue(Type = \"b\", Value = x.Value + x.Issuer + x.Issuer);", (0, Fault::Text)),
        (
            "=> issue(Type = \"b\", Value = \"(\");\nx:[Type == \"b\"] && EXISTS([Value =~ x.Value]) => issue(claim = x);",
            (1, Fault::Pattern),
        ),
        ("=> issue(store = \"Absent\", types = (\"a\"), query = \"\");", (0, Fault::UnknownStore)),
        ("=> issue(store = \"Failing\", types = (\"a\"), query = \"\", param = \"1\");", (0, Fault::Store)),
        ("=> issue(store = \"Wide\", types = (\"a\"), query = \"\", param = \"2\");", (0, Fault::Store)),
        ("=> issue(store = \"Many\", types = (\"a\"), query = \"\", param = \"1\");", (0, Fault::Rows)),
        ("x:[] => issue(store = \"S\", types = (\"a\"), query = \"\", param = x.Value);", (0, Fault::Queries)),
    ] {
        let error = evaluate(text, &claims, &mut NoTrace).unwrap_err();
        assert_eq!((error.rule.index, Fault::of(&error.kind)), fault, "{text}: {error}");
        assert_eq!(naive(text, &claims), Err(fault), "{text}");
    }
}
