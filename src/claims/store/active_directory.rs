//! The `Active Directory` store: `filter;attributes;domain\account` (claims.md 3.2).
//!
//! The account that signs in is asked for by its SID, never by its name, so a rename or a look-alike changes nothing and
//! its `objectGUID` comes from memory. Everything else is a search whose parameters are escaped for LDAP.

mod groups;
mod syntax;

use std::sync::Arc;

pub use syntax::{AccountQuery, Column, GroupForm, QuerySyntax};

use super::{AttributeStore, QueryContext, Rows, StoreError, StoreQuery};
use crate::claims::Text;
use crate::directory::{AttributeName, Attributes, Directory, DirectoryError, Sid};
use groups::GroupNames;

/// The name the store has in AD FS.
pub const NAME: &str = "Active Directory";

/// Answers from the configured forest.
pub struct ActiveDirectoryStore {
    directory: Arc<dyn Directory>,
    groups: GroupNames,
}

impl ActiveDirectoryStore {
    /// A store over this directory.
    pub fn new(directory: Arc<dyn Directory>) -> Self {
        Self { groups: GroupNames::new(directory.clone()), directory }
    }

    /// Attributes of one object known by SID; `None` when the directory has no such object.
    async fn by_sid(&self, sid: &Sid, query: &AccountQuery) -> Result<Rows, StoreError> {
        let names: Vec<AttributeName> =
            query.attributes().filter(|name| name.as_str() != OBJECT_GUID).cloned().collect();
        let found =
            if names.is_empty() { Ok(Attributes::default()) } else { self.directory.attributes(sid, &names).await };
        let attributes = match found {
            Err(DirectoryError::NotFound { key }) => {
                tracing::warn!(%key, "the directory has no object for this claim rule's query");
                return Ok(Rows::none());
            }
            found => found?,
        };
        self.rows(Some(*sid), &attributes, query).await
    }

    /// One object's rows: as many as its longest column has values.
    async fn rows(&self, sid: Option<Sid>, attributes: &Attributes, query: &AccountQuery) -> Result<Rows, StoreError> {
        let mut columns: Vec<Vec<Text>> = Vec::with_capacity(query.columns());
        for column in query.column_list() {
            columns.push(match (column, sid) {
                // Known by SID: the GUID never changes and is remembered for good.
                (Column::Attribute(name), Some(sid)) if name.as_str() == OBJECT_GUID => {
                    match self.directory.object_guid(&sid).await {
                        Ok(guid) => vec![guid.to_base64().into()],
                        Err(DirectoryError::NotFound { .. }) => Vec::new(),
                        Err(error) => return Err(error.into()),
                    }
                }
                (Column::Attribute(name), _) => {
                    attributes.values(name).iter().map(|value| Text::from(value.to_claim_value())).collect()
                }
                (Column::Groups(form), Some(sid)) => self.groups.of(&sid, *form).await?,
                (Column::Groups(_), None) => Vec::new(),
            });
        }
        Ok(Rows(attribute_rows(&columns).collect()))
    }

    /// A search with the query's filter, or by name where it has none.
    async fn by_filter(&self, query: &AccountQuery, params: &[Text]) -> Result<Rows, StoreError> {
        let account = query.account().substitute(params, |value, out| out.push_str(value));
        let (domain, name) = split_account(&account).ok_or_else(|| StoreError::Account { account: account.clone() })?;
        let filter = if let Some(filter) = query.filter() {
            filter.substitute(params, escape_filter_value)
        } else {
            let mut filter = String::from("(sAMAccountName=");
            escape_filter_value(name, &mut filter);
            filter.push(')');
            filter
        };
        let mut names: Vec<AttributeName> = query.attributes().cloned().collect();
        let wants_groups = query.column_list().iter().any(|column| matches!(column, Column::Groups(_)));
        let object_sid = AttributeName::new("objectSid");
        if wants_groups && !names.contains(&object_sid) {
            names.push(object_sid.clone());
        }
        let found = self.directory.search(domain, &filter, &names).await?;
        if found.is_empty() {
            tracing::warn!(domain, "no object matches this claim rule's query");
        }
        let mut all = Vec::new();
        for attributes in &found {
            if !wants_groups {
                all.extend(self.rows(None, attributes, query).await?.0);
                continue;
            }
            let sid = groups::sid_of(attributes, &object_sid);
            all.extend(self.rows(sid, attributes, query).await?.0);
        }
        Ok(Rows(all))
    }
}

impl std::fmt::Debug for ActiveDirectoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ActiveDirectoryStore").finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl AttributeStore for ActiveDirectoryStore {
    async fn query(&self, cx: &QueryContext<'_>, query: &StoreQuery, params: &[Text]) -> Result<Rows, StoreError> {
        let parsed = query.account_query().map_err(|error| StoreError::Query { reason: error.to_string() })?;
        if parsed.columns() != query.columns() {
            return Err(StoreError::Columns { expected: query.columns(), found: parsed.columns() });
        }
        match cx.subject {
            Some(subject) if parsed.names(subject.windows_account_name, params) => {
                self.by_sid(subject.sid, parsed).await
            }
            _ => self.by_filter(parsed, params).await,
        }
    }
}

/// The rows of one object: as many as its longest column has values; shorter columns end in no value.
pub(super) fn attribute_rows(columns: &[Vec<Text>]) -> impl Iterator<Item = Vec<Option<Text>>> + use<> {
    let height = columns.iter().map(Vec::len).max().unwrap_or(0);
    let row = |index: usize| columns.iter().map(|column| column.get(index).cloned()).collect();
    (0..height).map(row).collect::<Vec<_>>().into_iter()
}

/// `CORP\alice` or `alice@corp.example`: domain and account.
fn split_account(account: &str) -> Option<(&str, &str)> {
    let (domain, name) = match account.split_once('\\') {
        Some(parts) => parts,
        None => account.rsplit_once('@').map(|(name, domain)| (domain, name))?,
    };
    let (domain, name) = (domain.trim(), name.trim());
    (!domain.is_empty() && !name.is_empty()).then_some((domain, name))
}

/// RFC 4515 section 3: what would end or change the filter is written as `\xx`, and so are control characters.
pub(super) fn escape_filter_value(value: &str, out: &mut String) {
    use std::fmt::Write as _;
    for c in value.chars() {
        if matches!(c, '*' | '(' | ')' | '\\') || c.is_ascii_control() {
            let _ = write!(out, "\\{:02x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
}

const OBJECT_GUID: &str = "objectguid";

#[cfg(test)]
mod tests;
