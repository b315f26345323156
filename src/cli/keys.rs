//! `chancery keys`: shows, makes, imports, promotes, removes and exports the server's keys.
//!
//! `list` and `export-public` read public files only and need no secret; the others open the key-encryption key.

use std::io::Write;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::clock::{Clock, Random, UtcTime};
use crate::keys::files::{self, FileError};
use crate::keys::{
    CertificateError, CertificateFacts, ExpiryState, FilePermissions, GenerateError, ImportError, KeyDirectory,
    KeyMaterial, KeyOrigin, KeyPurpose, KeyRing, KeyRingOptions, KeyRole, Manifest, ManifestEntry, NewKey, RingError,
    VaultError, import,
};
use crate::secret::Secret;
use crate::tokens::KeyId;

mod args;
mod command;
mod create;
mod remove;
mod rollover;

pub use args::{
    CertificatePurpose, CreateArgs, ExportArgs, ExportFormat, GenerateArgs, ImportArgs, KeysArgs, KeysCommand,
    ListArgs, PromoteArgs, RemoveArgs,
};
pub(crate) use command::Keys;

/// Runs the command. `configured` comes from the configuration file, where there is one; arguments win over it.
/// Results go to `out`, advice to `advice`.
///
/// # Errors
/// [`KeysError`]; its text says what to do next.
pub fn run(
    args: &KeysArgs,
    configured: Option<&KeyRingOptions>,
    clock: &dyn Clock,
    random: &dyn Random,
    out: &mut dyn Write,
    advice: &mut dyn Write,
) -> Result<(), KeysError> {
    match &args.command {
        KeysCommand::List(list) => self::list(&directory(args, configured)?, list, clock.now(), out),
        KeysCommand::ExportPublic(export) => export_public(&directory(args, configured)?, export, out),
        KeysCommand::Import(import) => {
            let options = options(args, configured)?;
            self::import_key(&options, configured.is_some(), import, clock, random, out, advice)
        }
        KeysCommand::Create(_) => create::create(&options(args, configured)?, clock, random, out, advice),
        KeysCommand::Generate(generate) => {
            rollover::generate(&options(args, configured)?, generate, clock, random, out, advice)
        }
        KeysCommand::Promote(promote) => {
            rollover::promote(&options(args, configured)?, promote, clock.now(), random, out, advice)
        }
        KeysCommand::Remove(remove) => remove::remove(&options(args, configured)?, remove, random, out, advice),
    }
}

/// The certificates of a purpose, the primary one first. Needs no secret.
pub(crate) fn certificates(directory: &KeyDirectory, purpose: KeyPurpose) -> Result<Vec<CertificateFacts>, KeysError> {
    manifest(directory)?.of(purpose).into_iter().map(|entry| facts(directory, entry)).collect()
}

/// The certificate that tokens are signed with, and the one that comes next: the newest secondary key's that ends later.
/// Needs no secret.
pub(crate) fn signing_certificates(
    directory: &KeyDirectory,
) -> Result<(CertificateFacts, Option<CertificateFacts>), KeysError> {
    let mut certificates = certificates(directory, KeyPurpose::TokenSigning)?.into_iter();
    let primary = certificates.next().ok_or_else(|| KeysError::NoSuchKey(String::from("primary")))?;
    let next = certificates.find(|certificate| certificate.not_after > primary.not_after);
    Ok((primary, next))
}

