//! The directory by LDAP: several domains, several domain controllers each, always encrypted and always verified.
//!
//! Answers [`Directory`] questions. Every question has one time budget over all domain controllers of its domain; a controller that
//! stops answering is left alone until it answers again. Caching is not its business ([`CachedDirectory`](super::CachedDirectory)).
//! Connections live on the runtime that [`LdapDirectory::new`] ran on; questions may come from any.

mod account;
mod breaker;
mod connection;
mod domain;
mod entry;
mod objects;
mod options;
mod password;
mod password_change;
mod pool;
mod server;
mod source;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};

pub use self::breaker::{Breaker, BreakerOptions, Circuit};
pub use self::objects::{NamedObject, ObjectChange, ObjectError, Objects, ValueChange};
pub use self::options::{
    Bind, DomainOptions, InitiatorCredential, LdapLimits, LdapOptions, LdapSetupError, ServerAddress, Transport,
};
pub use self::source::{LdapSource, SourceOptions};

use self::domain::Domain;
use super::codec::base_name;
use super::filter::Filter;
use super::{
    Account, AccountKey, AttributeName, Attributes, ChangeVerdict, Directory, DirectoryError, DomainLockout,
    ObjectGuid, PasswordVerdict, Sid, SignInState,
};
use crate::clock::Clock;
use crate::secret::Secret;

/// The configured domains, reached by LDAP.
pub struct LdapDirectory {
    inner: Arc<Inner>,
    health: Arc<watch::Sender<()>>,
    looking: Arc<Semaphore>,
    runtime: Handle,
}

impl LdapDirectory {
    /// Sets the directory up. Opens no connection yet; a background task does at once, and keeps them alive.
    ///
    /// # Errors
    /// [`LdapSetupError`].
    pub fn new(options: LdapOptions, clock: Arc<dyn Clock>) -> Result<Self, LdapSetupError> {
        let runtime = Handle::try_current().map_err(|_| LdapSetupError::NoRuntime)?;
        let limits = Arc::new(options.limits);
        let health = Arc::new(watch::Sender::new(()));
        let domains = options
            .domains
            .into_iter()
            .map(|domain| Domain::new(domain, &limits, &clock, &health))
            .collect::<Result<Vec<_>, _>>()?;
        if domains.is_empty() {
            return Err(LdapSetupError::NoDomain);
        }
        refuse_duplicates(&domains)?;
        let inner = Arc::new(Inner { domains, clock });
        let weak = Arc::downgrade(&inner);
        runtime.spawn(pool::keep_alive(limits, move || {
            let inner = weak.upgrade()?;
            Some(inner.domains.iter().flat_map(|domain| &domain.pool.servers).cloned().collect())
        }));
        Ok(Self { inner, health, looking: Arc::new(Semaphore::new(1)), runtime })
    }

