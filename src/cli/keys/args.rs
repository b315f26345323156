//! The command line of `chancery keys`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::keys::KeyPurpose;

/// Arguments of `chancery keys`.
#[derive(Debug, Args)]
pub struct KeysArgs {
    /// Key directory, when it is not the configured one.
    #[arg(long, global = true, value_name = "DIRECTORY", env = "CHANCERY_KEYS_DIRECTORY")]
    pub directory: Option<PathBuf>,
    /// File with the key-encryption key, when it is not the configured one.
    #[arg(long, global = true, value_name = "FILE", env = "CHANCERY_KEY_ENCRYPTION_KEY_FILE")]
    pub key_encryption_key_file: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: KeysCommand,
}

/// What `chancery keys` does.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Show every key: purpose, role, thumbprints, expiry.
    List(ListArgs),
    /// Make the first keys, where the server does not make them by itself.
    Create(CreateArgs),
    /// Make the next key, with a self-signed certificate where it needs one: published, not used yet.
    Generate(GenerateArgs),
    /// Add a key and certificate made elsewhere.
    Import(ImportArgs),
    /// Let a published key be the one that signs.
    Promote(PromoteArgs),
    /// Forget a key that is not used any more, and delete its files.
    Remove(RemoveArgs),
    /// Write a certificate (never a private key) for partners.
    ExportPublic(ExportArgs),
}

/// Arguments of `chancery keys list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// One JSON object instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `chancery keys create`.
#[derive(Debug, Args)]
#[command(after_help = "The server makes its keys at its first start. Later it does not start without them: a key
directory that is empty by then was lost, or its volume is not mounted, and a new token-signing
key is an outage of every relying party until it knows the certificate. Where they are gone:

  chancery keys create            new keys are made
  chancery serve                  the server starts again
  chancery entra settings         prints what Microsoft Entra has to be told
  chancery keys export-public     the certificate, for relying parties that do not read the metadata

It also makes the keys of a server with create = false in [keys].")]
pub struct CreateArgs {}

/// Arguments of `chancery keys generate`.
#[derive(Debug, Args)]
#[command(after_help = "The renewal of the token-signing certificate, in order:
  chancery keys generate          the next certificate is made
  chancery reload --wait          and published in the federation metadata
  chancery entra settings         prints it as nextSigningCertificate: tell Microsoft Entra and relying parties
  chancery keys promote ID        when all of them know it
  chancery reload --wait          from now on it signs

Size and lifetime are those of rsa_bits and certificate_lifetime_days in [keys].

The next authority of device certificates is made in the same way, by --purpose device-authority:
after the reload its devices are accepted, and when it is promoted it issues. Devices keep the
certificates they have.

The next key of cookies, codes and refresh tokens is made by --purpose sealing. Promote it when
every server of the farm has reloaded. What the key of before sealed goes on being good until it
ends; chancery keys remove ends it at once.")]
pub struct GenerateArgs {
    /// What the key is for.
    #[arg(long, value_enum, default_value_t = NextPurpose::TokenSigning)]
    pub purpose: NextPurpose,
}

/// What a next key can be made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NextPurpose {
    /// Signs tokens and metadata.
    TokenSigning,
    /// Opens tokens encrypted to the server.
    TokenDecryption,
    /// Issues certificates of registered devices.
    DeviceAuthority,
    /// Seals cookies, codes and refresh tokens; has no certificate.
    Sealing,
}

impl From<NextPurpose> for KeyPurpose {
    fn from(purpose: NextPurpose) -> Self {
        match purpose {
            NextPurpose::TokenSigning => Self::TokenSigning,
            NextPurpose::TokenDecryption => Self::TokenDecryption,
            NextPurpose::DeviceAuthority => Self::DeviceAuthority,
            NextPurpose::Sealing => Self::Sealing,
        }
    }
}

/// Arguments of `chancery keys promote`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  chancery keys promote 3f2a9c01
  chancery keys promote 3f2a9c01 --now      although it was published less than a day ago

