//! `_PasswordExpiryStore`: tells relying parties that a password expires soon.
//!
//! The sign-in knows when that is (from the KDC or the directory); this store only hands it on.

use super::{AttributeStore, QueryContext, Rows, StoreError, StoreQuery};
use crate::claims::Text;

/// The name the store has in AD FS.
pub const NAME: &str = "_PasswordExpiryStore";

/// One row of seconds, days and change address (claims.md 3.6); none when the context knows of no expiry.
///
/// A rule may name fewer than three claim types; it gets the first columns. The unit of the first column is not
/// documented; seconds are what relying parties were seen to expect.
#[derive(Debug, Clone, Copy, Default)]
pub struct PasswordExpiryStore;

#[async_trait::async_trait]
impl AttributeStore for PasswordExpiryStore {
    async fn query(&self, cx: &QueryContext<'_>, query: &StoreQuery, _params: &[Text]) -> Result<Rows, StoreError> {
        let Some(expiry) = cx.password_expiry else { return Ok(Rows::none()) };
        let mut row = vec![
            Some(Text::from(expiry.seconds.to_string())),
            Some(Text::from(expiry.days.to_string())),
            Some(expiry.change_url.clone()),
        ];
        if query.columns() > row.len() {
            return Err(StoreError::Columns { expected: query.columns(), found: row.len() });
        }
        row.truncate(query.columns());
        Ok(Rows(vec![row]))
    }
}
