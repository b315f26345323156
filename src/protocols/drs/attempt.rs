//! What is known of one attempt while it goes on, for the audit log: each ends in exactly one event, good or bad.
//!
//! What cannot be taken back is told to the log before it is done. Where it fails after that, the attempt ends with a bad event behind
//! the good one.

use crate::audit::{Detail, DeviceAttempt, DeviceRefusal, ErrorCode, EventKind, Name, Parties};
use crate::issuance::Context;

use super::claims::TokenMembers;
use super::refusal::{DEVICE_CAP_REACHED, Refusal};

/// What somebody tries to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To register a device.
    Register,
    /// To end a registration.
    Unregister,
    /// To add a key to an account.
    AddKey,
}

/// One attempt.
#[derive(Debug)]
pub(super) struct Attempt {
    purpose: Purpose,
    /// Who, as far as known.
    pub(super) parties: Parties,
    /// What, as far as known.
    pub(super) device: DeviceAttempt,
}

impl Attempt {
    /// An attempt of which nothing is known yet.
    pub(super) fn new(purpose: Purpose) -> Self {
        Self { purpose, parties: Parties::default(), device: DeviceAttempt::default() }
    }

    /// Who it is by a verified token.
    pub(super) fn by(&mut self, token: TokenMembers<'_>) {
        self.parties.user = token.upn().map(Name::public);
        self.parties.sid = token.sid();
    }

    /// Audits success, before the client learns of it, and before anything is done that cannot be taken back.
    ///
    /// # Errors
    /// [`Refusal::Audit`] where nothing may happen without the log.
    pub(super) async fn succeeded(&self, cx: &Context) -> Result<(), Refusal> {
        let event = cx.event(self.event(None));
        cx.services.auditor.record(vec![event]).await.map_err(|error| Refusal::Audit(error.to_string()))
    }

    /// Logs and audits a refusal.
    pub(super) fn refused(&self, cx: &Context, refusal: &Refusal) {
        tracing::info!(correlation = %cx.request.activity, reason = %refusal, purpose = ?self.purpose, "device registration refused");
        let wire = refusal.wire();
        let code = if wire.message == DEVICE_CAP_REACHED { DEVICE_CAP_REACHED } else { wire.error_type.as_str() };
        let detail = Detail::public(&refusal.to_string());
        cx.note([self.event(Some(DeviceRefusal { code: ErrorCode(code), detail }))]);
    }

    fn event(&self, refused: Option<DeviceRefusal>) -> EventKind {
        let (parties, attempt) = (self.parties.clone(), self.device.clone());
        match self.purpose {
            Purpose::Register => EventKind::DeviceRegistration { parties, attempt, refused },
            Purpose::Unregister => EventKind::DeviceUnregistration { parties, attempt, refused },
            Purpose::AddKey => EventKind::AccountKeyRegistration { parties, attempt, refused },
        }
    }
}
