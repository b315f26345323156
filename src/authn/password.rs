//! What checks a password, and what it can find.
//!
//! [`PasswordVerifier`] is implemented by the Kerberos module (AS-REQ, then a ticket to ourselves) and called by
//! [`PasswordGate`](super::PasswordGate) alone: nothing else may, or lockout can be walked around.

use super::{AlternateMatch, AmbiguousLoginId, LockoutKey, LoginName};
use crate::clock::UtcTime;
use crate::directory::{Account, PasswordRules};
use crate::kerberos::Accepted;
use crate::kerberos::domains::DroppedSid;
use crate::secret::Secret;

/// Checks a password against the account's domain.
#[async_trait::async_trait]
pub trait PasswordVerifier: Send + Sync {
    /// Whether `password` is the password of `login`, and whose account that is.
    ///
    /// Implementations bound their time, never send an empty password, and prove that the answer came from the domain.
    ///
    /// # Errors
    /// [`PasswordError`].
    async fn verify(&self, login: &LoginName, password: &Secret<String>) -> Result<PasswordAccepted, PasswordError>;

    /// Whose name this is, so that all names of one account are counted together; `None` when nobody has it, when two have it,
    /// and when that cannot be found out in a moment. Sends no password anywhere.
    async fn owner(&self, login: &LoginName) -> Option<LockoutKey>;

    /// The account that has this name as its alternate login id; `None` where nobody has it, or where there are no such ids. Sends
    /// no password anywhere.
    ///
    /// # Errors
    /// [`AmbiguousLoginId`].
    async fn by_alternate_id(&self, _login: &LoginName) -> Result<Option<AlternateMatch>, AmbiguousLoginId> {
        Ok(None)
    }

    /// Gives an account another password. Called after the old one was verified.
    ///
    /// # Errors
    /// [`ChangeError`].
    async fn change(&self, login: &LoginName, old: &Secret<String>, new: &Secret<String>) -> Result<(), ChangeError>;
}

/// Why an account keeps its password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// The domain's rules do not allow the new one, or do not allow a change yet; `None` when the rules may not be read.
    #[error("the new password is against the rules of the domain, or the old one is too young")]
    AgainstRules(Option<PasswordRules>),
    /// The account may not change its password.
    #[error("the account may not change its password")]
    NotAllowed,
    /// Nobody could change it, or nobody knows whether it was changed.
    #[error("the password could not be changed: {reason}")]
    Unavailable {
        /// The failure, for the operator.
        reason: String,
    },
}

/// A password that is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordAccepted {
    /// Whose it is.
    pub account: Account,
    /// When it expires; `None` when it never does or the domain does not say.
    pub expires: Option<UtcTime>,
    /// The alternate login id that its owner signed in by.
    pub alternate_login_id: Option<String>,
    /// SIDs that its realm may not assert, for the audit log.
    pub dropped: Vec<DroppedSid>,
    /// A UPN that is not its realm's to give, for the audit log.
    pub dropped_upn: Option<String>,
}

impl From<Accepted> for PasswordAccepted {
    fn from(accepted: Accepted) -> Self {
        Self {
            account: accepted.account,
            expires: accepted.password_expires,
            alternate_login_id: None,
            dropped: accepted.dropped,
            dropped_upn: accepted.dropped_upn,
        }
    }
}

/// Why a password was not accepted. Operators see it; the person signing in sees one text for all of
/// [`PasswordError::is_account_answer`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// The account exists, the password is another.
    #[error("wrong password")]
    Wrong,
    /// No such account, or no such domain.
    #[error("no such account")]
    UnknownAccount,
    /// The account is disabled.
    #[error("the account is disabled")]
    Disabled,
    /// The domain has locked the account; it did not look at the password.
    #[error("the account is locked in Active Directory")]
    Locked,
    /// The account's own expiry date has passed.
    #[error("the account has expired")]
    AccountExpired,
    /// The password is right and too old.
    #[error("the password has expired")]
    PasswordExpired,
    /// The password is right and must be changed first.
    #[error("the password must be changed before signing in")]
    MustChange,
    /// Right password outside the account's logon hours.
    #[error("outside the account's logon hours")]
    OutsideHours,
    /// Right password, but the account may not sign in from here.
    #[error("the account may not sign in from this workstation")]
    WorkstationDenied,
    /// No password at all. Refused before anything is sent: Windows answers an empty simple bind with success.
    #[error("the password is empty")]
    Empty,
    /// A password that no account can have: with a NUL in it, or longer than any domain allows. Nothing was sent.
    #[error("the password contains a NUL or is too long")]
    Unusable,
    /// The domain refuses the account for a reason it does not name.
    #[error("the domain refused the account: {reason}")]
    Refused {
        /// What the domain said, for the operator.
        reason: String,
    },
    /// Nobody could check the password; trying again later makes sense.
    #[error("the password could not be checked: {reason}")]
    Unavailable {
        /// The last failure, for the operator.
        reason: String,
    },
    /// A KDC accepted the password but could not prove that it is the domain's (KDC spoofing), or our keytab is out of date.
    #[error("the answer is not proven to come from the domain: {reason}")]
    Untrusted {
        /// What failed, for the operator.
        reason: String,
    },
}

