//! Tokens to syntax tree by recursive descent (grammar: claims.md 1.2).
//!
//! After a problem it goes on behind the next `;`, so one reading reports up to 20 problems.

use super::check::check;
use super::explain::{Misfit, damage, describe, hint, shorten};
use super::lexer::{Token, TokenKind as K, tokenize};
use super::texts::Texts;
use super::{
    Action, Aggregate, Annotation, Assignment, Comparison, Condition, Count, Expression, Findings, Form, Ident,
    Literal, Operator, Property, PropertyRef, Rule, RuleProblem, RuleProblemKind, RuleSetError, RuleWarning,
    RuleWarningKind, Rules, Selector, Span, StoreCall, Test, Verb,
};
use crate::claims::Text;

/// Longest rule text, in octets.
pub const MAX_TEXT: usize = 1 << 20;
/// Most rules in a set.
pub const MAX_RULES: usize = 10_000;
/// Most conditions, tests, assignments, types or parameters in one place.
const MAX_PARTS: usize = 1000;
/// Deepest nesting of function calls.
const MAX_DEPTH: usize = 32;

/// Liberties the parser takes beyond AD FS; none by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ParseOptions {
    /// Accept `//…` and `/*…*/` between tokens.
    pub comments: bool,
    /// Add a missing `;` at the end of a rule, with a warning.
    pub lenient: bool,
}

/// Reads a rule set and checks every static rule (claims.md 1.2, V1 to V8, V10 to V12).
///
/// # Errors
/// [`RuleSetError`] with every problem found.
pub fn parse(text: &str, options: ParseOptions) -> Result<(Rules, Vec<RuleWarning>), RuleSetError> {
    let (rules, problems, warnings) = read(text, options);
    if problems.is_empty() { Ok((rules, warnings)) } else { Err(RuleSetError::new(rules.text, problems)) }
}

/// The rules that could be read, and everything found wrong with them and the others.
pub(in crate::claims) fn read(text: &str, options: ParseOptions) -> (Rules, Vec<RuleProblem>, Vec<RuleWarning>) {
    let text: Text = text.strip_prefix('\u{FEFF}').unwrap_or(text).into();
    let mut findings = Findings::new(&text);
    if text.len() > MAX_TEXT {
        findings.problem(Span::default(), RuleProblemKind::TooLong { length: text.len(), limit: MAX_TEXT }, None);
        let problems = findings.problems;
        return (Rules { text: Text::from(""), rules: Vec::new() }, problems, Vec::new());
    }
    let tokens = tokenize(&text, options.comments);
    let texts = Texts::for_tokens(tokens.len());
    let mut parser = Parser { text: &text, tokens, at: 0, expected: Vec::new(), findings, options, depth: 0, texts };
    let rules = parser.rules();
    let mut findings = parser.findings;
    for rule in &rules {
        check(rule, &mut findings);
    }
    let Findings { mut problems, warnings, .. } = findings;
    problems.sort_by_key(|problem| problem.span.start);
    (Rules { text, rules }, problems, warnings)
}

/// The properties that take no name of their own.
const SIMPLE_PROPERTIES: [(&str, Property); 5] = [
    ("Type", Property::Type),
    ("Value", Property::Value),
    ("ValueType", Property::ValueType),
    ("Issuer", Property::Issuer),
    ("OriginalIssuer", Property::OriginalIssuer),
];

/// The problem is recorded; the parser goes on behind the next `;`.
struct Abandoned;

type Parsed<T> = Result<T, Abandoned>;

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    /// What was looked for at this token without success.
    expected: Vec<&'static str>,
    findings: Findings<'a>,
    options: ParseOptions,
    depth: usize,
    texts: Texts,
}

