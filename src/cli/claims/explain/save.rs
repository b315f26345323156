//! Writes a recorded sign-in as cases that `chancery claims test` runs.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::claims::case::{Case, CaseFile, FailureKind, SavedAnswer, SavedClaim, decision};
use crate::claims::engine::QueryTrace;
use crate::claims::{ClaimSet, RecordedTrace, RuleSet, RunTrace, Stage};

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
    let mut files: Vec<(PathBuf, String)> = Vec::new();
    for run in &trace.runs {
        let stage = run.stage.unwrap_or(Stage::IssuanceTransform);
        let json = match stage {
            Stage::IssuanceTransform => file.to_owned(),
            // The rules of all relying parties and those of this one are two sets of the same stage.
            Stage::AcceptanceTransform
            | Stage::AdditionalAuthentication
            | Stage::IssuanceAuthorization
            | Stage::DelegationAuthorization => {
                let numbered = (2..).map(|number| format!("{stage}-{number}.json"));
                let names = std::iter::once(format!("{stage}.json")).chain(numbered);
                let mut free = names.map(|name| file.with_extension(name));
                let free = free.find(|json| !files.iter().any(|(taken, _)| taken == json));
                free.unwrap_or_else(|| file.to_owned())
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
            let rules = RuleSet::parse(&run.text).ok();
            case.decision = rules.and_then(|rules| decision(&rules, stage, outcome)).map(String::from);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::Text;

    fn run(stage: Stage, text: &str) -> RunTrace {
        RunTrace {
            stage: Some(stage),
            text: Text::from(text),
            input: ClaimSet::default(),
            rules: Vec::new(),
            made: Vec::new(),
            queries: Vec::new(),
            result: None,
        }
    }

    #[test]
    fn every_rule_set_has_a_file_of_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("alice.json");
        let mut trace = RecordedTrace::default();
        trace.runs = vec![
            run(Stage::AcceptanceTransform, "0"),
            run(Stage::AdditionalAuthentication, "1"),
            run(Stage::AdditionalAuthentication, "2"),
            run(Stage::IssuanceAuthorization, "3"),
            run(Stage::IssuanceTransform, "4"),
        ];
        save(&file, "alice", &trace).unwrap();
        for (name, text) in [
            ("alice.acceptance-transform", "0"),
            ("alice.additional-authentication", "1"),
            ("alice.additional-authentication-2", "2"),
            ("alice.issuance-authorization", "3"),
            ("alice", "4"),
        ] {
            let at = |ending: &str| directory.path().join(format!("{name}.{ending}"));
            assert_eq!(std::fs::read_to_string(at("rules")).unwrap(), text, "{name}");
            let cases: serde_json::Value = serde_json::from_slice(&std::fs::read(at("json")).unwrap()).unwrap();
            assert_eq!(cases["rules"], format!("{name}.rules"));
        }
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 10);
        // What is there is kept.
        assert!(matches!(save(&file, "alice", &trace), Err(SaveError::Write { .. })));
    }
}
