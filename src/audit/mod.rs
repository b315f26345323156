//! The audit log: what was issued to whom, and what was refused, in AD FS' event numbers and field names.
//!
//! Typed events, one JSON object a line, into sinks of their own, never mixed with the diagnostic log. Knows subjects,
//! claims and token ids; knows nothing of HTTP. No field takes a password or the octets of a token: texts are made from
//! `&str` by constructors that cap their length, and neither [`Secret`](crate::secret::Secret) nor an issued token
//! converts to one.

mod auditor;
mod event;
mod file;
mod json;
mod sink;
mod text;

pub use auditor::{AuditHealth, Auditor, AuditorOptions, FailurePolicy};
pub use event::{
    AuditEvent, AuthProtocol, AuthnFacts, ClaimDetail, ClaimLine, ClaimsOf, CredentialFailure, ErrorCode, EventKind,
    FailureType, InstanceId, NetworkLocation, Parties, RequestFacts, claims_events,
};
pub use file::{Durability, FileSink};
pub use json::to_line;
pub use sink::{AuditError, AuditSink, FanOut, MemorySink, WriterSink};
pub use text::{Capped, Detail, Identifier, Name};

#[cfg(test)]
mod tests;
