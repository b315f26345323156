//! Whether a certificate is good: path, dates, use, strength, revocation.

use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Public};
use openssl::stack::Stack;
use openssl::x509::store::{X509Store, X509StoreBuilder};
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
use openssl::x509::{X509, X509Ref, X509StoreContext};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::revocation::{RevocationLists, RevocationPolicy, name_of};
use super::{CertificateError, CertificateIdentity, MAX_CERTIFICATE_OCTETS, MAX_PRESENTED};
use crate::clock::UtcTime;

/// The authorities whose certificates are accepted, their revocation lists, and what is asked of a certificate.
pub struct CertificateTrust {
    roots: Vec<X509>,
    intermediates: Vec<X509>,
    lists: RevocationLists,
    policy: CertificatePolicy,
}

/// What is asked of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificatePolicy {
    /// How revocation is checked.
    pub revocation: RevocationPolicy,
    /// Smallest RSA modulus in bits, of the client and of every authority in the path; never below 2048.
    pub min_rsa_bits: u32,
    /// Whether SHA-1 signatures below the root are accepted.
    pub allow_sha1: bool,
    /// SHA-256 of the certificates of those authorities that may issue logon certificates (the enterprise `NTAuth` store).
    /// Empty: every configured one and those below.
    pub logon_issuers: Vec<[u8; 32]>,
}

impl Default for CertificatePolicy {
    fn default() -> Self {
        Self {
            revocation: RevocationPolicy::default(),
            min_rsa_bits: MIN_RSA_BITS,
            allow_sha1: false,
            logon_issuers: Vec::new(),
        }
    }
}

/// Why the configured authorities or lists cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustConfigError {
    /// A file is no certificate bundle in PEM.
    #[error("authority file {index} is no PEM certificate: {reason}")]
    Authority {
        /// Which file, from 0.
        index: usize,
        /// What is wrong.
        reason: String,
    },
    /// A certificate in the bundles is no authority's.
    #[error("{subject} is no certificate authority")]
    NoAuthority {
        /// Whose.
        subject: String,
    },
    /// No self-signed authority: a path could never end.
    #[error("no root certificate among the configured authorities")]
    NoRoot,
    /// A revocation list cannot be used.
    #[error("a revocation list cannot be used: {reason}")]
    List {
        /// What is wrong.
        reason: String,
    },
}

impl CertificateTrust {
    /// Reads authorities (PEM bundles; self-signed ones end paths, others help to build them) and revocation lists (PEM or
    /// DER, one a file).
    ///
    /// # Errors
    /// [`TrustConfigError`].
    pub fn new(
        authorities: &[Vec<u8>],
        lists: &[Vec<u8>],
        policy: CertificatePolicy,
    ) -> Result<Self, TrustConfigError> {
        let (mut roots, mut intermediates) = (Vec::new(), Vec::new());
        for (index, pem) in authorities.iter().enumerate() {
            let bad = |reason: String| TrustConfigError::Authority { index, reason };
            let bundle = X509::stack_from_pem(pem).map_err(|error| bad(error.to_string()))?;
            if bundle.is_empty() {
                return Err(bad(String::from("no certificate in it")));
            }
            for certificate in bundle {
                if !is_authority(&certificate).map_err(|error| bad(error.to_string()))? {
                    return Err(TrustConfigError::NoAuthority { subject: name_of(&certificate) });
                }
                if is_self_signed(&certificate) { roots.push(certificate) } else { intermediates.push(certificate) }
            }
        }
        if roots.is_empty() {
            return Err(TrustConfigError::NoRoot);
        }
        let lists = RevocationLists::read(lists).map_err(|reason| TrustConfigError::List { reason })?;
        Ok(Self { roots, intermediates, lists, policy })
    }

