//! The syntax tree of a rule set, with the place of every part in the text.

use std::fmt;

use crate::claims::Text;

/// A half-open range of octets in the rule text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// Offset of the first octet.
    pub start: u32,
    /// Offset after the last octet.
    pub end: u32,
}

impl Span {
    /// From the start of `self` to the end of `last`.
    #[must_use]
    pub const fn to(self, last: Self) -> Self {
        Self { start: self.start, end: last.end }
    }

    /// The range as indices of a slice.
    pub const fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

impl From<Span> for miette::SourceSpan {
    fn from(span: Span) -> Self {
        Self::from(span.range())
    }
}

/// A whole rule set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The text it was read from, without a byte order mark.
    pub text: Text,
    /// The rules in order.
    pub rules: Vec<Rule>,
}

/// One rule: `@RuleName = "…" conditions => action;`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// From the first annotation to the final `;`; the text of it prints the rule unchanged.
    pub span: Span,
    /// `@Name = "…"`, kept in order, unknown ones too.
    pub annotations: Vec<Annotation>,
    /// Empty for a rule that always acts once.
    pub conditions: Vec<Condition>,
    /// What the rule does for each tuple of claims.
    pub action: Action,
}

impl Rule {
    /// The value of `@RuleName`, when there is one.
    pub fn name(&self) -> Option<&Text> {
        self.annotations
            .iter()
            .find(|annotation| annotation.name.text.eq_ignore_ascii_case("RuleName"))
            .map(|annotation| &annotation.value.text)
    }
}

/// `@RuleName = "…"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// The name without `@`, as written.
    pub name: Ident,
    /// The value.
    pub value: Literal,
}

/// An identifier as written; identifiers compare without regard to ASCII case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ident {
    /// Where.
    pub span: Span,
    /// The text.
    pub text: Text,
}

/// A string literal. There are no escapes: the text is what stands between the quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Literal {
    /// Where, the quotes included.
    pub span: Span,
    /// The text without the quotes.
    pub text: Text,
}

/// One condition of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// `c:[…]` or `[…]`: one tuple per matching claim.
    Select(Selector),
    /// `EXISTS([…])` or `NOT EXISTS([…])`.
    Exists {
        /// `NOT` stands before it.
        negated: bool,
        /// What is looked for.
        claims: Aggregate,
    },
    /// `COUNT([…]) > 2`.
    Count(Count),
}

impl Condition {
    /// The tests of its claim set.
    pub fn tests(&self) -> &[Test] {
        match self {
            Self::Select(selector) => &selector.tests,
            Self::Exists { claims, .. } => &claims.tests,
            Self::Count(count) => &count.claims.tests,
        }
    }

    /// The name it binds a claim to.
    pub const fn tag(&self) -> Option<&Ident> {
        match self {
            Self::Select(selector) => selector.tag.as_ref(),
            Self::Exists { .. } | Self::Count(_) => None,
        }
    }

    /// Where it stands.
    pub const fn span(&self) -> Span {
        match self {
            Self::Select(selector) => selector.span,
            Self::Exists { claims, .. } => claims.span,
            Self::Count(count) => count.claims.span,
        }
    }
}

/// `tag:[tests]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// From the tag to `]`.
    pub span: Span,
    /// The name the claim is bound to.
    pub tag: Option<Ident>,
    /// All must hold.
    pub tests: Vec<Test>,
}

/// The inner part of EXISTS and COUNT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aggregate {
    /// The whole condition.
    pub span: Span,
    /// All must hold of a claim.
    pub tests: Vec<Test>,
}

/// `COUNT([…]) compare number`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// What is counted.
    pub claims: Aggregate,
    /// How the count is compared.
    pub comparison: Comparison,
    /// With what; numbers beyond 32 bits are held as the largest one, which no count reaches.
    pub number: u32,
}

/// How COUNT compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `>`
    Greater,
    /// `<=`
    LessOrEqual,
    /// `>=`
    GreaterOrEqual,
}

