//! The authority's name: one relative distinguished name that holds everything (device-registration.md 5.1).

use openssl::x509::X509Name;
use uuid::Uuid;
use yasna::models::ObjectIdentifier;
use yasna::{DERWriter, construct_der};

use super::AuthorityError;

/// `DC=corp + DC=example + CN=MS-Organization-Access + OU=<farm>` in one SET. A name from a list of attributes, as libraries write
/// it, would be another name: a client's chain would not close.
pub(super) fn authority(domain: &str, farm: Uuid) -> Result<X509Name, AuthorityError> {
    let labels: Vec<&str> = domain.split('.').collect();
    let legal = |label: &&str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if labels.len() > MAX_LABELS || !labels.iter().all(legal) {
        return Err(AuthorityError::DomainName(domain.to_owned()));
    }
    let der = construct_der(|writer| {
        writer.write_sequence(|name| {
            // A SET OF is sorted by its encodings: the short ones first.
            name.next().write_set_of(|attributes| {
                for label in &labels {
                    attribute(attributes.next(), &DOMAIN_COMPONENT, |value| value.write_ia5_string(label));
                }
                attribute(attributes.next(), &COMMON_NAME, |value| value.write_printable_string(ISSUER));
                attribute(attributes.next(), &ORGANIZATIONAL_UNIT, |value| {
                    value.write_printable_string(&farm.hyphenated().to_string());
                });
            });
        });
    });
    Ok(X509Name::from_der(&der)?)
}

/// Writes the name of a device.
pub(super) fn device(writer: DERWriter<'_>, id: super::DeviceId) {
    writer.write_sequence(|name| {
        name.next().write_set_of(|attributes| {
            attribute(attributes.next(), &COMMON_NAME, |value| value.write_printable_string(&id.to_string()));
        });
    });
}

fn attribute(writer: DERWriter<'_>, kind: &[u64], value: impl FnOnce(DERWriter<'_>)) {
    writer.write_sequence(|pair| {
        pair.next().write_oid(&ObjectIdentifier::from_slice(kind));
        value(pair.next());
    });
}

const DOMAIN_COMPONENT: [u64; 7] = [0, 9, 2342, 19_200_300, 100, 1, 25];
const COMMON_NAME: [u64; 4] = [2, 5, 4, 3];
const ORGANIZATIONAL_UNIT: [u64; 4] = [2, 5, 4, 11];
const ISSUER: &str = "MS-Organization-Access";

/// A DNS name has 127 at most.
const MAX_LABELS: usize = 32;
