//! Whether a certificate was issued by one of several authorities. Says nothing of time, and nothing of the registry.

use aws_lc_rs::signature::UnparsedPublicKey;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::devices::rsa_signature::verification;

/// Whether one of `issuers` (DER certificates) issued `certificate`: the names are the same octets, and the signature is good.
pub fn is_issued_by_one(certificate: &[u8], issuers: &[Vec<u8>]) -> bool {
    let Some(certificate) = read(certificate) else { return false };
    let algorithm = &certificate.signature_algorithm;
    // The signed part names the algorithm too, and only that is protected.
    let Some(verification) =
        verification(algorithm.algorithm.as_bytes()).filter(|_| certificate.tbs_certificate.signature == *algorithm)
    else {
        return false;
    };
    issuers.iter().filter_map(|issuer| read(issuer)).any(|issuer| {
        let key = UnparsedPublicKey::new(verification, &issuer.public_key().subject_public_key.data);
        issuer.subject().as_raw() == certificate.issuer().as_raw()
            && key.verify(certificate.tbs_certificate.as_ref(), &certificate.signature_value.data).is_ok()
    })
}

fn read(der: &[u8]) -> Option<X509Certificate<'_>> {
    X509Certificate::from_der(der).ok().filter(|(rest, _)| rest.is_empty()).map(|(_, certificate)| certificate)
}
