//! What is wrong with a rule set, where, and what to write instead.

use std::fmt;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, Severity, SourceCode};

use super::Span;
use crate::claims::Text;
use crate::claims::regex::PatternError;

/// Why a rule set was refused: its text and every problem found (at most 20).
///
/// Renders with `miette` as a report that points at each place.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", summary(.problems))]
pub struct RuleSetError {
    origin: Arc<NamedSource<Text>>,
    problems: Vec<RuleProblem>,
}

impl RuleSetError {
    pub(in crate::claims) fn new(text: Text, problems: Vec<RuleProblem>) -> Self {
        Self { origin: Arc::new(NamedSource::new("claim rules", text)), problems }
    }

    /// The same error, saying which file (or trust) the rules are from.
    #[must_use]
    pub fn named(self, name: impl AsRef<str>) -> Self {
        let text = self.origin.inner().clone();
        Self { origin: Arc::new(NamedSource::new(name, text)), problems: self.problems }
    }

    /// Every problem, in text order; never empty.
    pub fn problems(&self) -> &[RuleProblem] {
        &self.problems
    }

    /// The rule text the spans point into.
    pub fn text(&self) -> &str {
        self.origin.inner()
    }
}

impl Diagnostic for RuleSetError {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&*self.origin)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.problems.iter().map(|problem| problem as &dyn Diagnostic)))
    }
}

/// One thing wrong with the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {}, column {}: {kind}", .location.line, .location.column)]
pub struct RuleProblem {
    /// The place in the text.
    pub span: Span,
    /// The same place for people.
    pub location: Location,
    /// What is wrong.
    pub kind: RuleProblemKind,
    /// What probably happened and what to write; the known damage of copied rules is named.
    pub help: Option<String>,
}

impl RuleProblem {
    /// The AD FS error number administrators search for, when AD FS reports this class of problem with one.
    pub const fn policy_number(&self) -> Option<&'static str> {
        self.kind.policy_number()
    }

    /// The message in the layout of AD FS (its columns count from 0), for logs that are searched by it.
    pub fn policy_message(&self, text: &str) -> String {
        let line = text.lines().nth(self.location.line.saturating_sub(1) as usize).unwrap_or_default();
        let token = text.get(self.span.range()).unwrap_or_default();
        let number = self.policy_number().unwrap_or("POLICY0002");
        format!(
            "POLICY0002: Could not parse policy data.\nLine number: {}, Column number: {}, Error token: {token}. \
             Line: '{line}'.\nParser error: '{number}: {}'",
            self.location.line,
            self.location.column.saturating_sub(1),
            self.kind
        )
    }
}

impl Diagnostic for RuleProblem {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.policy_number().map(|number| Box::new(number) as Box<dyn fmt::Display>)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_deref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(Some(self.kind.label()), self.span))))
    }
}

/// A line and a column, both counted from 1; columns are characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location {
    /// Line, from 1.
    pub line: u32,
    /// Character in the line, from 1.
    pub column: u32,
}

impl Location {
    /// Where the octet `offset` of `text` is. LF, CRLF and CR end lines.
    pub fn of(text: &str, offset: u32) -> Self {
        let before = text.get(..offset as usize).unwrap_or(text);
        let mut location = Self { line: 1, column: 1 };
        let mut characters = before.chars().peekable();
        while let Some(c) = characters.next() {
            if c == '\n' || (c == '\r' && characters.peek() != Some(&'\n')) {
                location.line += 1;
                location.column = 1;
            } else {
                location.column += 1;
            }
        }
        location
    }
}

