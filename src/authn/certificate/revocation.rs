//! Certificate revocation lists.
//!
//! Lists come from files that the operator provides (the server fetches nothing that a certificate names). A list counts for
//! a certificate when its issuer has the name and the key of the certificate's issuer.

use std::cmp::Ordering;
use std::time::Duration;

use openssl::x509::{CrlStatus, X509, X509Crl, X509KeyUsage, X509Ref};
use x509_parser::extensions::{IssuingDistributionPoint, ParsedExtension, X509Extension};
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

use super::{CertificateError, utc};
use crate::clock::UtcTime;

/// How revocation is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevocationPolicy {
    /// Whether a list is needed.
    pub mode: RevocationMode,
    /// A list counts for so long after its `nextUpdate`.
    pub stale_grace: Duration,
}

impl Default for RevocationPolicy {
    fn default() -> Self {
        Self { mode: RevocationMode::Required, stale_grace: Duration::ZERO }
    }
}

/// Whether a revocation list is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationMode {
    /// For every certificate below the root; without one nobody signs in.
    Required,
    /// What a list says counts; without one the certificate is taken as good.
    IfAvailable,
    /// Lists are not looked at.
    Off,
}

/// What is known of a certificate's revocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevocationState {
    /// Current lists for the whole path, and it is on none.
    Good,
    /// The policy let it pass without an answer.
    Unchecked {
        /// Why there is no answer.
        reason: String,
    },
}

/// The lists of all configured authorities.
pub(super) struct RevocationLists(Vec<List>);

struct List {
    crl: X509Crl,
    this_update: UtcTime,
    next_update: Option<UtcTime>,
    for_users: bool,
    for_authorities: bool,
}

impl RevocationLists {
    /// Reads lists, each in DER or PEM.
    pub(super) fn read(files: &[Vec<u8>]) -> Result<Self, String> {
        files.iter().map(|octets| List::read(octets)).collect::<Result<_, _>>().map(Self)
    }

    /// Checks a path that was found valid, end entity first, root last. The root is trusted by configuration.
    pub(super) fn check(
        &self,
        path: &[X509],
        policy: RevocationPolicy,
        now: UtcTime,
    ) -> Result<RevocationState, CertificateError> {
        if policy.mode == RevocationMode::Off {
            return Ok(RevocationState::Unchecked { reason: String::from("switched off") });
        }
        let mut state = RevocationState::Good;
        for (depth, pair) in path.windows(2).enumerate() {
            let [certificate, issuer] = pair else { continue };
            if let Err(reason) = self.check_one(certificate, issuer, depth > 0, policy, now)? {
                if policy.mode == RevocationMode::Required {
                    return Err(CertificateError::RevocationUnknown { issuer: name_of(issuer), reason });
                }
                state = RevocationState::Unchecked { reason };
            }
        }
        Ok(state)
    }

    /// `Ok(Err(reason))` when no list has an answer. An old list cannot say that a certificate is good, but still that it is
    /// revoked.
    fn check_one(
        &self,
        certificate: &X509,
        issuer: &X509Ref,
        is_authority: bool,
        policy: RevocationPolicy,
        now: UtcTime,
    ) -> Result<Result<(), String>, CertificateError> {
        let key = issuer.public_key()?;
        let may_sign_lists = issuer.key_usage().is_none_or(|usage| usage.contains(X509KeyUsage::CRL_SIGN));
        let mut answer = Err(String::from("no revocation list of this issuer and key"));
        for list in &self.0 {
            let covers = if is_authority { list.for_authorities } else { list.for_users };
            let same_name = list.crl.issuer_name().try_cmp(issuer.subject_name())? == Ordering::Equal;
            if !covers || !same_name || !may_sign_lists || !list.crl.verify(&key).unwrap_or(false) {
                continue;
            }
            if !matches!(list.crl.get_by_cert(certificate), CrlStatus::NotRevoked) {
                return Err(CertificateError::Revoked { subject: name_of(certificate) });
            }
            let until = list.next_update.map(|next| next.plus(policy.stale_grace));
            if list.this_update > now {
                answer = answer.map_err(|_| format!("the list is of {}, in the future", list.this_update));
            } else if until.is_some_and(|until| until < now) {
                answer = answer.map_err(|_| format!("the list is too old: it is of {}", list.this_update));
            } else {
                answer = Ok(());
            }
        }
        Ok(answer)
    }
}

impl List {
    fn read(octets: &[u8]) -> Result<Self, String> {
        let crl = if octets.trim_ascii_start().starts_with(b"-----BEGIN") {
            X509Crl::from_pem(octets)
        } else {
            X509Crl::from_der(octets)
        };
        let crl = crl.map_err(|error| error.to_string())?;
        let der = crl.to_der().map_err(|error| error.to_string())?;
        let (_, parsed) = CertificateRevocationList::from_der(&der).map_err(|error| error.to_string())?;
        let (mut for_users, mut for_authorities) = (true, true);
        for extension in parsed.extensions() {
            if let ParsedExtension::IssuingDistributionPoint(scope) = extension.parsed_extension() {
                (for_users, for_authorities) = covered(scope)?;
            } else if extension.critical {
                return Err(format!("critical extension {} (a delta list?)", extension.oid));
            }
        }
        let entry_extensions = parsed.iter_revoked_certificates().flat_map(|entry| entry.extensions().iter());
        if let Some(unknown) = entry_extensions.into_iter().find(|extension| is_unknown_and_critical(extension)) {
            return Err(format!("an entry has the critical extension {}", unknown.oid));
        }
        Ok(Self {
            this_update: utc(parsed.last_update().timestamp()),
            next_update: parsed.next_update().map(|time| utc(time.timestamp())),
            for_users,
            for_authorities,
            crl,
        })
    }
}

/// What a list with this scope covers: end entities, authorities.
fn covered(scope: &IssuingDistributionPoint<'_>) -> Result<(bool, bool), String> {
    if scope.indirect_crl || scope.only_some_reasons.is_some() || scope.only_contains_attribute_certs {
        return Err(String::from("an indirect or partial list"));
    }
    Ok((!scope.only_contains_ca_certs, !scope.only_contains_user_certs))
}

fn is_unknown_and_critical(extension: &X509Extension<'_>) -> bool {
    let known =
        matches!(extension.parsed_extension(), ParsedExtension::ReasonCode(_) | ParsedExtension::InvalidityDate(_));
    extension.critical && !known
}

/// A certificate's subject in one line, for people.
pub(super) fn name_of(certificate: &X509Ref) -> String {
    let parts = certificate.subject_name().entries().map(|entry| {
        let label = entry.object().nid().short_name().unwrap_or("?");
        let value = entry.data().to_string().unwrap_or_else(|_| String::from("?"));
        format!("{label}={value}")
    });
    parts.collect::<Vec<_>>().join(", ")
}
