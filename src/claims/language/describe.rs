//! A rule as a sentence, for somebody who reads a rule set for the first time.
//!
//! Claim types are called by the last part of their name. The sentence follows the rule part by part and leaves nothing out.

use super::template::Template;
use super::{Aggregate, Comparison, Condition, Expression, Form, Operator, Property, Rule, Selector, Test, Verb};
use crate::claims::regex::Pattern;

/// What a rule does, in one sentence; that of a wizard where the rule is as a wizard of the AD FS console writes it.
pub fn describe_rule(rule: &Rule) -> String {
    if let Some(template) = Template::of(rule) {
        return of_template(&template);
    }
    let conditions: Vec<String> = rule.conditions.iter().map(condition).collect();
    let mut sentence = if conditions.is_empty() { String::from("always") } else { conditions.join(" and ") };
    sentence.push_str(": ");
    sentence.push_str(&action(rule));
    sentence.push('.');
    let mut characters = sentence.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

fn condition(condition: &Condition) -> String {
    match condition {
        Condition::Select(Selector { tag, tests, .. }) => {
            let tag = tag.as_ref().map_or_else(String::new, |tag| format!(" ({})", tag.text));
            format!("for each {}{tag}{}", kind(tests, "claim"), qualities(tests))
        }
        Condition::Exists { negated, claims: Aggregate { tests, .. } } => {
            let kind = kind(tests, "claim");
            let article = if *negated { "no" } else { article(&kind) };
            format!("when there is {article} {kind}{}", qualities(tests))
        }
        Condition::Count(count) => {
            let tests = &count.claims.tests;
            let compared = match count.comparison {
                Comparison::Equal => "exactly",
                Comparison::NotEqual => "any number but",
                Comparison::Less => "fewer than",
                Comparison::Greater => "more than",
                Comparison::LessOrEqual => "at most",
                Comparison::GreaterOrEqual => "at least",
            };
            format!("when there are {compared} {} {} claims{}", count.number, kind(tests, ""), qualities(tests))
                .replace("  ", " ")
        }
    }
}

/// `a`, or `an` where the next word is spoken with a vowel first (`upn` is not, `x-ms-proxy` is).
fn article(word: &str) -> &'static str {
    let vowel = word.starts_with(|c: char| matches!(c.to_ascii_lowercase(), 'a' | 'e' | 'i' | 'o'));
    if vowel || word.starts_with("x-") { "an" } else { "a" }
}

fn of_template(template: &Template<'_>) -> String {
    match template {
        Template::PermitEveryone => String::from("Permits everyone."),
        Template::PassThrough { tests } => {
            format!("Passes on each {}{} as it is.", kind(tests, "claim"), qualities(tests))
        }
        Template::Transform { tests, claim_type, value, format } => {
            let value = value.map_or_else(|| String::from("the same value"), |text| format!("the value \"{text}\""));
            let format = format.map_or_else(String::new, |format| format!(" and the name format {format}"));
            let to = short_name(claim_type);
            let from = format!("{}{}", kind(tests, "claim"), qualities(tests));
            format!("Turns each {from} into {} {to} claim with {value}{format}.", article(to))
        }
        Template::Attributes { store, pairs } => {
            let pairs: Vec<String> =
                pairs.iter().map(|(attribute, to)| format!("{attribute} as {}", short_name(to))).collect();
            format!("Sends attributes of the account from {store}: {}.", pairs.join(", "))
        }
        Template::Membership { group, claim_type, value } => {
            let to = short_name(claim_type);
            format!("Sends {} {to} claim with the value \"{value}\" for members of the group {group}.", article(to))
        }
        Template::Decision { permits, tests } => {
            let verb = if *permits { "Permits" } else { "Denies" };
            let kind = kind(tests, "claim");
            format!("{verb} users with {} {kind}{}.", article(&kind), qualities(tests))
        }
    }
}

/// `groupsid claim`, `claim` when no type is asked for.
fn kind(tests: &[Test], noun: &str) -> String {
    let name = tests.iter().find_map(|test| match (&test.property.property, test.operator, &test.operand) {
        (Property::Type, Operator::Equal, Expression::Literal(literal)) => Some(short_name(&literal.text)),
        _ => None,
    });
    match name {
        Some(name) => format!("{name} {noun}").trim_end().to_owned(),
        None => noun.to_owned(),
    }
}

/// `whose value ends in "-515" and whose issuer is "AD AUTHORITY"`.
fn qualities(tests: &[Test]) -> String {
    let mut typed = false;
    let all: Vec<String> = tests
        .iter()
        .filter(|test| {
            let names_type = test.property.property == Property::Type
                && test.operator == Operator::Equal
                && matches!(test.operand, Expression::Literal(_));
            let first = names_type && !typed;
            typed |= names_type;
            !first
        })
        .map(|test| format!("whose {} {}", property(&test.property.property), comparison(test)))
        .collect();
    if all.is_empty() { String::new() } else { format!(" {}", all.join(" and ")) }
}

