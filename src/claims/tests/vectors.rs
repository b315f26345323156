//! The rule sets under `tests/claims/vectors`: all are accepted, and every case gives what it says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::support::{Table, now};
use crate::claims::language::{parse, print_rules};
use crate::claims::store::{QueryContext, RequestStores, Rows, StoreError, StoreSet};
use crate::claims::{
    Authorization, Claim, ClaimSet, Limits, NoTrace, ParseOptions, RuleSet, Text, asks_second_factor, authorize,
};

#[derive(Deserialize)]
struct File {
    rules: String,
    stage: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    name: String,
    input: Vec<Shown>,
    #[serde(default)]
    stores: Vec<Answer>,
    output: Vec<Shown>,
    added: Option<Vec<Shown>>,
    output_count: Option<usize>,
    store_calls: Option<usize>,
    decision: Option<String>,
    error: Option<String>,
}

#[derive(Deserialize, Debug)]
#[serde(rename_all = "camelCase")]
struct Shown {
    #[serde(rename = "type")]
    claim_type: Text,
    value: Text,
    value_type: Option<Text>,
    issuer: Option<Text>,
    original_issuer: Option<Text>,
    properties: Option<BTreeMap<Text, Text>>,
}

#[derive(Deserialize)]
struct Answer {
    store: String,
    query: String,
    params: Vec<String>,
    #[serde(default)]
    rows: Vec<Vec<Option<Text>>>,
    error: Option<serde_json::Value>,
}

impl Shown {
    fn claim(&self) -> Claim {
        let issuer = self.issuer.clone().unwrap_or_else(|| "AD AUTHORITY".into());
        let mut claim = Claim::new(self.claim_type.clone(), self.value.clone(), issuer);
        if let Some(value_type) = &self.value_type {
            claim.value_type = value_type.clone();
        }
        if let Some(original) = &self.original_issuer {
            claim.original_issuer = original.clone();
        }
        claim.properties = self.properties.clone().unwrap_or_default();
        claim
    }

    /// A field that is absent is not compared.
    fn describes(&self, claim: &Claim) -> bool {
        let same = |shown: &Option<Text>, text: &Text| shown.as_ref().is_none_or(|shown| shown == text);
        self.claim_type == claim.claim_type
            && self.value == claim.value
            && same(&self.value_type, &claim.value_type)
            && same(&self.issuer, &claim.issuer)
            && same(&self.original_issuer, &claim.original_issuer)
            && self.properties.as_ref().is_none_or(|properties| *properties == claim.properties)
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/claims/vectors")
}

/// Every expected claim is there and nothing else.
fn compare(what: &str, expected: &[Shown], found: &ClaimSet) -> Result<(), String> {
    let missing: Vec<&Shown> =
        expected.iter().filter(|shown| !found.iter().any(|claim| shown.describes(claim))).collect();
    let extra: Vec<&Claim> =
        found.iter().filter(|claim| !expected.iter().any(|shown| shown.describes(claim))).collect();
    if missing.is_empty() && extra.is_empty() {
        Ok(())
    } else {
        Err(format!("{what}: missing {missing:?}, extra {extra:?}"))
    }
}

fn run(stage: &str, rules: &RuleSet, case: &Case) -> Result<(), String> {
    let mut tables: BTreeMap<&str, Table> = BTreeMap::new();
    for answer in &case.stores {
        let rows = match &answer.error {
            None => Ok(Rows(answer.rows.clone())),
            Some(error) => Err(StoreError::Failed { reason: error.to_string() }),
        };
        tables.entry(&answer.store).or_default().0.insert((answer.query.clone(), answer.params.clone()), rows);
    }
    let stores = tables.into_iter().fold(StoreSet::new(), |set, (name, table)| set.with(name, Arc::new(table)));
    let stores = RequestStores::new(&stores, QueryContext::default());
    let input: ClaimSet = case.input.iter().map(Shown::claim).collect();
    let limits = Limits::default();
    let outcome = now(rules.evaluate(&input, &stores, &limits, &mut NoTrace));
    let outcome = match (outcome, &case.error) {
        (Err(_), Some(_)) => return Ok(()),
        (Err(error), None) => return Err(error.to_string()),
        (Ok(_), Some(error)) => return Err(format!("must fail: {error}")),
        (Ok(outcome), None) => outcome,
    };
    compare("output", &case.output, &outcome.output)?;
    if let Some(added) = &case.added {
        compare("added", added, &outcome.added)?;
    }
    if let Some(count) = case.output_count.filter(|count| *count != outcome.issued) {
        return Err(format!("issued {} claims, not {count}", outcome.issued));
    }
    if let Some(calls) = case.store_calls.filter(|calls| *calls != outcome.store_calls) {
        return Err(format!("{} store calls, not {calls}", outcome.store_calls));
    }
    let Some(decision) = &case.decision else { return Ok(()) };
    let found = match stage {
        "issuance-authorization" => match now(authorize(rules, &input, &stores, &limits, &mut NoTrace)).unwrap() {
            Authorization::Permit => "permit",
            Authorization::Deny(_) => "deny",
        },
        _ if now(asks_second_factor(rules, &input, &stores, &limits, &mut NoTrace)).unwrap() => "mfa",
        _ => "no-mfa",
    };
    if found == decision { Ok(()) } else { Err(format!("decision {found}, not {decision}")) }
}

#[test]
fn published_rule_sets_give_what_was_worked_out() {
    let (mut files, mut passed, mut failures) = (0, 0, Vec::new());
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "json")) {
        let file: File = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let text = std::fs::read_to_string(folder().join(&file.rules)).unwrap();
        files += 1;
        let rules = match RuleSet::parse(&text) {
            Ok(rules) => rules,
            Err(error) => {
                failures.push(format!("{}: {error}", file.rules));
                continue;
            }
        };
        for case in &file.cases {
            match run(&file.stage, &rules, case) {
                Ok(()) => passed += 1,
                Err(reason) => failures.push(format!("{} {}: {reason}", file.rules, case.name)),
            }
        }
    }
    println!("{files} rule sets, {passed} cases passed, {} failed", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!((files, passed), (46, 94));
}

/// Printed and read again, every rule set is printed the same; and the spans give back the text.
#[test]
fn published_rule_sets_survive_printing() {
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rules") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let (rules, _) = parse(&text, ParseOptions::default()).unwrap();
        let printed = print_rules(&rules);
        let (again, warnings) = parse(&printed, ParseOptions::default()).unwrap();
        assert_eq!(print_rules(&again), printed, "{}", path.display());
        assert!(warnings.len() <= 2, "{}: {warnings:?}", path.display());
        for rule in &rules.rules {
            assert!(rules.text[rule.span.range()].ends_with(';'));
        }
    }
}
