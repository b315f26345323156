//! The forms of the two certificates: the authority's own, and a device's (device-registration.md 5.1).

use std::time::Duration;

use openssl::asn1::{Asn1Integer, Asn1Object, Asn1OctetString, Asn1Time};
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{HasPrivate, HasPublic, Id, PKey, PKeyRef};
use openssl::x509::extension::{BasicConstraints, KeyUsage, SubjectKeyIdentifier};
use openssl::x509::{X509, X509Builder, X509Extension, X509Name, X509NameRef};

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
    /// A device's certificate.
    pub(super) fn device(
        &self,
        request: &DeviceCertificateRequest<'_>,
        issuer: &X509NameRef,
        key: &PKeyRef<impl HasPrivate>,
    ) -> Result<X509, AuthorityError> {
        let public_key = PKey::public_key_from_der(request.public_key).map_err(|_| AuthorityError::DeviceKey)?;
        if public_key.id() != Id::RSA || !(2048..=8192).contains(&public_key.bits()) {
            return Err(AuthorityError::DeviceKey);
        }
        let subject = name::device(request.device)?;
        let mut builder = self.builder(&subject, issuer, &public_key, self.end_of_device())?;
        builder.append_extension(extension("2.5.29.19", true, &EMPTY_SEQUENCE)?)?;
        builder.append_extension(extension("2.5.29.37", true, &CLIENT_AUTHENTICATION)?)?;
        let identifiers = [
            (1, request.place.invocation.to_directory_bytes()),
            (2, request.device.0.to_bytes_le()),
            (3, request.account.to_directory_bytes()),
            (4, request.place.domain.to_directory_bytes()),
        ];
        for (number, octets) in identifiers {
            builder.append_extension(private(number, &octets)?)?;
        }
        builder.append_extension(private(7, JOINED)?)?;
        builder.sign(key, MessageDigest::sha256())?;
        Ok(builder.build())
    }

    /// The authority's own certificate.
    pub(super) fn authority(
        &self,
        subject: &X509Name,
        key: &PKeyRef<impl HasPrivate + HasPublic>,
    ) -> Result<X509, AuthorityError> {
        let mut builder = self.builder(subject, subject, key, self.now.plus(AUTHORITY_LIFETIME))?;
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

    fn builder(
        &self,
        subject: &X509NameRef,
        issuer: &X509NameRef,
        key: &PKeyRef<impl HasPublic>,
        end: UtcTime,
    ) -> Result<X509Builder, AuthorityError> {
        let mut builder = X509::builder()?;
        builder.set_version(2)?;
        let serial = Asn1Integer::from_bn(&*BigNum::from_slice(&self.serial)?)?;
        builder.set_serial_number(&serial)?;
        builder.set_subject_name(subject)?;
        builder.set_issuer_name(issuer)?;
        builder.set_not_before(&*time(self.now.minus(BACKDATED))?)?;
        builder.set_not_after(&*time(end)?)?;
        builder.set_pubkey(key)?;
        Ok(builder)
    }
}

fn time(at: UtcTime) -> Result<Asn1Time, AuthorityError> {
    Ok(Asn1Time::from_unix(at.unix_seconds())?)
}

/// A private extension: an octet string inside the octet string, with a length of two octets where DER wants one. Clients have
/// read it so since 2013.
fn private(number: u8, value: &[u8]) -> Result<X509Extension, AuthorityError> {
    let length = u8::try_from(value.len()).map_err(|_| AuthorityError::DeviceKey)?;
    let content = [&[0x04, 0x81, length][..], value].concat();
    extension(&format!("1.2.840.113556.1.5.284.{number}"), false, &content)
}

fn extension(kind: &str, critical: bool, content: &[u8]) -> Result<X509Extension, AuthorityError> {
    let kind = Asn1Object::from_str(kind)?;
    Ok(X509Extension::new_from_der(&kind, critical, &*Asn1OctetString::new_from_bytes(content)?)?)
}

/// `basicConstraints` of a certificate that issues none.
const EMPTY_SEQUENCE: [u8; 2] = [0x30, 0x00];
/// `extendedKeyUsage` with 1.3.6.1.5.5.7.3.2 alone.
const CLIENT_AUTHENTICATION: [u8; 12] = [0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];
/// Extension .7: what every certificate of AD FS says, whoever joined.
const JOINED: &[u8] = b"1";

const BACKDATED: Duration = Duration::from_mins(10);
const DEVICE_LIFETIME: Duration = Duration::from_hours(3650 * 24);
/// A certificate issued on the last day of the first half still has its ten years.
const AUTHORITY_LIFETIME: Duration = Duration::from_hours(2 * 3650 * 24);
