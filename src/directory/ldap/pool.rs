//! Servers that hold the same data: a question is carried to the first one that answers.

use std::sync::Arc;
use std::time::Duration;

use ldap3::Scope;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use super::connection::{Endpoint, LinkError, Search};
use super::entry::Entry;
use super::objects::Objects;
use super::options::{Bind, LdapLimits, LdapSetupError, ServerAddress, Transport};
use super::server::Server;
use super::tls;
use crate::clock::Clock;
use crate::directory::{AttributeValue, DirectoryError};

/// The servers of one domain or directory.
pub(super) struct Pool {
    /// What it is called in errors: DNS name of the domain, or name of the directory.
    pub(super) name: String,
    pub(super) servers: Vec<Arc<Server>>,
    questions: Semaphore,
    limits: Arc<LdapLimits>,
    clock: Arc<dyn Clock>,
}

/// What a pool is made of.
pub(super) struct PoolOptions {
    pub(super) name: String,
    /// Kerberos realm of the servers; matters for GSSAPI only.
    pub(super) realm: String,
    pub(super) servers: Vec<ServerAddress>,
    pub(super) transport: Transport,
    pub(super) ca_files: Vec<std::path::PathBuf>,
    pub(super) bind: Bind,
}

impl Pool {
    pub(super) fn new(
        options: PoolOptions,
        limits: &Arc<LdapLimits>,
        clock: &Arc<dyn Clock>,
        health: &Arc<watch::Sender<()>>,
    ) -> Result<Self, LdapSetupError> {
        let PoolOptions { name, realm, servers, transport, ca_files, bind } = options;
        if servers.is_empty() {
            return Err(LdapSetupError::NoServer { domain: name });
        }
        if matches!(&bind, Bind::Simple { password, .. } if password.expose().is_empty()) {
            return Err(LdapSetupError::EmptyPassword { domain: name });
        }
        let tls = tls::client_config(&ca_files)?;
        let blocking_binds = Arc::new(Semaphore::new(BLOCKING_BINDS));
        let servers = servers
            .into_iter()
            .map(|address| {
                let (tls, bind, blocking_binds) = (Arc::clone(&tls), bind.clone(), Arc::clone(&blocking_binds));
                let endpoint = Endpoint { address, realm: realm.clone(), transport, tls, bind, blocking_binds };
                Arc::new(Server::new(endpoint, Arc::clone(limits), Arc::clone(clock), Arc::clone(health)))
            })
            .collect();
        Ok(Self {
            name,
            servers,
            questions: Semaphore::new(limits.questions_in_flight.max(1)),
            limits: Arc::clone(limits),
            clock: Arc::clone(clock),
        })
    }

    /// Searches everything below `base`. Values that a server sends in parts are fetched to the end.
    pub(super) async fn find(
        &self,
        base: &str,
        filter: String,
        attributes: Vec<String>,
    ) -> Result<Vec<Entry>, DirectoryError> {
        let max_entries = self.limits.max_entries;
        let search = Search { base: base.to_owned(), scope: Scope::Subtree, filter, attributes, max_entries };
        let mut found = self.ask(search).await?;
        for entry in found.iter_mut().filter(|entry| !entry.truncated.is_empty()) {
            let name = entry.name.clone();
            self.complete(entry, &name).await?;
        }
        Ok(found)
    }

    /// Reads one object by its name. `None` when there is none. Values that the server sends in parts are fetched to the end.
    pub(super) async fn read(&self, base: &str, attributes: Vec<String>) -> Result<Option<Entry>, DirectoryError> {
        let Some(mut entry) = self.ask(one_object(base, attributes)).await?.pop() else { return Ok(None) };
        self.complete(&mut entry, base).await?;
        Ok(Some(entry))
    }

    /// Fetches what a server has sent a part of (MS-ADTS 3.1.1.3.1.3.3).
    async fn complete(&self, entry: &mut Entry, base: &str) -> Result<(), DirectoryError> {
        for _ in 0..MAX_RANGES {
            if entry.truncated.is_empty() {
                break;
            }
            let attributes =
                entry.truncated.iter().map(|(name, next)| format!("{};range={next}-*", name.as_str())).collect();
            let Some(more) = self.ask(one_object(base, attributes)).await?.pop() else { break };
            for (name, _) in std::mem::take(&mut entry.truncated) {
                let mut values: Vec<AttributeValue> = entry.attributes.values(&name).to_vec();
                values.extend_from_slice(more.attributes.values(&name));
                entry.attributes.insert(name, values);
            }
            entry.truncated = more.truncated;
        }
        whole(entry, base)
    }

