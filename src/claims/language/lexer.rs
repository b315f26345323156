//! Rule text to tokens. Knows no grammar; what is no token becomes one that names the damage.

use memchr::memchr2;

use super::Span;

/// A piece of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// `"…"`, the quotes within the span.
    Str,
    Ident,
    Int,
    Arrow,
    EqEq,
    NotEq,
    Match,
    NotMatch,
    And,
    Eq,
    Plus,
    Comma,
    Semicolon,
    Colon,
    Dot,
    LParen,
    RParen,
    LBracket,
    RBracket,
    At,
    Lt,
    Gt,
    Le,
    Ge,
    /// After the last token, for ever.
    End,
    Bad(Bad),
}

/// Text that is no token, by what probably happened to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bad {
    /// A string literal that meets a line end or the end of the text.
    OpenString,
    /// Typographic quotation marks; the span covers the quoted text.
    TypographicQuote,
    /// A blank that is no ASCII blank (non-breaking, zero width).
    Blank(char),
    /// An HTML entity such as `&gt;`.
    Entity,
    /// A comment where comments are not allowed.
    Comment,
    /// A `/*` without `*/`.
    OpenComment,
    /// Anything else.
    Character(char),
}

/// Cuts the text into tokens; the last one is [`TokenKind::End`].
pub(super) fn tokenize(text: &str, comments: bool) -> Vec<Token> {
    let mut lexer = Lexer { text, at: 0, comments };
    let mut tokens = Vec::with_capacity(text.len() / 6 + 1);
    loop {
        let token = lexer.next();
        tokens.push(token);
        if token.kind == TokenKind::End {
            return tokens;
        }
    }
}

/// Whether a comment stands between the tokens of the text.
pub(super) fn has_comment(text: &str) -> bool {
    text.contains('/') && tokenize(text, false).iter().any(|token| token.kind == TokenKind::Bad(Bad::Comment))
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    comments: bool,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn next(&mut self) -> Token {
        loop {
            let blanks = run(self.rest().as_bytes(), |b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'));
            self.at += blanks;
            let rest = self.rest();
            let start = self.at;
            let (kind, length) = scan(rest);
            self.at += length;
            if self.comments && kind == TokenKind::Bad(Bad::Comment) {
                continue;
            }
            return Token { kind, span: Span { start: offset(start), end: offset(self.at) } };
        }
    }
}

/// The kind and length in octets of the token that `rest` starts with.
fn scan(rest: &str) -> (TokenKind, usize) {
    use TokenKind as K;
    let bytes = rest.as_bytes();
    let Some(first) = bytes.first() else { return (K::End, 0) };
    match (first, bytes.get(1)) {
        (b'"', _) => string(rest),
        (b'_' | b'a'..=b'z' | b'A'..=b'Z', _) => (K::Ident, run(bytes, |b| b == b'_' || b.is_ascii_alphanumeric())),
        (b'0'..=b'9', _) => (K::Int, run(bytes, |b| b.is_ascii_digit())),
        (b'=', Some(b'>')) => (K::Arrow, 2),
        (b'=', Some(b'=')) => (K::EqEq, 2),
        (b'=', Some(b'~')) => (K::Match, 2),
        (b'=', Some(b'&')) => match rest.get(1..).and_then(entity) {
            Some(length) => (K::Bad(Bad::Entity), length + 1),
            None => (K::Eq, 1),
        },
        (b'=', _) => (K::Eq, 1),
        (b'!', Some(b'=')) => (K::NotEq, 2),
        (b'!', Some(b'~')) => (K::NotMatch, 2),
        (b'&', Some(b'&')) => (K::And, 2),
        (b'&', _) => entity(rest).map_or((K::Bad(Bad::Character('&')), 1), |length| (K::Bad(Bad::Entity), length)),
        (b'<', Some(b'=')) => (K::Le, 2),
        (b'<', _) => (K::Lt, 1),
        (b'>', Some(b'=')) => (K::Ge, 2),
        (b'>', _) => (K::Gt, 1),
        (b'+', _) => (K::Plus, 1),
        (b',', _) => (K::Comma, 1),
        (b';', _) => (K::Semicolon, 1),
        (b':', _) => (K::Colon, 1),
        (b'.', _) => (K::Dot, 1),
        (b'(', _) => (K::LParen, 1),
        (b')', _) => (K::RParen, 1),
        (b'[', _) => (K::LBracket, 1),
        (b']', _) => (K::RBracket, 1),
        (b'@', _) => (K::At, 1),
        (b'/', Some(b'/')) => (K::Bad(Bad::Comment), rest.find(['\n', '\r']).unwrap_or(rest.len())),
        (b'/', Some(b'*')) => match rest.get(2..).and_then(|inner| inner.find("*/")) {
            Some(end) => (K::Bad(Bad::Comment), end + 4),
            None => (K::Bad(Bad::OpenComment), rest.len()),
        },
        _ => foreign(rest),
    }
}

/// A character that begins no token.
fn foreign(rest: &str) -> (TokenKind, usize) {
    match rest.chars().next() {
        Some(quote) if is_typographic_quote(quote) => (TokenKind::Bad(Bad::TypographicQuote), quoted(rest)),
        Some(blank) if is_foreign_blank(blank) => {
            (TokenKind::Bad(Bad::Blank(blank)), rest.len() - rest.trim_start_matches(blank).len())
        }
        Some(other) => (TokenKind::Bad(Bad::Character(other)), other.len_utf8()),
        None => (TokenKind::End, 0),
    }
}

/// How many octets from the first one on belong together.
fn run(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|b| !belongs(*b)).unwrap_or(bytes.len())
}

