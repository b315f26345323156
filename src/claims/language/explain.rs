//! What to say at a token that does not fit: how tokens are called, what damaged text once was, what was probably meant.

use super::RuleProblemKind;
use super::lexer::{Bad, TokenKind as K};

/// What happened to text that is no token.
pub(super) fn damage(bad: Bad, found: &str, previous: K) -> (RuleProblemKind, Option<String>) {
    let input = RuleProblemKind::Input { found: format!("'{}'", shorten(found)) };
    match bad {
        Bad::OpenString => {
            let curly = found.contains(['\u{201C}', '\u{201D}', '\u{201E}', '\u{2033}']);
            let help = if curly {
                "a typographic quotation mark ends no string; write a straight one: \""
            } else if found.contains('\n') {
                "was this copied from a wrapped web page? Join the lines: a string ends on the line it starts on"
            } else {
                "the quotation mark at its end is missing"
            };
            (RuleProblemKind::OpenString, Some(help.to_owned()))
        }
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
                    "&gt;" | "=&gt;" => "'=>' for the arrow, '>' to compare",
                    "&lt;" => "'<'",
                    "&amp;" => "'&' (conditions are joined by &&)",
                    "&quot;" => "a straight quotation mark: \"",
                    "&nbsp;" => "a space",
                    _ => "the character it stands for",
                }
            )),
        ),
        Bad::Comment => (
            RuleProblemKind::Comment,
            Some(String::from("AD FS does not read them either; say it in @RuleName = \"…\"")),
        ),
        Bad::OpenComment => (RuleProblemKind::Comment, Some(String::from("this comment is never closed by */"))),
        Bad::Character('&') => (input, Some(String::from("conditions are joined by &&"))),
        Bad::Character('|') => (input, Some(OR.to_owned())),
        Bad::Character('\'') if previous == K::At => (input, Some(HERE_STRING.to_owned())),
        Bad::Character('\'') => (input, Some(String::from("strings stand in double quotes"))),
        Bad::Character('\u{2192}' | '\u{21D2}' | '\u{2013}' | '\u{2014}') => {
            (input, Some(String::from("the arrow between conditions and action is written =>")))
        }
        Bad::Character('!') => (input, Some(String::from("write != or !~ in tests, and NOT EXISTS([…]) for absence"))),
        Bad::Character('~') => (input, Some(String::from("patterns are tested by =~ and !~, written without a blank"))),
        Bad::Character('#') => (input, Some(String::from("AD FS has no comments; say it in @RuleName = \"…\""))),
        Bad::Character('-') => (input, Some(String::from("numbers have no sign, and names no hyphen"))),
        Bad::Character('`' | '\\') => {
            (input, Some(String::from("was this copied from a script? Leave out what only the script needs")))
        }
        Bad::Character('$') => {
            (input, Some(String::from("this is a variable of a script; put in its value, without what surrounds it")))
        }
        Bad::Character(_) => (input, None),
    }
}

/// A token that does not fit, and the one before it.
pub(super) struct Misfit<'a> {
    pub(super) found: K,
    pub(super) text: &'a str,
    pub(super) previous: K,
    pub(super) previous_text: &'a str,
    /// What could have stood here.
    pub(super) expected: &'a [&'static str],
}

/// What was probably meant.
pub(super) fn hint(misfit: &Misfit<'_>) -> Option<String> {
    if let Some(meant) = misspelt(misfit) {
        return Some(format!("did you mean {meant}?"));
    }
    in_conditions(misfit).or_else(|| in_actions(misfit)).or_else(|| at_the_edges(misfit)).map(str::to_owned)
}