/// Why a `chancery keys` command failed.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// Neither argument nor configuration says where the keys are.
    #[error("no configuration says where the keys are; give --{argument}")]
    NoLocation {
        /// The argument that is missing.
        argument: &'static str,
    },
    /// The key directory.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The keys could not be loaded or made.
    #[error(transparent)]
    Ring(#[from] RingError),
    /// A certificate in the key directory.
    #[error("key {id}: {source}")]
    Certificate {
        /// The key.
        id: KeyId,
        /// The cause.
        source: CertificateError,
    },
    /// The file to import.
    #[error("{path}: {source}")]
    Import {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: ImportError,
    },
    /// There is nothing to begin with.
    #[error("{0} holds keys already; `chancery keys generate` makes the next one")]
    NotEmpty(PathBuf),
    /// No certificate can be made without the name that it is for.
    #[error("no configuration says what the federation service is called; give --config")]
    NoServiceName,
    /// The next authority of device certificates.
    #[error(transparent)]
    Authority(#[from] crate::devices::AuthorityError),
    /// A key or certificate could not be made.
    #[error("no key could be made: {0}")]
    Generate(GenerateError),
    /// The key to promote signs already.
    #[error("key {0} is the primary one already")]
    PrimaryAlready(KeyId),
    /// The key to remove is the one that is used.
    #[error("key {0} is the primary one: promote another first")]
    Primary(KeyId),
    /// The key whose certificate is wanted has none.
    #[error("key {0} has no certificate: it is a secret of this service alone")]
    NoCertificate(KeyId),
    /// The key to promote has a certificate that nobody accepts any more.
    #[error("key {id} cannot sign: its certificate ended at {not_after}. `chancery keys generate` makes another")]
    Expired {
        /// The key.
        id: KeyId,
        /// End of its certificate.
        not_after: UtcTime,
    },
    /// The key to promote has a certificate that nobody accepts yet.
    #[error("key {id} cannot sign yet: its certificate begins at {not_before}")]
    NotYetValid {
        /// The key.
        id: KeyId,
        /// Beginning of its certificate.
        not_before: UtcTime,
    },
    /// The key to promote has not been published for long.
    #[error(
        "key {id} was added at {added}, less than a day ago: who has not read the metadata since then would refuse its \
         tokens. Wait, or give --now when everybody knows it"
    )]
    JustAdded {
        /// The key.
        id: KeyId,
        /// When it was added.
        added: UtcTime,
    },
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The password file is not text.
    #[error("{path} is not UTF-8 text; save the password as UTF-8 without a byte order mark")]
    PasswordText {
        /// The file.
        path: PathBuf,
    },
    /// No key of that id.
    #[error("no key has the id or thumbprint {0}; `chancery keys list` shows those there are")]
    NoSuchKey(String),
    /// Several keys begin so.
    #[error("{count} keys begin with {id}; give more digits")]
    Ambiguous {
        /// What was given.
        id: String,
        /// How many fit.
        count: usize,
    },
    /// Too short to name a key.
    #[error("{0:?} is too short to name a key; give at least 8 digits")]
    ShortId(String),
    /// Output failed.
    #[error("the result could not be written: {0}")]
    Output(#[from] std::io::Error),
}

#[derive(Serialize)]
struct Row {
    purpose: KeyPurpose,
    role: KeyRole,
    id: String,
    origin: KeyOrigin,
    added: String,
    #[serde(flatten)]
    certificate: Option<CertificateRow>,
}

#[derive(Serialize)]
struct CertificateRow {
    subject: String,
    issuer: String,
    serial: String,
    not_before: String,
    not_after: String,
    state: ExpiryState,
    key_bits: u32,
    thumbprint_sha1: String,
    thumbprint_sha256: String,
}

#[derive(Serialize)]
struct Listing {
    directory: PathBuf,
    keys: Vec<Row>,
}

