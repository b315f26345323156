//! Unit tests of the key modules, one file each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use super::*;
use crate::clock::{ManualClock, SystemRandomSource, UtcTime};
use crate::secret::Secret;

mod envelope_tests;
mod generate_tests;
mod import_tests;
mod manifest_tests;
mod ring_tests;
mod software_tests;

/// 2026-01-05T10:00:00Z.
const NOW: UtcTime = UtcTime::from_unix_seconds(1_767_607_200);

const YEAR: Duration = Duration::from_hours(365 * 24);

fn clock() -> ManualClock {
    ManualClock::at(NOW)
}

fn random() -> SystemRandomSource {
    SystemRandomSource::new()
}

fn make(purpose: KeyPurpose, key_size: RsaKeySize) -> KeyMaterial {
    let options = CertificateOptions { federation_service_name: "sts.corp.example", key_size, lifetime: YEAR };
    generate::self_signed(purpose, &options, NOW, &random()).unwrap()
}

/// Keys are slow to make: most tests share this one.
static SIGNING: LazyLock<KeyMaterial> = LazyLock::new(|| make(KeyPurpose::TokenSigning, RsaKeySize::Rsa2048));
static OTHER: LazyLock<KeyMaterial> = LazyLock::new(|| make(KeyPurpose::TokenDecryption, RsaKeySize::Rsa2048));

/// A second value of the same key.
fn copy(material: &KeyMaterial) -> KeyMaterial {
    KeyMaterial::new(&material.certificate().der, material.chain().to_vec(), material.pkcs8().clone()).unwrap()
}

struct Place {
    _root: tempfile::TempDir,
    keys: PathBuf,
    kek: PathBuf,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        Self { keys: root.path().join("state/keys"), kek: root.path().join("kek/key"), _root: root }
    }

    fn options(&self) -> KeyRingOptions {
        KeyRingOptions::new(self.keys.clone(), self.kek.clone(), String::from("sts.corp.example"))
    }

    fn load(&self) -> Result<KeyRing, RingError> {
        KeyRing::load_or_create(&self.options(), &clock(), &random())
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            std::fs::read_dir(&self.keys).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).unwrap().mode() & 0o7777
}

fn chmod(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}
