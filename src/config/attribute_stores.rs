//! `[[attribute_stores]]`, `[opaque_ids]` and `[password_expiry]`: where claim rules look things up.

use std::path::PathBuf;
use std::time::Duration;

use super::directory::{LdapBind, LdapTransport};
use super::names::{DnsName, Realm};

/// One attribute store, in exactly one of its kinds.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributeStore {
    /// The name by which rules ask it: `store = "HR"`.
    pub name: String,
    /// Seconds to connect, including TLS and sign-in.
    #[serde(default = "connect_timeout")]
    pub connect_timeout_seconds: u64,
    /// Seconds for one question, waiting for a connection included.
    #[serde(default = "query_timeout")]
    pub query_timeout_seconds: u64,
    /// Connections open at once (to each server of an LDAP directory).
    #[serde(default = "connections")]
    pub connections: u32,
    /// Seconds answers are remembered; 0 asks for every request.
    #[serde(default)]
    pub cache_seconds: u64,
    /// `[attribute_stores.ldap]`
    pub ldap: Option<LdapDirectoryStore>,
    /// `[attribute_stores.postgresql]`
    pub postgresql: Option<PostgresqlStore>,
    /// `[attribute_stores.sqlite]`
    pub sqlite: Option<SqliteStore>,
}

impl AttributeStore {
    /// Time to connect.
    pub const fn connect_timeout(&self) -> Duration {
        Duration::from_secs(self.connect_timeout_seconds)
    }

    /// Time for one question.
    pub const fn query_timeout(&self) -> Duration {
        Duration::from_secs(self.query_timeout_seconds)
    }

    /// How long answers are remembered; `None` when they are not.
    pub fn cache(&self) -> Option<Duration> {
        (self.cache_seconds > 0).then(|| Duration::from_secs(self.cache_seconds))
    }
}

/// `[attribute_stores.ldap]`: an LDAP directory that is no domain of `[[domains]]`.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LdapDirectoryStore {
    /// Its servers by DNS name, the preferred one first.
    pub servers: Vec<DnsName>,
    /// Port; 636 for `ldaps` and 389 for `starttls` when not given.
    pub port: Option<u16>,
    /// Where searches start.
    pub base_dn: String,
    /// TLS from the first octet, or after `StartTLS`; never without TLS.
    #[serde(default)]
    pub transport: LdapTransport,
    /// PEM file with the certificate authorities of the servers; the system's when not given.
    pub ca_file: Option<PathBuf>,
    /// Kerberos realm of the servers, for a Kerberos bind; that of the first domain when not given.
    pub realm: Option<Realm>,
    /// Who the server is to the directory.
    #[serde(default)]
    pub bind: LdapBind,
}

impl LdapDirectoryStore {
    /// The port in force.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or_else(|| self.transport.port())
    }
}

/// `[attribute_stores.postgresql]`: a PostgreSQL database.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresqlStore {
    /// Host, which the server's certificate must name.
    pub host: Option<DnsName>,
    /// Directory of a local socket, instead of a host.
    pub socket_directory: Option<PathBuf>,
    /// Port.
    #[serde(default = "postgresql_port")]
    pub port: u16,
    /// The database.
    pub database: String,
    /// The role; it needs to read and nothing more.
    pub user: String,
    /// File with the role's password; one line end at its end is ignored.
    pub password_file: Option<PathBuf>,
    /// PEM file with certificate authorities that count beside the public ones.
    pub ca_file: Option<PathBuf>,
}

/// `[attribute_stores.sqlite]`: an SQLite file, opened to be read only.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SqliteStore {
    /// The file.
    pub file: PathBuf,
}

/// `[opaque_ids]`: identifiers of people that say nothing (`_OpaqueIdStore`).
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OpaqueIds {
    /// File with at least 32 random octets, the same on every node. Every identifier changes with it.
    pub secret_file: Option<PathBuf>,
    /// CSV file with identifiers that another system issued.
    pub import_file: Option<PathBuf>,
}

/// `[password_expiry]`: what relying parties are told of passwords that expire soon (`_PasswordExpiryStore`).
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PasswordExpiry {
    /// Days before the end from which relying parties are told.
    pub notice_days: u32,
    /// Page on which people change their password.
    pub change_url: Option<String>,
}

impl PasswordExpiry {
    /// How long before the end relying parties are told.
    pub const fn notice(&self) -> Duration {
        Duration::from_secs(self.notice_days as u64 * 24 * 60 * 60)
    }
}

impl Default for PasswordExpiry {
    fn default() -> Self {
        Self { notice_days: 14, change_url: None }
    }
}

const fn connect_timeout() -> u64 {
    3
}

const fn query_timeout() -> u64 {
    5
}

const fn connections() -> u32 {
    4
}

const fn postgresql_port() -> u16 {
    5432
}
