//! `chancery claims test`: saved cases with expected output, as an administrator keeps them in version control.

mod collect;
mod report;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::Format;
use super::files;
use super::output::{Paint, write, write_json};
use crate::claims::case::{self, Case, CaseFile, Mismatch};
use crate::claims::explain::StageExplanation;
use crate::claims::{Limits, NoTrace, RecordedTrace, RuleSet};
use report::{CaseReport, Difference, FileReport, Report};

/// Test rule files against saved cases
///
/// Takes every case file (`name.json`) below the directories, with the rules it names or with `name.rules` beside it, and
/// compares what the rules make with what the case expects: as sets of claims, and only the fields that are written down. For
/// each difference it says which rule made the claim, or which rule could have made it and why it did not. Exit status 1 when
/// a case fails or there is none.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  chancery claims test rules/
  chancery claims test rules/ --format json

`chancery claims explain --save FILE.json` writes such a case from a real sign-in.")]
pub(super) struct Test {
    /// Directories, or single case files
    #[arg(required = true, value_name = "DIR")]
    paths: Vec<PathBuf>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

impl Test {
    pub(super) fn run(self) -> ExitCode {
        let report = match self.test() {
            Ok(report) => report,
            Err(error) => {
                eprintln!("chancery claims test: {error}");
                return ExitCode::FAILURE;
            }
        };
        match self.format {
            Format::Human => write(&report.human(Paint::of_stdout())),
            Format::Json => write_json(&report),
        }
        if report.passes() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn test(&self) -> Result<Report, Box<dyn std::error::Error>> {
        let found = collect::case_files(&self.paths)?;
        let files = files::at_once(async {
            let mut files = Vec::with_capacity(found.len());
            for file in &found {
                files.push(test_file(file).await);
            }
            files
        })?;
        Ok(Report::new(files))
    }
}

async fn test_file(file: &Path) -> FileReport {
    let unusable = |problem: String| FileReport { file: file.to_owned(), problem: Some(problem), cases: Vec::new() };
    let cases = match files::cases(file) {
        Ok(cases) => cases,
        Err(error) => return unusable(error.to_string()),
    };
    let rules = match files::rules(&files::rules_of(file, &cases)) {
        Ok(rules) => rules,
        Err(error) => return unusable(error.to_string()),
    };
    if cases.cases.is_empty() {
        return unusable(String::from("it has no case"));
    }
    let mut reports = Vec::with_capacity(cases.cases.len());
    for case in &cases.cases {
        reports.push(test_case(&rules, &cases, case).await);
    }
    FileReport { file: file.to_owned(), problem: None, cases: reports }
}

async fn test_case(rules: &RuleSet, file: &CaseFile, case: &Case) -> CaseReport {
    let limits = Limits::default();
    let result = case::run(rules, file.stage, case, &limits, &mut NoTrace).await;
    let mismatches: Vec<Mismatch> = case::compare(case, &result);
    if mismatches.is_empty() {
        return CaseReport { name: case.name.clone(), passed: true, differences: Vec::new() };
    }
    // Only what failed is worth a recording.
    let mut trace = RecordedTrace::default();
    case::run(rules, file.stage, case, &limits, &mut trace).await;
    let explanation = trace.runs.first().map(StageExplanation::of);
    let differences = mismatches.iter().map(|mismatch| Difference::of(mismatch, rules, explanation.as_ref()));
    CaseReport { name: case.name.clone(), passed: false, differences: differences.collect() }
}
