//! The explanation of one sign-in or one case, as data.

use crate::claims::case::SavedClaim;
use crate::claims::explain::{IssuedClaim, StageExplanation};

/// Everything there is to say.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct Answer {
    /// The case, or who signs in where.
    pub(in crate::cli) title: String,
    /// The account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) subject: Option<Subject>,
    /// The claims provider whose user it is, where that is not Active Directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) claims_provider: Option<ClaimsProviderAnswer>,
    /// The client that asks on behalf of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) actor: Option<ActorAnswer>,
    /// The relying party.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) relying_party: Option<RelyingPartyAnswer>,
    /// The request that was assumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) request: Option<Request>,
    /// Inputs that a real sign-in would bring, and what was taken in their place.
    pub(in crate::cli) assumed: Vec<String>,
    /// What stands against a real sign-in, or is taken out of it.
    pub(in crate::cli) warnings: Vec<String>,
    /// The claims that the first rules start with.
    pub(in crate::cli) input: Vec<SavedClaim>,
    /// Each rule set that ran, in order.
    pub(in crate::cli) stages: Vec<StageExplanation>,
    /// `permit`, `deny`, `second-factor`, `error`, `mfa`, `no-mfa`; nothing for a case that decides nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) decision: Option<&'static str>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) reason: Option<String>,
    /// The claims of the token, each with the issuance transform rule that issued it.
    pub(in crate::cli) token: Vec<IssuedClaim>,
}

/// The account.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct Subject {
    pub(in crate::cli) name: String,
    pub(in crate::cli) sid: String,
    pub(in crate::cli) upn: Option<String>,
    pub(in crate::cli) groups: usize,
}

/// The claims provider.
#[derive(Debug, serde::Serialize)]
pub(in crate::cli) struct ClaimsProviderAnswer {
    pub(in crate::cli) name: String,
    pub(in crate::cli) identifier: String,
}

/// The OAuth client.
#[derive(Debug, serde::Serialize)]
pub(in crate::cli) struct ActorAnswer {
    pub(in crate::cli) name: String,
    pub(in crate::cli) id: String,
}

/// The relying party.
#[derive(Debug, serde::Serialize)]
pub(in crate::cli) struct RelyingPartyAnswer {
    pub(in crate::cli) name: String,
    pub(in crate::cli) identifier: String,
}

/// The request.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct Request {
    pub(in crate::cli) endpoint: String,
    pub(in crate::cli) client_address: String,
    pub(in crate::cli) location: &'static str,
    pub(in crate::cli) method: &'static str,
}
