//! The form of a device's certificate, field by field, as AD FS issues it (device-registration.md 5.1).

use x509_parser::prelude::X509Certificate;
use x509_parser::x509::X509Version;

use crate::clock::UtcTime;

/// In what a certificate differs from that form, one line each.
pub(super) fn differences(certificate: &X509Certificate<'_>, id: uuid::Uuid, now: UtcTime) -> Vec<String> {
    let mut wrong = Vec::new();
    head(certificate, &mut wrong);
    issuer(certificate, &mut wrong);
    validity(certificate, now, &mut wrong);
    standard_extensions(certificate, &mut wrong);
    identifiers(certificate, id, &mut wrong);
    if private(certificate, 7) != Some(b"1") {
        wrong.push(format!("the extension {ARC}.7 with the join flag is missing, or is not \"1\""));
    }
    wrong
}

/// Version, serial number and signature algorithm.
fn head(certificate: &X509Certificate<'_>, wrong: &mut Vec<String>) {
    if certificate.version() != X509Version::V3 {
        wrong.push(format!("it is of version {}, not 3", certificate.version().0 + 1));
    }
    let serial = certificate.raw_serial();
    let is_negative = serial.first().is_some_and(|first| first & 0x80 != 0);
    if is_negative || !(LEAST_SERIAL..=MOST_SERIAL).contains(&serial.len()) {
        wrong.push(format!("the serial number {} is negative, or not of 8 to 20 octets", hex::encode(serial)));
    }
    let algorithm = certificate.signature_algorithm.algorithm.to_id_string();
    if algorithm != SHA256_WITH_RSA || certificate.tbs_certificate.signature != certificate.signature_algorithm {
        wrong.push(format!("it is signed by {algorithm}, not by SHA-256 with RSA ({SHA256_WITH_RSA})"));
    }
}

/// One part of many values: every DNS label, the name, and a GUID.
fn issuer(certificate: &X509Certificate<'_>, wrong: &mut Vec<String>) {
    let issuer = certificate.issuer();
    let common: Vec<&str> = issuer.iter_common_name().filter_map(|name| name.as_str().ok()).collect();
    if common != ["MS-Organization-Access"] {
        wrong.push(format!("the issuer is {issuer}, without CN=MS-Organization-Access"));
    }
    if issuer.iter_rdn().count() != 1 {
        wrong.push(format!(
            "the issuer {issuer} is not one part with several values: Windows looks for the octets of that form"
        ));
    }
    let unit =
        issuer.iter_organizational_unit().next().and_then(|unit| uuid::Uuid::try_parse(unit.as_str().ok()?).ok());
    if unit.is_none() || !issuer.iter_attributes().any(|part| part.attr_type().to_id_string() == DOMAIN_COMPONENT) {
        wrong.push(format!("the issuer {issuer} lacks the labels of a domain (DC), or a GUID (OU)"));
    }
}

/// Ten years from ten minutes ago on.
fn validity(certificate: &X509Certificate<'_>, now: UtcTime, wrong: &mut Vec<String>) {
    let validity = certificate.validity();
    let (from, to) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    let now = now.unix_seconds();
    if from > now || to < now {
        wrong.push(format!("it is valid from {} to {}: compare the clocks", validity.not_before, validity.not_after));
    }
    if (to - from - LIFETIME).abs() > ROUNDING {
        wrong.push(format!(
            "it is valid from {} to {}, not for 3650 days and ten minutes before",
            validity.not_before, validity.not_after
        ));
    }
}

/// `basicConstraints` and `extendedKeyUsage`, both critical, and no other.
fn standard_extensions(certificate: &X509Certificate<'_>, wrong: &mut Vec<String>) {
    let is_critical = |name: &str| {
        certificate.extensions().iter().any(|extension| extension.oid.to_id_string() == name && extension.critical)
    };
    let constraints = certificate.basic_constraints().ok().flatten();
    let issues_none = constraints.is_some_and(|found| !found.value.ca && found.value.path_len_constraint.is_none());
    if !issues_none || !is_critical(BASIC_CONSTRAINTS) {
        wrong.push(String::from("its basicConstraints are not those of an end entity, critical"));
    }
    let usage = certificate.extended_key_usage().ok().flatten();
    let client_alone = usage.is_some_and(|usage| {
        let usage = usage.value;
        let others = [usage.any, usage.server_auth, usage.code_signing, usage.email_protection, usage.time_stamping]
            .contains(&true);
        usage.client_auth && !others && !usage.ocsp_signing && usage.other.is_empty()
    });
    if !client_alone || !is_critical(EXTENDED_KEY_USAGE) {
        wrong.push(String::from("its extended key usage is not client authentication alone, critical"));
    }
    for extension in certificate.extensions() {
        let name = extension.oid.to_id_string();
        let is_private = name.strip_prefix(ARC).is_some_and(|rest| rest.starts_with('.'));
        if is_private && extension.critical {
            wrong.push(format!("the extension {name} is critical: who does not know it must refuse the certificate"));
        } else if !is_private && ![BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE].contains(&&*name) {
            wrong.push(format!("it has the extension {name}, which device certificates have not"));
        }
    }
}

