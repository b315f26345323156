//! Lockout events on their way to the audit log: 512, 515, 516 and 1210.

use std::sync::Arc;

use crate::audit::{AuditEvent, Auditor, AuthnFacts, EventKind, InstanceId, Parties};
use crate::authn::AuthenticationMethod;
use crate::authn::password_gate::{LockoutEvent, LockoutEventKind, LockoutObserver};

/// Writes lockout events, also those of requests whose client has gone away.
pub(super) struct AuditLockouts {
    auditor: Arc<Auditor>,
}

impl AuditLockouts {
    /// An observer that writes to this log.
    pub(super) const fn new(auditor: Arc<Auditor>) -> Self {
        Self { auditor }
    }
}

impl LockoutObserver for AuditLockouts {
    fn observe(&self, event: &LockoutEvent) {
        let parties = Parties::claimed(&event.login, None);
        let tried = AuthnFacts::tried(AuthenticationMethod::Password);
        let kinds = match event.kind {
            LockoutEventKind::Locked => vec![
                EventKind::ExtranetLockout { parties: parties.clone(), authn: tried },
                EventKind::AccountLocked { parties, failures: event.failures },
            ],
            LockoutEventKind::RefusedWhileLocked => vec![EventKind::ExtranetLockout { parties, authn: tried }],
            LockoutEventKind::AllowedWhileLocked => vec![EventKind::LockedButAllowed { parties }],
            LockoutEventKind::CorrectWhileLocked => vec![EventKind::LockedWithRightPassword { parties }],
            LockoutEventKind::SourceSlowed | LockoutEventKind::LedgerFull => {
                tracing::warn!(correlation = %event.request.activity, client = ?event.request.client, kind = ?event.kind,
                    "password attempts are held back");
                return;
            }
        };
        let events = kinds.into_iter().map(|kind| AuditEvent {
            time: event.at,
            instance: InstanceId(event.request.activity),
            request: Arc::clone(&event.request),
            kind,
        });
        self.auditor.note(events.collect());
    }
}
