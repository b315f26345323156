//! The text form of an Active Directory query, cut before any parameter is put in: values may hold `;`.

use crate::claims::Text;
use crate::claims::store::ldap::{is_attribute_name, read_filter};
use crate::claims::store::query::{Piece, QueryText};
use crate::directory::AttributeName;

/// A query of three parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountQuery {
    filter: Option<QueryText>,
    columns: Vec<Column>,
    account: QueryText,
    /// The filter is `samAccountName={n}` with this parameter.
    by_name: Option<usize>,
}

/// What fills a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Column {
    /// The values of an attribute.
    Attribute(AttributeName),
    /// The account's security groups, nested ones too.
    Groups(GroupForm),
}

/// How `tokenGroups` writes groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupForm {
    /// `Sales`
    Name,
    /// `CORP\Sales`
    DomainQualified,
    /// `corp.example\Sales`
    LongDomainQualified,
    /// `S-1-5-21-…-1110`
    Sid,
}

/// Why a text is no Active Directory query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuerySyntax {
    /// It has not three parts.
    #[error("an Active Directory query has three parts, filter;attributes;domain\\account, not {found}")]
    Parts {
        /// How many it has.
        found: usize,
    },
    /// An attribute name is empty or no name.
    #[error("'{name}' is no attribute name")]
    Attribute {
        /// The text found.
        name: String,
    },
    /// The filter is none.
    #[error("'{filter}' is no LDAP filter")]
    Filter {
        /// The text found.
        filter: String,
    },
    /// `tokenGroups(…)` with an unknown form.
    #[error("unknown form '{form}' of tokenGroups; there are SID, domainQualifiedName and longDomainQualifiedName")]
    GroupForm {
        /// The text found.
        form: String,
    },
    /// The third part is empty.
    #[error("the third part must name the account or its domain, as in {{0}}")]
    NoAccount,
}

impl AccountQuery {
    /// Reads a query.
    ///
    /// # Errors
    /// [`QuerySyntax`]
    pub fn parse(text: &str) -> Result<Self, QuerySyntax> {
        let parts: Vec<&str> = text.split(';').map(str::trim).collect();
        // A `;` behind the third part is seen in practice.
        let (filter, attributes, account) = match parts.as_slice() {
            [filter, attributes, account] | [filter, attributes, account, ""] => (*filter, *attributes, *account),
            _ => return Err(QuerySyntax::Parts { found: parts.len() }),
        };
        if account.is_empty() {
            return Err(QuerySyntax::NoAccount);
        }
        let columns = attributes.split(',').map(|name| column(name.trim())).collect::<Result<Vec<_>, _>>()?;
        let filter = match filter {
            "" => None,
            text => Some(read_filter(text).ok_or_else(|| QuerySyntax::Filter { filter: text.to_owned() })?),
        };
        let by_name = filter.as_ref().and_then(name_parameter);
        Ok(Self { filter, columns, account: QueryText::parse(account), by_name })
    }

    /// How many columns the answer has.
    pub const fn columns(&self) -> usize {
        self.columns.len()
    }

    /// What fills each column.
    pub fn column_list(&self) -> &[Column] {
        &self.columns
    }

    /// The attributes asked for, in order.
    pub fn attributes(&self) -> impl Iterator<Item = &AttributeName> {
        self.columns.iter().filter_map(|column| match column {
            Column::Attribute(name) => Some(name),
            Column::Groups(_) => None,
        })
    }

    /// The LDAP filter, in parentheses; without one the account of the third part is meant.
    pub const fn filter(&self) -> Option<&QueryText> {
        self.filter.as_ref()
    }

    /// The third part.
    pub const fn account(&self) -> &QueryText {
        &self.account
    }

    /// Whether the query asks for exactly this account (`CORP\alice`): by its third part alone, or by
    /// `samAccountName={n}` with its own name.
    pub fn names(&self, windows_account_name: &str, params: &[Text]) -> bool {
        let account = self.account.substitute(params, |value, out| out.push_str(value));
        if !account.trim().eq_ignore_ascii_case(windows_account_name) {
            return false;
        }
        match (&self.filter, self.by_name) {
            (None, _) => true,
            (Some(_), Some(index)) => {
                let own = windows_account_name.split_once('\\').map_or(windows_account_name, |(_, name)| name);
                params.get(index).is_some_and(|value| value.eq_ignore_ascii_case(own))
            }
            (Some(_), None) => false,
        }
    }
}

/// The parameter of `(samAccountName={n})`.
fn name_parameter(filter: &QueryText) -> Option<usize> {
    let [Piece::Literal(head), Piece::Parameter(index), Piece::Literal(tail)] = filter.pieces() else { return None };
    let head = head.trim_start_matches(['(', ' ']).trim_end();
    let attribute = head.strip_suffix('=')?.trim_end();
    (attribute.eq_ignore_ascii_case("sAMAccountName") && tail.trim() == ")").then_some(*index)
}

fn column(name: &str) -> Result<Column, QuerySyntax> {
    const GROUPS: &str = "tokenGroups";
    if let Some(rest) = name.get(..GROUPS.len()).filter(|head| head.eq_ignore_ascii_case(GROUPS)) {
        let rest = name.get(rest.len()..).unwrap_or_default().trim();
        if rest.is_empty() {
            return Ok(Column::Groups(GroupForm::Name));
        }
        if let Some(form) = rest.strip_prefix('(').and_then(|form| form.strip_suffix(')')) {
            return match form.trim().to_ascii_lowercase().as_str() {
                "sid" => Ok(Column::Groups(GroupForm::Sid)),
                "domainqualifiedname" => Ok(Column::Groups(GroupForm::DomainQualified)),
                "longdomainqualifiedname" => Ok(Column::Groups(GroupForm::LongDomainQualified)),
                _ => Err(QuerySyntax::GroupForm { form: form.to_owned() }),
            };
        }
    }
    if !is_attribute_name(name) {
        return Err(QuerySyntax::Attribute { name: name.to_owned() });
    }
    Ok(Column::Attribute(AttributeName::new(name)))
}
