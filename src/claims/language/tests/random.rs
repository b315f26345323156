//! Random syntax trees over the whole grammar (claims.md 1.2): every kind of condition beside every other, every property and operator,
//! expressions that nest, questions to stores, annotations, and names that are words of the language elsewhere.

use proptest::prelude::*;

use super::super::*;
use crate::claims::Text;

/// Names a claim may be bound to; those that are words of the language elsewhere, too.
const TAGS: [&str; 12] =
    ["c", "c1", "type", "Exists", "NOT", "count", "issue", "claim", "store", "Properties", "RegExReplace", "_"];

/// Whatever may stand between quotation marks.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::from("http://schemas.xmlsoap.org/claims/UPN")),
        Just(String::from("^(?i)S-1-5-21-1-2-3-512$")),
        Just(String::from("the “rule” of 'Alice' // and /* Bob */; => @x")),
        "[ a-zA-Z0-9'\\\\;,=>&{}$/*#äß€|-]{0,12}",
        "[^\"\n]{0,8}",
    ]
}

fn properties() -> impl Strategy<Value = Property> {
    prop_oneof![
        Just(Property::Type),
        Just(Property::Value),
        Just(Property::ValueType),
        Just(Property::Issuer),
        Just(Property::OriginalIssuer),
        texts().prop_map(|name| Property::Named(name.into())),
    ]
}

fn property_refs() -> impl Strategy<Value = PropertyRef> {
    properties().prop_map(|property| PropertyRef { span: Span::default(), property })
}

fn literals() -> impl Strategy<Value = Literal> {
    texts().prop_map(|text| Literal { span: Span::default(), text: text.into() })
}

fn ident(text: &str) -> Ident {
    Ident { span: Span::default(), text: Text::from(text) }
}

/// Expressions over the tags bound so far.
fn expressions(tags: Vec<&'static str>) -> BoxedStrategy<Expression> {
    let literal = literals().prop_map(Expression::Literal);
    let term =
        if tags.is_empty() {
            literal.boxed()
        } else {
            let property = (prop::sample::select(tags), property_refs())
                .prop_map(|(tag, property)| Expression::Property { span: Span::default(), tag: ident(tag), property });
            prop_oneof![literal, property].boxed()
        };
    term.prop_recursive(3, 12, 3, |inner| {
        let call = prop::collection::vec(inner.clone(), 3).prop_map(|arguments| Expression::Call {
            span: Span::default(),
            function: ident("RegExReplace"),
            arguments,
        });
        let joined = prop::collection::vec(inner, 2..4).prop_map(|parts| {
            // No part of a concatenation is one itself.
            Expression::Concatenation(
                parts
                    .into_iter()
                    .flat_map(|part| match part {
                        Expression::Concatenation(inner) => inner,
                        part => vec![part],
                    })
                    .collect(),
            )
        });
        prop_oneof![call, joined]
    })
    .boxed()
}

fn tests(tags: Vec<&'static str>) -> impl Strategy<Value = Vec<Test>> {
    let operator = prop::sample::select(vec![Operator::Equal, Operator::NotEqual, Operator::Match, Operator::NotMatch]);
    let test = (property_refs(), operator, expressions(tags)).prop_map(|(property, operator, operand)| Test {
        span: Span::default(),
        property,
        operator,
        operand,
    });
    prop::collection::vec(test, 0..4)
}

/// What a condition is.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// A selector with the tag, which later conditions may use.
    Tagged(&'static str),
    Untagged,
    Exists,
    NotExists,
    Count(Comparison, u32),
}

fn kinds() -> impl Strategy<Value = Vec<Kind>> {
    let comparisons = vec![
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Less,
        Comparison::Greater,
        Comparison::LessOrEqual,
        Comparison::GreaterOrEqual,
    ];
    let number = prop_oneof![4 => 0_u32..10, 1 => any::<u32>()];
    let kind = prop_oneof![
        3 => Just(None),
        1 => Just(Some(Kind::Untagged)),
        1 => Just(Some(Kind::Exists)),
        1 => Just(Some(Kind::NotExists)),
        1 => (prop::sample::select(comparisons), number).prop_map(|(how, number)| Some(Kind::Count(how, number))),
    ];
    // In any order, each tag once.
    let tags = Just(TAGS.to_vec()).prop_shuffle();
    (prop::collection::vec(kind, 0..6), tags).prop_map(|(kinds, tags)| {
        kinds.into_iter().zip(tags).map(|(kind, tag)| kind.unwrap_or(Kind::Tagged(tag))).collect()
    })
}

