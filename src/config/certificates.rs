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
    /// Extended key usages of which a certificate needs at least one, as dotted object identifiers.
    pub extended_key_usages: Vec<String>,
}

impl Default for Certificates {
    fn default() -> Self {
        Self {
            client_ca_files: Vec::new(),
            crl_files: Vec::new(),
            revocation: Revocation::WhenListed,
            extended_key_usages: vec![String::from(CLIENT_AUTHENTICATION), String::from(SMART_CARD_LOGON)],
        }
    }
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

/// id-kp-clientAuth (RFC 5280 4.2.1.12).
pub const CLIENT_AUTHENTICATION: &str = "1.3.6.1.5.5.7.3.2";
/// Microsoft smart card logon.
pub const SMART_CARD_LOGON: &str = "1.3.6.1.4.1.311.20.2.2";
