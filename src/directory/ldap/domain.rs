//! One domain: its names, its domain controllers, and a question carried to the first one that answers.

use std::sync::Arc;
use std::time::Duration;

use ldap3::Scope;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use super::connection::{Endpoint, LinkError, Search};
use super::entry::Entry;
use super::options::{Bind, DomainOptions, LdapLimits, LdapSetupError};
use super::server::Server;
use super::tls;
use crate::clock::Clock;
use crate::directory::codec::base_dn;
use crate::directory::{AttributeValue, DirectoryError, Sid};

/// A configured domain.
pub(super) struct Domain {
    pub(super) dns_name: String,
    pub(super) netbios: String,
    pub(super) sid: Sid,
    pub(super) base_dn: String,
    upn_suffixes: Vec<String>,
    pub(super) servers: Vec<Arc<Server>>,
    questions: Semaphore,
    password_checks: Semaphore,
    limits: Arc<LdapLimits>,
    clock: Arc<dyn Clock>,
}

impl Domain {
    pub(super) fn new(
        options: DomainOptions,
        limits: &Arc<LdapLimits>,
        clock: &Arc<dyn Clock>,
        health: &Arc<watch::Sender<()>>,
    ) -> Result<Self, LdapSetupError> {
        let DomainOptions {
            dns_name,
            netbios,
            sid,
            base_dn: configured,
            upn_suffixes,
            servers,
            transport,
            ca_files,
            bind,
        } = options;
        if !sid.is_domain() {
            return Err(LdapSetupError::NotADomainSid { sid });
        }
        if servers.is_empty() {
            return Err(LdapSetupError::NoServer { domain: dns_name });
        }
        if matches!(&bind, Bind::Simple { password, .. } if password.expose().is_empty()) {
            return Err(LdapSetupError::EmptyPassword { domain: dns_name });
        }
        let derived = base_dn(&dns_name).ok_or_else(|| LdapSetupError::DomainName { dns_name: dns_name.clone() })?;
        let tls = tls::client_config(&ca_files)?;
        let blocking_binds = Arc::new(Semaphore::new(BLOCKING_BINDS));
        let servers = servers
            .into_iter()
            .map(|address| {
                let (tls, bind, blocking_binds) = (Arc::clone(&tls), bind.clone(), Arc::clone(&blocking_binds));
                let endpoint =
                    Endpoint { address, realm: dns_name.to_uppercase(), transport, tls, bind, blocking_binds };
                Arc::new(Server::new(endpoint, Arc::clone(limits), Arc::clone(clock), Arc::clone(health)))
            })
            .collect();
        Ok(Self {
            dns_name,
            netbios,
            sid,
            base_dn: configured.unwrap_or(derived),
            upn_suffixes,
            servers,
            questions: Semaphore::new(limits.questions_in_flight.max(1)),
            password_checks: Semaphore::new(PASSWORD_CHECKS),
            limits: Arc::clone(limits),
            clock: Arc::clone(clock),
        })
    }

