//! Trusts: who may ask for a token, and what each gets.
//!
//! A trust is one file in the directory `trusts/`. This module knows what the files may say, what a relying party and a claims
//! provider are; it knows nothing of protocols, accounts or how tokens are written.

mod branding;
mod built_in;
mod candidates;
mod certificates;
mod claims_provider;
pub mod client;
mod compile;
mod compile_client;
mod compile_provider;
mod context;
mod described;
mod endpoints;
pub mod entra;
pub mod file;
mod local_provider;
pub mod monitoring;
mod openid;
pub mod partner_metadata;
mod policy;
mod provider_metadata;
mod provider_names;
mod registry;
mod relying_party;
mod rules;
mod service_metadata;

pub(crate) use branding::{check_size as check_branding_size, compile as compile_branding};
pub(crate) use built_in::{clients as built_in_clients, device_registration, user_information};
pub use candidates::{Candidates, HomeRealm};
pub use claims_provider::{ClaimsProvider, ClaimsProviderId, FederationProtocol, SignOutService};
pub use client::{Client, ClientType, GrantType};
pub(crate) use compile::compile;
pub(crate) use compile_client::compile as compile_client;
pub(crate) use compile_provider::compile as compile_claims_provider;
pub(crate) use context::TrustContext;
pub(crate) use described::monitored;
pub(crate) use local_provider::compile as compile_local_acceptance;
pub use openid::{ClientAuthentication, ClientKeyFiles, OpenIdSettings};
pub use policy::AppliedPolicy;
pub(crate) use policy::{PolicyKeys, resolve_policy, warn_of_computers};
pub(crate) use provider_names::{ListedProvider, ProviderNames, listed, resolve_lists};
pub use registry::{TrustLookup, Trusts};
pub use relying_party::{
    AssertionConsumerService, Authorization, ClaimsProviders, RelyingParty, RelyingPartyId, SamlSettings,
    TokenEncryption, WsFederationSettings,
};
pub(crate) use rules::{RuleKeys, compile as compile_rules};
pub(crate) use service_metadata::add_identifiers;

#[cfg(test)]
pub(crate) mod tests;
