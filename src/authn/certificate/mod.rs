//! Client certificates: is it good, whose is it.
//!
//! [`CertificateTrust::validate`] checks a certificate against the configured authorities and reads the names in it;
//! [`account_for_certificate`] finds the account and, by [`MappingPolicy::decide`], says whether it may use it. Knows nothing of
//! TLS or SOAP: the caller proves possession of the key, by the handshake or the message signature.

mod account;
mod context;
mod der;
mod fields;
mod identity;
mod mapping;
mod revocation;
mod strong;
#[cfg(test)]
mod tests;
mod validator;

pub use account::{CertificateAccountError, CertificateDomain, account_for_certificate};
pub use context::CertificateContext;
pub use fields::CertificateFields;
pub use identity::CertificateIdentity;
pub use mapping::{AccountMappings, CertificateMapping, MappingError, MappingPolicy};
pub use revocation::{RevocationMode, RevocationPolicy, RevocationState};
pub use strong::{matches_strong_mapping, strong_mapping_filter};
pub use validator::{CertificatePolicy, CertificateTrust, TrustConfigError};

use crate::clock::UtcTime;

/// Why a client certificate is not accepted. For the audit log; the client learns that it was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The octets are no certificate, or have something behind it.
    #[error("not a well-formed certificate: {reason}")]
    Malformed {
        /// What is wrong.
        reason: String,
    },
    /// Too large, or too many certificates with it.
    #[error("the certificate or its chain is too large")]
    TooLarge,
    /// No path to a configured authority.
    #[error("no path to a configured certificate authority; the last issuer found is {issuer}")]
    UnknownAuthority {
        /// The name that was looked for.
        issuer: String,
    },
    /// The authority is configured, but not among those that may issue logon certificates.
    #[error("{issuer} may not issue certificates for signing in")]
    IssuerNotPermitted {
        /// The direct issuer.
        issuer: String,
    },
    /// The certificate or one above it has expired.
    #[error("the certificate of {subject} has expired")]
    Expired {
        /// Whose.
        subject: String,
    },
    /// The certificate or one above it is not valid yet.
    #[error("the certificate of {subject} is not valid yet")]
    NotYetValid {
        /// Whose.
        subject: String,
    },
    /// Revoked.
    #[error("the certificate of {subject} is revoked")]
    Revoked {
        /// Whose.
        subject: String,
    },
    /// The policy wants a revocation list and there is none that counts.
    #[error("nobody can say whether a certificate of {issuer} is revoked: {reason}")]
    RevocationUnknown {
        /// Whose revocation list is missing.
        issuer: String,
        /// Why none counts.
        reason: String,
    },
    /// No extended key usage for client authentication or smart card logon, here or in an authority above.
    #[error("the certificate of {subject} is not for client authentication")]
    NotForClientAuthentication {
        /// Whose.
        subject: String,
    },
    /// The certificate is an authority's own.
    #[error("the certificate is a certificate authority's")]
    IsAuthority,
    /// The key may not sign.
    #[error("the certificate's key usage does not allow digital signatures")]
    KeyUsage,
    /// The key is too small or of a kind that is not accepted.
    #[error("the key of {subject} is too weak: {key}")]
    WeakKey {
        /// Whose.
        subject: String,
        /// What it is.
        key: String,
    },
    /// The certificate is signed by an algorithm that is not accepted.
    #[error("the certificate of {subject} is signed with {algorithm}")]
    WeakSignature {
        /// Whose.
        subject: String,
        /// The algorithm's OID.
        algorithm: String,
    },
    /// An authority's path length constraint is exceeded.
    #[error("more authorities in the path than one of them allows")]
    PathLength,
    /// Anything else OpenSSL found wrong with the path.
    #[error("the certificate path is not valid: {reason} ({subject})")]
    Path {
        /// OpenSSL's text.
        reason: String,
        /// At whose certificate.
        subject: String,
    },
    /// Two different user principal names, or two SIDs: whose certificate it is would depend on the reader.
    #[error("the certificate names two {what}")]
    Ambiguous {
        /// Of what.
        what: &'static str,
    },
    /// A name in it is not what it should be (a NUL in a UPN, a SID that is none, …).
    #[error("the certificate's {what} is malformed: {reason}")]
    BadName {
        /// Which.
        what: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// OpenSSL failed.
    #[error("OpenSSL failed: {reason}")]
    Internal {
        /// Its error.
        reason: String,
    },
}

impl From<openssl::error::ErrorStack> for CertificateError {
    fn from(error: openssl::error::ErrorStack) -> Self {
        Self::Internal { reason: error.to_string() }
    }
}

/// `seconds` of an ASN.1 time as [`UtcTime`].
const fn utc(seconds: i64) -> UtcTime {
    UtcTime::from_unix_seconds(seconds)
}

/// The certificate of one signing-in client, and those it sent along.
pub(super) const MAX_CERTIFICATE_OCTETS: usize = 32 * 1024;

/// Certificates that a client may send along.
pub(super) const MAX_PRESENTED: usize = 10;
