//! `[[domains]]` and `[directory]`: the Active Directory domains, and how their domain controllers are asked.

use std::path::PathBuf;
use std::time::Duration;

use super::names::{DnsName, NetbiosName, Realm};
use crate::directory::Sid;

/// One Active Directory domain: the map between its names, its SID and its domain controllers.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domain {
    /// Kerberos realm: `CORP.EXAMPLE`.
    pub realm: Realm,
    /// SID of the domain, `S-1-5-21-…` with three numbers; a PAC of the realm may assert SIDs of this domain only.
    pub sid: Sid,
    /// NetBIOS name: `CORP`.
    pub netbios: NetbiosName,
    /// UPN suffixes whose users live in this domain. After loading never empty: the DNS name when the file does not say.
    #[serde(default)]
    pub upn_suffixes: Vec<DnsName>,
    /// Domain controllers by DNS name, in order of preference.
    pub domain_controllers: Vec<DnsName>,
    /// Name of the forest, where several of its domains are configured: they may name each other's groups.
    #[serde(default)]
    pub forest: Option<DnsName>,
    /// How the directory is reached.
    #[serde(default)]
    pub ldap: Ldap,
}

impl Domain {
    /// DNS name of the domain: `corp.example`.
    pub fn dns_name(&self) -> DnsName {
        self.realm.dns_name()
    }

    /// Distinguished name of the domain: `DC=corp,DC=example`.
    pub fn base_dn(&self) -> String {
        let labels: Vec<String> = self.dns_name().as_str().split('.').map(|label| format!("DC={label}")).collect();
        labels.join(",")
    }
}

/// `[domains.ldap]`: transport and identity of LDAP connections.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ldap {
    /// TLS from the first octet, or after `StartTLS`; never without TLS.
    pub transport: LdapTransport,
    /// Port; 636 for `ldaps` and 389 for `starttls` when not given.
    pub port: Option<u16>,
    /// PEM file with the certificate authorities of the domain controllers; the system's when not given.
    pub ca_file: Option<PathBuf>,
    /// Who the server is to the directory.
    pub bind: LdapBind,
}

impl Ldap {
    /// The port in force.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or_else(|| self.transport.port())
    }
}

/// How TLS begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LdapTransport {
    /// TLS from the first octet (port 636).
    #[default]
    Ldaps,
    /// `StartTLS` on the plain port (389).
    Starttls,
}

impl LdapTransport {
    /// The port LDAP has this way.
    pub const fn port(self) -> u16 {
        match self {
            Self::Ldaps => 636,
            Self::Starttls => 389,
        }
    }
}

/// `bind = "gssapi"`, `[domains.ldap.bind.gssapi]` or `[domains.ldap.bind.simple]`.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LdapBind {
    /// Kerberos with a key from a keytab.
    Gssapi(GssapiBind),
    /// Name and password.
    Simple(SimpleBind),
}

impl Default for LdapBind {
    fn default() -> Self {
        Self::Gssapi(GssapiBind::default())
    }
}

/// Kerberos bind.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GssapiBind {
    /// Keytab with the account's key; `[kerberos] keytab` when not given.
    pub client_keytab: Option<PathBuf>,
    /// Account to bind as: `svc-chancery@CORP.EXAMPLE`; the realm's first entry in the keytab when not given.
    pub principal: Option<String>,
}

/// Simple bind.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimpleBind {
    /// UPN or distinguished name of the account.
    pub user: String,
    /// File with its password; one line end at its end is ignored.
    pub password_file: PathBuf,
}

/// `[directory]`: times and sizes for all domains.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DirectoryOptions {
    /// Seconds to connect, including TLS and bind.
    pub connect_timeout_seconds: u64,
    /// Seconds for one query, fail-over included.
    pub query_timeout_seconds: u64,
    /// Connections kept to each domain controller.
    pub connections: usize,
    /// Seconds a domain controller that failed is left alone.
    pub retry_after_seconds: u64,
    /// Seconds attributes are remembered; 0 asks every time.
    pub attribute_cache_seconds: u64,
}

impl DirectoryOptions {
    /// Time to connect, including TLS and bind.
    pub const fn connect_timeout(&self) -> Duration {
        Duration::from_secs(self.connect_timeout_seconds)
    }

    /// Time for one query, fail-over included.
    pub const fn query_timeout(&self) -> Duration {
        Duration::from_secs(self.query_timeout_seconds)
    }

    /// How long a domain controller that failed is left alone.
    pub const fn retry_after(&self) -> Duration {
        Duration::from_secs(self.retry_after_seconds)
    }

    /// How long attributes are remembered.
    pub const fn attribute_cache(&self) -> Duration {
        Duration::from_secs(self.attribute_cache_seconds)
    }
}

impl Default for DirectoryOptions {
    fn default() -> Self {
        Self {
            connect_timeout_seconds: 3,
            query_timeout_seconds: 5,
            connections: 4,
            retry_after_seconds: 15,
            attribute_cache_seconds: 300,
        }
    }
}
