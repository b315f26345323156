//! Relying parties: who asks for tokens, and what each gets.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::file::{SamlBinding, TrustFile};
use super::{AppliedPolicy, TrustContext};
use crate::claims::{ClaimSet, RuleSet, Text};
use crate::clock::UtcTime;
use crate::config::diagnostic::Report;
use crate::config::document::Document;
use crate::config::findings::Findings;
use crate::config::required;
use crate::pages::theme::Theme;
use crate::tokens::encryption::ContentCipher;
use crate::tokens::{SignatureAlgorithm, TokenType};

/// A relying party trust with everything checked and compiled.
#[derive(Debug)]
pub struct RelyingParty {
    /// Stable name in audit, sealed grants and metrics: the first identifier.
    pub id: RelyingPartyId,
    /// Display name.
    pub name: String,
    /// Every identifier; a token's audience is the one that was asked for.
    pub identifiers: Vec<String>,
    /// Whether tokens may be issued.
    pub enabled: bool,
    /// Token for WS-Federation and WS-Trust when the request names none.
    pub token_type: TokenType,
    /// Validity of a token from the moment of issue.
    pub token_lifetime: Duration,
    /// How far before the moment of issue validity starts.
    pub not_before_skew: Duration,
    /// Signature of tokens.
    pub signature_algorithm: SignatureAlgorithm,
    /// How tokens are encrypted; `None` leaves them in clear.
    pub encryption: Option<TokenEncryption>,
    /// Who may get a token.
    pub authorization: Authorization,
    /// The access control policy that `authorization` was made of; `None` for rules.
    pub access_control_policy: Option<AppliedPolicy>,
    /// Additional authentication rules, the policy's and the trust's own: who must prove more than a password or a ticket.
    /// Any of the sets may ask.
    pub additional_authentication: Vec<RuleSet>,
    /// Delegation authorization rules; `None` permits nobody.
    pub delegation_authorization: Option<RuleSet>,
    /// Impersonation authorization rules; `None` permits nobody.
    pub impersonation_authorization: Option<RuleSet>,
    /// Issuance transform rules.
    pub transform: RuleSet,
    /// Claim types that the output must contain, each with a value; otherwise the subject is denied.
    pub required_claims: Vec<Text>,
    /// Claims providers whose users may sign in here.
    pub claims_providers: ClaimsProviders,
    /// DER of certificates that sign this relying party's requests.
    pub request_signing_certificates: Vec<Arc<[u8]>>,
    /// Requests without a signature are refused.
    pub require_signed_requests: bool,
    /// WS-Federation; `None` refuses passive requests.
    pub ws_federation: Option<WsFederationSettings>,
    /// SAML 2.0 protocol; `None` refuses its requests.
    pub saml: Option<SamlSettings>,
    /// What the pages on the way to it look like; `None` as those of the service.
    pub theme: Option<Arc<Theme>>,
    /// Whether `accounttype` `DJ` is kept only for workstations and member servers as the directory knows them (`[entra]
    /// computer_guard`).
    pub computer_guard: bool,
    /// The file the trust stands in; `None` for the built-in Entra trust.
    pub file: Option<PathBuf>,
}

impl RelyingParty {
    /// Reads the text of a trust file as if it stood in the directory `directory`. For tests, fuzzing and tools; the server
    /// goes through [`Loader`](crate::config::Loader).
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
            super::compile(&file, &path, &mut context, &mut BTreeMap::new())
        });
        match compiled {
            Some(relying_party) if !report.has_errors() => Ok(relying_party),
            _ => Err(report),
        }
    }

    /// The first required claim type that `output` has no non-empty value of. When there is one, the subject is denied.
    pub fn missing_claim(&self, output: &ClaimSet) -> Option<&Text> {
        self.required_claims.iter().find(|required| output.of_type(required).all(|claim| claim.value.is_empty()))
    }

    /// Whether `identifier` is one of this relying party's, character by character.
    pub fn has_identifier(&self, identifier: &str) -> bool {
        self.identifiers.iter().any(|own| own == identifier)
    }
}

/// Identifies a relying party in everything that outlives a request: its first identifier.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct RelyingPartyId(Arc<str>);

impl RelyingPartyId {
    /// An id from its text.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RelyingPartyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RelyingPartyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who may get a token (claims.md 2: nothing is permitted unless something permits).
#[derive(Debug, Clone)]
pub enum Authorization {
    /// The access control policy "permit everyone".
    PermitEveryone,
    /// Issuance authorization rules.
    Rules(RuleSet),
    /// The trust names neither a policy nor rules.
    Nobody,
}

/// Which claims providers may sign users in to a relying party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimsProviders {
    /// Every one, as AD FS has it by default.
    All,
    /// Those with one of these identifiers; `AD AUTHORITY` is the local Active Directory.
    Listed(Vec<String>),
}

impl ClaimsProviders {
    /// Whether users of the claims provider with this identifier may sign in. Must be asked before anything is issued.
    pub fn allows(&self, identifier: &str) -> bool {
        match self {
            Self::All => true,
            Self::Listed(identifiers) => identifiers.iter().any(|own| own == identifier),
        }
    }
}

/// Encryption of tokens: key transport is RSA-OAEP with the certificate's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenEncryption {
    /// DER of the relying party's encryption certificate.
    pub certificate: Arc<[u8]>,
    /// Block cipher.
    pub algorithm: ContentCipher,
}

/// WS-Federation passive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WsFederationSettings {
    /// Where the browser posts the token when the request names no `wreply`.
    pub endpoint: String,
    /// Further addresses that `wreply` may name.
    pub additional_endpoints: Vec<String>,
}

/// SAML 2.0 protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamlSettings {
    /// Assertion consumer services; never empty, exactly one is the default.
    pub assertion_consumer_services: Vec<AssertionConsumerService>,
    /// Format of the name identifier.
    pub name_id_format: Option<String>,
}

/// An assertion consumer service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssertionConsumerService {
    /// Address.
    pub url: String,
    /// Binding.
    pub binding: SamlBinding,
    /// Index in metadata.
    pub index: u16,
    /// Whether a request without an address or index means this one.
    pub is_default: bool,
}
