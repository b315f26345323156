//! Federation metadata of partners: read into facts, compared, and taken over or not.
//!
//! A document is read from one [`Side`]. As a claims provider an entity has the SAML 2.0 role `IDPSSODescriptor` and the
//! WS-Federation role `fed:SecurityTokenServiceType`, as a relying party `SPSSODescriptor` and `fed:ApplicationServiceType`
//! (ws-federation.md 8.1). Everything is bounded; what is not understood is left out.
//!
//! Knows what a document says and how much a change in it may change here ([`refresh`]). Knows nothing of how it was fetched or
//! of the files of trusts.

mod change;
mod duration;
mod error;
mod keys;
mod read;
mod roles;
mod service_roles;

use std::time::Duration;

use crate::claims::Text;
use crate::clock::UtcTime;

pub use change::{Change, Decision, Reason, Role, Source, refresh};
pub use error::PartnerMetadataError;
pub use read::{Side, Signed, Wanted, read};

/// What a partner's metadata says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartnerMetadata {
    /// Entity id, the issuer of its assertions.
    pub entity_id: Text,
    /// Names for people, as language and text; the language is empty where none is given.
    pub display_names: Vec<(Text, Text)>,
    /// What it is as a SAML 2.0 identity provider.
    pub saml: Option<SamlProvider>,
    /// What it is as a WS-Federation identity provider.
    pub ws_federation: Option<WsFederationProvider>,
    /// What it is as a SAML 2.0 service provider.
    pub saml_service: Option<SamlService>,
    /// What it is as a WS-Federation relying party.
    pub ws_federation_service: Option<WsFederationService>,
    /// After this the document says nothing any more: the earliest such end in it.
    pub valid_until: Option<UtcTime>,
    /// How long it may be kept before it is fetched again: the shortest such time in it. Months count 30 days.
    pub cache_duration: Option<Duration>,
    /// Whether it was signed, and the signature verified.
    pub signed: Signed,
}

/// A SAML 2.0 identity provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SamlProvider {
    /// Where requests go.
    pub sign_in: Vec<Endpoint>,
    /// Where logout requests and responses go.
    pub sign_out: Vec<Endpoint>,
    /// Certificates it signs with, DER.
    pub signing_certificates: Vec<Vec<u8>>,
    /// Why others of its certificates cannot be used.
    pub unusable_certificates: Vec<String>,
    /// Formats of name identifiers.
    pub name_id_formats: Vec<Text>,
    /// Names of attributes.
    pub attributes: Vec<OfferedClaim>,
    /// Whether requests must be signed.
    pub wants_signed_requests: bool,
}

/// A WS-Federation identity provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WsFederationProvider {
    /// Where browsers are sent to.
    pub passive: Vec<Text>,
    /// Certificates it signs with, DER.
    pub signing_certificates: Vec<Vec<u8>>,
    /// Why others of its certificates cannot be used.
    pub unusable_certificates: Vec<String>,
    /// Claim types it may issue.
    pub claims: Vec<OfferedClaim>,
}

/// A SAML 2.0 service provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SamlService {
    /// Where assertions go.
    pub consumers: Vec<Consumer>,
    /// Where logout requests and responses go.
    pub sign_out: Vec<Endpoint>,
    /// The keys of the role.
    pub keys: ServiceKeys,
    /// Formats of name identifiers, the preferred one first.
    pub name_id_formats: Vec<Text>,
    /// Whether it signs its requests.
    pub signs_requests: bool,
}

/// A WS-Federation relying party.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WsFederationService {
    /// Where browsers post tokens.
    pub passive: Vec<Text>,
    /// What tokens for it are asked for by, beside its entity id.
    pub scopes: Vec<Text>,
    /// The keys of the role.
    pub keys: ServiceKeys,
    /// Claim types it asks for.
    pub claims: Vec<OfferedClaim>,
}

/// Certificates of a role of a relying party, DER.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceKeys {
    /// Those it signs with.
    pub signing: Vec<Vec<u8>>,
    /// Those tokens are encrypted to, the one that is used first.
    pub encryption: Vec<Vec<u8>>,
    /// Why others of them cannot be used.
    pub unusable: Vec<String>,
}

/// Where assertions go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumer {
    /// How.
    pub binding: ConsumerBinding,
    /// The address.
    pub url: Text,
    /// Its number in requests.
    pub index: u16,
    /// Whether it is the one where a request says none.
    pub is_default: bool,
}

/// Bindings by which assertions can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConsumerBinding {
    /// HTTP POST.
    Post,
    /// HTTP Artifact.
    Artifact,
}

/// An address with its binding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The binding.
    pub binding: Binding,
    /// The address.
    pub url: Text,
    /// Where responses go, when that is another address; for logout.
    pub response_url: Option<Text>,
}

/// Bindings this server can use towards a partner (saml-bindings 3.4, 3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Binding {
    /// HTTP Redirect.
    Redirect,
    /// HTTP POST.
    Post,
}

/// A claim type or attribute that a partner says it issues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedClaim {
    /// Claim type or attribute name.
    pub name: Text,
    /// Its name for people.
    pub display_name: Option<Text>,
}
