//! What to say at a token that does not fit: how tokens are called, what damaged text once was, what was probably meant.

use super::RuleProblemKind;
use super::lexer::{Bad, TokenKind as K};

/// What happened to text that is no token.
pub(super) fn damage(bad: Bad, found: &str) -> (RuleProblemKind, Option<String>) {
    let input = RuleProblemKind::Input { found: format!("'{}'", shorten(found)) };
    match bad {
        Bad::OpenString => (
            RuleProblemKind::OpenString,
            Some(String::from(
                "was this copied from a wrapped web page? Join the lines: a string ends on the line it starts on",
            )),
        ),
        Bad::TypographicQuote => {
            (input, Some(String::from("these are typographic quotation marks; write straight ones: \"")))
        }
        Bad::Blank(c) => (
            RuleProblemKind::Input { found: format!("U+{:04X}", u32::from(c)) },
            Some(String::from("an invisible or non-breaking blank came along with the copy; replace it by a space")),
        ),
        Bad::Entity => (
            input,
            Some(format!(
                "this is HTML; write {}",
                match found {
                    "&gt;" => "'>' (the arrow is =>)",
                    "&lt;" => "'<'",
                    "&amp;" => "'&' (conditions are joined by &&)",
                    "&quot;" => "a straight quotation mark: \"",
                    _ => "the character it stands for",
                }
            )),
        ),
        Bad::Comment => (
            RuleProblemKind::Comment,
            Some(String::from("say it in @RuleName = \"…\", or allow comments, which AD FS would not accept")),
        ),
        Bad::OpenComment => (RuleProblemKind::Comment, Some(String::from("this comment is never closed by */"))),
        Bad::Character('&') => (input, Some(String::from("conditions are joined by &&"))),
        Bad::Character('|') => (
            input,
            Some(String::from("the language has no 'or': write two rules, or one pattern such as =~ \"^(a|b)$\"")),
        ),
        Bad::Character('\'') => (input, Some(String::from("strings stand in double quotes"))),
        Bad::Character(_) => (input, None),
    }
}

/// What was probably meant, by the token found, the one before it, and what could have stood here.
pub(super) fn hint(found: K, previous: K, expected: &[&str]) -> Option<&'static str> {
    let wants = |what: &str| expected.contains(&what);
    match found {
        K::Eq if wants("'=='") => Some("a condition compares with ==, !=, =~ or !~; a single = only assigns"),
        K::EqEq | K::Match if wants("'='") => Some("inside issue(…) and add(…) a property is assigned by a single ="),
        K::Ident | K::Str if wants("','") && !matches!(previous, K::Comma) => Some("is a comma missing before this?"),
        K::RBracket | K::RParen if previous == K::Comma => Some("remove the comma before this"),
        K::Ident if wants("types") || wants("query") || wants("param") => {
            Some("the order in a store rule is fixed: store, types, query, then each param")
        }
        K::End if wants("';'") => Some("every rule ends in ';'"),
        K::At | K::Ident | K::LBracket if wants("';'") => Some("is the ';' of the rule before missing?"),
        K::LBracket | K::Ident if wants("'=>'") && previous == K::RBracket => Some("conditions are joined by &&"),
        _ => None,
    }
}

pub(super) fn shorten(text: &str) -> String {
    const MOST: usize = 40;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

pub(super) const fn describe(kind: K) -> &'static str {
    match kind {
        K::Str => "a string",
        K::Ident => "a name",
        K::Int => "a number",
        K::Arrow => "'=>'",
        K::EqEq => "'=='",
        K::NotEq => "'!='",
        K::Match => "'=~'",
        K::NotMatch => "'!~'",
        K::And => "'&&'",
        K::Eq => "'='",
        K::Plus => "'+'",
        K::Comma => "','",
        K::Semicolon => "';'",
        K::Colon => "':'",
        K::Dot => "'.'",
        K::LParen => "'('",
        K::RParen => "')'",
        K::LBracket => "'['",
        K::RBracket => "']'",
        K::At => "'@'",
        K::Lt => "'<'",
        K::Gt => "'>'",
        K::Le => "'<='",
        K::Ge => "'>='",
        K::End => "the end of the text",
        K::Bad(_) => "nothing",
    }
}
