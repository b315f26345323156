//! LDAP stores: any directory that is not the forest itself, asked by `filter;attributes` (claims.md 3.3).

use std::sync::Arc;

use super::active_directory::attribute_rows;
use super::active_directory::escape_filter_value;
use super::query::{Piece, QueryText};
use super::{AttributeStore, QueryContext, Rows, StoreError, StoreQuery};
use crate::claims::Text;
use crate::directory::ldap::LdapSource;
use crate::directory::{AttributeName, DirectoryError};

/// Answers from one LDAP directory.
pub struct LdapStore {
    source: Arc<LdapSource>,
}

impl LdapStore {
    /// A store over this directory.
    pub const fn new(source: Arc<LdapSource>) -> Self {
        Self { source }
    }
}

#[async_trait::async_trait]
impl AttributeStore for LdapStore {
    async fn query(&self, _: &QueryContext<'_>, query: &StoreQuery, params: &[Text]) -> Result<Rows, StoreError> {
        let parsed = LdapQuery::parse(query.text()).map_err(|error| StoreError::Query { reason: error.to_string() })?;
        if parsed.attributes.len() != query.columns() {
            return Err(StoreError::Columns { expected: query.columns(), found: parsed.attributes.len() });
        }
        let filter = parsed.filter.substitute(params, escape_filter_value);
        let found = self.source.search(&filter, &parsed.attributes).await.map_err(|error| match error {
            DirectoryError::Unavailable { reason, .. } => StoreError::Unavailable { reason },
            DirectoryError::Refused { server, reason } => {
                StoreError::Failed { reason: format!("{server} refused the query: {reason}") }
            }
            error => StoreError::Failed { reason: error.to_string() },
        })?;
        if found.is_empty() {
            tracing::warn!(store = &**query.store(), "no object matches this claim rule's query");
        }
        let rows = found.iter().flat_map(|attributes| {
            let columns: Vec<Vec<Text>> = parsed
                .attributes
                .iter()
                .map(|name| attributes.values(name).iter().map(|value| Text::from(value.to_claim_value())).collect())
                .collect();
            attribute_rows(&columns)
        });
        Ok(Rows(rows.collect()))
    }
}

impl std::fmt::Debug for LdapStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LdapStore").finish_non_exhaustive()
    }
}

/// `filter;attribute,attribute`, cut before any parameter is put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LdapQuery {
    filter: QueryText,
    attributes: Vec<AttributeName>,
    /// A part that looks like the account part of an Active Directory query; it means nothing here.
    ignored: Option<String>,
}

/// Why a text is no LDAP query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LdapQuerySyntax {
    /// There is no filter.
    #[error("an LDAP query begins with a filter, as in uid={{0}};mail")]
    NoFilter,
    /// The filter is none.
    #[error("'{filter}' is no LDAP filter")]
    Filter {
        /// The text found.
        filter: String,
    },
    /// An attribute name is empty or no name.
    #[error("'{name}' is no attribute name")]
    Attribute {
        /// The text found.
        name: String,
    },
}

