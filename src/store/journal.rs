//! What one node's stores remember, on disk, so that it outlives the process: after a crash nothing that was used is taken again.
//!
//! Records of one size are appended to a file, each before its use is answered; what has ended is left out when the file is
//! opened, and when it has grown to twice what was alive. Only that waits for the disk: the end of the process loses nothing, a
//! loss of power may lose the last moments before it. Knows what the records hold, and nothing of what they mean.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use uuid::Uuid;

use super::{Purpose, StoreError, TokenId};
use crate::clock::{Clock, UtcTime};

/// The file of one node.
pub struct Journal {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    writing: Mutex<Writing>,
}

struct Writing {
    file: File,
    octets: u64,
    /// Size at which what has ended is left out.
    shorten_at: u64,
}

/// One thing that is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// An identifier was used.
    Used { purpose: Purpose, id: TokenId, until: UtcTime },
    /// A session is over.
    Revoked { session: Uuid, until: UtcTime },
    /// A generation is the newest of its family.
    Newest { family: Uuid, generation: u32, since: UtcTime, until: UtcTime },
}

/// Why there is no journal.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}")]
pub struct JournalError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl Journal {
    /// Opens the file, or makes it, readable by its owner alone, and gives out what it remembers. One process at a time.
    ///
    /// # Errors
    /// [`JournalError`].
    pub(super) fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<(Self, Vec<Entry>), JournalError> {
        let failed = |source| JournalError { path: path.to_owned(), source };
        let mut entries = Vec::new();
        let writing = shorten(path, clock.now(), |entry| entries.push(entry)).map_err(failed)?;
        Ok((Self { path: path.to_owned(), clock, writing: Mutex::new(writing) }, entries))
    }

    /// Remembers an entry before this returns.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; the caller refuses the use.
    pub(super) fn append(&self, entry: &Entry) -> Result<(), StoreError> {
        let unavailable =
            |error: io::Error| StoreError::Unavailable { reason: format!("{}: {error}", self.path.display()) };
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if writing.octets >= writing.shorten_at {
            match shorten(&self.path, self.clock.now(), |_| {}) {
                Ok(shorter) => *writing = shorter,
                // The file is as good as it was; it is tried again when it has grown further.
                Err(error) => {
                    tracing::warn!(path = %self.path.display(), %error, "the journal of what was used cannot be shortened");
                    writing.shorten_at = writing.octets.saturating_add(FLOOR);
                }
            }
        }
        if let Err(error) = writing.file.write_all(&entry.record()) {
            // Half a record would put all that follow out of step.
            writing.file.set_len(writing.octets).map_err(unavailable)?;
            return Err(unavailable(error));
        }
        writing.octets += RECORD as u64;
        Ok(())
    }
}

#[cfg(test)]
impl Journal {
    /// One that cannot be written.
    pub(super) fn failing(clock: Arc<dyn Clock>) -> Self {
        let file = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let writing = Mutex::new(Writing { file, octets: 0, shorten_at: FLOOR });
        Self { path: PathBuf::from("/dev/full"), clock, writing }
    }
}

/// Writes the file anew without what has ended, tells what is left, and opens it for what follows. Where this fails the file is as
/// it was.
fn shorten(path: &Path, now: UtcTime, alive: impl FnMut(Entry)) -> io::Result<Writing> {
    let new = path.with_extension("new");
    let _ = std::fs::remove_file(&new);
    let written = write_alive(path, &new, now, alive).and_then(|writing| {
        // A loss of power must not leave the name to a file whose content never came to the disk.
        writing.file.sync_all()?;
        std::fs::rename(&new, path)?;
        Ok(writing)
    });
    let written = written.inspect_err(|_| drop(std::fs::remove_file(&new)))?;
    // From here on the new file is the one that counts, whatever happens.
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Err(error) = File::open(directory).and_then(|directory| directory.sync_all()) {
        tracing::warn!(path = %directory.display(), %error, "a loss of power may bring an older journal back");
    }
    Ok(written)
}

/// Writes what is alive in one file into another.
fn write_alive(path: &Path, new: &Path, now: UtcTime, mut alive: impl FnMut(Entry)) -> io::Result<Writing> {
    // Of a family the last record counts: one that is renewed every few hours for months has hundreds.
    let mut last = HashMap::new();
    let mut unreadable = 0_u64;
    let whole = read(path, |index, entry| {
        match entry {
            Some(Entry::Newest { family, .. }) => {
                last.insert(family, index);
            }
            Some(_) => {}
            None => unreadable += 1,
        }
        Ok(())
    })?;
    if unreadable > 0 || !whole {
        tracing::warn!(path = %path.display(), unreadable, "the journal of what was used has damaged records; they are left out");
    }
    let mut file = BufWriter::new(OpenOptions::new().append(true).create_new(true).mode(0o600).open(new)?);
    let mut octets = 0_u64;
    read(path, |index, entry| {
        let is_last = |entry: &Entry| match entry {
            Entry::Newest { family, .. } => last.get(family) == Some(&index),
            _ => true,
        };
        if let Some(entry) = entry.filter(|entry| entry.until() > now && is_last(entry)) {
            file.write_all(&entry.record())?;
            octets += RECORD as u64;
            alive(entry);
        }
        Ok(())
    })?;
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(Writing { file, octets, shorten_at: octets.saturating_mul(2).saturating_add(FLOOR) })
}

