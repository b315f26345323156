//! `[audit]`: where audit events go.

use std::path::PathBuf;

/// The audit sink and what is written to it.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// Where events are written.
    pub sink: AuditSink,
    /// The file of `sink = "file"`; opened again on reload, so that it can be rotated.
    pub file: Option<PathBuf>,
    /// What happens when an event cannot be written.
    pub on_failure: AuditFailure,
    /// How much of each request is written.
    pub level: AuditLevel,
    /// What events 500 to 502 say of issued and incoming claims.
    pub claims: AuditClaims,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            sink: AuditSink::Stdout,
            file: None,
            on_failure: AuditFailure::Continue,
            level: AuditLevel::Basic,
            claims: AuditClaims::Types,
        }
    }
}

/// Where audit events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AuditSink {
    /// Standard output, one JSON object per line.
    Stdout,
    /// A file, one JSON object per line.
    File,
}

/// What happens when an event cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditFailure {
    /// The failure is logged and counted; tokens are still issued.
    Continue,
    /// No token is issued until events can be written again.
    StopIssuance,
}

/// How much of each request is written, AD FS' `AuditLevel` (ws-federation.md 12.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AuditLevel {
    /// What was issued, refused and changed.
    Basic,
    /// Also each HTTP request and answer (403, 404, 410), and the claims that a decision was made with (501, 502).
    Verbose,
}

/// How much of claims the audit shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AuditClaims {
    /// No events 500 to 502.
    None,
    /// Claim types only.
    Types,
    /// Types and values, as AD FS writes them.
    Values,
}