The primary key of before stays published as secondary, so that tokens signed with it are still accepted. Whoever does not
know the certificate of the new one refuses tokens: a key that was added less than a day ago is not promoted without --now,
because relying parties read the metadata once a day. A sealing key is the farm's own: it can be promoted when every
server has reloaded.")]
pub struct PromoteArgs {
    /// The key: key id, SHA-1 thumbprint, or the first 8 or more digits of either.
    #[arg(value_name = "ID")]
    pub id: String,
    /// Even if the key was added less than a day ago.
    #[arg(long)]
    pub now: bool,
}

/// Arguments of `chancery keys remove`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  chancery keys remove 3f2a9c01

For a key that was stolen, or whose time is over. A primary key is not removed: promote another
first. What depended on the key stops at the next reload: of a sealing key the sessions that it
sealed, of a token-decryption key what was encrypted to it, of a device authority the devices with
its certificates.")]
pub struct RemoveArgs {
    /// The key: key id, SHA-1 thumbprint, or the first 8 or more digits of either.
    #[arg(value_name = "ID")]
    pub id: String,
}

/// Arguments of `chancery keys import`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  chancery keys import --pkcs12 adfs-signing.pfx --password-file pw.txt
  chancery keys import --key signing.key --certificate signing.crt --primary
  chancery keys import --pkcs12 decrypt.pfx --password-file pw.txt --purpose token-decryption

A new token-signing key comes as secondary unless --primary is given: it is published, and relying parties and Microsoft
Entra can learn it before the first token is signed with it. With --primary the next token is signed with it after the
server has reloaded; whoever does not know its certificate then refuses tokens.")]
pub struct ImportArgs {
    /// PKCS#12 file (.pfx, .p12) with key and certificate.
    #[arg(long, value_name = "FILE", required_unless_present = "key", conflicts_with_all = ["key", "certificate"])]
    pub pkcs12: Option<PathBuf>,
    /// PEM file with the private key: PKCS#8, encrypted PKCS#8 or PKCS#1.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// PEM file with the certificate and its chain; when left out, the --key file holds them too.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub certificate: Option<PathBuf>,
    /// File with the password of the PKCS#12 file or the encrypted key. A line break at its end is not part of it.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// What the key is for.
    #[arg(long, value_enum, default_value_t = CertificatePurpose::TokenSigning)]
    pub purpose: CertificatePurpose,
    /// Make it the primary key at once; the primary key of before becomes secondary.
    #[arg(long)]
    pub primary: bool,
}

/// Arguments of `chancery keys export-public`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  chancery keys export-public                                  the token-signing certificate, PEM
  chancery keys export-public --format base64                  in one line, as Microsoft Entra wants it
  chancery keys export-public --id 3f2a9c01 --format der --output next.cer")]
pub struct ExportArgs {
    /// Whose certificate: of the primary key of this purpose.
    #[arg(long, value_enum, default_value_t = CertificatePurpose::TokenSigning)]
    pub purpose: CertificatePurpose,
    /// Of this key instead: key id, SHA-1 thumbprint, or the first 8 or more digits of either.
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = ExportFormat::Pem)]
    pub format: ExportFormat,
    /// Into this file instead of standard output.
    #[arg(long, short, value_name = "FILE", required_if_eq("format", "der"))]
    pub output: Option<PathBuf>,
}

/// Purposes of keys that have a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CertificatePurpose {
    /// Signs tokens and metadata.
    TokenSigning,
    /// Opens tokens encrypted to the server.
    TokenDecryption,
}

impl From<CertificatePurpose> for KeyPurpose {
    fn from(purpose: CertificatePurpose) -> Self {
        match purpose {
            CertificatePurpose::TokenSigning => Self::TokenSigning,
            CertificatePurpose::TokenDecryption => Self::TokenDecryption,
        }
    }
}

/// Forms of an exported certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// PEM.
    Pem,
    /// Binary; needs --output.
    Der,
    /// Base64 in one line.
    Base64,
}
