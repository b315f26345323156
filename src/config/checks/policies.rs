//! Access control policies: each can be used, and is told from the others; the one of the trust with Entra lets computers in.

use std::collections::BTreeMap;

use crate::claims::policy::{Permit, Policies, PolicyPlace, normal_name};
use crate::config::Config;
use crate::config::diagnostic::Code;
use crate::config::findings::Findings;
use crate::trusts::{PolicyKeys, resolve_policy, warn_of_computers};

pub(super) fn check(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    let mut names = BTreeMap::new();
    for (i, policy) in config.access_control_policies.iter().enumerate() {
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
    }
    entra(config, findings);
}

/// Whether a permit has neither conditions nor exceptions and wants no second factor.
fn is_for_everybody(permit: &Permit) -> bool {
    permit.when.is_empty() && permit.except.is_empty() && !permit.require_mfa
}

fn entra(config: &Config, findings: &mut Findings<'_, '_, '_>) {
    const KEYS: PolicyKeys =
        PolicyKeys { policy: "entra.access_control_policy", parameters: "entra.access_control_policy_parameters" };
    let entra = &config.entra;
    if !entra.enabled {
        return;
    }
    let policies = Policies::new(config.access_control_policies.clone());
    let parameters = &entra.access_control_policy_parameters;
    let Some(policy) = resolve_policy(&entra.access_control_policy, parameters, &policies, &KEYS, findings) else {
        return;
    };
    warn_of_computers(&policy, KEYS.policy, findings);
}
