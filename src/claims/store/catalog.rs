//! Which stores there are and what language each is asked in: so that rules are checked when they are loaded, not when somebody
//! signs in.
//!
//! Knows the configured names; opens no connection.

use std::collections::HashMap;

use super::active_directory::AccountQuery;
use super::ldap::LdapQuery;
use super::opaque_id::{self, OpaqueIdQuery};
use super::password_expiry;
use super::proxy_credential;
use super::sql::{Dialect, Statement};
use super::string_processing::{self, StringFunction};
use super::{StoreError, active_directory, key};
use crate::claims::language::{self, Form, Literal, Location, ParseOptions, Span, StoreCall};

/// How a store is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryLanguage {
    /// `filter;attributes;domain\account`
    ActiveDirectory,
    /// `filter;attributes`
    Ldap,
    /// A `SELECT`.
    Sql(Dialect),
    /// `toUpper`, `toLower`, `base64`
    StringProcessing,
    /// Anything; the parameter says what is wanted.
    PasswordExpiry,
    /// `{0};{1};{2}` or `{0};{1};{2};{3};{4}`
    OpaqueId,
    /// Anything; never answered with rows.
    ProxyCredential,
}

/// The stores that rules may name.
#[derive(Debug, Clone)]
pub struct StoreCatalog {
    stores: HashMap<String, (String, QueryLanguage)>,
}

