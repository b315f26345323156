//! When an account's password was set: what a sign-in by password that is remembered is held against.

use super::filter::Filter;
use super::{Account, AttributeName, AttributeValue, Directory, DirectoryError};

/// `pwdLastSet`, as the directory has it now; `None` when it does not say. A search, because attributes of an account are
/// remembered for longer than a changed password may go unnoticed.
///
/// # Errors
/// [`DirectoryError`].
pub async fn password_set(directory: &dyn Directory, account: &Account) -> Result<Option<i64>, DirectoryError> {
    let name = AttributeName::new("pwdLastSet");
    let filter = Filter::sid(&account.sid).to_string();
    let found = directory.search(&account.netbios_domain, &filter, std::slice::from_ref(&name)).await?;
    let [account] = found.as_slice() else { return Ok(None) };
    Ok(match account.values(&name).first() {
        Some(AttributeValue::Text(text)) => text.parse().ok(),
        _ => None,
    })
}