fn identifiers(certificate: &X509Certificate<'_>, id: uuid::Uuid, wrong: &mut Vec<String>) {
    for (number, what) in [(1, "of the directory"), (2, "of the device"), (3, "of the account"), (4, "of the domain")] {
        let value =
            private(certificate, number).and_then(|octets| octets.try_into().ok()).map(uuid::Uuid::from_bytes_le);
        let Some(value) = value else {
            wrong.push(format!("the extension {ARC}.{number} with the identifier {what} is missing, or is no GUID"));
            continue;
        };
        if number == 2 && value != id {
            wrong.push(format!("the extension {ARC}.2 says {value}"));
        }
    }
}

/// The value of a private extension: an octet string, its length in one octet or, as AD FS writes it, in two.
fn private<'c>(certificate: &'c X509Certificate<'_>, number: u8) -> Option<&'c [u8]> {
    let name = format!("{ARC}.{number}");
    let extension = certificate.extensions().iter().find(|extension| extension.oid.to_id_string() == name)?;
    let (length, octets) = match extension.value {
        [4, 0x81, length, octets @ ..] | [4, length, octets @ ..] => (*length, octets),
        _ => return None,
    };
    (octets.len() == usize::from(length)).then_some(octets)
}

/// Microsoft's arc of device registration.
const ARC: &str = "1.2.840.113556.1.5.284";
const DOMAIN_COMPONENT: &str = "0.9.2342.19200300.100.1.25";
const BASIC_CONSTRAINTS: &str = "2.5.29.19";
const EXTENDED_KEY_USAGE: &str = "2.5.29.37";
const SHA256_WITH_RSA: &str = "1.2.840.113549.1.1.11";
/// Sixteen are issued; fewer are no reason to refuse one, as long as nobody can guess them.
const LEAST_SERIAL: usize = 8;
const MOST_SERIAL: usize = 20;
/// Seconds from the first to the last.
const LIFETIME: i64 = 3650 * 86_400 + 600;
/// Seconds that two roundings to full ones may cost.
const ROUNDING: i64 = 2;

#[cfg(test)]
mod tests {
    use x509_parser::prelude::FromDer as _;

    use super::*;
    use crate::devices::samples;

    const ID: uuid::Uuid = uuid::uuid!("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0");

    /// What is said of the reference's certificate when some of its octets are others.
    fn said(from: &[u8], to: &[u8]) -> String {
        assert_eq!(from.len(), to.len());
        let mut octets = samples::certificate();
        let at = octets.windows(from.len()).position(|window| window == from).expect("the octets are there");
        octets[at..at + to.len()].copy_from_slice(to);
        let (_, certificate) = X509Certificate::from_der(&octets).unwrap();
        differences(&certificate, ID, UtcTime::from_unix_seconds(1_780_000_000)).join("\n")
    }

    #[test]
    fn the_references_certificate_has_the_form() {
        assert_eq!(said(b"MS-Organization-Access", b"MS-Organization-Access"), "");
    }

    #[test]
    fn each_field_that_differs_is_named() {
        // DER of the object identifiers that are named.
        let arc = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x14, 0x01, 0x05, 0x82, 0x1c];
        let private = |number: u8, rest: &[u8]| [&arc[..], &[number], rest].concat();
        let critical = |oid: &[u8], value: u8| [oid, &[0x01, 0x01, value]].concat();
        let (constraints, usage) = ([0x55, 0x1d, 0x13], [0x55, 0x1d, 0x25]);
        for (from, to, expected) in [
            (private(7, &[0x04, 0x04, 0x04, 0x81, 1, b'1']), private(7, &[0x04, 0x04, 0x04, 0x81, 1, b'0']), "284.7 "),
            (private(1, &[]), private(9, &[]), "284.1 "),
            (private(4, &[]), private(9, &[]), "284.4 "),
            (critical(&constraints, 0xff), critical(&constraints, 0), "basicConstraints"),
            (critical(&usage, 0xff), critical(&usage, 0), "client authentication alone"),
            // id-kp-serverAuth
            (b"\x2b\x06\x01\x05\x05\x07\x03\x02".to_vec(), b"\x2b\x06\x01\x05\x05\x07\x03\x01".to_vec(), "client"),
            (b"260102025405Z".to_vec(), b"260101025405Z".to_vec(), "3650 days"),
            (b"260102025405Z".to_vec(), b"260102030405Z".to_vec(), "ten minutes before"),
            (b"\x02\x08\x11\x22".to_vec(), b"\x02\x08\x91\x22".to_vec(), "negative"),
            (b"MS-Organization-Access".to_vec(), b"MS-Organization-Excess".to_vec(), "MS-Organization-Access"),
            (b"5b1f6f0e-8c57".to_vec(), b"5b1f6f0e_8c57".to_vec(), "GUID (OU)"),
        ] {
            let said = said(&from, &to);
            assert!(said.contains(expected), "{expected}: {said}");
        }
    }
}
