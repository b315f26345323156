//! The replacement text of `RegExReplace`, expanded as .NET does (claims.md 1.6).
//!
//! The crates' own `$` syntax reads `$1_x` and group numbers differently and is never used.

use super::{MatchError, Pattern};

/// A replacement text, read for one pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// `$1`, `${name}`, `$&`, `$+`: the group at this place; a group that took no part is empty.
    Group(usize),
    /// `` $` ``
    Before,
    /// `$'`
    After,
    /// `$_`
    Subject,
}

impl Replacement {
    /// Reads a replacement text. Never fails: a reference to a group the pattern does not have stays as it is written.
    pub fn parse(text: &str, pattern: &Pattern) -> Self {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            let (before, from) = rest.split_at(at);
            literal.push_str(before);
            let (part, length) = substitution(from, pattern);
            match part {
                Part::Text(text) => literal.push_str(&text),
                part => {
                    if !literal.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut literal)));
                    }
                    parts.push(part);
                }
            }
            rest = from.get(length..).unwrap_or_default();
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Self(parts)
    }

    /// Appends the replacement of one match; `group` gives the octet range of a group by its place. The output never grows
    /// beyond `most` octets: a short text such as `$_$_$_` may stand for a very long one.
    pub(super) fn expand(
        &self,
        subject: &str,
        group: impl Fn(usize) -> Option<(usize, usize)>,
        most: usize,
        out: &mut String,
    ) -> Result<(), MatchError> {
        let (start, end) = group(0).unwrap_or((0, 0));
        for part in &self.0 {
            let text = match part {
                Part::Text(text) => text,
                Part::Group(place) => group(*place).and_then(|(start, end)| subject.get(start..end)).unwrap_or(""),
                Part::Before => subject.get(..start).unwrap_or(""),
                Part::After => subject.get(end..).unwrap_or(""),
                Part::Subject => subject,
            };
            if text.len() > most.saturating_sub(out.len()) {
                return Err(MatchError::OutputTooLong { limit: most });
            }
            out.push_str(text);
        }
        Ok(())
    }
}

/// What the `$` at the start of `text` stands for, and how many octets that takes.
fn substitution(text: &str, pattern: &Pattern) -> (Part, usize) {
    let dollar = || (Part::Text(String::from("$")), 1);
    let rest = text.get(1..).unwrap_or_default();
    let groups = &pattern.groups;
    match rest.chars().next() {
        Some('$') => (Part::Text(String::from("$")), 2),
        Some('&') => (Part::Group(0), 2),
        Some('`') => (Part::Before, 2),
        Some('\'') => (Part::After, 2),
        Some('+') => (Part::Group(groups.by_number(groups.len()).unwrap_or(0)), 2),
        Some('_') => (Part::Subject, 2),
        Some('0'..='9') => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let number = rest.get(..digits).and_then(|number| number.parse().ok());
            number.and_then(|n| groups.by_number(n)).map_or_else(dollar, |place| (Part::Group(place), digits + 1))
        }
        Some('{') => {
            let Some((name, _)) = rest.get(1..).and_then(|inner| inner.split_once('}')) else { return dollar() };
            let numeric = !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit());
            let place = if numeric {
                name.parse().ok().and_then(|number| groups.by_number(number))
            } else {
                groups.by_name(name)
            };
            place.map_or_else(dollar, |place| (Part::Group(place), name.len() + 3))
        }
        _ => dollar(),
    }
}
