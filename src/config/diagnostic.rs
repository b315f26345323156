//! What is wrong with a configuration: where, what, and what to do about it.
//!
//! Diagnostics are values first (tests and the reload state compare and store them); [`render`](super::render) makes them text.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Whether the configuration can be used in spite of it.
    pub severity: Severity,
    /// The kind of finding, stable across versions.
    pub code: Code,
    /// Where it is.
    pub place: Place,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// Whether a configuration can be used in spite of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It cannot be used.
    Error,
    /// It can, but somebody should look.
    Warning,
}

/// Kinds of finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The file is not TOML.
    Syntax,
    /// A key that no section has.
    UnknownKey,
    /// A value of the wrong type or form.
    InvalidValue,
    /// A key that must be there is not.
    MissingKey,
    /// Two keys that cannot stand together, or a value that contradicts another.
    Contradiction,
    /// The same name twice where it must be unique.
    Duplicate,
    /// An environment variable that names no key.
    Environment,
    /// A file or directory is missing or cannot be read.
    File,
    /// A file others can read, or a setting that is open to misuse.
    Exposure,
    /// A certificate or key does not fit.
    Certificate,
    /// A keytab does not fit.
    Keytab,
    /// Extended Protection cannot work this way.
    ChannelBinding,
    /// An address range.
    Network,
    /// A claim rule.
    ClaimRule,
    /// Something this version cannot do.
    NotAvailable,
    /// A change that takes effect only after a restart.
    RestartNeeded,
    /// Worth knowing; nothing is broken.
    Advice,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "syntax",
            Self::UnknownKey => "unknown-key",
            Self::InvalidValue => "invalid-value",
            Self::MissingKey => "missing-key",
            Self::Contradiction => "contradiction",
            Self::Duplicate => "duplicate",
            Self::Environment => "environment",
            Self::File => "file",
            Self::Exposure => "exposure",
            Self::Certificate => "certificate",
            Self::Keytab => "keytab",
            Self::ChannelBinding => "channel-binding",
            Self::Network => "network",
            Self::ClaimRule => "claim-rule",
            Self::NotAvailable => "not-available",
            Self::RestartNeeded => "restart-needed",
            Self::Advice => "advice",
        })
    }
}

/// Where a finding is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "in")]
pub enum Place {
    /// A place in a text file.
    Text {
        /// The file.
        file: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// Characters concerned, all on that line; at least 1.
        length: usize,
        /// The line's text, of a long line the part around the place; values of keys that look like secrets are blanked.
        excerpt: String,
        /// Characters of the line that stand before the excerpt.
        #[serde(default)]
        left_out: usize,
    },
    /// An environment variable.
    Environment {
        /// Its name.
        variable: String,
    },
    /// A file as a whole.
    File {
        /// The file.
        file: PathBuf,
    },
}

impl Place {
    /// The place of the octets `start..end` of `text`, the content of `file`. Positions beyond the text mean its end.
    pub fn in_text(file: &Path, text: &str, start: usize, end: usize) -> Self {
        let start = floor_char_boundary(text, start);
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let rest = text.get(line_start..).unwrap_or_default();
        let line_text = rest.split('\n').next().unwrap_or_default().trim_end_matches('\r');
        let line_end = line_start + line_text.len();
        let end = floor_char_boundary(text, end.min(line_end));
        let column = text.get(line_start..start).unwrap_or_default().chars().count() + 1;
        let (excerpt, left_out) = excerpt(line_text, column);
        Self::Text {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column,
            length: text.get(start..end).unwrap_or_default().chars().count().max(1),
            excerpt,
            left_out,
        }
    }

    /// The same file, at `line` and `column` (from 1) of `text`.
    pub fn at_line(file: &Path, text: &str, line: usize, column: usize, length: usize) -> Self {
        let line_text = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        let (excerpt, left_out) = excerpt(line_text, column);
        Self::Text {
            file: file.to_owned(),
            line: line.max(1),
            column: column.max(1),
            length: length.max(1),
            excerpt,
            left_out,
        }
    }

