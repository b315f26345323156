//! Reads a .NET regular expression (no options set) into a tree, or refuses it with the place and the reason.
//!
//! Follows the published description of the .NET syntax. What AD FS rules were never seen to use and what has no exact
//! counterpart here is refused, never passed on with another meaning.

use super::class;
use super::error::{PatternError, PatternErrorKind as Kind};
use super::syntax::{Anchor, Class, Item, Node, Sign};

/// A pattern as read.
pub(super) struct Parsed {
    pub(super) node: Node,
    pub(super) groups: Groups,
}

/// The capturing groups. Their place is the number of their opening parenthesis, from 1; .NET numbers the unnamed ones
/// first and then the named ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Groups {
    /// Name of each group in order of its parenthesis.
    names: Vec<Option<String>>,
}

impl Groups {
    pub(super) const fn len(&self) -> usize {
        self.names.len()
    }

    /// The place of the group that .NET gives this number; 0 is the whole match.
    pub(super) fn by_number(&self, number: usize) -> Option<usize> {
        if number == 0 {
            return Some(0);
        }
        let places = |named: bool| {
            self.names.iter().enumerate().filter(move |(_, name)| name.is_some() == named).map(|(place, _)| place + 1)
        };
        places(false).chain(places(true)).nth(number - 1)
    }

    pub(super) fn by_name(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known.as_deref() == Some(name)).map(|place| place + 1)
    }
}

/// Reads a pattern.
pub(super) fn parse(pattern: &str) -> Result<Parsed, PatternError> {
    let first = Parser::new(pattern, None).pattern()?;
    if !first.1 {
        return Ok(first.0);
    }
    // References may point forward, so they are resolved in a second reading that knows all groups.
    Ok(Parser::new(pattern, Some(first.0.groups)).pattern()?.0)
}

/// Most parts of a pattern that room is made for before they are read.
const MOST_PARTS_AHEAD: usize = 64;

/// Deepest nesting of groups and classes.
pub(super) const MAX_DEPTH: usize = 50;

pub(super) struct Parser<'p> {
    text: &'p str,
    at: usize,
    flags: Flags,
    names: Vec<Option<String>>,
    /// All groups of the pattern, in the second reading.
    known: Option<Groups>,
    refers: bool,
    depth: usize,
}

#[derive(Clone, Copy, Default)]
struct Flags {
    fold: bool,
    lines: bool,
    dot_all: bool,
    explicit: bool,
    blanks: bool,
}

pub(super) type Read<T> = Result<T, PatternError>;

impl<'p> Parser<'p> {
    const fn new(text: &'p str, known: Option<Groups>) -> Self {
        let flags = Flags { fold: false, lines: false, dot_all: false, explicit: false, blanks: false };
        Self { text, at: 0, flags, names: Vec::new(), known, refers: false, depth: 0 }
    }

    fn pattern(mut self) -> Read<(Parsed, bool)> {
        let node = self.alternation()?;
        if self.peek().is_some() {
            return Err(error(self.at, Kind::UnopenedGroup));
        }
        Ok((Parsed { node, groups: Groups { names: self.names } }, self.refers))
    }

    fn alternation(&mut self) -> Read<Node> {
        let first = self.sequence()?;
        if self.peek() != Some('|') {
            return Ok(first);
        }
        let mut branches = vec![first];
        while self.eat('|') {
            branches.push(self.sequence()?);
        }
        Ok(Node::Alternate(branches))
    }

    fn sequence(&mut self) -> Read<Node> {
        let mut nodes = Vec::with_capacity(self.parts_ahead());
        loop {
            self.skip_blanks()?;
            let start = self.at;
            let Some(c) = self.peek() else { break };
            if matches!(c, '|' | ')') {
                break;
            }
            let Some(atom) = self.atom()? else { continue };
            nodes.push(self.quantified(atom, start)?);
        }
        Ok(match nodes.len() {
            0 => Node::Empty,
            1 => nodes.pop().unwrap_or(Node::Empty),
            _ => Node::Concat(nodes),
        })
    }

    /// About as many parts as follow in this branch.
    fn parts_ahead(&self) -> usize {
        self.rest().bytes().take(MOST_PARTS_AHEAD).take_while(|b| !matches!(b, b'|' | b')')).count()
    }

