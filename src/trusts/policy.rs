//! The access control policy of a trust: found by its name, with the parameters that the trust gives, as claim rules.

use std::sync::Arc;

use ipnet::IpNet;

use crate::claims::policy::{CompiledPolicy, ComputerAnswer, Found, Parameters, Policies, PolicyPlace};
use crate::config::diagnostic::Code;
use crate::config::findings::Findings;

/// The policy that a trust has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedPolicy {
    /// Its name, as the policy writes it.
    pub name: String,
    /// Networks that its rules name; the request says which of them its addresses lie in.
    pub networks: Arc<[IpNet]>,
}

/// The two keys of a trust that name a policy.
pub(crate) struct PolicyKeys {
    /// The name.
    pub(crate) policy: &'static str,
    /// The parameters.
    pub(crate) parameters: &'static str,
}

/// A warning at `key` where the policy of the trust with Entra keeps computers from joining it.
pub(crate) fn warn_of_computers(policy: &CompiledPolicy, key: &str, findings: &mut Findings<'_, '_, '_>) {
    let message = match policy.answer_to_computer() {
        ComputerAnswer::Permit | ComputerAnswer::Unknown => return,
        ComputerAnswer::SecondFactor => "computers cannot join Entra: the policy asks them for a second factor",
        ComputerAnswer::Deny => "computers cannot join Entra: the policy does not permit them",
    };
    findings.warning(
        Code::Advice,
        key,
        message,
        "`permit-everyone-and-require-mfa-allow-automatic-device-registration` lets computers register themselves; in a \
         policy of your own, add a permit with `when = { device_registration = true }`",
    );
}

/// The rules of the policy with this name. `None` when there is none or it is wrong; findings say why, unless the mistake is
/// in the policy itself, whose own place has a finding.
pub(crate) fn resolve_policy(
    name: &str,
    parameters: &Parameters,
    policies: &Policies,
    keys: &PolicyKeys,
    findings: &mut Findings<'_, '_, '_>,
) -> Option<CompiledPolicy> {
    let Some(found) = policies.find(name) else {
        let own: Vec<String> = policies.iter().map(|policy| format!("\"{}\"", policy.name)).collect();
        findings.error(
            Code::InvalidValue,
            keys.policy,
            format!("there is no access control policy `{name}`"),
            format!("there are {}; `chancery policies list` shows them", own.join(", ")),
        );
        return None;
    };
    match policies.compile(found, parameters) {
        Ok(policy) => {
            if policy.additional_authentication.is_some() {
                findings.warning(
                    Code::NotAvailable,
                    keys.policy,
                    "the policy asks for a second factor, which this version does not have",
                    "whom it asks gets no token until a version with second factors",
                );
            }
            Some(policy)
        }
        Err(problems) => {
            for problem in problems {
                let (message, help) = (problem.kind.to_string(), problem.kind.help());
                match (&problem.place, found) {
                    (PolicyPlace::Parameter { name, index }, _) => {
                        let key = match (name.as_str(), index) {
                            ("", _) => keys.policy.to_owned(),
                            (name, None) => format!("{}.{name}", keys.parameters),
                            (name, Some(index)) => format!("{}.{name}.{index}", keys.parameters),
                        };
                        findings.error(Code::InvalidValue, &key, message, help);
                    }
                    // Has a finding where the policy is written.
                    (PolicyPlace::Policy(_), Found::Own(..)) => {}
                    (PolicyPlace::Policy(_), Found::BuiltIn(_)) => {
                        findings.error(Code::InvalidValue, keys.policy, message, help);
                    }
                }
            }
            None
        }
    }
}
