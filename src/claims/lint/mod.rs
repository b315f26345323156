//! What is legal in a rule set and probably not what its author means.
//!
//! One file per idea. A lint sees the syntax tree of one rule set and a little of where it is used; it runs nothing and asks
//! nothing. It speaks only where the mistake is plain, and says what follows from it and what to write.

mod address;
mod authorization;
mod blanks;
mod case;
mod code;
mod cost;
mod equality;
mod facts;
mod https;
mod issuer_id;
mod made;
mod reach;
mod replacement;
mod second_factor;
mod sid;
mod stores;
#[cfg(test)]
mod tests;
mod types;
mod values;

pub use code::{LintCode, LintSeverity};
pub use stores::BUILT_IN_STORES;

use super::language::{self, Location, ParseOptions, RuleSetError, RuleWarning, RuleWarningKind, Rules, Span};
use super::{RuleSet, Stage, Text};
use facts::Facts;

/// Where a rule set is used, as far as known.
#[derive(Debug, Clone, Default)]
pub struct LintContext {
    /// What the rules are for.
    pub stage: Option<Stage>,
    /// They belong to the trust of Microsoft Entra.
    pub entra: bool,
    /// Names of the attribute stores there are; `None`: those every installation has.
    pub stores: Option<Vec<Text>>,
    /// Claim types with a description of their own.
    pub types: Vec<Text>,
}

/// One piece of advice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lint {
    /// The kind, stable across versions.
    pub code: LintCode,
    /// The place in the text.
    pub span: Span,
    /// The same place for people.
    pub location: Location,
    /// What is odd and what follows from it.
    pub message: String,
    /// What to write.
    pub help: String,
}

impl Lint {
    /// How much it matters.
    pub const fn severity(&self) -> LintSeverity {
        self.code.severity()
    }
}

/// Reads a rule set and gives all advice about it, in text order.
///
/// # Errors
/// [`RuleSetError`] when it is no rule set; then there is no advice.
pub fn check(text: &str, options: ParseOptions, context: &LintContext) -> Result<Vec<Lint>, RuleSetError> {
    let set = RuleSet::parse_with(text, options)?;
    let (rules, _) = language::parse(text, options)?;
    Ok(lint(&rules, set.warnings(), context))
}

/// All advice about rules that were read, in text order. `warnings` are those of [`RuleSet::warnings`].
pub fn lint(rules: &Rules, warnings: &[RuleWarning], context: &LintContext) -> Vec<Lint> {
    let mut found = Found { text: &rules.text, lints: Vec::new() };
    for warning in warnings {
        let (code, help) = of_warning(&warning.kind);
        found.push(code, warning.span, warning.kind.to_string(), help);
    }
    let facts = Facts::new(rules, context);
    for each in [
        address::lint,
        authorization::lint,
        blanks::lint,
        case::lint,
        cost::lint,
        equality::lint,
        https::lint,
        issuer_id::lint,
        made::lint,
        reach::lint,
        replacement::lint,
        second_factor::lint,
        sid::lint,
        stores::lint,
        types::lint,
        values::lint,
    ] {
        each(&facts, &mut found);
    }
    let mut lints = found.lints;
    lints.sort_by_key(|lint| (lint.span.start, lint.code));
    lints.dedup();
    lints
}

/// Advice as it is found, up to a bound.
struct Found<'a> {
    text: &'a str,
    lints: Vec<Lint>,
}

impl Found<'_> {
    fn push(&mut self, code: LintCode, span: Span, message: impl Into<String>, help: impl Into<String>) {
        if self.lints.len() < MAX_LINTS {
            let location = Location::of(self.text, span.start);
            self.lints.push(Lint { code, span, location, message: message.into(), help: help.into() });
        }
    }
}

const fn of_warning(warning: &RuleWarningKind) -> (LintCode, &'static str) {
    match warning {
        RuleWarningKind::AddedSemicolon => (LintCode::MissingSemicolon, "write it; AD FS refuses the rule without it"),
        RuleWarningKind::UnknownAnnotation { .. } => {
            (LintCode::UnknownAnnotation, "the language has @RuleName and @RuleTemplate")
        }
        RuleWarningKind::BlankInStoreName => (LintCode::BlankInStoreName, "remove the blanks"),
        RuleWarningKind::ColumnCount { .. } => {
            (LintCode::ColumnCount, "name as many attributes in the query as there are claim types, in the same order")
        }
        RuleWarningKind::AddCopy => {
            (LintCode::AddWithoutEffect, "write issue(claim = …) to put it into the token, or remove the rule")
        }
        RuleWarningKind::DynamicPattern => (
            LintCode::PatternFromClaims,
            "compare with == where the texts shall be equal; use only claims whose values no stranger can set",
        ),
    }
}

/// Most advice about one rule set.
const MAX_LINTS: usize = 500;
