//! Brings in a key and certificate that were made elsewhere: PKCS#12, or PEM files.
//!
//! A wrong key brought in here is an outage of every relying party later, so everything that can be checked is checked
//! now: the key belongs to the certificate, is RSA of at least 2048 bits, and the dates fit the part it is to play.
//! OpenSSL decodes, because administrators' files come in every encryption there is; aws-lc then judges the key.

use openssl::error::ErrorStack;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{Id, PKey, Private};
use openssl::x509::X509;

use super::manifest::KeyRole;
use super::material::{KeyMaterial, MaterialError};
use crate::clock::UtcTime;
use crate::secret::Secret;

/// Reads a PKCS#12 file (`.pfx`, `.p12`).
///
/// # Errors
/// [`ImportError`].
pub fn pkcs12(file: &Secret<Vec<u8>>, password: &Secret<String>) -> Result<KeyMaterial, ImportError> {
    let archive = Pkcs12::from_der(file.expose()).map_err(|_| ImportError::NotPkcs12)?;
    if password.expose().contains('\0') {
        // The library would panic.
        return Err(ImportError::Password);
    }
    let content = archive.parse2(password.expose()).map_err(|error| pkcs12_error(&error))?;
    let key = content.pkey.ok_or(ImportError::NoKey)?;
    let certificate = content.cert.ok_or(ImportError::NoCertificate)?;
    // The library returns the rest of the archive in no promised order.
    let others: Vec<X509> = content.ca.map(|stack| stack.into_iter().collect()).unwrap_or_default();
    join(&key, &certificate, &others)
}

/// Reads a PEM private key (PKCS#8, encrypted PKCS#8 or PKCS#1) and PEM certificates. Both may come from one file. The
/// certificate that belongs to the key is found by its public key; the others become the chain.
///
/// # Errors
/// [`ImportError`].
pub fn pem(
    key: &Secret<Vec<u8>>,
    certificates: &[u8],
    password: Option<&Secret<String>>,
) -> Result<KeyMaterial, ImportError> {
    // Always with a passphrase: without one the library would ask on the terminal.
    let passphrase = password.map_or("", |password| password.expose().as_str());
    let encrypted = contains(key.expose(), b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
        || contains(key.expose(), b"Proc-Type: 4,ENCRYPTED");
    if !contains(key.expose(), b"PRIVATE KEY-----") {
        return Err(ImportError::NoKey);
    }
    if encrypted && passphrase.is_empty() {
        return Err(ImportError::PasswordNeeded);
    }
    let key = PKey::private_key_from_pem_passphrase(key.expose(), passphrase.as_bytes()).map_err(|error| {
        if encrypted { ImportError::Password } else { ImportError::MalformedKey(error.to_string()) }
    })?;
    let mut certificates = X509::stack_from_pem(certificates).map_err(|_| ImportError::NoCertificate)?;
    let own =
        certificates.iter().position(|certificate| certificate.public_key().is_ok_and(|public| public.public_eq(&key)));
    let Some(own) = own else {
        return Err(match certificates.first() {
            None => ImportError::NoCertificate,
            Some(first) => ImportError::NoMatch { certificates: certificates.len(), first: subject(first) },
        });
    };
    let certificate = certificates.remove(own);
    join(&key, &certificate, &certificates)
}

/// Judges the dates of an imported certificate for the part it is to play.
///
/// # Errors
/// [`ImportError::Expired`], and [`ImportError::NotYetValid`] for a primary key; a secondary may wait for its day.
pub fn check_dates(material: &KeyMaterial, role: KeyRole, now: UtcTime) -> Result<(), ImportError> {
    let certificate = material.certificate();
    if now >= certificate.not_after {
        return Err(ImportError::Expired { subject: certificate.subject.clone(), not_after: certificate.not_after });
    }
    if role == KeyRole::Primary && now < certificate.not_before {
        return Err(ImportError::NotYetValid {
            subject: certificate.subject.clone(),
            not_before: certificate.not_before,
        });
    }
    Ok(())
}

/// Why a key was not imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The file is no PKCS#12 archive.
    #[error("the file is not PKCS#12 (.pfx or .p12); for PEM give --key and --certificate")]
    NotPkcs12,
    /// The password does not open it.
    #[error("the password does not open the file")]
    Password,
    /// An encrypted key without a password.
    #[error("the private key is encrypted; give its password with --password-file")]
    PasswordNeeded,
    /// Encrypted in a way that the installed OpenSSL refuses, such as RC2-40 of old Windows versions.
    #[error(
        "the file is encrypted with an algorithm that OpenSSL 3 no longer reads ({0}). Export it again with AES-256, or \
         convert it: openssl pkcs12 -legacy -in old.pfx -nodes | openssl pkcs12 -export -out new.pfx"
    )]
    Algorithm(String),
    /// The archive or key cannot be decoded.
    #[error("the private key cannot be read: {0}")]
    MalformedKey(String),
    /// No private key.
    #[error("the file holds no private key; on Windows, export with \"Yes, export the private key\"")]
    NoKey,
    /// No certificate.
    #[error("there is no certificate beside the private key")]
    NoCertificate,
    /// None of the certificates belongs to the key.
    #[error("none of the {certificates} certificates belongs to the private key (the first is {first})")]
    NoMatch {
        /// How many there are.
        certificates: usize,
        /// Subject of the first.
        first: String,
    },
    /// Not RSA.
    #[error("the private key is of kind {0}; token keys must be RSA (relying parties of SAML 1.1 and Entra want it)")]
    NotRsa(String),
    /// Key and certificate do not fit, or one of them is not usable.
    #[error(transparent)]
    Material(#[from] MaterialError),
    /// The certificate has ended.
    #[error("the certificate {subject} expired at {not_after}")]
    Expired {
        /// Its subject.
        subject: String,
        /// End of validity.
        not_after: UtcTime,
    },
    /// The certificate is not valid yet.
    #[error(
        "the certificate {subject} is valid from {not_before} only; import it as secondary now and promote it then"
    )]
    NotYetValid {
        /// Its subject.
        subject: String,
        /// Start of validity.
        not_before: UtcTime,
    },
}