/// A store rule that cannot work, or not as it was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreProblem {
    /// The place in the rule text.
    pub span: Span,
    /// The same place for people.
    pub location: Location,
    /// Whether the rules can be used in spite of it.
    pub is_warning: bool,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl StoreCatalog {
    /// The stores of every installation.
    pub fn built_in() -> Self {
        let mut catalog = Self { stores: HashMap::new() };
        for (name, language) in [
            (active_directory::NAME, QueryLanguage::ActiveDirectory),
            (password_expiry::NAME, QueryLanguage::PasswordExpiry),
            (proxy_credential::NAME, QueryLanguage::ProxyCredential),
            (string_processing::NAME, QueryLanguage::StringProcessing),
        ] {
            catalog.add(name, language);
        }
        catalog
    }

    /// Adds a store; false when there is one of that name already.
    pub fn add(&mut self, name: &str, language: QueryLanguage) -> bool {
        let free = !self.stores.contains_key(&key(name));
        if free {
            self.stores.insert(key(name), (name.trim().to_owned(), language));
        }
        free
    }

    /// How the store of this name is asked; `None` when there is none.
    pub fn language(&self, name: &str) -> Option<QueryLanguage> {
        self.stores.get(&key(name)).map(|(_, language)| *language)
    }

    /// The names, in order.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.stores.values().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// Every store rule of a rule text that asks a store which is not there, or asks it in a way that it does not understand.
    /// Text that is no rule set has none: its problems are the parser's.
    pub fn check(&self, rules: &str) -> Vec<StoreProblem> {
        let Ok((rules, _)) = language::parse(rules, ParseOptions::default()) else { return Vec::new() };
        let mut problems = Vec::new();
        for rule in &rules.rules {
            if let Form::Store(call) = &rule.action.form {
                self.check_call(call, &mut |span: Span, is_warning, message: String, help: String| {
                    let location = Location::of(&rules.text, u32::try_from(span.range().start).unwrap_or(u32::MAX));
                    problems.push(StoreProblem { span, location, is_warning, message, help });
                });
            }
        }
        problems
    }

    fn check_call(&self, call: &StoreCall, report: &mut dyn FnMut(Span, bool, String, String)) {
        let query = &*call.query.text;
        let columns = call.types.len();
        let Some(language) = self.language(&call.store.text) else {
            let store = call.store.text.trim();
            let (message, help) = if store.eq_ignore_ascii_case(opaque_id::NAME) {
                (
                    format!("the attribute store `{store}` has no secret"),
                    String::from("name one in `[opaque_ids]` of chancery.toml: `secret_file = \"opaque-id-secret\"`"),
                )
            } else {
                (
                    format!("there is no attribute store `{store}` (POLICY0017, unknown-store)"),
                    format!(
                        "the stores are {}; `[[attribute_stores]]` of chancery.toml adds one",
                        self.names().join(", ")
                    ),
                )
            };
            report(call.store.span, false, message, help);
            return;
        };
        match language {
            QueryLanguage::ActiveDirectory => match AccountQuery::parse(query) {
                // That the number of columns fits is looked at where rules are compiled.
                Ok(_) => {}
                Err(error) => report(
                    call.query.span,
                    false,
                    error.to_string(),
                    String::from("write filter;attributes;domain\\account, as in ;mail,title;{0}"),
                ),
            },
            QueryLanguage::Ldap => match LdapQuery::parse(query) {
                Ok(parsed) => {
                    if let Some(ignored) = parsed.ignored() {
                        report(
                            call.query.span,
                            true,
                            format!("the part `{ignored}` means nothing to an LDAP store and is left out"),
                            String::from("an LDAP query is filter;attributes"),
                        );
                    }
                    width(call, parsed.columns(), report);
                }
                Err(error) => report(
                    call.query.span,
                    false,
                    error.to_string(),
                    String::from("write filter;attributes, as in uid={0};mail,title"),
                ),
            },
            QueryLanguage::Sql(dialect) => {
                if let Err(error) = Statement::parse(query, dialect) {
                    let help = error.kind.help().to_owned();
                    report(within(&call.query, error.at), false, error.to_string(), help);
                }
            }
            QueryLanguage::StringProcessing => {
                if let Err(StoreError::Query { reason }) = StringFunction::parse(query) {
                    report(call.query.span, false, reason, String::from("names are compared character by character"));
                } else if call.params.len() != 1 {
                    let message = format!("one param is needed, there are {}", call.params.len());
                    report(call.query.span, false, message, String::from("add `, param = c.Value`"));
                }
                width(call, 1, report);
            }
            QueryLanguage::PasswordExpiry => {
                if columns > password_expiry::COLUMNS {
                    width(call, password_expiry::COLUMNS, report);
                }
            }
            QueryLanguage::OpaqueId => {
                if let Err(StoreError::Query { reason }) = OpaqueIdQuery::parse(query) {
                    report(call.query.span, false, reason, String::from("write {0};{1};{2}"));
                }
                width(call, 1, report);
            }
            QueryLanguage::ProxyCredential => {
                if !proxy_credential::QUERIES.iter().any(|known| query.trim().starts_with(known)) {
                    report(
                        call.query.span,
                        true,
                        format!("`{query}` is no question AD FS' proxies are known by"),
                        format!(
                            "they are {}; all are answered without rows here",
                            proxy_credential::QUERIES.join(", ")
                        ),
                    );
                }
            }
        }
    }
}

/// A warning when the query yields another number of columns than the rule has types: AD FS takes such rules, and fails when
/// they act.
fn width(call: &StoreCall, found: usize, report: &mut dyn FnMut(Span, bool, String, String)) {
    if found != call.types.len() {
        let message = format!("the query yields {found} columns, the rule has {} claim types", call.types.len());
        report(call.query.span, true, message, String::from("each column fills one of `types`, in their order"));
    }
}