impl Parser<'_> {
    fn rules(&mut self) -> Vec<Rule> {
        let mut rules = Vec::new();
        while self.peek().kind != K::End && !self.findings.is_full() {
            if rules.len() == MAX_RULES {
                let span = self.peek().span;
                self.findings.problem(span, RuleProblemKind::TooManyRules { limit: MAX_RULES }, None);
                break;
            }
            match self.rule() {
                Ok(rule) => rules.push(rule),
                Err(Abandoned) => self.recover(),
            }
        }
        rules
    }

    fn rule(&mut self) -> Parsed<Rule> {
        let start = self.peek().span;
        let mut annotations = Vec::new();
        while self.accept(K::At) {
            self.bounded(annotations.len(), "annotations")?;
            let name = self.ident("an annotation name")?;
            self.expect(K::Eq)?;
            annotations.push(Annotation { name, value: self.literal()? });
        }
        let mut conditions = Vec::new();
        if !self.accept(K::Arrow) {
            conditions.push(self.condition()?);
            while self.accept(K::And) {
                self.bounded(conditions.len(), "conditions")?;
                conditions.push(self.condition()?);
            }
            self.expect(K::Arrow)?;
        }
        let action = self.action()?;
        let mut span = start.to(action.span);
        if self.options.lenient && self.peek().kind != K::Semicolon && self.starts_a_rule() {
            self.findings.warning(action.span, RuleWarningKind::AddedSemicolon);
        } else {
            self.expect(K::Semicolon)?;
            span = start.to(self.previous());
        }
        Ok(Rule { span, annotations, conditions, action })
    }

    fn starts_a_rule(&self) -> bool {
        matches!(self.peek().kind, K::End | K::At | K::Ident | K::LBracket | K::Arrow)
    }

    fn condition(&mut self) -> Parsed<Condition> {
        let start = self.peek().span;
        if self.accept(K::LBracket) {
            let tests = self.tests()?;
            return Ok(Condition::Select(Selector { span: start.to(self.previous()), tag: None, tests }));
        }
        if self.peek().kind != K::Ident {
            self.expected.extend(["a tag", "'EXISTS'", "'NOT EXISTS'", "'COUNT'"]);
            return Err(self.unexpected());
        }
        if self.peek_second().kind != K::Colon {
            if self.accept_keyword("NOT") {
                return self.exists(start, true);
            }
            if self.is_keyword("EXISTS") && self.peek_second().kind == K::LParen {
                return self.exists(start, false);
            }
            if self.is_keyword("COUNT") && self.peek_second().kind == K::LParen {
                return self.count(start);
            }
        }
        self.expected.clear();
        let tag = self.ident("a tag")?;
        self.expect(K::Colon)?;
        if (self.is_keyword("EXISTS") || self.is_keyword("COUNT") || self.is_keyword("NOT"))
            && self.peek_second().kind != K::LBracket
        {
            let help = Some(String::from("remove the tag and the colon"));
            self.findings.problem(tag.span, RuleProblemKind::AggregateTag, help);
            return Err(Abandoned);
        }
        self.expect(K::LBracket)?;
        let tests = self.tests()?;
        Ok(Condition::Select(Selector { span: start.to(self.previous()), tag: Some(tag), tests }))
    }

    fn exists(&mut self, start: Span, negated: bool) -> Parsed<Condition> {
        if !self.accept_keyword("EXISTS") {
            return Err(self.unexpected());
        }
        let claims = self.aggregate(start)?;
        Ok(Condition::Exists { negated, claims })
    }

    fn count(&mut self, start: Span) -> Parsed<Condition> {
        self.advance();
        let mut claims = self.aggregate(start)?;
        let comparison = self.one_of(&[
            (K::EqEq, Comparison::Equal),
            (K::NotEq, Comparison::NotEqual),
            (K::Lt, Comparison::Less),
            (K::Gt, Comparison::Greater),
            (K::Le, Comparison::LessOrEqual),
            (K::Ge, Comparison::GreaterOrEqual),
        ])?;
        let number = self.peek().span;
        self.expect(K::Int)?;
        claims.span = start.to(number);
        let Ok(number) = self.slice(number).parse() else {
            self.findings.problem(number, RuleProblemKind::NumberTooLarge { limit: u32::MAX }, None);
            return Err(Abandoned);
        };
        Ok(Condition::Count(Count { claims, comparison, number }))
    }

    fn aggregate(&mut self, start: Span) -> Parsed<Aggregate> {
        self.expect(K::LParen)?;
        self.expect(K::LBracket)?;
        let tests = self.tests()?;
        self.expect(K::RParen)?;
        Ok(Aggregate { span: start.to(self.previous()), tests })
    }

    /// The tests of a claim set, behind its `[`.
    fn tests(&mut self) -> Parsed<Vec<Test>> {
        let mut tests = Vec::new();
        if self.accept(K::RBracket) {
            return Ok(tests);
        }
        loop {
            let property = self.property()?;
            let operator = self.one_of(&[
                (K::EqEq, Operator::Equal),
                (K::NotEq, Operator::NotEqual),
                (K::Match, Operator::Match),
                (K::NotMatch, Operator::NotMatch),
            ])?;
            let operand = self.expression()?;
            self.bounded(tests.len(), "tests")?;
            tests.push(Test { span: property.span.to(operand.span()), property, operator, operand });
            if !self.accept(K::Comma) {
                self.expect(K::RBracket)?;
                return Ok(tests);
            }
        }
    }

    fn property(&mut self) -> Parsed<PropertyRef> {
        let span = self.peek().span;
        if let Some(property) = self.simple_property() {
            self.advance();
            return Ok(PropertyRef { span, property });
        }
        self.expected.extend(SIMPLE_PROPERTIES.iter().map(|(name, _)| *name));
        if !self.accept_keyword("Properties") {
            return Err(self.unexpected());
        }
        self.expect(K::LBracket)?;
        let name = self.literal()?.text;
        self.expect(K::RBracket)?;
        Ok(PropertyRef { span: span.to(self.previous()), property: Property::Named(name) })
    }

    fn simple_property(&self) -> Option<Property> {
        let token = self.peek();
        let word = self.slice(token.span);
        let known = SIMPLE_PROPERTIES
            .iter()
            .find(|(name, _)| token.kind == K::Ident && name.len() == word.len() && name.eq_ignore_ascii_case(word));
        known.map(|(_, property)| property.clone())
    }

    fn expression(&mut self) -> Parsed<Expression> {
        let first = self.term()?;
        if self.peek().kind != K::Plus {
            self.expected.push("'+'");
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.accept(K::Plus) {
            self.bounded(parts.len(), "parts")?;
            parts.push(self.term()?);
        }
        Ok(Expression::Concatenation(parts))
    }

    fn term(&mut self) -> Parsed<Expression> {
        if self.peek().kind == K::Str {
            return self.literal().map(Expression::Literal);
        }
        self.expected.extend(["a string", "RegExReplace"]);
        let start = self.peek().span;
        let name = self.ident("a tag")?;
        if !self.accept(K::LParen) {
            self.expect(K::Dot)?;
            let property = self.property()?;
            return Ok(Expression::Property { span: start.to(property.span), tag: name, property });
        }
        if self.depth == MAX_DEPTH {
            self.findings.problem(start, RuleProblemKind::TooDeep { limit: MAX_DEPTH }, None);
            return Err(Abandoned);
        }
        self.depth += 1;
        let arguments = self.arguments();
        self.depth -= 1;
        Ok(Expression::Call { arguments: arguments?, span: start.to(self.previous()), function: name })
    }

    fn arguments(&mut self) -> Parsed<Vec<Expression>> {
        let mut arguments = vec![self.expression()?];
        while self.accept(K::Comma) {
            self.bounded(arguments.len(), "arguments")?;
            arguments.push(self.expression()?);
        }
        self.expect(K::RParen)?;
        Ok(arguments)
    }

    fn action(&mut self) -> Parsed<Action> {
        let start = self.peek().span;
        let verb = if self.accept_keyword("issue") {
            Verb::Issue
        } else if self.accept_keyword("add") {
            Verb::Add
        } else {
            return Err(self.unexpected());
        };
        self.expect(K::LParen)?;
        let form = if self.accept_keyword("claim") {
            self.expect(K::Eq)?;
            Form::Copy(self.ident("a tag")?)
        } else if self.accept_keyword("store") {
            Form::Store(self.store_call()?)
        } else {
            Form::Create(self.assignments()?)
        };
        self.expect(K::RParen)?;
        Ok(Action { span: start.to(self.previous()), verb, form })
    }

    fn assignments(&mut self) -> Parsed<Vec<Assignment>> {
        let mut assignments = Vec::new();
        loop {
            let property = self.property()?;
            self.expect(K::Eq)?;
            assignments.push(Assignment { property, value: self.expression()? });
            if !self.accept(K::Comma) {
                return Ok(assignments);
            }
            self.bounded(assignments.len(), "assignments")?;
        }
    }

    /// `= "name", types = (…), query = "…", param = …`, in this order only (V5).
    fn store_call(&mut self) -> Parsed<StoreCall> {
        self.expect(K::Eq)?;
        let store = self.literal()?;
        self.expect(K::Comma)?;
        self.argument_name("types")?;
        self.expect(K::LParen)?;
        let mut types = vec![self.literal()?];
        while self.accept(K::Comma) {
            self.bounded(types.len(), "claim types")?;
            types.push(self.literal()?);
        }
        self.expect(K::RParen)?;
        self.expect(K::Comma)?;
        self.argument_name("query")?;
        let query = self.literal()?;
        let mut params = Vec::new();
        while self.accept(K::Comma) {
            self.argument_name("param")?;
            self.bounded(params.len(), "parameters")?;
            params.push(self.expression()?);
        }
        Ok(StoreCall { store, types, query, params })
    }

    fn bounded(&mut self, count: usize, what: &'static str) -> Parsed<()> {
        if count < MAX_PARTS {
            return Ok(());
        }
        let span = self.previous();
        self.findings.problem(span, RuleProblemKind::TooMany { what, limit: MAX_PARTS }, None);
        Err(Abandoned)
    }

    fn argument_name(&mut self, name: &'static str) -> Parsed<()> {
        if !self.accept_keyword(name) {
            return Err(self.unexpected());
        }
        self.expect(K::Eq)
    }

    // Tokens.

    fn peek(&self) -> Token {
        self.token(self.at)
    }

    fn peek_second(&self) -> Token {
        self.token(self.at + 1)
    }

    /// The list ends in `End`, which stands for everything behind it.
    fn token(&self, at: usize) -> Token {
        self.tokens.get(at).copied().unwrap_or_else(|| {
            let end = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
            Token { kind: K::End, span: Span { start: end, end } }
        })
    }

    fn previous(&self) -> Span {
        self.token(self.at.saturating_sub(1)).span
    }

    fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }

    fn advance(&mut self) {
        self.at += 1;
        self.expected.clear();
    }

    fn accept(&mut self, kind: K) -> bool {
        let found = self.peek().kind == kind;
        if found {
            self.advance();
        } else {
            self.expected.push(describe(kind));
        }
        found
    }

    fn expect(&mut self, kind: K) -> Parsed<()> {
        if self.accept(kind) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn one_of<T: Copy>(&mut self, choices: &[(K, T)]) -> Parsed<T> {
        for (kind, meaning) in choices {
            if self.accept(*kind) {
                return Ok(*meaning);
            }
        }
        Err(self.unexpected())
    }

    fn is_keyword(&self, keyword: &str) -> bool {
        let token = self.peek();
        token.kind == K::Ident && self.slice(token.span).eq_ignore_ascii_case(keyword)
    }

    fn accept_keyword(&mut self, keyword: &'static str) -> bool {
        let found = self.is_keyword(keyword);
        if found {
            self.advance();
        } else {
            self.expected.push(keyword);
        }
        found
    }

    fn ident(&mut self, what: &'static str) -> Parsed<Ident> {
        let token = self.peek();
        if token.kind != K::Ident {
            self.expected.push(what);
            return Err(self.unexpected());
        }
        let text = self.texts.shared(self.text.get(token.span.range()).unwrap_or_default());
        self.advance();
        Ok(Ident { span: token.span, text })
    }

    fn literal(&mut self) -> Parsed<Literal> {
        let token = self.peek();
        self.expect(K::Str)?;
        let inner = token.span.start as usize + 1..(token.span.end as usize).saturating_sub(1);
        Ok(Literal { span: token.span, text: self.texts.shared(self.text.get(inner).unwrap_or_default()) })
    }

    // Problems.

    fn unexpected(&mut self) -> Abandoned {
        let token = self.peek();
        let before = self.token(self.at.wrapping_sub(1));
        let mut expected: Vec<&'static str> = Vec::new();
        for what in std::mem::take(&mut self.expected) {
            if !expected.contains(&what) {
                expected.push(what);
            }
        }
        let mut span = token.span;
        let (kind, help) = match token.kind {
            K::Bad(bad) => damage(bad, self.slice(token.span), before.kind),
            kind => {
                let found = match kind {
                    K::End => String::from("end of text"),
                    K::Str => String::from("string"),
                    _ => format!("'{}'", shorten(self.slice(token.span))),
                };
                if kind == K::End && self.at > 0 {
                    // Behind the last token, not behind the blank lines that follow it.
                    span = Span { start: before.span.end, end: before.span.end };
                }
                let help = hint(&Misfit {
                    found: kind,
                    text: self.slice(token.span),
                    previous: before.kind,
                    previous_text: if self.at > 0 { self.slice(before.span) } else { "" },
                    expected: &expected,
                });
                (RuleProblemKind::Unexpected { found, expected }, help)
            }
        };
        self.findings.problem(span, kind, help);
        Abandoned
    }

    fn recover(&mut self) {
        while !matches!(self.peek().kind, K::End | K::Semicolon) {
            self.at += 1;
        }
        self.advance();
        self.depth = 0;
    }
}
