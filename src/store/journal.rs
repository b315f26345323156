//! What one node's stores remember, on disk, so that it outlives the process: after a crash nothing that was used is taken again.
//!
//! Records of one size are appended to a file, each before its use is answered; what has ended is left out when the file is
//! opened, and when it has grown. Nothing waits for the disk: the end of the process loses nothing, a loss of power may lose the
//! last moments before it. Knows what the records hold, and nothing of what they mean.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
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
        let (writing, entries) = shorten(path, clock.now()).map_err(failed)?;
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
            // What the file holds stays as good as it was when this fails.
            *writing = shorten(&self.path, self.clock.now()).map_err(unavailable)?.0;
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
        let writing = Mutex::new(Writing { file, octets: 0, shorten_at: SHORT });
        Self { path: PathBuf::from("/dev/full"), clock, writing }
    }
}

/// Writes the file anew without what has ended, and opens it for what follows.
fn shorten(path: &Path, now: UtcTime) -> io::Result<(Writing, Vec<Entry>)> {
    let mut octets = Vec::new();
    match File::open(path) {
        Ok(mut file) => drop(file.read_to_end(&mut octets)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let (records, rest) = octets.as_chunks::<RECORD>();
    let entries: Vec<Entry> = records.iter().filter_map(Entry::read).filter(|entry| entry.until() > now).collect();
    let unreadable = records.iter().filter(|record| Entry::read(record).is_none()).count();
    if unreadable > 0 || !rest.is_empty() {
        tracing::warn!(path = %path.display(), unreadable, "the journal of what was used has damaged records; they are left out");
    }
    let new = path.with_extension("new");
    let _ = std::fs::remove_file(&new);
    let mut file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&new)?;
    let kept: Vec<u8> = entries.iter().flat_map(Entry::record).collect();
    file.write_all(&kept)?;
    std::fs::rename(&new, path)?;
    let octets = kept.len() as u64;
    Ok((Writing { file, octets, shorten_at: (octets * 2).max(SHORT) }, entries))
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
        Purpose::RefreshToken => 2,
        Purpose::Nonce => 3,
        Purpose::Assertion => 4,
        Purpose::RequestSignature => 5,
        Purpose::Artifact => 6,
        Purpose::SignInStep => 7,
        Purpose::DeviceCodeRequest => 8,
        Purpose::DeviceCodeEntry => 9,
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
/// Shorter files are left as they are: a million records.
const SHORT: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::ManualClock;

    fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::at(UtcTime::from_unix_seconds(1_000)))
    }

    fn entries(until: UtcTime) -> Vec<Entry> {
        let id = TokenId::new("a").unwrap();
        let uuid = Uuid::from_u128(7);
        Purpose::ALL
            .into_iter()
            .map(|purpose| Entry::Used { purpose, id, until })
            .chain([
                Entry::Revoked { session: uuid, until },
                Entry::Newest { family: uuid, generation: 3, since: UtcTime::from_unix_seconds(900), until },
            ])
            .collect()
    }

    #[test]
    fn what_was_appended_is_there_until_it_ends() {
        use std::os::unix::fs::MetadataExt as _;
        let (root, clock) = (tempfile::tempdir().unwrap(), clock());
        let path = root.path().join("used.journal");
        let until = clock.now().plus(Duration::from_mins(1));
        let (journal, nothing) = Journal::open(&path, clock.clone()).unwrap();
        assert!(nothing.is_empty());
        for entry in entries(until) {
            journal.append(&entry).unwrap();
        }
        drop(journal);
        assert_eq!(Journal::open(&path, clock.clone()).unwrap().1, entries(until));
        assert_eq!(Journal::open(&path, clock.clone()).unwrap().1, entries(until), "shortening loses nothing");
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        clock.advance(Duration::from_mins(1));
        assert!(Journal::open(&path, clock).unwrap().1.is_empty());
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
    }

    #[test]
    fn damaged_records_cost_themselves_alone() {
        let (root, clock) = (tempfile::tempdir().unwrap(), clock());
        let path = root.path().join("used.journal");
        let written = entries(clock.now().plus(Duration::from_mins(1)));
        let (journal, _) = Journal::open(&path, clock.clone()).unwrap();
        for entry in &written {
            journal.append(entry).unwrap();
        }
        drop(journal);
        let mut octets = std::fs::read(&path).unwrap();
        octets[RECORD + 9] ^= 1;
        octets.extend([1, 2, 3]);
        std::fs::write(&path, octets).unwrap();
        let (journal, mut read) = Journal::open(&path, clock.clone()).unwrap();
        journal.append(&written[1]).unwrap();
        read.insert(1, written[1]);
        assert_eq!(read, written);
        assert_eq!(Journal::open(&path, clock).unwrap().1.len(), written.len());
    }

    #[test]
    fn a_file_that_has_grown_is_shortened() {
        let (root, clock) = (tempfile::tempdir().unwrap(), clock());
        let path = root.path().join("used.journal");
        let (journal, _) = Journal::open(&path, clock.clone()).unwrap();
        journal.writing.lock().unwrap().shorten_at = 2 * RECORD as u64;
        let minute = Duration::from_mins(1);
        let kept = Entry::Revoked { session: Uuid::from_u128(1), until: clock.now().plus(minute * 2) };
        let short = Entry::Revoked { session: Uuid::from_u128(2), until: clock.now().plus(minute) };
        journal.append(&short).unwrap();
        journal.append(&kept).unwrap();
        clock.advance(minute);
        journal.append(&Entry::Revoked { session: Uuid::from_u128(3), until: clock.now().plus(minute) }).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 2 * RECORD as u64);
        assert_eq!(Journal::open(&path, clock).unwrap().1[0], kept);
    }

    #[test]
    fn what_cannot_be_written_is_not_used() {
        let clock = clock();
        let until = clock.now().plus(Duration::from_mins(1));
        assert!(Journal::open(Path::new("/nowhere/used.journal"), clock.clone()).is_err());
        let journal = Journal::failing(clock);
        let refused = journal.append(&Entry::Revoked { session: Uuid::nil(), until });
        assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
    }
}