    /// Checks the certificate in `leaf` (DER) with the help of those that came with it, and reads whom it names. That the
    /// client holds the key is the caller's to prove.
    ///
    /// # Errors
    /// [`CertificateError`], the first thing found wrong.
    pub fn validate(
        &self,
        leaf: &[u8],
        presented: &[Vec<u8>],
        now: UtcTime,
    ) -> Result<CertificateIdentity, CertificateError> {
        let too_large = |der: &[u8]| der.len() > MAX_CERTIFICATE_OCTETS;
        if presented.len() > MAX_PRESENTED || too_large(leaf) || presented.iter().any(|der| too_large(der)) {
            return Err(CertificateError::TooLarge);
        }
        let parsed = parse(leaf)?;
        let certificate = X509::from_der(leaf).map_err(|error| malformed(&error))?;
        let mut untrusted = Stack::new()?;
        for intermediate in &self.intermediates {
            untrusted.push(intermediate.clone())?;
        }
        for der in presented {
            untrusted.push(X509::from_der(der).map_err(|error| malformed(&error))?)?;
        }
        let path = self.build_path(&certificate, &untrusted, now)?;
        self.check_strength(&path)?;
        check_use(&parsed, &path)?;
        self.check_issuer(&path)?;
        let revocation = self.lists.check(&path, self.policy.revocation, now)?;
        CertificateIdentity::read(&parsed, leaf, revocation)
    }

    /// Lets OpenSSL find and verify a path to a root: signatures, dates, basic constraints, path lengths, name constraints,
    /// critical extensions.
    fn build_path(&self, leaf: &X509, untrusted: &Stack<X509>, now: UtcTime) -> Result<Vec<X509>, CertificateError> {
        let store = self.store_at(now)?;
        let mut context = X509StoreContext::new()?;
        let (error, depth, at, path) = context.init(&store, leaf, untrusted, |context| {
            let good = context.verify_cert()?;
            let path: Vec<X509> =
                context.chain().map(|chain| chain.iter().map(ToOwned::to_owned).collect()).unwrap_or_default();
            let error = (!good).then(|| context.error());
            Ok((error, context.error_depth(), context.current_cert().map(ToOwned::to_owned), path))
        })?;
        let Some(error) = error else { return Ok(path) };
        let at = at.as_deref().or(path.get(depth as usize).map(AsRef::as_ref)).unwrap_or(leaf);
        let subject = name_of(at);
        Err(match error.as_raw() {
            openssl_code::CERT_HAS_EXPIRED => CertificateError::Expired { subject },
            openssl_code::CERT_NOT_YET_VALID => CertificateError::NotYetValid { subject },
            openssl_code::PATH_LENGTH_EXCEEDED => CertificateError::PathLength,
            openssl_code::UNABLE_TO_GET_ISSUER_CERT
            | openssl_code::UNABLE_TO_GET_ISSUER_CERT_LOCALLY
            | openssl_code::UNABLE_TO_VERIFY_LEAF_SIGNATURE
            | openssl_code::DEPTH_ZERO_SELF_SIGNED_CERT
            | openssl_code::SELF_SIGNED_CERT_IN_CHAIN => CertificateError::UnknownAuthority { issuer: issuer_of(at) },
            _ => CertificateError::Path { reason: error.error_string().to_owned(), subject },
        })
    }

    /// The store is made for each check because its time can be set in no other way; its certificates are shared.
    fn store_at(&self, now: UtcTime) -> Result<X509Store, CertificateError> {
        let mut builder = X509StoreBuilder::new()?;
        for root in &self.roots {
            builder.add_cert(root.clone())?;
        }
        let mut parameters = X509VerifyParam::new()?;
        parameters.set_time(now.unix_seconds());
        parameters.set_depth(MAX_DEPTH);
        // Strength is judged in `check_strength`, which can name what is weak.
        parameters.set_auth_level(0);
        parameters.set_flags(X509VerifyFlags::TRUSTED_FIRST)?;
        builder.set_param(&parameters)?;
        Ok(builder.build())
    }

