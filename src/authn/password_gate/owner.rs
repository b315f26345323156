//! Whose a written name is. Before anybody is asked: whether a password may be checked for it at all.

use std::sync::Arc;

use super::ledger::Place;
use super::ticket::Report;
use super::{GateError, GateSettings, LockoutMode, PasswordAttempt, PasswordGate};
use crate::authn::{AlternateMatch, PasswordError};
use crate::budget::network_of;

impl PasswordGate {
    /// Finds out whose name was written: the account that has it as its alternate login id, and all that it is counted with. Both
    /// are searches of the directory, so nobody gets them who could not have a password checked: a locked name, and a source that
    /// has nothing left, are refused before. The source pays for the time of the search.
    pub(super) async fn find(
        &self,
        attempt: &PasswordAttempt<'_>,
        settings: &Arc<GateSettings>,
    ) -> Result<Option<AlternateMatch>, GateError> {
        Self::may_be_checked(attempt, settings)?;
        let shared = &self.shared;
        let mut report = Report::new(attempt, shared.parts.clock.now());
        self.refuse_known(attempt, settings, &mut report)?;
        self.pay(attempt, &report)?;
        let capacity = settings.lockout.max_accounts;
        let alternate = attempt.login.alternate_key();
        let found = match shared.parts.verifier.by_alternate_id(attempt.login).await {
            Ok(Some(found)) => {
                shared.learn_owner(&found.login, settings).await;
                let mut state = shared.state();
                let owner = state.account_of(found.login.lockout_key(&settings.domains));
                state.learn_name(alternate, owner, capacity);
                Some(found)
            }
            Ok(None) => {
                shared.state().same_account.remove(&alternate);
                shared.learn_owner(attempt.login, settings).await;
                None
            }
            // Counted for the name as it was written, as a wrong password is, and paid for: who sends it again is locked out.
            Err(error) => {
                shared.state().same_account.remove(&alternate);
                let refused = PasswordError::Refused { reason: error.to_string() };
                self.take_place(attempt, settings, report).await?.settle_refused(&refused);
                return Err(refused.into());
            }
        };
        shared.state().sources.pay_back(network_of(attempt.origin.client_ip), shared.parts.clock.monotonic());
        Ok(found)
    }

    /// Refuses a name that is known to be locked, and one that there is no room to count.
    fn refuse_known(
        &self,
        attempt: &PasswordAttempt<'_>,
        settings: &GateSettings,
        report: &mut Report,
    ) -> Result<(), GateError> {
        let now = self.shared.parts.clock.monotonic();
        let policy = &settings.lockout;
        let place = {
            let mut state = self.shared.state();
            let written = attempt.login.lockout_key(&settings.domains);
            let by_id = state.same_account.get(&attempt.login.alternate_key()).copied();
            let account = by_id.unwrap_or_else(|| state.account_of(written));
            report.familiarity = state.familiarity(&account, attempt.origin);
            state.ledger.refusal(account, report.familiarity, policy.thresholds(), now)
        };
        match place {
            Some(Place::Locked { .. }) if policy.mode == LockoutMode::LogOnly => Ok(()),
            Some(Place::Locked { failures, retry_at }) => Err(self.locked(report, failures, retry_at, now)),
            Some(Place::Full) => Err(self.full(report)),
            Some(Place::Taken { .. } | Place::Busy) | None => Ok(()),
        }
    }
}
