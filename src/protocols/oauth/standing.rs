//! Whether a sign-in that a refresh token or an access token carries still stands: everything it rests on is asked again each time.
//!
//! Nothing of it was revoked, its device is still good, and the account is there, may sign in and has the same password. Knows
//! nothing of what carried the sign-in.

use super::error::OAuthError;
use super::travel::Travelled;
use crate::authn::{SsoSession, SubjectOrigin};
use crate::clock::UtcTime;
use crate::devices::RegistryError;
use crate::directory::{self, Account, AccountKey, DirectoryError, Sid, SignInState};
use crate::issuance::Context;
use crate::protocols::browser;
use crate::protocols::environment::Environment;
use crate::store::StoreError;

/// Why a sign-in does not stand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Ended {
    /// A code or a refresh token of it came twice.
    #[error("what came of this sign-in was revoked")]
    Revoked,
    /// Its device.
    #[error("the device of the sign-in is not registered any more, or disabled")]
    Device,
    /// Signed out.
    #[error("the session was signed out")]
    SignedOut,
    /// No such account any more.
    #[error("the account is gone")]
    Gone,
    /// It is disabled, locked, expired.
    #[error("the account may not sign in: {0:?}")]
    State(SignInState),
    /// Somebody has to choose a new password first.
    #[error("the password has expired")]
    PasswordExpired,
    /// Another password than that of the sign-in.
    #[error("the password was changed since the sign-in")]
    PasswordChanged,
    /// The directory gives no answer.
    #[error(transparent)]
    Directory(DirectoryError),
    /// The registry of devices gives no answer.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The store of revocations gives no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<DirectoryError> for Ended {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::NotFound { .. } => Self::Gone,
            other => Self::Directory(other),
        }
    }
}

impl Ended {
    /// Whether somebody did something to the account since.
    const fn is_of_account(&self) -> bool {
        match self {
            Self::Gone | Self::PasswordChanged => true,
            Self::State(state) => matches!(state, SignInState::Disabled | SignInState::AccountExpired),
            _ => false,
        }
    }

    /// As an error of the protocol: `void` makes it of a reason why what carried the sign-in is void.
    pub(super) fn into_error(self, void: impl FnOnce(String) -> OAuthError) -> OAuthError {
        match self {
            Self::PasswordExpired => OAuthError::InteractionRequired("the password has expired"),
            Self::Directory(error) => OAuthError::Unavailable(error.to_string()),
            // Nothing is void for good because of an outage.
            Self::Registry(error) => OAuthError::Unavailable(error.to_string()),
            Self::Store(error) => OAuthError::Store(error),
            reason => void(reason.to_string()),
        }
    }
}

/// Whether nothing of it was revoked, and its device is good.
///
/// # Errors
/// [`Ended`].
pub(super) async fn check(
    environment: &Environment,
    cx: &Context,
    session: &SsoSession,
    travelled: &Travelled,
) -> Result<(), Ended> {
    let revocations = &cx.services.revocations;
    if revocations.is_revoked(&travelled.family).await? {
        return Err(Ended::Revoked);
    }
    if !browser::device_is_good(&environment.browser, session).await? {
        return Err(Ended::Device);
    }
    if session.is_revoked(&**revocations).await? {
        return Err(Ended::SignedOut);
    }
    Ok(())
}

/// The person of a sign-in, as the directory knows them now.
#[derive(Debug)]
pub(super) struct Now {
    /// The account, with the groups it has today.
    pub(super) origin: SubjectOrigin,
    /// `pwdLastSet`, where the sign-in stands on the password and the directory says it.
    pub(super) password_set: Option<i64>,
}

/// The person as they are now, still permitted to sign in, by the password of then.
///
/// # Errors
/// [`Ended`].
pub(super) async fn person_now(cx: &Context, session: &SsoSession) -> Result<Now, Ended> {
    let SubjectOrigin::Directory(account) = &session.subject.origin else {
        return Ok(Now { origin: session.subject.origin.clone(), password_set: None });
    };
    let directory = &*cx.services.directory;
    match directory.sign_in_state(&account.sid).await? {
        SignInState::PasswordExpired if session.subject.stands_on_password() => return Err(Ended::PasswordExpired),
        // Who signed in without the password needs none.
        SignInState::Permitted | SignInState::PasswordExpired => {}
        other => return Err(Ended::State(other)),
    }
    let password_set = password_of_then(cx, session, account).await?;
    let now = directory.account(&AccountKey::Sid(account.sid)).await?;
    Ok(Now { origin: SubjectOrigin::Directory(now), password_set })
}

/// Gives the account of a sign-in the groups again that what carried it left behind: those that it has now, beside those that came.
///
/// # Errors
/// [`Ended`].
pub(super) async fn look_up_groups(cx: &Context, session: &mut SsoSession) -> Result<(), Ended> {
    let SubjectOrigin::Directory(account) = &mut session.subject.origin else { return Ok(()) };
    let now = cx.services.directory.account(&AccountKey::Sid(account.sid)).await?;
    let came = std::mem::replace(&mut account.groups, now.groups);
    let more: Vec<Sid> = came.into_iter().filter(|group| !account.groups.contains(group)).collect();
    account.groups.extend(more);
    Ok(())
}

