//! Why Active Directory refused a password.
//!
//! Kerberos merges most reasons into one; the text of a failed LDAP bind tells them apart. Knows the text, not how it came.

use std::fmt;

/// What one LDAP bind as the user said about a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordVerdict {
    /// The bind succeeded: password and account are good.
    Accepted,
    /// The bind was refused.
    Refused(PasswordRefusal),
}

/// Why a password was refused.
///
/// All but [`Wrong`](Self::Wrong) and [`Locked`](Self::Locked) are told only to someone who knew the right password.
/// Only [`PasswordExpired`](Self::PasswordExpired) and [`MustChange`](Self::MustChange) may be shown to the user; an answer
/// that differs for the others tells strangers which accounts exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PasswordRefusal {
    /// Wrong password, or no such account (`data 52e`, `data 525`).
    Wrong,
    /// The account is disabled (`data 533`).
    Disabled,
    /// The password is right and has expired (`data 532`).
    PasswordExpired,
    /// The password is right and must be changed at first sign-in (`data 773`).
    MustChange,
    /// The account is locked out, whatever the password (`data 775`).
    Locked,
    /// Outside the account's logon hours (`data 530`).
    OutsideHours,
    /// The account has expired (`data 701`).
    AccountExpired,
    /// The account may not sign in from this computer (`data 531`) or in this way (`data 534`).
    WorkstationDenied,
    /// Another Win32 error code; zero when the text held none.
    Unknown(u32),
}

impl PasswordRefusal {
    /// Reads the diagnostic text of a failed bind, such as
    /// `80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 52e, v1db1`.
    pub fn from_diagnostic(text: &str) -> Self {
        data_code(text).map_or(Self::Unknown(0), Self::from_code)
    }

    /// The refusal that a Win32 error code (the hexadecimal number behind `data`) stands for.
    pub const fn from_code(code: u32) -> Self {
        match code {
            // ERROR_NO_SUCH_USER, ERROR_LOGON_FAILURE
            0x525 | 0x52e => Self::Wrong,
            0x530 => Self::OutsideHours,
            // ERROR_INVALID_WORKSTATION, ERROR_LOGON_TYPE_NOT_GRANTED
            0x531 | 0x534 => Self::WorkstationDenied,
            0x532 => Self::PasswordExpired,
            0x533 => Self::Disabled,
            0x701 => Self::AccountExpired,
            0x773 => Self::MustChange,
            0x775 => Self::Locked,
            other => Self::Unknown(other),
        }
    }

    /// Whether the directory gives this reason only after it has found the password right.
    pub const fn proves_password(self) -> bool {
        matches!(
            self,
            Self::Disabled
                | Self::PasswordExpired
                | Self::MustChange
                | Self::OutsideHours
                | Self::AccountExpired
                | Self::WorkstationDenied
        )
    }
}

impl fmt::Display for PasswordRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wrong => f.write_str("wrong password or unknown account"),
            Self::Disabled => f.write_str("the account is disabled"),
            Self::PasswordExpired => f.write_str("the password has expired"),
            Self::MustChange => f.write_str("the password must be changed at first sign-in"),
            Self::Locked => f.write_str("the account is locked out"),
            Self::OutsideHours => f.write_str("outside the account's logon hours"),
            Self::AccountExpired => f.write_str("the account has expired"),
            Self::WorkstationDenied => f.write_str("the account may not sign in from here or in this way"),
            Self::Unknown(code) => write!(f, "refused with Win32 error {code:#x}"),
        }
    }
}

/// The hexadecimal number behind the word `data` that ends at a comma, a blank, a NUL or the end of the text.
fn data_code(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once(", data ")?;
    let digits = rest.split([',', ' ', '\0']).next()?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_code_has_its_meaning() {
        for (code, refusal) in [
            ("525", PasswordRefusal::Wrong),
            ("52e", PasswordRefusal::Wrong),
            ("52E", PasswordRefusal::Wrong),
            ("530", PasswordRefusal::OutsideHours),
            ("531", PasswordRefusal::WorkstationDenied),
            ("532", PasswordRefusal::PasswordExpired),
            ("533", PasswordRefusal::Disabled),
            ("534", PasswordRefusal::WorkstationDenied),
            ("701", PasswordRefusal::AccountExpired),
            ("773", PasswordRefusal::MustChange),
            ("775", PasswordRefusal::Locked),
            ("57", PasswordRefusal::Unknown(0x57)),
        ] {
            for end in [", v1db1", ", v4563\0", "", " "] {
                let text =
                    format!("80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data {code}{end}");
                assert_eq!(PasswordRefusal::from_diagnostic(&text), refusal, "{text}");
            }
        }
    }

    #[test]
    fn text_without_a_code_is_unknown() {
        for text in
            ["", "data 52e", ", data ", ", data xyz, v1", ", data 52e52e52e,", ", data -52e,", "Invalid credentials"]
        {
            assert_eq!(PasswordRefusal::from_diagnostic(text), PasswordRefusal::Unknown(0), "{text}");
        }
    }

    #[test]
    fn wrong_and_locked_prove_nothing() {
        assert!(!PasswordRefusal::Wrong.proves_password());
        assert!(!PasswordRefusal::Locked.proves_password());
        assert!(!PasswordRefusal::Unknown(0x57).proves_password());
        assert!(PasswordRefusal::MustChange.proves_password());
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in ".*") {
            let _ = PasswordRefusal::from_diagnostic(&text);
        }
    }
}
