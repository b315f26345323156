//! The keys a running server uses: parsed, kept, found by id.
//!
//! Immutable once loaded; a reload loads another ring and swaps it in (`ArcSwap<KeyRing>`), so that a request that began
//! with one primary key ends with it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::certificate::CertificateFacts;
use super::decryption::DecryptionKey;
use super::envelope::{EnvelopeError, KEY_LEN, derive};
use super::files::FilePermissions;
use super::generate::{self, CertificateOptions, GenerateError, RsaKeySize};
use super::manifest::{KeyOrigin, KeyPurpose, KeyRole, Manifest, ManifestEntry};
use super::material::MaterialError;
use super::software::SoftwareSigner;
use super::vault::{NewKey, Vault, VaultError};
use crate::clock::{Clock, Random, UtcTime};
use crate::secret::Secret;
use crate::tokens::{KeyId, SigningKey};

/// Where the keys are and how missing ones are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRingOptions {
    /// The key directory.
    pub directory: PathBuf,
    /// File with the key-encryption key: 32 octets, raw, base64 or hexadecimal. Best kept on another volume than
    /// `directory`, so that a copy of one is worth nothing.
    pub key_encryption_key_file: PathBuf,
    /// Whether a key directory, key-encryption key and keys that do not exist are made.
    pub create: bool,
    /// Which file modes are accepted.
    pub permissions: FilePermissions,
    /// Host name of the federation service; names generated certificates.
    pub federation_service_name: String,
    /// Size of generated keys.
    pub key_size: RsaKeySize,
    /// Lifetime of generated certificates.
    pub certificate_lifetime: Duration,
}

impl KeyRingOptions {
    /// AD FS' defaults: RSA-2048, 365 days.
    pub fn new(directory: PathBuf, key_encryption_key_file: PathBuf, federation_service_name: String) -> Self {
        Self {
            directory,
            key_encryption_key_file,
            create: true,
            permissions: FilePermissions::OwnerOnly,
            federation_service_name,
            key_size: RsaKeySize::Rsa2048,
            certificate_lifetime: Duration::from_hours(365 * 24),
        }
    }

    /// What a generated certificate is made of.
    pub fn certificate(&self) -> CertificateOptions<'_> {
        CertificateOptions {
            federation_service_name: &self.federation_service_name,
            key_size: self.key_size,
            lifetime: self.certificate_lifetime,
        }
    }
}

/// A token-signing key and what is known of its certificate.
#[derive(Debug, Clone)]
pub struct TokenSigningKey {
    /// What the issuer signs with.
    pub key: SigningKey,
    /// The certificate.
    pub certificate: CertificateFacts,
    /// Generated or imported.
    pub origin: KeyOrigin,
}

/// Master key of the server's sealed envelopes.
pub struct SealingKey {
    id: KeyId,
    octets: Secret<[u8; KEY_LEN]>,
}

impl SealingKey {
    /// The key's id.
    pub const fn id(&self) -> &KeyId {
        &self.id
    }

    /// A key of 32 octets for one purpose (HKDF-SHA256 with `purpose` as info). The master key itself never encrypts.
    ///
    /// # Errors
    /// [`EnvelopeError::Cipher`] when the library fails.
    pub fn derive(&self, purpose: &str) -> Result<Secret<[u8; KEY_LEN]>, EnvelopeError> {
        derive(self.octets.expose(), purpose)
    }
}

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealingKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// All keys of a server.
#[derive(Debug)]
pub struct KeyRing {
    signing: Ranked<TokenSigningKey>,
    decryption: Ranked<(DecryptionKey, CertificateFacts)>,
    sealing: Ranked<SealingKey>,
}

impl KeyRing {
    /// Loads the keys; makes them first where there are none and the options allow it. Two nodes that start at once on
    /// one directory end with the same keys. A directory that is complete is only read.
    ///
    /// # Errors
    /// [`RingError`].
    pub fn load_or_create(options: &KeyRingOptions, clock: &dyn Clock, random: &dyn Random) -> Result<Self, RingError> {
        let vault = options.open(random)?;
        if let Some(manifest) = vault.manifest()? {
            return Self::load(&vault, &manifest);
        }
        if !options.create {
            return Err(VaultError::Empty { path: options.directory.clone() }.into());
        }
        let now = clock.now();
        let certificate = options.certificate();
        let mut keys = Vec::with_capacity(KeyPurpose::ALL.len());
        for purpose in [KeyPurpose::TokenSigning, KeyPurpose::TokenDecryption] {
            keys.push(NewKey::rsa(purpose, generate::self_signed(purpose, &certificate, now, random)?));
        }
        keys.push(NewKey::sealing(random)?);
        vault.found(&keys, now, random)?;
        let manifest = vault.manifest()?.ok_or_else(|| VaultError::Empty { path: options.directory.clone() })?;
        Self::load(&vault, &manifest)
    }

    /// Loads the keys a manifest names.
    ///
    /// # Errors
    /// [`RingError`].
    pub fn load(vault: &Vault, manifest: &Manifest) -> Result<Self, RingError> {
        let signing = Ranked::load(manifest, KeyPurpose::TokenSigning, |entry| {
            let material = vault.material(entry)?;
            let signer = SoftwareSigner::new(&material)?;
            let certificate = material.certificate().clone();
            let key = SigningKey::new(certificate.id(), certificate.der.clone(), Arc::new(signer));
            Ok(TokenSigningKey { key, certificate, origin: entry.origin })
        })?;
        let decryption = Ranked::load(manifest, KeyPurpose::TokenDecryption, |entry| {
            let material = vault.material(entry)?;
            Ok((DecryptionKey::new(&material)?, material.certificate().clone()))
        })?;
        let sealing = Ranked::load(manifest, KeyPurpose::Sealing, |entry| {
            Ok(SealingKey { id: entry.id(), octets: vault.sealing(entry)? })
        })?;
        Ok(Self { signing, decryption, sealing })
    }

