//! Which token-signing keys this server has signed with: remembered beside its state, apart from the keys themselves.
//!
//! A key directory that is empty at a start may be new, or lost: a volume that was not mounted looks the same. Whoever has signed before
//! does not make a new key by itself, which no relying party knows.

use std::path::{Path, PathBuf};

use super::files::{self, FileError};
use super::ring::KeyRing;
use crate::clock::Random;

/// The file, one key id a line, the primary first.
#[derive(Debug, Clone)]
pub struct KnownKeys(PathBuf);

impl KnownKeys {
    /// What the server with this state directory remembers.
    pub fn of_state(directory: &Path) -> Self {
        Self(directory.join("keys.known"))
    }

    /// Where it is written.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The keys; none before the first start.
    ///
    /// # Errors
    /// [`FileError`] when the file is there and cannot be read.
    pub fn read(&self) -> Result<Vec<String>, FileError> {
        let content = files::read_public(&self.0, MAX_FILE)?.unwrap_or_default();
        let lines = String::from_utf8_lossy(&content).into_owned();
        Ok(lines.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
    }

    /// Remembers the keys of a ring, in place of those of before.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write(&self, ring: &KeyRing, random: &dyn Random) -> Result<(), FileError> {
        let keys: Vec<String> = ring.signing().map(|key| key.key.id.to_string()).collect();
        if self.read().is_ok_and(|known| known == keys) {
            return Ok(());
        }
        files::replace(&self.0, (keys.join("\n") + "\n").as_bytes(), MODE, random)
    }
}

/// Ids are no secret.
const MODE: u32 = 0o644;
const MAX_FILE: usize = 64 * 1024;