/// What can be wrong with rule text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleProblemKind {
    /// Another token was needed here.
    #[error("syntax error, unexpected {found}, expecting {}", one_of(.expected))]
    Unexpected {
        /// The token found.
        found: String,
        /// What could have stood here.
        expected: Vec<&'static str>,
    },
    /// Text that is no token at all.
    #[error("unexpected input {found}")]
    Input {
        /// The text found, shortened.
        found: String,
    },
    /// A string literal that does not end on its line.
    #[error("the string literal does not end on its line")]
    OpenString,
    /// A comment, which AD FS does not know.
    #[error("comments are not part of the language")]
    Comment,
    /// The text is longer than allowed.
    #[error("the rule text is {length} octets long, the limit is {limit}")]
    TooLong {
        /// Its length in octets.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// There are more rules than allowed.
    #[error("more than {limit} rules")]
    TooManyRules {
        /// The limit.
        limit: usize,
    },
    /// A list within a rule is longer than allowed.
    #[error("more than {limit} {what} in one rule")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A number that is larger than any count.
    #[error("the number is larger than {limit}")]
    NumberTooLarge {
        /// The largest one.
        limit: u32,
    },
    /// Function calls are nested deeper than allowed.
    #[error("expressions are nested more than {limit} deep")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// Two selectors of a rule have the same tag (V1).
    #[error("the tag '{tag}' is used twice in this rule")]
    DuplicateTag {
        /// The tag.
        tag: Text,
    },
    /// An expression or copy names a tag that no selector of the rule binds (V2).
    #[error("no condition of this rule has the tag '{tag}'")]
    UnknownTag {
        /// The tag.
        tag: Text,
        /// It stands in `issue(claim = …)`.
        in_copy: bool,
    },
    /// A test uses the tag of its own or a later selector (V3).
    #[error("the tag '{tag}' is not bound yet at this place")]
    UnboundTag {
        /// The tag.
        tag: Text,
    },
    /// EXISTS or COUNT with a tag (V10).
    #[error("EXISTS and COUNT bind no claim and take no tag")]
    AggregateTag,
    /// A created claim without Type (V4).
    #[error("a new claim needs a Type")]
    MissingType,
    /// A property assigned twice (V4).
    #[error("{property} is assigned twice")]
    DuplicateProperty {
        /// The property.
        property: String,
    },
    /// A function the language does not have (V8).
    #[error("unknown function '{name}'")]
    UnknownFunction {
        /// Its name.
        name: Text,
    },
    /// `RegExReplace` with other than three arguments (V8).
    #[error("RegExReplace takes 3 arguments (input, pattern, replacement), not {found}")]
    ArgumentCount {
        /// How many there are.
        found: usize,
    },
    /// A placeholder without a parameter (V6).
    #[error("the query uses {{{index}}}, but the rule has {}", params_in_words(*params))]
    MissingParameter {
        /// The placeholder's number.
        index: usize,
        /// How many parameters the rule gives.
        params: usize,
    },
    /// The query text cannot be read (a brace that is no placeholder, or the store's own syntax).
    #[error("the query cannot be read: {reason}")]
    Query {
        /// What is wrong.
        reason: String,
    },
    /// A pattern that is no .NET regular expression, or one that would mean something else here (V9).
    #[error("regular expression: {0}")]
    Pattern(PatternError),
}

impl RuleProblemKind {
    const fn policy_number(&self) -> Option<&'static str> {
        match self {
            Self::Unexpected { .. } | Self::AggregateTag => Some("POLICY0030"),
            Self::Input { .. } | Self::OpenString | Self::Comment => Some("POLICY0029"),
            Self::UnknownTag { in_copy: true, .. } => Some("POLICY0011"),
            _ => None,
        }
    }

    /// The kind of problem, named as in the documentation; stable across versions.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unexpected { .. } | Self::Input { .. } => "syntax",
            Self::OpenString => "open-string",
            Self::Comment => "comment",
            Self::TooLong { .. }
            | Self::TooManyRules { .. }
            | Self::TooMany { .. }
            | Self::NumberTooLarge { .. }
            | Self::TooDeep { .. } => "too-large",
            Self::DuplicateTag { .. } => "duplicate-tag",
            Self::UnknownTag { .. } => "unknown-tag",
            Self::UnboundTag { .. } => "unbound-tag",
            Self::AggregateTag => "tag-on-aggregate",
            Self::MissingType => "missing-type",
            Self::DuplicateProperty { .. } => "duplicate-property",
            Self::UnknownFunction { .. } => "unknown-function",
            Self::ArgumentCount { .. } => "argument-count",
            Self::MissingParameter { .. } => "missing-parameter",
            Self::Query { .. } => "query",
            Self::Pattern(_) => "pattern",
        }
    }

    /// What stands at the place, in a few words.
    fn label(&self) -> String {
        match self {
            Self::Unexpected { expected, .. } => format!("expected {}", one_of(expected)),
            Self::Input { .. } => String::from("no part of the language"),
            Self::OpenString => String::from("this string is not closed"),
            Self::Pattern(error) => error.to_string(),
            other => other.to_string(),
        }
    }
}