fn join(key: &PKey<Private>, certificate: &X509, chain: &[X509]) -> Result<KeyMaterial, ImportError> {
    if key.id() != Id::RSA {
        return Err(ImportError::NotRsa(kind(key.id())));
    }
    let encode = |error: ErrorStack| ImportError::MalformedKey(error.to_string());
    let pkcs8 = Secret::new(key.private_key_to_pkcs8().map_err(encode)?);
    let chain = chain.iter().take(MAX_CHAIN).map(|issuer| issuer.to_der()).collect::<Result<_, _>>().map_err(encode)?;
    Ok(KeyMaterial::new(&certificate.to_der().map_err(encode)?, chain, pkcs8)?)
}

fn pkcs12_error(error: &ErrorStack) -> ImportError {
    let reasons: Vec<(&str, &str)> =
        error.errors().iter().map(|error| (error.reason().unwrap_or(""), error.data().unwrap_or(""))).collect();
    judge_pkcs12(&reasons).unwrap_or_else(|| ImportError::MalformedKey(error.to_string()))
}

/// OpenSSL tells a wrong password and an unknown cipher apart in its error stack only: pairs of reason and data.
pub(super) fn judge_pkcs12(reasons: &[(&str, &str)]) -> Option<ImportError> {
    reasons.iter().find_map(|(reason, data)| {
        if reason.contains("unsupported") || reason.contains("unknown") {
            let name = data.split_once("Algorithm (").and_then(|(_, rest)| rest.split([' ', ')']).next());
            Some(ImportError::Algorithm(name.unwrap_or("unnamed").to_owned()))
        } else if ["mac verify", "bad decrypt", "cipherfinal"].iter().any(|known| reason.contains(known)) {
            Some(ImportError::Password)
        } else {
            None
        }
    })
}

fn kind(id: Id) -> String {
    match id {
        Id::EC => String::from("EC"),
        Id::DSA => String::from("DSA"),
        Id::ED25519 => String::from("Ed25519"),
        Id::RSA_PSS => String::from("RSA-PSS"),
        other => format!("{other:?}"),
    }
}

fn subject(certificate: &X509) -> String {
    let der = certificate.to_der().unwrap_or_default();
    super::certificate::CertificateFacts::parse(&der)
        .map_or_else(|_| String::from("of an unusable kind"), |facts| facts.subject)
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

const MAX_CHAIN: usize = 8;
