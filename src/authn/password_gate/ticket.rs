//! One attempt on its way: a place taken in the ledger, and what becomes of it. Settled once, whatever happens.

use std::sync::Arc;
use std::time::Duration;

use super::ledger::{Settled, Thresholds, Verdict};
use super::{Familiarity, LockoutEventKind, PasswordAttempt, ResponsePacer, Shared, State};
use crate::audit::RequestFacts;
use crate::authn::{LockoutKey, LoginName, PasswordAccepted, PasswordError, RequestOrigin};
use crate::budget::network_of;
use crate::clock::UtcTime;
use crate::directory::Account;
use crate::secret::Secret;

/// What an event says of its request.
pub(super) struct Report {
    pub(super) login: String,
    pub(super) familiarity: Familiarity,
    pub(super) origin: RequestOrigin,
    pub(super) request: Arc<RequestFacts>,
    pub(super) at: UtcTime,
}

impl Report {
    pub(super) fn new(attempt: &PasswordAttempt<'_>, at: UtcTime) -> Self {
        Self {
            login: attempt.login.to_string(),
            familiarity: Familiarity::Unknown,
            origin: attempt.origin.clone(),
            request: Arc::clone(attempt.request),
            at,
        }
    }
}

/// A place taken for one attempt. Dropped without a verdict (the verifier panicked), it counts as a bad password.
pub(super) struct Ticket {
    pub(super) shared: Arc<Shared>,
    pub(super) account: LockoutKey,
    /// The key of the name as it was written.
    pub(super) written_key: LockoutKey,
    pub(super) thresholds: Thresholds,
    pub(super) was_locked: bool,
    pub(super) report: Report,
    pub(super) settled: bool,
}

impl Ticket {
    pub(super) async fn verify(
        self,
        login: &LoginName,
        password: &Secret<String>,
        pacer: &ResponsePacer,
        looked_up: Duration,
    ) -> Result<PasswordAccepted, PasswordError> {
        let began = self.shared.parts.clock.monotonic();
        let result = self.shared.parts.verifier.verify(login, password).await;
        match &result {
            Ok(accepted) => self.settle_good(&accepted.account),
            Err(error) => {
                pacer.observe(error, looked_up + self.shared.parts.clock.monotonic().saturating_sub(began));
                self.settle_refused(error);
            }
        }
        result
    }

    fn settle_good(mut self, account: &Account) {
        let now = self.shared.parts.clock.monotonic();
        let capacity = self.shared.settings.load().lockout.max_accounts;
        let origin = &self.report.origin;
        {
            let mut state = self.shared.state();
            self.settle(&mut state, Verdict::Good, now);
            state.sources.pay_back(network_of(origin.client_ip), now);
            let own_key = LockoutKey::of_account(&account.realm, &account.sam_account_name);
            state.learn_name(self.written_key, own_key, capacity);
            if origin.is_extranet() {
                let key = state.account_of(self.written_key);
                state.places.learn(key, origin.presented());
            }
        }
        if self.was_locked {
            self.shared.tell(&self.report, LockoutEventKind::CorrectWhileLocked, 0);
        }
        self.finish();
    }

    /// Settles it with what came of it.
    pub(super) fn settle_refused(mut self, error: &PasswordError) {
        if error.counts_as_bad_password() {
            self.settle_bad(!matches!(error, PasswordError::UnknownAccount));
        } else {
            let now = self.shared.parts.clock.monotonic();
            let mut state = self.shared.state();
            self.settle(&mut state, Verdict::Neutral, now);
            state.sources.pay_back(network_of(self.report.origin.client_ip), now);
            drop(state);
            if self.was_locked && error.may_change_password() {
                self.shared.tell(&self.report, LockoutEventKind::CorrectWhileLocked, 0);
            }
        }
        self.finish();
    }

    fn settle_bad(&self, account_exists: bool) {
        let now = self.shared.parts.clock.monotonic();
        let settled = self.settle(&mut self.shared.state(), Verdict::Bad { account_exists }, now);
        if settled.locks {
            self.shared.tell(&self.report, LockoutEventKind::Locked, settled.failures);
        }
    }

    /// Gives the place back before anything was asked.
    pub(super) fn give_back(mut self) {
        let now = self.shared.parts.clock.monotonic();
        self.settle(&mut self.shared.state(), Verdict::Neutral, now);
        self.finish();
    }

    fn settle(&self, state: &mut State, verdict: Verdict, now: Duration) -> Settled {
        state.ledger.settle(self.account, self.report.familiarity, self.thresholds, verdict, now)
    }

    fn finish(&mut self) {
        self.settled = true;
        self.shared.settled.notify_waiters();
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.settled {
            self.settle_bad(true);
            self.finish();
        }
    }
}
