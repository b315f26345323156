//! The compiled form of a rule set: interned types, shared patterns, numbered tags.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use crate::claims::Text;
use crate::claims::language::{Comparison, Property, RuleWarning, Span, Verb};
use crate::claims::regex::{Pattern, Replacement};
use crate::claims::store::StoreQuery;

/// A compiled rule set.
pub(super) struct Program {
    pub(super) text: Text,
    pub(super) rules: Box<[Rule]>,
    pub(super) types: TypeTable,
    pub(super) warnings: Box<[RuleWarning]>,
}

impl Program {
    pub(super) fn stores(&self) -> Vec<&Text> {
        let mut names: Vec<&Text> = Vec::new();
        for rule in &self.rules {
            if let Form::Store(action) = &rule.form
                && !names.iter().any(|name| name.eq_ignore_ascii_case(action.query.store()))
            {
                names.push(action.query.store());
            }
        }
        names
    }
}

/// Number of a claim type that the rules name literally.
pub(super) type TypeId = u32;

/// The claim types a rule set names, numbered from 0.
#[derive(Default)]
pub(super) struct TypeTable(HashMap<Text, TypeId, BuildHasherDefault<TailHasher>>);

impl TypeTable {
    pub(super) fn intern(&mut self, claim_type: &Text) -> TypeId {
        let next = TypeId::try_from(self.0.len()).unwrap_or(TypeId::MAX);
        *self.0.entry(claim_type.clone()).or_insert(next)
    }

    pub(super) fn get(&self, claim_type: &str) -> Option<TypeId> {
        self.0.get(claim_type).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Hashes the length and the last 8 octets: claim types differ at their end. Only types of rules are ever inserted, so
/// nobody who sends claims can make the table slow.
#[derive(Default)]
pub(super) struct TailHasher(u64);

impl Hasher for TailHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = mix(self.0, tail(bytes));
    }

    fn write_u8(&mut self, _end_of_text: u8) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The last 8 octets and the length in one number.
pub(super) fn tail(bytes: &[u8]) -> u64 {
    let last = match bytes.last_chunk::<8>() {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => bytes.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)),
    };
    mix(last, bytes.len() as u64)
}

/// Folds a number into a hash (the multiplier is 2^64 divided by the golden ratio).
pub(super) const fn mix(hash: u64, number: u64) -> u64 {
    let product = (hash ^ number.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    product ^ (product >> 29)
}

/// Number of a tag within its rule, in the order of the selectors.
pub(super) type Slot = usize;

pub(super) struct Rule {
    pub(super) name: Option<Text>,
    pub(super) span: Span,
    pub(super) conditions: Box<[Condition]>,
    pub(super) verb: Verb,
    pub(super) form: Form,
}

pub(super) struct Condition {
    pub(super) span: Span,
    pub(super) kind: ConditionKind,
    pub(super) tests: Tests,
}

pub(super) enum ConditionKind {
    /// One tuple per matching claim; `bind` says whether the claim joins the tuple.
    Select {
        bind: bool,
    },
    Exists {
        negated: bool,
    },
    Count {
        comparison: Comparison,
        number: u32,
    },
}

/// The tests of a claim set, cheapest first.
pub(super) struct Tests {
    /// `Type == "literal"`, served from the index.
    pub(super) claim_type: Option<TypeId>,
    pub(super) others: Box<[Test]>,
    /// Some operand uses a tag, so the result depends on the tuple.
    pub(super) depends: bool,
}

pub(super) struct Test {
    pub(super) property: Property,
    pub(super) negative: bool,
    pub(super) operand: Operand,
}

pub(super) enum Operand {
    Text(Text),
    Expression(Expression),
    Pattern(Arc<Pattern>),
    DynamicPattern(Expression),
}

impl Operand {
    /// Order in which tests run.
    pub(super) const fn cost(&self) -> u8 {
        match self {
            Self::Text(_) => 0,
            Self::Expression(_) => 1,
            Self::Pattern(_) => 2,
            Self::DynamicPattern(_) => 3,
        }
    }
}

pub(super) enum Expression {
    Text(Text),
    Property(Slot, Property),
    Concatenation(Box<[Expression]>),
    Replace(Box<Replace>),
}

pub(super) struct Replace {
    pub(super) input: Expression,
    pub(super) pattern: ReplacePattern,
    pub(super) replacement: Expression,
}

pub(super) enum ReplacePattern {
    /// Both literal.
    Fixed(Arc<Pattern>, Replacement),
    /// The pattern is literal, the replacement is not.
    Pattern(Arc<Pattern>),
    /// Made from claims.
    Dynamic(Expression),
}

pub(super) enum Form {
    Copy(Slot),
    Create {
        /// The type's number when it is a literal.
        type_id: Option<TypeId>,
        assignments: Box<[(Property, Expression)]>,
    },
    Store(Box<StoreAction>),
}

pub(super) struct StoreAction {
    pub(super) query: StoreQuery,
    /// The numbers of the query's claim types.
    pub(super) type_ids: Box<[TypeId]>,
    pub(super) params: Box<[Expression]>,
}
