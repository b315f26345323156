//! Why a pattern is refused, or cannot be run.

use std::sync::Arc;

/// Why a pattern is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct PatternError {
    /// Octet of the pattern where it goes wrong; `None` when the pattern as a whole is refused.
    pub offset: Option<u32>,
    /// What is wrong.
    pub kind: PatternErrorKind,
}

/// What can be wrong with a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternErrorKind {
    /// Longer than allowed.
    #[error("the pattern is {length} octets long, the limit is {limit}")]
    TooLong {
        /// Its length in octets.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// Groups are nested deeper than allowed.
    #[error("groups are nested more than {limit} deep")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// It would take too much memory, for example by large counts in braces.
    #[error("the pattern becomes too large; use smaller repetition counts")]
    TooLarge,
    /// `(` without `)`.
    #[error("this group is not closed")]
    UnclosedGroup,
    /// `)` without `(`.
    #[error("this ')' closes nothing")]
    UnopenedGroup,
    /// `[` without `]`.
    #[error("this character class is not closed")]
    UnclosedClass,
    /// `*` and its like with nothing before it.
    #[error("nothing to repeat before '{found}'")]
    NothingToRepeat {
        /// The quantifier.
        found: char,
    },
    /// `a**`, `a++`, `a{2}{3}`.
    #[error("a quantifier behind a quantifier; .NET has no possessive quantifiers")]
    NestedQuantifier,
    /// `{5,2}`.
    #[error("the counts of this quantifier are reversed or too large")]
    QuantifierRange,
    /// `[z-a]`, or a range from or to a class.
    #[error("this range in the character class is reversed or no range")]
    ClassRange,
    /// `(?` with a lost name.
    #[error("'(?' is followed by no construct .NET knows; the group name is missing")]
    GroupName,
    /// A backslash with nothing behind it.
    #[error("a '\\' at the end stands for nothing")]
    TrailingBackslash,
    /// `\q`.
    #[error("unknown escape '\\{found}'")]
    Escape {
        /// The character behind the backslash.
        found: char,
    },
    /// A number or name that belongs to no group.
    #[error("a reference to the group '{group}', which does not exist")]
    Reference {
        /// The group.
        group: String,
    },
    /// `\p{…}` with an unknown name.
    #[error("unknown character category '{name}'")]
    Category {
        /// The name.
        name: String,
    },
    /// A construct that is legal in .NET and not supported here.
    #[error("{what} is not supported")]
    Unsupported {
        /// The construct.
        what: &'static str,
    },
    /// `[[:alpha:]]`.
    #[error("'[:…:]' is no character class in .NET, which drops it silently")]
    Posix,
    /// The matcher under this front end refused the translated pattern.
    #[error("{reason}")]
    Matcher {
        /// What it said.
        reason: Arc<str>,
    },
}

impl PatternError {
    /// What to write instead, or what probably happened.
    pub const fn help(&self) -> Option<&'static str> {
        Some(match self.kind {
            PatternErrorKind::GroupName => {
                "write (?<name>…); was this copied from a web page, which eats what stands between < and >?"
            }
            PatternErrorKind::Posix => "write a .NET class such as [a-zA-Z], \\p{L} or \\d",
            PatternErrorKind::Category { .. } => ".NET writes \\p{L}, \\p{Lu}, \\p{IsGreek}",
            PatternErrorKind::Escape { .. } => {
                "a backslash itself is written \\\\; a letter or digit behind one has a meaning of its own, or none"
            }
            PatternErrorKind::NothingToRepeat { .. } => {
                "for any text write .* ; to mean the character itself write a backslash before it"
            }
            PatternErrorKind::NestedQuantifier => "keep one of the two, or put the inner part into (?:…)",
            _ => return None,
        })
    }
}

/// Why a pattern could not be run on a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatchError {
    /// The text is longer than patterns are run on.
    #[error("the text has {length} octets, patterns are run on at most {limit}")]
    SubjectTooLong {
        /// Its length in octets.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// The result of a replacement is too long.
    #[error("the replaced text is longer than {limit} octets")]
    OutputTooLong {
        /// The limit in octets.
        limit: usize,
    },
    /// The pattern tries too many ways on this text.
    #[error("the pattern needs too many attempts on this text")]
    Backtracking,
    /// The run's budget is spent.
    #[error("the work allowed for this run is spent")]
    TooMuchWork,
    /// The pattern could not be prepared.
    #[error("the pattern cannot be prepared: {0}")]
    Pattern(PatternErrorKind),
}
