//! Trusts: who may ask for a token, and what each gets.
//!
//! A trust is one file in the directory `trusts/`. This module knows what the files may say and what a relying party is; it
//! knows nothing of protocols, accounts or how tokens are written.

mod certificates;
mod compile;
mod context;
mod endpoints;
pub mod entra;
pub mod file;
pub mod partner_metadata;
mod policy;
mod relying_party;
mod rules;

pub(crate) use compile::compile;
pub(crate) use context::TrustContext;
pub use policy::AppliedPolicy;
pub(crate) use policy::{PolicyKeys, resolve_policy};
pub use relying_party::{
    AssertionConsumerService, Authorization, ClaimsProviders, RelyingParty, RelyingPartyId, SamlSettings,
    TokenEncryption, TrustLookup, Trusts, WsFederationSettings,
};
pub(crate) use rules::{RuleKeys, compile as compile_rules};

#[cfg(test)]
mod tests;
