//! The one door to password validation.
//!
//! Every protocol that takes a password calls [`PasswordGate::check`], and nothing else calls a [`PasswordVerifier`]: lockout,
//! banned addresses and equal timing stand here and cannot be walked around by another endpoint (CVE-2019-0975,
//! CVE-2019-1126). Knows accounts and addresses; knows no protocol, and answers each refusal with the reason for the audit log,
//! which a protocol must not show.
//!
//! State is this node's own: a farm passes on at most the thresholds times its nodes
//! ([`LockoutPolicy::check_against_domain`]).

mod error;
mod event;
mod familiar;
mod ledger;
mod owner;
mod pacer;
mod policy;
#[cfg(test)]
mod tests;
mod ticket;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, Semaphore};

pub use self::error::{GateChangeError, GateError};
pub use self::event::{LockoutEvent, LockoutEventKind, LockoutObserver};
use self::familiar::FamiliarPlaces;
pub use self::ledger::Familiarity;
use self::ledger::{Ledger, Place};
pub use self::pacer::{PacerLimits, ResponsePacer, Sleeper, TokioSleeper};
pub use self::policy::{BannedNetworks, LockoutMode, LockoutPolicy, LockoutPolicyError, TooManyBannedNetworks};
use self::ticket::{Report, Ticket};
use super::{
    AlternateMatch, ChangeError, DomainNames, LockoutKey, LoginName, PasswordAccepted, PasswordError, PasswordVerifier,
    RequestOrigin,
};
use crate::audit::RequestFacts;
use crate::budget::{Budget, network_of};
use crate::clock::Clock;
use crate::secret::Secret;

/// The only caller of a [`PasswordVerifier`]; owns lockout and the timing of refusals.
pub struct PasswordGate {
    shared: Arc<Shared>,
}

/// A password somebody sent.
#[derive(Debug, Clone, Copy)]
pub struct PasswordAttempt<'a> {
    /// Whose it is said to be.
    pub login: &'a LoginName,
    /// The password.
    pub password: &'a Secret<String>,
    /// Where the request comes from.
    pub origin: &'a RequestOrigin,
    /// What the audit log says of the request; passed on to the observer.
    pub request: &'a Arc<RequestFacts>,
}

/// What the gate works with besides its state; replaced as a whole on reload.
#[derive(Debug, Clone, Default)]
pub struct GateSettings {
    /// Thresholds and windows.
    pub lockout: LockoutPolicy,
    /// Addresses that get no answer from the domain.
    pub banned: BannedNetworks,
    /// The names of the configured domains.
    pub domains: DomainNames,
    /// The bounds of the time that refusals take.
    pub pacing: PacerLimits,
}

/// What the gate stands on.
pub struct GateParts {
    /// Checks passwords.
    pub verifier: Arc<dyn PasswordVerifier>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Waits.
    pub sleeper: Arc<dyn Sleeper>,
    /// Is told of lockouts.
    pub observer: Arc<dyn LockoutObserver>,
}

impl PasswordGate {
    /// A gate that knows of no attempt yet.
    pub fn new(parts: GateParts, settings: GateSettings) -> Self {
        let lockout = &settings.lockout;
        let state = State {
            ledger: Ledger::new(lockout.max_accounts, lockout.observation_window),
            places: FamiliarPlaces::new(lockout.max_accounts),
            sources: Budget::new(lockout.max_sources, lockout.source_burst.get(), lockout.source_interval),
            same_account: HashMap::new(),
        };
        Self {
            shared: Arc::new(Shared {
                parts,
                settings: ArcSwap::from_pointee(settings),
                state: Mutex::new(state),
                pacers: Mutex::new(HashMap::new()),
                settled: Notify::new(),
                waiting: Semaphore::new(MAX_WAITING),
            }),
        }
    }

    /// Takes over changed settings. What is counted stays counted: a reload unlocks nobody.
    pub fn reconfigure(&self, settings: GateSettings) {
        let lockout = &settings.lockout;
        let mut state = self.shared.state();
        state.ledger.reconfigure(lockout.max_accounts, lockout.observation_window);
        state.places.reconfigure(lockout.max_accounts);
        state.sources.reconfigure(lockout.max_sources, lockout.source_burst.get(), lockout.source_interval);
        drop(state);
        self.shared.lock_pacers().clear();
        self.shared.settings.store(Arc::new(settings));
    }

    /// Checks a password, unless lockout forbids to ask.
    ///
    /// Every error with [`GateError::is_refusal`] must give the same answer to the person signing in, and takes the same time.
    /// Once the password is on its way to the domain the check runs to its end and is counted even when the caller goes away:
    /// neither can a client take a bad password back, nor does a client's time-out count as one.
    ///
    /// # Errors
    /// [`GateError`].
    pub async fn check(&self, attempt: PasswordAttempt<'_>) -> Result<PasswordAccepted, GateError> {
        self.check_as(attempt).await.1
    }

