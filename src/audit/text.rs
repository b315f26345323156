//! Texts in audit events: capped in length, because most of them come from whoever sends a request.

use std::fmt;

use crate::claims::Text;

/// A text of at most `MAX` characters; what is cut off is counted at its end.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Capped<const MAX: usize>(Text);

/// A user name, method, host name or token type: 256 characters.
pub type Name = Capped<256>;
/// An identifier, path or user agent: 512 characters.
pub type Identifier = Capped<512>;
/// An explanation: 1024 characters.
pub type Detail = Capped<1024>;

impl<const MAX: usize> Capped<MAX> {
    /// Takes a text that may stand in a log. Never give it a credential or a token.
    pub fn public(text: &str) -> Self {
        // No text has more characters than octets.
        if text.len() <= MAX {
            return Self(text.into());
        }
        match text.char_indices().nth(MAX) {
            None => Self(text.into()),
            Some((end, _)) => {
                let (kept, cut) = text.split_at(end);
                Self(format!("{kept}…(+{})", cut.chars().count()).into())
            }
        }
    }

    /// A text of the program's own, not copied.
    pub fn constant(text: &'static str) -> Self {
        Self::shared(&Text::constant(text))
    }

    /// As [`Capped::public`]; a text that is not cut is shared, not copied.
    pub fn shared(text: &Text) -> Self {
        if text.len() <= MAX { Self(text.clone()) } else { Self::public(text) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Identifier {
    /// The path of a request target. The query is left out: it can carry codes, tokens and user names.
    pub fn path(target: &str) -> Self {
        Self::public(target.split(['?', '#']).next().unwrap_or(""))
    }
}

impl<const MAX: usize> fmt::Debug for Capped<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl<const MAX: usize> serde::Serialize for Capped<MAX> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