    fn check_strength(&self, path: &[X509]) -> Result<(), CertificateError> {
        for (depth, certificate) in path.iter().enumerate() {
            let key = certificate.public_key()?;
            if let Some(key) = weakness(&key, self.policy.min_rsa_bits.max(MIN_RSA_BITS)) {
                return Err(CertificateError::WeakKey { subject: name_of(certificate), key });
            }
            // Nobody relies on a root's signature over itself.
            let is_root = depth + 1 == path.len();
            if !is_root {
                self.check_signature_algorithm(certificate)?;
            }
        }
        Ok(())
    }

    fn check_signature_algorithm(&self, certificate: &X509) -> Result<(), CertificateError> {
        let der = certificate.to_der()?;
        let parsed = parse(&der)?;
        let algorithm = parsed.signature_algorithm.algorithm.to_id_string();
        let strong = STRONG_SIGNATURES.contains(&algorithm.as_str())
            || (algorithm == RSA_PSS && pss_digest_is_strong(&parsed))
            || (self.policy.allow_sha1 && SHA1_SIGNATURES.contains(&algorithm.as_str()));
        if strong { Ok(()) } else { Err(CertificateError::WeakSignature { subject: name_of(certificate), algorithm }) }
    }

    fn check_issuer(&self, path: &[X509]) -> Result<(), CertificateError> {
        let [_, issuer, ..] = path else { return Err(CertificateError::IsAuthority) };
        let fingerprint = issuer.digest(openssl::hash::MessageDigest::sha256())?;
        let permitted = &self.policy.logon_issuers;
        if permitted.is_empty() || permitted.iter().any(|one| one.as_slice() == fingerprint.as_ref()) {
            Ok(())
        } else {
            Err(CertificateError::IssuerNotPermitted { issuer: name_of(issuer) })
        }
    }
}

/// What the leaf and the authorities between it and the root may be used for.
fn check_use(leaf: &X509Certificate<'_>, path: &[X509]) -> Result<(), CertificateError> {
    if leaf.is_ca() {
        return Err(CertificateError::IsAuthority);
    }
    let usage = leaf.key_usage().map_err(|error| malformed(&error))?;
    if usage.is_some_and(|usage| !usage.value.digital_signature()) {
        return Err(CertificateError::KeyUsage);
    }
    let between = path.get(1..path.len().saturating_sub(1)).unwrap_or_default();
    if !is_for_sign_in(leaf, false)? {
        return Err(CertificateError::NotForClientAuthentication { subject: leaf.subject().to_string() });
    }
    for authority in between {
        let der = authority.to_der()?;
        if !is_for_sign_in(&parse(&der)?, true)? {
            return Err(CertificateError::NotForClientAuthentication { subject: name_of(authority) });
        }
    }
    Ok(())
}

/// Client authentication or smart card logon. An authority without the extension, or with `anyExtendedKeyUsage`, limits nothing;
/// a client's certificate has to say it.
fn is_for_sign_in(certificate: &X509Certificate<'_>, is_authority: bool) -> Result<bool, CertificateError> {
    let usage = certificate.extended_key_usage().map_err(|error| malformed(&error))?;
    Ok(usage.map_or(is_authority, |usage| {
        let smart_card = usage.value.other.iter().any(|oid| oid.to_id_string() == SMART_CARD_LOGON);
        usage.value.client_auth || smart_card || (is_authority && usage.value.any)
    }))
}

/// What is wrong with a key; `None` when it is strong enough.
fn weakness(key: &PKey<Public>, min_rsa_bits: u32) -> Option<String> {
    match key.id() {
        Id::RSA | Id::RSA_PSS => (key.bits() < min_rsa_bits).then(|| format!("RSA with {} bits", key.bits())),
        Id::EC => {
            let curve = key.ec_key().ok().and_then(|key| key.group().curve_name());
            let accepted = [Nid::X9_62_PRIME256V1, Nid::SECP384R1, Nid::SECP521R1];
            (!curve.is_some_and(|curve| accepted.contains(&curve))).then(|| String::from("an unusual elliptic curve"))
        }
        Id::ED25519 => None,
        other => Some(format!("key type {}", other.as_raw())),
    }
}

