//! One domain: its names, and questions about its objects.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, Semaphore, watch};
use tokio::time::timeout;

use super::connection::Search;
use super::entry::Entry;
use super::options::{DomainOptions, LdapLimits, LdapSetupError};
use super::pool::{Pool, PoolOptions};
use crate::clock::Clock;
use crate::directory::codec::base_dn;
use crate::directory::{DirectoryError, Sid};

/// A configured domain.
pub(super) struct Domain {
    pub(super) dns_name: String,
    pub(super) netbios: String,
    pub(super) sid: Sid,
    base_dn: String,
    upn_suffixes: Vec<String>,
    pub(super) pool: Pool,
    password_checks: Semaphore,
    /// When a domain controller gave a sign of life that somebody waited for.
    sensed: Mutex<Option<Duration>>,
    limits: Arc<LdapLimits>,
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
        let derived = base_dn(&dns_name).ok_or_else(|| LdapSetupError::DomainName { dns_name: dns_name.clone() })?;
        let (name, realm) = (dns_name.clone(), dns_name.to_uppercase());
        let pool = PoolOptions { name, realm, servers, transport, ca_files, bind };
        let pool = Pool::new(pool, limits, clock, health)?;
        Ok(Self {
            dns_name,
            netbios,
            sid,
            base_dn: configured.unwrap_or(derived),
            upn_suffixes,
            pool,
            password_checks: Semaphore::new(PASSWORD_CHECKS),
            sensed: Mutex::default(),
            limits: Arc::clone(limits),
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

    /// Searches the whole domain.
    pub(super) async fn find(&self, filter: String, attributes: Vec<String>) -> Result<Vec<Entry>, DirectoryError> {
        self.pool.find(&self.base_dn, filter, attributes).await
    }

    /// Reads one object by SID. `None` when there is none.
    pub(super) async fn read(&self, sid: &Sid, attributes: Vec<String>) -> Result<Option<Entry>, DirectoryError> {
        let entry = self.pool.read(&format!("<SID={sid}>"), attributes).await?;
        // The name `<SID=…>` may also lead to an object that had this SID earlier.
        Ok(entry.filter(|entry| entry.attributes.object_sid().as_ref() == Some(sid)))
    }

    pub(super) fn unavailable(&self, reason: &str) -> DirectoryError {
        self.pool.unavailable(reason)
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

    /// Asks the domain controllers for a sign of life, in their order, until one gives it. Those that do not are suspect from
    /// then on; returns whether there was one. Who comes while that is under way, or soon after, does not ask again.
    pub(super) async fn sense(&self, clock: &dyn Clock) -> bool {
        let mut sensed = self.sensed.lock().await;
        if sensed.is_some_and(|at| clock.monotonic().saturating_sub(at) < FRESH) {
            return false;
        }
        let mut silent = false;
        for server in self.pool.servers.iter().filter(|server| !server.is_suspect()) {
            if server.search(&Search::sign_of_life(), self.limits.operation_timeout).await.is_ok() {
                break;
            }
            silent = true;
        }
        *sensed = Some(clock.monotonic());
        silent
    }

    /// Times and amounts.
    pub(super) fn limits(&self) -> &LdapLimits {
        &self.limits
    }
}

/// For so long a sign of life is believed.
const FRESH: Duration = Duration::from_secs(1);

/// Each has a connection of its own.
const PASSWORD_CHECKS: usize = 16;
