//! Which KDC is asked first: the process's `krb5.conf` follows the health of the domain controllers.
//!
//! The Kerberos library has no memory of who answered. It asks KDCs in the file's order and waits ten seconds for each that
//! takes the connection and then says nothing; so those that just failed the directory stand last.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::directory::ldap::LdapDirectory;
use crate::kerberos::krb5_conf::{Krb5Conf, Krb5ConfError};

/// The `krb5.conf` of the process, and what it follows.
pub(super) struct KdcOrder {
    file: PathBuf,
    followed: Mutex<Followed>,
}

struct Followed {
    conf: Krb5Conf,
    directory: Weak<LdapDirectory>,
    written: Krb5Conf,
}

impl KdcOrder {
    /// An order for the file, which has the content `written`.
    pub(super) fn new(file: PathBuf, written: Krb5Conf) -> Self {
        let followed = Followed { conf: written.clone(), directory: Weak::new(), written };
        Self { file, followed: Mutex::new(followed) }
    }

    /// From now on the file is made of `conf`, in the order of the health that `directory` sees.
    ///
    /// # Errors
    /// [`Krb5ConfError`] when the file cannot be written; a change of health tries again.
    pub(super) fn follow(
        self: &Arc<Self>,
        conf: Krb5Conf,
        directory: &Arc<LdapDirectory>,
    ) -> Result<(), Krb5ConfError> {
        let is_new = {
            let mut followed = self.lock();
            followed.conf = conf;
            let is_new = !std::ptr::eq(followed.directory.as_ptr(), Arc::as_ptr(directory));
            followed.directory = Arc::downgrade(directory);
            is_new
        };
        if is_new {
            let (order, mut changes) = (Arc::clone(self), directory.health_changes());
            // Ends with the directory, which a later configuration may replace.
            directory.runtime().spawn(async move {
                while changes.changed().await.is_ok() {
                    if let Err(error) = order.write() {
                        tracing::error!(%error, "Kerberos does not learn which domain controllers answer");
                    }
                }
            });
        }
        self.write()
    }

    /// Writes the file, if the order has changed.
    fn write(&self) -> Result<(), Krb5ConfError> {
        let mut followed = self.lock();
        let health = followed.directory.upgrade().map(|directory| directory.health()).unwrap_or_default();
        let next = followed.conf.clone().with_last(|kdc| {
            health.iter().any(|server| server.suspect && server.server.host().eq_ignore_ascii_case(kdc))
        });
        if next != followed.written {
            next.write(&self.file)?;
            tracing::debug!(order = ?next.realms.iter().map(|realm| &realm.kdcs).collect::<Vec<_>>(), "order of KDCs");
            followed.written = next;
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Followed> {
        // Its parts are assigned one at a time: a panic elsewhere leaves them whole.
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