/// The place of the octet `at` of a literal's text.
fn within(literal: &Literal, at: usize) -> Span {
    let start = literal.span.range().start + 1 + at;
    let length = literal.text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span { start: offset(start), end: offset(start + length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog() -> StoreCatalog {
        let mut catalog = StoreCatalog::built_in();
        assert!(catalog.add("HR", QueryLanguage::Sql(Dialect::Postgresql)));
        assert!(catalog.add("AD LDS", QueryLanguage::Ldap));
        assert!(!catalog.add(" active directory ", QueryLanguage::Ldap), "names compare without case and blanks");
        catalog
    }

    fn rules(store: &str, types: &str, query: &str) -> String {
        let call = format!("store = \"{store}\", types = ({types}), query = \"{query}\", param = c.Value");
        format!("=> issue(Type = \"a\");\n c:[] => issue({call});")
    }

    #[test]
    fn rules_that_work_have_no_problem() {
        for (store, types, query) in [
            ("Active Directory", "\"a\", \"b\"", ";mail,tokenGroups(SID);{0}"),
            ("ACTIVE DIRECTORY ", "\"a\"", "mail={0};mail;{0}"),
            ("hr", "\"a\"", "SELECT r FROM t WHERE u = {0}"),
            ("AD LDS", "\"a\"", "uid={0};mail"),
            ("StringProcessing", "\"a\"", "toUpper"),
            ("_PasswordExpiryStore", "\"a\", \"b\", \"c\"", "{0};"),
            ("_ProxyCredentialStore", "\"a\"", "isProxySid({0})"),
        ] {
            assert_eq!(catalog().check(&rules(store, types, query)), [], "{store} {query}");
        }
        assert!(catalog().check("no rules").is_empty());
    }

    #[test]
    fn rules_that_cannot_work_are_named_with_their_place() {
        for (store, types, query, at, message) in [
            ("HRR", "\"a\"", "x", "\"HRR", "there is no attribute store `HRR` (POLICY0017, unknown-store)"),
            ("_OpaqueIdStore", "\"a\"", "{0};{0};{0}", "\"_Op", "the attribute store `_OpaqueIdStore` has no secret"),
            (
                "Active Directory",
                "\"a\"",
                ";mail",
                "\";mail",
                "an Active Directory query has three parts, filter;attributes;domain\\account, not 2",
            ),
            ("AD LDS", "\"a\"", ";mail", "\";mail", "an LDAP query begins with a filter, as in uid={0};mail"),
            (
                "HR",
                "\"a\"",
                "SELECT '{0}'",
                "{0}'",
                "the placeholder {0} stands inside quotes, where it would be text and no parameter",
            ),
            (
                "HR",
                "\"a\"",
                "EXEC p {0}",
                "EXEC",
                "`EXEC` runs a stored procedure, as Microsoft SQL Server has them; this store only reads",
            ),
            (
                "StringProcessing",
                "\"a\"",
                "toupper",
                "\"toupper",
                "there is no function 'toupper'; there are toUpper, toLower and base64",
            ),
        ] {
            let text = rules(store, types, query);
            let found = catalog().check(&text);
            assert_eq!(found.len(), 1, "{store} {query}: {found:?}");
            assert!(!found[0].is_warning, "{found:?}");
            assert_eq!(found[0].message, message);
            assert_eq!(found[0].location.line, 2);
            assert_eq!(text.find(at), Some(found[0].span.range().start), "{store} {query}");
            let column = text.lines().nth(1).unwrap().find(at).unwrap() + 1;
            assert_eq!(found[0].location.column as usize, column, "{store} {query}");
        }
    }

    #[test]
    fn rules_that_fail_only_when_they_act_are_warned_of() {
        for (store, types, query, message) in [
            ("AD LDS", "\"a\"", "uid={0};mail;{0}", "the part `{0}` means nothing to an LDAP store and is left out"),
            ("AD LDS", "\"a\"", "uid={0};mail,cn", "the query yields 2 columns, the rule has 1 claim types"),
            ("StringProcessing", "\"a\", \"b\"", "toUpper", "the query yields 1 columns, the rule has 2 claim types"),
            (
                "_ProxyCredentialStore",
                "\"a\"",
                "isAdmin({0})",
                "`isAdmin({0})` is no question AD FS' proxies are known by",
            ),
        ] {
            let found = catalog().check(&rules(store, types, query));
            let found: Vec<_> = found.iter().map(|problem| (problem.is_warning, problem.message.as_str())).collect();
            assert_eq!(found, [(true, message)], "{store} {query}");
        }
    }
}
