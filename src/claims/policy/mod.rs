//! Access control policies: who may have a token, said in conditions instead of rules (claims.md 5.4).
//!
//! A policy is a list of permits. Each permit has conditions, all of which must hold, and exceptions, any of which cancels
//! it; nothing is permitted unless some permit applies. A permit may want a second factor. Policies become claim rules, so
//! that one engine runs them, `explain` shows them and an auditor can read them: [`CompiledPolicy`] is two rule sets, who is
//! permitted and who is asked for more. Knows nothing of trusts or of where policies are written.

mod computer;
mod conditions;
mod file;
mod parameters;
mod problem;
mod reach;
mod rules;
mod templates;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ipnet::IpNet;

pub use computer::ComputerAnswer;
pub use file::{ClaimTest, Conditions, Device, Location, Operator, Permit, Policy};
pub use parameters::Parameters;
pub use problem::{PolicyPlace, PolicyProblem, PolicyProblemKind};
pub use templates::BUILT_IN_NAMES;

use super::RuleSet;

/// A policy with its parameters filled in, as claim rules.
#[derive(Debug, Clone)]
pub struct CompiledPolicy {
    /// Issuance authorization rules.
    pub authorization: RuleSet,
    /// Additional authentication rules; `None` when the policy never asks for a second factor.
    pub additional_authentication: Option<RuleSet>,
    /// Networks that the rules name. For each the request must state whether its addresses lie in it
    /// ([`CLIENT_NETWORK`](super::types::CLIENT_NETWORK), [`PRESENTED_NETWORK`](super::types::PRESENTED_NETWORK)).
    pub networks: Arc<[IpNet]>,
    /// The rules read membership in Domain Computers as "is a computer"; accounts that are none must not show it.
    pub needs_computer_guard: bool,
    /// Everybody who authenticated is permitted, whatever the claims are.
    pub permits_everyone: bool,
}

/// The policies a configuration has: AD FS' own, and those it adds.
#[derive(Debug, Clone, Default)]
pub struct Policies {
    own: Arc<[Policy]>,
    /// What was compiled: thousands of trusts may have the same policy.
    compiled: Arc<Mutex<BTreeMap<(String, Parameters), CompiledPolicy>>>,
}

/// A policy found by its name.
#[derive(Debug, Clone, Copy)]
pub enum Found<'a> {
    /// One that comes with the product.
    BuiltIn(&'a Policy),
    /// One of the configuration; the index is its place there.
    Own(usize, &'a Policy),
}

impl<'a> Found<'a> {
    /// The policy.
    pub const fn policy(self) -> &'a Policy {
        match self {
            Self::BuiltIn(policy) | Self::Own(_, policy) => policy,
        }
    }
}

impl Policies {
    /// The built-in policies and these.
    pub fn new(own: impl Into<Arc<[Policy]>>) -> Self {
        Self { own: own.into(), compiled: Arc::default() }
    }

    /// The policy with a name, in AD FS' or in this product's spelling: `Permit everyone` is `permit-everyone`. Case, blanks
    /// and hyphens do not matter.
    pub fn find(&self, name: &str) -> Option<Found<'_>> {
        let wanted = normal_name(name);
        if let Some(policy) = templates::find(&wanted) {
            return Some(Found::BuiltIn(policy));
        }
        let own = self.own.iter().enumerate().find(|(_, policy)| normal_name(&policy.name) == wanted);
        own.map(|(place, policy)| Found::Own(place, policy))
    }

    /// A policy of these as claim rules.
    ///
    /// # Errors
    /// Everything that is wrong with the policy or its parameters.
    pub fn compile(&self, found: Found<'_>, parameters: &Parameters) -> Result<CompiledPolicy, Vec<PolicyProblem>> {
        let key = (normal_name(&found.policy().name), parameters.clone());
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = compiled.get(&key) {
            return Ok(known.clone());
        }
        let policy = found.policy().compile(parameters)?;
        compiled.insert(key, policy.clone());
        Ok(policy)
    }

    /// Every policy, the built-in ones first.
    pub fn iter(&self) -> impl Iterator<Item = &Policy> {
        templates::all().iter().chain(self.own.iter())
    }
}

impl Policy {
    /// The policy as claim rules.
    ///
    /// # Errors
    /// Everything that is wrong with the policy or its parameters.
    pub fn compile(&self, parameters: &Parameters) -> Result<CompiledPolicy, Vec<PolicyProblem>> {
        let read = conditions::read(self, Some(parameters))?;
        rules::compile(self, &read)
    }

    /// What is wrong with the policy whatever its parameters are.
    pub fn problems(&self) -> Vec<PolicyProblem> {
        let result = conditions::read(self, None).and_then(|read| rules::compile(self, &read));
        result.err().unwrap_or_default()
    }

    /// The names of its parameters: what stands in braces in one of its lists.
    pub fn parameters(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.lists().filter_map(|value| parameters::reference(value)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// A policy name in the form in which names are compared.
pub fn normal_name(name: &str) -> String {
    let kept = name.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    let folded = kept.flat_map(char::to_lowercase);
    folded.map(|c| if matches!(c, ' ' | '_') { '-' } else { c }).collect()
}
