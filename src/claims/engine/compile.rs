//! Syntax tree to program: tags become numbers, patterns are translated and shared.

use std::sync::Arc;

use super::program::{
    Condition, ConditionKind, Expression, Form, Operand, Program, Replace, ReplacePattern, Rule, Slot, StoreAction,
    Test, Tests, TypeTable,
};
use crate::claims::Text;
use crate::claims::language::{
    self, Findings, MAX_FINDINGS, Operator, Property, RuleProblem, RuleProblemKind, RuleSetError, RuleWarning,
    RuleWarningKind, Rules, Span,
};
use crate::claims::regex::{Pattern, Replacement};
use crate::claims::store::{StoreQuery, active_directory};

/// Compiles rules. `problems` and `warnings` are those of their reading; what this finds more is added, so that one reading
/// reports all. A program comes of it only when there is no problem at all.
pub(super) fn compile(
    rules: &Rules,
    mut problems: Vec<RuleProblem>,
    mut warnings: Vec<RuleWarning>,
) -> Result<Program, RuleSetError> {
    let mut compiler = Compiler { types: TypeTable::default(), findings: Findings::new(&rules.text), tags: Vec::new() };
    let program: Vec<Rule> = rules.rules.iter().map(|rule| compiler.rule(rule)).collect();
    let Compiler { types, findings, .. } = compiler;
    problems.extend(findings.problems);
    if !problems.is_empty() {
        problems.sort_by_key(|problem| problem.span.start);
        problems.truncate(MAX_FINDINGS);
        return Err(RuleSetError::new(rules.text.clone(), problems));
    }
    warnings.extend(findings.warnings);
    Ok(Program { text: rules.text.clone(), rules: program.into(), types, warnings: warnings.into() })
}

struct Compiler<'a> {
    types: TypeTable,
    findings: Findings<'a>,
    /// Tags of the current rule; the index is the slot.
    tags: Vec<Text>,
}

