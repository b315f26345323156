//! Rule files: read within bounds, as UTF-8, with the line of what is none.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::claims::language::{self, EncodingError, MAX_TEXT};

/// The text of a rule file; `-` means standard input.
///
/// # Errors
/// [`SourceError`] when it cannot be read, is longer than any rule set may be, or is not UTF-8.
pub(super) fn read(path: &Path) -> Result<String, SourceError> {
    let failed = |source| SourceError::Read { file: shown(path), source };
    let bytes = if path == Path::new("-") { bounded(io::stdin().lock()) } else { File::open(path).and_then(bounded) };
    let bytes = bytes.map_err(failed)?;
    if bytes.len() > MAX_FILE {
        return Err(SourceError::TooLong { file: shown(path), limit: MAX_FILE });
    }
    match language::decode(&bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => Err(SourceError::Encoding { file: shown(path), error }),
    }
}

fn bounded(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// How messages call a file.
pub(super) fn shown(path: &Path) -> PathBuf {
    if path == Path::new("-") { PathBuf::from("standard input") } else { path.to_owned() }
}

/// Why a file gives no rule text.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    /// It cannot be read.
    #[error("{}: {source}", .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is longer than is read.
    #[error("{}: longer than {limit} octets, which no rule set may be", .file.display())]
    TooLong {
        /// The file.
        file: PathBuf,
        /// The limit in octets.
        limit: usize,
    },
    /// It is not UTF-8.
    #[error("{}: {error}", .file.display())]
    Encoding {
        /// The file.
        file: PathBuf,
        /// Where, and what it probably is.
        error: EncodingError,
    },
}

impl SourceError {
    /// What went wrong, without the file's name.
    pub(super) fn cause(&self) -> String {
        match self {
            Self::Read { source, .. } => source.to_string(),
            Self::TooLong { limit, .. } => format!("longer than {limit} octets, which no rule set may be"),
            Self::Encoding { error, .. } => error.to_string(),
        }
    }
}

/// Longest file read: the longest rule text and a byte order mark. Trust files are read by the same bound.
const MAX_FILE: usize = MAX_TEXT + 3;