/// RSASSA-PSS names its digest in its parameters, and SHA-1 by leaving them out.
fn pss_digest_is_strong(certificate: &X509Certificate<'_>) -> bool {
    use x509_parser::signature_algorithm::SignatureAlgorithm;
    match SignatureAlgorithm::try_from(&certificate.signature_algorithm) {
        Ok(SignatureAlgorithm::RSASSA_PSS(parameters)) => {
            STRONG_DIGESTS.contains(&parameters.hash_algorithm_oid().to_id_string().as_str())
        }
        _ => false,
    }
}

pub(super) fn parse(der: &[u8]) -> Result<X509Certificate<'_>, CertificateError> {
    match X509Certificate::from_der(der) {
        Ok(([], parsed)) => Ok(parsed),
        Ok(_) => Err(CertificateError::Malformed { reason: String::from("octets behind the certificate") }),
        Err(error) => Err(malformed(&error)),
    }
}

fn malformed(error: &dyn std::fmt::Display) -> CertificateError {
    CertificateError::Malformed { reason: error.to_string() }
}

fn is_authority(certificate: &X509Ref) -> Result<bool, CertificateError> {
    let der = certificate.to_der()?;
    Ok(parse(&der)?.is_ca())
}

fn is_self_signed(certificate: &X509Ref) -> bool {
    certificate.public_key().and_then(|key| certificate.verify(&key)).unwrap_or(false)
}

fn issuer_of(certificate: &X509Ref) -> String {
    certificate
        .to_der()
        .ok()
        .and_then(|der| parse(&der).ok().map(|parsed| parsed.issuer().to_string()))
        .unwrap_or_default()
}

/// `X509_V_ERR_…` of OpenSSL's public header, which the `openssl` crate keeps to itself.
mod openssl_code {
    pub(super) const UNABLE_TO_GET_ISSUER_CERT: i32 = 2;
    pub(super) const CERT_NOT_YET_VALID: i32 = 9;
    pub(super) const CERT_HAS_EXPIRED: i32 = 10;
    pub(super) const DEPTH_ZERO_SELF_SIGNED_CERT: i32 = 18;
    pub(super) const SELF_SIGNED_CERT_IN_CHAIN: i32 = 19;
    pub(super) const UNABLE_TO_GET_ISSUER_CERT_LOCALLY: i32 = 20;
    pub(super) const UNABLE_TO_VERIFY_LEAF_SIGNATURE: i32 = 21;
    pub(super) const PATH_LENGTH_EXCEEDED: i32 = 25;
}

const MIN_RSA_BITS: u32 = 2048;
/// Authorities between a client and its root.
const MAX_DEPTH: i32 = 6;
const SMART_CARD_LOGON: &str = "1.3.6.1.4.1.311.20.2.2";
const RSA_PSS: &str = "1.2.840.113549.1.1.10";
/// SHA-256, SHA-384 and SHA-512 with RSA; the same with ECDSA; Ed25519.
const STRONG_SIGNATURES: [&str; 7] = [
    "1.2.840.113549.1.1.11",
    "1.2.840.113549.1.1.12",
    "1.2.840.113549.1.1.13",
    "1.2.840.10045.4.3.2",
    "1.2.840.10045.4.3.3",
    "1.2.840.10045.4.3.4",
    "1.3.101.112",
];
/// SHA-1 with RSA and with ECDSA.
const SHA1_SIGNATURES: [&str; 2] = ["1.2.840.113549.1.1.5", "1.2.840.10045.4.1"];
/// SHA-256, SHA-384, SHA-512.
const STRONG_DIGESTS: [&str; 3] = ["2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.2", "2.16.840.1.101.3.4.2.3"];
