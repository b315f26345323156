//! The id by which the answer, the log lines and the audit events of one request are found together.

use std::fmt;

/// Correlation id of one request: in every answer, log line and audit event that belongs to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CorrelationId(uuid::Uuid);

impl CorrelationId {
    /// Takes the id the client sent (`client-request-id`), if it is a GUID.
    pub fn from_client(text: &str) -> Option<Self> {
        uuid::Uuid::try_parse(text.trim()).ok().map(Self)
    }

    /// The id as a UUID.
    pub const fn as_uuid(self) -> uuid::Uuid {
        self.0
    }

    /// An id from 16 random octets.
    pub fn from_random(octets: [u8; 16]) -> Self {
        Self(uuid::Builder::from_random_bytes(octets).into_uuid())
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.hyphenated(), f)
    }
}

impl fmt::Debug for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
