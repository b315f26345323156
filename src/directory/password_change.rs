//! What a domain says to a change of password, and the rules by which it judges a new one.

use std::time::Duration;

use super::Attributes;

/// What came of a change of password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeVerdict {
    /// The account has the new password.
    Changed,
    /// The old password is not the account's.
    WrongPassword,
    /// The new password, or the time of the change, is against the rules; `None` when they may not be read.
    AgainstRules(Option<PasswordRules>),
    /// The account may not change its password.
    NotAllowed,
}

/// The rules for passwords that hold for an account (MS-SAMR 3.1.1.7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordRules {
    /// Fewest characters.
    pub length: u32,
    /// Whether three kinds of characters are needed, and the account's names may not be in it.
    pub complex: bool,
    /// How many earlier passwords may not come again.
    pub history: u32,
    /// How long a password must be kept.
    pub age: Duration,
}

impl PasswordRules {
    /// Attributes of a domain's head.
    pub(super) const OF_DOMAIN: [&str; 5] =
        ["objectSid", "minPwdLength", "pwdProperties", "pwdHistoryLength", "minPwdAge"];
    /// Attributes of a fine-grained policy.
    pub(super) const OF_POLICY: [&str; 4] = [
        "msDS-MinimumPasswordLength",
        "msDS-PasswordComplexityEnabled",
        "msDS-PasswordHistoryLength",
        "msDS-MinimumPasswordAge",
    ];

    /// The rules of a domain. `None` when an attribute is missing: nobody is told half of them.
    pub(super) fn of_domain(head: &Attributes) -> Option<Self> {
        let properties = head.flags("pwdProperties")?;
        Some(Self {
            length: count(head, "minPwdLength")?,
            complex: properties & DOMAIN_PASSWORD_COMPLEX != 0,
            history: count(head, "pwdHistoryLength")?,
            age: span(head, "minPwdAge")?,
        })
    }

    /// The rules of a fine-grained policy. `None` as for a domain; most policies may be read by administrators only.
    pub(super) fn of_policy(policy: &Attributes) -> Option<Self> {
        Some(Self {
            length: count(policy, "msDS-MinimumPasswordLength")?,
            complex: policy.text("msDS-PasswordComplexityEnabled")? == "TRUE",
            history: count(policy, "msDS-PasswordHistoryLength")?,
            age: span(policy, "msDS-MinimumPasswordAge")?,
        })
    }
}

impl ChangeVerdict {
    /// What the result of the modification means (MS-ADTS 3.1.1.3.1.5). The text begins with a Win32 error as eight
    /// hexadecimal digits. `None` for a result that says nothing of password or account.
    pub(super) fn of_result(code: u32, text: &str) -> Option<Self> {
        let win32 = text.get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        match (code, win32) {
            (SUCCESS, _) => Some(Self::Changed),
            (CONSTRAINT_VIOLATION, Some(ERROR_INVALID_PASSWORD)) => Some(Self::WrongPassword),
            (CONSTRAINT_VIOLATION | UNWILLING_TO_PERFORM, Some(ERROR_PASSWORD_RESTRICTION)) => {
                Some(Self::AgainstRules(None))
            }
            // Samba answers the missing right with a constraint that no Win32 error explains.
            (INSUFFICIENT_ACCESS_RIGHTS, _) | (CONSTRAINT_VIOLATION, None) => Some(Self::NotAllowed),
            _ => None,
        }
    }
}

fn count(attributes: &Attributes, name: &str) -> Option<u32> {
    u32::try_from(attributes.number(name)?).ok()
}

/// A time span is a negative number of 100 nanoseconds.
fn span(attributes: &Attributes, name: &str) -> Option<Duration> {
    Some(Duration::from_nanos(attributes.number(name)?.unsigned_abs().saturating_mul(100)))
}

const DOMAIN_PASSWORD_COMPLEX: u32 = 1;
const SUCCESS: u32 = 0;
const CONSTRAINT_VIOLATION: u32 = 19;
const INSUFFICIENT_ACCESS_RIGHTS: u32 = 50;
const UNWILLING_TO_PERFORM: u32 = 53;
/// The old password is wrong.
const ERROR_INVALID_PASSWORD: u32 = 0x56;
/// Length, complexity, history or age.
const ERROR_PASSWORD_RESTRICTION: u32 = 0x52d;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{AttributeName, AttributeValue};

    fn attributes(pairs: &[(&str, &str)]) -> Attributes {
        let mut attributes = Attributes::default();
        for (name, value) in pairs {
            attributes.insert(AttributeName::new(name), vec![AttributeValue::Text((*value).to_owned())]);
        }
        attributes
    }

    #[test]
    fn rules_of_a_domain_and_of_a_policy() {
        let rules = PasswordRules { length: 7, complex: true, history: 24, age: Duration::from_hours(24) };
        let head =
            [("minPwdLength", "7"), ("pwdProperties", "1"), ("pwdHistoryLength", "24"), ("minPwdAge", "-864000000000")];
        assert_eq!(PasswordRules::of_domain(&attributes(&head)), Some(rules));
        for missing in 0..head.len() {
            let mut some = head.to_vec();
            some.remove(missing);
            assert_eq!(PasswordRules::of_domain(&attributes(&some)), None, "{some:?}");
        }
        let policy = [
            ("msDS-MinimumPasswordLength", "7"),
            ("msDS-PasswordComplexityEnabled", "TRUE"),
            ("msDS-PasswordHistoryLength", "24"),
            ("msDS-MinimumPasswordAge", "-864000000000"),
        ];
        assert_eq!(PasswordRules::of_policy(&attributes(&policy)), Some(rules));
        assert_eq!(PasswordRules::of_policy(&Attributes::default()), None);
    }

    #[test]
    fn what_a_domain_controller_answers() {
        for (code, text, verdict) in [
            (0, "", Some(ChangeVerdict::Changed)),
            (19, "00000056: AtrErr: DSID-03190F80, #1:", Some(ChangeVerdict::WrongPassword)),
            (
                19,
                "0000052D: Constraint violation - check_password_restrictions",
                Some(ChangeVerdict::AgainstRules(None)),
            ),
            (53, "0000052D: SvcErr: DSID-031A12D2", Some(ChangeVerdict::AgainstRules(None))),
            (50, "00000005: SecErr: DSID-031A11ED", Some(ChangeVerdict::NotAllowed)),
            (53, "0000001F: SvcErr: DSID-031A12D2, the connection is not encrypted", None),
            (19, "error in module acl: Constraint violation during LDB_MODIFY (19)", Some(ChangeVerdict::NotAllowed)),
            (19, "0000\u{e9}56: x", Some(ChangeVerdict::NotAllowed)),
            (19, "0000202B: RefErr", None),
            (51, "busy", None),
        ] {
            assert_eq!(ChangeVerdict::of_result(code, text), verdict, "{code} {text}");
        }
    }
}
