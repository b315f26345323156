//! Whether an account may use a certificate (the rules of KB5014754).
//!
//! A pure decision over what the certificate and the directory say.

use super::CertificateIdentity;
use super::strong::matches_strong_mapping;
use crate::clock::UtcTime;
use crate::directory::Sid;

/// How strong a mapping has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MappingPolicy {
    /// The SID in the certificate, or a strong `altSecurityIdentities` value (full enforcement).
    #[default]
    StrongRequired,
    /// The UPN alone will do for a certificate without a SID that is not older than the account.
    Compatibility,
}

/// What the directory says of the account that was found for a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountMappings {
    /// `objectSid`.
    pub sid: Sid,
    /// `userPrincipalName`, and the implicit `sAMAccountName@realm`.
    pub upns: Vec<String>,
    /// `altSecurityIdentities`.
    pub alt_security_identities: Vec<String>,
    /// `whenCreated`.
    pub created: Option<UtcTime>,
}

/// How the certificate belongs to the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateMapping {
    /// By a strong `altSecurityIdentities` value.
    Explicit,
    /// By the account's SID in the certificate.
    Sid,
    /// By the UPN alone; Windows logs event 39 for it.
    UpnOnly,
}

impl MappingPolicy {
    /// Decides whether `account` may use the certificate that `identity` was read from.
    ///
    /// # Errors
    /// [`MappingError`].
    pub fn decide(
        self,
        identity: &CertificateIdentity,
        account: &AccountMappings,
    ) -> Result<CertificateMapping, MappingError> {
        if let Some(sid) = identity.sid
            && sid != account.sid
        {
            return Err(MappingError::SidMismatch { certificate: Box::new(sid), account: Box::new(account.sid) });
        }
        if matches_strong_mapping(&account.alt_security_identities, &identity.strong_mappings) {
            return Ok(CertificateMapping::Explicit);
        }
        // A name beside the SID must be the same account's: Windows finds the account by the name and then compares the SID,
        // so a certificate that names two accounts opens neither.
        if let Some(upn) = &identity.upn
            && !account.upns.iter().any(|own| same_upn(own, upn))
        {
            return Err(MappingError::UpnMismatch { upn: upn.clone() });
        }
        if identity.sid.is_some() {
            return Ok(CertificateMapping::Sid);
        }
        let Some(upn) = &identity.upn else { return Err(MappingError::NoName) };
        match (self, account.created) {
            (Self::StrongRequired, _) => Err(MappingError::StrongMappingRequired { upn: upn.clone() }),
            // A UPN that was given to a new account must not open it to the certificate of its former owner.
            (Self::Compatibility, Some(created)) if identity.not_before >= created => Ok(CertificateMapping::UpnOnly),
            (Self::Compatibility, created) => {
                Err(MappingError::OlderThanAccount { issued: identity.not_before, created })
            }
        }
    }
}

/// Why an account may not use a certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// The certificate was made for another account (Windows event 41).
    #[error("the certificate was issued to {certificate}, not to {account}")]
    SidMismatch {
        /// The SID in the certificate.
        certificate: Box<Sid>,
        /// The account's.
        account: Box<Sid>,
    },
    /// The certificate has neither SID nor UPN, and no `altSecurityIdentities` value names it.
    #[error("the certificate names no account, and no account names it in altSecurityIdentities")]
    NoName,
    /// The UPN is not this account's.
    #[error("the user principal name {upn} in the certificate is not the account's")]
    UpnMismatch {
        /// The UPN in the certificate.
        upn: String,
    },
    /// Only the UPN fits, and the policy wants more (Windows event 39).
    #[error(
        "{upn} is named by user principal name only: add the SID extension or a strong altSecurityIdentities value"
    )]
    StrongMappingRequired {
        /// The UPN in the certificate.
        upn: String,
    },
    /// Only the UPN fits, and the certificate is older than the account (Windows event 40).
    #[error("the certificate (issued {issued}) is older than the account (created {created:?})")]
    OlderThanAccount {
        /// Start of the certificate's validity.
        issued: UtcTime,
        /// The account's creation, when known.
        created: Option<UtcTime>,
    },
}

/// As the directory compares them, as far as ASCII and simple case go: less than it would accept, never more.
fn same_upn(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}
