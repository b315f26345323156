//! Rule files and case files: read within bounds.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::source::{self, SourceError};
use crate::claims::case::{CaseFile, SavedClaim};
use crate::claims::{RuleSet, RuleSetError};

/// Why a rule file gives no rules.
#[derive(Debug, thiserror::Error)]
pub(super) enum RulesError {
    /// It cannot be read, is longer than any rule set may be, or is not UTF-8.
    #[error("the rules are refused: {0}")]
    Source(#[from] SourceError),
    /// The rules are wrong.
    #[error("the rules are refused\n{:?}", miette::Report::new(.0.clone()))]
    Refused(RuleSetError),
}

/// Why a case file gives no cases.
#[derive(Debug, thiserror::Error)]
pub(super) enum CasesError {
    /// It cannot be read.
    #[error("the cases cannot be read: {}: {source}", .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is longer than is read.
    #[error("the cases cannot be read: {}: longer than {} MiB", .file.display(), MOST_CASE_OCTETS >> 20)]
    TooLong {
        /// The file.
        file: PathBuf,
    },
    /// It is no JSON of the form that cases have.
    #[error("the cases cannot be read: {}: {source}", .file.display())]
    Json {
        /// The file.
        file: PathBuf,
        /// Where, and what was expected.
        source: serde_json::Error,
    },
}

/// Reads a rule file and compiles it as the server would.
pub(super) fn rules(file: &Path) -> Result<RuleSet, RulesError> {
    let text = source::read(file)?;
    RuleSet::parse(&text).map_err(|error| RulesError::Refused(error.named(source::shown(file).to_string_lossy())))
}

/// Reads a case file.
pub(super) fn cases(file: &Path) -> Result<CaseFile, CasesError> {
    json(file)
}

/// Reads a list of claims.
pub(super) fn claims(file: &Path) -> Result<Vec<SavedClaim>, CasesError> {
    json(file)
}

fn json<T: serde::de::DeserializeOwned>(file: &Path) -> Result<T, CasesError> {
    let mut octets = Vec::new();
    let read = File::open(file).and_then(|open| open.take(MOST_CASE_OCTETS as u64 + 1).read_to_end(&mut octets));
    read.map_err(|source| CasesError::Read { file: file.to_owned(), source })?;
    if octets.len() > MOST_CASE_OCTETS {
        return Err(CasesError::TooLong { file: file.to_owned() });
    }
    let octets = octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&octets);
    serde_json::from_slice(octets).map_err(|source| CasesError::Json { file: file.to_owned(), source })
}

/// The rule file of a case file: the one it names, or the one that has its name.
pub(super) fn rules_of(case_file: &Path, cases: &CaseFile) -> PathBuf {
    match &cases.rules {
        Some(name) => case_file.with_file_name(name),
        None => case_file.with_extension("rules"),
    }
}

/// Runs what never waits: the stores of a case answer at once.
pub(super) fn at_once<T>(future: impl Future<Output = T>) -> io::Result<T> {
    Ok(tokio::runtime::Builder::new_current_thread().build()?.block_on(future))
}

/// Longest case file.
const MOST_CASE_OCTETS: usize = 64 << 20;