/// `"` up to the next `"`; a line end in between means that the text was wrapped, or that the quotation mark is missing.
fn string(rest: &str) -> (TokenKind, usize) {
    let inner = rest.get(1..).unwrap_or_default();
    match memchr2(b'"', b'\n', inner.as_bytes()) {
        Some(end) if inner.as_bytes().get(end) == Some(&b'"') => (TokenKind::Str, end + 2),
        Some(end) => (TokenKind::Bad(Bad::OpenString), wrapped(inner).unwrap_or(end) + 1),
        None => (TokenKind::Bad(Bad::OpenString), rest.len()),
    }
}

/// The length of a wrapped string behind its first quotation mark: it ends a few lines on, where something stands that
/// follows strings.
fn wrapped(inner: &str) -> Option<usize> {
    const MOST_LINES: usize = 4;
    let end = inner.find('"')?;
    let (string, behind) = (inner.get(..end)?, inner.get(end + 1..)?);
    let follows = behind.trim_start_matches([' ', '\t', '\r', '\n']).starts_with([',', ']', ')', ';', '+']);
    (follows && string.matches('\n').count() <= MOST_LINES).then_some(end + 1)
}

/// A typographic quote and, when its partner follows on the same line, all between them.
fn quoted(rest: &str) -> usize {
    let first = rest.chars().next().map_or(0, char::len_utf8);
    let inner = rest.get(first..).unwrap_or_default();
    match inner.char_indices().find(|(_, c)| is_typographic_quote(*c) || matches!(c, '"' | '\n' | ';')) {
        Some((end, close)) if is_typographic_quote(close) || close == '"' => first + end + close.len_utf8(),
        _ => first,
    }
}

/// `&gt;` and its like: the length of the entity.
fn entity(rest: &str) -> Option<usize> {
    const LONGEST: usize = 6;
    let name = rest.strip_prefix('&')?;
    let length = name.bytes().take(LONGEST + 1).take_while(|b| *b == b'#' || b.is_ascii_alphanumeric()).count();
    ((1..=LONGEST).contains(&length) && name.as_bytes().get(length) == Some(&b';')).then_some(length + 2)
}

const fn is_typographic_quote(c: char) -> bool {
    matches!(c, '\u{2018}'..='\u{201F}' | '\u{00AB}' | '\u{00BB}' | '\u{2032}' | '\u{2033}' | '\u{FF02}')
}

const fn is_foreign_blank(c: char) -> bool {
    matches!(
        c,
        '\u{00A0}' | '\u{2000}'
            ..='\u{200D}'
                | '\u{202F}'
                | '\u{205F}'
                | '\u{2060}'
                | '\u{3000}'
                | '\u{FEFF}'
                | '\u{2028}'
                | '\u{2029}'
                | '\u{0085}'
                | '\u{00AD}'
                | '\u{000B}'
                | '\u{000C}'
    )
}

/// Texts are limited to 1 MiB before they get here, so the offset always fits.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
