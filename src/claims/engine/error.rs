//! Why a rule set failed while it ran.

use std::fmt;

use crate::claims::Text;
use crate::claims::regex::{MatchError, PatternError};
use crate::claims::store::StoreError;

/// A run failed; nothing it issued before counts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("claim rule {rule}: {kind}")]
pub struct EvaluationError {
    /// The rule that failed.
    pub rule: RuleRef,
    /// How.
    pub kind: EvaluationErrorKind,
}

impl EvaluationError {
    /// Whether the same request may succeed a little later.
    pub const fn is_retryable(&self) -> bool {
        matches!(&self.kind, EvaluationErrorKind::Store { source, .. } if source.is_retryable())
    }

    /// The attribute store that failed or is not there, as the rule names it.
    pub const fn failed_store(&self) -> Option<&Text> {
        match &self.kind {
            EvaluationErrorKind::Store { store, .. }
            | EvaluationErrorKind::UnknownStore { store }
            | EvaluationErrorKind::TooManyRows { store, .. } => Some(store),
            _ => None,
        }
    }

    /// The failure in the words of AD FS, by which administrators search; `None` where AD FS has none.
    pub fn policy_message(&self) -> Option<String> {
        Some(match &self.kind {
            EvaluationErrorKind::Store { store, query, source } => {
                format!("POLICY0018: Query '{query}' to attribute store '{store}' failed: '{source}'.")
            }
            EvaluationErrorKind::TooManyRows { store, .. } => {
                format!("POLICY0018: A query to attribute store '{store}' failed: '{}'.", self.kind)
            }
            EvaluationErrorKind::UnknownStore { store } => {
                format!("POLICY0017: Attribute store '{store}' is not configured.")
            }
            _ => return None,
        })
    }

    /// The AD FS error number of this failure, when it has one.
    pub const fn policy_number(&self) -> Option<&'static str> {
        match self.kind {
            EvaluationErrorKind::Store { .. } | EvaluationErrorKind::TooManyRows { .. } => Some("POLICY0018"),
            EvaluationErrorKind::UnknownStore { .. } => Some("POLICY0017"),
            _ => None,
        }
    }
}

/// A rule by its place and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RuleRef {
    /// Place in the set, from 0.
    pub index: usize,
    /// Its `@RuleName`.
    pub name: Option<Text>,
}

impl fmt::Display for RuleRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{} \"{name}\"", self.index + 1),
            None => write!(f, "{}", self.index + 1),
        }
    }
}

/// How a rule can fail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationErrorKind {
    /// An attribute store failed.
    #[error("query '{query}' to attribute store '{store}' failed: {source}")]
    Store {
        /// The store.
        store: Text,
        /// The query as written in the rule.
        query: Text,
        /// What the store said.
        source: Box<StoreError>,
    },
    /// No store of that name is configured.
    #[error("attribute store '{store}' is not configured")]
    UnknownStore {
        /// The name in the rule.
        store: Text,
    },
    /// The request asked the stores too often.
    #[error("more than {limit} attribute store queries in one request")]
    TooManyQueries {
        /// The limit.
        limit: usize,
    },
    /// A store answered with too many rows.
    #[error("attribute store '{store}' answered with more than {limit} rows")]
    TooManyRows {
        /// The store.
        store: Text,
        /// The limit.
        limit: usize,
    },
    /// A regular expression could not be run on a value.
    #[error("regular expression '{pattern}': {source}")]
    Match {
        /// The pattern.
        pattern: Text,
        /// Why.
        source: MatchError,
    },
    /// A pattern made from claims is no regular expression.
    #[error("pattern made from claims: {0}")]
    DynamicPattern(PatternError),
    /// Patterns made from claims are switched off.
    #[error("patterns made from claims are not allowed here")]
    DynamicPatternOff,
    /// The conditions match too many combinations of claims.
    #[error("the conditions match more than {limit} combinations of claims; join fewer selectors or use EXISTS")]
    TooManyTuples {
        /// The limit.
        limit: usize,
    },
    /// The evaluation set grew too large.
    #[error("more than {limit} claims")]
    TooManyClaims {
        /// The limit.
        limit: usize,
    },
    /// The run took too much work.
    #[error("the rules need more than {limit} steps on these claims")]
    TooMuchWork {
        /// The limit.
        limit: u64,
    },
    /// A rule made a text that is too long.
    #[error("a text made by the rule is longer than {limit} octets")]
    TextTooLong {
        /// The limit.
        limit: usize,
    },
}
