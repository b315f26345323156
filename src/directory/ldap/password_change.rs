//! Exchanging an account's password for another.

use tokio::time::timeout;

use super::domain::Domain;
use super::password::{BoundAs, connected};
use crate::directory::{ChangeVerdict, DirectoryError, PasswordRules, Sid};
use crate::secret::Secret;

/// Changes the password of an account on the first domain controller that can be reached.
///
/// One modification takes the old value away and adds the new one: the old one authorises it, so that this server's own
/// account needs no right to set passwords. It is sent once: whether a lost one was carried out nobody knows.
pub(super) async fn change(
    domain: &Domain,
    sid: &Sid,
    old: &Secret<String>,
    new: &Secret<String>,
) -> Result<ChangeVerdict, DirectoryError> {
    let wanted = ["objectSid", POLICY].map(String::from).to_vec();
    let not_found = || DirectoryError::NotFound { key: sid.to_string() };
    let entry = domain.read(sid, wanted).await?.ok_or_else(not_found)?;
    let mut connection = connected(domain, BoundAs::Service).await?;
    let result =
        timeout(domain.limits().question_timeout, connection.replace_password(&entry.name, old.expose(), new.expose()));
    let unavailable = |reason: &str| domain.unavailable(&format!("the password may not be changed: {reason}"));
    let (code, text) = match result.await {
        Ok(Ok(result)) => result,
        Ok(Err(error)) => return Err(unavailable(&error.to_string())),
        Err(_) => return Err(unavailable("no answer in time")),
    };
    match ChangeVerdict::of_result(code, &text) {
        Some(ChangeVerdict::AgainstRules(_)) => {
            Ok(ChangeVerdict::AgainstRules(rules(domain, entry.attributes.text(POLICY)).await))
        }
        Some(verdict) => Ok(verdict),
        None => Err(unavailable(&format!("LDAP result {code}: {}", printable(&text)))),
    }
}

/// The rules that hold for the account. That they cannot be read is no failure of the change.
async fn rules(domain: &Domain, policy: Option<&str>) -> Option<PasswordRules> {
    if let Some(policy) = policy {
        let found = domain.pool.read(policy, PasswordRules::OF_POLICY.map(String::from).to_vec()).await.ok()??;
        return PasswordRules::of_policy(&found.attributes);
    }
    let head = domain.read(&domain.sid, PasswordRules::OF_DOMAIN.map(String::from).to_vec()).await.ok()??;
    PasswordRules::of_domain(&head.attributes)
}

fn printable(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(200).collect()
}

/// The fine-grained policy of an account, if one holds for it.
const POLICY: &str = "msDS-ResultantPSO";
