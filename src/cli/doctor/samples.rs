//! Accounts to try claims with: those that were named, else some that the directory has.

use std::time::Duration;

use crate::config::Config;
use crate::directory::filter::escape;
use crate::directory::ldap::{LdapDirectory, ObjectError};

/// A computer of Domain Computers that is enabled and no managed service account; its SID.
pub(super) async fn computer(config: &Config, directory: &LdapDirectory) -> Result<Option<String>, ObjectError> {
    let filter = format!(
        "(&(objectCategory=computer)(primaryGroupID=515){ENABLED}(!(objectClass=msDS-GroupManagedServiceAccount))\
         (!(objectClass=msDS-ManagedServiceAccount)))"
    );
    first(config, directory, &filter).await
}

/// An enabled user with a UPN of this suffix, no service's account; its SID.
pub(super) async fn user(
    config: &Config,
    directory: &LdapDirectory,
    suffix: &str,
) -> Result<Option<String>, ObjectError> {
    let filter = format!(
        "(&(objectCategory=person)(objectClass=user)(userPrincipalName=*@{}){ENABLED}(!(servicePrincipalName=*)))",
        escape(suffix.as_bytes())
    );
    first(config, directory, &filter).await
}

async fn first(config: &Config, directory: &LdapDirectory, filter: &str) -> Result<Option<String>, ObjectError> {
    for domain in &config.domains {
        let (name, base, filter) = (domain.dns_name().to_string(), domain.base_dn(), filter.to_owned());
        let found = directory.work(&name, PATIENCE, move |mut objects| async move {
            objects.find_first(&base, &filter, &["objectSid"], 1).await
        });
        let (found, _) = found.await?;
        if let Some(sid) = found.first().and_then(|object| object.attributes.object_sid()) {
            return Ok(Some(sid.to_string()));
        }
    }
    Ok(None)
}

/// Not disabled (MS-ADTS 2.2.16; the rule compares bits).
const ENABLED: &str = "(!(userAccountControl:1.2.840.113556.1.4.803:=2))";
/// For one search in one domain.
const PATIENCE: Duration = Duration::from_secs(10);
