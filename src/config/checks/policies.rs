//! Access control policies: each can be used, and is told from the others; the one of the trust with Entra lets computers in.

use std::collections::BTreeMap;

use crate::claims::policy::{Permit, Policies, Policy, PolicyPlace, normal_name};
use crate::config::Config;
use crate::config::diagnostic::Code;
use crate::config::findings::Findings;
use crate::trusts::{PolicyKeys, resolve_policy, warn_of_computers};

pub(super) fn check(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    check_written(&config.access_control_policies, findings);
    entra(config, findings);
}

/// The policies of a file, each for itself and beside the others.
pub(in crate::config) fn check_written(policies: &[Policy], findings: &mut Findings<'_, '_, '_>) {
    let mut names = BTreeMap::new();
    for (i, policy) in policies.iter().enumerate() {
        let key = format!("access_control_policies.{i}");
        for problem in policy.problems() {
            let PolicyPlace::Policy(at) = &problem.place else { continue };
            let at = if at.is_empty() { key.clone() } else { format!("{key}.{at}") };
            findings.error(Code::InvalidValue, &at, problem.kind.to_string(), problem.kind.help());
        }
        if let Some(earlier) = names.insert(normal_name(&policy.name), i) {
            findings.error(
                Code::Duplicate,
                &format!("{key}.name"),
                format!("the policy `{}` is also access_control_policies[{earlier}]", policy.name),
                "give each policy a name of its own; case, blanks and hyphens do not tell names apart",
            );
        }
        if policy.permit.len() > 1 && policy.permit.iter().any(is_for_everybody) {
            findings.warning(
                Code::Advice,
                &key,
                format!("the policy `{}` has a permit for everybody, so its other permits change nothing", policy.name),
                "permits are alternatives: write an exception into the permit for everybody, or remove it",
            );
        }
        dead_permits(policy, &key, findings);
    }
}

fn dead_permits(policy: &Policy, key: &str, findings: &mut Findings<'_, '_, '_>) {
    let dead = policy.dead_permits();
    let all = dead.len() == policy.permit.len();
    for (permit, exception) in dead {
        let nobody = if all { ": the policy permits nobody" } else { "" };
        findings.warning(
            Code::Advice,
            &format!("{key}.permit.{permit}"),
            format!(
                "permit {} of the policy `{}` never applies, because exception {} holds whenever its conditions do{nobody}",
                permit + 1,
                policy.name,
                exception + 1
            ),
            "an exception narrows a permit by something that the permit itself does not ask for",
        );
    }
}

/// Whether a permit has neither conditions nor exceptions and wants no second factor.
fn is_for_everybody(permit: &Permit) -> bool {
    permit.when.is_empty() && permit.except.is_empty() && !permit.require_mfa
}

/// The keys of the built-in trust with Entra.
pub(in crate::config) const ENTRA: PolicyKeys =
    PolicyKeys { policy: "entra.access_control_policy", parameters: "entra.access_control_policy_parameters" };

fn entra(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    let entra = &config.entra;
    if !entra.enabled {
        return;
    }
    let policies = Policies::new(config.access_control_policies.clone());
    let parameters = &entra.access_control_policy_parameters;
    let Some(policy) = resolve_policy(&entra.access_control_policy, parameters, &policies, &ENTRA, findings) else {
        return;
    };
    warn_of_computers(&policy, ENTRA.policy, findings);
}
