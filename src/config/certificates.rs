//! `[certificates]`: which client certificates sign users in.

use std::path::PathBuf;

/// Validation of users' certificates.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Certificates {
    /// PEM files of the certificate authorities that users' certificates chain to; none turns certificate sign-in off.
    pub client_ca_files: Vec<PathBuf>,
    /// PEM or DER files of revocation lists; read again on reload.
    pub crl_files: Vec<PathBuf>,
    /// Whether a certificate without a current revocation list of its issuer is refused.
    pub revocation: Revocation,
    /// How strongly a certificate must name its account.
    pub mapping: Mapping,
}

impl Default for Certificates {
    fn default() -> Self {
        Self {
            client_ca_files: Vec::new(),
            crl_files: Vec::new(),
            revocation: Revocation::WhenListed,
            mapping: Mapping::Compatibility,
        }
    }
}

/// How strongly a certificate must name its account (KB5014754).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mapping {
    /// By the account's SID in the certificate, or by a strong form of `altSecurityIdentities`.
    Strong,
    /// Also by the user principal name alone, for certificates that are not older than the account.
    Compatibility,
}

/// How revocation lists are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Revocation {
    /// Revocation is not looked at (AD FS' default).
    None,
    /// Lists that are configured count; an issuer without a list is accepted.
    WhenListed,
    /// Every issuer in the chain needs a current list.
    Required,
}
