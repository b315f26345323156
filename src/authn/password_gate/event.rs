//! What lockout protection tells of what it does. Knows no sink.

use std::sync::Arc;

use super::Familiarity;
use crate::audit::RequestFacts;
use crate::clock::UtcTime;

/// Is told of what lockout protection does, for the audit log. Must not block.
pub trait LockoutObserver: Send + Sync {
    /// Something happened. Also called for attempts whose client has gone away.
    fn observe(&self, event: &LockoutEvent);
}

/// One action of lockout protection.
#[derive(Debug, Clone)]
pub struct LockoutEvent {
    /// What happened.
    pub kind: LockoutEventKind,
    /// The login name as it was sent.
    pub login: String,
    /// Whether the request came from a familiar place.
    pub familiarity: Familiarity,
    /// Bad passwords of the account that count now.
    pub failures: u32,
    /// The request.
    pub request: Arc<RequestFacts>,
    /// When the attempt began.
    pub at: UtcTime,
}

/// What lockout protection did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockoutEventKind {
    /// This bad password locked the account.
    Locked,
    /// An attempt on a locked account was refused.
    RefusedWhileLocked,
    /// An attempt on a locked account was let through, because lockout only reports.
    AllowedWhileLocked,
    /// The right password for an account that was locked: somebody may have guessed it.
    CorrectWhileLocked,
    /// The source has sent too many bad passwords.
    SourceSlowed,
    /// There is no room to remember another account; the attempt was refused.
    LedgerFull,
}

impl LockoutEventKind {
    /// AD FS' numbers for it; empty where AD FS has none.
    pub const fn numbers(self) -> &'static [u16] {
        match self {
            Self::Locked => &[1210, 516],
            Self::RefusedWhileLocked => &[1210],
            Self::AllowedWhileLocked => &[512],
            Self::CorrectWhileLocked => &[515],
            Self::SourceSlowed | Self::LedgerFull => &[],
        }
    }
}
