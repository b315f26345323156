//! The claims providers that may sign users in to one relying party: the set that home realm discovery chooses from.
//!
//! Nothing is copied: a question is a look into the tables of [`Trusts`], whatever their number.

use std::str::FromStr as _;
use std::sync::Arc;

use super::{ClaimsProvider, ClaimsProviders, Trusts};
use crate::claims::types::issuer::AD_AUTHORITY;
use crate::config::names::DnsName;

/// Where somebody signs in.
#[derive(Debug, Clone, Copy)]
pub enum HomeRealm<'a> {
    /// The local Active Directory.
    ActiveDirectory,
    /// Another claims provider.
    ClaimsProvider(&'a Arc<ClaimsProvider>),
}

impl<'a> HomeRealm<'a> {
    /// Its identifier.
    pub fn identifier(self) -> &'a str {
        match self {
            Self::ActiveDirectory => AD_AUTHORITY,
            Self::ClaimsProvider(provider) => provider.id.as_str(),
        }
    }
}

impl PartialEq for HomeRealm<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.identifier() == other.identifier()
    }
}

impl Eq for HomeRealm<'_> {}

/// The set.
#[derive(Debug, Clone, Copy)]
pub struct Candidates<'a> {
    trusts: &'a Trusts,
    listed: &'a ClaimsProviders,
}

impl<'a> Candidates<'a> {
    /// Those of `trusts` that `listed` allows and that can sign somebody in.
    pub const fn new(trusts: &'a Trusts, listed: &'a ClaimsProviders) -> Self {
        Self { trusts, listed }
    }

    /// The member with this identifier, compared character by character.
    pub fn find(self, identifier: &str) -> Option<HomeRealm<'a>> {
        if !self.listed.allows(identifier) {
            return None;
        }
        if identifier == AD_AUTHORITY {
            return Some(HomeRealm::ActiveDirectory);
        }
        self.trusts.claims_provider(identifier).filter(|found| found.is_usable()).map(HomeRealm::ClaimsProvider)
    }

    /// Whether the local Active Directory is a member.
    pub fn has_active_directory(self) -> bool {
        self.listed.allows(AD_AUTHORITY)
    }

    /// The member whose users have this suffix: a domain name, in any case, whole.
    pub fn of_suffix(self, suffix: &str) -> Option<HomeRealm<'a>> {
        let suffix = DnsName::from_str(suffix).ok()?;
        if self.trusts.is_local_suffix(&suffix) {
            return self.find(AD_AUTHORITY);
        }
        self.trusts.provider_of_suffix(&suffix).and_then(|found| self.find(found.id.as_str()))
    }

    /// The member whose users have addresses like this one, by what follows its last `@`.
    pub fn of_address(self, address: &str) -> Option<HomeRealm<'a>> {
        let (name, suffix) = address.rsplit_once('@')?;
        if name.is_empty() { None } else { self.of_suffix(suffix) }
    }

    /// The only member there is.
    pub fn only(self) -> Option<HomeRealm<'a>> {
        if matches!(self.listed, ClaimsProviders::All) {
            return (self.trusts.usable_providers() == 0).then_some(HomeRealm::ActiveDirectory);
        }
        let mut members = self.iter();
        members.next().filter(|_| members.next().is_none())
    }

    /// Whether nobody can sign in.
    pub fn is_empty(self) -> bool {
        self.iter().next().is_none()
    }

    /// Whether a member is known by a suffix, so that an address tells where somebody signs in.
    pub fn has_suffixes(self) -> bool {
        self.iter().any(|realm| match realm {
            HomeRealm::ActiveDirectory => false,
            HomeRealm::ClaimsProvider(provider) => !provider.account_suffixes.is_empty(),
        })
    }

    /// The members: the local Active Directory, then the others in order of their names.
    pub fn iter(self) -> impl Iterator<Item = HomeRealm<'a>> {
        let local = self.has_active_directory().then_some(HomeRealm::ActiveDirectory);
        let others = self.trusts.claims_providers().iter();
        let others = others.filter(move |provider| provider.is_usable() && self.listed.allows(provider.id.as_str()));
        local.into_iter().chain(others.map(HomeRealm::ClaimsProvider))
    }
}
