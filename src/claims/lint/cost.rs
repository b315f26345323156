//! Patterns that may take very long on some texts.

use super::facts::{Facts, patterns};
use super::{Found, LintCode};

pub(super) fn lint(facts: &Facts<'_>, found: &mut Found<'_>) {
    for (_, rule) in facts.rules() {
        for (pattern, literal) in patterns(rule) {
            let what = if pattern.repeats_a_repetition() {
                "a repetition of a repetition, such as (a+)+, tries every way to share out a text"
            } else if pattern.looks_far() {
                "a look-around with several .* tries every way to share out a text"
            } else {
                continue;
            };
            let message = format!(
                "{what}; here the request fails when that takes too long, in AD FS a long value keeps a processor busy"
            );
            found.push(LintCode::SlowPattern, literal.span, message, "repeat once: (a+)+ finds no more than a+");
        }
    }
}
