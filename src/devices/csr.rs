//! The certificate request (PKCS#10) a device sends: its public key, and the proof that it holds the private one.
//!
//! Nothing else of it is read. The subject is a fixed marker that Windows writes with a NUL at its end, other clients write
//! what they like, and AD FS ignores it; extensions asked for are ignored too, so whatever they hold cannot matter. The
//! signature decides over the octets that the key was read from, by the one algorithm named beside it.

use aws_lc_rs::signature::{RsaParameters, UnparsedPublicKey};
use x509_parser::asn1_rs::{Any, Class, FromDer as _, Tag};
use yasna::construct_der;
use yasna::models::ObjectIdentifier;

use super::key_strength::{WeakKey, check_rsa};
use super::rsa_signature::{is_sha1, verification};

/// A request whose signature is good.
#[derive(Debug, Clone)]
pub struct CertificateRequest {
    public_key: Vec<u8>,
}

/// Whether requests signed with SHA-1 are taken, as early releases of Windows 8.1 make them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sha1Requests {
    /// They are refused.
    #[default]
    Refused,
    /// They are taken.
    Accepted,
}

/// Why a certificate request is refused.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CsrError {
    /// More octets than any request has.
    #[error("the certificate request has {octets} octets, more than {MAX_OCTETS}")]
    TooLarge {
        /// Its octets.
        octets: usize,
    },
    /// No PKCS#10 request in DER.
    #[error("the certificate request is not readable: {0}")]
    Malformed(&'static str),
    /// A signature algorithm that is not taken.
    #[error("the certificate request is signed with {0}, which is not accepted")]
    Algorithm(String),
    /// A key that is not RSA.
    #[error("the key in the certificate request is not an RSA key")]
    KeyType,
    /// A key that is too weak.
    #[error("certificate request: {0}")]
    Weak(#[from] WeakKey),
    /// The signature is not by the key in the request.
    #[error("the signature of the certificate request is wrong")]
    Signature,
}

impl CertificateRequest {
    /// Reads a request and checks its signature.
    ///
    /// # Errors
    /// [`CsrError`].
    pub fn read(der: &[u8], sha1: Sha1Requests) -> Result<Self, CsrError> {
        if der.len() > MAX_OCTETS {
            return Err(CsrError::TooLarge { octets: der.len() });
        }
        let mut outer = Values(der);
        let mut request = Values(outer.next(Tag::Sequence)?.content);
        outer.end()?;
        let info = request.next(Tag::Sequence)?;
        let mut algorithm = Values(request.next(Tag::Sequence)?.content);
        let algorithm = algorithm.next(Tag::Oid)?.content;
        let signature = request.next(Tag::BitString)?.content;
        request.end()?;
        let Some((0, signature)) = signature.split_first() else {
            return Err(CsrError::Malformed("its signature is no whole number of octets"));
        };
        let key = RsaKey::of_request(info.content)?;
        check_rsa(key.modulus, key.exponent, &(2048..=4096), 3)?;
        let verified = UnparsedPublicKey::new(accepted(algorithm, sha1)?, key.to_der());
        verified.verify(info.whole, signature).map_err(|_| CsrError::Signature)?;
        Ok(Self { public_key: key.to_subject_public_key_info() })
    }

    /// The public key: DER of a `SubjectPublicKeyInfo`.
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }
}

/// The numbers of a key, big-endian, without leading zeros.
struct RsaKey<'a> {
    modulus: &'a [u8],
    exponent: &'a [u8],
}

