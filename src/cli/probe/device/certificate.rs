//! The device's certificate, field by field (device-registration.md 5.1).

use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::super::failure::{Failure, Passed, Step};
use super::join::Joined;
use crate::clock::UtcTime;

/// The identifier of a device, from its certificate.
pub(super) fn check(
    joined: &Joined,
    key: &PKey<Private>,
    computer: Option<uuid::Uuid>,
    now: UtcTime,
) -> Step<uuid::Uuid> {
    let unreadable = |why: &str| Failure::new(format!("the certificate cannot be read: {why}"));
    let (rest, certificate) =
        X509Certificate::from_der(&joined.certificate).map_err(|error| unreadable(&error.to_string()))?;
    if !rest.is_empty() {
        return Err(unreadable("something follows it"));
    }
    let subject = only_name(&certificate).ok_or_else(|| {
        Failure::new(format!("the subject is {}, not CN=<device id> alone", certificate.subject()))
            .advise("Clients read the device's identifier from the first part of the subject.")
    })?;
    let id = uuid::Uuid::parse_str(&subject)
        .map_err(|_| Failure::new(format!("the subject's name {subject:?} is no device identifier")))?;
    let mut wrong = Vec::new();
    if let Some(expected) = computer.filter(|expected| *expected != id) {
        wrong.push(format!(
            "the identifier is not the computer's objectGUID {expected}: device writeback finds no computer for it"
        ));
    }
    wrong.extend(fields(&certificate, id, now));
    let same_key =
        X509::from_der(&joined.certificate).and_then(|own| own.public_key()).is_ok_and(|own| own.public_eq(key));
    if !same_key {
        wrong.push(String::from("the key is not the one that was sent"));
    }
    let thumbprint = hex::encode_upper(openssl::sha::sha1(&joined.certificate));
    if !joined.thumbprint.eq_ignore_ascii_case(&thumbprint) {
        wrong.push(format!("the answer names the thumbprint {}, the certificate's is {thumbprint}", joined.thumbprint));
    }
    if wrong.is_empty() {
        let until = certificate.validity().not_after;
        return Ok(Passed::new(id, format!("CN={id}, issued by {}, until {until}", certificate.issuer())));
    }
    Err(Failure::new("Windows or the service would not take this certificate").advise_all(wrong))
}

/// Issuer, validity and extensions.
fn fields(certificate: &X509Certificate<'_>, id: uuid::Uuid, now: UtcTime) -> Vec<String> {
    let mut wrong = Vec::new();
    let issuers: Vec<&str> = certificate.issuer().iter_common_name().filter_map(|name| name.as_str().ok()).collect();
    if issuers != ["MS-Organization-Access"] {
        wrong.push(format!("the issuer is {}, without CN=MS-Organization-Access", certificate.issuer()));
    }
    let validity = certificate.validity();
    let now = now.unix_seconds();
    if validity.not_before.timestamp() > now || validity.not_after.timestamp() < now {
        wrong.push(format!("it is valid from {} to {}: compare the clocks", validity.not_before, validity.not_after));
    }
    let client = certificate.extended_key_usage().ok().flatten().is_some_and(|usage| usage.value.client_auth);
    if !client {
        wrong.push(String::from("its extended key usage is not client authentication"));
    }
    for (number, what) in [(1, "of the directory"), (2, "of the device"), (3, "of the account"), (4, "of the domain")] {
        let Some(value) = identifier(certificate, number) else {
            wrong.push(format!("the extension {ARC}.{number} with the identifier {what} is missing, or is no GUID"));
            continue;
        };
        if number == 2 && value != id {
            wrong.push(format!("the extension {ARC}.2 says {value}"));
        }
    }
    wrong
}