impl LdapQuery {
    /// Reads a query. Attributes are separated by `,` or `;`.
    ///
    /// # Errors
    /// [`LdapQuerySyntax`].
    pub fn parse(text: &str) -> Result<Self, LdapQuerySyntax> {
        let (filter, rest) = text.split_once(';').unwrap_or((text, ""));
        let filter = filter.trim();
        if filter.is_empty() {
            return Err(LdapQuerySyntax::NoFilter);
        }
        let filter = read_filter(filter).ok_or_else(|| LdapQuerySyntax::Filter { filter: filter.to_owned() })?;
        let mut parts: Vec<&str> = rest.split(';').map(str::trim).collect();
        if parts.len() > 1 && parts.last().is_some_and(|part| part.is_empty()) {
            parts.pop();
        }
        // `…;{0}` or `…;CORP\user`: copied from a query to Active Directory.
        let names_account = |part: &&str| {
            part.contains('\\')
                || QueryText::parse(part).pieces().iter().any(|piece| matches!(piece, Piece::Parameter(_)))
        };
        let ignored = parts.pop_if(|part| names_account(&&**part)).map(str::to_owned);
        let attributes = parts
            .iter()
            .flat_map(|part| part.split(','))
            .map(|name| {
                let name = name.trim();
                if is_attribute_name(name) {
                    Ok(AttributeName::new(name))
                } else {
                    Err(LdapQuerySyntax::Attribute { name: name.to_owned() })
                }
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { filter, attributes, ignored })
    }

    /// How many columns the answer has.
    pub const fn columns(&self) -> usize {
        self.attributes.len()
    }

    /// A last part that means something to Active Directory only.
    pub fn ignored(&self) -> Option<&str> {
        self.ignored.as_deref()
    }
}

/// An RFC 4515 filter with placeholders; `None` when the text is none. Outer parentheses may be left out, and blanks may stand
/// where Windows takes them: around names, values and parentheses.
pub(super) fn read_filter(text: &str) -> Option<QueryText> {
    let text = text.trim();
    let wrapped = if text.starts_with('(') { text.to_owned() } else { format!("({text})") };
    let filter = QueryText::parse(&without_blanks(&wrapped));
    let highest = filter.highest_placeholder().map_or(0, |highest| highest.saturating_add(1)).min(MAX_PARAMETERS);
    let sample = filter.substitute(&vec![Text::from("x"); highest], |value, out| out.push_str(value));
    ldap3::parse_filter(sample).is_ok().then_some(filter)
}

fn without_blanks(filter: &str) -> String {
    let mut out = String::with_capacity(filter.len());
    let mut rest = filter;
    while let Some(at) = rest.find(['(', ')']) {
        let (item, tail) = rest.split_at(at);
        let (name, value) = item.split_once('=').map_or((item, None), |(name, value)| (name, Some(value)));
        out.push_str(name.trim());
        if let Some(value) = value {
            out.push('=');
            out.push_str(value.trim());
        }
        out.push_str(tail.get(..1).unwrap_or_default());
        rest = tail.get(1..).unwrap_or_default();
    }
    out.push_str(rest.trim());
    out
}

/// RFC 4512: a name or an object identifier.
pub(super) fn is_attribute_name(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    !name.is_empty() && name.len() <= MAX_NAME && name.chars().all(legal)
}

const MAX_NAME: usize = 256;
const MAX_PARAMETERS: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read() {
        for (text, filter, attributes, ignored) in [
            ("uid={0};mail", "(uid=x)", &["mail"][..], None),
            ("(&(uid={0})(ou={1}));mail, cn", "(&(uid=x)(ou=x))", &["mail", "cn"], None),
            (" ( & ( uid = {0} ) (!(ou= a b )) ) ;mail", "(&(uid=x)(!(ou=a b)))", &["mail"], None),
            ("sAMAccountName={0};title;displayname", "(sAMAccountName=x)", &["title", "displayname"], None),
            ("uid={0};mail;{0}", "(uid=x)", &["mail"], Some("{0}")),
            ("uid={0};mail;CORP\\user;", "(uid=x)", &["mail"], Some("CORP\\user")),
        ] {
            let query = LdapQuery::parse(text).unwrap();
            let sample = query.filter.substitute(&["x".into(), "x".into()], |value, out| out.push_str(value));
            assert_eq!(sample, filter, "{text}");
            assert_eq!(query.attributes.iter().map(AttributeName::as_str).collect::<Vec<_>>(), attributes, "{text}");
            assert_eq!(query.ignored(), ignored, "{text}");
        }
        for text in
            ["", ";mail", "uid={0}", "uid={0};", "uid={0};ma il", "(uid={0};mail", "uid;mail", "uid={0};mail,,cn"]
        {
            assert!(LdapQuery::parse(text).is_err(), "{text}");
        }
    }
}
