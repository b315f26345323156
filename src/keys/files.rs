//! Files that hold secrets: who may read them, and how they are written so that a crash or a second node does no harm.
//!
//! Knows the file system; knows nothing of what the files hold.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use crate::clock::{Random, RandomError};
use crate::secret::Secret;

/// Who may have access to secret files besides their owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FilePermissions {
    /// Nobody: modes 0600 and 0400, directories not writable by others. The default.
    #[default]
    OwnerOnly,
    /// The group may have access: anything but access for others, 0440 and 0660 among them. Those are the modes of a
    /// Kubernetes volume with `fsGroup`: it turns 0400 into 0440 in a secret and 0600 into 0660 in a persistent volume,
    /// and makes directories group-writable. A directory is then refused only when everybody may write to it without
    /// the sticky bit (secret volumes are mounted 1777, read-only).
    Group,
}

impl FilePermissions {
    /// Mode bits that must not be set on a secret file.
    const fn forbidden(self) -> u32 {
        match self {
            Self::OwnerOnly => 0o077,
            Self::Group => 0o007,
        }
    }
}

/// Reads a secret file of at most `limit` octets after checking that it is a regular file, belongs to this process's
/// user or root, and is readable by nobody else.
///
/// # Errors
/// [`FileError`].
pub fn read_secret(path: &Path, permissions: FilePermissions, limit: usize) -> Result<Secret<Vec<u8>>, FileError> {
    let file = open_regular(path)?;
    let metadata = file.metadata().map_err(|error| FileError::io(path, "examined", error))?;
    let mode = metadata.mode() & 0o7777;
    if mode & permissions.forbidden() != 0 {
        return Err(FileError::Readable { path: path.to_owned(), mode, allowed: permissions });
    }
    let me = rustix::process::geteuid().as_raw();
    if metadata.uid() != me && metadata.uid() != 0 {
        return Err(FileError::Owner { path: path.to_owned(), owner: metadata.uid(), me });
    }
    // The whole capacity at once: growing would leave copies behind.
    let mut buffer = Vec::with_capacity(limit + 1);
    let read = file.take(limit as u64 + 1).read_to_end(&mut buffer);
    let content = Secret::new(buffer);
    read.map_err(|error| FileError::io(path, "read", error))?;
    if content.expose().len() > limit {
        return Err(FileError::TooLarge { path: path.to_owned(), limit });
    }
    Ok(content)
}

/// Reads a public file of at most `limit` octets; `None` when there is none.
///
/// # Errors
/// [`FileError`].
pub fn read_public(path: &Path, limit: usize) -> Result<Option<Vec<u8>>, FileError> {
    let file = match open_regular(path) {
        Ok(file) => file,
        Err(FileError::Missing { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut content = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut content).map_err(|error| FileError::io(path, "read", error))?;
    if content.len() > limit {
        return Err(FileError::TooLarge { path: path.to_owned(), limit });
    }
    Ok(Some(content))
}

/// Makes a directory (and those above it) with mode 0700, or checks one that is there.
///
/// # Errors
/// [`FileError::Directory`] when others may write to it, [`FileError::Io`].
pub fn prepare_directory(path: &Path, permissions: FilePermissions) -> Result<(), FileError> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| FileError::io(path, "created", error))?;
    check_directory(path, permissions)
}

/// Checks that only its owner (or group, as `permissions` says) may write to a directory.
///
/// # Errors
/// [`FileError::Directory`], [`FileError::Io`].
pub fn check_directory(path: &Path, permissions: FilePermissions) -> Result<(), FileError> {
    let metadata = std::fs::metadata(path).map_err(|error| FileError::io(path, "examined", error))?;
    let mode = metadata.mode() & 0o7777;
    let others_may_write = match permissions {
        FilePermissions::OwnerOnly => mode & 0o022 != 0,
        FilePermissions::Group => mode & 0o002 != 0 && mode & 0o1000 == 0,
    };
    if others_may_write {
        return Err(FileError::Directory { path: path.to_owned(), mode });
    }
    Ok(())
}

/// Writes a file whole or not at all, over one that may be there: temporary file, fsync, rename, fsync of the directory.
///
/// # Errors
/// [`FileError`].
pub fn replace(path: &Path, content: &[u8], mode: u32, random: &dyn Random) -> Result<(), FileError> {
    let temporary = write_temporary(path, content, mode, random)?;
    let renamed = std::fs::rename(&temporary, path);
    if renamed.is_err() {
        remove(&temporary);
    }
    renamed.map_err(|error| FileError::io(path, "written", error))?;
    sync_directory(path)
}