    /// Each domain's own lockout policy, by DNS name; all are asked at once.
    pub async fn lockout_policies(&self) -> Vec<(String, Result<DomainLockout, DirectoryError>)> {
        let inner = Arc::clone(&self.inner);
        let ask = self.runtime.spawn(async move {
            let questions = inner.domains.iter().map(async |domain| {
                let head = domain.read(&domain.sid, names_of(&DomainLockout::ATTRIBUTES)).await;
                let policy = head.and_then(|head| {
                    let head = head.ok_or_else(|| DirectoryError::NotFound { key: domain.dns_name.clone() })?;
                    DomainLockout::decode(&head.attributes, &domain.dns_name)
                });
                (domain.dns_name.clone(), policy)
            });
            futures_util::future::join_all(questions).await
        });
        ask.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a directory question ended abnormally");
            Vec::new()
        })
    }

    /// Asks a domain controller why a password is not accepted, by one bind as the user on a connection of its own.
    ///
    /// The bind counts for the account's lockout, so it is sent to one domain controller at most; only reaching one is tried again
    /// elsewhere. An empty password is refused here: a directory would take it for an anonymous bind and accept.
    ///
    /// # Errors
    /// [`DirectoryError`] when no domain controller could be asked.
    pub async fn check_password(
        &self,
        key: &AccountKey,
        password: &Secret<String>,
    ) -> Result<PasswordVerdict, DirectoryError> {
        let (key, password) = (key.clone(), password.clone());
        self.to_its_end(move |inner| async move { password::check(&inner.domains, &key, &password).await }).await
    }

    /// Realm and `sAMAccountName` of the account that `key` names by UPN or by account name, in one question. Says nothing of
    /// whether the account may sign in.
    ///
    /// # Errors
    /// [`DirectoryError`]; [`DirectoryError::NotFound`] also when the name is two accounts'.
    pub async fn account_name(&self, key: &AccountKey) -> Result<(String, String), DirectoryError> {
        let key = key.clone();
        self.to_its_end(|inner| async move { inner.account_name(&key).await }).await
    }

    /// Exchanges the password of the account that `key` names. Whether that account may sign in is not asked.
    ///
    /// # Errors
    /// [`DirectoryError`] when there is no such account, or when it is not known whether the password was changed.
    pub async fn change_password(
        &self,
        key: &AccountKey,
        old: &Secret<String>,
        new: &Secret<String>,
    ) -> Result<ChangeVerdict, DirectoryError> {
        let (key, old, new) = (key.clone(), old.clone(), new.clone());
        self.to_its_end(move |inner| async move {
            let sid = inner.sid_of(&key).await?;
            let domain = inner.domain_of(&sid)?;
            domain.within_limits(password_change::change(domain, &sid, &old, &new)).await
        })
        .await
    }

    /// Tries every connection now, so that a domain controller that hangs is found before a question meets it. Does not wait,
    /// and does nothing while that is under way already.
    pub fn look(&self) {
        let Ok(turn) = Arc::clone(&self.looking).try_acquire_owned() else { return };
        let inner = Arc::clone(&self.inner);
        self.runtime.spawn(async move {
            let _turn = turn;
            let servers = inner.domains.iter().flat_map(|domain| &domain.pool.servers);
            futures_util::future::join_all(servers.map(|server| Arc::clone(server).keep_alive())).await;
        });
    }

    /// Finds out whether the domain controllers of `realm` answer at this moment, so that [`health`](Self::health) is true
    /// before something relies on it that waits long for one that hangs. Returns whether one was found that does not answer;
    /// a realm that is not configured has none.
    pub async fn sense(&self, realm: &str) -> bool {
        let (inner, realm) = (Arc::clone(&self.inner), realm.to_owned());
        let sense = self.runtime.spawn(async move {
            match inner.domain_named(&realm) {
                Ok(domain) => domain.sense(&*inner.clock).await,
                Err(_) => false,
            }
        });
        sense.await.unwrap_or(false)
    }

    /// The runtime that the connections live on.
    pub const fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Tells when a domain controller becomes suspect, or stops to be; ends with this directory.
    pub fn health_changes(&self) -> watch::Receiver<()> {
        self.health.subscribe()
    }

    /// The state of every domain controller.
    pub fn health(&self) -> Vec<ServerHealth> {
        let domains = self.inner.domains.iter();
        domains
            .flat_map(|domain| {
                domain.pool.servers.iter().map(|server| ServerHealth {
                    domain: domain.dns_name.clone(),
                    server: server.endpoint.address.clone(),
                    suspect: server.is_suspect(),
                    circuit: server.circuit(),
                })
            })
            .collect()
    }

    /// Runs a sequence of operations on objects of the domain `domain` (NetBIOS or DNS name), all on one domain controller and
    /// within one time; to its end even when nobody waits for it any more, so that no change is left half done.
    ///
    /// # Errors
    /// What `work` fails with, or that no domain controller could be asked.
    pub async fn work<T, E, W, Fut>(&self, domain: &str, within: Duration, work: W) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DirectoryError> + Send + 'static,
        W: FnOnce(Objects) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        let domain = domain.to_owned();
        self.to_its_end(move |inner| async move { inner.domain_named(&domain)?.pool.work(within, work).await }).await
    }

    /// As [`work`](Self::work), on the domain controller with this host name and no other; it need not be a configured one.
    ///
    /// # Errors
    /// What `work` fails with, or that this domain controller could not be asked.
    pub async fn work_at<T, E, W, Fut>(&self, domain: &str, host: &str, within: Duration, work: W) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DirectoryError> + Send + 'static,
        W: FnOnce(Objects) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        let (domain, host) = (domain.to_owned(), host.to_owned());
        self.to_its_end(
            move |inner| async move { inner.domain_named(&domain)?.pool.work_at(&host, within, work).await },
        )
        .await
    }

    /// DNS name of the domain whose account this is.
    ///
    /// # Errors
    /// [`DirectoryError::UnknownDomain`].
    pub fn domain_name_of(&self, sid: &Sid) -> Result<String, DirectoryError> {
        self.inner.domain_of(sid).map(|domain| domain.dns_name.clone())
    }

    /// Runs a question on the runtime where the connections live, to its end even when nobody waits for the answer any more:
    /// so no operation is left half done on a shared connection.
    async fn to_its_end<T, E, F, Fut>(&self, question: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DirectoryError> + Send + 'static,
        F: FnOnce(Arc<Inner>) -> Fut,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        let answer = self.runtime.spawn(question(Arc::clone(&self.inner))).await;
        answer.unwrap_or_else(|error| {
            tracing::error!(%error, "a directory question ended abnormally");
            let domain = "the directory".to_owned();
            Err(E::from(DirectoryError::Unavailable { domain, reason: error.to_string() }))
        })
    }
}