/// Reads the records of a file one by one, with their numbers; `None` for one that is damaged. Whether the last one is whole. A file
/// that is not there has none.
fn read(path: &Path, mut each: impl FnMut(u64, Option<Entry>) -> io::Result<()>) -> io::Result<bool> {
    let mut file = match File::open(path) {
        Ok(file) => BufReader::new(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    let (mut index, mut octets) = (0, Vec::with_capacity(RECORD));
    loop {
        octets.clear();
        file.by_ref().take(RECORD as u64).read_to_end(&mut octets)?;
        let Some(record) = octets.first_chunk::<RECORD>() else { return Ok(octets.is_empty()) };
        each(index, Entry::read(record))?;
        index += 1;
    }
}

impl Entry {
    const fn until(&self) -> UtcTime {
        match self {
            Self::Used { until, .. } | Self::Revoked { until, .. } | Self::Newest { until, .. } => *until,
        }
    }

    /// Kind, purpose, 2 octets of nothing, generation, end, beginning, identifier, check.
    fn record(&self) -> [u8; RECORD] {
        let (kind, purpose, generation, since, until, identifier) = match *self {
            Self::Used { purpose, id, until } => (USED, number(purpose), 0, until, until, *id.as_octets()),
            Self::Revoked { session, until } => (REVOKED, 0, 0, until, until, padded(session)),
            Self::Newest { family, generation, since, until } => (NEWEST, 0, generation, since, until, padded(family)),
        };
        let parts: [&[u8]; 5] = [
            &[kind, purpose, 0, 0],
            &generation.to_le_bytes(),
            &until.unix_millis().to_le_bytes(),
            &since.unix_millis().to_le_bytes(),
            &identifier,
        ];
        let mut record = [0; RECORD];
        let check = digest(&SHA256, &parts.concat());
        let octets = parts.iter().flat_map(|part| part.iter()).chain(check.as_ref());
        for (to, from) in record.iter_mut().zip(octets) {
            *to = *from;
        }
        record
    }

    fn read(record: &[u8; RECORD]) -> Option<Self> {
        let (content, check) = record.split_first_chunk::<CONTENT>()?;
        if !digest(&SHA256, content).as_ref().starts_with(check) {
            return None;
        }
        let (&[kind, purpose, ..], rest) = content.split_first_chunk::<4>()?;
        let (generation, rest) = rest.split_first_chunk::<4>()?;
        let (until, rest) = rest.split_first_chunk::<8>()?;
        let (since, rest) = rest.split_first_chunk::<8>()?;
        let identifier: [u8; 32] = rest.try_into().ok()?;
        let time = |octets: &[u8; 8]| UtcTime::from_unix_millis(i64::from_le_bytes(*octets));
        let uuid = identifier.first_chunk::<16>().map(|octets| Uuid::from_bytes(*octets))?;
        let until = time(until);
        Some(match kind {
            USED => {
                let purpose = Purpose::ALL.into_iter().find(|known| number(*known) == purpose)?;
                Self::Used { purpose, id: TokenId::from_digest(identifier), until }
            }
            REVOKED => Self::Revoked { session: uuid, until },
            NEWEST => {
                Self::Newest { family: uuid, generation: u32::from_le_bytes(*generation), since: time(since), until }
            }
            _ => return None,
        })
    }
}

/// Its number in records; never changes.
const fn number(purpose: Purpose) -> u8 {
    match purpose {
        Purpose::AuthorizationCode => 1,
        // 2 was that of refresh tokens, which are generations now.
        Purpose::Nonce => 3,
        Purpose::Assertion => 4,
        Purpose::RequestSignature => 5,
        Purpose::Artifact => 6,
        Purpose::SignInStep => 7,
        Purpose::DeviceCodeRequest => 8,
        Purpose::DeviceCodeEntry => 9,
        Purpose::PrimaryRefreshTokenRequest => 10,
    }
}

fn padded(uuid: Uuid) -> [u8; 32] {
    let mut octets = [0; 32];
    for (to, from) in octets.iter_mut().zip(uuid.into_bytes()) {
        *to = from;
    }
    octets
}

const USED: u8 = 1;
const REVOKED: u8 = 2;
const NEWEST: u8 = 3;
const CONTENT: usize = 56;
const RECORD: usize = 64;
/// So much more than twice what is alive may be in a file; sixteen thousand records.
const FLOOR: u64 = 1 << 20;

#[cfg(test)]
mod tests;
