//! What a device is told of a refusal (oauth-oidc-prt.md 2.15, 3.3). It learns whether it is the device, the token or the request
//! that is not good, and nothing about accounts; the audit log has the reason.

use actix_web::http::StatusCode;

use super::proof::ProofRefusal;
use crate::audit::CredentialFailure;
use crate::protocols::oauth::error::{OAuthError, Shown};
use crate::prt::{ExchangeError, HelloError, PrtError, PrtRefusal, RequestError, TransportKeyError};
use crate::tokens::sealed::SealError;

/// How OAuth says it.
pub(in crate::protocols::oauth) fn shown(refusal: &PrtRefusal) -> Shown {
    match refusal {
        refusal if refusal.is_retryable() => {
            OAuthError::Unavailable(String::from("devices, accounts or what was used")).shown()
        }
        PrtRefusal::Device(_) | PrtRefusal::TransportKey(TransportKeyError::Missing) => {
            bad("invalid_grant", "MSIS9682", "The certificate is not that of a registered device with a transport key.")
        }
        PrtRefusal::TransportKey(_) => bad(
            "invalid_grant",
            "MSIS9683",
            "The device's transport key is neither an RSA public key blob nor one of a TPM.",
        ),
        PrtRefusal::Request(error) | PrtRefusal::Exchange(ExchangeError::Request(error)) => request(error),
        PrtRefusal::Exchange(ExchangeError::CertificateTrust) => {
            bad("invalid_scope", "MSIS9648", "Certificates for Windows Hello are not issued here.")
        }
        PrtRefusal::Exchange(ExchangeError::Prt(SealError::Expired { .. })) => {
            bad("invalid_grant", "MSIS9615", "The primary refresh token has expired.")
        }
        PrtRefusal::Prt(PrtError::PasswordExpired) => {
            bad("interaction_required", "MSIS9660", "The password has expired and must be changed.")
        }
        PrtRefusal::Exchange(_) | PrtRefusal::Prt(_) | PrtRefusal::Copied { .. } | PrtRefusal::Replayed => {
            bad("invalid_grant", "MSIS9614", "The primary refresh token is not valid.")
        }
        PrtRefusal::TooMany(_) => OAuthError::TooMany.shown(),
        PrtRefusal::Jws(_)
        | PrtRefusal::Nonce(_)
        | PrtRefusal::PKeyAuth(_)
        | PrtRefusal::OtherRequest
        | PrtRefusal::Id(_) => not_valid(),
        PrtRefusal::Seal(_) | PrtRefusal::Encrypt(_) | PrtRefusal::Random(_) | PrtRefusal::Store(_) => {
            bad("server_error", "MSIS9604", "The request could not be fulfilled.")
        }
    }
}

fn request(error: &RequestError) -> Shown {
    match error {
        RequestError::Missing { .. } => {
            bad("invalid_request", "MSIS9601", "A member of the signed request is missing.")
        }
        RequestError::Scope { .. } => {
            bad("invalid_scope", "MSIS9648", "The signed request does not ask for the scopes that it must.")
        }
        RequestError::GrantType { .. } => OAuthError::UnsupportedGrant.shown(),
        RequestError::Time { .. } => not_valid(),
    }
}

fn not_valid() -> Shown {
    bad("invalid_grant", "MSIS9604", "The signed request is not valid, was used before, or is too old.")
}

fn bad(error: &'static str, code: &'static str, text: &'static str) -> Shown {
    Shown { error, code, text, status: StatusCode::BAD_REQUEST }
}

impl From<ProofRefusal> for OAuthError {
    fn from(refusal: ProofRefusal) -> Self {
        match refusal {
            ProofRefusal::Password(refusal) if refusal.retryable => Self::Unavailable(refusal.detail),
            ProofRefusal::Password(refusal) => match refusal.failure {
                CredentialFailure::PasswordExpired | CredentialFailure::PasswordMustChange => {
                    Self::InteractionRequired("the password has expired and must be changed")
                }
                CredentialFailure::SpoofedKdc => Self::Unavailable(refusal.detail),
                _ => Self::Password,
            },
            ProofRefusal::Account(error) if error.is_retryable() => Self::Unavailable(error.to_string()),
            ProofRefusal::Prt(refusal) => Self::Prt(Box::new(refusal)),
            ProofRefusal::OtherDevice => Self::Refresh(refusal.to_string()),
            ProofRefusal::Refresh(error) => *error,
            ProofRefusal::Hello(HelloError::Request(error)) => Self::Prt(Box::new(error.into())),
            ProofRefusal::Random(error) => Self::Random(error),
            // One answer for every reason that a user's own proof is not good.
            ProofRefusal::Hello(_)
            | ProofRefusal::Account(_)
            | ProofRefusal::Certificate(_)
            | ProofRefusal::CertificateAccount(_)
            | ProofRefusal::NoCertificates
            | ProofRefusal::NotTheirDevice => Self::Proof(refusal.to_string()),
        }
    }
}
