//! The engine against an evaluator that is as simple as the rules of evaluation are, on random small rule sets.

use proptest::prelude::*;

use super::support::{evaluate, rules};
use crate::claims::language::{Condition, Expression, Form, Operator, Property, Test, Verb, parse};
use crate::claims::{Claim, ClaimSet, Limits, ParseOptions};

type Environment = Vec<(String, Claim)>;

/// No index, no order of tests, no sharing: one list per set.
fn naive(text: &str, input: &[Claim]) -> (Vec<Claim>, usize) {
    let (rules, _) = parse(text, ParseOptions::default()).unwrap();
    let mut evaluation: Vec<Claim> = unique(input);
    let mut output = Vec::new();
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
            let claim = match &rule.action.form {
                Form::Copy(_) if rule.action.verb == Verb::Add => continue,
                Form::Copy(tag) => lookup(environment, &tag.text).clone(),
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
                            Property::Named(name) => drop(claim.properties.insert(name.clone(), text)),
                        }
                    }
                    claim
                }
                Form::Store(_) => panic!("no stores here"),
            };
            evaluation.push(claim.clone());
            if rule.action.verb == Verb::Issue {
                output.push(claim);
            }
        }
    }
    let issued = output.len();
    (unique(&output), issued)
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
        Expression::Call { .. } => panic!("no functions here"),
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
        Some(tag) => prop_oneof![2 => literal, 1 => prop::sample::select(&["Value == T.Value", "Type != T.Type", "Type == T.Type", "Value == T.Value + \"1\""][..])
            .prop_map(move |test| test.replace("T.", &format!("{tag}.")))]
        .boxed(),
    }
}

fn claim_set(tag: Option<&'static str>) -> impl Strategy<Value = String> {
    prop::collection::vec(test(tag), 0..3).prop_map(|tests| format!("[{}]", tests.join(", ")))
}

fn rule() -> impl Strategy<Value = String> {
    let second = prop_oneof![
        claim_set(Some("x")).prop_map(|set| format!(" && y:{set}")),
        claim_set(Some("x")).prop_map(|set| format!(" && {set}")),
        claim_set(Some("x")).prop_map(|set| format!(" && EXISTS({set})")),
        claim_set(Some("x")).prop_map(|set| format!(" && NOT EXISTS({set})")),
        (claim_set(Some("x")), prop::sample::select(&["== 1", "!= 2", "< 2", "> 1", "<= 1", ">= 2"][..]))
            .prop_map(|(set, how)| format!(" && COUNT({set}) {how}")),
        Just(String::new()),
    ];
    let action = prop::sample::select(
        &[
            "issue(claim = X)",
            "add(claim = x)",
            "issue(Type = \"c\", Value = x.Value)",
            "add(Type = \"b\", Value = x.Value + \"1\")",
            "issue(Type = x.Value, Value = x.Type, Issuer = x.Issuer, Properties[\"p\"] = \"q\")",
            "issue(Type = \"a\")",
        ][..],
    );
    (claim_set(None), second, action).prop_map(|(first, second, action)| format!("x:{first}{second} => {action};\n"))
}

fn input() -> impl Strategy<Value = Vec<Claim>> {
    let claim = (
        prop::sample::select(&["a", "b", "c"][..]),
        prop::sample::select(&["1", "2", ""][..]),
        prop::sample::select(&["AD AUTHORITY", "LOCAL AUTHORITY"][..]),
    );
    prop::collection::vec(claim.prop_map(|(t, v, i)| Claim::new(t, v, i)), 0..5)
}

proptest! {
    #[test]
    fn the_engine_agrees_with_the_naive_evaluator(set in prop::collection::vec(rule(), 0..4), input in input()) {
        let text = set.concat();
        let limits = Limits { tuples: 2000, claims: 2000, ..Limits::default() };
        let found = evaluate(&rules(&text), &ClaimSet::from(input.clone()), &limits);
        // Sets that grow beyond the bounds are not the naive evaluator's business.
        if let Ok(found) = found {
            let (output, issued) = naive(&text, &input);
            prop_assert_eq!(found.output.as_slice(), output.as_slice(), "{}", text);
            prop_assert_eq!(found.issued, issued);
        }
    }
}