    /// Whether this is the domain of that NetBIOS or DNS name.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.netbios.eq_ignore_ascii_case(name) || self.dns_name.eq_ignore_ascii_case(name)
    }

    /// Whether users of this domain may have a UPN with this suffix.
    pub(super) fn has_suffix(&self, suffix: &str) -> bool {
        self.dns_name.eq_ignore_ascii_case(suffix) || self.upn_suffixes.iter().any(|s| s.eq_ignore_ascii_case(suffix))
    }

    /// Searches the whole domain, on the first domain controller that answers.
    pub(super) async fn find(&self, filter: String, attributes: Vec<String>) -> Result<Vec<Entry>, DirectoryError> {
        let max_entries = self.limits.max_entries;
        self.ask(Search { base: self.base_dn.clone(), scope: Scope::Subtree, filter, attributes, max_entries }).await
    }

    /// Reads one object by SID. `None` when there is none. Values that the server sends in parts are fetched to the end.
    pub(super) async fn read(&self, sid: &Sid, attributes: Vec<String>) -> Result<Option<Entry>, DirectoryError> {
        let mut search = Search {
            base: format!("<SID={sid}>"),
            scope: Scope::Base,
            filter: "(objectClass=*)".to_owned(),
            attributes,
            max_entries: 1,
        };
        let Some(mut entry) = self.ask(search.clone()).await?.pop() else { return Ok(None) };
        // The name `<SID=…>` may also lead to an object that had this SID earlier.
        if entry.attributes.object_sid().as_ref() != Some(sid) {
            return Ok(None);
        }
        for _ in 0..MAX_RANGES {
            if entry.truncated.is_empty() {
                return Ok(Some(entry));
            }
            search.attributes =
                entry.truncated.iter().map(|(name, next)| format!("{};range={next}-*", name.as_str())).collect();
            let Some(more) = self.ask(search.clone()).await?.pop() else { break };
            for (name, _) in std::mem::take(&mut entry.truncated) {
                let mut values: Vec<AttributeValue> = entry.attributes.values(&name).to_vec();
                values.extend_from_slice(more.attributes.values(&name));
                entry.attributes.insert(name, values);
            }
            entry.truncated = more.truncated;
        }
        Ok(Some(entry))
    }

    /// Carries a search to the domain controllers in their order until one answers.
    async fn ask(&self, search: Search) -> Result<Vec<Entry>, DirectoryError> {
        let until = self.clock.monotonic().saturating_add(self.limits.question_timeout);
        let Ok(Ok(_turn)) = timeout(self.limits.question_timeout, self.questions.acquire()).await else {
            return Err(self.unavailable("too many questions are waiting"));
        };
        let mut last = None;
        // A server whose circuit is open is probed by a question only when there is no other.
        let healthy: Vec<_> = self.servers.iter().filter(|server| server.is_healthy()).collect();
        let rest = self.servers.iter().filter(|server| !server.is_healthy());
        let mut candidates = healthy.len();
        for server in healthy.into_iter().chain(rest) {
            let left = until.saturating_sub(self.clock.monotonic());
            if left.is_zero() {
                break;
            }
            if candidates == 0 && !server.admits() {
                continue;
            }
            let share = left / u32::try_from(candidates.max(1)).unwrap_or(1);
            candidates = candidates.saturating_sub(1);
            match server.search(&search, share).await {
                Ok(entries) => return Ok(entries),
                Err(error) if error.is_servers_fault() => {
                    last = Some(format!("{}: {error}", server.endpoint.address));
                }
                Err(error) => return Err(refused(server, &error)),
            }
        }
        Err(self.unavailable(&last.unwrap_or_else(|| "every domain controller has failed just now".to_owned())))
    }

    pub(super) fn unavailable(&self, reason: &str) -> DirectoryError {
        DirectoryError::Unavailable { domain: self.dns_name.clone(), reason: reason.to_owned() }
    }

    /// Runs a check of a password, of which a few run at once, within the time of one question.
    pub(super) async fn within_limits<T>(
        &self,
        check: impl Future<Output = Result<T, DirectoryError>>,
    ) -> Result<T, DirectoryError> {
        let turn_and_check = async {
            let _turn = self.password_checks.acquire().await.map_err(|_| self.unavailable("shutting down"))?;
            check.await
        };
        let outcome = timeout(self.limits.question_timeout, turn_and_check).await;
        outcome.unwrap_or_else(|_| Err(self.unavailable("no answer in time while checking a password")))
    }

    /// How long a connection may take to stand.
    pub(super) fn connect_timeout(&self) -> Duration {
        self.limits.connect_timeout
    }
}

fn refused(server: &Server, error: &LinkError) -> DirectoryError {
    DirectoryError::Refused { server: server.endpoint.address.to_string(), reason: error.to_string() }
}

/// A Kerberos bind may block a thread for as long as the KDC keeps it waiting.
const BLOCKING_BINDS: usize = 4;

/// Each has a connection of its own.
const PASSWORD_CHECKS: usize = 16;

/// Parts of one multi-valued attribute; Active Directory sends 1500 values in each.
const MAX_RANGES: usize = 20;
