//! Configuration: one file `chancery.toml`, one directory of trusts beside it.
//!
//! Turns files and environment into typed values, and says everything that is wrong with them at once, with file, line and the
//! fix. Knows nothing of what the values are used for; a value that reached [`Config`] has been checked.

mod audit;
mod certificates;
mod directory;
mod endpoints;
mod entra;
mod kerberos;
mod keys;
mod lockout;
pub mod names;
mod server;
mod service;

pub use audit::{Audit, AuditClaims, AuditFailure, AuditSink};
pub use certificates::{CLIENT_AUTHENTICATION, Certificates, Revocation, SMART_CARD_LOGON};
pub use directory::{DirectoryOptions, Domain, GssapiBind, Ldap, LdapBind, LdapTransport, SimpleBind};
pub use endpoints::{EndpointSetting, Endpoints, Switch, TrustEndpoint, TrustVersion};
pub use entra::{Entra, EntraDomain, SourceAnchor};
pub use kerberos::{ChannelBinding, Kerberos};
pub use keys::{Keys, RsaBits};
pub use lockout::Lockout;
pub use server::{Limits, Location, LocationRule, Log, LogFormat, Server, Tls, TlsProfile};
pub use service::Service;

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
    /// `[certificates]`
    #[serde(default)]
    pub certificates: Certificates,
    /// `[entra]`
    #[serde(default)]
    pub entra: Entra,
}
