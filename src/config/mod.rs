//! Configuration: one file `chancery.toml`, one directory of trusts beside it.
//!
//! Turns files and environment into typed values, and says everything that is wrong with them at once, with file, line and the
//! fix. Knows nothing of what the values are used for; a value that reached [`Config`] has been checked.

use std::path::Path;

use diagnostic::Report;
use document::Document;

use crate::claims::policy::Policy;
use crate::pages::theme::Branding;

mod active_directory;
mod attribute_stores;
mod audit;
mod authentication;
mod certificates;
mod checks;
mod claim_descriptions;
mod claim_rules;
mod device_registration;
pub mod diagnostic;
mod directory;
pub(crate) mod document;
mod endpoints;
mod entra;
mod environment;
mod explain;
pub(crate) mod findings;
mod kerberos;
mod keys;
pub mod live;
pub(crate) mod load;
mod lockout;
pub mod names;
mod oauth;
mod partners;
mod paths;
pub(crate) mod policy_file;
mod primary_refresh_token;
pub mod render;
pub(crate) mod required;
pub mod running;
mod server;
mod service;
mod sign_in;
pub(crate) mod suggest;
mod tree;

pub use active_directory::ActiveDirectory;
pub use attribute_stores::{
    AttributeStore, LdapDirectoryStore, OpaqueIds, PasswordExpiry, PostgresqlStore, SqliteStore,
};
pub use audit::{Audit, AuditClaims, AuditFailure, AuditLevel, AuditSink};
pub use authentication::Authentication;
pub use certificates::{Certificates, Mapping, Revocation};
pub(crate) use checks::{EXPIRY_NOTICE_DAYS, MOST_IMPORT, certificate_covers, judge_certificate_dates, store_catalog};
pub use claim_descriptions::{ClaimDescriptionSetting, all_claim_descriptions};
pub use claim_rules::ClaimRules;
pub use device_registration::{DeviceRegistration, Registry, Sweep, SweepMode};
pub use directory::{DirectoryOptions, Domain, GssapiBind, Ldap, LdapBind, LdapTransport, SimpleBind};
pub use endpoints::{EndpointSetting, Endpoints, Switch, TrustVersion};
pub use entra::{Entra, EntraDomain, SourceAnchor};
pub use environment::Environment;
pub use kerberos::{ChannelBinding, Kerberos};
pub use keys::{Keys, RsaBits};
pub use load::{Fingerprint, Loaded, Loader, Outcome};
pub use lockout::Lockout;
pub use oauth::{OAuth, RefreshTokensTo};
pub use partners::Partners;
pub use paths::{NamedPath, PathKind};
pub use primary_refresh_token::PrimaryRefreshToken;
pub use server::{Limits, Log, LogFormat, Server, Tls, TlsProfile};
pub use service::Service;
pub use sign_in::{AlternateLoginId, SignIn};

/// The whole of `chancery.toml`. Paths are absolute or relative to the working directory: those in the file were resolved
/// against the file's directory.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `[service]`
    pub service: Service,
    /// `[server]`
    #[serde(default)]
    pub server: Server,
    /// `[kerberos]`
    pub kerberos: Kerberos,
    /// `[[domains]]`
    pub domains: Vec<Domain>,
    /// `[active_directory]`
    #[serde(default)]
    pub active_directory: ActiveDirectory,
    /// `[directory]`
    #[serde(default)]
    pub directory: DirectoryOptions,
    /// `[keys]`
    pub keys: Keys,
    /// `[audit]`
    #[serde(default)]
    pub audit: Audit,
    /// `[lockout]`
    #[serde(default)]
    pub lockout: Lockout,
    /// `[endpoints]`
    #[serde(default)]
    pub endpoints: Endpoints,
    /// `[oauth]`
    #[serde(default)]
    pub oauth: OAuth,
    /// `[sign_in]`
    #[serde(default)]
    pub sign_in: SignIn,
    /// `[primary_refresh_token]`
    #[serde(default)]
    pub primary_refresh_token: PrimaryRefreshToken,
    /// `[partners]`
    #[serde(default)]
    pub partners: Partners,
    /// `[branding]`
    #[serde(default)]
    pub branding: Branding,
    /// `[certificates]`
    #[serde(default)]
    pub certificates: Certificates,
    /// `[authentication]`
    #[serde(default)]
    pub authentication: Authentication,
    /// `[claim_rules]`
    #[serde(default)]
    pub claim_rules: ClaimRules,
    /// `[[access_control_policies]]`
    #[serde(default)]
    pub access_control_policies: Vec<Policy>,
    /// `[[claim_descriptions]]`
    #[serde(default)]
    pub claim_descriptions: Vec<ClaimDescriptionSetting>,
    /// `[entra]`
    #[serde(default)]
    pub entra: Entra,
    /// `[[attribute_stores]]`
    #[serde(default)]
    pub attribute_stores: Vec<AttributeStore>,
    /// `[opaque_ids]`
    #[serde(default)]
    pub opaque_ids: OpaqueIds,
    /// `[password_expiry]`
    #[serde(default)]
    pub password_expiry: PasswordExpiry,
    /// `[device_registration]`
    #[serde(default)]
    pub device_registration: DeviceRegistration,
}

impl Config {
    /// Reads the text of a `chancery.toml` without looking at any file it names. For tests, fuzzing and tools; the server goes
    /// through [`Loader`].
    ///
    /// # Errors
    /// Everything that is wrong with the text.
    pub fn from_toml(text: &str) -> Result<Self, Report> {
        let mut report = Report::default();
        let mut document = Document::parse(Path::new("chancery.toml"), text, &mut report);
        match document.read::<Self>(required::CONFIG, &mut report) {
            Some(mut config) if !report.has_errors() => {
                paths::resolve(&mut config, Path::new(""));
                config.complete();
                Ok(config)
            }
            _ => Err(report),
        }
    }

    /// Fills in the values that follow from others.
    fn complete(&mut self) {
        self.service.complete();
        if self.kerberos.service_principals.is_empty() {
            self.kerberos.service_principals.push(names::ServicePrincipal::http(&self.service.federation_service_name));
        }
        for domain in &mut self.domains {
            if domain.upn_suffixes.is_empty() {
                domain.upn_suffixes.push(domain.realm.dns_name());
            }
        }
        self.entra.domains.iter_mut().for_each(EntraDomain::complete);
    }
}

#[cfg(test)]
pub(crate) mod tests;