fn list(directory: &KeyDirectory, args: &ListArgs, now: UtcTime, out: &mut dyn Write) -> Result<(), KeysError> {
    let manifest = manifest(directory)?;
    let mut keys = Vec::new();
    for entry in KeyPurpose::ALL.iter().flat_map(|purpose| manifest.of(*purpose)) {
        let certificate = if entry.purpose.has_certificate() { Some(facts(directory, entry)?) } else { None };
        keys.push(row(entry, certificate.as_ref(), now));
    }
    if args.json {
        let listing = Listing { directory: directory.path().to_owned(), keys };
        serde_json::to_writer_pretty(&mut *out, &listing).map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else {
        table(&keys, out)?;
    }
    Ok(())
}

fn row(entry: &ManifestEntry, facts: Option<&CertificateFacts>, now: UtcTime) -> Row {
    Row {
        purpose: entry.purpose,
        role: entry.role,
        id: entry.id().as_str().to_owned(),
        origin: entry.origin,
        added: entry.added.to_xml(),
        certificate: facts.map(|facts| CertificateRow {
            subject: facts.subject.clone(),
            issuer: facts.issuer.clone(),
            serial: facts.serial.clone(),
            not_before: facts.not_before.to_xml(),
            not_after: facts.not_after.to_xml(),
            state: ExpiryState::of(facts, now, WARN_BEFORE),
            key_bits: facts.key_bits,
            thumbprint_sha1: facts.thumbprint_sha1(),
            thumbprint_sha256: facts.thumbprint_sha256(),
        }),
    }
}

fn table(keys: &[Row], out: &mut dyn Write) -> Result<(), std::io::Error> {
    writeln!(
        out,
        "{:<17} {:<10} {:<16} {:<9} {:<11} {:<13} SUBJECT",
        "PURPOSE", "ROLE", "KEY ID", "KEY", "EXPIRES", "STATE"
    )?;
    for key in keys {
        let id: String = key.id.chars().take(16).collect();
        let (purpose, role) = (key.purpose.to_string(), key.role.to_string());
        match &key.certificate {
            Some(certificate) => {
                let bits = format!("RSA-{}", certificate.key_bits);
                let expires: String = certificate.not_after.chars().take(10).collect();
                let state = match certificate.state {
                    ExpiryState::NotYetValid => "not yet valid",
                    ExpiryState::Valid => "valid",
                    ExpiryState::EndsSoon => "ends soon",
                    ExpiryState::Expired => "EXPIRED",
                };
                writeln!(
                    out,
                    "{purpose:<17} {role:<10} {id:<16} {bits:<9} {expires:<11} {state:<13} {}",
                    certificate.subject
                )?;
                writeln!(out, "{:<28} SHA-1 {}", "", certificate.thumbprint_sha1)?;
            }
            None => writeln!(out, "{purpose:<17} {role:<10} {id:<16} {:<9} {:<11} -", "AES-256", "-")?,
        }
    }
    Ok(())
}

fn export_public(directory: &KeyDirectory, args: &ExportArgs, out: &mut dyn Write) -> Result<(), KeysError> {
    let manifest = manifest(directory)?;
    let certificate = if let Some(id) = &args.id {
        let found = find(directory, &manifest, id)?;
        found.certificate.ok_or_else(|| KeysError::NoCertificate(found.entry.id()))?
    } else {
        primary(directory, args.purpose.into())?
    };
    let text = match args.format {
        ExportFormat::Pem => certificate.pem().into_bytes(),
        ExportFormat::Base64 => (certificate.base64() + "\n").into_bytes(),
        ExportFormat::Der => certificate.der.to_vec(),
    };
    match &args.output {
        Some(path) => std::fs::write(path, text).map_err(|source| FileError::Io {
            path: path.clone(),
            action: "written",
            source,
        })?,
        None => out.write_all(&text)?,
    }
    Ok(())
}

fn import_key(
    options: &KeyRingOptions,
    configured: bool,
    args: &ImportArgs,
    clock: &dyn Clock,
    random: &dyn Random,
    out: &mut dyn Write,
    advice: &mut dyn Write,
) -> Result<(), KeysError> {
    let now = clock.now();
    let role = if args.primary { KeyRole::Primary } else { KeyRole::Secondary };
    let material = read_material(args, role, now, advice)?;
    let mut options = options.clone();
    // Without a configuration the name of the service is unknown, and the keys beside this one cannot be made.
    options.create &= configured;
    let vault = options.open(random)?;
    if vault.manifest()?.is_none() && options.create {
        KeyRing::load_or_create(&options, clock, random)?;
    }
    let key = NewKey::rsa(args.purpose.into(), material);
    let NewKey::Rsa { material, .. } = &key else { return Ok(()) };
    let facts = material.certificate().clone();
    vault.add(&key, role, KeyOrigin::Imported, now, random)?;
    warn_of_owner(&options.directory, advice)?;

    let purpose = KeyPurpose::from(args.purpose);
    writeln!(out, "Imported as {role} {purpose} key:")?;
    writeln!(out, "  subject   {}", facts.subject)?;
    writeln!(out, "  valid     {} to {}", facts.not_before, facts.not_after)?;
    writeln!(out, "  key       RSA-{}", facts.key_bits)?;
    writeln!(out, "  key id    {}", facts.thumbprint_sha256())?;
    writeln!(out, "  SHA-1     {}", facts.thumbprint_sha1())?;
    writeln!(advice, "Next: `chancery reload --wait` makes the running server use it.")?;
    let next = match (purpose, role) {
        (KeyPurpose::TokenSigning, KeyRole::Primary) => {
            "Every token is then signed with it. Relying parties that do not read the metadata, and every federated \
             domain in Microsoft Entra, must know this certificate first: `chancery entra settings` prints it."
        }
        (KeyPurpose::TokenSigning, KeyRole::Secondary) => {
            "It is then published as the next certificate. Give it to relying parties that do not read the metadata, \
             and to Microsoft Entra as nextSigningCertificate (`chancery entra settings`), before it becomes primary."
        }
        (_, KeyRole::Primary) => "Its certificate is then published, and claims providers encrypt to it.",
        (_, KeyRole::Secondary) => "It then opens tokens that claims providers encrypted to it.",
    };
    writeln!(advice, "{next}")?;
    Ok(())
}

/// Files that root makes cannot be read by a server that runs as somebody else.
fn warn_of_owner(directory: &Path, advice: &mut dyn Write) -> Result<(), KeysError> {
    let Ok(metadata) = std::fs::metadata(directory) else { return Ok(()) };
    let (owner, me) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if owner != me {
        writeln!(
            advice,
            "Warning: {} belongs to user {owner}, and you are user {me}: give the new files to the user the server runs as.",
            directory.display()
        )?;
    }
    Ok(())
}

fn read_material(
    args: &ImportArgs,
    role: KeyRole,
    now: UtcTime,
    advice: &mut dyn Write,
) -> Result<KeyMaterial, KeysError> {
    let password = args.password_file.as_deref().map(|path| read_password(path, advice)).transpose()?;
    let (path, material) = if let Some(path) = &args.pkcs12 {
        let file = read_input(path, advice)?;
        let none = Secret::new(String::new());
        (path, import::pkcs12(&file, password.as_ref().unwrap_or(&none)))
    } else {
        let path = args.key.as_ref().ok_or(KeysError::NoLocation { argument: "pkcs12 or --key" })?;
        let key = read_input(path, advice)?;
        let certificates = match &args.certificate {
            Some(path) => {
                files::read_public(path, MAX_INPUT)?.ok_or_else(|| FileError::Missing { path: path.clone() })?
            }
            None => key.expose().clone(),
        };
        (path, import::pem(&key, &certificates, password.as_ref()))
    };
    let at = |source| KeysError::Import { path: path.clone(), source };
    let material = material.map_err(at)?;
    import::check_dates(&material, role, now).map_err(at)?;
    Ok(material)
}

/// Reads a file with a private key or password; says so when others can read it too.
fn read_input(path: &Path, advice: &mut dyn Write) -> Result<Secret<Vec<u8>>, KeysError> {
    let content = files::read_public(path, MAX_INPUT)?.ok_or_else(|| FileError::Missing { path: path.to_owned() })?;
    let content = Secret::new(content);
    if std::fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o077 != 0) {
        writeln!(advice, "Warning: {} can be read by others. Delete it after the import.", path.display())?;
    }
    Ok(content)
}