fn property(property: &Property) -> String {
    match property {
        Property::Type => String::from("type"),
        Property::Value => String::from("value"),
        Property::ValueType => String::from("value type"),
        Property::Issuer => String::from("issuer"),
        Property::OriginalIssuer => String::from("original issuer"),
        Property::Named(name) => format!("property {}", short_name(name)),
    }
}

fn comparison(test: &Test) -> String {
    let operand = expression(&test.operand);
    match test.operator {
        Operator::Equal => format!("is {operand}"),
        Operator::NotEqual => format!("is not {operand}"),
        Operator::Match | Operator::NotMatch => {
            let negative = test.operator == Operator::NotMatch;
            let without_pattern = match &test.operand {
                Expression::Literal(literal) => plain(&literal.text, negative),
                _ => None,
            };
            without_pattern.unwrap_or_else(|| {
                format!("{} the pattern {operand}", if negative { "does not match" } else { "matches" })
            })
        }
    }
}

/// A pattern that is no more than texts, in words.
fn plain(pattern: &str, negative: bool) -> Option<String> {
    let read = Pattern::shared(pattern).ok()?;
    let texts = read.plain_texts()?;
    let listed: Vec<String> = texts.texts.iter().map(|text| format!("\"{text}\"")).collect();
    let verb = match (texts.start, texts.end, negative) {
        (true, true, false) => "is",
        (true, true, true) => "is not",
        (true, false, false) => "begins with",
        (true, false, true) => "does not begin with",
        (false, true, false) => "ends in",
        (false, true, true) => "does not end in",
        (false, false, false) => "contains",
        (false, false, true) => "does not contain",
    };
    let case = if texts.any_case { " (upper or lower case)" } else { "" };
    Some(format!("{verb} {}{case}", listed.join(" or ")))
}

fn action(rule: &Rule) -> String {
    let (verb, purpose) = match rule.action.verb {
        Verb::Issue => ("issue", ""),
        Verb::Add => ("add", ", for later rules only"),
    };
    match &rule.action.form {
        Form::Copy(tag) => format!("{verb} {} as it is{purpose}", tag.text),
        Form::Create(assignments) => {
            let value = |wanted: &Property| {
                let found = assignments.iter().find(|assignment| assignment.property.property == *wanted);
                found.map(|assignment| &assignment.value)
            };
            let claim_type = match value(&Property::Type) {
                Some(Expression::Literal(literal)) => short_name(&literal.text).to_owned(),
                Some(other) => format!("a claim of type {}", expression(other)),
                None => String::from("a claim"),
            };
            let text = value(&Property::Value).map_or_else(|| String::from("the empty text"), expression);
            let more: Vec<String> = assignments
                .iter()
                .filter(|assignment| !matches!(assignment.property.property, Property::Type | Property::Value))
                .map(|assignment| {
                    format!("{} {}", property(&assignment.property.property), expression(&assignment.value))
                })
                .collect();
            let more = if more.is_empty() { String::new() } else { format!(", with {}", more.join(", ")) };
            format!("{verb} {claim_type} = {text}{more}{purpose}")
        }
        Form::Store(call) => {
            let types: Vec<&str> = call.types.iter().map(|literal| short_name(&literal.text)).collect();
            let params: Vec<String> = call.params.iter().map(expression).collect();
            let params = if params.is_empty() { String::new() } else { format!(" with {}", params.join(", ")) };
            format!(
                "{verb} {} from the store {}, asked \"{}\"{params}{purpose}",
                types.join(", "),
                call.store.text.trim(),
                call.query.text
            )
        }
    }
}

fn expression(expression: &Expression) -> String {
    match expression {
        Expression::Literal(literal) => format!("\"{}\"", literal.text),
        Expression::Property { tag, property: of, .. } => format!("the {} of {}", property(&of.property), tag.text),
        Expression::Call { arguments, .. } => match arguments.as_slice() {
            [input, pattern, replacement] => format!(
                "{} with {} replaced by {}",
                self::expression(input),
                self::expression(pattern),
                self::expression(replacement)
            ),
            _ => String::from("RegExReplace"),
        },
        Expression::Concatenation(parts) => parts.iter().map(self::expression).collect::<Vec<_>>().join(" + "),
    }
}

/// The last part of an address; other names as they are.
fn short_name(claim_type: &str) -> &str {
    let address = claim_type.starts_with("http://") || claim_type.starts_with("https://");
    let last = claim_type.trim_end_matches('/').rsplit('/').next().filter(|last| !last.is_empty());
    last.filter(|_| address).unwrap_or(claim_type)
}
