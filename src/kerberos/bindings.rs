//! Channel bindings: tying a ticket to the TLS connection it travels in (RFC 5056, `tls-server-end-point` of RFC 5929).
//!
//! Knows certificates and the policy, not how GSSAPI compares.

use aws_lc_rs::digest::{self, Algorithm};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::signature_algorithm::SignatureAlgorithm;

/// How much a ticket must be tied to the connection; AD FS' `ExtendedProtectionTokenCheck`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum BindingPolicy {
    /// Not looked at: where TLS ends at a proxy whose certificate is not known here.
    #[default]
    None,
    /// A client that binds must bind to our certificate; one that does not bind is let in.
    Allow,
    /// Every client must bind to our certificate.
    Require,
}

/// The policy with the certificates that clients may see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChannelBindings {
    policy: BindingPolicy,
    candidates: Vec<Vec<u8>>,
}

impl ChannelBindings {
    /// Bindings are not looked at.
    pub const fn none() -> Self {
        Self { policy: BindingPolicy::None, candidates: Vec::new() }
    }

    /// Bindings to any of these certificates (DER): our own, or the ones of the proxies in front; several while one is being
    /// replaced. Duplicates count once.
    ///
    /// # Errors
    /// [`BindingsError`] for a certificate that has no defined binding, and when the policy needs certificates and gets none or
    /// more than eight.
    pub fn new(policy: BindingPolicy, certificates: &[impl AsRef<[u8]>]) -> Result<Self, BindingsError> {
        if policy == BindingPolicy::None {
            return Ok(Self::none());
        }
        let mut candidates = Vec::new();
        for certificate in certificates {
            let data = tls_server_end_point(certificate.as_ref())?;
            if !candidates.contains(&data) {
                candidates.push(data);
            }
        }
        match candidates.len() {
            0 => Err(BindingsError::NoCertificate),
            1..=MAX_CANDIDATES => Ok(Self { policy, candidates }),
            count => Err(BindingsError::TooMany(count)),
        }
    }

    /// The policy.
    pub const fn policy(&self) -> BindingPolicy {
        self.policy
    }

    /// The application data to try, one after the other; empty for [`BindingPolicy::None`].
    pub(super) fn candidates(&self) -> &[Vec<u8>] {
        &self.candidates
    }
}

/// The application data of the bindings to this certificate (DER): the prefix of RFC 5929 4.1 and a hash of the certificate, by the
/// hash function of its signature, SHA-256 in place of MD5 and SHA-1.
///
/// # Errors
/// [`BindingsError::Certificate`] and [`BindingsError::UndefinedHash`].
pub fn tls_server_end_point(certificate: &[u8]) -> Result<Vec<u8>, BindingsError> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| BindingsError::Certificate)?;
    let hash = digest::digest(signature_hash(&parsed)?, certificate);
    Ok([b"tls-server-end-point:", hash.as_ref()].concat())
}

/// Why there are no bindings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindingsError {
    /// Not a certificate in DER.
    #[error("the certificate for channel bindings cannot be read")]
    Certificate,
    /// RFC 5929 defines no binding for a signature without exactly one known hash function.
    #[error("RFC 5929 defines no channel binding for a certificate signed by algorithm {0}")]
    UndefinedHash(String),
    /// The policy needs a certificate.
    #[error("channel bindings are asked for without a certificate")]
    NoCertificate,
    /// Each candidate costs one more attempt per sign-in.
    #[error("{0} certificates for channel bindings; at most {MAX_CANDIDATES} are tried")]
    TooMany(usize),
}

