//! The device's certificate: whose it is, and by which authority. Its form is looked at in `certificate_form`.

use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::super::failure::{Failure, Passed, Step};
use super::certificate_form;
use super::join::Joined;
use crate::clock::UtcTime;

/// The identifier of a device, from its certificate.
pub(super) fn check(
    joined: &Joined,
    key: &PKey<Private>,
    computer: Option<uuid::Uuid>,
    published: &Published,
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
    wrong.extend(certificate_form::differences(&certificate, id, now));
    let note = match issuer(&joined.certificate, published) {
        Ok(note) => note,
        Err(error) => {
            wrong.push(error);
            None
        }
    };
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
        let passed = Passed::new(id, format!("CN={id}, issued by {}, until {until}", certificate.issuer()));
        return Ok(note.into_iter().fold(passed, Passed::note));
    }
    Err(Failure::new("Windows or the service would not take this certificate").advise_all(wrong))
}

/// What the directory says of the authorities that certify devices.
pub(super) enum Published {
    /// It was not asked.
    NotAsked,
    /// It did not say.
    Unknown(String),
    /// Their certificates, DER.
    These(Vec<Vec<u8>>),
}

/// Whether a published authority issued the certificate: nothing where one did, otherwise a note. A certificate that names an authority
/// and is not signed by it is an error.
fn issuer(certificate: &[u8], published: &Published) -> Result<Option<String>, String> {
    let published = match published {
        Published::NotAsked => return Ok(None),
        Published::Unknown(why) => {
            return Ok(Some(format!("Whether the directory publishes its authority is not known: {why}")));
        }
        Published::These(published) => published,
    };
    let Ok(certificate) = X509::from_der(certificate) else { return Ok(None) };
    let own = |name: &openssl::x509::X509NameRef| name.to_der().ok();
    let issuers: Vec<X509> = published
        .iter()
        .filter_map(|der| X509::from_der(der).ok())
        .filter(|issuer| own(issuer.subject_name()) == own(certificate.issuer_name()))
        .collect();
    let signed = |issuer: &X509| issuer.public_key().and_then(|key| certificate.verify(&key)).unwrap_or(false);
    if issuers.iter().any(signed) {
        return Ok(None);
    }
    if issuers.is_empty() {
        return Ok(Some(String::from(
            "The directory publishes no authority of this name (msDS-IssuerPublicCertificates): other servers of the forest do not know the \
             device. `chancery drs check` says whether the service account may write there.",
        )));
    }
    Err(String::from("the published authority of the issuer's name (msDS-IssuerPublicCertificates) did not sign it"))
}

/// The subject's only attribute, if it is a common name.
fn only_name(certificate: &X509Certificate<'_>) -> Option<String> {
    let mut all = certificate.subject().iter_attributes();
    let (first, more) = (all.next()?, all.next());
    let common_name = *first.attr_type() == x509_parser::oid_registry::OID_X509_COMMON_NAME;
    (common_name && more.is_none()).then(|| first.as_str().map(str::to_owned).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::super::keys::DeviceKeys;
    use super::*;
    use crate::devices::samples;

    fn checked(joined: &Joined, computer: Option<uuid::Uuid>, now: i64) -> Failure {
        // Nobody has the key of the sample: of every check that one fails.
        let keys = DeviceKeys::new().unwrap();
        check(joined, keys.device(), computer, &Published::NotAsked, UtcTime::from_unix_seconds(now))
            .map(|passed| passed.value)
            .unwrap_err()
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
        let failure = check(&joined, keys.device(), None, &Published::NotAsked, UtcTime::from_unix_seconds(1))
            .map(|_| ())
            .unwrap_err();
        let advice = failure.advice.join("\n");
        for expected in [
            "MS-Organization-Access",
            "client authentication",
            "basicConstraints",
            "version 1",
            "serial number",
            "3650 days",
            "284.1 ",
            "284.2 ",
            "284.3 ",
            "284.4 ",
            "284.7 ",
        ] {
            assert!(advice.contains(expected), "{expected}: {advice}");
        }
    }
    /// An authority with this name and a key of its own.
    fn authority(common_name: &str) -> (openssl::pkey::PKey<openssl::pkey::Private>, X509) {
        let key = PKey::from_rsa(openssl::rsa::Rsa::generate(2048).unwrap()).unwrap();
        let mut name = openssl::x509::X509NameBuilder::new().unwrap();
        name.append_entry_by_text("CN", common_name).unwrap();
        let name = name.build();
        let mut builder = X509::builder().unwrap();
        builder.set_subject_name(&name).unwrap();
        builder.set_issuer_name(&name).unwrap();
        builder.set_not_before(&openssl::asn1::Asn1Time::from_unix(0).unwrap()).unwrap();
        builder.set_not_after(&openssl::asn1::Asn1Time::from_unix(2_000_000_000).unwrap()).unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.sign(&key, openssl::hash::MessageDigest::sha256()).unwrap();
        (key, builder.build())
    }

    #[test]
    fn the_authority_is_one_that_the_directory_publishes() {
        let (_, issued) = authority("MS-Organization-Access");
        let (_, namesake) = authority("MS-Organization-Access");
        let (_, stranger) = authority("Somebody");
        let [der, namesake, stranger] = [issued, namesake, stranger].map(|certificate| certificate.to_der().unwrap());
        let these = |list: &[&Vec<u8>]| Published::These(list.iter().map(|der| (*der).clone()).collect());
        // Signed by itself, as far as this looks.
        assert_eq!(issuer(&der, &these(&[&stranger, &namesake, &der])), Ok(None));
        assert!(issuer(&der, &these(&[&stranger, &namesake])).unwrap_err().contains("did not sign it"));
        assert!(issuer(&der, &these(&[&stranger])).unwrap().unwrap().contains("publishes no authority"));
        assert!(issuer(&der, &Published::Unknown(String::from("lost"))).unwrap().unwrap().contains("lost"));
        assert_eq!(issuer(&der, &Published::NotAsked), Ok(None));
    }
}
