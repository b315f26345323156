//! One domain controller: a few shared connections and a circuit breaker.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use ldap3::Scope;
use tokio::sync::watch;
use tokio::time::timeout;

use super::breaker::{Breaker, Circuit};
use super::connection::{Connection, Endpoint, LinkError, Search};
use super::entry::Entry;
use super::options::LdapLimits;
use crate::clock::Clock;

/// A domain controller of one domain.
pub(super) struct Server {
    pub(super) endpoint: Endpoint,
    limits: Arc<LdapLimits>,
    clock: Arc<dyn Clock>,
    breaker: Breaker,
    slots: Vec<Mutex<Slot>>,
    /// Whose turn it is.
    next: AtomicUsize,
    /// How many connections have been opened.
    opened: AtomicUsize,
    /// Told when this server becomes suspect, or stops to be.
    health: Arc<watch::Sender<()>>,
    /// The last failure, until the server answers.
    failure: Mutex<Option<LinkError>>,
}

impl Server {
    pub(super) fn new(
        endpoint: Endpoint,
        limits: Arc<LdapLimits>,
        clock: Arc<dyn Clock>,
        health: Arc<watch::Sender<()>>,
    ) -> Self {
        let slots = (0..limits.connections_per_server.max(1)).map(|_| Mutex::default()).collect();
        let breaker = Breaker::new(limits.breaker);
        let (next, opened, failure) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::default());
        Self { endpoint, limits, clock, breaker, slots, next, opened, health, failure }
    }

    /// Whether this server is not known to be down.
    pub(super) fn is_healthy(&self) -> bool {
        self.breaker.circuit() == Circuit::Closed
    }

    /// Whether a question may be sent here now. The outcome must then be reported, which [`search`](Self::search) does.
    pub(super) fn admits(&self) -> bool {
        self.breaker.admits(self.clock.monotonic())
    }

    /// Whether others should be tried first.
    pub(super) fn is_suspect(&self) -> bool {
        self.breaker.is_suspect()
    }

    /// Why the server is left alone.
    pub(super) fn failure(&self) -> Option<LinkError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn circuit(&self) -> Circuit {
        self.breaker.circuit()
    }

    /// Asks this domain controller within a time. Pooled connections that turn out to have ended are replaced.
    pub(super) async fn search(self: &Arc<Self>, search: &Search, within: Duration) -> Result<Vec<Entry>, LinkError> {
        let outcome = self.search_with_retry(search, self.clock.monotonic().saturating_add(within)).await;
        self.report(outcome.as_ref().err());
        outcome
    }

    /// A connection that has just answered, for operations that must not be repeated.
    pub(super) async fn lively(self: &Arc<Self>, within: Duration) -> Result<Connection, LinkError> {
        let until = self.clock.monotonic().saturating_add(within);
        let outcome = self.search_with_retry_on(&Search::sign_of_life(), until).await.map(|(connection, _)| connection);
        self.report(outcome.as_ref().err());
        outcome
    }

    /// Tries every connection that stands, and opens the first one if none does; closes the circuit when that works.
    pub(super) async fn keep_alive(self: Arc<Self>) {
        for index in 0..self.slots.len() {
            let stands = self.slot(index).is_some_and(|slot| slot.pooled.is_some());
            if !stands && index > 0 {
                continue;
            }
            if !self.is_healthy() && !self.admits() {
                return;
            }
            let outcome = match self.connection(index).await {
                Ok((mut pooled, _)) => {
                    let outcome = pooled.connection.ping(self.limits.operation_timeout).await;
                    if outcome.is_err() {
                        self.discard(index, &pooled);
                    }
                    outcome
                }
                Err(error) => Err(error),
            };
            self.report(outcome.as_ref().err());
        }
    }

    async fn search_with_retry(self: &Arc<Self>, search: &Search, until: Duration) -> Result<Vec<Entry>, LinkError> {
        self.search_with_retry_on(search, until).await.map(|(_, found)| found)
    }

    /// What was found, and the connection it came by.
    async fn search_with_retry_on(
        self: &Arc<Self>,
        search: &Search,
        until: Duration,
    ) -> Result<(Connection, Vec<Entry>), LinkError> {
        let mut ended = 0;
        loop {
            let opening = timeout(self.left(until), self.any_connection()).await;
            let (index, mut pooled, reused) = opening.unwrap_or(Err(LinkError::Timeout("waiting for a connection")))?;
            let within = self.left(until).min(self.limits.operation_timeout);
            let mut answer = pooled.connection.search(search, within).await;
            if matches!(answer, Err(LinkError::Timeout(_)))
                && search.scope == Scope::Subtree
                && pooled.connection.ping(self.left(until).min(SIGN_OF_LIFE)).await.is_ok()
            {
                // An expensive filter must not make a good server look dead to everybody else.
                self.discard(index, &pooled);
                answer = Err(LinkError::Slow);
            }
            match answer {
                Err(error) if error.is_servers_fault() => {
                    self.discard(index, &pooled);
                    // Domain controllers close idle connections; that alone is no failure.
                    if !reused || !matches!(error, LinkError::Lost(_)) || ended == self.slots.len() {
                        return Err(error);
                    }
                    ended += 1;
                }
                answer => return answer.map(|found| (pooled.connection, found)),
            }
        }
    }

    fn left(&self, until: Duration) -> Duration {
        until.saturating_sub(self.clock.monotonic())
    }

    /// A connection with its slot, and whether it stood already: the one whose turn it is, or another that stands while that is being
    /// opened. Waits only when none stands.
    async fn any_connection(self: &Arc<Self>) -> Result<(usize, Pooled, bool), LinkError> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let mut missing = None;
        for index in (0..self.slots.len()).map(|offset| turn.wrapping_add(offset) % self.slots.len()) {
            let standing = self.slot(index).and_then(|mut slot| slot.standing(self.oldest()));
            let Some(pooled) = standing else {
                missing = missing.or(Some(index));
                continue;
            };
            if let Some(missing) = missing {
                self.open_aside(missing);
            }
            return Ok((index, pooled, true));
        }
        // Everybody waits for the same one; the others follow when it stands.
        self.connection(0).await.map(|(pooled, reused)| (0, pooled, reused))
    }

    /// The connection in a slot, and whether it stood already.
    ///
    /// Opening goes on when whoever started it gives up: everybody who needs the connection waits for the same attempt.
    async fn connection(self: &Arc<Self>, index: usize) -> Result<(Pooled, bool), LinkError> {
        let opening = {
            let mut slot = self.slot(index).ok_or_else(|| LinkError::Lost("no such connection".to_owned()))?;
            if let Some(pooled) = slot.standing(self.oldest()) {
                return Ok((pooled, true));
            }
            match &slot.opening {
                Some(opening) if opening.peek().is_none() => opening.clone(),
                _ => slot.opening.insert(self.start_opening(index)).clone(),
            }
        };
        opening.await.map(|pooled| (pooled, false))
    }

    /// Starts to open a further connection that nobody waits for, unless that failed a moment ago.
    fn open_aside(self: &Arc<Self>, index: usize) {
        if let Some(mut slot) = self.slot(index) {
            let now = self.clock.monotonic();
            let failed = slot.failed.is_some_and(|at| now.saturating_sub(at) < self.limits.breaker.cool_down);
            if slot.opening.is_none() && !failed {
                slot.opening = Some(self.start_opening(index));
            }
        }
    }

    /// When a connection must have been opened to be still in use.
    fn oldest(&self) -> Duration {
        self.clock.monotonic().saturating_sub(self.limits.max_connection_age)
    }

    fn start_opening(self: &Arc<Self>, index: usize) -> Opening {
        let server = Arc::clone(self);
        let task = tokio::spawn(async move {
            let outcome = server.endpoint.open(&server.limits).await.map(|connection| Pooled {
                connection,
                opened: server.clock.monotonic(),
                generation: server.opened.fetch_add(1, Ordering::Relaxed),
            });
            if let Some(mut slot) = server.slot(index) {
                slot.opening = None;
                slot.pooled = outcome.as_ref().ok().cloned();
                slot.failed = outcome.is_err().then(|| server.clock.monotonic());
            }
            if outcome.is_ok() {
                // Perhaps nobody waits any more, and the circuit is open because of that.
                server.report(None);
            }
            outcome
        });
        async move { task.await.unwrap_or_else(|error| Err(LinkError::Lost(error.to_string()))) }.boxed().shared()
    }

    /// Empties the slot, unless it holds a newer connection by now.
    fn discard(&self, index: usize, failed: &Pooled) {
        if let Some(mut slot) = self.slot(index) {
            slot.pooled.take_if(|pooled| pooled.generation == failed.generation);
        }
    }

    fn slot(&self, index: usize) -> Option<MutexGuard<'_, Slot>> {
        // A slot is changed in one assignment at a time: a panic elsewhere leaves it whole.
        self.slots.get(index).map(|slot| slot.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn report(&self, error: Option<&LinkError>) {
        let was_suspect = self.is_suspect();
        self.note(error);
        if self.is_suspect() != was_suspect {
            self.health.send_replace(());
        }
    }

    fn note(&self, error: Option<&LinkError>) {
        let server = &self.endpoint.address;
        if error.is_none_or(LinkError::is_servers_fault) {
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = error.cloned();
        }
        match error {
            Some(error) if error.is_wrong_password() => {
                let cool_down = self.breaker.refused(self.clock.monotonic());
                tracing::error!(%server, %error, ?cool_down, "the directory refuses this server's own account: check user \
                    and password_file; it is left alone so that the account is not locked");
            }
            Some(error) if error.is_servers_fault() => {
                tracing::debug!(%server, %error, "domain controller failed");
                if let Some(cool_down) = self.breaker.failed(self.clock.monotonic()) {
                    tracing::warn!(%server, %error, ?cool_down, "domain controller is left alone for a while");
                }
            }
            _ => {
                if self.breaker.succeeded() {
                    tracing::info!(%server, "domain controller answers again");
                }
            }
        }
    }
}

/// A place for a connection: one that stands, one on its way, or none.
#[derive(Default)]
struct Slot {
    pooled: Option<Pooled>,
    opening: Option<Opening>,
    /// When opening failed the last time, if it did.
    failed: Option<Duration>,
}

impl Slot {
    /// The connection if it can be used. One that has ended or is too old is let go.
    fn standing(&mut self, oldest: Duration) -> Option<Pooled> {
        self.pooled.take_if(|pooled| pooled.connection.is_closed() || pooled.opened < oldest);
        self.pooled.clone()
    }
}

type Opening = Shared<BoxFuture<'static, Result<Pooled, LinkError>>>;

/// A connection in a slot.
#[derive(Debug, Clone)]
struct Pooled {
    connection: Connection,
    opened: Duration,
    generation: usize,
}

/// How long a server that was too slow for a search may take to answer a trivial one.
const SIGN_OF_LIFE: Duration = Duration::from_millis(500);
