//! The table of opaque ids that another system issued: CSV of relying party, id and opaque id.

use std::collections::HashMap;

use crate::claims::Text;

/// Opaque ids by relying party and the id they stand for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownIds(HashMap<Box<str>, HashMap<Box<str>, Text>>);

/// Why a text is no such table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {kind}")]
pub struct KnownIdsError {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub kind: KnownIdsProblem,
}

/// What can be wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KnownIdsProblem {
    /// The first line is another one.
    #[error("the first line must be `{HEADER}`")]
    Header,
    /// Not three fields.
    #[error("three fields are needed, there are {0}")]
    Fields(usize),
    /// A field is empty.
    #[error("a field is empty")]
    Empty,
    /// A quote that does not end, or stands in the middle of a field.
    #[error("a quote is not closed, or stands inside a field without quotes")]
    Quote,
    /// Two lines for one id.
    #[error("the id already has an opaque id at this relying party")]
    Duplicate,
    /// Too many lines.
    #[error("there are more than {MAX_LINES} lines")]
    TooMany,
}

impl KnownIds {
    /// Reads the table: a header line, then one line for each id. Fields may stand in double quotes, a quote in them is doubled.
    /// An empty text is an empty table.
    ///
    /// # Errors
    /// [`KnownIdsError`] with the first line that is wrong.
    pub fn parse(text: &str) -> Result<Self, KnownIdsError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut table = Self::default();
        for (index, line) in text.lines().enumerate() {
            let at = |kind| KnownIdsError { line: index + 1, kind };
            if index == 0 {
                if line.trim() != HEADER {
                    return Err(at(KnownIdsProblem::Header));
                }
                continue;
            }
            if index > MAX_LINES {
                return Err(at(KnownIdsProblem::TooMany));
            }
            if line.trim().is_empty() {
                continue;
            }
            let fields = fields(line).ok_or_else(|| at(KnownIdsProblem::Quote))?;
            let [relying_party, id, opaque_id] = fields.as_slice() else {
                return Err(at(KnownIdsProblem::Fields(fields.len())));
            };
            if [relying_party, id, opaque_id].iter().any(|field| field.is_empty()) {
                return Err(at(KnownIdsProblem::Empty));
            }
            let of_party = table.0.entry(relying_party.as_str().into()).or_default();
            if of_party.insert(key(id), Text::from(opaque_id.as_str())).is_some() {
                return Err(at(KnownIdsProblem::Duplicate));
            }
        }
        Ok(table)
    }

    /// The opaque id of `id` at a relying party. Ids compare without regard to case, as account names do.
    pub fn find(&self, relying_party: &str, id: &str) -> Option<&Text> {
        self.0.get(relying_party)?.get(&*key(id))
    }

    /// How many ids there are.
    pub fn len(&self) -> usize {
        self.0.values().map(HashMap::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn key(id: &str) -> Box<str> {
    id.to_lowercase().into()
}

/// The fields of a line of CSV (RFC 4180, without line ends in fields).
fn fields(line: &str) -> Option<Vec<String>> {
    let mut fields = Vec::new();
    let mut characters = line.chars().peekable();
    loop {
        let mut field = String::new();
        if characters.next_if_eq(&'"').is_some() {
            loop {
                match characters.next()? {
                    '"' if characters.next_if_eq(&'"').is_some() => field.push('"'),
                    '"' => break,
                    c => field.push(c),
                }
            }
        } else {
            while let Some(c) = characters.next_if(|c| *c != ',') {
                if c == '"' {
                    return None;
                }
                field.push(c);
            }
        }
        fields.push(field);
        match characters.next() {
            None => return Some(fields),
            Some(',') => {}
            Some(_) => return None,
        }
    }
}

/// The first line.
pub const HEADER: &str = "relying_party,id,opaque_id";
/// Lines a table may have.
pub const MAX_LINES: usize = 1_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_table_is_read() {
        let table = KnownIds::parse(
            "\u{feff}relying_party,id,opaque_id\r\n\"urn:a,b\",CORP\\alice,\"x\"\"y\"\r\n\r\nurn:c,S-1-5-21-1,z\n",
        )
        .unwrap();
        assert_eq!(table.find("urn:a,b", "corp\\Alice").map(|id| &**id), Some("x\"y"));
        assert_eq!(table.find("urn:c", "s-1-5-21-1").map(|id| &**id), Some("z"));
        assert_eq!(table.find("urn:c", "CORP\\alice"), None);
        assert_eq!(table.len(), 2);
        assert!(KnownIds::parse("").unwrap().is_empty());
    }

    #[test]
    fn wrong_lines_are_named() {
        for (body, line, kind) in [
            ("a,b", 2, KnownIdsProblem::Fields(2)),
            ("a,b,c,d", 2, KnownIdsProblem::Fields(4)),
            ("a,b,c\na,,c", 3, KnownIdsProblem::Empty),
            ("a,\"b,c", 2, KnownIdsProblem::Quote),
            ("a,b\"c,d", 2, KnownIdsProblem::Quote),
            ("a,\"b\"c,d", 2, KnownIdsProblem::Quote),
            ("a,B,c\na,b,d", 3, KnownIdsProblem::Duplicate),
        ] {
            assert_eq!(KnownIds::parse(&format!("{HEADER}\n{body}\n")), Err(KnownIdsError { line, kind }), "{body}");
        }
        assert_eq!(KnownIds::parse("a,b,c"), Err(KnownIdsError { line: 1, kind: KnownIdsProblem::Header }));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(relying_party,id,opaque_id\n)?[a,\"\n\r é]{0,40}") {
            let _ = KnownIds::parse(&text);
        }
    }
}