impl Compiler<'_> {
    fn rule(&mut self, rule: &language::Rule) -> Rule {
        self.tags.clear();
        let conditions = rule.conditions.iter().map(|condition| self.condition(condition)).collect();
        let form = match &rule.action.form {
            language::Form::Copy(tag) => Form::Copy(self.slot(&tag.text)),
            language::Form::Create(assignments) => self.create(assignments),
            language::Form::Store(call) => self.store(call),
        };
        Rule { name: rule.name().cloned(), span: rule.span, conditions, verb: rule.action.verb, form }
    }

    /// Tags were checked to exist, so the fallback is never seen.
    fn slot(&self, tag: &str) -> Slot {
        self.tags.iter().position(|known| known.eq_ignore_ascii_case(tag)).unwrap_or(usize::MAX)
    }

    fn condition(&mut self, condition: &language::Condition) -> Condition {
        match condition {
            language::Condition::Select(selector) => {
                let tests = self.tests(&selector.tests);
                if let Some(tag) = &selector.tag {
                    self.tags.push(tag.text.clone());
                }
                let kind = ConditionKind::Select { bind: selector.tag.is_some() };
                Condition { span: selector.span, kind, tests }
            }
            language::Condition::Exists { negated, claims } => Condition {
                span: claims.span,
                kind: ConditionKind::Exists { negated: *negated },
                tests: self.tests(&claims.tests),
            },
            language::Condition::Count(count) => Condition {
                span: count.claims.span,
                kind: ConditionKind::Count { comparison: count.comparison, number: count.number },
                tests: self.tests(&count.claims.tests),
            },
        }
    }

    fn tests(&mut self, tests: &[language::Test]) -> Tests {
        let mut claim_type = None;
        let mut others: Vec<Test> = Vec::with_capacity(tests.len());
        let mut depends = false;
        for test in tests {
            let operand = self.operand(test);
            depends |= match &operand {
                Operand::Text(_) | Operand::Pattern(_) => false,
                Operand::Expression(expression) | Operand::DynamicPattern(expression) => uses_tags(expression),
            };
            match (&test.property.property, test.operator, &operand) {
                (Property::Type, Operator::Equal, Operand::Text(text)) if claim_type.is_none() => {
                    claim_type = Some(self.types.intern(text));
                }
                (property, operator, _) => {
                    others.push(Test { property: property.clone(), negative: operator.is_negative(), operand });
                }
            }
        }
        others.sort_by_key(|test| test.operand.cost());
        Tests { claim_type, others: others.into(), depends }
    }

    fn operand(&mut self, test: &language::Test) -> Operand {
        let expression = self.expression(&test.operand);
        match (test.operator.is_pattern(), expression) {
            (false, Expression::Text(literal)) => Operand::Text(literal),
            (false, expression) => Operand::Expression(expression),
            (true, Expression::Text(literal)) => match self.pattern(&literal, &test.operand) {
                Some(pattern) => Operand::Pattern(pattern),
                None => Operand::Text(literal),
            },
            (true, expression) => {
                self.findings.warning(test.operand.span(), RuleWarningKind::DynamicPattern);
                Operand::DynamicPattern(expression)
            }
        }
    }

    /// A literal pattern; a refused one is recorded at its place within the literal.
    fn pattern(&mut self, text: &Text, source: &language::Expression) -> Option<Arc<Pattern>> {
        match Pattern::shared(text) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                let mut span = source.span();
                if let (language::Expression::Literal(_), Some(at)) = (source, error.offset) {
                    let start = span.start + 1 + at.min(span.end.saturating_sub(span.start + 2));
                    span = Span { start, end: span.end.saturating_sub(1).max(start) };
                }
                let help = error.help().map(str::to_owned);
                self.findings.problem(span, RuleProblemKind::Pattern(error), help);
                None
            }
        }
    }

    fn expression(&mut self, expression: &language::Expression) -> Expression {
        match expression {
            language::Expression::Literal(literal) => Expression::Text(literal.text.clone()),
            language::Expression::Property { tag, property, .. } => {
                Expression::Property(self.slot(&tag.text), property.property.clone())
            }
            language::Expression::Concatenation(parts) => {
                concatenate(parts.iter().map(|part| self.expression(part)).collect())
            }
            language::Expression::Call { arguments, .. } => match arguments.as_slice() {
                [input, pattern, replacement] => self.replace(input, pattern, replacement),
                _ => Expression::Text(Text::from("")),
            },
        }
    }

    fn replace(
        &mut self,
        input: &language::Expression,
        pattern: &language::Expression,
        replacement: &language::Expression,
    ) -> Expression {
        let input = self.expression(input);
        let compiled = self.expression(pattern);
        let replacement = self.expression(replacement);
        let pattern = match compiled {
            Expression::Text(text) => {
                let Some(pattern) = self.pattern(&text, pattern) else { return Expression::Text(text) };
                match &replacement {
                    Expression::Text(text) => {
                        let replacement = Replacement::parse(text, &pattern);
                        ReplacePattern::Fixed(pattern, replacement)
                    }
                    _ => ReplacePattern::Pattern(pattern),
                }
            }
            dynamic => {
                self.findings.warning(pattern.span(), RuleWarningKind::DynamicPattern);
                ReplacePattern::Dynamic(dynamic)
            }
        };
        Expression::Replace(Box::new(Replace { input, pattern, replacement }))
    }

    fn create(&mut self, assignments: &[language::Assignment]) -> Form {
        let assignments: Box<[(Property, Expression)]> = assignments
            .iter()
            .map(|assignment| (assignment.property.property.clone(), self.expression(&assignment.value)))
            .collect();
        let type_id = assignments.iter().find_map(|(property, value)| match (property, value) {
            (Property::Type, Expression::Text(text)) => Some(self.types.intern(text)),
            _ => None,
        });
        Form::Create { type_id, assignments }
    }

    fn store(&mut self, call: &language::StoreCall) -> Form {
        let types: Vec<Text> = call.types.iter().map(|literal| literal.text.clone()).collect();
        let type_ids = types.iter().map(|claim_type| self.types.intern(claim_type)).collect();
        let params = call.params.iter().map(|param| self.expression(param)).collect();
        let query = StoreQuery::new(&call.store.text, &call.query.text, types);
        if query.store().eq_ignore_ascii_case(active_directory::NAME) {
            match query.account_query() {
                Err(error) => {
                    let kind = RuleProblemKind::Query { reason: error.to_string() };
                    let help = String::from("the form is \"filter;attribute,attribute;{0}\"");
                    self.findings.problem(call.query.span, kind, Some(help));
                }
                Ok(parsed) => {
                    let (attributes, types) = (parsed.columns(), query.columns());
                    if attributes != types {
                        let kind = RuleWarningKind::ColumnCount { attributes, types };
                        self.findings.warning(call.query.span, kind);
                    }
                }
            }
        }
        Form::Store(Box::new(StoreAction { query, type_ids, params }))
    }
}

/// Joins neighbouring literals.
fn concatenate(parts: Vec<Expression>) -> Expression {
    let mut joined: Vec<Expression> = Vec::with_capacity(parts.len());
    let mut literal = String::new();
    for part in parts {
        match part {
            Expression::Text(text) => literal.push_str(&text),
            part => {
                if !literal.is_empty() {
                    joined.push(Expression::Text(std::mem::take(&mut literal).into()));
                }
                joined.push(part);
            }
        }
    }
    if joined.is_empty() {
        return Expression::Text(literal.into());
    }
    if !literal.is_empty() {
        joined.push(Expression::Text(literal.into()));
    }
    match joined.len() {
        1 => joined.pop().unwrap_or(Expression::Text(Text::from(""))),
        _ => Expression::Concatenation(joined.into()),
    }
}

fn uses_tags(expression: &Expression) -> bool {
    match expression {
        Expression::Text(_) => false,
        Expression::Property(..) => true,
        Expression::Concatenation(parts) => parts.iter().any(uses_tags),
        Expression::Replace(replace) => {
            uses_tags(&replace.input)
                || uses_tags(&replace.replacement)
                || matches!(&replace.pattern, ReplacePattern::Dynamic(pattern) if uses_tags(pattern))
        }
    }
}
