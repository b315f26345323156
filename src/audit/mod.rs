//! The audit log: what was issued to whom, and what was refused, in AD FS' event numbers and field names.
//!
//! Typed events, one JSON object a line, into sinks of their own, never mixed with the diagnostic log. Knows subjects,
//! claims and token ids; knows nothing of HTTP. No field takes a password or the octets of a token: texts are made from
//! `&str` by constructors that cap their length, and neither [`Secret`](crate::secret::Secret) nor an issued token
//! converts to one.

mod auditor;
mod claims;
mod device;
mod event;
mod facts;
mod failure;
mod file;
mod json;
mod sink;
mod text;

pub use auditor::{AuditHealth, Auditor, AuditorOptions, FailurePolicy};
pub use claims::{ClaimDetail, ClaimLine, ClaimsOf, claims_events};
pub use device::{DeviceAttempt, DeviceRefusal};
pub use event::{AuditEvent, EventKind, InstanceId};
pub use facts::{AuthProtocol, AuthnFacts, Parties, RequestFacts};
pub use failure::{CredentialFailure, ErrorCode, FailureType};
pub use file::{Durability, FileSink};
pub use json::to_line;
pub use sink::{AuditError, AuditSink, FanOut, MemorySink, WriterSink};
pub use text::{Capped, Detail, Identifier, Name};

#[cfg(test)]
mod tests;
