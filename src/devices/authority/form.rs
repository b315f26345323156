//! The forms of the two certificates: the authority's own, and a device's (device-registration.md 5.1).

use std::time::Duration;

use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{HasPrivate, HasPublic, PKeyRef};
use openssl::x509::extension::{BasicConstraints, KeyUsage, SubjectKeyIdentifier};
use openssl::x509::{X509, X509Name};
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;
use yasna::models::{GeneralizedTime, ObjectIdentifier, UTCTime};
use yasna::{DERWriter, DERWriterSeq, Tag, construct_der};

use super::{AuthorityError, DeviceCertificateRequest, name};
use crate::clock::UtcTime;

/// What two certificates of one form differ in besides their content.
pub(super) struct Form {
    /// Serial number, big-endian, positive.
    pub(super) serial: Vec<u8>,
    /// The time of making.
    pub(super) now: UtcTime,
}

impl Form {
    /// A device's certificate, DER. It is written here rather than by a library: one that reads the key and the names into objects
    /// of its own first takes several times as long as the signature.
    pub(super) fn device(
        &self,
        request: &DeviceCertificateRequest<'_>,
        issuer: &[u8],
        sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, AuthorityError>,
    ) -> Result<Vec<u8>, AuthorityError> {
        if !is_certifiable(request.public_key) {
            return Err(AuthorityError::DeviceKey);
        }
        let content = construct_der(|writer| writer.write_sequence(|fields| self.fields(fields, request, issuer)));
        let signature = sign(&content)?;
        Ok(construct_der(|writer| {
            writer.write_sequence(|certificate| {
                certificate.next().write_der(&content);
                signature_algorithm(certificate.next());
                certificate.next().write_bitvec_bytes(&signature, signature.len() * 8);
            });
        }))
    }

    /// What the signature is made over.
    fn fields(&self, fields: &mut DERWriterSeq<'_>, request: &DeviceCertificateRequest<'_>, issuer: &[u8]) {
        fields.next().write_tagged(Tag::context(0), |version| version.write_u8(2));
        fields.next().write_bigint_bytes(&self.serial, true);
        signature_algorithm(fields.next());
        fields.next().write_der(issuer);
        fields.next().write_sequence(|validity| {
            time(validity.next(), self.now.minus(BACKDATED));
            time(validity.next(), self.end_of_device());
        });
        name::device(fields.next(), request.device);
        fields.next().write_der(request.public_key);
        let identifiers = [
            (1, request.place.invocation.to_directory_bytes()),
            (2, request.device.0.to_bytes_le()),
            (3, request.account.to_directory_bytes()),
            (4, request.place.domain.to_directory_bytes()),
        ];
        fields.next().write_tagged(Tag::context(3), |writer| {
            writer.write_sequence(|extensions| {
                extension(extensions.next(), BASIC_CONSTRAINTS, true, &EMPTY_SEQUENCE);
                extension(extensions.next(), EXTENDED_KEY_USAGE, true, &CLIENT_AUTHENTICATION);
                for (number, octets) in &identifiers {
                    private(extensions.next(), *number, octets);
                }
                private(extensions.next(), 7, JOINED);
            });
        });
    }

    /// The authority's own certificate.
    pub(super) fn authority(
        &self,
        subject: &X509Name,
        key: &PKeyRef<impl HasPrivate + HasPublic>,
    ) -> Result<X509, AuthorityError> {
        let time = |at: UtcTime| Asn1Time::from_unix(at.unix_seconds());
        let mut builder = X509::builder()?;
        builder.set_version(2)?;
        let serial = Asn1Integer::from_bn(&*BigNum::from_slice(&self.serial)?)?;
        builder.set_serial_number(&serial)?;
        builder.set_subject_name(subject)?;
        builder.set_issuer_name(subject)?;
        builder.set_not_before(&*time(self.now.minus(BACKDATED))?)?;
        builder.set_not_after(&*time(self.now.plus(AUTHORITY_LIFETIME))?)?;
        builder.set_pubkey(key)?;
        builder.append_extension(BasicConstraints::new().critical().ca().pathlen(0).build()?)?;
        // It also signs what key provisioning answers.
        let usage = KeyUsage::new().critical().key_cert_sign().crl_sign().digital_signature().build()?;
        builder.append_extension(usage)?;
        let identifier = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
        builder.append_extension(identifier)?;
        builder.sign(key, MessageDigest::sha256())?;
        Ok(builder.build())
    }

    /// When a device's certificate ends.
    pub(super) fn end_of_device(&self) -> UtcTime {
        self.now.plus(DEVICE_LIFETIME)
    }
}

/// Whether the key (DER of a `SubjectPublicKeyInfo`) is an RSA key of a size that certificates are issued for.
fn is_certifiable(public_key: &[u8]) -> bool {
    let Ok((rest, key)) = SubjectPublicKeyInfo::from_der(public_key) else { return false };
    let size = match key.parsed() {
        Ok(PublicKey::RSA(key)) => key.key_size(),
        _ => return false,
    };
    rest.is_empty() && (2048..=8192).contains(&size)
}

/// sha256WithRSAEncryption.
fn signature_algorithm(writer: DERWriter<'_>) {
    writer.write_sequence(|algorithm| {
        algorithm.next().write_oid(&ObjectIdentifier::from_slice(&[1, 2, 840, 113_549, 1, 1, 11]));
        algorithm.next().write_null();
    });
}

/// Until the end of 2049 `UTCTime`, then `GeneralizedTime` (RFC 5280 section 4.1.2.5), to the second.
fn time(writer: DERWriter<'_>, at: UtcTime) {
    let at = UtcTime::from_unix_seconds(at.unix_seconds()).civil();
    if at.year() < 2050 {
        writer.write_utctime(&UTCTime::from_datetime(at));
    } else {
        writer.write_generalized_time(&GeneralizedTime::from_datetime(at));
    }
}

/// A private extension: an octet string inside the octet string, with a length of two octets where DER wants one. Clients have
/// read it so since 2013.
fn private(writer: DERWriter<'_>, number: u64, value: &[u8]) {
    // 16 octets at most.
    let length = u8::try_from(value.len()).unwrap_or(u8::MAX);
    let content = [&[0x04, 0x81, length][..], value].concat();
    extension(writer, &[1, 2, 840, 113_556, 1, 5, 284, number], false, &content);
}

fn extension(writer: DERWriter<'_>, kind: &[u64], critical: bool, content: &[u8]) {
    writer.write_sequence(|extension| {
        extension.next().write_oid(&ObjectIdentifier::from_slice(kind));
        if critical {
            extension.next().write_bool(true);
        }
        extension.next().write_bytes(content);
    });
}

const BASIC_CONSTRAINTS: &[u64] = &[2, 5, 29, 19];
const EXTENDED_KEY_USAGE: &[u64] = &[2, 5, 29, 37];
/// `basicConstraints` of a certificate that issues none.
const EMPTY_SEQUENCE: [u8; 2] = [0x30, 0x00];
/// `extendedKeyUsage` with 1.3.6.1.5.5.7.3.2 alone.
const CLIENT_AUTHENTICATION: [u8; 12] = [0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];
/// Extension .7: what every certificate of AD FS says, whoever joined.
const JOINED: &[u8] = b"1";

const BACKDATED: Duration = Duration::from_mins(10);
/// How long a device's certificate is good.
pub const DEVICE_LIFETIME: Duration = Duration::from_hours(3650 * 24);
/// A certificate issued on the last day of the first half still has its ten years.
const AUTHORITY_LIFETIME: Duration = Duration::from_hours(2 * 3650 * 24);