/// The subject's only attribute, if it is a common name.
fn only_name(certificate: &X509Certificate<'_>) -> Option<String> {
    let mut all = certificate.subject().iter_attributes();
    let (first, more) = (all.next()?, all.next());
    let common_name = *first.attr_type() == x509_parser::oid_registry::OID_X509_COMMON_NAME;
    (common_name && more.is_none()).then(|| first.as_str().map(str::to_owned).ok()).flatten()
}

/// A GUID in a private extension: an octet string, its length in one octet or, as AD FS writes it, in two.
fn identifier(certificate: &X509Certificate<'_>, number: u8) -> Option<uuid::Uuid> {
    let name = format!("{ARC}.{number}");
    let extension = certificate.extensions().iter().find(|extension| extension.oid.to_id_string() == name)?;
    let octets = extension.value.strip_prefix(&[4, 0x81, 16]).or_else(|| extension.value.strip_prefix(&[4, 16]))?;
    Some(uuid::Uuid::from_bytes_le(octets.try_into().ok()?))
}

/// Microsoft's arc of device registration.
const ARC: &str = "1.2.840.113556.1.5.284";

#[cfg(test)]
mod tests {
    use super::super::keys::DeviceKeys;
    use super::*;
    use crate::devices::samples;

    fn checked(joined: &Joined, computer: Option<uuid::Uuid>, now: i64) -> Failure {
        // Nobody has the key of the sample: of every check that one fails.
        let keys = DeviceKeys::new().unwrap();
        check(joined, keys.device(), computer, UtcTime::from_unix_seconds(now)).map(|passed| passed.value).unwrap_err()
    }

    fn sample() -> Joined {
        let certificate = samples::certificate();
        Joined { thumbprint: hex::encode_upper(openssl::sha::sha1(&certificate)), certificate }
    }

    #[test]
    fn the_reference_certificate_is_good_but_for_its_key() {
        let failure = checked(&sample(), None, 1_780_000_000);
        assert_eq!(failure.advice, ["the key is not the one that was sent"]);
    }

    #[test]
    fn what_differs_is_named() {
        let mut joined = sample();
        joined.thumbprint = String::from("00");
        let failure = checked(&joined, Some(uuid::Uuid::nil()), 1_000_000_000);
        let advice = failure.advice.join("\n");
        for expected in ["objectGUID", "compare the clocks", "thumbprint"] {
            assert!(advice.contains(expected), "{expected}: {advice}");
        }
        joined.certificate.push(0);
        assert!(checked(&joined, None, 0).what.contains("something follows"));
        joined.certificate.truncate(9);
        assert!(checked(&joined, None, 0).what.contains("cannot be read"));
    }

    #[test]
    fn a_certificate_of_another_form_is_none() {
        let mut subject = openssl::x509::X509NameBuilder::new().unwrap();
        subject.append_entry_by_text("CN", "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0").unwrap();
        let subject = subject.build();
        let keys = DeviceKeys::new().unwrap();
        let mut builder = X509::builder().unwrap();
        builder.set_subject_name(&subject).unwrap();
        builder.set_issuer_name(&subject).unwrap();
        builder.set_pubkey(keys.device()).unwrap();
        builder.set_not_before(&openssl::asn1::Asn1Time::from_unix(0).unwrap()).unwrap();
        builder.set_not_after(&openssl::asn1::Asn1Time::from_unix(2_000_000_000).unwrap()).unwrap();
        builder.sign(keys.device(), openssl::hash::MessageDigest::sha256()).unwrap();
        let certificate = builder.build().to_der().unwrap();
        let joined = Joined { thumbprint: hex::encode_upper(openssl::sha::sha1(&certificate)), certificate };
        let failure = check(&joined, keys.device(), None, UtcTime::from_unix_seconds(1)).map(|_| ()).unwrap_err();
        let advice = failure.advice.join("\n");
        for expected in ["MS-Organization-Access", "client authentication", "284.1 ", "284.2 ", "284.3 ", "284.4 "] {
            assert!(advice.contains(expected), "{expected}: {advice}");
        }
    }
}
