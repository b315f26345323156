//! The password verifier of the configuration in force, behind the gate that outlives configurations.

use std::sync::Arc;

use arc_swap::ArcSwapOption;

use crate::authn::{
    AlternateMatch, AmbiguousLoginId, ChangeError, DomainPasswordVerifier, LockoutKey, LoginName, PasswordAccepted,
    PasswordError, PasswordVerifier,
};
use crate::secret::Secret;

/// Passes each check on to the current verifier.
#[derive(Default)]
pub(super) struct CurrentVerifier(ArcSwapOption<DomainPasswordVerifier>);

impl CurrentVerifier {
    /// From now on checks go to `verifier`.
    pub(super) fn set(&self, verifier: Arc<DomainPasswordVerifier>) {
        self.0.store(Some(verifier));
    }
}

#[async_trait::async_trait]
impl PasswordVerifier for CurrentVerifier {
    async fn verify(&self, login: &LoginName, password: &Secret<String>) -> Result<PasswordAccepted, PasswordError> {
        match self.0.load_full() {
            Some(verifier) => verifier.verify(login, password).await,
            None => Err(PasswordError::Unavailable { reason: String::from("the server is starting") }),
        }
    }

    async fn owner(&self, login: &LoginName) -> Option<LockoutKey> {
        self.0.load_full()?.owner(login).await
    }

    async fn by_alternate_id(&self, login: &LoginName) -> Result<Option<AlternateMatch>, AmbiguousLoginId> {
        match self.0.load_full() {
            Some(verifier) => verifier.by_alternate_id(login).await,
            None => Ok(None),
        }
    }

    async fn change(&self, login: &LoginName, old: &Secret<String>, new: &Secret<String>) -> Result<(), ChangeError> {
        match self.0.load_full() {
            Some(verifier) => verifier.change(login, old, new).await,
            None => Err(ChangeError::Unavailable { reason: String::from("the server is starting") }),
        }
    }
}