#[async_trait::async_trait]
impl Directory for LdapDirectory {
    async fn account(&self, key: &AccountKey) -> Result<Account, DirectoryError> {
        let key = key.clone();
        self.to_its_end(|inner| async move { inner.account(&key).await }).await
    }

    async fn object_guid(&self, sid: &Sid) -> Result<ObjectGuid, DirectoryError> {
        let guid = AttributeName::new("objectGUID");
        let attributes = self.attributes(sid, &[guid]).await?;
        attributes.object_guid().ok_or_else(|| DirectoryError::Malformed {
            attribute: "objectGUID".to_owned(),
            key: sid.to_string(),
            reason: "missing or not 16 octets".to_owned(),
        })
    }

    async fn attributes(&self, sid: &Sid, names: &[AttributeName]) -> Result<Attributes, DirectoryError> {
        let (sid, names) = (*sid, names.to_vec());
        self.to_its_end(move |inner| async move { inner.attributes(&sid, &names).await }).await
    }

    async fn search(
        &self,
        domain: &str,
        filter: &str,
        names: &[AttributeName],
    ) -> Result<Vec<Attributes>, DirectoryError> {
        let (domain, filter) = (domain.to_owned(), filter.to_owned());
        let names: Vec<_> = names.iter().map(|name| name.as_str().to_owned()).collect();
        self.to_its_end(move |inner| async move {
            let found = inner.domain_named(&domain)?.find(filter, requested(names)).await?;
            Ok(found.into_iter().map(|entry| entry.attributes).collect())
        })
        .await
    }

    async fn find_by_alt_security_identity(&self, values: &[String]) -> Result<Account, DirectoryError> {
        let values = values.to_vec();
        self.to_its_end(|inner| async move { inner.find_by_alt_security_identity(&values).await }).await
    }

    async fn sign_in_state(&self, sid: &Sid) -> Result<SignInState, DirectoryError> {
        let sid = *sid;
        self.to_its_end(move |inner| async move { inner.sign_in_state(&sid).await }).await
    }
}

/// What is known of one domain controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerHealth {
    /// DNS name of its domain.
    pub domain: String,
    /// Its address as configured.
    pub server: ServerAddress,
    /// Its last answer failed, or none is waited for: others should be tried first.
    pub suspect: bool,
    /// Whether questions go there.
    pub circuit: Circuit,
}

struct Inner {
    domains: Vec<Domain>,
    clock: Arc<dyn Clock>,
}

impl Inner {
    async fn account(&self, key: &AccountKey) -> Result<Account, DirectoryError> {
        let sid = self.sid_of(key).await?;
        self.account_by_sid(&sid, &key.to_string()).await
    }

    /// The SID of the account that a key names.
    async fn sid_of(&self, key: &AccountKey) -> Result<Sid, DirectoryError> {
        match key {
            AccountKey::Sid(sid) => Ok(*sid),
            AccountKey::Sam { domain, name } => {
                let domain = self.domain_named(domain)?;
                let filter =
                    Filter::All(vec![Filter::equal("objectClass", "user"), Filter::equal("sAMAccountName", name)]);
                let found = domain.find(filter.to_string(), names_of(&["objectSid", "sAMAccountName"])).await?;
                // The directory compares without regard to accents as well; a look-alike is another account.
                let matches = found.iter().filter(|e| same_name(e.attributes.text("sAMAccountName"), name));
                single(matches.map(|entry| entry.attributes.object_sid()), &key.to_string())
            }
            AccountKey::Upn(upn) => self.sid_of_upn(upn).await,
        }
    }

