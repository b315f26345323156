//! `chancery claims run`: a rule file over saved input, for scripts and other tools.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::Format;
use super::files;
use super::output::{Paint, counted, printable, write, write_json};
use super::wording::claim_line;
use crate::claims::case::{self, CaseFile, CaseResult, SavedClaim};
use crate::claims::{ClaimSet, Limits, NoTrace, RuleSet};

/// Run a rule file over saved cases and print the claims
///
/// Reads no directory: the attribute stores answer what each case says and nothing else. Expected results in the file are not
/// compared (see `chancery claims test`). Exit status 2 when the rules are refused, 1 when the cases cannot be read; cases
/// whose rules fail while they run have an `error` and do not change the exit status.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  chancery claims run roles.rules roles.json --format json
  chancery claims run roles.rules roles.json | less")]
pub(super) struct Run {
    /// Rule file
    #[arg(value_name = "RULES")]
    rules: PathBuf,
    /// Case file (JSON)
    #[arg(value_name = "CASES")]
    cases: PathBuf,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

impl Run {
    pub(super) fn run(self) -> ExitCode {
        let rules = match files::rules(&self.rules) {
            Ok(rules) => rules,
            Err(error) => {
                eprintln!("chancery claims run: {error}");
                return ExitCode::from(RULES_REFUSED);
            }
        };
        match self.cases(&rules) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("chancery claims run: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn cases(&self, rules: &RuleSet) -> Result<(), Box<dyn std::error::Error>> {
        let file = files::cases(&self.cases)?;
        let results = files::at_once(run_all(rules, &file))?;
        match self.format {
            Format::Human => write(&human(&file, &results, Paint::of_stdout())),
            Format::Json => {
                let cases = file.cases.iter().zip(&results).map(|(case, result)| answer(&case.name, result));
                write_json(&Answers { cases: cases.collect() });
            }
        }
        Ok(())
    }
}

async fn run_all(rules: &RuleSet, file: &CaseFile) -> Vec<CaseResult> {
    let mut results = Vec::with_capacity(file.cases.len());
    for case in &file.cases {
        results.push(case::run(rules, file.stage, case, &Limits::default(), &mut NoTrace).await);
    }
    results
}

#[derive(serde::Serialize)]
struct Answers<'a> {
    cases: Vec<Answer<'a>>,
}

#[derive(serde::Serialize)]
struct Answer<'a> {
    name: &'a str,
    output: Vec<SavedClaim>,
    added: Vec<SavedClaim>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    /// What the error says, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

fn answer<'a>(name: &'a str, result: &CaseResult) -> Answer<'a> {
    let saved = |claims: &ClaimSet| claims.iter().map(SavedClaim::from).collect();
    let (output, added, error, message) = match &result.outcome {
        Ok(outcome) => (saved(&outcome.output), saved(&outcome.added), None, None),
        Err(failure) => (Vec::new(), Vec::new(), Some(failure.kind.as_str()), Some(failure.to_string())),
    };
    Answer { name, output, added, decision: result.decision, error, message }
}

fn human(file: &CaseFile, results: &[CaseResult], paint: Paint) -> String {
    let mut text = String::new();
    for (case, result) in file.cases.iter().zip(results) {
        let _ = writeln!(text, "{}", paint.bold(&printable(&case.name)));
        match &result.outcome {
            Ok(outcome) => {
                for (verb, claims) in [("issued", &outcome.output), ("added ", &outcome.added)] {
                    for claim in claims {
                        let _ = writeln!(text, "  {verb}  {}", claim_line(&claim.into()));
                    }
                }
                if outcome.output.is_empty() {
                    let _ = writeln!(text, "  no claims were issued");
                }
            }
            Err(failure) => {
                let _ = writeln!(text, "  {} ({}): {failure}", paint.bad("failed"), failure.kind.as_str());
            }
        }
        if let Some(decision) = result.decision {
            let _ = writeln!(text, "  decision: {decision}");
        }
    }
    let _ = writeln!(text, "{}.", counted(results.len(), "case"));
    text
}

const RULES_REFUSED: u8 = 2;
