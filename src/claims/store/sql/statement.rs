//! SQL with `{0}` placeholders made into SQL with bind parameters, without understanding more of SQL than quotes and comments.
//!
//! A placeholder never becomes text of the statement, so no value can change it. A placeholder inside quotes would be text, which
//! is what nobody means: it is refused, when rules are loaded.

use std::fmt::Write as _;

/// Whose SQL it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// PostgreSQL.
    Postgresql,
    /// SQLite.
    Sqlite,
}

/// A statement that reads, ready to be prepared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The text with the database's own parameters.
    sql: String,
    /// For each parameter of the database, in order, the rule's parameter.
    parameters: Vec<usize>,
}

/// Why a text is no statement that a rule may run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct SqlSyntax {
    /// Octet of the text where the problem begins.
    pub at: usize,
    /// What it is.
    pub kind: SqlSyntaxKind,
}

/// What can be wrong with the SQL of a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SqlSyntaxKind {
    /// `'{0}'`
    #[error("the placeholder {{{index}}} stands inside {place}, where it would be text and no parameter")]
    Quoted {
        /// The placeholder's number.
        index: usize,
        /// Inside what.
        place: &'static str,
    },
    /// A quote or comment that does not end.
    #[error("{place} is not closed")]
    Open {
        /// What.
        place: &'static str,
    },
    /// A second statement behind a `;`.
    #[error("there is more than one statement")]
    Several,
    /// A parameter in the database's own notation, which nothing would fill.
    #[error("`{text}` is a parameter that nothing fills")]
    Native {
        /// As written.
        text: String,
    },
    /// `EXEC`, `CALL`.
    #[error("`{keyword}` runs a stored procedure, as Microsoft SQL Server has them; this store only reads")]
    Procedure {
        /// As written.
        keyword: String,
    },
    /// Another statement than a query.
    #[error("`{keyword}` is no query; this store only reads")]
    NoQuery {
        /// Its first word.
        keyword: String,
    },
    /// Nothing at all.
    #[error("the query is empty")]
    Empty,
}

impl SqlSyntaxKind {
    /// What to write instead.
    pub const fn help(&self) -> &'static str {
        match self {
            Self::Quoted { .. } => {
                "write it without quotes: parameters are bound, never spliced; text around it is joined by ||, as in '%' || {0}"
            }
            Self::Open { .. } => "close it",
            Self::Several => "keep one statement",
            Self::Native { .. } => "write {0} for the first param of the rule",
            Self::Procedure { .. } => "write SELECT; PostgreSQL runs a function by SELECT * FROM name({0})",
            Self::NoQuery { .. } => "write SELECT, or WITH and SELECT",
            Self::Empty => "write SELECT and as many columns as the rule has types",
        }
    }
}

impl Statement {
    /// Reads the SQL of a rule.
    ///
    /// # Errors
    /// [`SqlSyntax`].
    pub fn parse(text: &str, dialect: Dialect) -> Result<Self, SqlSyntax> {
        let mut reader =
            Reader { text, dialect, at: 0, sql: String::with_capacity(text.len() + 8), parameters: Vec::new() };
        reader.read()?;
        Ok(Self { sql: reader.sql, parameters: reader.parameters })
    }

    /// The statement with the database's own parameters.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// For each parameter of the database, in order, the rule's parameter from 0.
    pub fn parameters(&self) -> &[usize] {
        &self.parameters
    }
}

struct Reader<'t> {
    text: &'t str,
    dialect: Dialect,
    at: usize,
    sql: String,
    parameters: Vec<usize>,
}

