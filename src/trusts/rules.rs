//! Claim rules of a trust: the text, where it came from, and the compiled form.

use std::path::PathBuf;

/// A rule set of a trust.
#[derive(Debug, Clone)]
pub struct CompiledRules {
    /// The text as the administrator wrote it.
    pub text: String,
    /// The file it stands in; `None` for built-in rules.
    pub file: Option<PathBuf>,
}
