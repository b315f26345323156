//! Claims providers: who signs users in beside the local Active Directory, and what of their word is taken.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::TrustFile;
use super::partner_metadata::Binding;
use super::{OpenIdSettings, ProviderNames, TrustContext};
use crate::claims::RuleSet;
use crate::clock::UtcTime;
use crate::config::diagnostic::Report;
use crate::config::document::Document;
use crate::config::findings::Findings;
use crate::config::names::DnsName;
use crate::config::required;

/// A claims provider trust with everything checked and compiled.
#[derive(Debug)]
pub struct ClaimsProvider {
    /// Its identifier: the issuer of its tokens, compared character by character.
    pub id: ClaimsProviderId,
    /// Display name.
    pub name: String,
    /// Whether it may sign anybody in.
    pub enabled: bool,
    /// Protocol.
    pub protocol: FederationProtocol,
    /// How it is asked by `OpenID` Connect; there for this protocol, and for no other.
    pub openid: Option<OpenIdSettings>,
    /// Where browsers are sent to sign in; HTTPS. Of an `OpenID` provider its issuer.
    pub sign_in_url: String,
    /// How a request of SAML 2.0 gets there; those of other protocols are redirections.
    pub sign_in_binding: Binding,
    /// Where browsers are sent to sign out.
    pub sign_out: Option<SignOutService>,
    /// DER of the certificates that sign its tokens; empty for an `OpenID` provider only. Strong enough when they were read; whether one has expired is
    /// judged when a token comes.
    pub signing_certificates: Vec<Arc<[u8]>>,
    /// Whether SHA-1 in its signatures is taken.
    pub sha1_signatures: bool,
    /// Whether AES-CBC is taken where no signature covers the ciphertext.
    pub cbc_encryption: bool,
    /// Suffixes of addresses and UPNs whose users are sent there.
    pub account_suffixes: Vec<DnsName>,
    /// Acceptance transform rules: what of its claims gets in. Without rules, nothing.
    pub acceptance: RuleSet,
    /// The file the trust stands in.
    pub file: Option<PathBuf>,
}

impl ClaimsProvider {
    /// Reads the text of a trust file as if it stood in the directory `directory`. For tests, fuzzing and tools; the server goes
    /// through [`Loader`](crate::config::Loader).
    ///
    /// # Errors
    /// Everything that is wrong with the text.
    pub fn from_toml(text: &str, directory: &Path, now: UtcTime) -> Result<Self, Report> {
        let path = directory.join("trust.toml");
        let mut report = Report::default();
        let mut document = Document::parse(&path, text, &mut report);
        let file = document.read::<TrustFile>(required::TRUST, &mut report);
        let compiled = file.and_then(|file| {
            let mut context = TrustContext::new(Findings::new(&document, &mut report), now, None);
            super::compile_claims_provider(&file, &path, &mut context, &mut ProviderNames::new(None, []))
        });
        match compiled {
            Some(provider) if !report.has_errors() => Ok(provider),
            _ => Err(report),
        }
    }

    /// Whether users can be sent there now.
    pub const fn is_usable(&self) -> bool {
        self.enabled
    }
}

/// Where a claims provider ends its sessions; HTTPS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignOutService {
    /// How messages of SAML 2.0 get there; those of other protocols are redirections.
    pub binding: Binding,
    /// Where requests go.
    pub url: String,
    /// Where answers to its own requests go.
    pub response_url: String,
}

/// Identifies a claims provider in everything that outlives a request.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct ClaimsProviderId(Arc<str>);

impl ClaimsProviderId {
    /// An id from its text.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClaimsProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ClaimsProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The protocol a claims provider is asked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FederationProtocol {
    /// WS-Federation passive.
    WsFederation,
    /// SAML 2.0 Web Browser SSO.
    Saml,
    /// `OpenID` Connect, by an authorization code.
    OpenId,
}
