//! What the lints want to know of a rule set, gathered once.

use std::collections::HashMap;
use std::sync::Arc;

use super::LintContext;
use crate::claims::Stage;
use crate::claims::language::{
    Assignment, Condition, Expression, Form, Literal, Operator, Property, Rule, Rules, Test, Verb,
};
use crate::claims::regex::Pattern;
use crate::claims::types;

/// A rule set, and what its rules make.
pub(super) struct Facts<'a> {
    pub(super) rules: &'a Rules,
    pub(super) context: &'a LintContext,
    /// For each claim type that rules name as their product: the indices of those rules.
    makers: HashMap<&'a str, Vec<usize>>,
    /// The first rule that makes claims of a type only known when it runs.
    anything: Option<usize>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(rules: &'a Rules, context: &'a LintContext) -> Self {
        let mut facts = Self { rules, context, makers: HashMap::new(), anything: None };
        for (index, rule) in rules.rules.iter().enumerate() {
            match &rule.action.form {
                Form::Copy(_) => {}
                Form::Create(assignments) => match assigned(assignments, &Property::Type) {
                    Some(Expression::Literal(literal)) => facts.makers.entry(&literal.text).or_default().push(index),
                    _ => facts.anything = facts.anything.or(Some(index)),
                },
                Form::Store(call) => {
                    for literal in &call.types {
                        facts.makers.entry(&literal.text).or_default().push(index);
                    }
                }
            }
        }
        facts
    }

    /// The rules with their indices.
    pub(super) fn rules(&self) -> impl Iterator<Item = (usize, &'a Rule)> {
        self.rules.rules.iter().enumerate()
    }

    /// The indices of the rules that make claims of this type.
    pub(super) fn makers(&self, claim_type: &str) -> &[usize] {
        self.makers.get(claim_type).map_or(&[], Vec::as_slice)
    }

    /// Every claim type that some rule makes.
    pub(super) fn made(&self) -> impl Iterator<Item = &'a str> {
        self.makers.keys().copied()
    }

    /// Whether the rule of this index only adds claims.
    pub(super) fn adds(&self, index: usize) -> bool {
        self.rules.rules.get(index).is_some_and(|rule| rule.action.verb == Verb::Add)
    }

    /// Whether some rule before `index` may make claims of any type.
    pub(super) fn anything_before(&self, index: usize) -> bool {
        self.anything.is_some_and(|maker| maker < index)
    }

    /// Whether the rules are those that decide about a token: they say so, or they make permits or denials.
    pub(super) fn authorizes(&self) -> bool {
        match self.context.stage {
            Some(stage) => matches!(stage, Stage::IssuanceAuthorization | Stage::DelegationAuthorization),
            None => !self.makers(types::PERMIT).is_empty() || !self.makers(types::DENY).is_empty(),
        }
    }
}

/// What a property is set to.
pub(super) fn assigned<'a>(assignments: &'a [Assignment], property: &Property) -> Option<&'a Expression> {
    assignments.iter().find(|assignment| assignment.property.property == *property).map(|assignment| &assignment.value)
}

/// What a rule sets a property of a new claim to.
pub(super) fn sets<'a>(rule: &'a Rule, property: &Property) -> Option<&'a Expression> {
    match &rule.action.form {
        Form::Create(assignments) => assigned(assignments, property),
        Form::Copy(_) | Form::Store(_) => None,
    }
}

/// The claim type a rule makes new claims of, when it is a literal.
pub(super) fn makes(rule: &Rule) -> Option<&Literal> {
    match sets(rule, &Property::Type) {
        Some(Expression::Literal(literal)) => Some(literal),
        _ => None,
    }
}

/// The claim type a condition asks for by `Type == "…"`.
pub(super) fn asks_type(condition: &Condition) -> Option<&Literal> {
    condition.tests().iter().find_map(|test| match (&test.property.property, test.operator, &test.operand) {
        (Property::Type, Operator::Equal, Expression::Literal(literal)) => Some(literal),
        _ => None,
    })
}