    /// Who has this UPN, as the attribute or as `sAMAccountName@domain`. Two accounts for one name is none.
    async fn sid_of_upn(&self, upn: &str) -> Result<Sid, DirectoryError> {
        let holders = self.holders_of_upn(upn).await?;
        single(holders.iter().map(|(_, attributes)| attributes.object_sid()), upn)
    }

    /// Every object that has this UPN, with its domain, `objectSid` and `sAMAccountName`.
    async fn holders_of_upn(&self, upn: &str) -> Result<Vec<(&Domain, Attributes)>, DirectoryError> {
        let not_found = || DirectoryError::NotFound { key: upn.to_owned() };
        let (name, suffix) = upn.rsplit_once('@').ok_or_else(not_found)?;
        let domains: Vec<_> = self.domains.iter().filter(|domain| domain.has_suffix(suffix)).collect();
        if domains.is_empty() {
            return Err(DirectoryError::UnknownDomain { domain: suffix.to_owned() });
        }
        let mut holders = Vec::new();
        for domain in domains {
            let implicit = domain.dns_name.eq_ignore_ascii_case(suffix);
            let mut names = vec![Filter::equal("userPrincipalName", upn)];
            if implicit {
                names.push(Filter::equal("sAMAccountName", name));
            }
            let filter = Filter::All(vec![Filter::equal("objectClass", "user"), Filter::Any(names)]);
            let wanted = names_of(&["objectSid", "sAMAccountName", "userPrincipalName"]);
            for entry in domain.find(filter.to_string(), wanted).await? {
                let attributes = entry.attributes;
                if same_name(attributes.text("userPrincipalName"), upn)
                    || (implicit && same_name(attributes.text("sAMAccountName"), name))
                {
                    holders.push((domain, attributes));
                }
            }
        }
        Ok(holders)
    }

    /// Realm and `sAMAccountName` of the account that a person means by this name.
    async fn account_name(&self, key: &AccountKey) -> Result<(String, String), DirectoryError> {
        let upn = match key {
            AccountKey::Upn(upn) => upn.clone(),
            // What is no account's name may still be the first part of a UPN, by which a KDC finds it.
            AccountKey::Sam { domain, name } => format!("{name}@{}", self.domain_named(domain)?.dns_name),
            AccountKey::Sid(sid) => return Err(DirectoryError::NotFound { key: sid.to_string() }),
        };
        match self.holders_of_upn(&upn).await?.as_slice() {
            [(domain, attributes)] => {
                let name = attributes.text("sAMAccountName").ok_or_else(|| DirectoryError::Malformed {
                    attribute: "sAMAccountName".to_owned(),
                    key: upn,
                    reason: "missing".to_owned(),
                })?;
                Ok((domain.dns_name.to_uppercase(), name.to_owned()))
            }
            _ => Err(DirectoryError::NotFound { key: upn }),
        }
    }

    async fn account_by_sid(&self, sid: &Sid, key: &str) -> Result<Account, DirectoryError> {
        let domain = self.domain_of(sid)?;
        let entry = domain.read(sid, names_of(account::ACCOUNT_ATTRIBUTES)).await?;
        let entry = entry.ok_or_else(|| DirectoryError::NotFound { key: key.to_owned() })?;
        account::account(domain, &entry.attributes, key)
    }

    async fn attributes(&self, sid: &Sid, names: &[AttributeName]) -> Result<Attributes, DirectoryError> {
        let mut wanted = requested(names.iter().map(|name| name.as_str().to_owned()).collect());
        // Proves that the answer is about this object.
        wanted.push("objectSid".to_owned());
        let entry = self.domain_of(sid)?.read(sid, wanted).await?;
        let entry = entry.ok_or_else(|| DirectoryError::NotFound { key: sid.to_string() })?;
        let mut attributes = Attributes::default();
        for name in names {
            // `userCertificate;binary` comes back under the attribute's name alone.
            let values = entry.attributes.values(&AttributeName::new(base_name(name.as_str())));
            if !values.is_empty() {
                attributes.insert(name.clone(), values.to_vec());
            }
        }
        Ok(attributes)
    }

