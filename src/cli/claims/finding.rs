//! What is said about rules, as text that points at the place and as JSON.

use std::fmt::Write as _;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, MietteError, MietteSpanContents, SourceCode,
    SourceSpan, SpanContents,
};

use super::rule_text::RuleText;
use super::source::SourceError;
use crate::claims::RuleProblem;
use crate::claims::language::Location;
use crate::claims::lint::{Lint, LintCode, LintSeverity};
use crate::config::diagnostic::{Code, Diagnostic, Place, Severity};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// The rules are refused.
    Error,
    /// A rule does not do what it says.
    Warning,
    /// Worth a look.
    Advice,
}

/// One thing to say.
pub(super) struct Finding {
    pub(super) level: Level,
    code: &'static str,
    policy: Option<&'static str>,
    file: PathBuf,
    location: Option<Location>,
    message: String,
    help: String,
    /// The text of the file and the octets meant.
    place: Option<(Arc<str>, Range<usize>)>,
}

impl Finding {
    pub(super) fn of_problem(text: &RuleText, problem: &RuleProblem) -> Self {
        Self {
            level: Level::Error,
            code: problem.kind.code(),
            policy: problem.policy_number(),
            file: text.file(),
            location: Some(text.location(problem.span)),
            message: problem.kind.to_string(),
            help: problem.help.clone().unwrap_or_default(),
            place: Some((text.text().clone(), text.range(problem.span))),
        }
    }

    pub(super) fn of_lint(text: &RuleText, lint: &Lint) -> Self {
        Self {
            level: match lint.severity() {
                LintSeverity::Warning => Level::Warning,
                LintSeverity::Advice => Level::Advice,
            },
            code: lint.code.as_str(),
            policy: (lint.code == LintCode::UnknownStore).then_some("POLICY0017"),
            file: text.file(),
            location: Some(text.location(lint.span)),
            message: lint.message.clone(),
            help: lint.help.clone(),
            place: Some((text.text().clone(), text.range(lint.span))),
        }
    }

    /// A file without rule text.
    pub(super) fn of_source(file: PathBuf, error: &SourceError) -> Self {
        let (code, location) = match error {
            SourceError::Read { .. } => ("file", None),
            SourceError::TooLong { .. } => ("too-large", None),
            SourceError::Encoding { error, .. } => ("encoding", error.location()),
        };
        Self { location, ..Self::without_place(code, file, error.cause()) }
    }

    /// A trust file that is no TOML.
    pub(super) fn of_toml(file: PathBuf, location: Location, message: &str) -> Self {
        let help = String::from("`chancery check` says more about the file");
        let message = format!("the trust file is no TOML, and rules behind this place may be missed: {message}");
        Self { location: Some(location), help, ..Self::without_place("toml", file, message) }
    }

    /// What is said about an access control policy.
    pub(super) fn of_diagnostic(file: PathBuf, text: &Arc<str>, diagnostic: &Diagnostic) -> Self {
        let level = match (diagnostic.severity, diagnostic.code) {
            (Severity::Error, _) => Level::Error,
            (Severity::Warning, Code::Advice) => Level::Advice,
            (Severity::Warning, _) => Level::Warning,
        };
        let finding = Self {
            level,
            help: diagnostic.help.clone(),
            ..Self::without_place("policy", file, diagnostic.message.clone())
        };
        let Place::Text { line, column, length, .. } = diagnostic.place else { return finding };
        let before = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum::<usize>();
        let rest = text.get(before..).unwrap_or_default();
        let octets = |characters: usize| rest.char_indices().nth(characters).map_or(rest.len(), |(at, _)| at);
        let range = before + octets(column.saturating_sub(1))..before + octets(column.saturating_sub(1) + length);
        let location = Location::of(text, u32::try_from(range.start).unwrap_or(u32::MAX));
        Self { location: Some(location), place: Some((text.clone(), range)), ..finding }
    }

    const fn without_place(code: &'static str, file: PathBuf, message: String) -> Self {
        Self {
            level: Level::Error,
            code,
            policy: None,
            file,
            location: None,
            message,
            help: String::new(),
            place: None,
        }
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "severity": match self.level {
                Level::Error => "error",
                Level::Warning => "warning",
                Level::Advice => "advice",
            },
            "code": self.code,
            "policy": self.policy,
            "file": self.file,
            "line": self.location.map(|location| location.line),
            "column": self.location.map(|location| location.column),
            "length": self.place.as_ref().map(|(text, range)| text.get(range.clone()).unwrap_or_default().chars().count()),
            "message": self.message,
            "help": self.help,
        })
    }
}

