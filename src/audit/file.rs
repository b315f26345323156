//! Audit events to a file, one JSON object a line.
//!
//! Appends only, so that several processes may share the file; follows rotation by rename without being told, and by
//! [`AuditSink::reopen`] when told. A line that a full disk cut short never swallows the next one.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::event::AuditEvent;
use super::json::to_line;
use super::sink::{AuditError, AuditSink};

/// When an event counts as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// The operating system has it: survives the process, not a power failure. The default.
    #[default]
    System,
    /// The disk has it (fdatasync once per batch).
    Disk,
}

/// A file of JSON lines.
#[derive(Debug)]
pub struct FileSink {
    path: PathBuf,
    durability: Durability,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// Device and inode, to notice a rotation.
    identity: (u64, u64),
    /// Whether the last line lacks its end.
    torn: bool,
    /// Whether this batch has looked for a rotation.
    looked: bool,
}

impl FileSink {
    /// Opens `path` for appending, making it with mode 0640 when there is none. The directory must exist.
    ///
    /// # Errors
    /// [`AuditError::Open`].
    pub fn open(path: &Path, durability: Durability) -> Result<Self, AuditError> {
        let open = Open::at(path)?;
        Ok(Self { path: path.to_owned(), durability, open: Mutex::new(open) })
    }

    fn failed(&self, source: io::Error) -> AuditError {
        AuditError::Write { sink: self.path.display().to_string(), source }
    }
}

impl AuditSink for FileSink {
    fn record(&self, event: &AuditEvent) -> Result<(), AuditError> {
        let line = to_line(event).map_err(|error| self.failed(error.into()))?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if !open.looked {
            if std::fs::metadata(&self.path).map(|found| (found.dev(), found.ino())).ok() != Some(open.identity) {
                *open = Open::at(&self.path)?;
            }
            open.looked = true;
        }
        open.append(line).map_err(|source| self.failed(source))
    }

    fn commit(&self) -> Result<(), AuditError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.looked = false;
        if self.durability == Durability::System {
            return Ok(());
        }
        open.file.sync_data().map_err(|source| self.failed(source))
    }

    fn reopen(&self) -> Result<(), AuditError> {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Open::at(&self.path)?;
        Ok(())
    }
}

impl Open {
    fn at(path: &Path) -> Result<Self, AuditError> {
        let failed = |source| AuditError::Open { path: path.to_owned(), source };
        let mut file =
            OpenOptions::new().read(true).append(true).create(true).mode(0o640).open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        let torn = metadata.is_file() && metadata.len() > 0 && !ends_a_line(&mut file).map_err(failed)?;
        Ok(Self { file, identity: (metadata.dev(), metadata.ino()), torn, looked: false })
    }

    /// One write for a whole line, so that lines of several processes do not mix.
    fn append(&mut self, mut line: Vec<u8>) -> io::Result<()> {
        if self.torn {
            line.insert(0, b'\n');
        }
        let before = line.len();
        let mut rest = line.as_slice();
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.torn |= rest.len() != before;
                    return Err(error);
                }
            }
            self.torn = !rest.is_empty();
        }
        Ok(())
    }
}

fn ends_a_line(file: &mut File) -> io::Result<bool> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == [b'\n'])
}
