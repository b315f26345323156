//! The AD FS claim rule language: text to syntax tree and back.
//!
//! Knows what rules look like and which of them are illegal before any request (claims.md 1.1, 1.2); knows nothing of what
//! they mean when they run. The parser is total: any text gives a tree or located problems, never a panic.

mod check;
mod describe;
mod encoding;
mod error;
mod explain;
mod lexer;
mod parser;
mod printer;
mod syntax;
mod template;
#[cfg(test)]
mod tests;
mod texts;

pub use describe::describe_rule;
pub use encoding::{EncodingError, decode};
pub use error::{Location, RuleProblem, RuleProblemKind, RuleSetError, RuleWarning, RuleWarningKind};
pub use parser::{MAX_RULES, MAX_TEXT, ParseOptions, parse};
pub use printer::{format_rules, print_rule, print_rules, replace_rules};
pub use syntax::{
    Action, Aggregate, Annotation, Assignment, Comparison, Condition, Count, Expression, Form, Ident, Literal,
    Operator, Property, PropertyRef, Rule, Rules, Selector, Span, StoreCall, Test, Verb,
};

pub(super) use error::{Findings, MAX_FINDINGS};
pub(super) use explain::is_slip;
pub(super) use parser::read;
pub(super) use texts::TextHasher;
