//! Metadata at an address: what was fetched is judged against what is in use, and kept on disk, so that a start without the network
//! serves what the last one served.
//!
//! Knows documents, trusts and files. Knows nothing of how a document is fetched, nor when it is looked at again by whom.

mod judge;
mod kept;
mod schedule;

use std::sync::Arc;

use super::partner_metadata::{Side, Wanted};
use crate::clock::UtcTime;

pub use judge::Verdict;
pub use kept::{Kept, KeptError, Outcome, Record};
pub use schedule::Schedule;

/// A trust whose metadata lies at an address.
#[derive(Debug, Clone)]
pub struct Monitored {
    /// What the partner is to this server.
    pub side: Side,
    /// Name of the trust.
    pub name: String,
    /// Its identifier: the entity that the metadata must describe.
    pub identifier: String,
    /// Where its metadata is; HTTPS.
    pub url: String,
    /// DER of the certificates one of which must have signed the metadata; empty where none must.
    pub signers: Vec<Arc<[u8]>>,
    /// Where on disk what was fetched is kept.
    pub kept: Kept,
}

impl Monitored {
    /// What its metadata must be.
    pub(super) fn wanted(&self, now: UtcTime) -> Wanted<'_> {
        Wanted { side: self.side, entity_id: Some(&self.identifier), signed_by: None, now }
    }

    /// Judges what was fetched, or that nothing could be, keeps what is to be kept, and says when to look again.
    ///
    /// # Errors
    /// [`KeptError`] when the files cannot be written; then nothing changed.
    pub fn take(
        &self,
        fetched: Result<Vec<u8>, String>,
        now: UtcTime,
        schedule: &Schedule<'_>,
    ) -> Result<Record, KeptError> {
        let before = self.kept.record();
        let verdict = match &fetched {
            Ok(octets) => judge::judge(self, before.as_ref(), octets, now),
            Err(reason) => Verdict::Failed(reason.clone()),
        };
        let octets = fetched.unwrap_or_default();
        self.kept.settle(&self.url, before.as_ref(), &verdict, &octets, now, schedule)
    }

    /// Takes over the version that is held, by an administrator's decision.
    ///
    /// # Errors
    /// [`KeptError::NothingHeld`], or files that cannot be read or written.
    pub fn accept(&self, now: UtcTime) -> Result<Record, KeptError> {
        let octets = self.kept.held()?.ok_or(KeptError::NothingHeld)?;
        // What is held was judged when it came; it may have ended since.
        if let Verdict::Refused(_, reasons) = judge::judge(self, self.kept.record().as_ref(), &octets, now) {
            return Err(KeptError::Unusable(reasons.join("; ")));
        }
        self.kept.accept(&octets, now)
    }
}
