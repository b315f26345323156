//! stub

use super::{AttributeStore, QueryContext, Rows, StoreError, StoreQuery};
use crate::claims::Text;

/// The name the store has in AD FS.
pub const NAME: &str = "Active Directory";

/// A query.
#[derive(Debug)]
pub struct AccountQuery;

/// Why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("syntax")]
pub struct QuerySyntax;

impl AccountQuery {
    pub(super) fn parse(_text: &str) -> Result<Self, QuerySyntax> {
        Ok(Self)
    }

    /// Columns.
    pub fn columns(&self) -> usize {
        1
    }
}

/// The store.
#[derive(Debug)]
pub struct ActiveDirectoryStore;

#[async_trait::async_trait]
impl AttributeStore for ActiveDirectoryStore {
    async fn query(&self, _cx: &QueryContext<'_>, _query: &StoreQuery, _params: &[Text]) -> Result<Rows, StoreError> {
        Ok(Rows::none())
    }
}
