//! The rule sets under `tests/claims/vectors`: all are accepted, and every case gives what it says.

use std::path::{Path, PathBuf};

use super::support::now;
use crate::claims::case::{self, CaseFile};
use crate::claims::explain::{Reason, StageExplanation};
use crate::claims::language::{parse, print_rules};
use crate::claims::{Limits, NoTrace, ParseOptions, RecordedTrace, RuleSet};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/claims/vectors")
}

/// Every case file with its rules, in order of the names.
fn files() -> Vec<(String, CaseFile, RuleSet)> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let cases = paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    cases
        .map(|path| {
            let file: CaseFile = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
            let name = file.rules.clone().unwrap();
            let text = std::fs::read_to_string(folder().join(&name)).unwrap();
            let rules = RuleSet::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, file, rules)
        })
        .collect()
}

#[test]
fn published_rule_sets_give_what_was_worked_out() {
    let (mut passed, mut failures) = (0, Vec::new());
    let files = files();
    for (name, file, rules) in &files {
        for case in &file.cases {
            let result = now(case::run(rules, file.stage, case, &Limits::default(), &mut NoTrace));
            let mismatches = case::compare(case, &result);
            if mismatches.is_empty() {
                passed += 1;
            } else {
                failures.push(format!("{name} {}: {mismatches:?}", case.name));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!((files.len(), passed), (46, 94));
}

/// A recording changes nothing, and every rule that did not act has a reason.
#[test]
fn every_rule_of_the_published_sets_is_explained() {
    let mut reasons = 0;
    for (name, file, rules) in files() {
        for case in &file.cases {
            let mut trace = RecordedTrace::default();
            let traced = now(case::run(&rules, file.stage, case, &Limits::default(), &mut trace));
            let plain = now(case::run(&rules, file.stage, case, &Limits::default(), &mut NoTrace));
            assert_eq!(traced, plain, "{name} {}", case.name);
            let explained = StageExplanation::of(&trace.runs[0]);
            assert_eq!(explained.rules.len() + explained.not_reached, rules.len(), "{name} {}", case.name);
            for rule in &explained.rules {
                let failed = explained.error.is_some() && explained.rules.last() == Some(rule);
                assert!((rule.acted == 0) == rule.reason.is_some() || failed, "{name} {}: {rule:?}", case.name);
                reasons += usize::from(rule.reason.is_some());
                if let Some(Reason::NoClaim { nearest: Some(nearest), .. }) = &rule.reason {
                    assert!(!nearest.failed.is_empty(), "{name} {}: {rule:?}", case.name);
                }
            }
            let issued: Vec<_> = explained.output.iter().map(|issued| issued.claim.to_claim()).collect();
            let output = plain.outcome.map(|outcome| outcome.output).unwrap_or_default();
            assert_eq!(issued, output.as_slice(), "{name} {}", case.name);
        }
    }
    assert!(reasons > 50, "{reasons}");
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