impl Comparison {
    /// The operator as written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::Greater => ">",
            Self::LessOrEqual => "<=",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// Whether `count` compares so to `number`.
    pub const fn holds(self, count: u64, number: u64) -> bool {
        match self {
            Self::Equal => count == number,
            Self::NotEqual => count != number,
            Self::Less => count < number,
            Self::Greater => count > number,
            Self::LessOrEqual => count <= number,
            Self::GreaterOrEqual => count >= number,
        }
    }
}

/// `Value =~ "…"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// The whole test.
    pub span: Span,
    /// What is tested.
    pub property: PropertyRef,
    /// How.
    pub operator: Operator,
    /// Against what.
    pub operand: Expression,
}

/// How a test compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `==`: the whole text, ordinal, case matters.
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`: the regular expression is found anywhere.
    Match,
    /// `!~`
    NotMatch,
}

impl Operator {
    /// The operator as written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Match => "=~",
            Self::NotMatch => "!~",
        }
    }

    /// `!=` and `!~`.
    pub const fn is_negative(self) -> bool {
        matches!(self, Self::NotEqual | Self::NotMatch)
    }

    /// `=~` and `!~`: the operand is a pattern.
    pub const fn is_pattern(self) -> bool {
        matches!(self, Self::Match | Self::NotMatch)
    }
}

/// A property of a claim and where it is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropertyRef {
    /// Where.
    pub span: Span,
    /// Which.
    pub property: Property,
}

/// A property of a claim.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Property {
    /// `Type`
    Type,
    /// `Value`
    Value,
    /// `ValueType`
    ValueType,
    /// `Issuer`
    Issuer,
    /// `OriginalIssuer`
    OriginalIssuer,
    /// `Properties["uri"]`; the empty text when the claim has none of that name.
    Named(Text),
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Type => "Type",
            Self::Value => "Value",
            Self::ValueType => "ValueType",
            Self::Issuer => "Issuer",
            Self::OriginalIssuer => "OriginalIssuer",
            Self::Named(name) => return write!(f, "Properties[\"{name}\"]"),
        })
    }
}

/// Something that yields text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// `"…"`
    Literal(Literal),
    /// `c.Value`
    Property {
        /// Where.
        span: Span,
        /// The selector's tag.
        tag: Ident,
        /// Which property of its claim.
        property: PropertyRef,
    },
    /// `RegExReplace(a, b, c)`
    Call {
        /// Where.
        span: Span,
        /// The function.
        function: Ident,
        /// Its arguments.
        arguments: Vec<Expression>,
    },
    /// `a + b + …`; two or more parts, none of them a concatenation.
    Concatenation(Vec<Expression>),
}

impl Expression {
    /// Where the expression stands.
    pub fn span(&self) -> Span {
        match self {
            Self::Literal(literal) => literal.span,
            Self::Property { span, .. } | Self::Call { span, .. } => *span,
            Self::Concatenation(parts) => match (parts.first(), parts.last()) {
                (Some(first), Some(last)) => first.span().to(last.span()),
                _ => Span::default(),
            },
        }
    }
}

/// `issue(…)` or `add(…)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// From the verb to `)`.
    pub span: Span,
    /// Where the claims go.
    pub verb: Verb,
    /// Where they come from.
    pub form: Form,
}

/// Where an action puts its claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// To the evaluation set and to the output.
    Issue,
    /// To the evaluation set only.
    Add,
}

impl Verb {
    /// The keyword.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Add => "add",
        }
    }
}

/// Where the claims of an action come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// `claim = c`
    Copy(Ident),
    /// `Type = …, Value = …`
    Create(Vec<Assignment>),
    /// `store = …, types = (…), query = …, param = …`
    Store(StoreCall),
}

/// `Value = c.Value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// What is set.
    pub property: PropertyRef,
    /// To what.
    pub value: Expression,
}

/// A question to an attribute store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreCall {
    /// The store's name as written.
    pub store: Literal,
    /// One claim type per column; at least one.
    pub types: Vec<Literal>,
    /// The query with its placeholders.
    pub query: Literal,
    /// Parameters, in order.
    pub params: Vec<Expression>,
}