    /// One atom; `None` for options such as `(?i)`.
    fn atom(&mut self) -> Read<Option<Node>> {
        let start = self.at;
        let Some(c) = self.next() else { return Ok(None) };
        Ok(Some(match c {
            '.' if self.flags.dot_all => Node::Class(class::any()),
            '.' => Node::Class(class::not_line_feed()),
            '^' => Node::Anchor(if self.flags.lines { Anchor::LineStart } else { Anchor::Start }),
            '$' => Node::Anchor(if self.flags.lines { Anchor::LineEnd } else { Anchor::End }),
            '[' => {
                let mut class = class::parse(self, start)?;
                if self.flags.fold {
                    class::foldable(&class).map_err(|kind| error(start, kind))?;
                    class.fold();
                }
                Node::Class(class)
            }
            '(' => return self.group(start),
            '\\' => self.escape(start)?,
            '*' | '+' | '?' => return Err(error(start, Kind::NothingToRepeat { found: c })),
            '{' if self.quantifier_length(start).is_some() => {
                return Err(error(start, Kind::NothingToRepeat { found: c }));
            }
            c => self.character(c),
        }))
    }

    const fn character(&self, c: char) -> Node {
        Node::Char { c, fold: self.flags.fold }
    }

    fn quantified(&mut self, atom: Node, start: usize) -> Read<Node> {
        self.skip_blanks()?;
        let Some((min, max)) = self.quantifier()? else { return Ok(atom) };
        let lazy = self.eat('?');
        self.skip_blanks()?;
        let again = matches!(self.peek(), Some('*' | '+' | '?')) || self.quantifier_length(self.at).is_some();
        if again {
            return Err(error(self.at, Kind::NestedQuantifier));
        }
        if max.is_some_and(|max| max < min) {
            return Err(error(start, Kind::QuantifierRange));
        }
        Ok(Node::Repeat { node: Box::new(atom), min, max, lazy })
    }

