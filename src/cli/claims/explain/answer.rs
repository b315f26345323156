//! The explanation of one sign-in or one case, as data.

use crate::claims::case::SavedClaim;
use crate::claims::explain::{IssuedClaim, StageExplanation};

/// Everything there is to say.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    /// The case, or who signs in where.
    pub(super) title: String,
    /// The account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<Subject>,
    /// The relying party.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) relying_party: Option<RelyingPartyAnswer>,
    /// The request that was assumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request: Option<Request>,
    /// Inputs that a real sign-in would bring, and what was taken in their place.
    pub(super) assumed: Vec<String>,
    /// What stands against a real sign-in, or is taken out of it.
    pub(super) warnings: Vec<String>,
    /// The claims that the first rules start with.
    pub(super) input: Vec<SavedClaim>,
    /// Each rule set that ran, in order.
    pub(super) stages: Vec<StageExplanation>,
    /// `permit`, `deny`, `second-factor`, `error`, `mfa`, `no-mfa`; nothing for a case that decides nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) decision: Option<&'static str>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    /// The claims of the token, each with the issuance transform rule that issued it.
    pub(super) token: Vec<IssuedClaim>,
}

/// The account.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) sid: String,
    pub(super) upn: Option<String>,
    pub(super) groups: usize,
}

/// The relying party.
#[derive(Debug, serde::Serialize)]
pub(super) struct RelyingPartyAnswer {
    pub(super) name: String,
    pub(super) identifier: String,
}

/// The request.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request {
    pub(super) endpoint: String,
    pub(super) client_address: String,
    pub(super) location: &'static str,
    pub(super) method: &'static str,
}