    fn order(&self) -> (u8, &Path, usize, usize) {
        match self {
            Self::Text { file, line, column, .. } => (0, file, *line, *column),
            Self::File { file } => (0, file, 0, 0),
            Self::Environment { .. } => (1, Path::new(""), 0, 0),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { file, line, column, .. } => write!(f, "{}:{line}:{column}", file.display()),
            Self::Environment { variable } => write!(f, "environment variable {variable}"),
            Self::File { file } => write!(f, "{}", file.display()),
        }
    }
}

/// All findings about one configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Report(Vec<Diagnostic>);

impl Report {
    /// Adds a finding. The same finding twice counts once; beyond a thousand, further ones are dropped.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if self.0.len() < MAX_DIAGNOSTICS && !self.0.contains(&diagnostic) {
            self.0.push(diagnostic);
        }
    }

    /// Adds an error.
    pub fn error(&mut self, code: Code, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.push(Diagnostic { severity: Severity::Error, code, place, message: message.into(), help: help.into() });
    }

    /// Adds a warning.
    pub fn warning(&mut self, code: Code, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.push(Diagnostic { severity: Severity::Warning, code, place, message: message.into(), help: help.into() });
    }

    /// Adds every finding of another report.
    pub fn extend(&mut self, other: Self) {
        other.0.into_iter().for_each(|diagnostic| self.push(diagnostic));
    }

    /// Orders the findings by file and place; those of the environment come last.
    pub fn sort(&mut self) {
        self.0.sort_by(|a, b| a.place.order().cmp(&b.place.order()));
    }

    /// Whether there is an error.
    pub fn has_errors(&self) -> bool {
        self.errors() > 0
    }

    /// How many errors there are.
    pub fn errors(&self) -> usize {
        self.0.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count()
    }

    /// How many warnings there are.
    pub fn warnings(&self) -> usize {
        self.0.len() - self.errors()
    }

    /// The findings.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Report {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The line, or of a long one the part around `column`, and how many characters stand before it.
///
/// Somebody who writes a password into a configuration file is told so, but it is not repeated on terminals and in logs.
fn excerpt(line: &str, column: usize) -> (String, usize) {
    const LOOKS_SECRET: [&str; 4] = ["password", "passwd", "secret", "private_key"];
    if let Some((key, value)) = line.split_once('=') {
        let lower = key.to_ascii_lowercase();
        let names_file = lower.trim_end().ends_with("_file");
        if !names_file && LOOKS_SECRET.iter().any(|word| lower.contains(word)) && !value.is_empty() {
            return (format!("{}= …", key.chars().take(MAX_EXCERPT).collect::<String>()), 0);
        }
    }
    let beyond = line.chars().count().saturating_sub(MAX_EXCERPT);
    let left_out = column.saturating_sub(MAX_EXCERPT / 2).min(beyond);
    (line.chars().skip(left_out).take(MAX_EXCERPT).collect(), left_out)
}

fn floor_char_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

const MAX_DIAGNOSTICS: usize = 1000;
const MAX_EXCERPT: usize = 400;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn places_count_characters_from_one() {
        let text = "a = 1\nü = 'x'\r\n";
        let at = text.find("'x'").unwrap();
        assert_eq!(
            Place::in_text(Path::new("f"), text, at, at + 3),
            Place::Text {
                file: "f".into(),
                line: 2,
                column: 5,
                length: 3,
                excerpt: String::from("ü = 'x'"),
                left_out: 0
            }
        );
    }

    #[test]
    fn secrets_are_not_repeated() {
        assert_eq!(excerpt("bind_password = 'hunter2'", 17), (String::from("bind_password = …"), 0));
        assert_eq!(excerpt("password_file = 'p'", 17), (String::from("password_file = 'p'"), 0));
        let long = format!("{}password = 'hunter2'", " ".repeat(1000));
        assert!(!excerpt(&long, 1012).0.contains("hunter2"));
    }

    proptest! {
        #[test]
        fn any_position_has_a_place(text in ".{0,30}(\n.{0,10}){0,3}", start in 0_usize..60, length in 0_usize..20) {
            Place::in_text(Path::new("f"), &text, start, start + length);
        }
    }
}
