//! The account that would sign in, as far as the directory can say: found by name, held to what its domain's tickets could
//! say.

use std::sync::Arc;

use crate::authn::{AuthenticatedSubject, AuthenticationMethod, DeviceContext, LoginName, SubjectOrigin};
use crate::clock::{Clock, Random, UtcTime};
use crate::config::Config;
use crate::devices::DeviceId;
use crate::directory::{
    Account, AccountKey, AttributeName, AttributeValue, Directory, DirectoryError, Sid, SignInState,
};
use crate::kerberos::TrustedDomains;
use crate::protocols::trust_endpoint::{Credential, TrustEndpoint};
use crate::server;

/// Why nobody can be explained.
#[derive(Debug, thiserror::Error)]
pub(super) enum SubjectError {
    /// No account has this name.
    #[error("no account \"{name}\" in {domains}{hint}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The domains that were asked.
        domains: String,
        /// What was probably meant.
        hint: String,
    },
    /// Accounts of several domains have this name.
    #[error("several domains have an account \"{name}\"; write one of {accounts}")]
    Several {
        /// The name asked for.
        name: String,
        /// The accounts.
        accounts: String,
    },
    /// The name is of a domain that is not configured.
    #[error("\"{name}\" is of no configured domain; configured: {domains}")]
    Domain {
        /// The name asked for.
        name: String,
        /// The configured domains.
        domains: String,
    },
    /// The directory cannot say.
    #[error(transparent)]
    Directory(DirectoryError),
}

/// Finds the account that somebody at a keyboard means.
pub(super) async fn find(directory: &dyn Directory, config: &Config, name: &str) -> Result<Account, SubjectError> {
    let name = name.trim();
    let domains = config.domains.iter().map(|domain| domain.netbios.as_str()).collect::<Vec<_>>().join(", ");
    let key = match (name.parse::<Sid>(), LoginName::parse(name)) {
        (Ok(sid), _) => Some(AccountKey::Sid(sid)),
        (_, Ok(login)) => Some(login.directory_key()),
        _ => None,
    };
    if let Some(key) = key {
        return directory.account(&key).await.map_err(|error| match error {
            DirectoryError::NotFound { .. } => {
                SubjectError::Unknown { name: name.to_owned(), domains, hint: String::new() }
            }
            DirectoryError::UnknownDomain { .. } => SubjectError::Domain { name: name.to_owned(), domains },
            error => SubjectError::Directory(error),
        });
    }
    let mut found = accounts_named(directory, config, name).await?;
    match (found.pop(), found.is_empty()) {
        (Some(account), true) => Ok(account),
        (Some(last), false) => {
            found.push(last);
            let accounts = found.iter().map(Account::windows_account_name).collect::<Vec<_>>().join(", ");
            Err(SubjectError::Several { name: name.to_owned(), accounts })
        }
        (None, _) => {
            let computer = format!("{name}$");
            let hint = match accounts_named(directory, config, &computer).await?.first() {
                Some(account) => format!("; did you mean the computer {}?", account.windows_account_name()),
                None => String::new(),
            };
            Err(SubjectError::Unknown { name: name.to_owned(), domains, hint })
        }
    }
}

async fn accounts_named(directory: &dyn Directory, config: &Config, name: &str) -> Result<Vec<Account>, SubjectError> {
    let mut found = Vec::new();
    for domain in &config.domains {
        let key = AccountKey::Sam { domain: domain.netbios.as_str().to_owned(), name: name.to_owned() };
        match directory.account(&key).await {
            Ok(account) => found.push(account),
            Err(DirectoryError::NotFound { .. }) => {}
            Err(error) => return Err(SubjectError::Directory(error)),
        }
    }
    Ok(found)
}

/// How somebody signs in at an endpoint; Integrated Windows Authentication where the path does not say.
pub(super) fn method_at(endpoint: &str) -> AuthenticationMethod {
    let known = TrustEndpoint::ALL.into_iter().find(|known| known.path().eq_ignore_ascii_case(endpoint));
    match known.map(|known| known.credential) {
        None | Some(Credential::WindowsTransport) => AuthenticationMethod::Windows,
        Some(Credential::UsernameMixed) => AuthenticationMethod::Password,
        Some(Credential::CertificateMixed) => AuthenticationMethod::X509,
        Some(Credential::CertificateTransport) => AuthenticationMethod::TlsClient,
    }
}