/// Whether a sign-in of a moment ago, which a code carries, still stands: as by [`check`], and its account is the one that signed in:
/// there, not disabled, with the same password. What the sign-in itself decided (a password that has expired, a lockout, hours) is
/// not asked again, and it counts while the directory gives no answer: people sign in during an outage, too.
///
/// # Errors
/// [`Ended`].
pub(super) async fn check_of_code(
    environment: &Environment,
    cx: &Context,
    session: &SsoSession,
    travelled: &Travelled,
) -> Result<(), Ended> {
    check(environment, cx, session, travelled).await?;
    let Err(ended) = person_now(cx, session).await else { return Ok(()) };
    if ended.is_of_account() {
        return Err(ended);
    }
    tracing::info!(correlation = %cx.request.activity, reason = %ended, "a sign-in of a moment ago counts all the same");
    Ok(())
}

/// `pwdLastSet` of a sign-in that stands on the password, when that is still the one of then.
async fn password_of_then(cx: &Context, session: &SsoSession, account: &Account) -> Result<Option<i64>, Ended> {
    if !session.subject.stands_on_password() {
        return Ok(None);
    }
    let set = directory::password_set(&*cx.services.directory, account).await?;
    if is_of_then(session, set) { Ok(set) } else { Err(Ended::PasswordChanged) }
}

/// Whether a password that was set at `set` (`pwdLastSet`) is the one of the sign-in. A session that its browser keeps knows of when
/// its password was; any other one knows when it began.
fn is_of_then(session: &SsoSession, set: Option<i64>) -> bool {
    if session.kept.is_some() {
        return session.kept == set;
    }
    let changed = set.and_then(|set| u64::try_from(set).ok()).and_then(UtcTime::from_filetime);
    changed.is_none_or(|changed| changed <= session.subject.instant)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::authn::AuthenticationMethod;
    use crate::authn::session::tests::subject;

    /// 2026-01-05T10:00:01Z, also as `pwdLastSet` counts.
    const NOW: UtcTime = UtcTime::from_unix_seconds(1_767_607_201);
    const SET: i64 = 134_120_808_010_000_000;

    fn session(kept: Option<i64>) -> SsoSession {
        let subject = subject(AuthenticationMethod::Password, NOW);
        SsoSession { subject, kept, prt_family: None, until: NOW.plus(Duration::from_hours(8)) }
    }

    #[test]
    fn an_outage_voids_nothing() {
        let outages = [
            Ended::from(RegistryError::Unavailable { reason: String::from("down") }),
            Ended::Directory(DirectoryError::Unavailable {
                domain: String::from("CORP"),
                reason: String::from("down"),
            }),
            Ended::from(StoreError::Unavailable { reason: String::from("down") }),
        ];
        for outage in outages {
            let answer = outage.into_error(OAuthError::Refresh).answer();
            assert_eq!(answer.status, actix_web::http::StatusCode::SERVICE_UNAVAILABLE);
        }
        assert_eq!(Ended::Device.into_error(OAuthError::Refresh).answer().status.as_u16(), 400);
    }

    #[test]
    fn a_fresh_sign_in_ends_with_the_account_and_not_with_an_outage() {
        let of_account = |ended: Ended| ended.is_of_account();
        assert!(of_account(Ended::Gone) && of_account(Ended::PasswordChanged));
        for (state, ends) in [
            (SignInState::Disabled, true),
            (SignInState::AccountExpired, true),
            (SignInState::Locked, false),
            (SignInState::OutsideHours, false),
        ] {
            assert_eq!(of_account(Ended::State(state)), ends, "{state:?}");
        }
        let down = DirectoryError::Unavailable { domain: String::from("CORP"), reason: String::from("down") };
        assert!(!of_account(Ended::Directory(down)) && !of_account(Ended::PasswordExpired));
    }

    #[test]
    fn a_password_is_the_one_of_the_sign_in() {
        assert_eq!(UtcTime::from_filetime(SET.unsigned_abs()), Some(NOW));
        let day = 864_000_000_000;
        for (kept, set, same) in [
            (None, Some(SET), true),
            (None, Some(SET - day), true),
            (None, Some(SET + day), false),
            (None, Some(0), true),
            (None, None, true),
            // The clock of the domain may be ahead, and a password may be as old as another one.
            (Some(SET + day), Some(SET + day), true),
            (Some(SET - day), Some(SET - day), true),
            (Some(SET - day), Some(SET), false),
            (Some(SET), Some(SET - day), false),
            (Some(SET), Some(0), false),
            (Some(SET), None, false),
        ] {
            assert_eq!(is_of_then(&session(kept), set), same, "{kept:?} {set:?}");
        }
    }
}