fn read_password(path: &Path, advice: &mut dyn Write) -> Result<Secret<String>, KeysError> {
    let content = read_input(path, advice)?;
    let text = std::str::from_utf8(content.expose()).map_err(|_| KeysError::PasswordText { path: path.to_owned() })?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

fn directory(args: &KeysArgs, configured: Option<&KeyRingOptions>) -> Result<KeyDirectory, KeysError> {
    let path = args.directory.clone().or_else(|| configured.map(|options| options.directory.clone()));
    path.map(KeyDirectory::new).ok_or(KeysError::NoLocation { argument: "directory" })
}

fn options(args: &KeysArgs, configured: Option<&KeyRingOptions>) -> Result<KeyRingOptions, KeysError> {
    let directory = directory(args, configured)?.path().to_owned();
    let key_file = args
        .key_encryption_key_file
        .clone()
        .or_else(|| configured.map(|options| options.key_encryption_key_file.clone()))
        .ok_or(KeysError::NoLocation { argument: "key-encryption-key-file" })?;
    Ok(match configured {
        Some(options) => KeyRingOptions { directory, key_encryption_key_file: key_file, ..options.clone() },
        None => KeyRingOptions {
            create: false,
            permissions: FilePermissions::OwnerOnly,
            ..KeyRingOptions::new(directory, key_file, String::new())
        },
    })
}

fn manifest(directory: &KeyDirectory) -> Result<Manifest, KeysError> {
    let empty = || VaultError::Empty { path: directory.path().to_owned() };
    Ok(directory.manifest()?.ok_or_else(empty)?)
}

fn facts(directory: &KeyDirectory, entry: &ManifestEntry) -> Result<CertificateFacts, KeysError> {
    let certificates = directory.certificates(entry)?;
    let leaf = certificates.first().map(Vec::as_slice).unwrap_or_default();
    CertificateFacts::parse(leaf).map_err(|source| KeysError::Certificate { id: entry.id(), source })
}

/// The certificate of the primary key of a purpose.
fn primary(directory: &KeyDirectory, purpose: KeyPurpose) -> Result<CertificateFacts, KeysError> {
    let manifest = manifest(directory)?;
    let primary = manifest.of(purpose).first().copied().cloned();
    facts(directory, &primary.ok_or_else(|| KeysError::NoSuchKey(String::from("primary")))?)
}

/// A key that was named.
struct Found {
    entry: ManifestEntry,
    /// Its certificate, where keys of its purpose have one.
    certificate: Option<CertificateFacts>,
}

/// The key that `wanted` names: an id, a SHA-1 thumbprint, or the beginning of either. Colons and spaces, as other tools
/// print thumbprints, are ignored.
fn find(directory: &KeyDirectory, manifest: &Manifest, wanted: &str) -> Result<Found, KeysError> {
    let digits: String = wanted.chars().filter(|c| !matches!(c, ':' | ' ')).collect::<String>().to_ascii_lowercase();
    if digits.len() < 8 {
        return Err(KeysError::ShortId(wanted.to_owned()));
    }
    let mut found = Vec::new();
    for entry in manifest.keys() {
        let certificate = if entry.purpose.has_certificate() { Some(facts(directory, entry)?) } else { None };
        let thumbprint = certificate.as_ref().map(|facts| facts.thumbprint_sha1().to_ascii_lowercase());
        if entry.id().as_str().starts_with(&digits) || thumbprint.is_some_and(|digest| digest.starts_with(&digits)) {
            found.push(Found { entry: entry.clone(), certificate });
        }
    }
    let count = found.len();
    match found.pop() {
        Some(only) if count == 1 => Ok(only),
        Some(_) => Err(KeysError::Ambiguous { id: wanted.to_owned(), count }),
        None => Err(KeysError::NoSuchKey(wanted.to_owned())),
    }
}

/// AD FS' `CertificateGenerationThreshold`.
pub(crate) const WARN_BEFORE: Duration = Duration::from_hours(20 * 24);
const MAX_INPUT: usize = 256 * 1024;

#[cfg(test)]
mod tests;