    async fn find_by_alt_security_identity(&self, values: &[String]) -> Result<Account, DirectoryError> {
        let strong: Vec<_> = values.iter().filter(|value| is_strong_mapping(value)).take(MAX_MAPPINGS).collect();
        let key = || values.join(" or ");
        if strong.is_empty() {
            return Err(DirectoryError::NotFound { key: key() });
        }
        let any = strong.iter().map(|value| Filter::equal("altSecurityIdentities", value)).collect();
        let filter = Filter::All(vec![Filter::equal("objectClass", "user"), Filter::Any(any)]).to_string();
        let mut sids = Vec::new();
        for domain in &self.domains {
            for entry in domain.find(filter.clone(), names_of(&["objectSid", "altSecurityIdentities"])).await? {
                let attributes = entry.attributes;
                let matches = attributes
                    .octets("altSecurityIdentities")
                    .any(|held| strong.iter().any(|value| value.as_bytes().eq_ignore_ascii_case(held)));
                if matches {
                    sids.push(attributes.object_sid());
                }
            }
        }
        let sid = single(sids.into_iter(), &key())?;
        self.account_by_sid(&sid, &sid.to_string()).await
    }

    async fn sign_in_state(&self, sid: &Sid) -> Result<SignInState, DirectoryError> {
        let entry = self.domain_of(sid)?.read(sid, names_of(account::STATE_ATTRIBUTES)).await?;
        let entry = entry.ok_or_else(|| DirectoryError::NotFound { key: sid.to_string() })?;
        account::sign_in_state(&entry.attributes, &sid.to_string(), self.clock.now())
    }

    fn domain_of(&self, sid: &Sid) -> Result<&Domain, DirectoryError> {
        let parent = sid.parent();
        self.domains
            .iter()
            .find(|domain| Some(domain.sid) == parent)
            .ok_or_else(|| DirectoryError::UnknownDomain { domain: sid.to_string() })
    }

    fn domain_named(&self, name: &str) -> Result<&Domain, DirectoryError> {
        self.domains
            .iter()
            .find(|domain| domain.is_named(name))
            .ok_or_else(|| DirectoryError::UnknownDomain { domain: name.to_owned() })
    }
}

/// Whether a value of `altSecurityIdentities` binds to one certificate or key that only its issuer could have made
/// (KB5014754): issuer and serial number, subject key identifier, or hash of the public key.
fn is_strong_mapping(value: &str) -> bool {
    let upper = value.to_ascii_uppercase();
    let Some(form) = upper.strip_prefix("X509:") else { return false };
    let filled = |rest: &str| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_hexdigit());
    if let Some(rest) = form.strip_prefix("<SKI>").or_else(|| form.strip_prefix("<SHA1-PUKEY>")) {
        return filled(rest);
    }
    let issuer_and_serial = form.strip_prefix("<I>").and_then(|rest| rest.rsplit_once("<SR>"));
    issuer_and_serial.is_some_and(|(issuer, serial)| !issuer.is_empty() && filled(serial))
}

/// The one SID there is.
fn single(sids: impl Iterator<Item = Option<Sid>>, key: &str) -> Result<Sid, DirectoryError> {
    let malformed = || DirectoryError::Malformed {
        attribute: "objectSid".to_owned(),
        key: key.to_owned(),
        reason: "missing or no SID".to_owned(),
    };
    let mut sids = sids.map(|sid| sid.ok_or_else(malformed)).collect::<Result<Vec<_>, _>>()?;
    sids.sort_unstable();
    sids.dedup();
    match sids.as_slice() {
        [sid] => Ok(*sid),
        _ => Err(DirectoryError::NotFound { key: key.to_owned() }),
    }
}

fn same_name(held: Option<&str>, asked: &str) -> bool {
    held.is_some_and(|held| held.to_lowercase() == asked.to_lowercase())
}

/// An empty list would ask for every attribute; `1.1` asks for none (RFC 4511 section 4.5.1.8).
fn requested(names: Vec<String>) -> Vec<String> {
    if names.is_empty() { vec!["1.1".to_owned()] } else { names }
}

fn names_of(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn refuse_duplicates(domains: &[Domain]) -> Result<(), LdapSetupError> {
    for (index, domain) in domains.iter().enumerate() {
        for other in domains.iter().skip(index + 1) {
            if other.sid == domain.sid {
                return Err(LdapSetupError::Duplicate { name: domain.sid.to_string() });
            }
            if let Some(name) = [&domain.dns_name, &domain.netbios].into_iter().find(|name| other.is_named(name)) {
                return Err(LdapSetupError::Duplicate { name: name.clone() });
            }
        }
    }
    Ok(())
}

/// Forms of one certificate's mapping that are looked for at once.
const MAX_MAPPINGS: usize = 16;

#[cfg(test)]
mod tests;
