//! What a trust file may say, key by key, before anything is checked or read from other files.
//!
//! Key names are a stable interface: other programs write these files.

use std::path::PathBuf;

use super::client::GrantType;
use super::openid::ClientAuthentication;
use crate::claims::policy::Parameters;
use crate::config::names::DnsName;
use crate::pages::theme::Branding;
use crate::tokens::SignatureAlgorithm;

/// A trust file: exactly one of the three tables.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrustFile {
    /// `[relying_party]`
    pub relying_party: Option<RelyingPartyFile>,
    /// `[claims_provider]`
    pub claims_provider: Option<ClaimsProviderFile>,
    /// `[client]`
    pub client: Option<ClientFile>,
}

/// `[relying_party]`.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelyingPartyFile {
    /// Display name.
    pub name: String,
    /// Identifiers, compared character by character; unique over all trusts.
    pub identifiers: Vec<String>,
    /// A disabled relying party gets no token and a fault of its own.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Token for WS-Federation and WS-Trust when the request names none.
    #[serde(default)]
    pub token_type: TokenTypeFile,
    /// Validity of a token, in minutes.
    #[serde(default = "default_lifetime")]
    pub token_lifetime_minutes: u32,
    /// Minutes by which the start of validity lies before the moment of issue.
    #[serde(default)]
    pub not_before_skew_minutes: u32,
    /// Signature of tokens.
    #[serde(default)]
    pub signature_algorithm: SignatureAlgorithm,
    /// Name of an access control policy; instead of authorization rules.
    pub access_control_policy: Option<String>,
    /// Values of the policy's parameters.
    #[serde(default)]
    pub access_control_policy_parameters: Parameters,
    /// Issuance authorization rules; instead of a policy.
    pub authorization_rules: Option<String>,
    /// The same in a file beside the trust.
    pub authorization_rules_file: Option<PathBuf>,
    /// Additional authentication rules: a subject they ask more of is refused where it cannot be asked.
    pub additional_authentication_rules: Option<String>,
    /// The same in a file beside the trust.
    pub additional_authentication_rules_file: Option<PathBuf>,
    /// Delegation authorization rules: who may ask for a token on behalf of somebody else.
    pub delegation_authorization_rules: Option<String>,
    /// The same in a file beside the trust.
    pub delegation_authorization_rules_file: Option<PathBuf>,
    /// Impersonation authorization rules: who may ask for a token as somebody else.
    pub impersonation_authorization_rules: Option<String>,
    /// The same in a file beside the trust.
    pub impersonation_authorization_rules_file: Option<PathBuf>,
    /// Issuance transform rules.
    pub transform_rules: Option<String>,
    /// The same in a file beside the trust.
    pub transform_rules_file: Option<PathBuf>,
    /// Claim types without which no token is issued.
    #[serde(default)]
    pub required_claims: Vec<String>,
    /// PEM file with the relying party's encryption certificate; tokens are encrypted when it is there.
    pub encryption_certificate: Option<PathBuf>,
    /// Block cipher of encrypted tokens.
    #[serde(default)]
    pub encryption_algorithm: crate::tokens::encryption::ContentCipher,
    /// PEM files with certificates that sign the relying party's requests.
    #[serde(default)]
    pub request_signing_certificates: Vec<PathBuf>,
    /// Refuse requests that are not signed.
    #[serde(default)]
    pub require_signed_requests: bool,
    /// Claims providers that may sign users in to this relying party, by name or identifier; all when absent.
    pub claims_providers: Option<Vec<String>>,
    /// Metadata in a file beside the trust: addresses, certificates and further identifiers.
    pub metadata_file: Option<PathBuf>,
    /// Metadata at an address, looked at again and again.
    pub metadata_url: Option<String>,
    /// PEM files with certificates one of which must have signed the metadata at that address.
    #[serde(default)]
    pub metadata_signing_certificates: Vec<PathBuf>,
    /// `[relying_party.ws_federation]`
    pub ws_federation: Option<WsFederationFile>,
    /// `[relying_party.saml]`
    pub saml: Option<SamlFile>,
    /// `[relying_party.branding]`: what the pages on the way to this relying party look like, over `[branding]`.
    pub branding: Option<Branding>,
}

/// Kinds of token a trust may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenTypeFile {
    /// SAML 1.1
    #[default]
    Saml11,
    /// SAML 2.0
    Saml2,
    /// JSON Web Token.
    Jwt,
}

/// `[relying_party.ws_federation]`.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WsFederationFile {
    /// Where the browser posts the token; the answer for a request without `wreply`.
    pub endpoint: String,
    /// Further addresses that `wreply` may name.
    #[serde(default)]
    pub additional_endpoints: Vec<String>,
}

/// `[relying_party.saml]`.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamlFile {
    /// Assertion consumer services.
    pub assertion_consumer_services: Vec<AssertionConsumerServiceFile>,
    /// Format of the name identifier.
    #[serde(default)]
    pub name_id_format: Option<String>,
}

/// `{ url = "…", binding = "post", default = true }`.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssertionConsumerServiceFile {
    /// Address.
    pub url: String,
    /// Binding.
    #[serde(default)]
    pub binding: SamlBinding,
    /// Whether a request without an address or index means this one.
    #[serde(default)]
    pub default: bool,
    /// Index; the place in the list when absent.
    pub index: Option<u16>,
}

/// SAML 2.0 bindings of an assertion consumer service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SamlBinding {
    /// HTTP POST
    #[default]
    Post,
    /// HTTP artifact
    Artifact,
    /// HTTP redirect
    Redirect,
}

