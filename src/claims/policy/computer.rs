//! What a policy says to a computer that registers itself: it can show no second factor and belongs to few groups, so a policy
//! made for people may stop every registration.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::CompiledPolicy;
use crate::claims::types::{self, issuer};
use crate::claims::{
    Authorization, Claim, ClaimSet, Limits, NoTrace, QueryContext, RequestStores, StoreSet, asks_second_factor,
    authorize,
};

/// What a policy says to a domain-joined computer that asks from inside with its Kerberos ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComputerAnswer {
    /// It gets a token.
    Permit,
    /// It would need a second factor, which no computer has.
    SecondFactor,
    /// It gets none.
    Deny,
    /// That depends on what an attribute store says.
    Unknown,
}

impl CompiledPolicy {
    /// Asks the policy on behalf of a computer of some domain.
    pub fn answer_to_computer(&self) -> ComputerAnswer {
        let stores = StoreSet::new();
        let context = QueryContext::default();
        let (stores, limits) = (RequestStores::new(&stores, context), Limits::default());
        let claims = computer();
        let decide = async {
            if let Some(rules) = &self.additional_authentication
                && asks_second_factor(rules, &claims, &stores, &limits, &mut NoTrace).await?
            {
                return Ok(ComputerAnswer::SecondFactor);
            }
            authorize(&self.authorization, &claims, &stores, &limits, &mut NoTrace).await.map(|verdict| match verdict {
                Authorization::Permit => ComputerAnswer::Permit,
                Authorization::Deny(_) => ComputerAnswer::Deny,
            })
        };
        // Only a store makes rules wait, and there is none here.
        match pin!(decide).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(answer)) => answer,
            Poll::Ready(Err(_)) | Poll::Pending => ComputerAnswer::Unknown,
        }
    }
}

fn computer() -> ClaimSet {
    let domain = |rest: &str| format!("S-1-5-21-1-2-3-{rest}");
    let own = |claim_type: &str, value: &str| Claim::new(claim_type, value, issuer::AD_AUTHORITY);
    let request = |claim_type: &str, value: &str| Claim::new(claim_type, value, issuer::CLIENT_CONTEXT);
    let method = "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/windows";
    ClaimSet::from(vec![
        own(types::WINDOWS_ACCOUNT_NAME, "DOMAIN\\COMPUTER$"),
        own(types::PRIMARY_SID, &domain("1119")),
        own(types::PRIMARY_GROUP_SID, &domain("515")),
        own(types::GROUP_SID, &domain("515")),
        own(types::AUTHN_METHODS_REFERENCES, method),
        request(types::INSIDE_CORPORATE_NETWORK, "true"),
        request(types::X_MS_ENDPOINT_ABSOLUTE_PATH, "/adfs/services/trust/13/windowstransport"),
    ])
}
