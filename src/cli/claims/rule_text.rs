//! A rule set and where it stands: a file of its own, or a string within a trust file, whose lines are then those of the file.

use std::path::PathBuf;
use std::sync::Arc;

use crate::claims::language::{Location, Span};
use crate::claims::lint::LintContext;

/// A rule set on its way to being judged.
pub(super) struct RuleText {
    file: PathBuf,
    /// The whole text that places are in.
    text: Arc<str>,
    /// Where in it the rules stand.
    start: usize,
    end: usize,
    context: LintContext,
}

impl RuleText {
    /// A file that holds nothing else.
    pub(super) fn of_file(file: PathBuf, text: String, context: LintContext) -> Self {
        let end = text.len();
        Self { file, text: text.into(), start: 0, end, context }
    }

    /// The octets `range` of a file's text.
    pub(super) const fn within(
        file: PathBuf,
        text: Arc<str>,
        range: std::ops::Range<usize>,
        context: LintContext,
    ) -> Self {
        Self { file, text, start: range.start, end: range.end, context }
    }

    /// How messages call the file.
    pub(super) fn file(&self) -> PathBuf {
        self.file.clone()
    }

    /// The whole text of the file.
    pub(super) const fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The rules.
    pub(super) fn rules(&self) -> &str {
        self.text.get(self.start..self.end).unwrap_or_default()
    }

    /// What is known of their use.
    pub(super) const fn context(&self) -> &LintContext {
        &self.context
    }

    /// A place in the rules as octets of the file's text.
    pub(super) fn range(&self, span: Span) -> std::ops::Range<usize> {
        let within = span.range();
        let at = |offset: usize| (self.start + offset).min(self.end);
        at(within.start)..at(within.end)
    }

    /// A place in the rules as line and column of the file.
    pub(super) fn location(&self, span: Span) -> Location {
        Location::of(&self.text, u32::try_from(self.range(span).start).unwrap_or(u32::MAX))
    }
}
