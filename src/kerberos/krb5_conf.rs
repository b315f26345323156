//! The `krb5.conf` that the server writes for itself, so that Kerberos does what the server's configuration says and nothing else.
//!
//! No DNS decides about a realm, a KDC or a host name, nothing of `/etc/krb5.conf` is read, and no ticket touches the disk.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::ffi::{self, EnvironmentError};

/// Content of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Krb5Conf {
    /// Realm of names without one; one of [`realms`](Self::realms).
    pub default_realm: String,
    /// All realms.
    pub realms: Vec<RealmConf>,
    /// Whether RC4 tickets and session keys are accepted. Off unless a service account has no AES keys.
    pub allow_rc4: bool,
}

/// A realm and where its KDCs are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealmConf {
    /// Name, upper case.
    pub realm: String,
    /// KDCs in the order of preference, each `host`, `host:port`, `address`, or `[address]:port`.
    pub kdcs: Vec<String>,
    /// Hosts and domains (with a leading dot) whose services are of this realm: our SPN hosts, the domain controllers.
    pub hosts: Vec<String>,
}

impl Krb5Conf {
    /// The same, with the KDCs that are `suspect` behind the others of their realm. The library asks them in their order, and waits
    /// ten seconds for one that takes the connection and then says nothing.
    #[must_use]
    pub fn with_last(mut self, suspect: impl Fn(&str) -> bool) -> Self {
        for realm in &mut self.realms {
            // Stable: the configured order decides among equals.
            realm.kdcs.sort_by_key(|kdc| suspect(kdc));
        }
        self
    }

    /// The file's text.
    ///
    /// # Errors
    /// [`Krb5ConfError`] when a value could be read as something else than itself, or a realm has no KDC.
    pub fn render(&self) -> Result<String, Krb5ConfError> {
        if !self.realms.iter().any(|realm| realm.realm == self.default_realm) {
            return Err(Krb5ConfError::DefaultRealm(self.default_realm.clone()));
        }
        let mut text = format!(
            "# Written by chancery at its start; changes are lost.\n\
             [libdefaults]\n\
             \x20 default_realm = {}\n\
             \x20 dns_lookup_realm = false\n\
             \x20 dns_lookup_kdc = false\n\
             \x20 dns_canonicalize_hostname = false\n\
             \x20 dns_uri_lookup = false\n\
             \x20 rdns = false\n\
             \x20 udp_preference_limit = 1\n\
             \x20 request_timeout = 5s\n\
             \x20 clockskew = 300\n\
             \x20 forwardable = false\n\
             \x20 default_ccache_name = MEMORY:chancery\n\
             \x20 permitted_enctypes = {}\n",
            self.default_realm,
            if self.allow_rc4 { [AES, RC4].concat() } else { AES.to_owned() },
        );
        if self.allow_rc4 {
            text.push_str("  allow_rc4 = true\n");
        }
        text.push_str("[realms]\n");
        let mut hosts = String::from("[domain_realm]\n");
        for realm in &self.realms {
            let name = checked(&realm.realm, is_name)?;
            if realm.kdcs.is_empty() {
                return Err(Krb5ConfError::NoKdc(name.to_owned()));
            }
            writeln!(text, "  {name} = {{")?;
            for kdc in &realm.kdcs {
                writeln!(text, "    kdc = {}", checked(kdc, is_address)?)?;
            }
            text.push_str("  }\n");
            for host in &realm.hosts {
                writeln!(hosts, "  {} = {name}", checked(host, is_name)?.to_lowercase())?;
            }
        }
        Ok(text + &hosts)
    }

    /// Writes the file so that a reader sees the old content or the new, never a part.
    ///
    /// # Errors
    /// [`Krb5ConfError`].
    pub fn write(&self, path: &Path) -> Result<(), Krb5ConfError> {
        let text = self.render()?;
        let failed = |error: std::io::Error| Krb5ConfError::Write { path: path.to_owned(), kind: error.kind() };
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.new", std::process::id()));
        let new = path.with_file_name(name);
        let written = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o644)
            .open(&new)
            .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
            .and_then(|()| std::fs::rename(&new, path));
        written.inspect_err(|_| drop(std::fs::remove_file(&new))).map_err(failed)
    }
}

/// Points the Kerberos library of this process at a file, and only there, and keeps mechanism plug-ins out of it.
///
/// To be called first thing in `main`.
///
/// # Errors
/// [`EnvironmentError`] when other threads run already.
pub fn use_krb5_conf(path: &Path) -> Result<(), EnvironmentError> {
    let path = path.to_str().ok_or_else(|| EnvironmentError::Text(path.display().to_string()))?;
    // No mechanism plug-ins of the machine: with the one for NTLM installed, a stranger's token could reach its parser.
    let plug_ins = ("GSS_MECH_CONFIG", "/dev/null");
    ffi::set_environment(&[("KRB5_CONFIG", path), ("KRB5CCNAME", "MEMORY:chancery"), plug_ins])
}