impl<'a> RsaKey<'a> {
    /// The key in a `CertificationRequestInfo`: version, subject, `SubjectPublicKeyInfo`, attributes.
    fn of_request(info: &'a [u8]) -> Result<Self, CsrError> {
        let mut info = Values(info);
        if info.next(Tag::Integer)?.content != [0] {
            return Err(CsrError::Malformed("its version is not 1"));
        }
        info.next(Tag::Sequence)?;
        let mut info = Values(info.next(Tag::Sequence)?.content);
        // RSASSA-PSS keys have their own identifier, and none of the signatures taken here.
        if Values(info.next(Tag::Sequence)?.content).next(Tag::Oid)?.content != RSA_ENCRYPTION {
            return Err(CsrError::KeyType);
        }
        let Some((0, key)) = info.next(Tag::BitString)?.content.split_first() else { return Err(DAMAGED_KEY) };
        let mut outer = Values(key);
        let mut numbers = Values(outer.next(Tag::Sequence).map_err(|_| DAMAGED_KEY)?.content);
        let mut number = || positive(numbers.next(Tag::Integer).ok()?.content).filter(|number| !number.is_empty());
        let (modulus, exponent) = (number().ok_or(DAMAGED_KEY)?, number().ok_or(DAMAGED_KEY)?);
        if numbers.end().and(outer.end()).is_err() {
            return Err(DAMAGED_KEY);
        }
        Ok(Self { modulus, exponent })
    }

    /// DER of the `RSAPublicKey`.
    fn to_der(&self) -> Vec<u8> {
        construct_der(|writer| {
            writer.write_sequence(|key| {
                key.next().write_bigint_bytes(self.modulus, true);
                key.next().write_bigint_bytes(self.exponent, true);
            });
        })
    }

    fn to_subject_public_key_info(&self) -> Vec<u8> {
        let key = self.to_der();
        construct_der(|writer| {
            writer.write_sequence(|info| {
                info.next().write_sequence(|algorithm| {
                    algorithm.next().write_oid(&ObjectIdentifier::from_slice(&[1, 2, 840, 113_549, 1, 1, 1]));
                    algorithm.next().write_null();
                });
                info.next().write_bitvec_bytes(&key, key.len() * 8);
            });
        })
    }
}

/// The octets of a number that DER writes as positive, without the zero that keeps it so.
fn positive(content: &[u8]) -> Option<&[u8]> {
    match content {
        [0, rest @ ..] => rest.first().is_none_or(|next| next & 0x80 != 0).then_some(rest),
        [first, ..] => (first & 0x80 == 0).then_some(content),
        [] => None,
    }
}

fn accepted(algorithm: &[u8], sha1: Sha1Requests) -> Result<&'static RsaParameters, CsrError> {
    if is_sha1(algorithm) && sha1 == Sha1Requests::Refused {
        return Err(CsrError::Algorithm(String::from("SHA-1")));
    }
    verification(algorithm).ok_or_else(|| {
        let name = x509_parser::asn1_rs::Oid::new(algorithm.into()).to_id_string();
        CsrError::Algorithm(name.chars().take(MAX_SHOWN).collect())
    })
}

/// DER values that stand one behind the other.
struct Values<'a>(&'a [u8]);

struct Value<'a> {
    whole: &'a [u8],
    content: &'a [u8],
}

impl<'a> Values<'a> {
    fn next(&mut self, tag: Tag) -> Result<Value<'a>, CsrError> {
        let (rest, any) = Any::from_der(self.0).map_err(|_| CsrError::Malformed("it is no DER"))?;
        if any.tag() != tag || any.class() != Class::Universal {
            return Err(CsrError::Malformed("it is no PKCS#10 request"));
        }
        let whole = self.0.get(..self.0.len() - rest.len()).unwrap_or_default();
        self.0 = rest;
        Ok(Value { whole, content: any.data })
    }

    const fn end(&self) -> Result<(), CsrError> {
        if self.0.is_empty() { Ok(()) } else { Err(CsrError::Malformed("something follows it")) }
    }
}

/// A request with a 4096-bit key and several extensions has less than 3 KiB.
const MAX_OCTETS: usize = 16 << 10;
const MAX_SHOWN: usize = 64;
const DAMAGED_KEY: CsrError = CsrError::Malformed("its key is damaged");

/// 1.2.840.113549.1.1.1
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];

