//! Regular expressions as .NET means them. (First cut: patterns go to `regex` as they are.)

use std::sync::Arc;

use crate::claims::Text;

/// A pattern.
#[derive(Debug)]
pub struct Pattern {
    text: Text,
    regex: ::regex::Regex,
}

/// Why a pattern is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct PatternError {
    /// Octet of the pattern where it goes wrong.
    pub offset: Option<u32>,
    /// What is wrong.
    pub reason: String,
}

impl PatternError {
    /// What to write instead.
    pub fn help(&self) -> Option<&'static str> {
        None
    }
}

/// Why a pattern could not be run on a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatchError {
    /// Too much work.
    #[error("too much work")]
    TooMuchWork,
}

impl Pattern {
    /// A pattern.
    pub fn shared(text: &str) -> Result<Arc<Self>, PatternError> {
        Self::unshared(text)
    }

    /// A pattern.
    pub fn unshared(text: &str) -> Result<Arc<Self>, PatternError> {
        let regex =
            ::regex::Regex::new(text).map_err(|error| PatternError { offset: None, reason: error.to_string() })?;
        Ok(Arc::new(Self { text: text.into(), regex }))
    }

    /// The pattern as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Cost of a match.
    pub fn cost(&self, length: usize) -> u64 {
        1 + length as u64 / 16
    }

    /// Whether it is found.
    pub fn is_match(&self, subject: &str) -> Result<bool, MatchError> {
        Ok(self.regex.is_match(subject))
    }

    /// Replaces all.
    pub fn replace_all(
        &self,
        subject: &str,
        replacement: &Replacement,
        _most: usize,
        _work: &mut u64,
    ) -> Result<Option<String>, MatchError> {
        Ok(Some(self.regex.replace_all(subject, replacement.0.as_str()).into_owned()))
    }
}

/// A replacement.
#[derive(Debug)]
pub struct Replacement(String);

impl Replacement {
    /// A replacement.
    pub fn parse(text: &str, _pattern: &Pattern) -> Self {
        Self(text.to_owned())
    }
}