impl Reader<'_> {
    fn read(&mut self) -> Result<(), SqlSyntax> {
        let mut keyword = None;
        let mut ended = false;
        while let Some(c) = self.rest().chars().next() {
            let start = self.at;
            if let Some((place, end)) = self.enclosed() {
                if ended && place != COMMENT {
                    return Err(SqlSyntax { at: start, kind: SqlSyntaxKind::Several });
                }
                self.copy_enclosed(place, end)?;
                continue;
            }
            if c == ';' {
                ended = true;
                self.at += 1;
                continue;
            }
            if c.is_whitespace() {
                self.copy(c);
                continue;
            }
            if ended {
                return Err(SqlSyntax { at: start, kind: SqlSyntaxKind::Several });
            }
            if is_word(c) {
                let word = self.rest().split(|c| !is_word(c)).next().unwrap_or_default().to_owned();
                if keyword.is_none() {
                    self.first_word(&word)?;
                    keyword = Some(());
                }
                self.sql.push_str(&word);
                self.at += word.len();
                continue;
            }
            if let Some((index, length)) = super::super::query::placeholder(self.rest()) {
                self.parameter(index);
                self.at += length;
                continue;
            }
            if let Some(text) = self.native() {
                return Err(SqlSyntax { at: start, kind: SqlSyntaxKind::Native { text } });
            }
            self.copy(c);
            if matches!(c, '{' | '}') && self.rest().starts_with(c) {
                self.at += 1;
            }
        }
        keyword.ok_or(SqlSyntax { at: 0, kind: SqlSyntaxKind::Empty })
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn copy(&mut self, c: char) {
        self.sql.push(c);
        self.at += c.len_utf8();
    }

    fn first_word(&self, word: &str) -> Result<(), SqlSyntax> {
        let is = |list: &[&str]| list.iter().any(|known| known.eq_ignore_ascii_case(word));
        let keyword = word.to_owned();
        if is(&["SELECT", "WITH", "VALUES"]) || (self.dialect == Dialect::Postgresql && is(&["TABLE"])) {
            return Ok(());
        }
        let kind = if is(&["EXEC", "EXECUTE", "CALL"]) {
            SqlSyntaxKind::Procedure { keyword }
        } else {
            SqlSyntaxKind::NoQuery { keyword }
        };
        Err(SqlSyntax { at: self.at, kind })
    }

    /// What begins here and holds text: its name, and the octet after it, `None` when it does not end.
    fn enclosed(&self) -> Option<(&'static str, Option<usize>)> {
        let rest = self.rest();
        let mut characters = rest.chars();
        match (characters.next()?, characters.next()) {
            ('-', Some('-')) => Some((COMMENT, Some(rest.find('\n').map_or(self.text.len(), |at| self.at + at + 1)))),
            ('/', Some('*')) => Some((COMMENT, self.after_block_comment())),
            ('\'', _) => Some(("quotes", self.after_quote('\'', self.has_escapes()))),
            ('"', _) => Some(("double quotes", self.after_quote('"', false))),
            ('`', _) if self.dialect == Dialect::Sqlite => Some(("backticks", self.after_quote('`', false))),
            ('[', _) if self.dialect == Dialect::Sqlite => {
                Some(("brackets", rest.find(']').map(|at| self.at + at + 1)))
            }
            ('$', _) if self.dialect == Dialect::Postgresql => {
                let tag = rest.get(1..)?.split(|c| !is_word(c)).next()?;
                let open = rest.get(..tag.len() + 2).filter(|open| open.ends_with('$'))?;
                if tag.starts_with(|c: char| c.is_ascii_digit()) {
                    return None;
                }
                let end = rest.get(open.len()..)?.find(open).map(|at| self.at + at + 2 * open.len());
                Some(("dollar quotes", end))
            }
            _ => None,
        }
    }

    /// Whether backslashes escape in the quotes that begin here: `E'…'` of PostgreSQL.
    fn has_escapes(&self) -> bool {
        let mut before = self.text.get(..self.at).unwrap_or_default().chars().rev();
        self.dialect == Dialect::Postgresql
            && matches!(before.next(), Some('e' | 'E'))
            && !before.next().is_some_and(is_word)
    }

    fn after_quote(&self, quote: char, escapes: bool) -> Option<usize> {
        let mut characters = self.rest().char_indices().skip(1).peekable();
        while let Some((at, c)) = characters.next() {
            if escapes && c == '\\' {
                characters.next();
            } else if c == quote && characters.next_if(|(_, next)| *next == quote).is_none() {
                return Some(self.at + at + 1);
            }
        }
        None
    }

    /// PostgreSQL's comments nest.
    fn after_block_comment(&self) -> Option<usize> {
        let mut depth = 0_usize;
        let mut at = self.at;
        loop {
            let rest = self.text.get(at..)?;
            if rest.starts_with("/*") && (depth == 0 || self.dialect == Dialect::Postgresql) {
                depth += 1;
                at += 2;
            } else if rest.starts_with("*/") {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return Some(at);
                }
            } else {
                at += rest.chars().next()?.len_utf8();
            }
        }
    }

    /// Copies quoted text, with double braces made single as everywhere in a query. A comment becomes a blank.
    fn copy_enclosed(&mut self, place: &'static str, end: Option<usize>) -> Result<(), SqlSyntax> {
        let Some(end) = end else { return Err(SqlSyntax { at: self.at, kind: SqlSyntaxKind::Open { place } }) };
        while self.at < end {
            if let Some((index, _)) = super::super::query::placeholder(self.rest()) {
                return Err(SqlSyntax { at: self.at, kind: SqlSyntaxKind::Quoted { index, place } });
            }
            let Some(c) = self.rest().chars().next() else { break };
            if place == COMMENT {
                self.at += c.len_utf8();
            } else {
                self.copy(c);
            }
            if matches!(c, '{' | '}') && self.rest().starts_with(c) {
                self.at += 1;
            }
        }
        if place == COMMENT {
            self.sql.push(' ');
        }
        Ok(())
    }

    fn parameter(&mut self, index: usize) {
        let known = self.parameters.iter().position(|known| *known == index);
        let number = known.unwrap_or_else(|| {
            self.parameters.push(index);
            self.parameters.len() - 1
        });
        let sign = match self.dialect {
            Dialect::Postgresql => '$',
            Dialect::Sqlite => '?',
        };
        let _ = write!(self.sql, "{sign}{}", number + 1);
    }

    /// A parameter in the database's own notation.
    fn native(&self) -> Option<String> {
        let rest = self.rest();
        let sign = rest.chars().next()?;
        let word: String = rest.get(sign.len_utf8()..)?.chars().take_while(|c| is_word(*c)).collect();
        let before = self.text.get(..self.at).unwrap_or_default().chars().next_back();
        let is_parameter = match self.dialect {
            Dialect::Postgresql => sign == '$' && word.starts_with(|c: char| c.is_ascii_digit()),
            Dialect::Sqlite => sign == '?' || (matches!(sign, ':' | '@' | '$') && !word.is_empty()),
        };
        (is_parameter && !before.is_some_and(is_word)).then(|| format!("{sign}{word}"))
    }
}

