//! What a look at a deployment found: the one form that `chancery doctor` and `chancery drs check` speak in.
//!
//! A finding says what is so, and where something is wrong also why it matters and how to fix it. What it is called is stable
//! and comes from one catalogue. Knows nothing of how anything is looked at.

pub(super) mod catalogue;
mod print;

use std::process::ExitCode;

use serde::Serialize;

pub(super) use catalogue::Kind;
pub(super) use print::{human, json};

/// How good or bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Level {
    /// It is as it should be.
    Ok,
    /// It could not be looked at. Never taken for good.
    NotChecked,
    /// It works, and somebody should look.
    Warning,
    /// Clients fail because of it.
    Error,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// How good or bad it is.
    pub(super) level: Level,
    /// Its stable name.
    pub(super) name: &'static str,
    /// What is so, one sentence without a full stop.
    pub(super) what: String,
    /// Why it matters. Nothing where all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<&'static str>,
    /// What to do. Nothing where all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fix: Option<String>,
}

impl Finding {
    /// All is well.
    pub(super) fn ok(kind: Kind, what: impl Into<String>) -> Self {
        Self { level: Level::Ok, name: kind.name, what: what.into(), why: None, fix: None }
    }

    /// Clients fail because of it.
    pub(super) fn error(kind: Kind, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::bad(Level::Error, kind, what.into(), fix.into())
    }

    /// Somebody should look.
    pub(super) fn warning(kind: Kind, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::bad(Level::Warning, kind, what.into(), fix.into())
    }

    /// It could not be looked at.
    pub(super) fn not_checked(kind: Kind, why_not: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::bad(Level::NotChecked, kind, why_not.into(), fix.into())
    }

    /// A finding that is bad at a level.
    pub(super) fn bad(level: Level, kind: Kind, what: String, fix: String) -> Self {
        Self { level, name: kind.name, what, why: Some(kind.why), fix: Some(fix) }
    }
}

/// As `chancery check`: failure when there is an error; warnings, and what could not be looked at, alone are none.
pub(super) fn exit_code(findings: &[Finding]) -> ExitCode {
    if count(findings, Level::Error) == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How many findings are of a level.
fn count(findings: &[Finding], level: Level) -> usize {
    findings.iter().filter(|finding| finding.level == level).count()
}