    /// The key that signs.
    pub const fn primary_signing(&self) -> &TokenSigningKey {
        &self.signing.primary
    }

    /// Token-signing keys in the order metadata publishes them: the primary first.
    pub fn signing(&self) -> impl Iterator<Item = &TokenSigningKey> {
        self.signing.iter()
    }

    /// The certificate to announce as next: the newest secondary token-signing key whose certificate ends after the
    /// primary's.
    pub fn next_signing(&self) -> Option<&TokenSigningKey> {
        let primary = &self.signing.primary.certificate;
        self.signing.others.iter().find(|key| key.certificate.not_after > primary.not_after)
    }

    /// A token-signing key by id.
    pub fn signing_key(&self, id: &KeyId) -> Option<&TokenSigningKey> {
        self.signing().find(|key| key.key.id == *id)
    }

    /// The key others are told to encrypt to, and its certificate.
    pub const fn primary_decryption(&self) -> (&DecryptionKey, &CertificateFacts) {
        (&self.decryption.primary.0, &self.decryption.primary.1)
    }

    /// Token-decryption keys, the primary first: all are tried or found by the certificate a sender names.
    pub fn decryption(&self) -> impl Iterator<Item = (&DecryptionKey, &CertificateFacts)> {
        self.decryption.iter().map(|(key, certificate)| (key, certificate))
    }

    /// A token-decryption key by id.
    pub fn decryption_key(&self, id: &KeyId) -> Option<&DecryptionKey> {
        self.decryption.iter().map(|(key, _)| key).find(|key| key.id() == id)
    }

    /// The master key for new envelopes.
    pub const fn primary_sealing(&self) -> &SealingKey {
        &self.sealing.primary
    }

    /// Every master key, the primary first: what one of them sealed is opened as long as it is here.
    pub fn sealing(&self) -> impl Iterator<Item = &SealingKey> {
        self.sealing.iter()
    }

    /// How long each certificate is still good, primary token-signing key first. `warn_before` is AD FS'
    /// `CertificateGenerationThreshold`, 20 days by default.
    pub fn expiries(&self, now: UtcTime, warn_before: Duration) -> Vec<ExpiryReport> {
        let signing = self.signing().map(|key| (KeyPurpose::TokenSigning, &key.certificate));
        let decryption = self.decryption().map(|(_, facts)| (KeyPurpose::TokenDecryption, facts));
        let primaries = [&self.signing.primary.certificate.der, &self.decryption.primary.1.der];
        signing
            .chain(decryption)
            .map(|(purpose, certificate)| ExpiryReport {
                purpose,
                role: if primaries.contains(&&certificate.der) { KeyRole::Primary } else { KeyRole::Secondary },
                id: certificate.id(),
                subject: certificate.subject.clone(),
                not_after: certificate.not_after,
                state: ExpiryState::of(certificate, now, warn_before),
            })
            .collect()
    }
}

/// How long a certificate is still good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpiryReport {
    /// What the key is for.
    pub purpose: KeyPurpose,
    /// Primary or secondary.
    pub role: KeyRole,
    /// The key.
    pub id: KeyId,
    /// Subject of its certificate.
    pub subject: String,
    /// End of validity.
    pub not_after: UtcTime,
    /// The judgement.
    pub state: ExpiryState,
}

/// Whether a certificate is valid. An expired certificate is reported and still signs, as in AD FS: most relying parties
/// look at the key only, and refusing to sign would turn a warning into an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExpiryState {
    /// Not valid yet.
    NotYetValid,
    /// Valid for longer than the threshold.
    Valid,
    /// Valid, and ends within the threshold.
    EndsSoon,
    /// Ended.
    Expired,
}

impl ExpiryState {
    /// Judges one certificate.
    pub fn of(certificate: &CertificateFacts, now: UtcTime, warn_before: Duration) -> Self {
        if now < certificate.not_before {
            Self::NotYetValid
        } else if now >= certificate.not_after {
            Self::Expired
        } else if now.plus(warn_before) >= certificate.not_after {
            Self::EndsSoon
        } else {
            Self::Valid
        }
    }
}

/// Why the keys could not be loaded or made.
#[derive(Debug, thiserror::Error)]
pub enum RingError {
    /// The key directory.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A certificate could not be made.
    #[error(transparent)]
    Generate(#[from] GenerateError),
    /// A key in the directory cannot be used.
    #[error(transparent)]
    Material(#[from] MaterialError),
}

impl KeyRingOptions {
    /// Opens the key directory.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn open(&self, random: &dyn Random) -> Result<Vault, VaultError> {
        Vault::open(&self.directory, &self.key_encryption_key_file, self.permissions, self.create, random)
    }
}

/// One primary, any number of others: a ring without a primary cannot be built.
#[derive(Debug)]
struct Ranked<T> {
    primary: T,
    others: Vec<T>,
}

impl<T> Ranked<T> {
    fn load(
        manifest: &Manifest,
        purpose: KeyPurpose,
        load: impl Fn(&ManifestEntry) -> Result<T, RingError>,
    ) -> Result<Self, RingError> {
        let entries = manifest.of(purpose);
        let missing = super::manifest::ManifestError::Primary { purpose, count: 0 };
        let (first, rest) = entries.split_first().ok_or(VaultError::Manifest(missing))?;
        Ok(Self { primary: load(first)?, others: rest.iter().map(|entry| load(entry)).collect::<Result<_, _>>()? })
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        std::iter::once(&self.primary).chain(&self.others)
    }
}
