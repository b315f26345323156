//! What the issue path works with, handed in.

use std::sync::Arc;

use uuid::Uuid;

use crate::audit::{AuditEvent, Auditor, EventKind, InstanceId, RequestFacts};
use crate::claims::StoreSet;
use crate::clock::{Clock, Random};
use crate::directory::Directory;
use crate::keys::KeyRing;
use crate::store::{OneTime, Revocations};
use crate::trusts::Trusts;

/// Everything outside the issue path that it uses.
pub struct Services {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Unpredictable octets.
    pub random: Arc<dyn Random>,
    /// Active Directory.
    pub directory: Arc<dyn Directory>,
    /// Attribute stores that rules may query, by name.
    pub stores: Arc<StoreSet>,
    /// Signing, decryption and sealing keys.
    pub keys: Arc<KeyRing>,
    /// Identifiers that may be used once.
    pub one_time: Arc<dyn OneTime>,
    /// Sessions that were ended early.
    pub revocations: Arc<dyn Revocations>,
    /// The audit log.
    pub auditor: Arc<Auditor>,
    /// Relying parties and claims providers.
    pub trusts: Arc<Trusts>,
}

/// The services, and the request on whose behalf they are used.
#[derive(Clone)]
pub struct Context {
    /// The services.
    pub services: Arc<Services>,
    /// The request, as the audit log describes it.
    pub request: Arc<RequestFacts>,
    /// Joins the events of this request.
    pub instance: InstanceId,
}

/// What a decision is made with. No key and no audit log is among it: whoever holds no more than this can explain a
/// decision, and can sign nothing.
#[derive(Clone, Copy)]
pub struct DecisionContext<'a> {
    /// The time.
    pub clock: &'a dyn Clock,
    /// Active Directory.
    pub directory: &'a dyn Directory,
    /// Attribute stores that rules may query, by name.
    pub stores: &'a StoreSet,
    /// Sessions that were ended early.
    pub revocations: &'a dyn Revocations,
    /// Relying parties and claims providers.
    pub trusts: &'a Trusts,
    /// Correlation id of the request.
    pub activity: Uuid,
}

impl Context {
    /// The part that decisions are made with.
    pub fn decision(&self) -> DecisionContext<'_> {
        DecisionContext {
            clock: &*self.services.clock,
            directory: &*self.services.directory,
            stores: &self.services.stores,
            revocations: &*self.services.revocations,
            trusts: &self.services.trusts,
            activity: self.request.activity,
        }
    }

    /// An audit event of this request.
    pub fn event(&self, kind: EventKind) -> AuditEvent {
        AuditEvent {
            time: self.services.clock.now(),
            instance: self.instance,
            request: Arc::clone(&self.request),
            kind,
        }
    }

    /// Writes events that no token depends on; never waits.
    pub fn note(&self, kinds: impl IntoIterator<Item = EventKind>) {
        self.services.auditor.note(kinds.into_iter().map(|kind| self.event(kind)).collect());
    }
}