/// Why the file is not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Krb5ConfError {
    /// A realm, host or KDC has characters that none has.
    #[error("{0:?} is no realm, host or address")]
    Value(String),
    /// A realm without a KDC.
    #[error("realm {0} has no domain controller")]
    NoKdc(String),
    /// The default realm is not among the realms.
    #[error("default realm {0} is not configured")]
    DefaultRealm(String),
    /// The file cannot be written.
    #[error("{path} cannot be written: {kind}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        kind: std::io::ErrorKind,
    },
    /// The text cannot be put together.
    #[error("formatting failed")]
    Format,
}

impl From<std::fmt::Error> for Krb5ConfError {
    fn from(_: std::fmt::Error) -> Self {
        Self::Format
    }
}

fn checked(value: &str, allowed: fn(char) -> bool) -> Result<&str, Krb5ConfError> {
    if !value.is_empty() && value.len() <= 255 && value.chars().all(allowed) {
        Ok(value)
    } else {
        Err(Krb5ConfError::Value(value.to_owned()))
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

fn is_address(c: char) -> bool {
    is_name(c) || matches!(c, ':' | '[' | ']')
}

const AES: &str =
    "aes256-cts-hmac-sha384-192 aes128-cts-hmac-sha256-128 aes256-cts-hmac-sha1-96 aes128-cts-hmac-sha1-96";
const RC4: &str = " rc4-hmac";

#[cfg(test)]
mod tests {
    use super::*;

    fn corp() -> Krb5Conf {
        Krb5Conf {
            default_realm: "CORP.EXAMPLE".into(),
            realms: vec![RealmConf {
                realm: "CORP.EXAMPLE".into(),
                kdcs: vec!["dc1.corp.example".into(), "192.0.2.1:88".into(), "[2001:db8::1]:88".into()],
                hosts: vec!["STS.corp.example".into(), ".corp.example".into()],
            }],
            allow_rc4: false,
        }
    }

    #[test]
    fn every_realm_has_its_kdcs_and_hosts() {
        let text = corp().render().unwrap();
        for line in [
            "  default_realm = CORP.EXAMPLE",
            "  dns_lookup_kdc = false",
            "  dns_lookup_realm = false",
            "  dns_canonicalize_hostname = false",
            "  rdns = false",
            "  udp_preference_limit = 1",
            "  CORP.EXAMPLE = {",
            "    kdc = dc1.corp.example",
            "    kdc = 192.0.2.1:88",
            "    kdc = [2001:db8::1]:88",
            "  sts.corp.example = CORP.EXAMPLE",
            "  .corp.example = CORP.EXAMPLE",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(!text.contains("rc4"));
        assert!(Krb5Conf { allow_rc4: true, ..corp() }.render().unwrap().contains("rc4-hmac"));
    }

    #[test]
    fn suspects_come_last_and_nobody_is_left_out() {
        let order = |suspects: &[&str]| {
            let conf = corp().with_last(|kdc| suspects.contains(&kdc));
            conf.realms.into_iter().next().unwrap().kdcs
        };
        let [first, second, third] = ["dc1.corp.example", "192.0.2.1:88", "[2001:db8::1]:88"];
        assert_eq!(order(&[]), [first, second, third]);
        assert_eq!(order(&[first]), [second, third, first]);
        assert_eq!(order(&[first, third]), [second, first, third]);
        assert_eq!(order(&[first, second, third]), [first, second, third]);
    }

    #[test]
    fn a_value_cannot_become_a_line_of_its_own() {
        type Change = fn(&mut Krb5Conf, &str);
        let changes: [Change; 3] = [
            |conf, bad| conf.realms[0].kdcs.push(bad.into()),
            |conf, bad| conf.realms[0].hosts.push(bad.into()),
            |conf, bad| {
                conf.realms[0].realm = bad.into();
                conf.default_realm = bad.into();
            },
        ];
        for bad in ["", "a\nkdc = evil", "a }", "a = b", "a#b", "a b", &"a".repeat(256)] {
            for change in changes {
                let mut conf = corp();
                change(&mut conf, bad);
                assert_eq!(conf.render(), Err(Krb5ConfError::Value(bad.into())), "{bad:?}");
            }
        }
    }

    #[test]
    fn realms_are_complete() {
        let mut conf = corp();
        conf.realms[0].kdcs.clear();
        assert_eq!(conf.render(), Err(Krb5ConfError::NoKdc("CORP.EXAMPLE".into())));
        let conf = Krb5Conf { default_realm: "OTHER.EXAMPLE".into(), ..corp() };
        assert_eq!(conf.render(), Err(Krb5ConfError::DefaultRealm("OTHER.EXAMPLE".into())));
    }

    #[test]
    fn the_file_replaces_the_old_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("krb5.conf");
        std::fs::write(&path, "old").unwrap();
        corp().write(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), corp().render().unwrap());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
        let missing = directory.path().join("no/krb5.conf");
        assert!(matches!(corp().write(&missing), Err(Krb5ConfError::Write { .. })));
    }

    #[test]
    fn the_environment_is_left_alone_once_threads_run() {
        // The test runner has threads of its own.
        let refused = use_krb5_conf(Path::new("/nonexistent/krb5.conf"));
        assert!(matches!(refused, Err(EnvironmentError::Threads(_))), "{refused:?}");
        assert_ne!(std::env::var("KRB5_CONFIG").as_deref(), Ok("/nonexistent/krb5.conf"));
    }
}
