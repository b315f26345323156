//! The query of a store rule, read once when the rules are loaded.

use std::sync::{Arc, OnceLock};

use super::active_directory::{AccountQuery, QuerySyntax};
use crate::claims::Text;

/// What a rule asks an attribute store.
#[derive(Debug)]
pub struct StoreQuery {
    store: Text,
    text: QueryText,
    types: Arc<[Text]>,
    account: OnceLock<Result<AccountQuery, QuerySyntax>>,
}

impl StoreQuery {
    /// The question `text` to `store`, one column per claim type.
    pub fn new(store: &str, text: &str, types: impl Into<Arc<[Text]>>) -> Self {
        Self {
            store: Text::from(store.trim()),
            text: QueryText::parse(text),
            types: types.into(),
            account: OnceLock::new(),
        }
    }

    /// The store's name without surrounding blanks; names compare without regard to case.
    pub const fn store(&self) -> &Text {
        &self.store
    }

    /// The query as written, placeholders unreplaced.
    pub const fn text(&self) -> &Text {
        &self.text.text
    }

    /// The query cut at its placeholders.
    pub const fn pieces(&self) -> &QueryText {
        &self.text
    }

    /// How many columns the rule wants.
    pub fn columns(&self) -> usize {
        self.types.len()
    }

    /// The claim type of each column.
    pub fn types(&self) -> &[Text] {
        &self.types
    }

    /// The query read as `filter;attributes;domain\account`, the form of the Active Directory store.
    ///
    /// # Errors
    /// [`QuerySyntax`] when it has another form.
    pub fn account_query(&self) -> Result<&AccountQuery, &QuerySyntax> {
        self.account.get_or_init(|| AccountQuery::parse(self.text.text())).as_ref()
    }
}

/// Text with `{0}` placeholders. `{{` and `}}` stand for single braces; any other brace is text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryText {
    text: Text,
    pieces: Vec<Piece>,
}

/// A part of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text that stands for itself.
    Literal(String),
    /// The parameter of this number, from 0.
    Parameter(usize),
}

impl QueryText {
    /// Cuts a text at its placeholders.
    pub fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if let Some((index, length)) = placeholder(rest) {
                if !literal.is_empty() {
                    pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                }
                pieces.push(Piece::Parameter(index));
                rest = rest.get(length..).unwrap_or_default();
                continue;
            }
            literal.push(c);
            let doubled = rest.starts_with("{{") || rest.starts_with("}}");
            rest = rest.get(if doubled { 2 } else { c.len_utf8() }..).unwrap_or_default();
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Self { text: text.into(), pieces }
    }

    /// The text as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Literals and placeholders in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The highest placeholder number used.
    pub fn highest_placeholder(&self) -> Option<usize> {
        let numbers = self.pieces.iter().filter_map(|piece| match piece {
            Piece::Parameter(index) => Some(*index),
            Piece::Literal(_) => None,
        });
        numbers.max()
    }

    /// The text with every placeholder replaced by `write(parameter)`; replaced text is never scanned again.
    /// A placeholder without a parameter stands for nothing (rules that have one are refused at load).
    pub fn substitute(&self, params: &[Text], write: impl Fn(&str, &mut String)) -> String {
        let mut out = String::with_capacity(self.text.len() + 32);
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Parameter(index) => {
                    if let Some(value) = params.get(*index) {
                        write(value, &mut out);
                    }
                }
            }
        }
        out
    }
}

/// `{12}` at the start of `rest`: its number and length. `{{` is no placeholder.
pub(super) fn placeholder(rest: &str) -> Option<(usize, usize)> {
    let inner = rest.strip_prefix('{')?;
    let digits = inner.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 || inner.as_bytes().get(digits) != Some(&b'}') {
        return None;
    }
    let index = inner.get(..digits)?.parse().unwrap_or(usize::MAX);
    Some((index, digits + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_found_and_parameters_are_data() {
        let query = QueryText::parse("a={0} b={12} {{0}} {x} } {");
        assert_eq!(query.highest_placeholder(), Some(12));
        let params: Vec<Text> = vec!["{1}".into(), "no".into()];
        assert_eq!(query.substitute(&params, |value, out| out.push_str(value)), "a={1} b= {0} {x} } {");
        assert_eq!(QueryText::parse("toUpper").highest_placeholder(), None);
        assert_eq!(QueryText::parse("{99999999999999999999999}").highest_placeholder(), Some(usize::MAX));
    }
}
