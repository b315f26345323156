//! Lockout events on their way to the audit log: 512, 515, 516 and 1210.

use std::sync::Arc;

use crate::audit::{
    AuditEvent, Auditor, AuthProtocol, AuthnFacts, EventKind, Identifier, InstanceId, Parties, RequestFacts,
};
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
                tracing::warn!(correlation = %event.activity, client = %event.origin.client_ip, kind = ?event.kind,
                    "password attempts are held back");
                return;
            }
        };
        let request = Arc::new(RequestFacts {
            activity: event.activity,
            server: Identifier::public(""),
            protocol: AuthProtocol::WsTrust,
            location: event.origin.location,
            client: Some(event.origin.client_ip),
            forwarded: event.origin.forwarded_for.clone(),
            proxy: None,
            peer: Some(event.origin.peer),
            proxy_server: None,
            user_agent: None,
            endpoint: Identifier::public(""),
        });
        let events = kinds.into_iter().map(|kind| AuditEvent {
            time: event.at,
            instance: InstanceId(event.activity),
            request: request.clone(),
            kind,
        });
        self.auditor.note(events.collect());
    }
}
