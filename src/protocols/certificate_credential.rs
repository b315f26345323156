//! A certificate as a credential: held against the configured authorities, mapped to its account, and written to the audit log
//! when it is not good (1203, 411 and 342). That the client holds its key is proved before, by the handshake or by a signature.

use crate::audit::{CredentialFailure, Parties};
use crate::authn::AuthenticationMethod;
use crate::authn::certificate::{CertificateAccountError, CertificateError, account_for_certificate};
use crate::directory::{Account, DirectoryError};
use crate::issuance::Context;
use crate::protocols::credential;
use crate::protocols::environment::CertificateSignIn;

/// A certificate whose key the client holds. DER.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeldCertificate<'a> {
    /// The certificate.
    pub(super) leaf: &'a [u8],
    /// What came with it.
    pub(super) chain: &'a [Vec<u8>],
    /// How the key was proved.
    pub(super) method: AuthenticationMethod,
}

/// Why a certificate gave no account; audited.
#[derive(Debug)]
pub(super) struct CertificateRefusal {
    /// Why, for the audit log.
    pub(super) failure: CredentialFailure,
    /// What failed, for the operator.
    pub(super) detail: String,
    /// Nobody judged the certificate; the same one may be good a little later.
    pub(super) retryable: bool,
}

/// Whose certificate it is.
pub(super) async fn account(
    cx: &Context,
    sign_in: &CertificateSignIn,
    held: HeldCertificate<'_>,
    relying_party: &str,
) -> Result<Account, CertificateRefusal> {
    let now = cx.services.clock.now();
    let refuse = |name: Option<&str>, failure, detail: String, retryable| {
        let parties = Parties::claimed(name.unwrap_or_default(), Some(relying_party));
        credential::rejected(cx, parties, held.method, X509_TOKEN, failure, &detail);
        CertificateRefusal { failure, detail, retryable }
    };
    let identity = sign_in
        .trust
        .validate(held.leaf, held.chain, now)
        .map_err(|error| refuse(None, certificate_failure(&error), error.to_string(), false))?;
    let directory = &*cx.services.directory;
    let found = account_for_certificate(directory, &sign_in.domains, &identity, sign_in.mapping, now).await;
    found.map(|(account, _)| account).map_err(|error| {
        let retryable = matches!(&error, CertificateAccountError::Directory(directory) if directory.is_retryable());
        refuse(identity.upn.as_deref(), mapping_failure(&error), error.to_string(), retryable)
    })
}

const fn certificate_failure(error: &CertificateError) -> CredentialFailure {
    match error {
        CertificateError::Expired { .. } | CertificateError::NotYetValid { .. } => CredentialFailure::CertificateTime,
        CertificateError::Revoked { .. } | CertificateError::RevocationUnknown { .. } => {
            CredentialFailure::CertificateRevoked
        }
        _ => CredentialFailure::CertificateUntrusted,
    }
}

const fn mapping_failure(error: &CertificateAccountError) -> CredentialFailure {
    match error {
        CertificateAccountError::Directory(DirectoryError::Unavailable { .. }) => {
            CredentialFailure::DirectoryUnavailable
        }
        CertificateAccountError::Disabled => CredentialFailure::AccountDisabled,
        CertificateAccountError::Expired(_) | CertificateAccountError::ExpiredSince => {
            CredentialFailure::AccountExpired
        }
        CertificateAccountError::Locked => CredentialFailure::AccountLocked,
        CertificateAccountError::OutsideHours => CredentialFailure::Restricted,
        _ => CredentialFailure::CertificateUnmapped,
    }
}

/// Type of a certificate as a credential.
pub(super) const X509_TOKEN: &str = "http://schemas.microsoft.com/ws/2006/05/identitymodel/tokens/X509Certificate";