#[cfg(test)]
mod tests {
    use openssl::hash::MessageDigest;
    use openssl::pkey::{PKey, Private};
    use openssl::rsa::Rsa;
    use openssl::sign::Signer;
    use openssl::x509::{X509NameBuilder, X509ReqBuilder};

    use super::*;
    use crate::devices::rsa_signature::{OIW_SHA1_WITH_RSA, SHA1_WITH_RSA, SHA256_WITH_RSA, SHA384_WITH_RSA};

    fn rsa(bits: u32) -> PKey<Private> {
        PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
    }

    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap();
        let mut value = vec![tag];
        match length {
            0..0x80 => value.push(u8::try_from(length).unwrap()),
            0x80..0x100 => value.extend([0x81, u8::try_from(length).unwrap()]),
            _ => value.extend([&[0x82], &length.to_be_bytes()[..]].concat()),
        }
        value.extend(content);
        value
    }

    /// As Windows makes it: CN is a marker with a NUL at its end in a `PrintableString`, attributes are `A0 00`.
    fn of_windows(key: &PKey<Private>, algorithm: &[u8], digest: MessageDigest) -> Vec<u8> {
        with_attributes(key, algorithm, digest, &[0xa0, 0])
    }

    fn with_attributes(key: &PKey<Private>, algorithm: &[u8], digest: MessageDigest, attributes: &[u8]) -> Vec<u8> {
        let spki = key.public_key_to_der().unwrap();
        let info = tlv(0x30, &[&[2, 1, 0][..], &subject(0x30), &spki, attributes].concat());
        tlv(0x30, &signed(key, &info, algorithm, digest, 0))
    }

    /// The subject, as a value of this tag.
    fn subject(tag: u8) -> Vec<u8> {
        let name = tlv(0x13, b"7E980AD9-B86D-4306-9425-9AC066FB014A\0");
        tlv(tag, &tlv(0x31, &tlv(0x30, &[&[0x06, 3, 0x55, 4, 3][..], &name].concat())))
    }

    /// What is signed, the algorithm, and the signature, of whose last octet so many bits are said to be unused.
    fn signed(key: &PKey<Private>, info: &[u8], algorithm: &[u8], digest: MessageDigest, unused: u8) -> Vec<u8> {
        let signature = Signer::new(digest, key).unwrap().sign_oneshot_to_vec(info).unwrap();
        let algorithm = tlv(0x30, &[&tlv(6, algorithm)[..], &[5, 0]].concat());
        [info, &algorithm, &tlv(3, &[&[unused][..], &signature].concat())].concat()
    }

    /// A request that is signed well over these parts before its attributes.
    fn of_parts(key: &PKey<Private>, parts: &[&[u8]]) -> Vec<u8> {
        let info = tlv(0x30, &[&parts.concat()[..], &[0xa0, 0]].concat());
        tlv(0x30, &signed(key, &info, SHA256_WITH_RSA, MessageDigest::sha256(), 0))
    }

    fn read(der: &[u8]) -> Result<CertificateRequest, CsrError> {
        CertificateRequest::read(der, Sha1Requests::Refused)
    }

    #[test]
    fn a_request_of_windows_with_its_nul() {
        let key = rsa(2048);
        let der = of_windows(&key, SHA256_WITH_RSA, MessageDigest::sha256());
        let request = read(&der).unwrap();
        assert_eq!(request.public_key(), key.public_key_to_der().unwrap());
        // OpenSSL reads the same.
        let theirs = openssl::x509::X509Req::from_der(&der).unwrap();
        assert!(theirs.verify(&theirs.public_key().unwrap()).unwrap());
    }

    #[test]
    fn a_request_of_openssl_with_any_subject() {
        let key = rsa(2048);
        let mut name = X509NameBuilder::new().unwrap();
        for (field, value) in [("C", "DE"), ("O", "Somebody"), ("CN", "Poste de Zoé")] {
            name.append_entry_by_text(field, value).unwrap();
        }
        let mut builder = X509ReqBuilder::new().unwrap();
        builder.set_subject_name(&name.build()).unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.sign(&key, MessageDigest::sha512()).unwrap();
        let request = read(&builder.build().to_der().unwrap()).unwrap();
        assert_eq!(request.public_key(), key.public_key_to_der().unwrap());
    }

    #[test]
    fn sha1_is_switchable_under_both_its_names() {
        let key = rsa(2048);
        for algorithm in [SHA1_WITH_RSA, OIW_SHA1_WITH_RSA] {
            let der = of_windows(&key, algorithm, MessageDigest::sha1());
            assert!(matches!(read(&der), Err(CsrError::Algorithm(_))));
            CertificateRequest::read(&der, Sha1Requests::Accepted).unwrap();
        }
    }

    #[test]
    fn the_signature_must_be_by_the_key_in_the_request() {
        let key = rsa(2048);
        let good = of_windows(&key, SHA256_WITH_RSA, MessageDigest::sha256());
        let mut changed = good.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(matches!(read(&changed), Err(CsrError::Signature)));
        // The key of somebody else, under the old signature.
        let (mine, theirs) = (key.public_key_to_der().unwrap(), rsa(2048).public_key_to_der().unwrap());
        let at = good.windows(mine.len()).position(|window| window == mine).unwrap();
        let mut foreign = good.clone();
        foreign[at..at + mine.len()].copy_from_slice(&theirs);
        assert!(matches!(read(&foreign), Err(CsrError::Signature)));
        // The digest is the one named, not one that happens to fit.
        let other_name = of_windows(&key, SHA384_WITH_RSA, MessageDigest::sha256());
        assert!(matches!(read(&other_name), Err(CsrError::Signature)));
    }

    #[test]
    fn weak_and_other_keys() {
        let weak = of_windows(&rsa(1024), SHA256_WITH_RSA, MessageDigest::sha256());
        assert!(matches!(read(&weak), Err(CsrError::Weak(WeakKey::Size { bits: 1024 }))));
        let group = openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::X9_62_PRIME256V1).unwrap();
        let curve = PKey::from_ec_key(openssl::ec::EcKey::generate(&group).unwrap()).unwrap();
        let ecdsa = of_windows(&curve, SHA256_WITH_RSA, MessageDigest::sha256());
        assert!(matches!(read(&ecdsa), Err(CsrError::KeyType)));
        let md5 = of_windows(&rsa(2048), &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4], MessageDigest::md5());
        assert!(matches!(read(&md5), Err(CsrError::Algorithm(name)) if name == "1.2.840.113549.1.1.4"));
    }

    #[test]
    fn numbers_that_der_does_not_write_so() {
        assert_eq!(positive(&[0x7f, 1]), Some(&[0x7f, 1][..]));
        assert_eq!(positive(&[0, 0x80, 1]), Some(&[0x80, 1][..]));
        for content in [&[][..], &[0x80, 1], &[0, 0x7f]] {
            assert_eq!(positive(content), None, "{content:?}");
        }
        assert_eq!(positive(&[0]), Some(&[][..]));
        // The modulus of a good request without the zero that makes it positive.
        let key = rsa(2048);
        let good = key.public_key_to_der().unwrap();
        let modulus = [&[2, 0x82, 1, 1, 0][..], &key.rsa().unwrap().n().to_vec()].concat();
        let at = good.windows(modulus.len()).position(|window| window == modulus).unwrap();
        let number = |modulus: &[u8], behind: &[u8]| {
            let pair = tlv(0x30, &[&tlv(2, modulus)[..], &tlv(2, &[1, 0, 1]), behind].concat());
            let algorithm = tlv(0x30, &[&tlv(6, RSA_ENCRYPTION)[..], &[5, 0]].concat());
            tlv(
                0x30,
                &[
                    &[2, 1, 0, 0x30, 0][..],
                    &tlv(0x30, &[&algorithm[..], &tlv(3, &[&[0][..], &pair].concat())].concat()),
                ]
                .concat(),
            )
        };
        let read = |info: &[u8]| RsaKey::of_request(Values(info).next(Tag::Sequence).unwrap().content).map(|_| ());
        let signed = &good[at + 4..at + modulus.len()];
        assert!(read(&number(signed, &[])).is_ok());
        for damaged in [number(&signed[1..], &[]), number(signed, &[5, 0]), number(&[0], &[])] {
            assert!(matches!(read(&damaged), Err(CsrError::Malformed("its key is damaged"))), "{:?}", read(&damaged));
        }
    }

    #[test]
    fn a_form_of_its_own_is_refused_however_well_it_is_signed() {
        let key = rsa(2048);
        let spki = key.public_key_to_der().unwrap();
        let name = subject(0x30);
        assert!(read(&of_parts(&key, &[&[2, 1, 0], &name, &spki])).is_ok());
        // Another version; a subject that is no sequence.
        for parts in [[&[2, 1, 1][..], &name, &spki], [&[2, 1, 0], &subject(0x31), &spki]] {
            assert!(matches!(read(&of_parts(&key, &parts)), Err(CsrError::Malformed(_))), "{parts:x?}");
        }
        // Something behind the signature, and a signature of no whole number of octets.
        let info = tlv(0x30, &[&[2, 1, 0][..], &name, &spki, &[0xa0, 0]].concat());
        let parts = |unused| signed(&key, &info, SHA256_WITH_RSA, MessageDigest::sha256(), unused);
        assert!(read(&tlv(0x30, &parts(0))).is_ok());
        for der in [tlv(0x30, &[&parts(0)[..], &[5, 0]].concat()), tlv(0x30, &parts(1))] {
            assert!(matches!(read(&der), Err(CsrError::Malformed(_))));
        }
        // A key for RSASSA-PSS alone.
        assert!(matches!(read(&of_parts(&key, &[&[2, 1, 0], &name, &pss(&key)])), Err(CsrError::KeyType)));
    }

    /// The same public key as one for RSASSA-PSS (1.2.840.113549.1.1.10).
    fn pss(key: &PKey<Private>) -> Vec<u8> {
        let algorithm = tlv(0x30, &tlv(6, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10]));
        let public = key.rsa().unwrap().public_key_to_der_pkcs1().unwrap();
        tlv(0x30, &[algorithm, tlv(3, &[&[0][..], &public].concat())].concat())
    }

    #[test]
    fn extensions_asked_for_are_not_read() {
        let key = rsa(2048);
        // basicConstraints CA, a subject alternative name cut short, and octets that are no extension at all.
        let hostile: &[&[u8]] = &[
            &tlv(0xa0, &tlv(0x30, &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 14, 0x31, 0x7f, 0x30])),
            &tlv(0xa0, &[0xff; 300]),
            &[],
        ];
        for attributes in hostile {
            let der = with_attributes(&key, SHA256_WITH_RSA, MessageDigest::sha256(), attributes);
            assert_eq!(read(&der).unwrap().public_key(), key.public_key_to_der().unwrap());
        }
    }

    #[test]
    fn what_is_no_request() {
        let good = of_windows(&rsa(2048), SHA256_WITH_RSA, MessageDigest::sha256());
        assert!(matches!(read(&[&good[..], &[0]].concat()), Err(CsrError::Malformed(_))));
        assert!(matches!(read(&vec![0x30; MAX_OCTETS + 1]), Err(CsrError::TooLarge { .. })));
        for length in 0..good.len() {
            assert!(read(&good[..length]).is_err(), "{length}");
        }
        for der in [&b""[..], b"\x30\x00", b"\x30\x80\x00\x00", b"-----BEGIN CERTIFICATE REQUEST-----"] {
            assert!(matches!(read(der), Err(CsrError::Malformed(_))));
        }
    }
}
