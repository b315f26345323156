//! Why a device or its primary refresh token was refused, in the words of the audit log; the same for every protocol that takes one.

use crate::audit::CredentialFailure;
use crate::authn::DeviceAuthnError;
use crate::directory::{DirectoryError, SignInState};
use crate::prt::{DeviceError, ExchangeError, JwsError, NonceError, PKeyAuthError, PrtError, PrtRefusal};
use crate::tokens::sealed::SealError;

/// The failure that the audit log names.
pub(super) fn credential_failure(refusal: &PrtRefusal) -> CredentialFailure {
    use CredentialFailure as Failure;
    match refusal {
        PrtRefusal::Jws(JwsError::Signature) | PrtRefusal::Exchange(ExchangeError::Jws(JwsError::Signature)) => {
            Failure::Signature
        }
        PrtRefusal::Device(error) | PrtRefusal::Prt(PrtError::Device(error)) => device_failure(error),
        PrtRefusal::TransportKey(_) => Failure::DeviceUnknown,
        PrtRefusal::Nonce(NonceError::Used) | PrtRefusal::Replayed => Failure::Replayed,
        PrtRefusal::Nonce(NonceError::Store(_)) | PrtRefusal::Store(_) | PrtRefusal::Prt(PrtError::Store(_)) => {
            Failure::DirectoryUnavailable
        }
        PrtRefusal::Nonce(_) => Failure::Nonce,
        PrtRefusal::Exchange(ExchangeError::Prt(SealError::Expired { .. })) => Failure::MessageTime,
        PrtRefusal::Exchange(ExchangeError::Prt(_) | ExchangeError::Downgrade)
        | PrtRefusal::Copied { .. }
        | PrtRefusal::TooMany(_) => Failure::PrimaryRefreshToken,
        PrtRefusal::Prt(error) => prt_failure(error),
        PrtRefusal::PKeyAuth(error) => pkeyauth_failure(error),
        _ => Failure::MalformedToken,
    }
}

fn device_failure(error: &DeviceError) -> CredentialFailure {
    match error {
        error if error.is_retryable() => CredentialFailure::DirectoryUnavailable,
        DeviceError::Authn(DeviceAuthnError::NotCurrent { .. }) => CredentialFailure::CertificateTime,
        DeviceError::Authn(DeviceAuthnError::Issuer { .. }) => CredentialFailure::CertificateUntrusted,
        DeviceError::Authn(DeviceAuthnError::Disabled { .. }) | DeviceError::Unused { .. } => {
            CredentialFailure::DeviceDisabled
        }
        DeviceError::Certificate(_) | DeviceError::Authn(_) => CredentialFailure::DeviceUnknown,
    }
}

fn pkeyauth_failure(error: &PKeyAuthError) -> CredentialFailure {
    match error {
        PKeyAuthError::Jws(JwsError::Signature) => CredentialFailure::Signature,
        PKeyAuthError::Used => CredentialFailure::Replayed,
        PKeyAuthError::Nonce | PKeyAuthError::Context(_) => CredentialFailure::Nonce,
        PKeyAuthError::OtherDevice | PKeyAuthError::Certificate(_) => CredentialFailure::DeviceUnknown,
        PKeyAuthError::Store(_) => CredentialFailure::DirectoryUnavailable,
        _ => CredentialFailure::MalformedToken,
    }
}

fn prt_failure(error: &PrtError) -> CredentialFailure {
    match error {
        PrtError::User(state) => match state {
            SignInState::Disabled => CredentialFailure::AccountDisabled,
            SignInState::Locked => CredentialFailure::AccountLocked,
            SignInState::AccountExpired => CredentialFailure::AccountExpired,
            _ => CredentialFailure::Restricted,
        },
        PrtError::PasswordExpired => CredentialFailure::PasswordExpired,
        PrtError::Directory(DirectoryError::NotFound { .. }) => CredentialFailure::UnknownAccount,
        PrtError::Directory(_) => CredentialFailure::DirectoryUnavailable,
        _ => CredentialFailure::PrimaryRefreshToken,
    }
}

/// Type of a primary refresh token as a credential.
pub(super) const PRT_TOKEN: &str = "urn:ietf:params:oauth:token-type:refresh_token";
/// Type of a device's own signature as a credential.
pub(super) const DEVICE_TOKEN: &str = "http://schemas.microsoft.com/ws/2006/05/identitymodel/tokens/X509Certificate";
