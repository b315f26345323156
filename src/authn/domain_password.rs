//! Passwords of domain accounts: Kerberos decides, LDAP explains.
//!
//! A KDC that accepts a password must prove that it is the domain's; only then is the account believed. Where Kerberos
//! merges reasons (disabled, locked, outside hours; expired, must change), one LDAP bind as the user tells them apart.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::{
    AlternateLoginId, AlternateMatch, AmbiguousLoginId, ChangeError, DomainNames, LockoutKey, LoginForm, LoginName,
    PasswordAccepted, PasswordError, PasswordVerifier,
};
use crate::directory::ldap::LdapDirectory;
use crate::directory::{ChangeVerdict, PasswordRefusal, PasswordVerdict};
use crate::kerberos::{self, Acceptor, PasswordCheckError, PasswordOptions};
use crate::secret::Secret;

/// Checks passwords against the configured domains.
pub struct DomainPasswordVerifier {
    acceptor: Arc<Acceptor>,
    domains: DomainNames,
    /// Our own service principal by realm.
    services: HashMap<String, String>,
    directory: Arc<LdapDirectory>,
    alternate: Option<AlternateLoginId>,
    /// A check may wait for a KDC for seconds on a thread of its own.
    threads: Arc<Semaphore>,
    timeout: Duration,
}

impl DomainPasswordVerifier {
    /// A verifier for these domains. `services` names our own service principal in each realm
    /// (`HTTP/sts.corp.example@CORP.EXAMPLE`), whose key must be in the acceptor's keytab; at most `concurrency` checks wait
    /// for a KDC at once, and none is waited for longer than `timeout`.
    pub fn new(
        acceptor: Arc<Acceptor>,
        domains: DomainNames,
        services: HashMap<String, String>,
        directory: Arc<LdapDirectory>,
        concurrency: usize,
        timeout: Duration,
    ) -> Self {
        let threads = Arc::new(Semaphore::new(concurrency));
        Self { acceptor, domains, services, directory, alternate: None, threads, timeout }
    }

    /// The same, with another attribute than the user principal name to sign in by.
    #[must_use]
    pub fn with_alternate_login_id(self, alternate: Option<AlternateLoginId>) -> Self {
        Self { alternate, ..self }
    }

    async fn ask_kdc(
        &self,
        login: &LoginName,
        realm: &str,
        password: &Secret<String>,
    ) -> Result<PasswordAccepted, PasswordCheckError> {
        let unreachable = |reason: &str| PasswordCheckError::KdcUnreachable { reason: reason.to_owned() };
        let service = self.services.get(realm).cloned().ok_or_else(|| PasswordCheckError::ServiceUnknown {
            service: format!("HTTP/…@{realm}"),
            detail: String::from("the keytab has no key for it"),
        })?;
        let (directory, asked) = (Arc::clone(&self.directory), realm.to_owned());
        let (acceptor, password, realm) = (Arc::clone(&self.acceptor), password.clone(), realm.to_owned());
        let name = match login.form() {
            LoginForm::Upn { .. } => kerberos::LoginName::Upn { upn: login.to_string(), realm },
            LoginForm::DownLevel { user, .. } => kerberos::LoginName::Account { user: user.clone(), realm },
        };
        let threads = Arc::clone(&self.threads);
        // One time for all: whoever waits for a thread does not wait as long again for the domain controller.
        let checked = tokio::time::timeout(self.timeout, async move {
            // The Kerberos library waits ten seconds for a KDC that hangs. Found out before, it is asked last.
            if let Ok(true) = tokio::time::timeout(SENSE, directory.sense(&asked)).await {
                tokio::time::sleep(ORDER_IS_WRITTEN).await;
            }
            let permit = threads.acquire_owned().await.map_err(|_| unreachable("the server is stopping"))?;
            let check = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                let options = PasswordOptions { acceptor: &acceptor, service: &service };
                kerberos::check_password(options, &name, &password)
            });
            check.await.unwrap_or_else(|_| Err(unreachable("the check ended abnormally")))
        });
        tokio::pin!(checked);
        // A KDC that takes its time may be one that hangs. The directory finds out, and the next exchange goes to another.
        let checked = if let Ok(checked) = tokio::time::timeout(SLOW, &mut checked).await {
            checked
        } else {
            self.directory.look();
            checked.await
        };
        match checked {
            Ok(result) => result.map(PasswordAccepted::from),
            Err(_) => Err(unreachable("no domain controller answered in time")),
        }
    }

    /// Why a domain refuses an account whose password it may have found right.
    async fn explain(&self, login: &LoginName, password: &Secret<String>, otherwise: PasswordError) -> PasswordError {
        match self.directory.check_password(&login.directory_key(), password).await {
            Ok(PasswordVerdict::Refused(refusal)) => match refusal {
                PasswordRefusal::Wrong => PasswordError::Wrong,
                PasswordRefusal::Disabled => PasswordError::Disabled,
                PasswordRefusal::PasswordExpired => PasswordError::PasswordExpired,
                PasswordRefusal::MustChange => PasswordError::MustChange,
                PasswordRefusal::Locked => PasswordError::Locked,
                PasswordRefusal::OutsideHours => PasswordError::OutsideHours,
                PasswordRefusal::AccountExpired => PasswordError::AccountExpired,
                PasswordRefusal::WorkstationDenied => PasswordError::WorkstationDenied,
                PasswordRefusal::Unknown(_) => otherwise,
            },
            // A directory that accepts what the KDC refused does not overrule it.
            Ok(PasswordVerdict::Accepted) | Err(_) => otherwise,
        }
    }
}