/// The finding with the line it is about.
pub(super) fn render(finding: &Finding, colour: bool) -> String {
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(WIDTH).with_links(false);
    let mut code = finding.code.to_owned();
    if let Some(policy) = finding.policy {
        let _ = write!(code, " ({policy})");
    }
    let mut diagnostic =
        MietteDiagnostic::new(printable(&finding.message)).with_code(code).with_severity(match finding.level {
            Level::Error => miette::Severity::Error,
            Level::Warning => miette::Severity::Warning,
            Level::Advice => miette::Severity::Advice,
        });
    if !finding.help.is_empty() {
        diagnostic = diagnostic.with_help(printable(&finding.help));
    }
    let mut out = String::new();
    let done = match (&finding.place, finding.location) {
        (Some((text, range)), Some(location)) => {
            let excerpt = Excerpt::new(finding, text, range, location);
            diagnostic =
                diagnostic.with_label(LabeledSpan::new_with_span(None, SourceSpan::from(excerpt.marked.clone())));
            let report = miette::Report::new(diagnostic).with_source_code(excerpt);
            handler.render_report(&mut out, report.as_ref())
        }
        (_, location) => {
            let place = location.map_or_else(String::new, |at| format!(":{}:{}", at.line, at.column));
            let file = finding.file.display();
            diagnostic.message = printable(&format!("{file}{place}: {}", finding.message));
            handler.render_report(&mut out, &diagnostic)
        }
    };
    if done.is_err() {
        out = format!("{}: {}\n", finding.file.display(), finding.message);
    }
    out.push('\n');
    out
}

/// The line a finding is about, cut where it is very long.
struct Excerpt {
    name: String,
    line: Vec<u8>,
    /// The octets meant, within `line`.
    marked: Range<usize>,
    location: Location,
}

impl Excerpt {
    fn new(finding: &Finding, text: &str, range: &Range<usize>, location: Location) -> Self {
        let start = range.start.min(text.len());
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
        let after = text.get(start..).unwrap_or_default();
        let line_end = start + after.find(['\n', '\r']).unwrap_or(after.len());
        let boundary = |at: usize| (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let from = line_start.max(boundary(start.saturating_sub(BEFORE)));
        let to = line_end.min(boundary(start.saturating_add(BEHIND).min(text.len())));
        let (cut_before, cut_behind) = (if from > line_start { CUT } else { "" }, if to < line_end { CUT } else { "" });
        let mut line = format!("{cut_before}{}{cut_behind}", harmless(text.get(from..to).unwrap_or_default()));
        let shift = |at: usize| at.saturating_sub(from) + cut_before.len();
        let mut marked = shift(start)..shift(range.end.min(to).max(start));
        if marked.is_empty() {
            // The end of a line or text: a blank there can be marked.
            let next = line.get(marked.start..).and_then(|rest| rest.chars().next());
            marked.end += next.map_or(1, char::len_utf8);
            if next.is_none() {
                line.push(' ');
            }
        }
        Self { name: printable(&finding.file.display().to_string()), line: line.into_bytes(), marked, location }
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        _span: &SourceSpan,
        _before: usize,
        _behind: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let line = self.location.line.saturating_sub(1) as usize;
        let column = self.location.column.saturating_sub(1) as usize;
        let whole = SourceSpan::from(0..self.line.len());
        Ok(Box::new(MietteSpanContents::new_named(self.name.clone(), &self.line, whole, line, column, 1)))
    }
}

/// Control characters must not steer the reader's terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if is_unsafe(c) { '\u{FFFD}' } else { c }).collect()
}

/// The same text with as many octets, and nothing in it that steers a terminal.
fn harmless(line: &str) -> String {
    line.chars()
        .map(|c| match c {
            '\t' => ' ',
            c if !is_unsafe(c) => c,
            c if c.is_ascii() => '?',
            c if c.len_utf8() == 2 => '¿',
            _ => '\u{FFFD}',
        })
        .collect()
}

/// Controls, and characters that turn the direction of text.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Columns of the output.
const WIDTH: usize = 100;
/// Octets of a line shown before and behind the place.
const BEFORE: usize = 40;
const BEHIND: usize = 80;
/// Stands where a line is cut.
const CUT: &str = "…";
