//! Writes a recorded sign-in as cases that `chancery claims test` runs.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::claims::case::{Case, CaseFile, FailureKind, SavedAnswer, SavedClaim};
use crate::claims::engine::QueryTrace;
use crate::claims::pipeline::demands_second_factor;
use crate::claims::{ClaimSet, RecordedTrace, RuleSet, RunTrace, Stage, pipeline};

/// Why a recording was not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum SaveError {
    /// The file cannot be made; one that exists is never replaced.
    #[error("{}: {source}", .file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The name would collide with the rule file's.
    #[error("{}: name the file NAME.json; its rules are written to NAME.rules", .0.display())]
    Name(PathBuf),
    /// No rules ran.
    #[error("nothing to save: no issuance rules ran")]
    Nothing,
}

/// Writes the issuance transform rules to `file` and `.rules` beside it, the rules of other stages to files with the stage in
/// their name. Existing files are kept, and then nothing is written.
pub(super) fn save(file: &Path, title: &str, trace: &RecordedTrace) -> Result<(), SaveError> {
    if file.extension().is_none_or(|extension| extension != "json") {
        return Err(SaveError::Name(file.to_owned()));
    }
    let mut files = Vec::new();
    for run in &trace.runs {
        let stage = run.stage.unwrap_or(Stage::IssuanceTransform);
        let json = match stage {
            // Built in, so nobody's to test.
            Stage::AcceptanceTransform => continue,
            Stage::IssuanceTransform => file.to_owned(),
            Stage::AdditionalAuthentication | Stage::IssuanceAuthorization => {
                file.with_extension(format!("{stage}.json"))
            }
        };
        let rules = json.with_extension("rules");
        let name = rules.file_name().map(|name| name.to_string_lossy().into_owned());
        let cases = CaseFile { rules: name, stage, cases: vec![case(stage, title, run)] };
        let text = serde_json::to_string_pretty(&cases).unwrap_or_default();
        files.push((rules, run.text.to_string()));
        files.push((json, format!("{text}\n")));
    }
    if files.is_empty() {
        return Err(SaveError::Nothing);
    }
    if let Some((file, _)) = files.iter().find(|(file, _)| file.exists()) {
        return Err(SaveError::Write { file: file.clone(), source: io::ErrorKind::AlreadyExists.into() });
    }
    for (file, text) in files {
        let made = OpenOptions::new().write(true).create_new(true).open(&file);
        made.and_then(|mut made| made.write_all(text.as_bytes()))
            .map_err(|source| SaveError::Write { file, source })?;
    }
    Ok(())
}

/// What ran, as a case that expects what came of it.
fn case(stage: Stage, title: &str, run: &RunTrace) -> Case {
    let saved = |claims: &ClaimSet| -> Vec<SavedClaim> { claims.iter().map(SavedClaim::from).collect() };
    let mut case = Case {
        name: title.to_owned(),
        input: saved(&run.input),
        stores: run.queries.iter().map(answer).collect(),
        output: None,
        added: None,
        output_count: None,
        store_calls: None,
        decision: None,
        error: None,
    };
    match &run.result {
        Some(Ok(outcome)) => {
            case.output = Some(saved(&outcome.output));
            case.added = Some(saved(&outcome.added)).filter(|added| !added.is_empty());
            case.decision = match stage {
                Stage::IssuanceAuthorization => RuleSet::parse(&run.text).ok().map(|rules| {
                    let permits = pipeline::verdict(&rules, outcome) == pipeline::Authorization::Permit;
                    String::from(if permits { "permit" } else { "deny" })
                }),
                Stage::AdditionalAuthentication => {
                    Some(String::from(if demands_second_factor(&outcome.output) { "mfa" } else { "no-mfa" }))
                }
                Stage::AcceptanceTransform | Stage::IssuanceTransform => None,
            };
        }
        Some(Err(error)) => case.error = Some(FailureKind::of(&error.kind, false).as_str().to_owned()),
        None => {}
    }
    case
}

fn answer(query: &QueryTrace) -> SavedAnswer {
    let (rows, error) = match &query.answer {
        Ok(rows) => (rows.0.clone(), None),
        Err(reason) => (Vec::new(), Some(serde_json::Value::String(reason.clone()))),
    };
    SavedAnswer {
        store: query.store.to_string(),
        query: query.query.to_string(),
        params: query.params.iter().map(ToString::to_string).collect(),
        rows,
        error,
    }
}