/// `[claims_provider]`.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimsProviderFile {
    /// Display name, on the page where a person chooses; unique over all claims providers.
    pub name: String,
    /// Identifier; the issuer of its tokens. Unique over all claims providers.
    pub identifier: String,
    /// A disabled claims provider signs nobody in.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Metadata in a file beside the trust: protocol, address and certificates.
    pub metadata_file: Option<PathBuf>,
    /// Metadata at an address, looked at again and again; of an `OpenID` provider its discovery document.
    pub metadata_url: Option<String>,
    /// PEM files with certificates one of which must have signed the metadata at that address.
    #[serde(default)]
    pub metadata_signing_certificates: Vec<PathBuf>,
    /// Protocol.
    pub protocol: Option<ClaimsProviderProtocol>,
    /// Where users are sent to sign in.
    pub sign_in_url: Option<String>,
    /// Where users are sent to sign out.
    pub sign_out_url: Option<String>,
    /// PEM files with certificates that sign its tokens, the current and the next.
    #[serde(default)]
    pub signing_certificates: Vec<PathBuf>,
    /// Take signatures with SHA-1.
    #[serde(default)]
    pub sha1_signatures: bool,
    /// Take assertions encrypted with AES-CBC that no signature protects from being altered.
    #[serde(default)]
    pub cbc_encryption: bool,
    /// Suffixes of addresses and UPNs whose users are sent there.
    #[serde(default)]
    pub account_suffixes: Vec<DnsName>,
    /// Acceptance transform rules.
    pub acceptance_rules: Option<String>,
    /// The same in a file beside the trust.
    pub acceptance_rules_file: Option<PathBuf>,
    /// `[claims_provider.oidc]`: how an `OpenID` provider is asked.
    pub oidc: Option<OidcFile>,
}

/// `[claims_provider.oidc]`.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcFile {
    /// This server, as the provider knows it.
    pub client_id: String,
    /// File with the client secret, beside the trust.
    pub client_secret_file: Option<PathBuf>,
    /// How this server says who it is.
    #[serde(default)]
    pub client_authentication: ClientAuthentication,
    /// PEM certificate of the key, for `private_key_jwt`.
    pub client_certificate_file: Option<PathBuf>,
    /// PEM private key, for `private_key_jwt`.
    pub client_key_file: Option<PathBuf>,
    /// The key's name in the set that the provider has.
    pub client_key_id: Option<String>,
    /// What is asked for.
    #[serde(default = "default_scopes")]
    pub scopes: Vec<String>,
    /// Ask the userinfo endpoint, too.
    #[serde(default)]
    pub userinfo: bool,
    /// Where a code becomes tokens, instead of the discovery document's.
    pub token_endpoint: Option<String>,
    /// Where the keys are, instead of the discovery document's.
    pub jwks_url: Option<String>,
    /// Where more is said of the user, instead of the discovery document's.
    pub userinfo_endpoint: Option<String>,
}

impl RelyingPartyFile {
    /// Whether metadata says what the trust does not.
    pub const fn has_metadata(&self) -> bool {
        self.metadata_file.is_some() || self.metadata_url.is_some()
    }
}

impl ClaimsProviderFile {
    /// Whether metadata says what the trust does not.
    pub const fn has_metadata(&self) -> bool {
        self.metadata_file.is_some() || self.metadata_url.is_some()
    }
}

/// Protocols of claims providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimsProviderProtocol {
    /// SAML 2.0
    Saml,
    /// WS-Federation
    WsFederation,
    /// `OpenID` Connect.
    Oidc,
}

/// `[client]`.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientFile {
    /// Client id.
    pub id: String,
    /// Display name.
    pub name: Option<String>,
    /// Kind of application.
    pub kind: ClientKind,
    /// Redirect addresses, compared character by character.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// File with the secret of a server application.
    pub secret_file: Option<PathBuf>,
    /// File with the client's JSON Web Key Set.
    pub jwks_file: Option<PathBuf>,
    /// PEM files with the client's certificates.
    #[serde(default)]
    pub certificate_files: Vec<PathBuf>,
    /// Whether each of its assertions is good once.
    #[serde(default)]
    pub single_use_assertions: bool,
    /// Account of Active Directory that the client runs as and proves by Negotiate: `CORP\\web$`, a UPN or a SID.
    pub windows_account: Option<String>,
    /// Grants the client may use; a code and refresh tokens when absent, for an API none.
    pub grants: Option<Vec<GrantType>>,
    /// Identifiers of relying parties the client may ask tokens for.
    #[serde(default)]
    pub resources: Vec<String>,
    /// Scopes the client may ask for at any of them.
    pub scopes: Option<Vec<String>>,
    /// Whether codes need a proof key; they do for native clients.
    pub pkce: Option<PkceFile>,
    /// Whether refresh tokens of sign-ins by a device are redeemed with a proof of that device only.
    #[serde(default)]
    pub require_device_proof: bool,
    /// Where the browser ends the client's session at sign-out.
    pub logout_uri: Option<String>,
    /// A disabled client gets no token.
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// `pkce` of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PkceFile {
    /// No code without a proof key.
    Required,
    /// A proof key counts when it is there.
    Optional,
}

/// Kinds of OAuth client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// Public client on a device.
    Native,
    /// Confidential client on a server.
    Server,
    /// Resource that acts as a client too.
    WebApi,
}

const fn yes() -> bool {
    true
}

fn default_scopes() -> Vec<String> {
    ["openid", "profile", "email"].map(String::from).to_vec()
}

const fn default_lifetime() -> u32 {
    60
}
