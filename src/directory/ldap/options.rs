//! What the LDAP directory is configured with.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use super::BreakerOptions;
use crate::directory::Sid;
use crate::kerberos::ClientKeytab;
use crate::secret::Secret;

/// The configured domains and the limits that hold for all of them.
#[derive(Debug)]
pub struct LdapOptions {
    /// The domains; at least one.
    pub domains: Vec<DomainOptions>,
    /// Time-outs and bounds.
    pub limits: LdapLimits,
}

/// One Active Directory domain.
#[derive(Debug)]
pub struct DomainOptions {
    /// DNS name, `corp.example`; also the domain's implicit UPN suffix.
    pub dns_name: String,
    /// NetBIOS name, `CORP`.
    pub netbios: String,
    /// SID of the domain, `S-1-5-21-a-b-c`.
    pub sid: Sid,
    /// Where searches start. `None`: derived from the DNS name.
    pub base_dn: Option<String>,
    /// Further UPN suffixes whose users live in this domain.
    pub upn_suffixes: Vec<String>,
    /// The domain controllers, the preferred one first; at least one. Their names must be in their certificates, and for
    /// GSSAPI they are the host part of the service principal `ldap/<host>`.
    pub servers: Vec<ServerAddress>,
    /// How the connection is encrypted. There is no third way.
    pub transport: Transport,
    /// PEM files with the certificate authorities that a domain controller's certificate must chain to. Empty: those of the platform.
    pub ca_files: Vec<PathBuf>,
    /// How the server signs in.
    pub bind: Bind,
}

/// How an LDAP connection is encrypted. If it cannot be encrypted, it is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// TLS from the first octet; port 636 unless the server's address names another.
    Ldaps,
    /// TLS by the `StartTLS` operation before anything else is sent; port 389 unless the server's address names another.
    StartTls,
}

/// How the server signs in to a domain controller.
#[derive(Clone)]
pub enum Bind {
    /// SASL `GSSAPI` with a Kerberos credential, bound to the TLS channel.
    Gssapi(Arc<dyn InitiatorCredential>),
    /// A name (distinguished name, UPN or `CORP\name`) and a password.
    Simple {
        /// The name.
        name: String,
        /// The password; an empty one is refused at start.
        password: Secret<String>,
    },
}

impl fmt::Debug for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gssapi(_) => f.write_str("Gssapi"),
            Self::Simple { name, .. } => f.debug_struct("Simple").field("name", name).finish_non_exhaustive(),
        }
    }
}

/// Where the Kerberos credential for outgoing binds comes from.
pub trait InitiatorCredential: Send + Sync {
    /// A credential that can initiate. May block on files and on the KDC; called on a thread where that is allowed.
    ///
    /// # Errors
    /// What went wrong, for the operator.
    fn acquire(&self) -> Result<cross_krb5::Cred, String>;
}

impl InitiatorCredential for ClientKeytab {
    fn acquire(&self) -> Result<cross_krb5::Cred, String> {
        Self::acquire(self).map_err(|error| error.to_string())
    }
}

/// Host and optional port of a domain controller: `dc1.corp.example` or `dc1.corp.example:636`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServerAddress {
    host: String,
    port: Option<u16>,
}

impl ServerAddress {
    /// The host name, as configured.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The same port of another host.
    ///
    /// # Errors
    /// [`LdapSetupError::ServerAddress`] when that is no host name.
    pub(super) fn at(&self, host: &str) -> Result<Self, LdapSetupError> {
        let other: Self = host.parse()?;
        match other.port {
            None => Ok(Self { port: self.port, ..other }),
            Some(_) => Err(LdapSetupError::ServerAddress { address: host.to_owned() }),
        }
    }

