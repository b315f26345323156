//! The key directory: one encrypted file per private key, one certificate file beside it, and the manifest.
//!
//! ```text
//! manifest.json                     which keys there are (manifest.rs)
//! token-signing.<id>.key            the private key, encrypted (envelope.rs), mode 0600
//! token-signing.<id>.crt            its certificate and chain, PEM
//! lock                              held while the manifest is changed
//! ```
//!
//! The directory is flat, so that it can be a Kubernetes secret, and is loaded from a read-only mount without writing.
//! Several nodes may share it: of those that start first at once, exactly one creates the manifest, the others use it.

use std::path::{Path, PathBuf};

use super::envelope::{EnvelopeError, KEY_LEN, KeyEncryptionKey};
use super::files::{self, Created, FileError, FilePermissions, Lock};
use super::manifest::{KeyOrigin, KeyPurpose, KeyRole, Manifest, ManifestEntry, ManifestError};
use super::material::{KeyMaterial, MaterialError};
use crate::clock::{Random, UtcTime};
use crate::secret::Secret;
use crate::tokens::KeyId;

/// The public side of a key directory: which keys there are, and their certificates. Needs no key-encryption key.
#[derive(Debug, Clone)]
pub struct KeyDirectory(PathBuf);

impl KeyDirectory {
    /// The directory at `path`.
    pub const fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The manifest; `None` before the first key is made.
    ///
    /// # Errors
    /// [`VaultError::File`], [`VaultError::Manifest`].
    pub fn manifest(&self) -> Result<Option<Manifest>, VaultError> {
        let Some(json) = files::read_public(&self.0.join(MANIFEST), MAX_FILE)? else { return Ok(None) };
        Ok(Some(Manifest::from_json(&json)?))
    }

    /// The certificates of a key: its own first, then its chain; DER.
    ///
    /// # Errors
    /// [`VaultError::File`], [`VaultError::NoCertificate`].
    pub fn certificates(&self, entry: &ManifestEntry) -> Result<Vec<Vec<u8>>, VaultError> {
        let path = self.file(entry.purpose, &entry.id(), "crt");
        let pem = files::read_public(&path, MAX_FILE)?.ok_or_else(|| FileError::Missing { path: path.clone() })?;
        let certificates: Result<Vec<_>, _> = rustls_pemfile::certs(&mut pem.as_slice()).collect();
        let certificates = certificates.map_err(|_| VaultError::NoCertificate { path: path.clone() })?;
        if certificates.is_empty() {
            return Err(VaultError::NoCertificate { path });
        }
        Ok(certificates.into_iter().map(|der| der.to_vec()).collect())
    }

    fn file(&self, purpose: KeyPurpose, id: &KeyId, extension: &str) -> PathBuf {
        self.0.join(format!("{purpose}.{id}.{extension}"))
    }
}

/// A key directory and the key that opens its files.
#[derive(Debug)]
pub struct Vault {
    directory: KeyDirectory,
    key: KeyEncryptionKey,
    permissions: FilePermissions,
}

