//! What the expressions of a rule yield for a tuple of claims.

use std::sync::Arc;

use super::EvaluationErrorKind as Kind;
use super::evaluate::{EMPTY, Run};
use super::program::{Expression, ReplacePattern, Slot};
use super::working_set::ClaimId;
use crate::claims::Text;
use crate::claims::language::Property;
use crate::claims::regex::{Pattern, Replacement};

impl Run<'_> {
    pub(super) fn text(&self, expression: &Expression, tuple: &[ClaimId]) -> Result<Text, Kind> {
        match expression {
            Expression::Text(text) => Ok(text.clone()),
            Expression::Property(slot, name) => Ok(self.property_text(*slot, name, tuple)),
            Expression::Concatenation(parts) => {
                let mut joined = String::new();
                for part in parts {
                    joined.push_str(&self.text(part, tuple)?);
                    if joined.len() > self.limits.text {
                        return Err(Kind::TextTooLong { limit: self.limits.text });
                    }
                }
                self.charge(joined.len() as u64 / 64)?;
                Ok(joined.into())
            }
            Expression::Replace(replace) => {
                let input = self.text(&replace.input, tuple)?;
                let (pattern, dynamic);
                let replacement = match &replace.pattern {
                    ReplacePattern::Fixed(fixed, replacement) => {
                        return self.replace(fixed, replacement, input);
                    }
                    ReplacePattern::Pattern(literal) => {
                        pattern = literal;
                        Replacement::parse(&self.text(&replace.replacement, tuple)?, pattern)
                    }
                    ReplacePattern::Dynamic(expression) => {
                        dynamic = self.dynamic_pattern(expression, tuple)?;
                        pattern = &dynamic;
                        Replacement::parse(&self.text(&replace.replacement, tuple)?, pattern)
                    }
                };
                self.replace(pattern, &replacement, input)
            }
        }
    }

    fn replace(&self, pattern: &Pattern, replacement: &Replacement, input: Text) -> Result<Text, Kind> {
        let mut left = self.work.get();
        let replaced = pattern.replace_all(&input, replacement, self.limits.text, &mut left);
        self.work.set(left);
        match replaced {
            Ok(None) => Ok(input),
            Ok(Some(text)) => Ok(text.into()),
            Err(source) => Err(self.match_error(pattern, source)),
        }
    }

    fn property_text(&self, slot: Slot, name: &Property, tuple: &[ClaimId]) -> Text {
        let Some(claim) = tuple.get(slot).and_then(|id| self.set.claim(*id)) else { return EMPTY };
        match name {
            Property::Type => claim.claim_type.clone(),
            Property::Value => claim.value.clone(),
            Property::ValueType => claim.value_type.clone(),
            Property::Issuer => claim.issuer.clone(),
            Property::OriginalIssuer => claim.original_issuer.clone(),
            Property::Named(name) => claim.properties.get(name).cloned().unwrap_or(EMPTY),
        }
    }

    pub(super) fn dynamic_pattern(&self, expression: &Expression, tuple: &[ClaimId]) -> Result<Arc<Pattern>, Kind> {
        if !self.limits.dynamic_patterns {
            return Err(Kind::DynamicPatternOff);
        }
        self.charge(DYNAMIC_PATTERN_WORK)?;
        Pattern::unshared(&self.text(expression, tuple)?).map_err(Kind::DynamicPattern)
    }
}

/// Compiling a pattern costs about as much as this many comparisons.
const DYNAMIC_PATTERN_WORK: u64 = 5000;
