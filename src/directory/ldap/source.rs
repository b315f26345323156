//! An LDAP directory that is no domain of the forest: searched for attributes, never asked who somebody is.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::options::{Bind, LdapLimits, LdapSetupError, ServerAddress, Transport};
use super::pool::{Pool, PoolOptions, keep_alive};
use crate::clock::Clock;
use crate::directory::{AttributeName, Attributes, DirectoryError};

/// One LDAP directory.
#[derive(Debug)]
pub struct SourceOptions {
    /// What it is called in errors.
    pub name: String,
    /// Where searches start; searched with everything below.
    pub base_dn: String,
    /// Its servers, the preferred one first; at least one. Their names must be in their certificates.
    pub servers: Vec<ServerAddress>,
    /// How connections are encrypted.
    pub transport: Transport,
    /// PEM files with the certificate authorities of the servers. Empty: those of the platform.
    pub ca_files: Vec<PathBuf>,
    /// How the server signs in.
    pub bind: Bind,
    /// Kerberos realm of the servers; matters for GSSAPI only.
    pub realm: String,
}

/// An LDAP directory, with pooled connections on the runtime that made it.
pub struct LdapSource {
    inner: Arc<Inner>,
    runtime: Handle,
}

struct Inner {
    pool: Pool,
    base_dn: String,
}

impl LdapSource {
    /// Sets the directory up. A background task connects at once and keeps connections alive.
    ///
    /// # Errors
    /// [`LdapSetupError`].
    pub fn new(options: SourceOptions, limits: LdapLimits, clock: &Arc<dyn Clock>) -> Result<Self, LdapSetupError> {
        let runtime = Handle::try_current().map_err(|_| LdapSetupError::NoRuntime)?;
        let SourceOptions { name, base_dn, servers, transport, ca_files, bind, realm } = options;
        let limits = Arc::new(limits);
        let pool = Pool::new(
            PoolOptions { name, realm, servers, transport, ca_files, bind },
            &limits,
            clock,
            &Arc::default(),
        )?;
        let inner = Arc::new(Inner { pool, base_dn });
        let weak = Arc::downgrade(&inner);
        runtime.spawn(keep_alive(limits, move || Some(weak.upgrade()?.pool.servers.clone())));
        Ok(Self { inner, runtime })
    }

    /// The named attributes of every object that matches an RFC 4515 filter whose values are already escaped.
    ///
    /// # Errors
    /// [`DirectoryError`]; no match is an empty list, not an error.
    pub async fn search(&self, filter: &str, names: &[AttributeName]) -> Result<Vec<Attributes>, DirectoryError> {
        let (inner, filter) = (Arc::clone(&self.inner), filter.to_owned());
        let names = super::requested(names.iter().map(|name| name.as_str().to_owned()).collect());
        let search = async move { inner.pool.find(&inner.base_dn, filter, names).await };
        // To its end even when nobody waits any more, as for domains.
        match self.runtime.spawn(search).await {
            Ok(found) => Ok(found?.into_iter().map(|entry| entry.attributes).collect()),
            Err(error) => Err(self.inner.pool.unavailable(&error.to_string())),
        }
    }
}

impl std::fmt::Debug for LdapSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LdapSource").field("name", &self.inner.pool.name).finish_non_exhaustive()
    }
}