    fn quantifier(&mut self) -> Read<Option<(u32, Option<u32>)>> {
        let counts = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                let start = self.at;
                let Some(length) = self.quantifier_length(start) else { return Ok(None) };
                let inner = self.text.get(start + 1..start + length - 1).unwrap_or_default();
                let number = |text: &str| {
                    text.parse::<u32>()
                        .ok()
                        .filter(|n| *n <= i32::MAX.unsigned_abs())
                        .ok_or_else(|| error(start, Kind::QuantifierRange))
                };
                let counts = match inner.split_once(',') {
                    None => (number(inner)?, Some(number(inner)?)),
                    Some((min, "")) => (number(min)?, None),
                    Some((min, max)) => (number(min)?, Some(number(max)?)),
                };
                self.at += length;
                return Ok(Some(counts));
            }
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(counts))
    }

    /// The length of `{n}`, `{n,}` or `{n,m}` at `start`; any other brace is literal text.
    fn quantifier_length(&self, start: usize) -> Option<usize> {
        let inner = self.text.get(start..)?.strip_prefix('{')?;
        let end = inner.find('}')?;
        let counts = inner.get(..end)?;
        let (min, max) = counts.split_once(',').unwrap_or((counts, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        (!min.is_empty() && digits(min) && digits(max)).then_some(end + 2)
    }

    // Groups.

    fn group(&mut self, start: usize) -> Read<Option<Node>> {
        if self.depth >= MAX_DEPTH {
            return Err(error(start, Kind::TooDeep { limit: MAX_DEPTH }));
        }
        if !self.eat('?') {
            if self.flags.explicit {
                return self.body(start).map(Some);
            }
            self.names.push(None);
            let place = self.names.len();
            return Ok(Some(Node::Capture(place, Box::new(self.body(start)?))));
        }
        let look = |behind, negative| move |node| Node::Look { behind, negative, node: Box::new(node) };
        Ok(Some(match self.next() {
            Some(':') => self.body(start)?,
            Some('=') => self.body(start).map(look(false, false))?,
            Some('!') => self.body(start).map(look(false, true))?,
            Some('>') => Node::Atomic(Box::new(self.body(start)?)),
            Some('#') => {
                let rest = self.rest();
                let end = rest.find(')').ok_or_else(|| error(start, Kind::UnclosedGroup))?;
                self.at += end + 1;
                return Ok(None);
            }
            Some('<') if matches!(self.peek(), Some('=' | '!')) => {
                let negative = self.next() == Some('!');
                let before = self.names.len();
                let node = self.body(start)?;
                if self.names.len() > before {
                    let what = "a capturing group inside a look-behind";
                    return Err(error(start, Kind::Unsupported { what }));
                }
                look(true, negative)(node)
            }
            Some('<') => self.named(start, '>')?,
            Some('\'') => self.named(start, '\'')?,
            Some('(') => self.conditional(start)?,
            Some('i' | 'm' | 'n' | 's' | 'x' | '-') => {
                self.at -= 1;
                return self.options(start);
            }
            _ => return Err(error(start, Kind::GroupName)),
        }))
    }

    /// Everything up to the closing parenthesis; options set inside end with it.
    fn body(&mut self, start: usize) -> Read<Node> {
        let flags = self.flags;
        self.depth += 1;
        let node = self.alternation()?;
        self.depth -= 1;
        self.flags = flags;
        if self.eat(')') { Ok(node) } else { Err(error(start, Kind::UnclosedGroup)) }
    }

    fn named(&mut self, start: usize, close: char) -> Read<Node> {
        let rest = self.rest();
        let end = rest.find(close).ok_or_else(|| error(start, Kind::GroupName))?;
        let name = rest.get(..end).unwrap_or_default();
        let unsupported = |what| Err(error(start, Kind::Unsupported { what }));
        if name.contains('-') {
            return unsupported("a balancing group");
        }
        if name.is_empty() || !name.chars().all(is_word) {
            return Err(error(start, Kind::GroupName));
        }
        if name.starts_with(|c: char| c.is_ascii_digit()) {
            return unsupported("a group with a number for a name");
        }
        if self.names.iter().flatten().any(|known| known == name) {
            return unsupported("a group name that is used twice");
        }
        self.names.push(Some(name.to_owned()));
        let place = self.names.len();
        self.at += end + close.len_utf8();
        Ok(Node::Capture(place, Box::new(self.body(start)?)))
    }

    /// `(?(1)yes|no)` and `(?(name)yes|no)`; other conditions are refused.
    fn conditional(&mut self, start: usize) -> Read<Node> {
        let rest = self.rest();
        let end = rest.find(')').ok_or_else(|| error(start, Kind::UnclosedGroup))?;
        let group = rest.get(..end).unwrap_or_default();
        if group.is_empty() || !group.chars().all(is_word) {
            let what = "a condition that is no group";
            return Err(error(start, Kind::Unsupported { what }));
        }
        self.at += end + 1;
        let place = self.reference(group, start)?;
        let (yes, no) = match self.body(start)? {
            Node::Alternate(branches) => {
                let mut branches = branches.into_iter();
                let (yes, no) = (branches.next(), branches.next());
                if branches.next().is_some() {
                    let what = "a condition with more than two branches";
                    return Err(error(start, Kind::Unsupported { what }));
                }
                (yes.unwrap_or(Node::Empty), no.unwrap_or(Node::Empty))
            }
            yes => (yes, Node::Empty),
        };
        Ok(Node::Conditional { group: place, yes: Box::new(yes), no: Box::new(no) })
    }

    /// `(?i)`, `(?i-s)`, `(?i:…)`.
    fn options(&mut self, start: usize) -> Read<Option<Node>> {
        let before = self.flags;
        let mut on = true;
        loop {
            let flag = match self.next() {
                Some('-') => {
                    on = false;
                    continue;
                }
                Some('i') => &mut self.flags.fold,
                Some('m') => &mut self.flags.lines,
                Some('s') => &mut self.flags.dot_all,
                Some('n') => &mut self.flags.explicit,
                Some('x') => &mut self.flags.blanks,
                Some(')') => return Ok(None),
                Some(':') => {
                    let node = self.body(start)?;
                    self.flags = before;
                    return Ok(Some(node));
                }
                _ => return Err(error(start, Kind::GroupName)),
            };
            *flag = on;
        }
    }

    // Escapes.

    fn escape(&mut self, start: usize) -> Read<Node> {
        let Some(c) = self.peek() else { return Err(error(start, Kind::TrailingBackslash)) };
        let item = match c {
            'd' => Some(Item::Digit(Sign::In)),
            'D' => Some(Item::Digit(Sign::NotIn)),
            'w' => Some(Item::Word(Sign::In)),
            'W' => Some(Item::Word(Sign::NotIn)),
            's' => Some(Item::Space(Sign::In)),
            'S' => Some(Item::Space(Sign::NotIn)),
            _ => None,
        };
        if let Some(item) = item {
            self.at += 1;
            return Ok(Node::Class(Class { items: vec![item], ..Class::default() }));
        }
        let anchor = match c {
            'A' => Some(Anchor::Start),
            'Z' => Some(Anchor::End),
            'z' => Some(Anchor::VeryEnd),
            'b' => Some(Anchor::Word),
            'B' => Some(Anchor::NotWord),
            _ => None,
        };
        if let Some(anchor) = anchor {
            self.at += 1;
            return Ok(Node::Anchor(anchor));
        }
        match c {
            'p' | 'P' => {
                self.at += 1;
                let class = class::category(self, start, c == 'P')?;
                if self.flags.fold {
                    class::foldable(&class).map_err(|kind| error(start, kind))?;
                }
                Ok(Node::Class(class))
            }
            'G' => Err(error(start, Kind::Unsupported { what: "'\\G'" })),
            'k' => {
                self.at += 1;
                let close = match self.next() {
                    Some('<') => '>',
                    Some('\'') => '\'',
                    _ => return Err(error(start, Kind::Escape { found: 'k' })),
                };
                let rest = self.rest();
                let end = rest.find(close).ok_or_else(|| error(start, Kind::Escape { found: 'k' }))?;
                let name = rest.get(..end).unwrap_or_default();
                self.at += end + 1;
                let place = self.reference(name, start)?;
                self.backreference(place, start)
            }
            '<' | '\'' => {
                // `\<name>` is an old spelling of `\k<name>`.
                let close = if c == '<' { '>' } else { '\'' };
                let inner = self.rest().get(1..).unwrap_or_default();
                if inner.split_once(close).is_some_and(|(name, _)| !name.is_empty() && name.chars().all(is_word)) {
                    let what = "the old form of a group reference; write \\k<name>, or";
                    return Err(error(start, Kind::Unsupported { what }));
                }
                self.at += 1;
                Ok(self.character(c))
            }
            '1'..='9' => self.numbered(start),
            _ => class::escaped_character(self, start).map(|c| self.character(c)),
        }
    }

    /// `\1`: a reference, or from two digits on an octal code when there is no such group.
    fn numbered(&mut self, start: usize) -> Read<Node> {
        let rest = self.rest();
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number = rest.get(..digits).unwrap_or_default();
        self.refers = true;
        let Some(known) = &self.known else {
            self.at += digits;
            return Ok(Node::Empty);
        };
        if let Some(place) = number.parse().ok().and_then(|number| known.by_number(number)) {
            self.at += digits;
            return self.backreference(place, start);
        }
        if digits == 1 || !number.starts_with(|c: char| matches!(c, '0'..='7')) {
            return Err(error(start, Kind::Reference { group: number.to_owned() }));
        }
        class::escaped_character(self, start).map(|c| self.character(c))
    }

    fn reference(&mut self, group: &str, start: usize) -> Read<usize> {
        self.refers = true;
        let Some(known) = &self.known else { return Ok(0) };
        let place = group.parse().ok().and_then(|number| known.by_number(number)).or_else(|| known.by_name(group));
        place.filter(|place| *place > 0).ok_or_else(|| error(start, Kind::Reference { group: group.to_owned() }))
    }

    fn backreference(&self, place: usize, start: usize) -> Read<Node> {
        if self.flags.fold {
            let what = "a group reference under (?i)";
            return Err(error(start, Kind::Unsupported { what }));
        }
        Ok(Node::Backreference(place))
    }

    // Characters.

    /// Under `(?x)` blanks and `#` comments between atoms mean nothing; `(?#…)` never does.
    fn skip_blanks(&mut self) -> Read<()> {
        loop {
            if self.flags.blanks {
                let rest = self.rest();
                let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\r', '\u{B}', '\u{C}']);
                self.at += rest.len() - trimmed.len();
                if trimmed.starts_with('#') {
                    self.at += trimmed.find('\n').unwrap_or(trimmed.len());
                    continue;
                }
            }
            if !self.rest().starts_with("(?#") {
                return Ok(());
            }
            let start = self.at;
            let end = self.rest().find(')').ok_or_else(|| error(start, Kind::UnclosedGroup))?;
            self.at += end + 1;
        }
    }

    pub(super) fn rest(&self) -> &'p str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn peek_second(&self) -> Option<char> {
        self.rest().chars().nth(1)
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    pub(super) fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    pub(super) const fn position(&self) -> usize {
        self.at
    }

    pub(super) fn skip(&mut self, octets: usize) {
        self.at += octets;
    }
}

/// A refusal at this octet of the pattern.
pub(super) fn error(at: usize, kind: Kind) -> PatternError {
    PatternError { offset: u32::try_from(at).ok(), kind }
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}
