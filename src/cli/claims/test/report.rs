//! What came of the tests, for people and for machines.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::claims::RuleSet;
use crate::claims::case::{Mismatch, SavedClaim};
use crate::claims::explain::{RuleExplanation, StageExplanation, candidates};
use crate::claims::language::Verb;
use crate::cli::claims::output::{Paint, counted, printable};
use crate::cli::claims::wording::{claim_line, rule, why};

/// Everything that was tested.
#[derive(Debug, serde::Serialize)]
pub(super) struct Report {
    passed: usize,
    failed: usize,
    /// Files that could not be run at all.
    unusable: usize,
    files: Vec<FileReport>,
}

/// One case file.
#[derive(Debug, serde::Serialize)]
pub(super) struct FileReport {
    pub(super) file: PathBuf,
    /// Why it could not be run at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<String>,
    pub(super) cases: Vec<CaseReport>,
}

/// One case.
#[derive(Debug, serde::Serialize)]
pub(super) struct CaseReport {
    pub(super) name: String,
    pub(super) passed: bool,
    pub(super) differences: Vec<Difference>,
}

/// One difference between what was expected and what came.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Difference {
    /// `missing`, `extra`, `missing-added`, `extra-added`, `number`, `decision`, `error`, `nothing-expected`.
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    claim: Option<SavedClaim>,
    /// What it is, in a line.
    message: String,
    /// Which rule made it, or which could have and why it did not.
    notes: Vec<String>,
}

impl Difference {
    pub(super) fn of(mismatch: &Mismatch, rules: &RuleSet, explanation: Option<&StageExplanation>) -> Self {
        let explained = |index: usize| explanation.and_then(|stage| stage.rules.get(index));
        let name = |index: usize| explained(index).and_then(|rule| rule.name.clone());
        let new = |kind, claim: Option<&SavedClaim>, message, notes| {
            let claim = claim.cloned();
            Self { kind, claim, message, notes }
        };
        match mismatch {
            Mismatch::MissingOutput(claim) => {
                let notes = origins(rules, Verb::Issue, claim, explanation);
                new("missing", Some(claim), claim_line(claim), notes)
            }
            Mismatch::MissingAdded(claim) => {
                let notes = origins(rules, Verb::Add, claim, explanation);
                new("missing-added", Some(claim), format!("{} (added)", claim_line(claim)), notes)
            }
            Mismatch::ExtraOutput { claim, rule: index } => {
                let saved = claim.into();
                let made_by = format!("issued by {}", rule(index + 1, name(*index).as_deref()));
                new("extra", Some(&saved), claim_line(&saved), vec![made_by])
            }
            Mismatch::ExtraAdded(claim) => {
                let saved = claim.into();
                new("extra-added", Some(&saved), format!("{} (added)", claim_line(&saved)), Vec::new())
            }
            Mismatch::Number { what, expected, found } => {
                new("number", None, format!("{what}: {found}, expected {expected}"), Vec::new())
            }
            Mismatch::Decision { expected, found } => {
                let found = found.unwrap_or("none: the stage of this file decides nothing");
                new("decision", None, format!("decision: {found}, expected {}", printable(expected)), Vec::new())
            }
            Mismatch::Failed { expected: None, found: (kind, message) } => {
                new("error", None, format!("the rules failed ({kind}): {}", printable(message)), Vec::new())
            }
            Mismatch::Failed { expected: Some(expected), found: (kind, message) } => {
                let expected = printable(expected);
                let line = format!("the rules failed ({kind}), expected {expected}: {}", printable(message));
                new("error", None, line, Vec::new())
            }
            Mismatch::NotFailed { expected } => {
                let line = format!("the rules did not fail, expected error {}", printable(expected));
                new("error", None, line, Vec::new())
            }
            Mismatch::NothingExpected => new(
                "nothing-expected",
                None,
                String::from("the case expects nothing: give it `output`, `decision` or another expected result"),
                Vec::new(),
            ),
        }
    }
}

/// The rules that could have made a claim, and why they did not.
fn origins(rules: &RuleSet, verb: Verb, claim: &SavedClaim, explanation: Option<&StageExplanation>) -> Vec<String> {
    let could = candidates(rules.text(), verb, &claim.claim_type);
    if could.is_empty() {
        return vec![format!("no rule makes a claim of this type by `{}`", verb.as_str())];
    }
    let mut notes = Vec::new();
    for index in could.into_iter().take(SHOWN) {
        let Some(explained) = explanation.and_then(|stage| stage.rules.get(index)) else { continue };
        let called = rule(explained.number, explained.name.as_deref());
        if explained.acted == 0 {
            notes.push(format!("{called} could make it, but did not act"));
            notes.extend(why(explained).into_iter().map(|line| format!("  {line}")));
        } else {
            notes.push(format!("{called} acted {} and made {}", counted(explained.acted, "time"), made(explained)));
        }
    }
    notes
}

/// What a rule made, cut to a few.
fn made(rule: &RuleExplanation) -> String {
    let mut claims = rule.combinations.iter().flat_map(|combination| &combination.made).map(|made| &made.claim);
    let first: Vec<String> = claims.by_ref().take(SHOWN).map(claim_line).collect();
    let more = claims.count();
    match (first.is_empty(), more) {
        (true, _) => String::from("nothing"),
        (false, 0) => first.join("; "),
        (false, more) => format!("{}; and {more} more", first.join("; ")),
    }
}

impl Report {
    pub(super) fn new(files: Vec<FileReport>) -> Self {
        let cases = || files.iter().flat_map(|file| &file.cases);
        let unusable = files.iter().filter(|file| file.problem.is_some()).count();
        let passed = cases().filter(|case| case.passed).count();
        let failed = cases().count() - passed;
        Self { passed, failed, unusable, files }
    }

    pub(super) const fn passes(&self) -> bool {
        self.failed == 0 && self.unusable == 0 && self.passed > 0
    }

    pub(super) fn human(&self, paint: Paint) -> String {
        let mut text = String::new();
        for file in &self.files {
            let path = file.file.display();
            if let Some(problem) = &file.problem {
                let _ =
                    writeln!(text, "{} {path}\n  {}", paint.bad("FAILED"), problem.trim_end().replace('\n', "\n  "));
            }
            for case in file.cases.iter().filter(|case| !case.passed) {
                let _ = writeln!(text, "{} {path}: \"{}\"", paint.bad("FAILED"), printable(&case.name));
                for difference in &case.differences {
                    let line = match difference.kind {
                        "missing" | "missing-added" => paint.bad(&format!("- {}", difference.message)),
                        "extra" | "extra-added" => paint.good(&format!("+ {}", difference.message)),
                        _ => format!("! {}", difference.message),
                    };
                    let _ = writeln!(text, "  {line}");
                    for note in &difference.notes {
                        let _ = writeln!(text, "      {}", paint.faint(note));
                    }
                }
            }
        }
        if self.files.iter().flat_map(|file| &file.cases).any(|case| !case.passed) {
            let _ = writeln!(text, "(- is missing, + is too much)");
        }
        let unusable = match self.unusable {
            0 => String::new(),
            number => format!(", {} could not be tested", counted(number, "file")),
        };
        let _ = writeln!(
            text,
            "{}, {}: {} passed, {} failed{unusable}.",
            counted(self.files.len(), "file"),
            counted(self.files.iter().map(|file| file.cases.len()).sum(), "case"),
            self.passed,
            self.failed
        );
        text
    }
}

/// Rules, and claims of one rule, that a note names.
const SHOWN: usize = 5;
