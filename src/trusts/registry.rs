//! Every trust of a configuration, found by what requests name: hash tables, so that a thousand trusts cost a request nothing.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use super::client::Clients;
use super::monitoring::Monitored;
use super::{Candidates, ClaimsProvider, ClaimsProviders, Client, RelyingParty};
use crate::claims::RuleSet;
use crate::claims::types::issuer;
use crate::config::names::DnsName;

/// Every trust of a configuration.
#[derive(Debug, Default)]
pub struct Trusts {
    additional_authentication: Option<RuleSet>,
    local_acceptance: Option<RuleSet>,
    relying_parties: Vec<Arc<RelyingParty>>,
    by_identifier: HashMap<String, usize>,
    /// In order of their names.
    claims_providers: Vec<Arc<ClaimsProvider>>,
    provider_by_identifier: HashMap<String, usize>,
    provider_by_suffix: HashMap<DnsName, usize>,
    /// How many of them can sign somebody in.
    usable_providers: usize,
    local_suffixes: HashSet<DnsName>,
    clients: Clients,
    monitored: Vec<Monitored>,
}

impl Trusts {
    /// All trusts given. Identifiers must be unique; of two equal ones the first counts (loading refuses that case).
    pub fn new(relying_parties: Vec<Arc<RelyingParty>>) -> Self {
        let mut by_identifier = HashMap::new();
        for (index, relying_party) in relying_parties.iter().enumerate() {
            for identifier in &relying_party.identifiers {
                by_identifier.entry(identifier.clone()).or_insert(index);
            }
        }
        Self { relying_parties, by_identifier, ..Self::default() }
    }

    /// The same with additional authentication rules for every relying party.
    #[must_use]
    pub fn with_additional_authentication(self, rules: Option<RuleSet>) -> Self {
        Self { additional_authentication: rules, ..self }
    }

    /// The same with acceptance transform rules of the local claims provider.
    #[must_use]
    pub fn with_local_acceptance(self, rules: Option<RuleSet>) -> Self {
        Self { local_acceptance: rules, ..self }
    }

    /// Acceptance transform rules of the local claims provider; `None` where the default ones hold.
    pub const fn local_acceptance(&self) -> Option<&RuleSet> {
        self.local_acceptance.as_ref()
    }

    /// The same with claims providers. Identifiers and suffixes must be unique; of two equal ones the first counts (loading
    /// refuses that case).
    #[must_use]
    pub fn with_claims_providers(mut self, mut providers: Vec<Arc<ClaimsProvider>>) -> Self {
        providers.sort_by_cached_key(|provider| provider.name.to_lowercase());
        self.provider_by_identifier.clear();
        self.provider_by_suffix.clear();
        for (index, provider) in providers.iter().enumerate() {
            self.provider_by_identifier.entry(provider.id.as_str().to_owned()).or_insert(index);
            for suffix in &provider.account_suffixes {
                self.provider_by_suffix.entry(suffix.clone()).or_insert(index);
            }
        }
        self.usable_providers = providers.iter().filter(|provider| provider.is_usable()).count();
        self.claims_providers = providers;
        self
    }

    /// The same with the suffixes of users of the local Active Directory.
    #[must_use]
    pub fn with_local_suffixes(self, suffixes: impl IntoIterator<Item = DnsName>) -> Self {
        Self { local_suffixes: suffixes.into_iter().collect(), ..self }
    }

    /// The same with OAuth clients. Ids must be unique; of two equal ones the first counts (loading refuses that case).
    #[must_use]
    pub fn with_clients(mut self, clients: impl IntoIterator<Item = Arc<Client>>) -> Self {
        for client in clients {
            self.clients.entry(client.id.clone()).or_insert(client);
        }
        self
    }

    /// The OAuth client with an id, compared character by character, whether it is switched on or not.
    pub fn client(&self, id: &str) -> Option<&Arc<Client>> {
        self.clients.get(id)
    }

    /// Every OAuth client, in no order.
    pub fn clients(&self) -> impl Iterator<Item = &Arc<Client>> {
        self.clients.values()
    }

    /// The local Active Directory alone, for requests that no other claims provider can answer.
    pub fn local_candidate(&self) -> Candidates<'_> {
        static LOCAL: LazyLock<ClaimsProviders> =
            LazyLock::new(|| ClaimsProviders::Listed(vec![String::from(issuer::AD_AUTHORITY)]));
        Candidates::new(self, &LOCAL)
    }

    /// The same with the trusts whose metadata lies at an address.
    #[must_use]
    pub fn with_monitored(self, monitored: Vec<Monitored>) -> Self {
        Self { monitored, ..self }
    }

    /// The trusts whose metadata lies at an address, also those that sign nobody in because it was not fetched yet.
    pub fn monitored(&self) -> &[Monitored] {
        &self.monitored
    }

    /// The claims provider with an identifier, compared character by character, whether it can sign somebody in or not.
    pub fn claims_provider(&self, identifier: &str) -> Option<&Arc<ClaimsProvider>> {
        self.provider_by_identifier.get(identifier).and_then(|index| self.claims_providers.get(*index))
    }

    /// Every claims provider but the local Active Directory, in order of their names.
    pub fn claims_providers(&self) -> &[Arc<ClaimsProvider>] {
        &self.claims_providers
    }

    /// Who may sign users in to a relying party.
    pub const fn candidates<'a>(&'a self, trust: &'a RelyingParty) -> Candidates<'a> {
        Candidates::new(self, &trust.claims_providers)
    }

    pub(super) fn provider_of_suffix(&self, suffix: &DnsName) -> Option<&Arc<ClaimsProvider>> {
        self.provider_by_suffix.get(suffix).and_then(|index| self.claims_providers.get(*index))
    }

    pub(super) fn is_local_suffix(&self, suffix: &DnsName) -> bool {
        self.local_suffixes.contains(suffix)
    }

    pub(super) const fn usable_providers(&self) -> usize {
        self.usable_providers
    }

    /// Every additional authentication rule set that concerns a relying party: the one for all, then its own. Any of them may
    /// ask for more.
    pub fn additional_authentication<'a>(&'a self, trust: &'a RelyingParty) -> impl Iterator<Item = &'a RuleSet> {
        self.additional_authentication.iter().chain(&trust.additional_authentication)
    }

    /// The relying party with an identifier, compared character by character as AD FS does.
    pub fn relying_party(&self, identifier: &str) -> TrustLookup<'_> {
        match self.by_identifier.get(identifier).and_then(|index| self.relying_parties.get(*index)) {
            None => TrustLookup::Unknown,
            Some(relying_party) if relying_party.enabled => TrustLookup::Enabled(relying_party),
            Some(relying_party) => TrustLookup::Disabled(relying_party),
        }
    }

    /// Every relying party, in the order of their files, the built-in one first.
    pub fn relying_parties(&self) -> &[Arc<RelyingParty>] {
        &self.relying_parties
    }
}

/// The outcome of looking for a relying party.
#[derive(Debug, Clone, Copy)]
pub enum TrustLookup<'a> {
    /// Tokens may be issued.
    Enabled(&'a Arc<RelyingParty>),
    /// The trust exists and is switched off.
    Disabled(&'a Arc<RelyingParty>),
    /// No trust has this identifier.
    Unknown,
}
