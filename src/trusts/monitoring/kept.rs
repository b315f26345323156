//! What is kept on disk of a partner's metadata: the version in use, one that is held, and a record of the last look.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;

use super::{Schedule, Verdict};
use crate::clock::UtcTime;
use crate::config::load::{MAX_CONFIGURATION_FILE, read_bounded};
use crate::trusts::partner_metadata::{Side, Signed};

/// The files of one trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    document: PathBuf,
    held: PathBuf,
    record: PathBuf,
}

/// What came of the last look.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Record {
    /// Where it was looked.
    pub url: String,
    /// When.
    pub checked: UtcTime,
    /// When it is looked again.
    pub next: UtcTime,
    /// What came of it.
    pub outcome: Outcome,
    /// What the document changes.
    pub changes: Vec<String>,
    /// Why it is not taken.
    pub reasons: Vec<String>,
    /// Looks in a row without a document that can be used.
    pub failures: u32,
    /// When the version in use was taken over.
    pub adopted: Option<UtcTime>,
    /// Whether it was signed with a certificate that is known.
    pub signed: bool,
}

/// What came of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing new.
    Unchanged,
    /// Taken over.
    Adopted,
    /// Waits for an administrator.
    Held,
    /// Not taken; an alarm.
    Refused,
    /// Nothing came.
    Failed,
}

/// Why something could not be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeptError {
    /// A file cannot be read or written.
    #[error("{}: {reason}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// No version waits for a decision.
    #[error("no version of the metadata waits for a decision")]
    NothingHeld,
    /// The version that waits cannot be used.
    #[error("the version that waits cannot be used: {0}")]
    Unusable(String),
}

impl Kept {
    /// The files of the trust with this identifier. The name is a digest: identifiers hold anything. One entity may be a claims
    /// provider and a relying party, by two trusts.
    pub fn of(state_directory: &Path, side: Side, identifier: &str) -> Self {
        let digest = hex::encode(digest::digest(&digest::SHA256, identifier.as_bytes()));
        let of_side = match side {
            Side::ClaimsProvider => "",
            Side::RelyingParty => "relying-party-",
        };
        let file = |suffix: &str| state_directory.join("metadata").join(format!("{of_side}{digest}{suffix}"));
        Self { document: file(".xml"), held: file(".held.xml"), record: file(".json") }
    }

    /// The file with the version in use.
    pub fn file(&self) -> &Path {
        &self.document
    }

    /// The record of the last look; `None` when there was none, or it is of another version.
    pub fn record(&self) -> Option<Record> {
        serde_json::from_slice(&read_bounded(&self.record, MAX_CONFIGURATION_FILE).ok()?).ok()
    }

    /// Forgets everything: the next version is a first one.
    ///
    /// # Errors
    /// [`KeptError::File`].
    pub fn forget(&self) -> Result<(), KeptError> {
        [&self.record, &self.held, &self.document].into_iter().try_for_each(|path| remove(path))
    }

    /// The version in use.
    pub(super) fn document(&self) -> Result<Option<Vec<u8>>, KeptError> {
        read(&self.document)
    }

    /// Whether a version waits for a decision.
    pub fn is_held(&self) -> bool {
        self.held.is_file()
    }

    /// The version that is held.
    pub(super) fn held(&self) -> Result<Option<Vec<u8>>, KeptError> {
        read(&self.held)
    }

    /// Writes what a verdict demands. The document first: a record never speaks of one that is not there.
    pub(super) fn settle(
        &self,
        url: &str,
        before: Option<&Record>,
        verdict: &Verdict,
        octets: &[u8],
        now: UtcTime,
        schedule: &Schedule<'_>,
    ) -> Result<Record, KeptError> {
        let (adopted, signed, failures) =
            before.map_or((None, false, 0), |record| (record.adopted, record.signed, record.failures));
        let failed = failures.saturating_add(1);
        let record = |outcome, changes: &[String], reasons: &[String]| Record {
            url: url.to_owned(),
            checked: now,
            next: schedule.after_failure(now, failed),
            outcome,
            changes: changes.to_vec(),
            reasons: reasons.to_vec(),
            failures: failed,
            adopted,
            signed,
        };
        let record = match verdict {
            Verdict::Failed(reason) => record(Outcome::Failed, &[], std::slice::from_ref(reason)),
            Verdict::Refused(changes, reasons) => record(Outcome::Refused, changes, reasons),
            Verdict::Held(changes, reasons) => {
                write(&self.held, octets)?;
                let next = schedule.after_success(now, None);
                Record { next, failures: 0, ..record(Outcome::Held, changes, reasons) }
            }
            Verdict::Unchanged(metadata) => {
                // It may say nothing new and still be good for longer.
                if metadata.valid_until.is_some() {
                    write(&self.document, octets)?;
                }
                remove(&self.held)?;
                let next = schedule.after_success(now, metadata.cache_duration);
                let signed = signed || metadata.signed == Signed::Verified;
                Record { next, failures: 0, signed, ..record(Outcome::Unchanged, &[], &[]) }
            }
            Verdict::Adopted(metadata, changes) => {
                write(&self.document, octets)?;
                remove(&self.held)?;
                let next = schedule.after_success(now, metadata.cache_duration);
                // Once it was signed, more than names changes only with a signature, also when a version with other names had none.
                let signed = signed || metadata.signed == Signed::Verified;
                Record { next, failures: 0, adopted: Some(now), signed, ..record(Outcome::Adopted, changes, &[]) }
            }
        };
        self.write_record(&record)?;
        Ok(record)
    }

    /// The held version takes the place of the one in use.
    pub(super) fn accept(&self, octets: &[u8], now: UtcTime) -> Result<Record, KeptError> {
        let before = self.record().ok_or(KeptError::NothingHeld)?;
        write(&self.document, octets)?;
        remove(&self.held)?;
        let record = Record { outcome: Outcome::Adopted, reasons: Vec::new(), adopted: Some(now), ..before };
        self.write_record(&record)?;
        Ok(record)
    }

    fn write_record(&self, record: &Record) -> Result<(), KeptError> {
        let failed = |error: serde_json::Error| file_error(&self.record, &error);
        write(&self.record, &serde_json::to_vec_pretty(record).map_err(failed)?)
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, KeptError> {
    match read_bounded(path, MAX_CONFIGURATION_FILE) {
        Ok(octets) => Ok(Some(octets)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(file_error(path, &error)),
    }
}

/// Writes beside the file and puts it in its place, so that a reader sees the old or the new content and nothing between.
fn write(path: &Path, octets: &[u8]) -> Result<(), KeptError> {
    let failed = |error: std::io::Error| file_error(path, &error);
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(failed)?;
    }
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&beside).map_err(failed)?;
    file.write_all(octets).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&beside, path).map_err(failed)
}

fn remove(path: &Path) -> Result<(), KeptError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(file_error(path, &error)),
        _ => Ok(()),
    }
}

fn file_error(path: &Path, error: &dyn std::fmt::Display) -> KeptError {
    KeptError::File { path: path.to_owned(), reason: error.to_string() }
}
