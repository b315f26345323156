//! Adding findings about keys of one file, by the path of the key.

use std::ops::RangeInclusive;

use super::diagnostic::{Code, Diagnostic, Place, Report, Severity};
use super::document::Document;

/// A report, seen from one file. Findings about a key that has one already, or that is missing, are dropped.
pub(crate) struct Findings<'r, 'd, 't> {
    document: &'d Document<'t>,
    report: &'r mut Report,
}

impl<'r, 'd, 't> Findings<'r, 'd, 't> {
    /// Findings about `document` go to `report`.
    pub(crate) fn new(document: &'d Document<'t>, report: &'r mut Report) -> Self {
        Self { document, report }
    }

    /// Adds an error about a key.
    pub(crate) fn error(&mut self, code: Code, key: &str, message: impl Into<String>, help: impl Into<String>) {
        self.push(Severity::Error, code, key, message.into(), help.into());
    }

    /// Adds a warning about a key.
    pub(crate) fn warning(&mut self, code: Code, key: &str, message: impl Into<String>, help: impl Into<String>) {
        self.push(Severity::Warning, code, key, message.into(), help.into());
    }

    /// Adds an error about a key whose value is not in `range`.
    pub(crate) fn within<T>(&mut self, key: &str, value: &T, range: &RangeInclusive<T>, help: &str)
    where
        T: PartialOrd + std::fmt::Display,
    {
        if !range.contains(value) {
            let message = format!("{value} is outside {} to {}", range.start(), range.end());
            self.error(Code::InvalidValue, key, message, help);
        }
    }

    /// Adds an error at a place that is not a key's.
    pub(crate) fn error_at(&mut self, code: Code, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.report.error(code, place, message, help);
    }

    /// Adds a warning at a place that is not a key's.
    pub(crate) fn warning_at(&mut self, code: Code, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.report.warning(code, place, message, help);
    }

    /// Whether the key has no finding yet and its value is the file's own.
    pub(crate) fn is_sound(&self, key: &str) -> bool {
        self.document.place(key).is_some()
    }

    /// The file.
    pub(crate) const fn document(&self) -> &'d Document<'t> {
        self.document
    }

    fn push(&mut self, severity: Severity, code: Code, key: &str, message: String, help: String) {
        if let Some(place) = self.document.place(key) {
            self.report.push(Diagnostic { severity, code, place, message, help });
        }
    }
}
