//! Attributes of one tag, by the grammar of XML 1.0: `(S Name S? '=' S? AttValue)* S?`.

use std::borrow::Cow;

use super::super::syntax::{character_reference, is_space, predefined_entity};

/// One attribute as it stands in the tag.
pub(super) struct Raw<'i> {
    /// Qualified name, unchecked.
    pub(super) name: &'i str,
    /// Value between the quotes, undecoded.
    pub(super) value: &'i str,
}

/// Why attributes could not be read.
pub(super) struct Malformed;

/// The attributes in `rest`, what follows the name in a tag; ends after the first error.
pub(super) struct RawAttributes<'i> {
    rest: &'i str,
}

impl<'i> RawAttributes<'i> {
    pub(super) const fn new(rest: &'i str) -> Self {
        Self { rest }
    }

    fn read(&mut self) -> Result<Option<Raw<'i>>, Malformed> {
        let trimmed = skip_space(self.rest);
        if trimmed.is_empty() {
            return Ok(None);
        }
        if trimmed.len() == self.rest.len() {
            return Err(Malformed);
        }
        let (name, after) = split_at_octet(trimmed, b'=').ok_or(Malformed)?;
        let after = skip_space(after);
        let quote = if after.starts_with('"') { b'"' } else { b'\'' };
        let (nothing, quoted) = split_at_octet(after, quote).ok_or(Malformed)?;
        let (value, rest) = split_at_octet(quoted, quote).ok_or(Malformed)?;
        if !nothing.is_empty() {
            return Err(Malformed);
        }
        if value.as_bytes().contains(&b'<') {
            return Err(Malformed);
        }
        self.rest = rest;
        Ok(Some(Raw { name: name.trim_end_matches([' ', '\t', '\r', '\n']), value }))
    }
}

impl<'i> Iterator for RawAttributes<'i> {
    type Item = Result<Raw<'i>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.read().transpose();
        if matches!(item, Some(Err(_))) {
            self.rest = "";
        }
        item
    }
}

/// The value with references replaced and white space normalised (XML 1.0, 3.3.3); `None` for a reference that is neither
/// predefined nor a character.
pub(super) fn decode(value: &str) -> Option<Cow<'_, str>> {
    if !value.bytes().any(|octet| matches!(octet, b'&' | b'\t' | b'\n' | b'\r')) {
        return Some(Cow::Borrowed(value));
    }
    let mut decoded = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find(['&', '\t', '\n', '\r']) {
        let (plain, special) = rest.split_at(at);
        decoded.push_str(plain);
        if let Some(reference) = special.strip_prefix('&') {
            let (name, after) = reference.split_once(';')?;
            match name.strip_prefix('#') {
                Some(number) => decoded.push(character_reference(number)?),
                None => decoded.push_str(predefined_entity(name)?),
            }
            rest = after;
        } else {
            decoded.push(' ');
            rest = special.strip_prefix("\r\n").unwrap_or_else(|| special.get(1..).unwrap_or_default());
        }
    }
    decoded.push_str(rest);
    Some(Cow::Owned(decoded))
}

/// What stands before and after the first `octet`, which is ASCII; attributes are short, so the plain search is the fast one.
fn split_at_octet(text: &str, octet: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|other| other == octet)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

fn skip_space(text: &str) -> &str {
    let blank = text.bytes().take_while(|octet| is_space(*octet)).count();
    text.get(blank..).unwrap_or_default()
}