impl Vault {
    /// Opens a directory with the key-encryption key in `key_file`. With `create`, a directory and a key file that do
    /// not exist are made; but never a new key file for a directory that holds keys already, because those keys would
    /// not open with it.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn open(
        directory: &Path,
        key_file: &Path,
        permissions: FilePermissions,
        create: bool,
        random: &dyn Random,
    ) -> Result<Self, VaultError> {
        if create && !directory.exists() {
            files::prepare_directory(directory, permissions)?;
        } else {
            files::check_directory(directory, permissions)?;
        }
        let key = match read_key_file(key_file, permissions) {
            Err(VaultError::File(FileError::Missing { .. })) if create => {
                create_key_file(directory, key_file, permissions, random)?
            }
            Err(VaultError::File(FileError::Missing { path })) => {
                return Err(VaultError::NoKeyEncryptionKey { path, keys: directory.to_owned() });
            }
            other => other?,
        };
        Ok(Self { directory: KeyDirectory::new(directory.to_owned()), key, permissions })
    }

    /// The public side.
    pub const fn directory(&self) -> &KeyDirectory {
        &self.directory
    }

    /// The manifest; `None` before the first key is made.
    ///
    /// # Errors
    /// [`VaultError::File`], [`VaultError::Manifest`].
    pub fn manifest(&self) -> Result<Option<Manifest>, VaultError> {
        self.directory.manifest()
    }

    /// Writes the first keys and the manifest that names them. When another node was faster, its manifest stands, ours
    /// is forgotten, and our files are removed.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn found(&self, keys: &[NewKey], now: UtcTime, random: &dyn Random) -> Result<Created, VaultError> {
        let mut entries = Vec::with_capacity(keys.len());
        for key in keys {
            self.write_key(key, random)?;
            entries.push(ManifestEntry::new(key.id(), key.purpose(), KeyRole::Primary, KeyOrigin::Generated, now));
        }
        let manifest = Manifest::new(entries)?;
        let path = self.directory.path().join(MANIFEST);
        let created = files::create(&path, manifest.to_json().as_bytes(), PUBLIC_MODE, random)?;
        if created == Created::SomeoneElseDid {
            for key in keys {
                files::remove(&self.directory.file(key.purpose(), key.id(), "key"));
                files::remove(&self.directory.file(key.purpose(), key.id(), "crt"));
            }
        }
        Ok(created)
    }

    /// Adds a key. As primary it replaces the primary of before, which stays as secondary.
    ///
    /// # Errors
    /// [`VaultError`]; nothing has changed then.
    pub fn add(
        &self,
        key: &NewKey,
        role: KeyRole,
        origin: KeyOrigin,
        now: UtcTime,
        random: &dyn Random,
    ) -> Result<(), VaultError> {
        let lock = self.lock()?;
        let manifest = self.manifest()?.ok_or_else(|| VaultError::Empty { path: self.directory.path().to_owned() })?;
        let entry = ManifestEntry::new(key.id(), key.purpose(), role, origin, now);
        let manifest = manifest.with(entry)?;
        self.write_key(key, random)?;
        self.replace_manifest(&lock, &manifest, random)
    }

    /// Adds the first key of a purpose, as primary, unless there is one: of several nodes that come at once, one makes it.
    /// Gives the keys of that purpose, the primary first.
    ///
    /// # Errors
    /// [`VaultError`], or what `make` fails with; nothing has changed then.
    pub fn ensure<E: From<VaultError>>(
        &self,
        purpose: KeyPurpose,
        now: UtcTime,
        random: &dyn Random,
        make: impl FnOnce() -> Result<NewKey, E>,
    ) -> Result<Vec<ManifestEntry>, E> {
        let keys_of = |manifest: &Manifest| manifest.of(purpose).into_iter().cloned().collect::<Vec<_>>();
        let read = || self.manifest()?.ok_or_else(|| VaultError::Empty { path: self.directory.path().to_owned() });
        // Without the lock first: a directory that is complete may be read-only.
        let known = keys_of(&read()?);
        if !known.is_empty() {
            return Ok(known);
        }
        // Made before the lock is taken: another node that does the same waits for files to be written, no longer.
        let key = make()?;
        let lock = files::wait_for_lock(&self.lock_file()).map_err(VaultError::from)?;
        let manifest = read()?;
        let known = keys_of(&manifest);
        if !known.is_empty() {
            return Ok(known);
        }
        let entry = ManifestEntry::new(key.id(), purpose, KeyRole::Primary, KeyOrigin::Generated, now);
        let manifest = manifest.with(entry).map_err(VaultError::from)?;
        self.write_key(&key, random)?;
        self.replace_manifest(&lock, &manifest, random)?;
        Ok(keys_of(&manifest))
    }

    /// Makes a key the primary of its purpose; the one of before stays as secondary.
    ///
    /// # Errors
    /// [`VaultError`]; nothing has changed then.
    pub fn promote(&self, id: &KeyId, random: &dyn Random) -> Result<(), VaultError> {
        let lock = self.lock()?;
        let manifest = self.manifest()?.ok_or_else(|| VaultError::Empty { path: self.directory.path().to_owned() })?;
        self.replace_manifest(&lock, &manifest.promoted(id)?, random)
    }

    /// Forgets a key that is not a primary one, and deletes its files.
    ///
    /// # Errors
    /// [`VaultError`]; nothing has changed then.
    pub fn remove(&self, id: &KeyId, random: &dyn Random) -> Result<(), VaultError> {
        let lock = self.lock()?;
        let manifest = self.manifest()?.ok_or_else(|| VaultError::Empty { path: self.directory.path().to_owned() })?;
        let purpose = manifest.keys().iter().find(|key| key.id() == *id).map(|key| key.purpose);
        self.replace_manifest(&lock, &manifest.without(id)?, random)?;
        for extension in ["key", "crt"] {
            if let Some(purpose) = purpose {
                files::remove(&self.directory.file(purpose, id, extension));
            }
        }
        Ok(())
    }

    /// Reads and opens a key that has a certificate.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn material(&self, entry: &ManifestEntry) -> Result<KeyMaterial, VaultError> {
        let chain = self.directory.certificates(entry)?;
        let pkcs8 = self.open_key(entry)?;
        let path = self.directory.file(entry.purpose, &entry.id(), "crt");
        let (leaf, issuers) = chain.split_first().ok_or_else(|| VaultError::NoCertificate { path: path.clone() })?;
        let material = KeyMaterial::new(leaf, issuers.to_vec(), pkcs8)
            .map_err(|source| VaultError::Material { path: path.clone(), source })?;
        let found = material.certificate().id();
        if found == entry.id() { Ok(material) } else { Err(VaultError::OtherCertificate { path, found }) }
    }

    /// Reads and opens a sealing key.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn sealing(&self, entry: &ManifestEntry) -> Result<Secret<[u8; KEY_LEN]>, VaultError> {
        let octets = self.open_key(entry)?;
        let octets: &[u8; KEY_LEN] = octets.expose().as_slice().try_into().map_err(|_| VaultError::SealingLength {
            path: self.directory.file(entry.purpose, &entry.id(), "key"),
            length: octets.expose().len(),
        })?;
        Ok(Secret::new(*octets))
    }

    fn open_key(&self, entry: &ManifestEntry) -> Result<Secret<Vec<u8>>, VaultError> {
        let path = self.directory.file(entry.purpose, &entry.id(), "key");
        let sealed = files::read_secret(&path, self.permissions, MAX_FILE)?;
        self.key
            .open(entry.purpose, &entry.id(), sealed.expose())
            .map_err(|source| VaultError::Envelope { path, source })
    }

    fn write_key(&self, key: &NewKey, random: &dyn Random) -> Result<(), VaultError> {
        let path = self.directory.file(key.purpose(), key.id(), "key");
        let sealed = self
            .key
            .seal(key.purpose(), key.id(), key.secret(), random)
            .map_err(|source| VaultError::Envelope { path: path.clone(), source })?;
        files::replace(&path, sealed.as_bytes(), SECRET_MODE, random)?;
        if let NewKey::Rsa { material, .. } = key {
            let mut pem = material.certificate().pem();
            pem.extend(material.chain().iter().map(|der| super::certificate::pem(der)));
            files::replace(&self.directory.file(key.purpose(), key.id(), "crt"), pem.as_bytes(), PUBLIC_MODE, random)?;
        }
        Ok(())
    }

    fn lock(&self) -> Result<Lock, VaultError> {
        Ok(files::lock(&self.lock_file())?)
    }

    fn lock_file(&self) -> PathBuf {
        self.directory.path().join("lock")
    }

    fn replace_manifest(&self, _held: &Lock, manifest: &Manifest, random: &dyn Random) -> Result<(), VaultError> {
        let path = self.directory.path().join(MANIFEST);
        Ok(files::replace(&path, manifest.to_json().as_bytes(), PUBLIC_MODE, random)?)
    }
}