    /// The same, and the name under which the account was asked for: its own, where an alternate login id was written.
    async fn check_as(&self, attempt: PasswordAttempt<'_>) -> (LoginName, Result<PasswordAccepted, GateError>) {
        let started = self.shared.parts.clock.monotonic();
        let settings = self.shared.settings.load_full();
        // By the name as it was written: an id that somebody has must take as long as one that nobody has.
        let pacer = self.shared.pacer(&settings, attempt.login);
        let (login, result) = self.find_and_verify(&attempt, &settings, &pacer, started).await;
        if result.as_ref().is_err_and(GateError::is_refusal) {
            let elapsed = self.shared.parts.clock.monotonic().saturating_sub(started);
            self.shared.parts.sleeper.sleep(pacer.remaining(elapsed)).await;
        }
        (login, result)
    }

    /// Changes a password: the attempt's password is checked as any other, and one that is right but too old is good enough.
    ///
    /// # Errors
    /// [`GateChangeError`].
    pub async fn change(&self, attempt: PasswordAttempt<'_>, new: &Secret<String>) -> Result<(), GateChangeError> {
        let (login, checked) = self.check_as(attempt).await;
        match checked {
            Ok(_) => {}
            Err(GateError::Rejected(error)) if error.may_change_password() => {}
            Err(error) => return Err(GateChangeError::Password(error)),
        }
        let (old, new) = (attempt.password.clone(), new.clone());
        let shared = Arc::clone(&self.shared);
        // To its end even when the caller goes away: what the log says must be what happened.
        let change = tokio::spawn(async move { shared.parts.verifier.change(&login, &old, &new).await });
        let ended = |_| Err(ChangeError::Unavailable { reason: String::from("the change ended abnormally") });
        Ok(change.await.unwrap_or_else(ended)?)
    }

    /// Looks for an alternate login id, which stands for the account's own name in everything that follows: counting, checking
    /// and changing.
    async fn find_and_verify(
        &self,
        attempt: &PasswordAttempt<'_>,
        settings: &Arc<GateSettings>,
        pacer: &Arc<ResponsePacer>,
        started: Duration,
    ) -> (LoginName, Result<PasswordAccepted, GateError>) {
        let (login, id) = match self.find(attempt, settings).await {
            Ok(Some(AlternateMatch { login, id })) => (login, id),
            Ok(None) => (attempt.login.clone(), None),
            Err(error) => return (attempt.login.clone(), Err(error)),
        };
        let attempt = PasswordAttempt { login: &login, ..*attempt };
        let checked = self.admit_and_verify(&attempt, settings, pacer, started).await;
        let checked = checked.map(|accepted| PasswordAccepted { alternate_login_id: id, ..accepted });
        (login, checked)
    }

    fn locked(&self, report: &Report, failures: u32, retry_at: Duration, now: Duration) -> GateError {
        self.shared.tell(report, LockoutEventKind::RefusedWhileLocked, failures);
        GateError::Locked { familiarity: report.familiarity, failures, retry_after: retry_at.saturating_sub(now) }
    }

    fn full(&self, report: &Report) -> GateError {
        self.shared.tell(report, LockoutEventKind::LedgerFull, 0);
        GateError::Overloaded
    }

    /// Takes what an attempt costs from its source.
    fn pay(&self, attempt: &PasswordAttempt<'_>, report: &Report) -> Result<(), GateError> {
        let address = attempt.origin.client_ip;
        let now = self.shared.parts.clock.monotonic();
        let paid = self.shared.state().sources.pay(network_of(address), now);
        paid.map_err(|retry_at| {
            self.shared.tell(report, LockoutEventKind::SourceSlowed, 0);
            GateError::SourceSlowed { address, retry_after: retry_at.saturating_sub(now) }
        })
    }

    /// Whether anybody may be asked about it.
    fn may_be_checked(attempt: &PasswordAttempt<'_>, settings: &GateSettings) -> Result<(), GateError> {
        let addresses = std::iter::once(attempt.origin.peer).chain(attempt.origin.presented());
        if let Some(address) = addresses.into_iter().find(|address| settings.banned.contains(*address)) {
            return Err(GateError::Banned { address });
        }
        let password = attempt.password.expose();
        if password.is_empty() {
            return Err(PasswordError::Empty.into());
        }
        if password.contains('\0') || password.len() > MAX_PASSWORD_OCTETS {
            return Err(PasswordError::Unusable.into());
        }
        Ok(())
    }

    async fn admit_and_verify(
        &self,
        attempt: &PasswordAttempt<'_>,
        settings: &Arc<GateSettings>,
        pacer: &Arc<ResponsePacer>,
        started: Duration,
    ) -> Result<PasswordAccepted, GateError> {
        let report = Report::new(attempt, self.shared.parts.clock.now());
        let looked_up = self.shared.parts.clock.monotonic().saturating_sub(started);
        let ticket = self.take_place(attempt, settings, report).await?;
        if let Err(error) = self.pay(attempt, &ticket.report) {
            ticket.give_back();
            return Err(error);
        }
        let (login, password, pacer) = (attempt.login.clone(), attempt.password.clone(), Arc::clone(pacer));
        let check = tokio::spawn(async move { ticket.verify(&login, &password, &pacer, looked_up).await });
        match check.await {
            Ok(result) => result.map_err(GateError::from),
            Err(_) => Err(PasswordError::Unavailable { reason: String::from("the check ended abnormally") }.into()),
        }
    }

