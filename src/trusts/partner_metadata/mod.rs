//! Federation metadata of partners: read into facts, compared, and taken over or not.
//!
//! Two kinds of identity provider are read out of it (ws-federation.md 8.1): the SAML 2.0 role `IDPSSODescriptor`, and the
//! WS-Federation role `fed:SecurityTokenServiceType`. Everything is bounded; what is not understood is left out.
//!
//! Knows what a document says and how much a change in it may change here ([`refresh`]). Knows nothing of how it was fetched or
//! of the files of trusts.

mod change;
mod duration;
mod error;
mod keys;
mod read;
mod roles;

use std::time::Duration;

use crate::claims::Text;
use crate::clock::UtcTime;

pub use change::{Change, Decision, Reason, Role, Source, refresh};
pub use error::PartnerMetadataError;
pub use read::{Signed, Wanted, read};

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