    /// The URL ldap3 connects to.
    pub(super) fn url(&self, transport: Transport) -> String {
        let (scheme, default_port) = match transport {
            Transport::Ldaps => ("ldaps", 636),
            Transport::StartTls => ("ldap", 389),
        };
        format!("{scheme}://{}:{}", self.host, self.port.unwrap_or(default_port))
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl FromStr for ServerAddress {
    type Err = LdapSetupError;

    fn from_str(text: &str) -> Result<Self, LdapSetupError> {
        let refused = || LdapSetupError::ServerAddress { address: text.to_owned() };
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok().filter(|&p| p != 0).ok_or_else(refused)?)),
            None => (text, None),
        };
        let legal = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if host.len() > 253 || !host.split('.').all(legal) {
            return Err(refused());
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

/// Time-outs and bounds of the LDAP directory.
#[derive(Debug, Clone)]
pub struct LdapLimits {
    /// For one connection to stand: name resolution, TCP, TLS and simple bind together.
    pub connect_timeout: Duration,
    /// For a GSSAPI bind, which includes the Kerberos library's own search for a KDC that answers. In each of the three exchanges of
    /// a first bind it waits ten seconds for a KDC that accepts a connection and then hangs. No question waits that long;
    /// the connection serves later ones.
    pub kerberos_timeout: Duration,
    /// For one operation on a standing connection.
    pub operation_timeout: Duration,
    /// For one question, over all domain controllers that are tried for it. While more than one domain controller is left, none gets
    /// more than its share of what remains.
    pub question_timeout: Duration,
    /// Connections to each domain controller, each shared by many operations; 2 to 4 is plenty.
    pub connections_per_server: usize,
    /// Questions under way in one domain; more wait their turn within their own time-out.
    pub questions_in_flight: usize,
    /// Objects that one search may find. Active Directory itself returns no more than 1000 at a time.
    pub max_entries: usize,
    /// A connection older than this is replaced, so that it follows ticket lifetimes and rotated certificates.
    pub max_connection_age: Duration,
    /// How often each connection is tried, so that one that died is found before a question meets it.
    pub keep_alive: Duration,
    /// When a domain controller is left alone.
    pub breaker: BreakerOptions,
}

impl Default for LdapLimits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            kerberos_timeout: Duration::from_secs(45),
            operation_timeout: Duration::from_secs(2),
            question_timeout: Duration::from_secs(6),
            connections_per_server: 2,
            questions_in_flight: 256,
            max_entries: 1000,
            max_connection_age: Duration::from_mins(30),
            keep_alive: Duration::from_mins(1),
            breaker: BreakerOptions::default(),
        }
    }
}

/// Why the LDAP directory cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LdapSetupError {
    /// No domain is configured.
    #[error("no Active Directory domain is configured")]
    NoDomain,
    /// A domain without a domain controller.
    #[error("the domain {domain} has no domain controller")]
    NoServer {
        /// DNS name of the domain.
        domain: String,
    },
    /// Two domains with the same name or SID.
    #[error("two configured domains share the name or SID {name}")]
    Duplicate {
        /// The name or SID.
        name: String,
    },
    /// The SID is not that of a domain.
    #[error("{sid} is not the SID of a domain (S-1-5-21-a-b-c)")]
    NotADomainSid {
        /// The SID.
        sid: Sid,
    },
    /// The DNS name gives no base DN.
    #[error("{dns_name} is no DNS name of a domain")]
    DomainName {
        /// The name.
        dns_name: String,
    },
    /// Not `host` or `host:port`.
    #[error("{address} is no address of a domain controller: expected host or host:port")]
    ServerAddress {
        /// The text.
        address: String,
    },
    /// A simple bind with an empty password would be anonymous.
    #[error("the bind password for the domain {domain} is empty")]
    EmptyPassword {
        /// DNS name of the domain.
        domain: String,
    },
    /// A certificate authority file cannot be read or holds no certificate.
    #[error("certificate authorities for LDAP in {path}: {reason}")]
    CertificateAuthorities {
        /// The file, or `the platform's store`.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// Called outside a Tokio runtime.
    #[error("the LDAP directory needs a running Tokio runtime")]
    NoRuntime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_addresses() {
        for (text, url) in [
            ("dc1.corp.example", "ldaps://dc1.corp.example:636"),
            ("dc1.corp.example:1636", "ldaps://dc1.corp.example:1636"),
            ("127.0.0.1", "ldaps://127.0.0.1:636"),
        ] {
            let address: ServerAddress = text.parse().unwrap();
            assert_eq!(address.url(Transport::Ldaps), url);
            assert_eq!(address.to_string(), text);
        }
        for text in ["", ":636", "dc1:", "dc1:0", "dc1:70000", "a@b", "dc1/x", "dc 1", "ldaps://dc1", "dc1..x", "[::1]"]
        {
            assert!(text.parse::<ServerAddress>().is_err(), "{text}");
        }
    }

    #[test]
    fn debug_shows_no_password() {
        let bind = Bind::Simple { name: "svc".into(), password: Secret::new("hunter2".into()) };
        assert!(!format!("{bind:?}").contains("hunter2"));
    }
}
