//! Character classes, categories and character escapes of the .NET dialect.

use super::dialect::{MAX_DEPTH, Parser, Read, error};
use super::error::PatternErrorKind as Kind;
use super::syntax::{Class, Item, Sign};

/// `.` under `(?s)`.
pub(super) fn any() -> Class {
    Class { items: vec![Item::Range('\0', char::MAX)], ..Class::default() }
}

/// `.`
pub(super) fn not_line_feed() -> Class {
    Class { negated: true, items: vec![Item::Range('\n', '\n')], minus: None }
}

/// A class behind its `[`, up to and with its `]`.
pub(super) fn parse(parser: &mut Parser<'_>, start: usize) -> Read<Class> {
    nested(parser, start, 0)
}

fn nested(parser: &mut Parser<'_>, start: usize, depth: usize) -> Read<Class> {
    if depth > MAX_DEPTH {
        return Err(error(start, Kind::TooDeep { limit: MAX_DEPTH }));
    }
    let mut class = Class { negated: parser.eat('^'), ..Class::default() };
    let mut first = true;
    loop {
        let at = parser.position();
        let Some(c) = parser.next() else { return Err(error(start, Kind::UnclosedClass)) };
        if c == ']' && !first {
            return Ok(class);
        }
        if c == '[' && parser.peek() == Some(':') {
            return Err(error(at, Kind::Posix));
        }
        // `[a-z-[aeiou]]`; at the very start `-[` is a hyphen and a bracket.
        if c == '-' && !first && parser.peek() == Some('[') {
            return subtract(parser, class, at, depth);
        }
        first = false;
        let low = match c {
            '\\' => match class_escape(parser, at)? {
                Escaped::Character(c) => c,
                Escaped::Hyphen => {
                    class.items.push(Item::Range('-', '-'));
                    continue;
                }
                Escaped::Items(items) => {
                    class.items.extend(items);
                    continue;
                }
            },
            c => c,
        };
        let ranges = parser.peek() == Some('-') && !matches!(parser.peek_second(), Some(']') | None);
        if !ranges {
            class.items.push(Item::Range(low, low));
            continue;
        }
        let at = parser.position();
        parser.skip(1);
        if parser.peek() == Some('[') {
            if parser.peek_second() == Some(':') {
                return Err(error(at, Kind::Posix));
            }
            class.items.push(Item::Range(low, low));
            return subtract(parser, class, at, depth);
        }
        let high = match parser.next() {
            Some('\\') => match class_escape(parser, at + 1)? {
                Escaped::Character(c) => c,
                Escaped::Hyphen => {
                    // .NET adds the hyphen and lets the range go on behind it; nobody means that.
                    return Err(error(at, Kind::ClassRange));
                }
                Escaped::Items(_) => return Err(error(at, Kind::ClassRange)),
            },
            Some(c) => c,
            None => return Err(error(start, Kind::UnclosedClass)),
        };
        if high < low {
            return Err(error(at, Kind::ClassRange));
        }
        class.items.push(Item::Range(low, high));
    }
}

/// The subtracted class at its `[`, which must be the last part.
fn subtract(parser: &mut Parser<'_>, mut class: Class, at: usize, depth: usize) -> Read<Class> {
    parser.skip(1);
    class.minus = Some(Box::new(nested(parser, at, depth + 1)?));
    if parser.eat(']') { Ok(class) } else { Err(error(at, Kind::Unsupported { what: "text behind '-[…]'" })) }
}

enum Escaped {
    Character(char),
    /// `\-`, which begins no range.
    Hyphen,
    Items(Vec<Item>),
}

fn class_escape(parser: &mut Parser<'_>, start: usize) -> Read<Escaped> {
    let item = match parser.peek() {
        Some('d') => Item::Digit(Sign::In),
        Some('D') => Item::Digit(Sign::NotIn),
        Some('w') => Item::Word(Sign::In),
        Some('W') => Item::Word(Sign::NotIn),
        Some('s') => Item::Space(Sign::In),
        Some('S') => Item::Space(Sign::NotIn),
        Some('-') => {
            parser.skip(1);
            return Ok(Escaped::Hyphen);
        }
        Some('b') => {
            parser.skip(1);
            return Ok(Escaped::Character('\u{8}'));
        }
        Some(c @ ('p' | 'P')) => {
            parser.skip(1);
            let class = category(parser, start, c == 'P')?;
            if class.negated {
                let what = "a negated block inside a class";
                return Err(error(start, Kind::Unsupported { what }));
            }
            return Ok(Escaped::Items(class.items));
        }
        _ => return escaped_character(parser, start).map(Escaped::Character),
    };
    parser.skip(1);
    Ok(Escaped::Items(vec![item]))
}

