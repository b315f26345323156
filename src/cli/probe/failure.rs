//! What a step found.

/// Why a step failed, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Failure {
    /// What happened, in one line.
    pub(in crate::cli) what: String,
    /// What it means and what to do, one line each.
    pub(in crate::cli) advice: Vec<String>,
}

impl Failure {
    pub(in crate::cli) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), advice: Vec::new() }
    }

    /// The same failure with one more line of advice.
    pub(in crate::cli) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice.push(advice.into());
        self
    }

    /// The same failure with more lines of advice.
    pub(in crate::cli) fn advise_all<T: Into<String>>(mut self, advice: impl IntoIterator<Item = T>) -> Self {
        self.advice.extend(advice.into_iter().map(Into::into));
        self
    }
}

/// What a step brought.
#[derive(Debug)]
pub(in crate::cli) struct Passed<T> {
    /// For the next step.
    pub(in crate::cli) value: T,
    /// What happened, in one line.
    pub(in crate::cli) what: String,
    /// What stands in no one's way and should be known all the same.
    pub(in crate::cli) notes: Vec<String>,
}

impl<T> Passed<T> {
    pub(in crate::cli) fn new(value: T, what: impl Into<String>) -> Self {
        Self { value, what: what.into(), notes: Vec::new() }
    }

    /// The same with a note.
    pub(in crate::cli) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

/// The outcome of a step.
pub(in crate::cli) type Step<T> = Result<Passed<T>, Failure>;