/// The keyword that could stand here and differs by a letter.
fn misspelt(misfit: &Misfit<'_>) -> Option<&'static str> {
    let found = misfit.text.to_ascii_lowercase();
    let keyword = |known: &&&str| known.bytes().all(|b| b.is_ascii_alphabetic());
    let close = |known: &&&str| is_slip(&found, &known.to_ascii_lowercase());
    let long = misfit.found == K::Ident && found.len() > 2;
    misfit.expected.iter().filter(keyword).find(|known| long && close(known)).copied()
}

fn in_conditions(misfit: &Misfit<'_>) -> Option<&'static str> {
    let Misfit { found, text, previous, previous_text, expected } = *misfit;
    let wants = |what: &str| expected.contains(&what);
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    let behind = |words: &[&str]| words.iter().any(|word| previous_text.eq_ignore_ascii_case(word));
    Some(match found {
        K::Eq if previous == K::EqEq => "a test for equal texts is written ==",
        K::Eq if wants("'=>'") => "the arrow is written => without a blank",
        K::Eq if wants("'=='") => "a condition compares with ==, !=, =~ or !~; a single = only assigns",
        K::Lt | K::Gt | K::Le | K::Ge if wants("'=='") => {
            "values are texts; they are compared by ==, !=, =~ and !~ only"
        }
        K::Str if wants("a number") => "a count is compared with a number, without quotation marks",
        K::Arrow | K::And | K::Semicolon if wants("'<='") => {
            "compare the count: COUNT([…]) > 0; for \"at least one\" there is EXISTS([…])"
        }
        K::LBracket if wants("':'") && behind(&["EXISTS", "COUNT"]) => {
            "the claims stand in parentheses and brackets: EXISTS([…])"
        }
        K::LBracket if wants("':'") => "a colon stands between tag and bracket: c:[…]",
        K::Ident if wants("'['") && previous == K::LParen => "write EXISTS([…]), with brackets and without a tag",
        K::Ident if wants("'['") => "the tests of a claim stand in brackets: c:[Type == \"…\"]",
        _ if wants("EXISTS") && behind(&["NOT"]) => {
            "NOT stands before EXISTS only: NOT EXISTS([…]); turn other comparisons round"
        }
        K::Ident if wants("'=>'") && (is("issue") || is("add")) => "the arrow => stands before the action",
        K::Ident if wants("'=>'") && is("or") => OR,
        K::LBracket | K::Ident | K::Comma if wants("'=>'") => "conditions are joined by &&",
        K::Arrow | K::And if wants("']'") => "is the ] before this missing?",
        K::Semicolon if wants("']'") => "tests are separated by commas, and end with ]",
        _ => return None,
    })
}

fn in_actions(misfit: &Misfit<'_>) -> Option<&'static str> {
    let Misfit { found, previous, expected, .. } = *misfit;
    let wants = |what: &str| expected.contains(&what);
    Some(match found {
        K::EqEq | K::Match if wants("'='") => "inside issue(…) and add(…) a property is assigned by a single =",
        K::Comma if expected == ["')'"] => {
            "a copy takes the claim as it is; to change something write issue(Type = c.Type, Value = …)"
        }
        K::Plus if wants("','") => "this is one string; what changes is given by {0} and param",
        K::Semicolon if wants("')'") => "is the ) before this missing?",
        K::Str if wants("'('") && wants_only(expected, "'('") => {
            "the types stand in parentheses: types = (\"…\", \"…\")"
        }
        _ if wants("'.'") && wants("'('") && previous == K::Ident => {
            "a text stands in double quotes; c.Value is a property of the claim bound to c"
        }
        K::Int if wants("a string") => "all values are texts: write the number in double quotes",
        K::Ident if wants_only(expected, "a string") => "texts stand in double quotes",
        K::Ident | K::Str if wants("','") && previous != K::Comma => "is a comma missing before this?",
        K::RBracket | K::RParen if previous == K::Comma => "remove the comma before this",
        K::Ident if wants("types") || wants("query") || wants("param") => {
            "the order in a store rule is fixed: store, types, query, then each param"
        }
        K::Ident if wants("issue") => "the actions are issue(…) and add(…); nothing removes a claim",
        _ => return None,
    })
}

fn at_the_edges(misfit: &Misfit<'_>) -> Option<&'static str> {
    let Misfit { found, expected, .. } = *misfit;
    let wants = |what: &str| expected.contains(&what);
    Some(match found {
        K::End if wants("';'") => "every rule ends in ';'",
        K::At | K::Ident | K::LBracket | K::Arrow if wants("';'") => "is the ';' of the rule before missing?",
        K::Lt if wants("'EXISTS'") => "was this copied out of XML? Leave out the marks in < and >",
        K::Int if wants("'EXISTS'") => "is this a number of a line or a list? Leave it out",
        K::Str if wants("an annotation name") => HERE_STRING,
        _ => return None,
    })
}

fn wants_only(expected: &[&str], what: &str) -> bool {
    expected == [what]
}

/// Whether two words differ by one letter more, less or other, or by two neighbours exchanged.
pub(in crate::claims) fn is_slip(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let same_start = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let (a, b) = (a.get(same_start..).unwrap_or_default(), b.get(same_start..).unwrap_or_default());
    match (a, b) {
        ([], [_]) | ([_], []) => true,
        ([a1, a2, a_rest @ ..], [b1, b2, b_rest @ ..]) if a1 == b2 && a2 == b1 && a_rest == b_rest => true,
        ([_, a_rest @ ..], [_, b_rest @ ..]) if a_rest == b_rest => true,
        ([_, a_rest @ ..], b) if a_rest == b => true,
        (a, [_, b_rest @ ..]) => a == b_rest,
        _ => false,
    }
}

const OR: &str = "the language has no 'or': write two rules, or one pattern such as =~ \"^(a|b)$\"";
const HERE_STRING: &str = "this is a here-string of PowerShell; leave out its first and its last line";

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
