//! A sign-in that goes on at a claims provider: what is remembered until the browser comes back, carried by itself under seal.
//!
//! Bound to the browser that was sent away, so that nobody can end in it a sign-in that began in another; each is good once.
//! Knows no protocol: the sealed text stands wherever a protocol gives something back as it came (`wctx`, `RelayState`).

use std::time::Duration;

use super::flow::{BrowserId, SignInFlow, StepId};
use crate::clock::UtcTime;
use crate::tokens::sealed::{SealError, SealPurpose, Sealer};
use crate::trusts::ClaimsProviderId;

/// A sign-in at a claims provider.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FederatedSignIn {
    /// The flow that goes on with the answer.
    #[serde(rename = "f")]
    pub flow: SignInFlow,
    /// Who answers; nobody else may.
    #[serde(rename = "p")]
    pub claims_provider: ClaimsProviderId,
    /// The request it began with, as a query.
    #[serde(rename = "q")]
    pub query: String,
    /// The path that request came to.
    #[serde(rename = "a", default)]
    pub path: String,
}

/// A sign-in as it comes back with the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnedFederated {
    /// The sign-in.
    pub sign_in: FederatedSignIn,
    /// What is used up by the answer ([`crate::store::Purpose::SignInStep`]).
    pub step: StepId,
    /// Until when it is good.
    pub until: UtcTime,
}

impl FederatedSignIn {
    /// The sign-in as text for one browser; `step` is what its answer uses up.
    ///
    /// # Errors
    /// [`SealError`]; a request too long to be carried is [`SealError::TooLarge`].
    pub fn seal(&self, step: &StepId, sealer: &Sealer, browser: &BrowserId, now: UtcTime) -> Result<String, SealError> {
        sealer.seal(PURPOSE.bound_to(browser.as_str()), &(step, self), now.plus(LIFETIME))
    }

    /// The sign-in of a text that [`FederatedSignIn::seal`] made for the same browser.
    ///
    /// # Errors
    /// [`SealError`]; whatever it is, the answer is not taken.
    pub fn open(sealer: &Sealer, browser: &BrowserId, text: &str) -> Result<ReturnedFederated, SealError> {
        let opened = sealer.open::<(StepId, Self)>(PURPOSE.bound_to(browser.as_str()), text)?;
        let (step, sign_in) = opened.value;
        Ok(ReturnedFederated { sign_in, step, until: opened.expiry })
    }
}

impl ReturnedFederated {
    /// When the browser was sent away.
    pub fn departed(&self) -> UtcTime {
        self.until.minus(LIFETIME)
    }
}

const PURPOSE: SealPurpose<'static> = SealPurpose::new("federated_sign_in");
/// How long somebody may take at the claims provider.
const LIFETIME: Duration = Duration::from_hours(1);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::authn::AuthnRequirement;
    use crate::clock::{ManualClock, SystemRandomSource};
    use crate::secret::Secret;

    const NOW: UtcTime = UtcTime::from_unix_seconds(1_767_607_201);

    #[test]
    fn it_comes_back_to_the_browser_that_was_sent_away_and_to_no_other() {
        let clock = Arc::new(ManualClock::at(NOW));
        let random = SystemRandomSource::new();
        let sealer = Sealer::new(&Secret::new([3; 32]), clock.clone(), Arc::new(SystemRandomSource::new()), 8 * 1024);
        let (mine, other) = (BrowserId::random(&random).unwrap(), BrowserId::random(&random).unwrap());
        let step = || StepId::random(&random).unwrap();
        let query = String::from("wa=wsignin1.0&wtrealm=urn%3Aa&wctx=x");
        let sign_in = FederatedSignIn {
            flow: SignInFlow::new(AuthnRequirement::default(), &query),
            claims_provider: ClaimsProviderId::new("urn:partner"),
            query,
            path: String::from("/adfs/ls/"),
        };
        let text = sign_in.seal(&step(), &sealer, &mine, NOW).unwrap();
        assert!(text.len() < 500, "{}", text.len());
        let returned = FederatedSignIn::open(&sealer, &mine, &text).unwrap();
        assert_eq!((&returned.sign_in, returned.until), (&sign_in, NOW.plus(LIFETIME)));
        assert_eq!(FederatedSignIn::open(&sealer, &other, &text), Err(SealError::NotAuthentic));
        // A sign-in page of the same browser is none, and the other way round.
        let page = sign_in.flow.seal(&sealer, &mine, NOW, &random).unwrap();
        assert_eq!(FederatedSignIn::open(&sealer, &mine, &page), Err(SealError::NotAuthentic));
        assert!(SignInFlow::open(&sealer, &mine, &sign_in.query, &text).is_err());
        let again = sign_in.seal(&step(), &sealer, &mine, NOW).unwrap();
        assert_ne!(FederatedSignIn::open(&sealer, &mine, &again).unwrap().step, returned.step);
        let long = FederatedSignIn { query: "x".repeat(8000), ..sign_in };
        assert!(matches!(long.seal(&step(), &sealer, &mine, NOW), Err(SealError::TooLarge { .. })));
        clock.advance(LIFETIME);
        assert!(matches!(FederatedSignIn::open(&sealer, &mine, &text), Err(SealError::Expired { .. })));
    }
}
