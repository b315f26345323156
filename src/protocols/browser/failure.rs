//! Why nobody is signed in, and how a page of this service says so.

use actix_web::http::StatusCode;

use super::federate_in::PartnerFailure;
use super::parameters::ParameterError;
use crate::authn::AuthnError;
use crate::clock::RandomError;
use crate::pages::{ErrorText, PageError};
use crate::protocols::openid::OpenIdError;
use crate::protocols::samlp::EncodeError;
use crate::store::StoreError;
use crate::tokens::sealed::SealError;

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub(in crate::protocols) enum SignInFailure {
    /// What the request demands is not possible.
    #[error(transparent)]
    Authn(#[from] AuthnError),
    /// A page would have to be shown, and none may be.
    #[error("nobody is signed in, and no page may be shown")]
    PageWanted,
    /// A ticket is wanted, and no page can take its place: the answer is a challenge.
    #[error("a Kerberos ticket is needed")]
    TicketWanted,
    /// The form cannot be read.
    #[error(transparent)]
    Form(#[from] ParameterError),
    /// It cannot be known whether the form was used before.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A form could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The page could not be made.
    #[error(transparent)]
    Page(#[from] PageError),
    /// The random source failed.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The request to a claims provider could not be made.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The answer of a claims provider is not taken; audited.
    #[error(transparent)]
    ClaimsProvider(#[from] PartnerFailure),
}

impl SignInFailure {
    /// Status, code and text of the page that says it. Codes are AD FS' own, because administrators search for them.
    pub(in crate::protocols) fn shown(&self) -> (StatusCode, &'static str, ErrorText) {
        let request = StatusCode::INTERNAL_SERVER_ERROR;
        match self {
            Self::Form(_) => (request, "MSIS7000", ErrorText::ErrorRequest),
            Self::Authn(AuthnError::Unavailable) => (request, "MSIS7102", ErrorText::ErrorMethod),
            Self::Authn(AuthnError::WindowsFailed) => (request, "MSIS7066", ErrorText::ErrorMethod),
            Self::Authn(AuthnError::NoClaimsProvider) => (request, "MSIS7066", ErrorText::ErrorHomeRealm),
            Self::Authn(AuthnError::NotFresh) => (request, "MSIS7102", ErrorText::ErrorPartner),
            Self::Store(_) | Self::ClaimsProvider(PartnerFailure::OpenId(OpenIdError::Outgoing(_))) => {
                (StatusCode::SERVICE_UNAVAILABLE, "MSIS7012", ErrorText::ErrorUnavailable)
            }
            Self::ClaimsProvider(failure) => (request, failure.number(), ErrorText::ErrorPartner),
            Self::TicketWanted => (StatusCode::UNAUTHORIZED, "MSIS7066", ErrorText::ErrorMethod),
            Self::PageWanted | Self::Seal(_) | Self::Page(_) | Self::Random(_) | Self::Encode(_) => {
                (request, "MSIS7012", ErrorText::ErrorInternal)
            }
        }
    }
}