impl PasswordError {
    /// Whether the domain (or a local check in its place) judged account and password. These are told apart in the audit log
    /// only, never to the person signing in.
    pub const fn is_account_answer(&self) -> bool {
        !matches!(self, Self::Unavailable { .. } | Self::Untrusted { .. })
    }

    /// Whether it counts towards lockout: everything that does not prove the password right, and did reach the domain.
    pub const fn counts_as_bad_password(&self) -> bool {
        matches!(
            self,
            Self::Wrong
                | Self::UnknownAccount
                | Self::Disabled
                | Self::Locked
                | Self::AccountExpired
                | Self::Refused { .. }
        )
    }

    /// Whether the password was right, so that a change of password may be offered.
    pub const fn may_change_password(&self) -> bool {
        matches!(self, Self::PasswordExpired | Self::MustChange)
    }

    /// The account's name for the same thing in Windows: the sub-status that LDAP shows as `data …`, by which administrators
    /// search. `None` where Windows has none.
    pub const fn windows_code(&self) -> Option<u16> {
        Some(match self {
            Self::Wrong => 0x52e,
            Self::UnknownAccount => 0x525,
            Self::Disabled => 0x533,
            Self::Locked => 0x775,
            Self::AccountExpired => 0x701,
            Self::PasswordExpired => 0x532,
            Self::MustChange => 0x773,
            Self::OutsideHours => 0x530,
            Self::WorkstationDenied => 0x531,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authn::session::tests::subject;
    use crate::authn::{AuthenticationMethod, SubjectOrigin};
    use crate::kerberos::domains::DropReason;
    use crate::kerberos::screen::Wrapping;

    #[test]
    fn what_a_ticket_says_of_a_password_is_kept() {
        let now = UtcTime::from_unix_seconds(1_767_607_201);
        let SubjectOrigin::Directory(account) = subject(AuthenticationMethod::Password, now).origin else {
            panic!("an account")
        };
        let dropped =
            vec![DroppedSid { sid: "S-1-5-21-9-9-9-512".parse().unwrap(), reason: DropReason::ForeignDomain }];
        let accepted = PasswordAccepted::from(Accepted {
            account: account.clone(),
            principal: String::new(),
            service: String::new(),
            reply: None,
            channel_bound: false,
            mutual: false,
            wrapping: Wrapping::Raw,
            ticket_end: now,
            authenticated_at: None,
            password_expires: Some(now),
            is_delegated: false,
            dropped: dropped.clone(),
            dropped_upn: Some(String::from("alice@elsewhere.example")),
        });
        let expected = PasswordAccepted {
            account,
            expires: Some(now),
            alternate_login_id: None,
            dropped,
            dropped_upn: Some(String::from("alice@elsewhere.example")),
        };
        assert_eq!(accepted, expected);
    }

    #[test]
    fn windows_has_its_own_number_for_most() {
        let reason = String::from("x");
        for (error, code, may_change) in [
            (PasswordError::Wrong, Some(0x52e), false),
            (PasswordError::UnknownAccount, Some(0x525), false),
            (PasswordError::Disabled, Some(0x533), false),
            (PasswordError::Locked, Some(0x775), false),
            (PasswordError::AccountExpired, Some(0x701), false),
            (PasswordError::PasswordExpired, Some(0x532), true),
            (PasswordError::MustChange, Some(0x773), true),
            (PasswordError::OutsideHours, Some(0x530), false),
            (PasswordError::WorkstationDenied, Some(0x531), false),
            (PasswordError::Unavailable { reason }, None, false),
        ] {
            assert_eq!((error.windows_code(), error.may_change_password()), (code, may_change), "{error:?}");
        }
    }

    #[test]
    fn what_counts_and_what_does_not() {
        let reason = String::from("x");
        for (error, counts, account) in [
            (PasswordError::Wrong, true, true),
            (PasswordError::UnknownAccount, true, true),
            (PasswordError::Disabled, true, true),
            (PasswordError::Locked, true, true),
            (PasswordError::PasswordExpired, false, true),
            (PasswordError::MustChange, false, true),
            (PasswordError::OutsideHours, false, true),
            (PasswordError::Empty, false, true),
            (PasswordError::Unusable, false, true),
            (PasswordError::Unavailable { reason: reason.clone() }, false, false),
            (PasswordError::Untrusted { reason }, false, false),
        ] {
            assert_eq!(error.counts_as_bad_password(), counts, "{error:?}");
            assert_eq!(error.is_account_answer(), account, "{error:?}");
        }
    }
}
