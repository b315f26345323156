//! One bind as a user, to learn why a password is not accepted.

use tokio::time::timeout;

use super::connection::{Connection, LinkError};
use super::domain::Domain;
use crate::directory::{AccountKey, DirectoryError, PasswordRefusal, PasswordVerdict};
use crate::secret::Secret;

/// Binds as the user that `key` names, on the first domain controller that can be reached.
pub(super) async fn check(
    domains: &[Domain],
    key: &AccountKey,
    password: &Secret<String>,
) -> Result<PasswordVerdict, DirectoryError> {
    let (domain, name) = bind_name(domains, key)?;
    let password = password.expose();
    // RFC 4513 section 5.1.2: a name with an empty password is an anonymous bind, and succeeds.
    if password.is_empty() || password.len() > MAX_PASSWORD || name.is_empty() {
        return Ok(PasswordVerdict::Refused(PasswordRefusal::Wrong));
    }
    domain.within_limits(bind_as(domain, &name, password)).await
}

async fn bind_as(domain: &Domain, name: &str, password: &str) -> Result<PasswordVerdict, DirectoryError> {
    match connected(domain, BoundAs::Nobody).await?.try_password(name, password).await {
        Ok((SUCCESS, _)) => Ok(PasswordVerdict::Accepted),
        Ok((INVALID_CREDENTIALS, text)) => Ok(PasswordVerdict::Refused(PasswordRefusal::from_diagnostic(&text))),
        Ok((code, _)) => Err(domain.unavailable(&format!("password bind answered with LDAP result {code}"))),
        Err(error) => Err(domain.unavailable(&error.to_string())),
    }
}

/// As whom a connection is bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BoundAs {
    /// As nobody yet.
    Nobody,
    /// As this server's own account.
    Service,
}

/// A connection of its own to the first domain controller that can be reached.
pub(super) async fn connected(domain: &Domain, bound: BoundAs) -> Result<Connection, DirectoryError> {
    let limits = domain.limits();
    let mut last = None;
    for server in domain.pool.servers.iter().filter(|server| server.is_healthy()) {
        let opening = async {
            match bound {
                BoundAs::Nobody => server.endpoint.connect().await,
                BoundAs::Service => server.endpoint.open(limits).await,
            }
        };
        let within = match bound {
            BoundAs::Nobody => limits.connect_timeout,
            BoundAs::Service => limits.connect_timeout + limits.kerberos_timeout,
        };
        match timeout(within, opening).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => last = Some(error),
            Err(_) => last = Some(LinkError::Timeout("connecting")),
        }
    }
    let reason = last.map_or_else(|| "every domain controller has failed just now".to_owned(), |e| e.to_string());
    Err(domain.unavailable(&reason))
}

/// The domain of a key and the name that Active Directory takes in a simple bind (MS-ADTS 5.1.1.1.1).
fn bind_name<'a>(domains: &'a [Domain], key: &AccountKey) -> Result<(&'a Domain, String), DirectoryError> {
    let unknown = |name: &str| DirectoryError::UnknownDomain { domain: name.to_owned() };
    match key {
        AccountKey::Sid(sid) => {
            let domain = domains.iter().find(|domain| Some(domain.sid) == sid.parent());
            domain.map(|domain| (domain, sid.to_string())).ok_or_else(|| unknown(&sid.to_string()))
        }
        AccountKey::Upn(upn) => {
            let suffix = upn.rsplit_once('@').map_or("", |(_, suffix)| suffix);
            let domain = domains.iter().find(|domain| domain.has_suffix(suffix));
            domain.map(|domain| (domain, upn.clone())).ok_or_else(|| unknown(suffix))
        }
        AccountKey::Sam { domain: name, name: sam } => {
            let domain = domains.iter().find(|domain| domain.is_named(name));
            domain.map(|domain| (domain, format!("{}\\{sam}", domain.netbios))).ok_or_else(|| unknown(name))
        }
    }
}

const SUCCESS: u32 = 0;
const INVALID_CREDENTIALS: u32 = 49;

/// In octets; Active Directory takes 127 characters.
const MAX_PASSWORD: usize = 1024;
