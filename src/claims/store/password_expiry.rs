//! `_PasswordExpiryStore`: tells relying parties that a password expires soon.
//!
//! The sign-in knows when that is (the KDC says so in the ticket of a password sign-in); this store only hands it on.

use std::time::Duration;

use super::{AttributeStore, QueryContext, Rows, StoreError, StoreQuery};
use crate::claims::Text;
use crate::clock::UtcTime;

/// The name the store has in AD FS.
pub const NAME: &str = "_PasswordExpiryStore";

/// When relying parties are told, and where passwords are changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpiryNotice {
    /// How long before the end.
    pub within: Duration,
    /// Where a password can be changed.
    pub change_url: Option<Text>,
}

impl Default for ExpiryNotice {
    fn default() -> Self {
        Self { within: Duration::from_hours(24 * 14), change_url: None }
    }
}

impl ExpiryNotice {
    /// What to say at `now` of a password that ends at `expires`; `None` when it ends later than relying parties are told of, or
    /// has ended.
    pub fn of(&self, expires: UtcTime, now: UtcTime) -> Option<PasswordExpiry> {
        let left = expires.since(now);
        if expires < now || left > self.within {
            return None;
        }
        Some(PasswordExpiry {
            seconds: left.as_secs(),
            days: left.as_secs() / (24 * 60 * 60),
            change_url: self.change_url.clone(),
        })
    }
}

/// A password that expires soon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordExpiry {
    /// Seconds until it expires.
    pub seconds: u64,
    /// Whole days until it expires.
    pub days: u64,
    /// Where it can be changed, when that is configured.
    pub change_url: Option<Text>,
}

/// One row of seconds, days and change address (claims.md 3.6); none when the context knows of no expiry.
///
/// A rule may name fewer than three claim types; it gets the first columns. The unit of the first column is not
/// documented; seconds are what relying parties were seen to expect.
#[derive(Debug, Clone, Copy, Default)]
pub struct PasswordExpiryStore;

#[async_trait::async_trait]
impl AttributeStore for PasswordExpiryStore {
    async fn query(&self, cx: &QueryContext<'_>, query: &StoreQuery, _params: &[Text]) -> Result<Rows, StoreError> {
        if query.columns() > COLUMNS {
            return Err(StoreError::Columns { expected: query.columns(), found: COLUMNS });
        }
        let Some(expiry) = cx.password_expiry else { return Ok(Rows::none()) };
        let mut row = vec![
            Some(Text::from(expiry.seconds.to_string())),
            Some(Text::from(expiry.days.to_string())),
            expiry.change_url.clone(),
        ];
        row.truncate(query.columns());
        Ok(Rows(vec![row]))
    }
}

/// Seconds, days, address.
pub const COLUMNS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UtcTime = UtcTime::from_unix_seconds(1_000_000);

    fn after(seconds: u64) -> UtcTime {
        NOW.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn relying_parties_are_told_in_the_last_two_weeks_only() {
        const DAY: u64 = 86_400;
        let notice = ExpiryNotice::default();
        let days = |seconds: u64| notice.of(after(seconds), NOW).map(|expiry| expiry.days);
        assert_eq!(days(14 * DAY), Some(14));
        assert_eq!(days(14 * DAY + 1), None);
        assert_eq!(days(DAY - 1), Some(0));
        assert_eq!(notice.of(NOW.minus(Duration::from_secs(1)), NOW), None);
        assert_eq!(notice.of(after(5), NOW).unwrap().seconds, 5);
    }

    #[tokio::test]
    async fn a_rule_gets_the_columns_it_asks_for() {
        let expiry = PasswordExpiry { seconds: 90_000, days: 1, change_url: None };
        let cx = QueryContext { password_expiry: Some(&expiry), ..QueryContext::default() };
        let ask = async |cx: &QueryContext<'_>, columns: usize| {
            let query = StoreQuery::new(NAME, "{0};", vec![Text::from("t"); columns]);
            PasswordExpiryStore.query(cx, &query, &["x".into()]).await
        };
        let row = vec![Some(Text::from("90000")), Some(Text::from("1")), None];
        assert_eq!(ask(&cx, 3).await, Ok(Rows(vec![row.clone()])));
        assert_eq!(ask(&cx, 1).await, Ok(Rows(vec![row[..1].to_vec()])));
        assert_eq!(ask(&QueryContext::default(), 3).await, Ok(Rows::none()));
        assert_eq!(ask(&QueryContext::default(), 4).await, Err(StoreError::Columns { expected: 4, found: 3 }));
    }
}