/// A key to be written.
#[derive(Debug)]
pub enum NewKey {
    /// With a certificate.
    Rsa {
        /// What for.
        purpose: KeyPurpose,
        /// The key's id.
        id: KeyId,
        /// Key and certificate.
        material: KeyMaterial,
    },
    /// A sealing key.
    Sealing {
        /// The key's id.
        id: KeyId,
        /// Its 32 octets.
        octets: Secret<Vec<u8>>,
    },
}

impl NewKey {
    /// A key with a certificate.
    pub fn rsa(purpose: KeyPurpose, material: KeyMaterial) -> Self {
        Self::Rsa { purpose, id: material.certificate().id(), material }
    }

    /// A fresh sealing key.
    ///
    /// # Errors
    /// [`VaultError::File`] when the random source fails.
    pub fn sealing(random: &dyn Random) -> Result<Self, VaultError> {
        let mut id = [0; 16];
        random.fill(&mut id).map_err(FileError::from)?;
        let mut octets = vec![0; KEY_LEN];
        random.fill(&mut octets).map_err(FileError::from)?;
        Ok(Self::Sealing { id: KeyId::new(hex::encode(id)), octets: Secret::new(octets) })
    }

    /// The key's id.
    pub const fn id(&self) -> &KeyId {
        match self {
            Self::Rsa { id, .. } | Self::Sealing { id, .. } => id,
        }
    }