/// Something that is legal but probably not meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {}, column {}: {kind}", .location.line, .location.column)]
pub struct RuleWarning {
    /// The place in the text.
    pub span: Span,
    /// The same place for people.
    pub location: Location,
    /// What is odd.
    pub kind: RuleWarningKind,
}

impl Diagnostic for RuleWarning {
    fn severity(&self) -> Option<Severity> {
        Some(Severity::Warning)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(None, self.span))))
    }
}

/// What is legal but probably not meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleWarningKind {
    /// The `;` of a rule was added (lenient reading).
    #[error("the ';' at the end of this rule is missing and was added")]
    AddedSemicolon,
    /// An annotation AD FS does not know; it is kept (V11).
    #[error("unknown annotation '@{name}' is kept and has no effect")]
    UnknownAnnotation {
        /// Its name.
        name: Text,
    },
    /// Blanks at the ends of a store's name.
    #[error("blanks around the store name are ignored")]
    BlankInStoreName,
    /// The number of attributes differs from the number of types: the rule fails whenever it acts (V7).
    #[error("the query asks for {attributes} attributes but gives {types} claim types; the rule fails when it acts")]
    ColumnCount {
        /// Attributes in the query.
        attributes: usize,
        /// Types in the rule.
        types: usize,
    },
    /// `add(claim = c)` does nothing.
    #[error("add(claim = …) has no effect: the claim is in the evaluation set already")]
    AddCopy,
    /// A pattern computed from a claim.
    #[error("this pattern is made from claims: whoever sets them writes the regular expression")]
    DynamicPattern,
}

/// Problems and warnings as they are found.
#[derive(Debug)]
pub(in crate::claims) struct Findings<'a> {
    text: &'a str,
    pub(in crate::claims) problems: Vec<RuleProblem>,
    pub(in crate::claims) warnings: Vec<RuleWarning>,
}

impl<'a> Findings<'a> {
    pub(in crate::claims) const fn new(text: &'a str) -> Self {
        Self { text, problems: Vec::new(), warnings: Vec::new() }
    }

    pub(in crate::claims) fn problem(&mut self, span: Span, kind: RuleProblemKind, help: Option<String>) {
        if !self.is_full() {
            let location = Location::of(self.text, span.start);
            self.problems.push(RuleProblem { span, location, kind, help });
        }
    }

    pub(in crate::claims) fn warning(&mut self, span: Span, kind: RuleWarningKind) {
        if self.warnings.len() < MAX_FINDINGS {
            self.warnings.push(RuleWarning { span, location: Location::of(self.text, span.start), kind });
        }
    }

    /// Whether enough was found to stop.
    pub(in crate::claims) const fn is_full(&self) -> bool {
        self.problems.len() >= MAX_FINDINGS
    }
}

fn summary(problems: &[RuleProblem]) -> String {
    match problems {
        [] => String::from("the rules were refused"),
        [only] => only.to_string(),
        [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
    }
}

fn params_in_words(params: usize) -> String {
    match params {
        0 => String::from("no param"),
        1 => String::from("one param only"),
        n => format!("{n} params only"),
    }
}

fn one_of(expected: &[&str]) -> String {
    // Words of the language in quotation marks, descriptions without.
    let quoted = |word: &&str| {
        if word.starts_with('\'') || word.contains(' ') { (*word).to_owned() } else { format!("'{word}'") }
    };
    let words: Vec<String> = expected.iter().map(quoted).collect();
    match words.as_slice() {
        [] => String::from("something else"),
        [only] => only.clone(),
        [init @ .., last] => format!("one of the following: {} or {last}", init.join(", ")),
    }
}

/// Most problems told of one rule set.
pub(in crate::claims) const MAX_FINDINGS: usize = 20;
