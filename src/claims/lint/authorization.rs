//! Authorization rules that permit less than their author thinks.

use super::facts::{Facts, makes};
use super::{Found, LintCode};
use crate::claims::language::{Condition, Span};
use crate::claims::types;

pub(super) fn lint(facts: &Facts<'_>, found: &mut Found<'_>) {
    for (_, rule) in facts.rules() {
        let permits = makes(rule).is_some_and(|literal| &*literal.text == types::PERMIT);
        let any_claim =
            |condition: &Condition| matches!(condition, Condition::Select(selector) if selector.tests.is_empty());
        if let (true, [only]) = (permits, rule.conditions.as_slice())
            && any_claim(only)
        {
            found.push(
                LintCode::PermitNeedsAClaim,
                only.span(),
                "this permits only who has at least one claim, and permits once for each of them",
                "to permit everybody leave the condition out: => issue(Type = \"…/permit\", Value = \"true\");",
            );
        }
    }
    let rules = &facts.rules.rules;
    let copies = rules.iter().any(|rule| matches!(rule.action.form, crate::claims::language::Form::Copy(_)));
    if facts.authorizes() && facts.makers(types::PERMIT).is_empty() && !copies && !facts.anything_before(rules.len()) {
        let last = rules.last().map_or_else(Span::default, |rule| rule.action.span);
        let message = if rules.is_empty() {
            "there is no rule, so nobody is permitted"
        } else {
            "no rule permits, and what is not permitted is denied: nobody gets a token"
        };
        found.push(
            LintCode::NobodyPermitted,
            last,
            message,
            "end with a rule that permits the others: => issue(Type = \"http://schemas.microsoft.com/authorization/claims/permit\", \
             Value = \"true\"); a denial wins over it",
        );
    }
}