/// Whether the rule needs a claim that passes the condition: a selector, EXISTS, or a count above zero.
pub(super) fn is_needed(condition: &Condition) -> bool {
    match condition {
        Condition::Select(_) => true,
        Condition::Exists { negated, .. } => !negated,
        Condition::Count(count) => !count.comparison.holds(0, u64::from(count.number)),
    }
}

/// The condition that binds a tag.
pub(super) fn bound_by<'a>(rule: &'a Rule, tag: &str) -> Option<&'a Condition> {
    rule.conditions.iter().find(|condition| condition.tag().is_some_and(|known| known.text.eq_ignore_ascii_case(tag)))
}

/// The literal operand of a test.
pub(super) const fn literal(test: &Test) -> Option<&Literal> {
    match &test.operand {
        Expression::Literal(literal) => Some(literal),
        _ => None,
    }
}

/// The pattern of a test by `=~` or `!~` with a literal, and the literal.
pub(super) fn pattern(test: &Test) -> Option<(Arc<Pattern>, &Literal)> {
    let literal = literal(test).filter(|_| test.operator.is_pattern())?;
    Some((Pattern::shared(&literal.text).ok()?, literal))
}

/// Whether a claim with this value of the property passes every literal test of it.
pub(super) fn passes(tests: &[Test], property: &Property, value: &str) -> bool {
    tests.iter().filter(|test| test.property.property == *property).all(|test| {
        let Some(literal) = literal(test) else { return true };
        let found = match test.operator {
            Operator::Equal | Operator::NotEqual => *literal.text == *value,
            Operator::Match | Operator::NotMatch => {
                match Pattern::shared(&literal.text).ok().and_then(|pattern| pattern.is_match(value).ok()) {
                    Some(found) => found,
                    None => return true,
                }
            }
        };
        found != test.operator.is_negative()
    })
}

/// A call of `RegExReplace` with a literal pattern.
pub(super) struct Replacement<'a> {
    pub(super) input: &'a Expression,
    pub(super) pattern: Arc<Pattern>,
    pub(super) literal: &'a Literal,
    pub(super) with: &'a Expression,
}

/// Every call of `RegExReplace` with a literal pattern in an expression.
pub(super) fn replacements(expression: &Expression) -> Vec<Replacement<'_>> {
    match expression {
        Expression::Literal(_) | Expression::Property { .. } => Vec::new(),
        Expression::Concatenation(parts) => parts.iter().flat_map(replacements).collect(),
        Expression::Call { arguments, .. } => {
            let mut found: Vec<Replacement<'_>> = arguments.iter().flat_map(replacements).collect();
            if let [input, Expression::Literal(literal), replacement] = arguments.as_slice()
                && let Ok(pattern) = Pattern::shared(&literal.text)
            {
                found.push(Replacement { input, pattern, literal, with: replacement });
            }
            found
        }
    }
}

/// Every expression a rule's action computes.
pub(super) fn computed(rule: &Rule) -> Vec<&Expression> {
    match &rule.action.form {
        Form::Copy(_) => Vec::new(),
        Form::Create(assignments) => assignments.iter().map(|assignment| &assignment.value).collect(),
        Form::Store(call) => call.params.iter().collect(),
    }
}

/// Adds every literal of an expression.
pub(super) fn literals<'a>(expression: &'a Expression, found: &mut Vec<&'a Literal>) {
    match expression {
        Expression::Literal(literal) => found.push(literal),
        Expression::Property { .. } => {}
        Expression::Call { arguments, .. } => arguments.iter().for_each(|part| literals(part, found)),
        Expression::Concatenation(parts) => parts.iter().for_each(|part| literals(part, found)),
    }
}

/// Every literal pattern of a rule: of its tests and of its replacements.
pub(super) fn patterns(rule: &Rule) -> Vec<(Arc<Pattern>, &Literal)> {
    let tests = rule.conditions.iter().flat_map(Condition::tests);
    let mut found: Vec<(Arc<Pattern>, &Literal)> = tests.clone().filter_map(pattern).collect();
    let expressions = tests.map(|test| &test.operand).chain(computed(rule));
    found.extend(expressions.flat_map(replacements).map(|replacement| (replacement.pattern, replacement.literal)));
    found
}