fn signature_hash(certificate: &X509Certificate<'_>) -> Result<&'static Algorithm, BindingsError> {
    let algorithm = &certificate.signature_algorithm;
    let signature = algorithm.algorithm.to_id_string();
    let hash = match SignatureAlgorithm::try_from(algorithm) {
        Ok(SignatureAlgorithm::RSASSA_PSS(parameters)) => parameters.hash_algorithm_oid().to_id_string(),
        _ => signature.clone(),
    };
    match hash.as_str() {
        // MD5 and SHA-1 with RSA, SHA-1 with DSA and ECDSA, SHA-1 in PSS; then SHA-256 with the same and in PSS.
        "1.2.840.113549.1.1.4"
        | "1.2.840.113549.1.1.5"
        | "1.2.840.10040.4.3"
        | "1.2.840.10045.4.1"
        | "1.3.14.3.2.26"
        | "1.2.840.113549.1.1.11"
        | "1.2.840.10045.4.3.2"
        | "2.16.840.1.101.3.4.3.2"
        | "2.16.840.1.101.3.4.2.1" => Ok(&digest::SHA256),
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" | "2.16.840.1.101.3.4.2.2" => Ok(&digest::SHA384),
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" | "2.16.840.1.101.3.4.2.3" => Ok(&digest::SHA512),
        _ => Err(BindingsError::UndefinedHash(signature)),
    }
}

const MAX_CANDIDATES: usize = 8;

#[cfg(test)]
mod tests {
    use openssl::asn1::Asn1Time;
    use openssl::hash::MessageDigest;
    use openssl::pkey::{PKey, Private};
    use openssl::x509::{X509, X509Name};

    use super::*;

    fn certificate(key: &PKey<Private>, hash: MessageDigest, name: &str) -> Vec<u8> {
        let mut subject = X509Name::builder().unwrap();
        subject.append_entry_by_text("CN", name).unwrap();
        let subject = subject.build();
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        builder.set_subject_name(&subject).unwrap();
        builder.set_issuer_name(&subject).unwrap();
        builder.set_not_before(&Asn1Time::from_unix(0).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::from_unix(2_000_000_000).unwrap()).unwrap();
        builder.set_pubkey(key).unwrap();
        builder.sign(key, hash).unwrap();
        builder.build().to_der().unwrap()
    }

    fn rsa() -> PKey<Private> {
        PKey::from_rsa(openssl::rsa::Rsa::generate(2048).unwrap()).unwrap()
    }

    #[test]
    fn the_hash_is_the_signatures_but_never_a_broken_one() {
        let group = openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::X9_62_PRIME256V1).unwrap();
        let ec = PKey::from_ec_key(openssl::ec::EcKey::generate(&group).unwrap()).unwrap();
        let rsa = rsa();
        let mut generator = openssl::pkey_ctx::PkeyCtx::new_id(openssl::pkey::Id::RSA_PSS).unwrap();
        generator.keygen_init().unwrap();
        generator.set_rsa_keygen_bits(2048).unwrap();
        let pss = generator.keygen().unwrap();
        for (key, signed_with, expected) in [
            (&rsa, MessageDigest::sha1(), &digest::SHA256),
            (&rsa, MessageDigest::sha256(), &digest::SHA256),
            (&rsa, MessageDigest::sha384(), &digest::SHA384),
            (&rsa, MessageDigest::sha512(), &digest::SHA512),
            (&pss, MessageDigest::sha256(), &digest::SHA256),
            (&pss, MessageDigest::sha384(), &digest::SHA384),
            (&ec, MessageDigest::sha256(), &digest::SHA256),
            (&ec, MessageDigest::sha384(), &digest::SHA384),
        ] {
            let certificate = certificate(key, signed_with, "sts.corp.example");
            let data = tls_server_end_point(&certificate).unwrap();
            let hash = data.strip_prefix(b"tls-server-end-point:").unwrap();
            assert_eq!(hash, digest::digest(expected, &certificate).as_ref());
        }
    }

    #[test]
    fn a_signature_without_a_hash_has_no_binding() {
        let key = PKey::generate_ed25519().unwrap();
        let certificate = certificate(&key, MessageDigest::null(), "sts.corp.example");
        assert_eq!(tls_server_end_point(&certificate), Err(BindingsError::UndefinedHash("1.3.101.112".into())));
        assert_eq!(tls_server_end_point(b"no certificate"), Err(BindingsError::Certificate));
    }

    #[test]
    fn a_policy_needs_its_certificates_and_not_too_many() {
        let key = rsa();
        let certificates: Vec<_> =
            (0..9).map(|n| certificate(&key, MessageDigest::sha256(), &format!("host{n}"))).collect();
        let nothing: [&[u8]; 0] = [];
        assert_eq!(ChannelBindings::new(BindingPolicy::None, &certificates), Ok(ChannelBindings::none()));
        assert_eq!(ChannelBindings::new(BindingPolicy::Require, &nothing), Err(BindingsError::NoCertificate));
        assert_eq!(ChannelBindings::new(BindingPolicy::Allow, &certificates), Err(BindingsError::TooMany(9)));
        let twice = [&certificates[0], &certificates[0]];
        assert_eq!(ChannelBindings::new(BindingPolicy::Allow, &twice).unwrap().candidates().len(), 1);
    }
}
