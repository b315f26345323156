//! Tickets for connections that the server opens itself, with the key of a keytab.
//!
//! Each value has a ticket cache of its own in memory, so that accounts of several realms stand side by side. Knows nothing of
//! the protocol the tickets are used in, and nothing of the process's environment.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use super::ffi::{Credential, GssError, Name, NameForm};
use super::keytab::{Keytab, KeytabError};

/// An account that signs in with a key from a keytab.
#[derive(Debug)]
pub struct ClientKeytab {
    keytab: PathBuf,
    account: Option<String>,
    realm: String,
    cache: u64,
}

impl ClientKeytab {
    /// The account `account` of `realm`, with or without `@REALM`, in any case; without a name the realm's first entry in the
    /// keytab. Opens nothing.
    pub fn new(keytab: PathBuf, account: Option<String>, realm: String) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self { keytab, account, realm, cache: NEXT.fetch_add(1, Ordering::Relaxed) }
    }

    /// A credential that can initiate. Reads the keytab, so that a new key is taken at once, and asks a KDC, and waits for
    /// it, when there is no cached ticket or it is about to end.
    ///
    /// # Errors
    /// [`ClientKeytabError`].
    pub fn acquire(&self) -> Result<cross_krb5::Cred, ClientKeytabError> {
        let principal = self.principal()?;
        let name = Name::import(principal.as_bytes(), NameForm::Principal)?;
        let text = |octets: Vec<u8>| CString::new(octets).map_err(|_| ClientKeytabError::Path(self.keytab.clone()));
        let keytab = text([b"FILE:", self.keytab.as_os_str().as_bytes()].concat())?;
        let cache = text(format!("MEMORY:chancery-client-{}", self.cache).into_bytes())?;
        let store = [(c"client_keytab", keytab.as_c_str()), (c"ccache", cache.as_c_str())];
        Ok(Credential::kerberos_initiator(&name, &store)?.into_cross_krb5())
    }

    /// The account as the keytab spells it: the library compares with case, a domain does not.
    fn principal(&self) -> Result<String, ClientKeytabError> {
        let keytab = Keytab::read(&self.keytab)
            .map_err(|error| ClientKeytabError::Keytab { path: self.keytab.clone(), error })?;
        let of_realm = |principal: &String| {
            principal.rsplit_once('@').is_some_and(|(_, realm)| realm.eq_ignore_ascii_case(&self.realm))
        };
        let mut principals = keytab.entries().iter().map(super::keytab::KeytabEntry::principal);
        let (found, wanted) = match &self.account {
            Some(account) => {
                let full = if account.contains('@') { account.clone() } else { format!("{account}@{}", self.realm) };
                (principals.find(|principal| principal.eq_ignore_ascii_case(&full)), full)
            }
            None => (principals.find(of_realm), format!("any account of {}", self.realm)),
        };
        found.ok_or_else(|| ClientKeytabError::NoKey { path: self.keytab.clone(), wanted })
    }
}

/// Why there is no credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientKeytabError {
    /// The keytab cannot be read.
    #[error("{}: {error}", .path.display())]
    Keytab {
        /// The file.
        path: PathBuf,
        /// Why.
        error: KeytabError,
    },
    /// The keytab has no key of the account.
    #[error("{} has no key of {wanted}", .path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
        /// The account, or the realm when none was named.
        wanted: String,
    },
    /// The file name contains NUL.
    #[error("{0:?} is no file name")]
    Path(PathBuf),
    /// GSSAPI refused.
    #[error(transparent)]
    Gss(#[from] GssError),
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two entries, one per realm, in the format of `ktutil` (version 5.2), with a useless key.
    fn keytab() -> tempfile::NamedTempFile {
        let text = |value: &str| {
            let length = u16::try_from(value.len()).unwrap();
            [&length.to_be_bytes()[..], value.as_bytes()].concat()
        };
        let mut file = vec![5, 2];
        for (name, realm) in [("svc-sts", "CORP.EXAMPLE"), ("svc-Sts", "OTHER.EXAMPLE")] {
            let mut entry = [&1_u16.to_be_bytes()[..], &text(realm), &text(name)].concat();
            // Name type, time, key version, then AES-256 with its key.
            entry.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 18, 0, 32]);
            entry.extend_from_slice(&[7; 32]);
            file.extend_from_slice(&u32::try_from(entry.len()).unwrap().to_be_bytes());
            file.extend_from_slice(&entry);
        }
        let keytab = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(keytab.path(), file).unwrap();
        keytab
    }

    #[test]
    fn the_account_is_the_realms_and_spelt_as_in_the_keytab() {
        let keytab = keytab();
        let principal = |account: Option<&str>, realm: &str| {
            ClientKeytab::new(keytab.path().into(), account.map(str::to_owned), realm.to_owned()).principal()
        };
        for (account, realm, expected) in [
            (None, "OTHER.EXAMPLE", "svc-Sts@OTHER.EXAMPLE"),
            (None, "corp.example", "svc-sts@CORP.EXAMPLE"),
            (Some("SVC-STS"), "OTHER.EXAMPLE", "svc-Sts@OTHER.EXAMPLE"),
            (Some("svc-sts@corp.example"), "OTHER.EXAMPLE", "svc-sts@CORP.EXAMPLE"),
        ] {
            assert_eq!(principal(account, realm).as_deref(), Ok(expected));
        }
        for (account, realm) in [(None, "THIRD.EXAMPLE"), (Some("alice"), "CORP.EXAMPLE")] {
            assert!(matches!(principal(account, realm), Err(ClientKeytabError::NoKey { .. })));
        }
    }

    #[test]
    fn a_credential_needs_a_keytab_and_a_ticket() {
        let keytab = keytab();
        let of = |path: &std::path::Path| ClientKeytab::new(path.into(), None, String::from("CORP.EXAMPLE"));
        // No KDC of the realm is known here, or none takes this key: never a credential that cannot work.
        let refused = of(keytab.path()).acquire().map(drop);
        assert!(matches!(refused, Err(ClientKeytabError::Gss(_))), "{refused:?}");
        let missing = of(std::path::Path::new("/nonexistent/keytab")).acquire().map(drop);
        assert!(matches!(missing, Err(ClientKeytabError::Keytab { .. })), "{missing:?}");
    }

    #[test]
    fn every_value_has_a_cache_of_its_own() {
        let new = || ClientKeytab::new("k".into(), None, String::from("R"));
        assert_ne!(new().cache, new().cache);
    }
}
