//! The running server as other processes see it: its process id, and what came of its last reload.
//!
//! Two small files in the state directory. The server holds a lock on the first one for as long as it runs, so that a process id
//! that was left behind is never signalled.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use super::diagnostic::Report;

/// The claim of a state directory by a running server; given up when dropped or when the process ends.
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
    file: File,
}

impl PidFile {
    /// Holds a lock on `path`, and leaves it empty: nobody is told where to send a signal before the server can take one, for
    /// until then SIGHUP would end it.
    ///
    /// # Errors
    /// [`RunningError::AlreadyRunning`] when another server holds it, [`RunningError::Io`] when it cannot be written.
    pub fn acquire(path: &Path) -> Result<Self, RunningError> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(|error| RunningError::io(directory, &error))?;
        }
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o644)
            .open(path)
            .map_err(|error| RunningError::io(path, &error))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(RunningError::AlreadyRunning { path: path.to_owned(), process_id: read_id(&mut file) });
        }
        file.set_len(0).map_err(|error| RunningError::io(path, &error))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Writes this process's id: from here on `chancery reload` finds it.
    ///
    /// # Errors
    /// [`RunningError::Io`] when the file cannot be written.
    pub fn announce(&mut self) -> Result<(), RunningError> {
        self.file
            .set_len(0)
            .and_then(|()| self.file.rewind())
            .and_then(|()| writeln!(self.file, "{}", std::process::id()))
            .and_then(|()| self.file.flush())
            .map_err(|error| RunningError::io(&self.path, &error))
    }
}

/// The process id of the server that holds the lock on `path`; `None` when no server runs.
///
/// # Errors
/// [`RunningError::Io`] when the file is there and cannot be read.
pub fn process_id(path: &Path) -> Result<Option<u32>, RunningError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(RunningError::io(path, &error)),
    };
    if flock(&file, FlockOperation::NonBlockingLockShared).is_ok() {
        // Nobody holds it: the file was left behind. The shared lock ends with `file`.
        return Ok(None);
    }
    Ok(read_id(&mut file))
}

/// Asks the server to read its configuration again.
///
/// # Errors
/// [`RunningError::Signal`] when this user may not signal it or it has ended.
pub fn signal_reload(process_id: u32) -> Result<(), RunningError> {
    let signal_error = |reason: String| RunningError::Signal { process_id, reason };
    let pid = i32::try_from(process_id)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| signal_error(String::from("it is no process id")))?;
    kill_process(pid, Signal::HUP).map_err(|error| signal_error(error.to_string()))
}

/// What came of the last time a running server read its configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastReload {
    /// The server.
    pub process_id: u32,
    /// How many times this process has read its configuration; the start counts.
    pub attempt: u64,
    /// When, in UTC.
    pub at: String,
    /// Whether it is served.
    pub result: ReloadResult,
    /// Generation that is served now.
    pub generation: u64,
    /// Digest of the configuration that was read.
    pub read_digest: String,
    /// Digest of the configuration that is served.
    pub served_digest: String,
    /// Everything that was found.
    pub findings: Report,
}

/// Whether a configuration that was read is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReloadResult {
    /// It is served.
    Served,
    /// It has errors; the one before it is still served.
    Refused,
}

impl LastReload {
    /// Reads the file a server wrote; `None` when there is none or it is of another version.
    pub fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    /// Writes the file, so that a reader sees the old or the new content and nothing between.
    ///
    /// # Errors
    /// [`RunningError::Io`].
    pub fn write(&self, path: &Path) -> Result<(), RunningError> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(|error| RunningError::io(directory, &error))?;
        }
        let temporary = path.with_extension("json.new");
        let bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        fs::write(&temporary, bytes)
            .and_then(|()| fs::rename(&temporary, path))
            .map_err(|error| RunningError::io(path, &error))
    }
}

/// Why a running server could not be claimed, found or told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunningError {
    /// Another server uses the state directory.
    #[error("another server{} uses this state directory: it holds {}", .process_id.map(|id| format!(" (process {id})")).unwrap_or_default(), .path.display())]
    AlreadyRunning {
        /// The file it holds.
        path: PathBuf,
        /// Its process id, when it could be read.
        process_id: Option<u32>,
    },
    /// A state file cannot be read or written.
    #[error("{}: {reason}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The server could not be signalled.
    #[error("process {process_id} cannot be asked to reload: {reason}")]
    Signal {
        /// The server.
        process_id: u32,
        /// Why.
        reason: String,
    },
}

impl RunningError {
    fn io(path: &Path, error: &std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), reason: error.to_string() }
    }
}

fn read_id(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(20).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_found_while_it_runs_and_only_then() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state/chancery.pid");
        assert_eq!(process_id(&path), Ok(None));
        let mut held = PidFile::acquire(&path).unwrap();
        assert_eq!(process_id(&path), Ok(None), "it cannot take a signal yet");
        assert!(matches!(PidFile::acquire(&path), Err(RunningError::AlreadyRunning { process_id: None, .. })));
        held.announce().unwrap();
        assert_eq!(process_id(&path), Ok(Some(std::process::id())));
        assert!(matches!(
            PidFile::acquire(&path),
            Err(RunningError::AlreadyRunning { process_id: Some(id), .. }) if id == std::process::id()
        ));
        drop(held);
        assert_eq!(process_id(&path), Ok(None));
    }
}