    /// Carries a search to the servers in their order until one answers.
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
                let failure = server.failure().map_or_else(String::new, |failure| format!(": {failure}"));
                last = last.or_else(|| Some(format!("{} is left alone{failure}", server.endpoint.address)));
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
        Err(self.unavailable(&last.unwrap_or_else(|| "every server has failed just now".to_owned())))
    }

    /// Runs a sequence of operations on the first server that answers. What it does is never tried again on another.
    pub(super) async fn work<T, E: From<DirectoryError>, W: Future<Output = Result<T, E>>>(
        &self,
        within: Duration,
        work: impl FnOnce(Objects) -> W,
    ) -> Result<T, E> {
        let until = self.clock.monotonic().saturating_add(within);
        let Ok(Ok(_turn)) = timeout(within, self.questions.acquire()).await else {
            return Err(self.unavailable("too many questions are waiting").into());
        };
        let mut last = None;
        let healthy = self.servers.iter().filter(|server| server.is_healthy());
        let rest = self.servers.iter().filter(|server| !server.is_healthy() && server.admits());
        for server in healthy.chain(rest) {
            let left = until.saturating_sub(self.clock.monotonic()).min(self.limits.question_timeout);
            match server.lively(left).await {
                Ok(connection) => {
                    let (server, clock) = (Arc::clone(server), Arc::clone(&self.clock));
                    return work(Objects { server, connection, clock, until, domain: self.name.clone() }).await;
                }
                Err(error) => last = Some(format!("{}: {error}", server.endpoint.address)),
            }
        }
        Err(self.unavailable(&last.unwrap_or_else(|| "every server has failed just now".to_owned())).into())
    }

    /// Runs a sequence of operations on the server with this host name, be it one of the configured ones or not.
    pub(super) async fn work_at<T, E: From<DirectoryError>, W: Future<Output = Result<T, E>>>(
        &self,
        host: &str,
        within: Duration,
        work: impl FnOnce(Objects) -> W,
    ) -> Result<T, E> {
        let until = self.clock.monotonic().saturating_add(within);
        let server = self.server_at(host)?;
        let left = within.min(self.limits.question_timeout);
        let connection = server.lively(left).await.map_err(|error| {
            let reason = format!("{}: {error}", server.endpoint.address);
            self.unavailable(&reason)
        })?;
        work(Objects { server, connection, clock: Arc::clone(&self.clock), until, domain: self.name.clone() }).await
    }

    /// The configured server of that name, or one like the configured ones, the connections of which end with it.
    fn server_at(&self, host: &str) -> Result<Arc<Server>, DirectoryError> {
        let named = |server: &&Arc<Server>| server.endpoint.address.host().eq_ignore_ascii_case(host);
        if let Some(server) = self.servers.iter().find(named) {
            return Ok(Arc::clone(server));
        }
        let like = self.servers.first().ok_or_else(|| self.unavailable("it has no server"))?;
        let address = like.endpoint.address.at(host).map_err(|error| self.unavailable(&error.to_string()))?;
        let endpoint = Endpoint { address, ..like.endpoint.clone() };
        // Its health is nobody's business: no question is ever carried to it.
        let (limits, clock) = (Arc::clone(&self.limits), Arc::clone(&self.clock));
        Ok(Arc::new(Server::new(endpoint, limits, clock, Arc::default())))
    }

    pub(super) fn unavailable(&self, reason: &str) -> DirectoryError {
        DirectoryError::Unavailable { domain: self.name.clone(), reason: reason.to_owned() }
    }
}

/// Reads one object.
fn one_object(base: &str, attributes: Vec<String>) -> Search {
    let filter = "(objectClass=*)".to_owned();
    Search { base: base.to_owned(), scope: Scope::Base, filter, attributes, max_entries: 1 }
}

/// Refuses an object of which a part is missing: the beginning of a list is not what was asked for.
fn whole(entry: &Entry, base: &str) -> Result<(), DirectoryError> {
    match entry.truncated.first() {
        None => Ok(()),
        Some((name, next)) => Err(DirectoryError::Malformed {
            attribute: name.as_str().to_owned(),
            key: base.to_owned(),
            reason: format!("it has more values than the {next} that were read"),
        }),
    }
}

fn refused(server: &Server, error: &LinkError) -> DirectoryError {
    DirectoryError::Refused { server: server.endpoint.address.to_string(), reason: error.to_string() }
}

/// Pings connections, opens the first one of each server, and probes servers that failed. Ends when `servers` gives
/// nothing any more.
pub(super) async fn keep_alive(limits: Arc<LdapLimits>, servers: impl Fn() -> Option<Vec<Arc<Server>>> + Send) {
    let tick = limits.breaker.cool_down.min(limits.keep_alive).max(Duration::from_millis(100));
    let mut ticks = tokio::time::interval(tick);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut since_full_round = limits.keep_alive;
    loop {
        ticks.tick().await;
        let Some(servers) = servers() else { return };
        let full_round = since_full_round >= limits.keep_alive;
        since_full_round = if full_round { tick } else { since_full_round.saturating_add(tick) };
        let due = servers.into_iter().filter(|server| full_round || server.is_suspect());
        // All at once: one that hangs must not delay the others' probes.
        futures_util::future::join_all(due.map(Server::keep_alive)).await;
    }
}

/// A Kerberos bind may block a thread for as long as the KDC keeps it waiting.
const BLOCKING_BINDS: usize = 4;

/// Parts of one multi-valued attribute; Active Directory sends 1500 values in each.
const MAX_RANGES: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{AttributeName, Attributes};

    #[test]
    fn the_beginning_of_a_list_is_no_answer() {
        let mut entry = Entry { name: "CN=x".into(), attributes: Attributes::default(), truncated: Vec::new() };
        assert_eq!(whole(&entry, "CN=x"), Ok(()));
        entry.truncated.push((AttributeName::new("memberOf"), 30_000));
        let refused = whole(&entry, "CN=x").unwrap_err();
        assert!(
            matches!(&refused, DirectoryError::Malformed { attribute, .. } if attribute == "memberof"),
            "{refused}"
        );
        assert!(!refused.is_retryable() && refused.to_string().contains("30000"), "{refused}");
    }
}