/// Writes a file whole unless there is one already; says whether it was written. Of any number of processes and nodes
/// that do this at once, exactly one gets [`Created::Yes`], and nobody ever sees half a file: the finished temporary
/// file is linked to the name, which is atomic also on NFS.
///
/// # Errors
/// [`FileError`].
pub fn create(path: &Path, content: &[u8], mode: u32, random: &dyn Random) -> Result<Created, FileError> {
    let temporary = write_temporary(path, content, mode, random)?;
    let linked = std::fs::hard_link(&temporary, path);
    remove(&temporary);
    match linked {
        Ok(()) => sync_directory(path).map(|()| Created::Yes),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(Created::SomeoneElseDid),
        Err(error) => Err(FileError::io(path, "created", error)),
    }
}

/// The outcome of [`create`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// The file is ours.
    Yes,
    /// It was there already.
    SomeoneElseDid,
}

/// Removes a file; that it cannot be removed, or is gone, changes nothing for the caller.
pub fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "a file that is no longer needed could not be removed");
    }
}

/// Holds the right to change a directory's files until dropped.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the lock lives as long as the file is open")] File);

/// Takes the lock file `path`, without waiting.
///
/// # Errors
/// [`FileError::Locked`] when another process has it.
pub fn lock(path: &Path) -> Result<Lock, FileError> {
    take(path, FlockOperation::NonBlockingLockExclusive)
}

/// Takes the lock file `path`, after whoever has it. Nobody has it for longer than files take to be written, and the system
/// takes it from a process that ends.
///
/// # Errors
/// [`FileError`].
pub fn wait_for_lock(path: &Path) -> Result<Lock, FileError> {
    take(path, FlockOperation::LockExclusive)
}

fn take(path: &Path, operation: FlockOperation) -> Result<Lock, FileError> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| FileError::io(path, "opened", error))?;
    match rustix::io::retry_on_intr(|| rustix::fs::flock(&file, operation)) {
        Ok(()) => Ok(Lock(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(FileError::Locked { path: path.to_owned() }),
        Err(error) => Err(FileError::io(path, "locked", error.into())),
    }
}

/// Why a file was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// There is none.
    #[error("{path} does not exist")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Others may read it.
    #[error(
        "{path} has mode {mode:04o}: others can read or change this secret. Run `chmod 600 {path}`{}",
        group_hint(*allowed)
    )]
    Readable {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// What is allowed.
        allowed: FilePermissions,
    },
    /// It belongs to another user, who can change it.
    #[error("{path} belongs to user {owner}; it must belong to root or to the user the server runs as ({me})")]
    Owner {
        /// The file.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// The process's effective user.
        me: u32,
    },
    /// Others may write to the directory.
    #[error("the directory {path} has mode {mode:04o}: others can replace the keys in it. Run `chmod 700 {path}`")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Not a regular file.
    #[error("{path} is not a regular file")]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Larger than such a file can be.
    #[error("{path} is larger than {limit} octets; this is not the file that belongs here")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit: usize,
    },
    /// Another process is changing the files.
    #[error("another process is changing the keys (it holds {path}); try again when it has finished")]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The operating system's answer.
    #[error("{path} could not be {action}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// The error.
        source: std::io::Error,
    },
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl FileError {
    pub(super) fn io(path: &Path, action: &'static str, source: std::io::Error) -> Self {
        match source.kind() {
            std::io::ErrorKind::NotFound => Self::Missing { path: path.to_owned() },
            _ => Self::Io { path: path.to_owned(), action, source },
        }
    }
}

fn group_hint(allowed: FilePermissions) -> &'static str {
    match allowed {
        FilePermissions::OwnerOnly => {
            "; where the platform gives the group access (a Kubernetes volume with fsGroup), set \
             keys.group_access = true"
        }
        FilePermissions::Group => " (or 660)",
    }
}

/// Opens without waiting, so that a FIFO in the place of a file cannot stop the start.
fn open_regular(path: &Path) -> Result<File, FileError> {
    let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nonblock)
        .open(path)
        .map_err(|error| FileError::io(path, "opened", error))?;
    let metadata = file.metadata().map_err(|error| FileError::io(path, "examined", error))?;
    if metadata.is_file() { Ok(file) } else { Err(FileError::NotAFile { path: path.to_owned() }) }
}

fn write_temporary(path: &Path, content: &[u8], mode: u32, random: &dyn Random) -> Result<PathBuf, FileError> {
    let mut suffix = [0; 8];
    random.fill(&mut suffix)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}", hex::encode(suffix)));
    let written = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()
    });
    if written.is_err() {
        remove(&temporary);
    }
    written.map_err(|error| FileError::io(path, "written", error))?;
    Ok(temporary)
}

fn sync_directory(path: &Path) -> Result<(), FileError> {
    let directory = path.parent().unwrap_or_else(|| Path::new("."));
    File::open(directory).and_then(|file| file.sync_all()).map_err(|error| FileError::io(path, "written", error))
}
