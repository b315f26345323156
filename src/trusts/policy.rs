//! Names of access control policies.

use crate::claims::rules::access_policy;

/// What a policy name means to this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    /// Everybody who authenticated gets a token.
    PermitEveryone,
    /// Issuance authorization rules of a built-in policy.
    Rules(&'static str),
    /// A policy of AD FS that this version does not have.
    NotAvailable,
    /// No policy has this name.
    Unknown,
}

/// The policy with a name, in Chancery's or AD FS' spelling.
pub(super) fn by_name(name: &str) -> Policy {
    let words: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == ' ' || *c == '-')
        .map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() })
        .collect();
    match words.as_str() {
        "permit-everyone" => Policy::PermitEveryone,
        "permit-everyone-for-intranet-access" | "permit-intranet" => {
            access_policy("permit-intranet").map_or(Policy::NotAvailable, Policy::Rules)
        }
        "permit-everyone-and-require-mfa"
        | "permit-everyone-and-require-mfa-for-specific-group"
        | "permit-everyone-and-require-mfa-from-extranet-access"
        | "permit-everyone-and-require-mfa-from-unauthenticated-devices"
        | "permit-everyone-and-require-mfa-allow-automatic-device-registration"
        | "permit-specific-group" => Policy::NotAvailable,
        _ => Policy::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_known() {
        for (name, policy) in [
            ("permit-everyone", Policy::PermitEveryone),
            ("Permit everyone", Policy::PermitEveryone),
            ("Permit everyone and require MFA, allow automatic device registration", Policy::NotAvailable),
            ("permit", Policy::Unknown),
        ] {
            assert_eq!(by_name(name), policy, "{name}");
        }
        assert!(matches!(by_name("Permit everyone for intranet access"), Policy::Rules(_)));
    }
}