/// A character behind its backslash: control characters, codes, and punctuation that stands for itself.
pub(super) fn escaped_character(parser: &mut Parser<'_>, start: usize) -> Read<char> {
    let Some(c) = parser.next() else { return Err(error(start, Kind::TrailingBackslash)) };
    let refused = || error(start, Kind::Escape { found: c });
    Ok(match c {
        'a' => '\u{7}',
        'e' => '\u{1B}',
        'f' => '\u{C}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{B}',
        'x' => hexadecimal(parser, 2).ok_or_else(refused)?,
        'u' => hexadecimal(parser, 4).ok_or_else(refused)?,
        'c' => {
            let control = parser.next().map(|c| u32::from(c.to_ascii_uppercase()).wrapping_sub(0x40));
            control.filter(|code| *code < 0x20).and_then(char::from_u32).ok_or_else(refused)?
        }
        '0'..='7' => {
            // Up to three octal digits; .NET keeps the low eight bits.
            let mut code = c.to_digit(8).unwrap_or(0);
            for _ in 0..2 {
                let Some(digit) = parser.peek().and_then(|c| c.to_digit(8)) else { break };
                parser.skip(1);
                code = code * 8 + digit;
            }
            char::from_u32(code & 0xFF).unwrap_or('\0')
        }
        c if c == '_' || c.is_alphanumeric() => return Err(refused()),
        c => c,
    })
}

fn hexadecimal(parser: &mut Parser<'_>, digits: usize) -> Option<char> {
    let code = parser.rest().get(..digits)?;
    if !code.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    parser.skip(digits);
    // Half of a surrogate pair is no character here.
    char::from_u32(u32::from_str_radix(code, 16).ok()?)
}

/// `{Lu}` or `{IsGreek}` behind `\p` or `\P`.
pub(super) fn category(parser: &mut Parser<'_>, start: usize, negated: bool) -> Read<Class> {
    let name = parser.rest().strip_prefix('{').and_then(|rest| rest.split_once('}')).map(|(name, _)| name);
    let Some(name) = name else {
        let name = parser.peek().map(String::from).unwrap_or_default();
        return Err(error(start, Kind::Category { name }));
    };
    parser.skip(name.len() + 2);
    if let Some(known) = CATEGORIES.iter().find(|known| **known == name) {
        let sign = if negated { Sign::NotIn } else { Sign::In };
        return Ok(Class { items: vec![Item::Category(known, sign)], ..Class::default() });
    }
    let block = name.strip_prefix("Is").and_then(|block| BLOCKS.iter().find(|(known, ..)| *known == block));
    let Some((_, first, last)) = block else {
        return Err(error(start, Kind::Category { name: name.to_owned() }));
    };
    Ok(Class { negated, items: vec![Item::Range(*first, *last)], minus: None })
}

/// Under `(?i)` .NET tests the lower-case form of a character against the categories of case, so that `\p{Lu}` never
/// matches; nobody means that.
pub(super) fn foldable(class: &Class) -> Result<(), Kind> {
    let cased = |item: &Item| matches!(item, Item::Category("Lu" | "Ll" | "Lt", _));
    if class.items.iter().any(cased) {
        return Err(Kind::Unsupported { what: "a category of case under (?i)" });
    }
    class.minus.as_deref().map_or(Ok(()), foldable)
}

/// General categories .NET knows; surrogates (`Cs`) cannot occur in text here.
const CATEGORIES: [&str; 36] = [
    "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Ps", "Pe", "Pi",
    "Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp", "C", "Cc", "Cf", "Co", "Cn",
];

/// The named blocks somebody may use in a claim rule.
const BLOCKS: [(&str, char, char); 16] = [
    ("BasicLatin", '\0', '\u{7F}'),
    ("Latin-1Supplement", '\u{80}', '\u{FF}'),
    ("LatinExtended-A", '\u{100}', '\u{17F}'),
    ("LatinExtended-B", '\u{180}', '\u{24F}'),
    ("Greek", '\u{370}', '\u{3FF}'),
    ("GreekandCoptic", '\u{370}', '\u{3FF}'),
    ("Cyrillic", '\u{400}', '\u{4FF}'),
    ("Armenian", '\u{530}', '\u{58F}'),
    ("Hebrew", '\u{590}', '\u{5FF}'),
    ("Arabic", '\u{600}', '\u{6FF}'),
    ("Thai", '\u{E00}', '\u{E7F}'),
    ("Hiragana", '\u{3040}', '\u{309F}'),
    ("Katakana", '\u{30A0}', '\u{30FF}'),
    ("CJKUnifiedIdeographs", '\u{4E00}', '\u{9FFF}'),
    ("HangulSyllables", '\u{AC00}', '\u{D7AF}'),
    ("GeneralPunctuation", '\u{2000}', '\u{206F}'),
];
