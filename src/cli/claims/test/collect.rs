//! The case files below directories.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Why the case files cannot be told.
#[derive(Debug, thiserror::Error)]
pub(super) enum CollectError {
    /// A directory or file cannot be read.
    #[error("{}: {source}", .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There are too many.
    #[error("more than {MOST_FILES} case files")]
    TooMany,
    /// Directories lie too deep in each other.
    #[error("{}: more than {DEEPEST} directories deep", .0.display())]
    TooDeep(PathBuf),
    /// There is none.
    #[error("no case file was found: a case is a file name.json beside its rules, name.rules")]
    None,
}

/// Every file `name.json` that has a `name.rules` beside it or names its rules itself, in order of the paths. Links to
/// directories are not followed.
pub(super) fn case_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, CollectError> {
    let mut found = Vec::new();
    for path in paths {
        let kind = fs::metadata(path).map_err(|source| CollectError::Read { path: path.clone(), source })?;
        if kind.is_dir() {
            below(path, 0, &mut found)?;
        } else {
            found.push(path.clone());
        }
    }
    if found.is_empty() { Err(CollectError::None) } else { Ok(found) }
}

fn below(directory: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), CollectError> {
    if depth > DEEPEST {
        return Err(CollectError::TooDeep(directory.to_owned()));
    }
    let failed = |source| CollectError::Read { path: directory.to_owned(), source };
    let mut entries = fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if entry.file_type().map_err(failed)?.is_dir() {
            if !hidden {
                below(&path, depth + 1, found)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "json") && is_case_file(&path) {
            if found.len() == MOST_FILES {
                return Err(CollectError::TooMany);
            }
            found.push(path);
        }
    }
    Ok(())
}

/// A JSON file without rules of its name counts when it has cases, or when it is broken so that nobody can tell.
fn is_case_file(path: &Path) -> bool {
    #[derive(serde::Deserialize)]
    struct Head {
        #[serde(rename = "cases")]
        _cases: serde::de::IgnoredAny,
    }
    let Ok(file) = fs::File::open(path) else { return true };
    let head = serde_json::from_reader::<_, Head>(io::BufReader::new(file));
    path.with_extension("rules").exists() || head.map_or_else(|error| !error.is_data(), |_| true)
}

/// Case files of one command.
const MOST_FILES: usize = 100_000;
/// Directories in directories.
const DEEPEST: usize = 32;
