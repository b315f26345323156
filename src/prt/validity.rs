//! Whether a PRT still holds: everything it stands on is asked again, each time.
//!
//! The device (there, enabled, the same certificate and transport key), the user (there, may sign in), and what the user's proof
//! stood on (the password not changed since, the Windows Hello key still the user's). Answers are at most as old as the
//! registry's and the directory's caches.

use std::time::Duration;

use super::content::{PrimaryRefreshToken, ProofOrigin};
use super::device::{DeviceError, check_in_use};
use super::transport_key::{has_transport_key, key_digest};
use crate::authn::{AuthenticatedSubject, DeviceContext, SubjectOrigin};
use crate::clock::UtcTime;
use crate::devices::{Device, DeviceRegistry, RegistryError, TrustType};
use crate::directory::{Account, AccountKey, Directory, DirectoryError, Sid, SignInState, password_set};
use crate::store::{Revocations, StoreError};

/// Where the questions go.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// Devices.
    pub registry: &'a dyn DeviceRegistry,
    /// Users.
    pub directory: &'a dyn Directory,
    /// What was revoked.
    pub revocations: &'a dyn Revocations,
    /// How long a device may be idle.
    pub usage_window: Duration,
}

/// A PRT that holds, and whose and which device's it is.
#[derive(Debug, Clone)]
pub struct Holder {
    /// The device, as it is registered now.
    pub device: Device,
    /// The user, with the groups of now.
    pub account: Account,
}

impl Holder {
    /// Who holds `prt`, when it still holds.
    ///
    /// # Errors
    /// [`PrtError`].
    pub async fn of(prt: &PrimaryRefreshToken, sources: Sources<'_>, now: UtcTime) -> Result<Self, PrtError> {
        if sources.revocations.is_revoked(&prt.family).await? {
            return Err(PrtError::Revoked);
        }
        let device = sources.registry.find(prt.device).await?.ok_or(DeviceError::UNKNOWN)?;
        check_in_use(&device, sources.usage_window, now)?;
        if !device.certificates.iter().any(|mark| mark.thumbprint == prt.certificate) {
            return Err(PrtError::Reregistered);
        }
        if !has_transport_key(&device, &prt.transport_key) {
            return Err(PrtError::TransportKey);
        }
        if !may_use(&device, &prt.user) {
            return Err(PrtError::NotTheirDevice);
        }
        check_user(sources.directory, &prt.user, matches!(prt.origin, ProofOrigin::Password(_))).await?;
        let account = sources.directory.account(&AccountKey::Sid(prt.user)).await?;
        match &prt.origin {
            ProofOrigin::Password(then) => {
                let set = password_set(sources.directory, &account).await?;
                // Equal: the same password. Not later than the proof: the account's answer was old when it was remembered.
                let later = set.and_then(|set| u64::try_from(set).ok()).and_then(UtcTime::from_filetime);
                if set != *then && later.is_none_or(|later| later > prt.instant) {
                    return Err(PrtError::PasswordChanged);
                }
            }
            ProofOrigin::Key(id) => {
                let keys = sources.registry.user_keys(&prt.user).await?;
                if !keys.iter().any(|key| super::hello::key_id(&key_digest(&key.material)) == *id) {
                    return Err(PrtError::KeyRemoved);
                }
            }
            ProofOrigin::Certificate => {}
        }
        Ok(Self { device, account })
    }

    /// The user as somebody who authenticated: when and how the PRT says, on this device.
    pub fn subject(&self, prt: &PrimaryRefreshToken) -> AuthenticatedSubject {
        AuthenticatedSubject {
            device: Some(DeviceContext {
                by_primary_refresh_token: true,
                ..DeviceContext::of(&self.device, Some(&prt.user))
            }),
            origin: SubjectOrigin::Directory(self.account.clone()),
            methods: prt.methods.clone(),
            instant: prt.instant,
            certificate: None,
            session: prt.family.clone(),
            password_expires: None,
            alternate_login_id: prt.alternate_login_id.clone(),
        }
    }
}

/// Whether somebody may sign in on a device: a workplace-joined one is its owner's and its users', a computer of the domain serves
/// whoever may sign in to it.
pub fn may_use(device: &Device, user: &Sid) -> bool {
    device.trust_type != Some(TrustType::WORKPLACE)
        || device.owner.as_ref() == Some(user)
        || device.users.contains(user)
}

/// Whether the account may sign in now.
///
/// # Errors
/// [`PrtError::User`], [`PrtError::PasswordExpired`], [`PrtError::Directory`].
pub async fn check_user(directory: &dyn Directory, user: &Sid, by_password: bool) -> Result<(), PrtError> {
    match directory.sign_in_state(user).await? {
        SignInState::PasswordExpired if by_password => Err(PrtError::PasswordExpired),
        SignInState::Permitted | SignInState::PasswordExpired => Ok(()),
        state => Err(PrtError::User(state)),
    }
}

/// Why a PRT does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrtError {
    /// It or its family was revoked.
    #[error("the primary refresh token was revoked")]
    Revoked,
    /// The device proves nothing any more.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The device was registered again since.
    #[error("the device was registered again since the primary refresh token was issued")]
    Reregistered,
    /// The device has another transport key now.
    #[error("the device has another transport key than when the primary refresh token was issued")]
    TransportKey,
    /// The device is another person's now.
    #[error("the device is registered to other people")]
    NotTheirDevice,
    /// The account may not sign in.
    #[error("the account may not sign in: {0:?}")]
    User(SignInState),
    /// The password has expired; the user must be asked.
    #[error("the password has expired")]
    PasswordExpired,
    /// The password was changed since.
    #[error("the password was changed since the primary refresh token was issued")]
    PasswordChanged,
    /// The user no longer has the Windows Hello key.
    #[error("the user no longer has the Windows Hello key that the primary refresh token stands on")]
    KeyRemoved,
    /// The directory gives no answer, or no such user.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The store of revocations gives no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<RegistryError> for PrtError {
    fn from(error: RegistryError) -> Self {
        Self::Device(error.into())
    }
}

impl PrtError {
    /// Whether the same request may succeed a little later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Device(error) => error.is_retryable(),
            Self::Directory(error) => error.is_retryable(),
            Self::Store(error) => error.is_retryable(),
            _ => false,
        }
    }
}