    /// Takes a place in the account's ledger; waits while every place is taken by an attempt still under way.
    async fn take_place(
        &self,
        attempt: &PasswordAttempt<'_>,
        settings: &Arc<GateSettings>,
        mut report: Report,
    ) -> Result<Ticket, GateError> {
        let policy = &settings.lockout;
        let enforce = policy.mode == LockoutMode::Enforce;
        let thresholds = policy.thresholds();
        let written_key = attempt.login.lockout_key(&settings.domains);
        let mut waiting = None;
        loop {
            let settled = self.shared.settled.notified();
            let now = self.shared.parts.clock.monotonic();
            let (place, account, familiarity) = {
                let mut state = self.shared.state();
                let account = state.account_of(written_key);
                let familiarity = state.familiarity(&account, attempt.origin);
                (state.ledger.take(account, familiarity, thresholds, enforce, now), account, familiarity)
            };
            report.familiarity = familiarity;
            match place {
                Place::Taken { failures, locked } => {
                    if locked {
                        self.shared.tell(&report, LockoutEventKind::AllowedWhileLocked, failures);
                    }
                    return Ok(Ticket {
                        shared: Arc::clone(&self.shared),
                        account,
                        written_key,
                        thresholds,
                        was_locked: locked,
                        report,
                        settled: false,
                    });
                }
                Place::Locked { failures, retry_at } => return Err(self.locked(&report, failures, retry_at, now)),
                Place::Full => return Err(self.full(&report)),
                Place::Busy => {
                    if waiting.is_none() {
                        waiting = Some(self.shared.waiting.try_acquire().map_err(|_| GateError::Overloaded)?);
                    }
                    settled.await;
                }
            }
        }
    }
}

struct Shared {
    parts: GateParts,
    settings: ArcSwap<GateSettings>,
    state: Mutex<State>,
    /// By realm as configured; one more, under the empty name, for domains that are not.
    pacers: Mutex<HashMap<String, Arc<ResponsePacer>>>,
    /// Notified whenever a place becomes free.
    settled: Notify,
    waiting: Semaphore,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_pacers(&self) -> MutexGuard<'_, HashMap<String, Arc<ResponsePacer>>> {
        self.pacers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A pacer for each domain: beside a quick one, a slow domain's answers would be told apart.
    fn pacer(&self, settings: &GateSettings, login: &LoginName) -> Arc<ResponsePacer> {
        let realm = login.realm(&settings.domains).unwrap_or_default();
        let mut pacers = self.lock_pacers();
        if let Some(pacer) = pacers.get(realm) {
            return Arc::clone(pacer);
        }
        let pacer = Arc::new(ResponsePacer::new(settings.pacing));
        pacers.insert(realm.to_owned(), Arc::clone(&pacer));
        pacer
    }

    /// Finds out whose name this is before the first attempt with it is counted: two names of one account must not have two
    /// sets of attempts. Who cannot be found is counted by the name; a directory that is down locks nobody out.
    async fn learn_owner(&self, login: &LoginName, settings: &GateSettings) {
        let written = login.lockout_key(&settings.domains);
        if self.state().same_account.contains_key(&written) {
            return;
        }
        if let Some(owner) = self.parts.verifier.owner(login).await {
            self.state().learn_name(written, owner, settings.lockout.max_accounts);
        }
    }

    fn tell(&self, report: &Report, kind: LockoutEventKind, failures: u32) {
        self.parts.observer.observe(&LockoutEvent {
            kind,
            login: report.login.clone(),
            familiarity: report.familiarity,
            failures,
            request: Arc::clone(&report.request),
            at: report.at,
        });
    }
}

struct State {
    ledger: Ledger,
    places: FamiliarPlaces,
    sources: Budget<IpAddr>,
    /// Names and whose they are: by the directory, and by the last sign-in that succeeded. Of accounts that exist only.
    same_account: HashMap<LockoutKey, LockoutKey>,
}

impl State {
    fn account_of(&self, written: LockoutKey) -> LockoutKey {
        self.same_account.get(&written).copied().unwrap_or(written)
    }

    fn familiarity(&self, account: &LockoutKey, origin: &RequestOrigin) -> Familiarity {
        if !origin.is_extranet() || self.places.knows_all(account, origin.presented()) {
            Familiarity::Familiar
        } else {
            Familiarity::Unknown
        }
    }

    fn learn_name(&mut self, written: LockoutKey, account: LockoutKey, capacity: usize) {
        if self.same_account.get(&written) == Some(&account) {
            return;
        }
        if self.same_account.len() >= capacity
            && !self.same_account.contains_key(&written)
            && let Some(any) = self.same_account.keys().next().copied()
        {
            self.same_account.remove(&any);
        }
        self.same_account.insert(written, account);
        if written != account {
            self.ledger.join(written, account);
        }
    }
}

/// Longer than any password Active Directory takes (256 characters of up to four octets).
const MAX_PASSWORD_OCTETS: usize = 1024;

/// Attempts that may wait at once for an earlier one on the same account.
const MAX_WAITING: usize = 1024;