#[async_trait::async_trait]
impl PasswordVerifier for DomainPasswordVerifier {
    async fn verify(&self, login: &LoginName, password: &Secret<String>) -> Result<PasswordAccepted, PasswordError> {
        let Some(realm) = login.realm(&self.domains) else { return Err(PasswordError::UnknownAccount) };
        let error = match self.ask_kdc(login, realm, password).await {
            Ok(accepted) => return Ok(accepted),
            Err(error) => error,
        };
        Err(match error {
            PasswordCheckError::Empty => PasswordError::Empty,
            PasswordCheckError::Unusable => PasswordError::Unusable,
            PasswordCheckError::Wrong => PasswordError::Wrong,
            PasswordCheckError::UnknownPrincipal | PasswordCheckError::BadName => PasswordError::UnknownAccount,
            PasswordCheckError::Revoked(reason) => {
                self.explain(login, password, PasswordError::Refused { reason }).await
            }
            PasswordCheckError::PasswordExpired => self.explain(login, password, PasswordError::PasswordExpired).await,
            PasswordCheckError::Policy(reason) => PasswordError::Refused { reason },
            PasswordCheckError::KdcUnreachable { reason } | PasswordCheckError::ClockSkew(reason) => {
                PasswordError::Unavailable { reason }
            }
            error @ (PasswordCheckError::KdcSpoofed(_) | PasswordCheckError::Refused(_)) => {
                PasswordError::Untrusted { reason: error.to_string() }
            }
            error @ (PasswordCheckError::ServiceUnknown { .. }
            | PasswordCheckError::Gss(_)
            | PasswordCheckError::NoToken) => PasswordError::Unavailable { reason: error.to_string() },
        })
    }

    async fn owner(&self, login: &LoginName) -> Option<LockoutKey> {
        login.realm(&self.domains)?;
        let key = login.directory_key();
        match tokio::time::timeout(LOOK_UP, self.directory.account_name(&key)).await {
            Ok(Ok((realm, name))) => Some(LockoutKey::of_account(&realm, &name)),
            Ok(Err(error)) if error.is_retryable() => {
                tracing::debug!(%error, "a name is counted as it was written");
                None
            }
            Ok(Err(_)) => None,
            Err(_) => {
                tracing::debug!("a name is counted as it was written: no answer from the directory in time");
                None
            }
        }
    }

    async fn by_alternate_id(&self, login: &LoginName) -> Result<Option<AlternateMatch>, AmbiguousLoginId> {
        match &self.alternate {
            Some(alternate) => alternate.look_up(&*self.directory, login).await,
            None => Ok(None),
        }
    }

    async fn change(&self, login: &LoginName, old: &Secret<String>, new: &Secret<String>) -> Result<(), ChangeError> {
        match self.directory.change_password(&login.directory_key(), old, new).await {
            Ok(ChangeVerdict::Changed) => Ok(()),
            Ok(ChangeVerdict::AgainstRules(rules)) => Err(ChangeError::AgainstRules(rules)),
            Ok(ChangeVerdict::NotAllowed) => Err(ChangeError::NotAllowed),
            // It was right a moment ago: somebody else has changed it, or another domain controller does not know it yet.
            Ok(ChangeVerdict::WrongPassword) => {
                Err(ChangeError::Unavailable { reason: String::from("the old password is no longer the account's") })
            }
            Err(error) => Err(ChangeError::Unavailable { reason: error.to_string() }),
        }
    }
}

/// How long a password waits until the directory has said whose name came with it.
const LOOK_UP: Duration = Duration::from_secs(1);

/// How long a password waits for a sign of life of a domain controller.
const SENSE: Duration = Duration::from_secs(3);

/// For the order of KDCs to follow what the directory has found out.
const ORDER_IS_WRITTEN: Duration = Duration::from_millis(200);

/// A check that takes longer waits for a domain controller that may not answer at all.
const SLOW: Duration = Duration::from_secs(1);