/// The account as it would stand after a sign-in by `method`, and what was taken out of it or stands against it.
pub(super) fn assume(
    account: Account,
    method: AuthenticationMethod,
    domains: &TrustedDomains,
    warnings: &mut Vec<String>,
) -> Account {
    // A certificate is mapped to the account as the directory has it.
    if matches!(method, AuthenticationMethod::X509 | AuthenticationMethod::TlsClient) {
        return account;
    }
    let Ok(mut identified) = domains.restrict(account.clone()) else { return account };
    if !identified.dropped.is_empty() {
        let sids: Vec<String> = identified.dropped.iter().map(|dropped| dropped.sid.to_string()).collect();
        warnings.push(format!("groups that the domain may not speak for do not count: {}", sids.join(", ")));
    }
    if let Some(upn) = identified.dropped_upn {
        warnings.push(format!("the UPN {upn} does not count: its suffix is not configured for the domain"));
    }
    // A ticket says so of everybody who proved a key to a KDC; no directory lists it.
    let asserted = Sid::AUTHENTICATION_AUTHORITY_ASSERTED_IDENTITY;
    if !identified.account.groups.contains(&asserted) {
        identified.account.groups.push(asserted);
    }
    identified.account
}

/// Somebody who is taken to have signed in.
pub(super) fn subject(
    account: Account,
    method: AuthenticationMethod,
    device: Option<DeviceContext>,
    password_expires: Option<UtcTime>,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<AuthenticatedSubject, crate::clock::RandomError> {
    let subject = AuthenticatedSubject::begin(SubjectOrigin::Directory(account), method, clock.now(), random)?;
    Ok(AuthenticatedSubject { device, password_expires, ..subject })
}

/// When the password of the account expires, as the directory computes it; the ticket of a password sign-in says the same.
/// `None`, and a sentence of what is left out, where it cannot be known.
pub(super) async fn password_expiry(
    directory: &dyn Directory,
    account: &Account,
    assumed: &mut Vec<String>,
) -> Option<UtcTime> {
    let name = AttributeName::new("msDS-UserPasswordExpiryTimeComputed");
    let computed = match directory.attributes(&account.sid, std::slice::from_ref(&name)).await {
        Ok(attributes) => attributes.values(&name).first().map(expiry),
        Err(_) => None,
    };
    if computed.is_none() {
        let said = "when the password expires is not known from the directory: password expiry claims are left out";
        assumed.push(String::from(said));
    }
    computed.flatten()
}

/// A FILETIME as text; `None` for a password that never expires, and for one that must be changed now.
fn expiry(value: &AttributeValue) -> Option<UtcTime> {
    std::str::from_utf8(value.as_octets()).ok()?.parse().ok().and_then(UtcTime::from_filetime)
}

/// The registered device with this id, as it takes part in a sign-in of the account; and what would keep it from doing so.
pub(super) async fn device(
    config: &Config,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
    (id, account): (uuid::Uuid, &Account),
    warnings: &mut Vec<String>,
) -> Result<DeviceContext, Box<dyn std::error::Error>> {
    if !config.device_registration.enabled {
        return Err("device registration is switched off: no device takes part in a sign-in".into());
    }
    let registry = server::open_registry(config, clock, random)?.devices;
    let device = registry.find(DeviceId(id)).await?.ok_or_else(|| format!("there is no device {id}"))?;
    if !device.enabled {
        warnings.push(String::from("the device is disabled: it could not take part now"));
    }
    Ok(DeviceContext::of(&device, Some(&account.sid)))
}

/// What would stop the account from signing in now.
pub(super) async fn obstacle(directory: &dyn Directory, account: &Account) -> Option<String> {
    match directory.sign_in_state(&account.sid).await {
        Ok(SignInState::Permitted) => None,
        Ok(state) => {
            let state = match state {
                SignInState::Permitted => return None,
                SignInState::Disabled => "is disabled",
                SignInState::Locked => "is locked out",
                SignInState::AccountExpired => "has expired",
                SignInState::OutsideHours => "may not sign in at this hour",
                SignInState::PasswordExpired => "has an expired password, or one it must change",
            };
            Some(format!("the account {state}: it could not sign in now"))
        }
        Err(error) => Some(format!("whether the account may sign in now is not known: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_password_is_read_as_the_directory_writes_it() {
        let read = |text: &str| expiry(&AttributeValue::Text(String::from(text))).map(UtcTime::unix_seconds);
        assert_eq!(read("133000000000000000"), Some(1_655_526_400));
        // Never, must be changed, and what is no time at all.
        for text in ["9223372036854775807", "0", "", "-1", "soon"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