/// The conditions of these kinds, each with tests that use the tags bound before it.
fn conditions(kinds: &[Kind]) -> BoxedStrategy<Vec<Condition>> {
    let mut all = Just(Vec::new()).boxed();
    for (place, kind) in kinds.iter().copied().enumerate() {
        let condition = tests(bound(&kinds[..place])).prop_map(move |tests| {
            let claims = Aggregate { span: Span::default(), tests: tests.clone() };
            let selector = |tag| Condition::Select(Selector { span: Span::default(), tag, tests });
            match kind {
                Kind::Tagged(tag) => selector(Some(ident(tag))),
                Kind::Untagged => selector(None),
                Kind::Exists => Condition::Exists { negated: false, claims },
                Kind::NotExists => Condition::Exists { negated: true, claims },
                Kind::Count(comparison, number) => Condition::Count(Count { claims, comparison, number }),
            }
        });
        all = (all, condition)
            .prop_map(|(mut all, condition): (Vec<Condition>, _)| {
                all.push(condition);
                all
            })
            .boxed();
    }
    all
}

fn bound(kinds: &[Kind]) -> Vec<&'static str> {
    kinds.iter().filter_map(|kind| if let Kind::Tagged(tag) = kind { Some(*tag) } else { None }).collect()
}

/// A claim of its own: its type, and any other properties, each once, in any order.
fn creations(tags: Vec<&'static str>) -> impl Strategy<Value = Form> {
    let others = prop::collection::vec((properties(), expressions(tags.clone())), 0..7);
    (expressions(tags), others).prop_flat_map(|(claim_type, others)| {
        let mut all = vec![(Property::Type, claim_type)];
        for (property, value) in others {
            if all.iter().all(|(known, _)| *known != property) {
                all.push((property, value));
            }
        }
        Just(all).prop_shuffle().prop_map(|all| {
            let assignment =
                |(property, value)| Assignment { property: PropertyRef { span: Span::default(), property }, value };
            Form::Create(all.into_iter().map(assignment).collect())
        })
    })
}

/// A question to a store: several types, a text with placeholders, and as many parameters as those need, or more.
fn questions(tags: Vec<&'static str>) -> impl Strategy<Value = Form> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec!["{0}", "{1}", "{2}", "{{0}}", ";mail,", "SELECT a FROM b WHERE c = ", " "])
            .prop_map(str::to_owned),
        1 => "[^\"\n{}]{0,6}",
    ];
    let params = prop::collection::vec(expressions(tags), 3..5);
    let types = prop::collection::vec(literals(), 1..5);
    (literals(), types, prop::collection::vec(piece, 0..5), params, any::<bool>()).prop_map(
        |(store, types, pieces, mut params, bare)| {
            let query = if bare { String::new() } else { pieces.concat() };
            if bare {
                params.clear();
            }
            let query = Literal { span: Span::default(), text: query.into() };
            Form::Store(StoreCall { store, types, query, params })
        },
    )
}

/// Rules of every form.
pub(super) fn rules() -> impl Strategy<Value = Rule> {
    kinds().prop_flat_map(|kinds| {
        let tags = bound(&kinds);
        let mut forms = vec![creations(tags.clone()).boxed(), questions(tags.clone()).boxed()];
        if !tags.is_empty() {
            forms.push(prop::sample::select(tags).prop_map(|tag| Form::Copy(ident(tag))).boxed());
        }
        let name = prop::sample::select(vec!["RuleName", "RuleTemplate", "rulename", "issue", "x_1"]);
        let annotations = prop::collection::vec((name, literals()), 0..4);
        (annotations, prop::strategy::Union::new(forms), any::<bool>(), conditions(&kinds)).prop_map(
            |(annotations, form, add, conditions)| Rule {
                span: Span::default(),
                annotations: annotations
                    .into_iter()
                    .map(|(name, value)| Annotation { name: ident(name), value })
                    .collect(),
                conditions,
                action: Action { span: Span::default(), verb: if add { Verb::Add } else { Verb::Issue }, form },
            },
        )
    })
}
