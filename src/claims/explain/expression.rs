//! What an operand of a test is for given claims; for showing, never for deciding.

use crate::claims::engine::property;
use crate::claims::language::Expression;
use crate::claims::regex::{Pattern, Replacement};
use crate::claims::{Claim, Text};

/// The claims bound to the tags of a rule, in the order of the selectors.
pub(super) struct Bindings<'a> {
    pub(super) tags: &'a [&'a str],
    pub(super) claims: &'a [Claim],
}

impl Bindings<'_> {
    fn claim(&self, tag: &str) -> Option<&Claim> {
        let slot = self.tags.iter().position(|known| known.eq_ignore_ascii_case(tag))?;
        self.claims.get(slot)
    }

    /// The text of an expression; `None` when it cannot be told.
    pub(super) fn text(&self, expression: &Expression) -> Option<Text> {
        match expression {
            Expression::Literal(literal) => Some(literal.text.clone()),
            Expression::Property { tag, property: of, .. } => {
                self.claim(&tag.text).map(|claim| property(claim, &of.property).into())
            }
            Expression::Concatenation(parts) => {
                let parts: Option<Vec<Text>> = parts.iter().map(|part| self.text(part)).collect();
                parts.map(|parts| parts.concat().into())
            }
            Expression::Call { arguments, .. } => {
                let [input, pattern, replacement] = arguments.as_slice() else { return None };
                let input = self.text(input)?;
                let pattern = Pattern::unshared(&self.text(pattern)?).ok()?;
                let replacement = Replacement::parse(&self.text(replacement)?, &pattern);
                let replaced = pattern.replace_all(&input, &replacement, MOST_OCTETS, &mut { WORK }).ok()?;
                Some(replaced.map_or(input, Into::into))
            }
        }
    }
}

/// Longest text that a replacement may make here.
const MOST_OCTETS: usize = 64 * 1024;
/// Work of one replacement.
const WORK: u64 = 100_000;
