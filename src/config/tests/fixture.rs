//! A directory with everything a configuration names, made afresh for each test.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use time::macros::datetime;

use crate::clock::{ManualClock, UtcTime};
use crate::config::{Environment, Loader};

/// A configuration that has nothing wrong with it.
pub(crate) const COMPLETE: &str = include_str!("../testdata/complete/chancery.toml");

pub(crate) struct Fixture {
    directory: TempDir,
    pub(crate) clock: Arc<ManualClock>,
}

impl Fixture {
    /// A directory with certificates, keytab and key-encryption key, but without `chancery.toml`.
    pub(crate) fn new() -> Self {
        let fixture = Self {
            directory: tempfile::tempdir().unwrap(),
            clock: Arc::new(ManualClock::at(UtcTime::from(datetime!(2026-01-05 10:00 UTC)))),
        };
        fixture.certificate("tls", "sts.corp.example", datetime!(2026-12-31 0:00 UTC));
        fixture.certificate("other", "www.corp.example", datetime!(2026-12-31 0:00 UTC));
        fixture.certificate("expired", "sts.corp.example", datetime!(2025-12-31 0:00 UTC));
        fixture.certificate("soon", "*.corp.example", datetime!(2026-01-10 0:00 UTC));
        fixture.secret("kek", b"0123456789abcdef0123456789abcdef");
        fixture.secret("sts.keytab", &keytab(&[("HTTP", "sts.corp.example", "CORP.EXAMPLE", 18)]));
        fixture.secret("rc4.keytab", &keytab(&[("HTTP", "sts.corp.example", "CORP.EXAMPLE", 23)]));
        fixture.secret("wrong.keytab", &keytab(&[("HTTP", "www.corp.example", "CORP.EXAMPLE", 18)]));
        fixture.secret("logo.png", &picture(100));
        fixture.secret("half.png", &picture(7000));
        fixture.secret("large.png", &picture(14000));
        fixture.secret("ldap-password", b"hunter2\n");
        fixture
    }

    /// The same with the complete configuration.
    pub(crate) fn complete() -> Self {
        let fixture = Self::new();
        fixture.write("chancery.toml", COMPLETE);
        fixture
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn loader(&self) -> Loader {
        self.loader_with(Environment::default())
    }

    pub(crate) fn loader_with(&self, environment: Environment) -> Loader {
        Loader { file: self.path().join("chancery.toml"), environment, clock: self.clock.clone() }
    }

    /// Text without the directory's name, which differs from run to run.
    pub(crate) fn without_directory(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.path().display()), "").replace(&self.path().display().to_string(), ".")
    }

    pub(crate) fn secret(&self, name: &str, content: &[u8]) {
        let path = self.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn certificate(&self, name: &str, dns_name: &str, not_after: time::OffsetDateTime) {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(vec![dns_name.to_owned()]).unwrap();
        parameters.not_before = datetime!(2025-01-01 0:00 UTC);
        parameters.not_after = not_after;
        let certificate = parameters.self_signed(&key).unwrap();
        self.secret(&format!("{name}.crt"), certificate.pem().as_bytes());
        self.secret(&format!("{name}.key"), key.serialize_pem().as_bytes());
    }
}

/// What begins like a PNG picture and has so many octets.
fn picture(octets: usize) -> Vec<u8> {
    let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
    picture.resize(octets, 0);
    picture
}

/// A keytab in MIT format, version 0x0502, with a key of zeros for each `(service, host, realm, encryption type)`.
fn keytab(entries: &[(&str, &str, &str, u16)]) -> Vec<u8> {
    let text = |out: &mut Vec<u8>, text: &str| {
        out.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
        out.extend(text.as_bytes());
    };
    let mut file = vec![5, 2];
    for (service, host, realm, encryption_type) in entries {
        let mut entry = Vec::new();
        entry.extend(2_u16.to_be_bytes());
        text(&mut entry, realm);
        text(&mut entry, service);
        text(&mut entry, host);
        entry.extend(1_u32.to_be_bytes());
        entry.extend(0_u32.to_be_bytes());
        entry.push(1);
        entry.extend(encryption_type.to_be_bytes());
        entry.extend(32_u16.to_be_bytes());
        entry.extend([0; 32]);
        entry.extend(1_u32.to_be_bytes());
        file.extend(i32::try_from(entry.len()).unwrap().to_be_bytes());
        file.extend(entry);
    }
    file
}