/// A character of a name or number.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

const COMMENT: &str = "a comment";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str, dialect: Dialect) -> Result<(String, Vec<usize>), SqlSyntaxKind> {
        let statement = Statement::parse(text, dialect).map_err(|error| error.kind)?;
        Ok((statement.sql().to_owned(), statement.parameters().to_vec()))
    }

    #[test]
    fn placeholders_become_parameters() {
        use Dialect::{Postgresql, Sqlite};
        for (text, dialect, sql, parameters) in [
            ("SELECT a FROM t WHERE b = {0}", Postgresql, "SELECT a FROM t WHERE b = $1", &[0][..]),
            ("SELECT {1}, {0}, {1}", Postgresql, "SELECT $1, $2, $1", &[1, 0]),
            ("SELECT {1}, {0}, {1}", Sqlite, "SELECT ?1, ?2, ?1", &[1, 0]),
            ("select '{{0}}', '{\"a\": 1}'", Postgresql, "select '{0}', '{\"a\": 1}'", &[]),
            ("SELECT 'it''s' || {0};  ", Postgresql, "SELECT 'it''s' || $1  ", &[0]),
            ("SELECT E'\\'' || {0}", Postgresql, "SELECT E'\\'' || $1", &[0]),
            // Without E the backslash is a character, so the quotes end at the second quote.
            ("SELECT name'\\' || {0}", Postgresql, "SELECT name'\\' || $1", &[0]),
            ("SELECT $a$it's$a$ || {0}", Postgresql, "SELECT $a$it's$a$ || $1", &[0]),
            ("/* one /* two */ */ SELECT {0} -- end", Postgresql, "  SELECT $1  ", &[0]),
            ("(SELECT a[1] FROM t WHERE j ? {0})", Postgresql, "(SELECT a[1] FROM t WHERE j ? $1)", &[0]),
            ("SELECT x::text FROM t WHERE y @> {0}", Postgresql, "SELECT x::text FROM t WHERE y @> $1", &[0]),
            ("SELECT [a'b], `c\"` FROM t WHERE d = {0}", Sqlite, "SELECT [a'b], `c\"` FROM t WHERE d = ?1", &[0]),
            ("WITH q AS (SELECT 1) SELECT * FROM q", Sqlite, "WITH q AS (SELECT 1) SELECT * FROM q", &[]),
        ] {
            assert_eq!(read(text, dialect), Ok((sql.to_owned(), parameters.to_vec())), "{text}");
        }
    }

    #[test]
    fn what_is_no_reading_statement_is_refused_with_its_place() {
        use Dialect::{Postgresql, Sqlite};
        let quoted = |index, place| SqlSyntaxKind::Quoted { index, place };
        for (text, dialect, at, kind) in [
            ("SELECT a FROM t WHERE b = '{0}'", Postgresql, 27, quoted(0, "quotes")),
            ("SELECT a FROM t WHERE b LIKE '%{12}%'", Sqlite, 31, quoted(12, "quotes")),
            ("SELECT \"{0}\"", Postgresql, 8, quoted(0, "double quotes")),
            ("SELECT $$ {0} $$", Postgresql, 10, quoted(0, "dollar quotes")),
            ("SELECT [{0}]", Sqlite, 8, quoted(0, "brackets")),
            ("SELECT `{0}`", Sqlite, 8, quoted(0, "backticks")),
            ("SELECT 1 -- {0}", Postgresql, 12, quoted(0, COMMENT)),
            ("SELECT 1 /* {0} */", Postgresql, 12, quoted(0, COMMENT)),
            ("SELECT E'\\'{0}'", Postgresql, 11, quoted(0, "quotes")),
            ("SELECT 'a", Postgresql, 7, SqlSyntaxKind::Open { place: "quotes" }),
            ("SELECT /* a", Sqlite, 7, SqlSyntaxKind::Open { place: COMMENT }),
            ("SELECT 1; DELETE FROM t", Sqlite, 10, SqlSyntaxKind::Several),
            ("SELECT 1; 'x'", Sqlite, 10, SqlSyntaxKind::Several),
            ("SELECT $1", Postgresql, 7, SqlSyntaxKind::Native { text: "$1".into() }),
            ("SELECT ?", Sqlite, 7, SqlSyntaxKind::Native { text: "?".into() }),
            ("SELECT :name", Sqlite, 7, SqlSyntaxKind::Native { text: ":name".into() }),
            ("EXEC [dbo].[GetRole] @Id = {0}", Postgresql, 0, SqlSyntaxKind::Procedure { keyword: "EXEC".into() }),
            ("DELETE FROM t", Postgresql, 0, SqlSyntaxKind::NoQuery { keyword: "DELETE".into() }),
            ("PRAGMA journal_mode", Sqlite, 0, SqlSyntaxKind::NoQuery { keyword: "PRAGMA".into() }),
            (" ; ", Sqlite, 0, SqlSyntaxKind::Empty),
        ] {
            assert_eq!(Statement::parse(text, dialect), Err(SqlSyntax { at, kind }), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(SELECT|[-a-z0-9 {}'\"$/*;\\[\\]`E\\\\é?:@]){0,40}") {
            for dialect in [Dialect::Postgresql, Dialect::Sqlite] {
                if let Err(error) = Statement::parse(&text, dialect) {
                    prop_assert!(text.is_char_boundary(error.at));
                }
            }
        }
    }
}