    /// What it is for.
    pub const fn purpose(&self) -> KeyPurpose {
        match self {
            Self::Rsa { purpose, .. } => *purpose,
            Self::Sealing { .. } => KeyPurpose::Sealing,
        }
    }

    const fn secret(&self) -> &Secret<Vec<u8>> {
        match self {
            Self::Rsa { material, .. } => material.pkcs8(),
            Self::Sealing { octets, .. } => octets,
        }
    }
}

/// Why the key directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The key-encryption key file.
    #[error("{path}: {source}")]
    KeyEncryptionKey {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: EnvelopeError,
    },
    /// The key-encryption key is missing.
    #[error(
        "{path} does not exist. It holds the key that encrypts the private keys in {keys}: restore it from a backup, \
         or make one with `openssl rand -base64 32` if there are no keys yet"
    )]
    NoKeyEncryptionKey {
        /// The file.
        path: PathBuf,
        /// The key directory.
        keys: PathBuf,
    },
    /// An encrypted key file.
    #[error("{path}: {source}")]
    Envelope {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: EnvelopeError,
    },
    /// A key or certificate.
    #[error("{path}: {source}")]
    Material {
        /// The certificate file.
        path: PathBuf,
        /// The cause.
        source: MaterialError,
    },
    /// The certificate file holds none.
    #[error("{path} holds no PEM certificate")]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The certificate file holds another certificate than its name and the manifest say.
    #[error("{path} holds the certificate {found}: was it copied over another file?")]
    OtherCertificate {
        /// The file.
        path: PathBuf,
        /// Id of the certificate in it.
        found: KeyId,
    },
    /// A sealing key of the wrong length.
    #[error("{path} holds a sealing key of {length} octets; it must be 32")]
    SealingLength {
        /// The file.
        path: PathBuf,
        /// Its length.
        length: usize,
    },
    /// There are no keys yet.
    #[error("there are no keys in {path} yet; they are made at the first start of the server, never by a reload")]
    Empty {
        /// The directory.
        path: PathBuf,
    },
}

fn read_key_file(path: &Path, permissions: FilePermissions) -> Result<KeyEncryptionKey, VaultError> {
    let content = files::read_secret(path, permissions, MAX_KEY_FILE)?;
    KeyEncryptionKey::parse(&content).map_err(|source| VaultError::KeyEncryptionKey { path: path.to_owned(), source })
}

fn create_key_file(
    directory: &Path,
    path: &Path,
    permissions: FilePermissions,
    random: &dyn Random,
) -> Result<KeyEncryptionKey, VaultError> {
    if directory.join(MANIFEST).exists() {
        // Another node may have made both since we looked for the first.
        return match read_key_file(path, permissions) {
            Err(VaultError::File(FileError::Missing { path })) => {
                Err(VaultError::NoKeyEncryptionKey { path, keys: directory.to_owned() })
            }
            other => other,
        };
    }
    let at = |source| VaultError::KeyEncryptionKey { path: path.to_owned(), source };
    let key = KeyEncryptionKey::generate(random).map_err(at)?;
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.exists()) {
        files::prepare_directory(parent, permissions)?;
    }
    match files::create(path, key.to_text().expose().as_bytes(), SECRET_MODE, random)? {
        Created::Yes => Ok(key),
        Created::SomeoneElseDid => read_key_file(path, permissions),
    }
}

const MANIFEST: &str = "manifest.json";
const SECRET_MODE: u32 = 0o600;
const PUBLIC_MODE: u32 = 0o644;
/// Far above an RSA-8192 key or a certificate chain.
const MAX_FILE: usize = 64 * 1024;
const MAX_KEY_FILE: usize = 1024;
