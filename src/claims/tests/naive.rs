//! The engine against an evaluator that is as simple as the rules of evaluation are, on random small rule sets.

use std::sync::Arc;

use proptest::prelude::*;

use super::support::{now, rules};
use crate::claims::explain::StageExplanation;
use crate::claims::language::{Condition, Expression, Form, Operator, Property, Test, Verb, parse};
use crate::claims::store::{AttributeStore, QueryContext, RequestStores, Rows, StoreError, StoreLimits, StoreQuery};
use crate::claims::{
    Claim, ClaimSet, EvaluationError, Limits, NoTrace, Outcome, ParseOptions, RecordedTrace, StoreSet, Text, TraceSink,
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

/// No index, no order of tests, no sharing: one list per set.
fn naive(text: &str, input: &[Claim]) -> Naive {
    let (rules, _) = parse(text, ParseOptions::default()).unwrap();
    let mut evaluation: Vec<Claim> = unique(input);
    let (mut output, mut added, mut store_calls) = (Vec::new(), Vec::new(), 0);
    for rule in &rules.rules {
        let mut environments: Vec<Environment> = vec![Vec::new()];
        for condition in &rule.conditions {
            let mut next = Vec::new();
            for environment in &environments {
                let matching = |tests: &[Test]| -> Vec<Claim> {
                    evaluation
                        .iter()
                        .filter(|claim| tests.iter().all(|test| holds(test, claim, environment)))
                        .cloned()
                        .collect()
                };
                match condition {
                    Condition::Select(selector) => {
                        for claim in matching(&selector.tests) {
                            let mut extended = environment.clone();
                            if let Some(tag) = &selector.tag {
                                extended.push((tag.text.to_lowercase(), claim));
                            }
                            next.push(extended);
                        }
                    }
                    Condition::Exists { negated, claims } => {
                        if matching(&claims.tests).is_empty() == *negated {
                            next.push(environment.clone());
                        }
                    }
                    Condition::Count(count) => {
                        if count.comparison.holds(matching(&count.claims.tests).len() as u64, u64::from(count.number)) {
                            next.push(environment.clone());
                        }
                    }
                }
            }
            environments = next;
        }
        for environment in &environments {
            let made = match &rule.action.form {
                Form::Copy(_) if rule.action.verb == Verb::Add => continue,
                Form::Copy(tag) => vec![lookup(environment, &tag.text).clone()],
                Form::Create(assignments) => {
                    let mut claim = Claim::new("", "", "LOCAL AUTHORITY");
                    for assignment in assignments {
                        let text = text_of(&assignment.value, environment).into();
                        match &assignment.property.property {
                            Property::Type => claim.claim_type = text,
                            Property::Value => claim.value = text,
                            Property::ValueType => claim.value_type = text,
                            Property::Issuer => claim.issuer = text,
                            Property::OriginalIssuer => claim.original_issuer = text,
                            Property::Named(name) => claim.properties.insert(name.clone(), text),
                        }
                    }
                    vec![claim]
                }
                Form::Store(call) => {
                    store_calls += 1;
                    let params: Vec<String> = call.params.iter().map(|param| text_of(param, environment)).collect();
                    let mut made = Vec::new();
                    for row in rows(&params, call.types.len()) {
                        for (claim_type, cell) in call.types.iter().zip(row) {
                            let claim = cell.map(|cell| Claim::new(claim_type.text.clone(), cell, "LOCAL AUTHORITY"));
                            made.extend(claim);
                        }
                    }
                    made
                }
            };
            evaluation.extend(made.clone());
            match rule.action.verb {
                Verb::Issue => output.extend(made),
                Verb::Add => added.extend(made),
            }
        }
    }
    Naive { issued: output.len(), output: unique(&output), added: unique(&added), store_calls }
}

/// What the store of these tests answers: each parameter in a row and a column of its own, and nothing for an empty one.
fn rows(params: &[String], width: usize) -> Vec<Vec<Option<String>>> {
    let filled = params.iter().enumerate().filter(|(_, param)| !param.is_empty());
    filled
        .map(|(index, param)| (0..width).map(|column| (column == index % width).then(|| param.clone())).collect())
        .collect()
}

struct Echo;

#[async_trait::async_trait]
impl AttributeStore for Echo {
    async fn query(&self, _: &QueryContext<'_>, query: &StoreQuery, params: &[Text]) -> Result<Rows, StoreError> {
        let params: Vec<String> = params.iter().map(ToString::to_string).collect();
        let rows = rows(&params, query.columns());
        Ok(Rows(rows.into_iter().map(|row| row.into_iter().map(|cell| cell.map(Text::from)).collect()).collect()))
    }
}

/// The engine with the same store, and room enough for what the naive evaluator does not bound.
fn evaluate(text: &str, input: &[Claim], trace: &mut dyn TraceSink) -> Result<Outcome, EvaluationError> {
    let limits = Limits { tuples: 2000, claims: 2000, ..Limits::default() };
    let stores = StoreSet::new().with("S", Arc::new(Echo));
    let store_limits = StoreLimits { queries: 10_000, ..StoreLimits::default() };
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

fn text_of(expression: &Expression, environment: &Environment) -> String {
    match expression {
        Expression::Literal(literal) => literal.text.to_string(),
        Expression::Property { tag, property: of, .. } => property(lookup(environment, &tag.text), &of.property),
        Expression::Concatenation(parts) => parts.iter().map(|part| text_of(part, environment)).collect(),
        Expression::Call { arguments, .. } => {
            let [input, pattern, replacement] = arguments.as_slice() else { panic!("RegExReplace takes three") };
            // The patterns and replacements below mean the same to .NET and to this crate.
            let pattern = regex::Regex::new(&text_of(pattern, environment)).unwrap();
            let replacement = text_of(replacement, environment);
            pattern.replace_all(&text_of(input, environment), &*replacement).into_owned()
        }
    }
}

fn holds(test: &Test, claim: &Claim, environment: &Environment) -> bool {
    let (found, operand) = (property(claim, &test.property.property), text_of(&test.operand, environment));
    match test.operator {
        Operator::Equal => found == operand,
        Operator::NotEqual => found != operand,
        Operator::Match => regex::Regex::new(&operand).unwrap().is_match(&found),
        Operator::NotMatch => !regex::Regex::new(&operand).unwrap().is_match(&found),
    }
}

/// A test over few types and values; `tag` is one it may refer to.
fn test(tag: Option<&'static str>) -> impl Strategy<Value = String> {
    let literal = prop_oneof![
        4 => prop::sample::select(&["Type == \"a\"", "Type == \"b\"", "Type == \"c\"", "Value == \"1\"", "Value != \"2\"", "Issuer == \"LOCAL AUTHORITY\"", "Properties[\"p\"] == \"\""][..]),
        1 => prop::sample::select(&["Value =~ \"1\"", "Value !~ \"^[0-9]$\"", "Type =~ \"^(a|b)$\"", "Value =~ \"^.?$\""][..]),
    ]
    .prop_map(str::to_owned);
    match tag {
        None => literal.boxed(),
        Some(tag) => prop_oneof![2 => literal, 1 => prop::sample::select(&["Value == T.Value", "Type != T.Type", "Type == T.Type", "Value == T.Value + \"1\"", "Value != RegExReplace(T.Value, \"1\", \"2\")", "Properties[\"p\"] == T.Properties[\"p\"]", "Issuer == T.OriginalIssuer"][..])
            .prop_map(move |test| test.replace("T.", &format!("{tag}.")))]
        .boxed(),
    }
}

fn claim_set(tag: Option<&'static str>) -> impl Strategy<Value = String> {
    prop::collection::vec(test(tag), 0..3).prop_map(|tests| format!("[{}]", tests.join(", ")))
}

/// A condition that binds nothing and may use a tag.
fn aggregate(tag: Option<&'static str>) -> impl Strategy<Value = String> {
    prop_oneof![
        claim_set(tag),
        claim_set(tag).prop_map(|set| format!("EXISTS({set})")),
        claim_set(tag).prop_map(|set| format!("NOT EXISTS({set})")),
        (claim_set(tag), prop::sample::select(&["== 1", "!= 2", "< 2", "> 1", "<= 1", ">= 2"][..]))
            .prop_map(|(set, how)| format!("COUNT({set}) {how}")),
    ]
}

/// The conditions of a rule that binds at least `x`.
fn conditions() -> impl Strategy<Value = String> {
    let two = (claim_set(None), claim_set(Some("x"))).prop_map(|(x, y)| format!("x:{x} && y:{y}")).boxed();
    prop_oneof![
        2 => claim_set(None).prop_map(|x| format!("x:{x}")),
        3 => (claim_set(None), aggregate(Some("x"))).prop_map(|(x, second)| format!("x:{x} && {second}")),
        1 => (aggregate(None), claim_set(None)).prop_map(|(first, x)| format!("{first} && x:{x}")),
        2 => two.clone(),
        2 => (two, aggregate(Some("y"))).prop_map(|(two, third)| format!("{two} && {third}")),
    ]
}

fn rule() -> impl Strategy<Value = String> {
    let action = prop::sample::select(
        &[
            "issue(claim = X)",
            "add(claim = x)",
            "issue(Type = \"c\", Value = x.Value)",
            "add(Type = \"b\", Value = x.Value + \"1\")",
            "issue(Type = x.Value, Value = x.Type, Issuer = x.Issuer, Properties[\"p\"] = \"q\")",
            "add(Type = \"c\", Properties[\"p\"] = x.Value, Properties[\"q\"] = x.Properties[\"p\"], ValueType = x.Issuer)",
            "issue(Type = \"a\", OriginalIssuer = x.OriginalIssuer)",
            "issue(Type = \"b\", Value = RegExReplace(x.Value, \"[12]\", \"<$0>\"))",
            "add(Type = \"a\", Value = RegExReplace(x.Value + x.Type, \"x*\", \"-\"))",
            "issue(Type = \"c\", Value = RegExReplace(x.Type, \"(a)|b\", \"${1}\" + x.Value))",
            "issue(store = \"S\", types = (\"a\"), query = \"{0}\", param = x.Value)",
            "add(store = \"S\", types = (\"b\", \"c\"), query = \"{0} {1}\", param = x.Value, param = x.Type)",
        ][..],
    );
    let alone =
        (aggregate(None), prop::sample::select(&["issue(Type = \"b\", Value = \"2\")", "add(Type = \"c\")"][..]));
    prop_oneof![
        6 => (conditions(), action).prop_map(|(conditions, action)| format!("{conditions} => {action};\n")),
        1 => alone.prop_map(|(condition, action)| format!("{condition} => {action};\n")),
        1 => Just(String::from("=> issue(Type = \"a\", Value = \"1\");\n")),
    ]
}

fn input() -> impl Strategy<Value = Vec<Claim>> {
    let claim = (
        prop::sample::select(&["a", "b", "c"][..]),
        prop::sample::select(&["1", "2", ""][..]),
        prop::sample::select(&["AD AUTHORITY", "LOCAL AUTHORITY"][..]),
        prop::bool::weighted(0.3),
    );
    let claim = claim.prop_map(|(claim_type, value, issuer, property)| {
        let claim = Claim::new(claim_type, value, issuer);
        if property { claim.with_property("p", "1") } else { claim }
    });
    prop::collection::vec(claim, 0..5)
}

proptest! {
    #[test]
    fn the_engine_agrees_with_the_naive_evaluator(set in prop::collection::vec(rule(), 0..4), input in input()) {
        let text = set.concat();
        // Sets that grow beyond the bounds are not the naive evaluator's business.
        if let Ok(found) = evaluate(&text, &input, &mut NoTrace) {
            let expected = naive(&text, &input);
            let Outcome { output, added, issued, store_calls, .. } = found;
            let (output, added) = (output.as_slice().to_vec(), added.as_slice().to_vec());
            prop_assert_eq!(Naive { output, added, issued, store_calls }, expected, "{}", text);
        }
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
