//! `altSecurityIdentities` of a device: `X509:<SHA1-TP-PUBKEY>`, a thumbprint and the hash of a key (device-registration.md 10.4).
//!
//! The specification prints a plus between the two; it means that one follows the other, and is no character.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::devices::CertificateMark;

impl CertificateMark {
    /// The mark of a certificate, DER.
    ///
    /// # Errors
    /// [`NoCertificate`] when it is none.
    pub fn of(certificate: &[u8]) -> Result<Self, NoCertificate> {
        let (rest, parsed) = X509Certificate::from_der(certificate).map_err(|_| NoCertificate)?;
        if !rest.is_empty() {
            return Err(NoCertificate);
        }
        let public_key = &*parsed.public_key().subject_public_key.data;
        Ok(Self {
            thumbprint: hash(&digest::SHA1_FOR_LEGACY_USE_ONLY, certificate),
            public_key: hash(&digest::SHA256, public_key),
        })
    }

    /// The value of `altSecurityIdentities`.
    pub fn to_text(&self) -> String {
        format!("{PREFIX}{}{}", hex::encode_upper(self.thumbprint), STANDARD.encode(self.public_key))
    }

    /// Reads a value of `altSecurityIdentities`; `None` for one of another form. The directory compares without regard to
    /// case, the hash of the key does not: who searched by a mark compares what was found.
    pub fn from_text(text: &str) -> Option<Self> {
        let head = text.get(..PREFIX.len()).filter(|head| head.eq_ignore_ascii_case(PREFIX))?;
        let (thumbprint, public_key) = text.get(head.len()..)?.split_at_checked(40)?;
        Some(Self {
            thumbprint: hex::decode(thumbprint).ok()?.try_into().ok()?,
            public_key: STANDARD.decode(public_key).ok()?.try_into().ok()?,
        })
    }
}

/// The octets are no X.509 certificate, or hold more than one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not an X.509 certificate")]
pub struct NoCertificate;

/// An algorithm's digest is as long as its caller says; anything else would be a defect of the library.
fn hash<const N: usize>(algorithm: &'static digest::Algorithm, octets: &[u8]) -> [u8; N] {
    digest::digest(algorithm, octets).as_ref().try_into().unwrap_or([0; N])
}

const PREFIX: &str = "X509:<SHA1-TP-PUBKEY>";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::devices::samples;

    #[test]
    fn the_reference_certificate_has_the_reference_mark() {
        let mark = CertificateMark::of(&samples::certificate()).unwrap();
        assert_eq!(mark.to_text(), samples::ALT_SECURITY_IDENTITY);
        assert_eq!(mark.to_text().len(), 105);
        assert_eq!(CertificateMark::from_text(samples::ALT_SECURITY_IDENTITY), Some(mark));
    }

    #[test]
    fn the_hash_of_the_key_is_told_by_case() {
        let swapped = samples::ALT_SECURITY_IDENTITY.replace("1vGSUL", "1VgsUL");
        assert_ne!(CertificateMark::from_text(&swapped), CertificateMark::from_text(samples::ALT_SECURITY_IDENTITY));
    }

    #[test]
    fn other_mappings_are_no_marks() {
        for text in ["", "X509:<SHA1-TP-PUBKEY>", "X509:<I>DC=a<S>CN=b", "Kerberos:a@B", "X509:<SHA1-TP-PUBKEY>zz"] {
            assert_eq!(CertificateMark::from_text(text), None, "{text}");
        }
        assert_eq!(CertificateMark::from_text(&format!("{}=", samples::ALT_SECURITY_IDENTITY)), None);
        let of_another_kind = samples::ALT_SECURITY_IDENTITY.replace("PUBKEY>", "SPKIKY>");
        assert_eq!(CertificateMark::from_text(&of_another_kind), None);
        assert_eq!(CertificateMark::of(b"no certificate"), Err(NoCertificate));
        assert_eq!(CertificateMark::of(&[samples::certificate(), vec![0]].concat()), Err(NoCertificate));
    }

    proptest! {
        #[test]
        fn round_trip(thumbprint: [u8; 20], public_key: [u8; 32]) {
            let mark = CertificateMark { thumbprint, public_key };
            prop_assert_eq!(CertificateMark::from_text(&mark.to_text()), Some(mark));
        }

        #[test]
        fn any_text_is_read_or_not(text in "(X509:<SHA1-TP-PUBKEY>)?.{0,120}") {
            let _ = CertificateMark::from_text(&text);
        }
    }
}
