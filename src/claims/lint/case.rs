//! A condition without regard to case in front of a replacement with it.

use super::facts::{Facts, bound_by, computed, pattern, replacements};
use super::{Found, LintCode};
use crate::claims::language::{Expression, Operator};

pub(super) fn lint(facts: &Facts<'_>, found: &mut Found<'_>) {
    for (_, rule) in facts.rules() {
        for replacement in computed(rule).into_iter().flat_map(replacements) {
            let Expression::Property { tag, property, .. } = replacement.input else { continue };
            let Some(condition) = bound_by(rule, &tag.text) else { continue };
            let loose = condition.tests().iter().any(|test| {
                test.property.property == property.property
                    && test.operator == Operator::Match
                    && pattern(test).is_some_and(|(pattern, _)| pattern.ignores_case() == Some(true))
            });
            if loose && replacement.pattern.ignores_case() == Some(false) {
                found.push(
                    LintCode::CaseSensitiveReplacement,
                    replacement.literal.span,
                    "the condition takes the value in any case, this pattern does not: a value in another case passes \
                     through unchanged",
                    "begin this pattern with (?i) as well",
                );
            }
        }
    }
}
