//! The access control policies of a TOML file by itself, a trust's or `chancery.toml`: whatever else is right or wrong in it.

use std::path::Path;

use super::checks::policies;
use super::diagnostic::Report;
use super::document::Document;
use super::findings::Findings;
use crate::claims::policy::{Parameters, Policies, Policy};
use crate::trusts::entra::IDENTIFIERS;
use crate::trusts::{PolicyKeys, resolve_policy, warn_of_computers};

/// What of a file concerns policies.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct PolicyFile {
    access_control_policies: Vec<Policy>,
    entra: Option<UseOfPolicy>,
    relying_party: Option<UseOfPolicy>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct UseOfPolicy {
    enabled: Option<bool>,
    identifiers: Vec<String>,
    access_control_policy: Option<String>,
    access_control_policy_parameters: Parameters,
}

/// What there is to say about the policies that the file writes, and about those it uses, as far as they are its own or built in: those of
/// another file nobody knows here.
pub(crate) fn findings(file: &Path, text: &str) -> Report {
    let mut report = Report::default();
    // Who reads the file says what is no TOML.
    let mut document = Document::parse(file, text, &mut Report::default());
    let Some(read) = document.read::<PolicyFile>(&[], &mut report) else { return report };
    let mut findings = Findings::new(&document, &mut report);
    policies::check_written(&read.access_control_policies, &mut findings);
    let known = Policies::new(read.access_control_policies);
    if let Some(entra) = read.entra.filter(|entra| entra.enabled == Some(true)) {
        of_use(&entra, true, &policies::ENTRA, &known, &mut findings);
    }
    if let Some(party) = read.relying_party {
        let of_entra = party.identifiers.iter().any(|identifier| IDENTIFIERS.contains(&identifier.as_str()));
        of_use(&party, of_entra, &RELYING_PARTY, &known, &mut findings);
    }
    report
}

fn of_use(
    used: &UseOfPolicy,
    of_entra: bool,
    keys: &PolicyKeys,
    known: &Policies,
    findings: &mut Findings<'_, '_, '_>,
) {
    let Some(name) = used.access_control_policy.as_deref().filter(|name| known.find(name).is_some()) else { return };
    let policy = resolve_policy(name, &used.access_control_policy_parameters, known, keys, findings);
    if let Some(policy) = policy.filter(|_| of_entra) {
        warn_of_computers(&policy, keys.policy, findings);
    }
}

const RELYING_PARTY: PolicyKeys = PolicyKeys {
    policy: "relying_party.access_control_policy",
    parameters: "relying_party.access_control_policy_parameters",
};
