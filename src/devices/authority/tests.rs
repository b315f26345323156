use std::path::Path;
use std::process::Command;

use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::form::Form;
use super::*;
use crate::clock::{ManualClock, SystemRandomSource};
use crate::devices::samples;
use crate::keys::{KeyRing, KeyRole};

/// 2026-01-02T03:04:05Z, when the reference's certificate was made.
const NOW: UtcTime = UtcTime::from_unix_seconds(1_767_323_045);

fn random() -> SystemRandomSource {
    SystemRandomSource::new()
}

fn options(root: &Path) -> KeyRingOptions {
    KeyRingOptions::new(root.join("keys"), root.join("kek"), String::from("sts.corp.example"))
}

/// An authority in a fresh key directory.
fn authority(root: &Path) -> DeviceAuthority {
    let (options, clock) = (options(root), ManualClock::at(NOW));
    KeyRing::load_or_create(&options, &clock, &random()).unwrap();
    DeviceAuthority::load_or_create(&options, "corp.example", &clock, &random()).unwrap()
}

/// The key of the reference's certificate.
fn sample_key() -> Vec<u8> {
    X509::from_der(&samples::certificate()).unwrap().public_key().unwrap().public_key_to_der().unwrap()
}

fn sample_request(public_key: &[u8]) -> DeviceCertificateRequest<'_> {
    DeviceCertificateRequest {
        device: samples::device_id(),
        account: "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee".parse().unwrap(),
        public_key,
        place: RegistryPlace {
            invocation: "11111111-2222-3333-4444-555555555555".parse().unwrap(),
            domain: "99999999-8888-7777-6666-555555555555".parse().unwrap(),
        },
    }
}

/// A signature by OpenSSL.
fn by(key: &PKey<Private>, content: &[u8]) -> Result<Vec<u8>, AuthorityError> {
    let mut signer = openssl::sign::Signer::new(openssl::hash::MessageDigest::sha256(), key)?;
    Ok(signer.sign_oneshot_to_vec(content)?)
}

/// Everything but the signature: what the signature is made over.
fn signed_part(der: &[u8]) -> Vec<u8> {
    let (_, certificate) = X509Certificate::from_der(der).unwrap();
    certificate.tbs_certificate.as_ref().to_vec()
}

#[test]
fn the_reference_certificate_is_made_octet_by_octet() {
    let key = PKey::from_rsa(openssl::rsa::Rsa::generate(2048).unwrap()).unwrap();
    let unique = "5b1f6f0e-8c57-4d0f-9a2e-3d1c0b9a8f7e".parse().unwrap();
    let issuer = name::authority("corp.example", unique).unwrap();
    let form = Form { serial: 0x1122_3344_5566_7788_u64.to_be_bytes().to_vec(), now: NOW };
    let made =
        form.device(&sample_request(&sample_key()), &issuer.to_der().unwrap(), |content| by(&key, content)).unwrap();
    assert_eq!(hex::encode(signed_part(&made)), hex::encode(signed_part(&samples::certificate())));
}

#[test]
fn an_issued_certificate_chains_to_its_authority() {
    let root = tempfile::tempdir().unwrap();
    let authority = authority(root.path());
    let key = sample_key();
    let issued = authority.issue(&sample_request(&key), NOW, &random()).unwrap();
    let again = authority.issue(&sample_request(&key), NOW, &random()).unwrap();
    assert_ne!(issued.serial, again.serial);
    assert_eq!(issued.serial.len(), 32);
    assert_eq!(issued.not_after, UtcTime::from_xml("2035-12-31T03:04:05Z").unwrap());
    assert_eq!(issued.mark, CertificateMark::of(&issued.der).unwrap());

    let (_, parsed) = X509Certificate::from_der(&issued.der).unwrap();
    let (_, own) = X509Certificate::from_der(authority.certificate()).unwrap();
    assert_eq!(parsed.issuer().as_raw(), own.subject().as_raw());
    assert_eq!(own.issuer().as_raw(), own.subject().as_raw());
    assert_eq!(own.subject().iter_rdn().count(), 1);
    // Positive: the first bit is not set.
    assert!(parsed.raw_serial()[0] & 0x80 == 0);

    assert!(is_issued_by_one(&issued.der, authority.issuers()));
    assert!(!is_issued_by_one(&samples::certificate(), authority.issuers()));
    assert!(!is_issued_by_one(b"", authority.issuers()));
    assert!(!is_issued_by_one(&[&issued.der[..], &[0]].concat(), authority.issuers()));
    // The algorithm behind the signed part is another than the one within.
    let algorithm = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
    let at = issued.der.windows(algorithm.len()).rposition(|window| window == algorithm).unwrap();
    let mut other = issued.der.clone();
    other[at + algorithm.len() - 1] = 12;
    assert!(!is_issued_by_one(&other, authority.issuers()));

    let (ca, leaf) = (root.path().join("ca.pem"), root.path().join("leaf.pem"));
    std::fs::write(&ca, crate::keys::certificate::pem(authority.certificate())).unwrap();
    std::fs::write(&leaf, crate::keys::certificate::pem(&issued.der)).unwrap();
    let at = NOW.unix_seconds().to_string();
    let verify = Command::new("openssl")
        .args(["verify", "-x509_strict", "-purpose", "sslclient", "-attime", &at, "-CAfile"])
        .args([&ca, &leaf])
        .output()
        .unwrap();
    // AD FS gives its certificates no key identifiers, which is all that the strict check may find.
    let said = String::from_utf8_lossy(&verify.stderr).into_owned();
    assert!(verify.status.success() || said.contains("Missing Authority Key Identifier"), "{said}");
    let verify = Command::new("openssl")
        .args(["verify", "-purpose", "sslclient", "-attime", &at, "-CAfile"])
        .args([&ca, &leaf])
        .output()
        .unwrap();
    assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stderr));
    let text =
        Command::new("openssl").args(["x509", "-noout", "-issuer", "-subject", "-in"]).arg(&leaf).output().unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("DC = corp + DC = example + CN = MS-Organization-Access + OU = "), "{text}");
    assert!(text.contains(&format!("subject=CN = {}", samples::device_id())), "{text}");
}

#[test]
fn the_authority_stays_the_same_and_its_key_is_encrypted() {
    let root = tempfile::tempdir().unwrap();
    let first = authority(root.path());
    let again =
        DeviceAuthority::load_or_create(&options(root.path()), "other.example", &ManualClock::at(NOW), &random())
            .unwrap();
    assert_eq!(again.certificate(), first.certificate());
    let manifest = std::fs::read_to_string(root.path().join("keys/manifest.json")).unwrap();
    assert_eq!(manifest.matches("device-authority").count(), 1);
    let key = std::fs::read_dir(root.path().join("keys"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            path.file_name().unwrap().to_str().unwrap().starts_with("device-authority.")
                && path.extension().unwrap() == "key"
        })
        .unwrap();
    let key = std::fs::read_to_string(key).unwrap();
    assert!(key.contains("\"sealed\"") && !key.contains("PRIVATE KEY"), "{key}");
}

#[test]
fn what_an_earlier_authority_issued_stays_good() {
    let root = tempfile::tempdir().unwrap();
    let first = authority(root.path());
    let key = sample_key();
    let issued = first.issue(&sample_request(&key), NOW, &random()).unwrap();
    let vault = options(root.path()).open(&random()).unwrap();
    let next = NewKey::rsa(
        KeyPurpose::DeviceAuthority,
        generate(&name_of_new("corp.example", &random()).unwrap(), NOW, &random()).unwrap(),
    );
    vault
        .add(
            &next,
            KeyRole::Primary,
            crate::keys::KeyOrigin::Generated,
            NOW.plus(std::time::Duration::from_secs(1)),
            &random(),
        )
        .unwrap();
    let both = DeviceAuthority::load_or_create(&options(root.path()), "corp.example", &ManualClock::at(NOW), &random())
        .unwrap();
    assert_ne!(both.certificate(), first.certificate());
    assert_eq!(both.issuers().len(), 2);
    assert!(is_issued_by_one(&issued.der, both.issuers()));
    assert!(!is_issued_by_one(&issued.der, &both.issuers()[..1]));
}

#[test]
fn a_forged_issuer_of_the_same_name_issues_nothing() {
    let root = tempfile::tempdir().unwrap();
    let authority = authority(root.path());
    let other = PKey::from_rsa(openssl::rsa::Rsa::generate(2048).unwrap()).unwrap();
    let form = Form { serial: vec![1], now: NOW };
    let key = sample_key();
    let forged = form.device(&sample_request(&key), &authority.name, |content| by(&other, content)).unwrap();
    assert!(!is_issued_by_one(&forged, authority.issuers()));
    let own = form.device(&sample_request(&key), &authority.name, |content| by(&authority.key, content)).unwrap();
    assert!(is_issued_by_one(&own, authority.issuers()));
    // Nor what the authority's own key signed under another name.
    let name = name::authority("other.example", uuid::Uuid::nil()).unwrap().to_der().unwrap();
    let renamed = form.device(&sample_request(&key), &name, |content| by(&authority.key, content)).unwrap();
    assert!(!is_issued_by_one(&renamed, authority.issuers()));
}

#[test]
fn a_certificate_that_ends_after_2049_says_so_with_four_digits() {
    let root = tempfile::tempdir().unwrap();
    let authority = authority(root.path());
    let now = UtcTime::from_xml("2041-05-06T07:08:09.5Z").unwrap();
    let issued = authority.issue(&sample_request(&sample_key()), now, &random()).unwrap();
    let text = X509::from_der(&issued.der).unwrap();
    assert_eq!(text.not_before().to_string(), "May  6 06:58:09 2041 GMT");
    assert_eq!(text.not_after().to_string(), "May  4 07:08:09 2051 GMT");
    assert!(issued.der.windows(15).any(|window| window == b"20510504070809Z"));
}

#[test]
fn only_rsa_keys_are_certified() {
    let root = tempfile::tempdir().unwrap();
    let authority = authority(root.path());
    let short = PKey::from_rsa(openssl::rsa::Rsa::generate(1024).unwrap()).unwrap().public_key_to_der().unwrap();
    let curve = openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::X9_62_PRIME256V1).unwrap();
    let curve = PKey::from_ec_key(openssl::ec::EcKey::generate(&curve).unwrap()).unwrap().public_key_to_der().unwrap();
    // Of the right size, and no RSA key.
    let dsa = PKey::from_dsa(openssl::dsa::Dsa::generate(2048).unwrap()).unwrap().public_key_to_der().unwrap();
    for key in [short.as_slice(), &curve, &dsa, b""] {
        assert!(matches!(authority.issue(&sample_request(key), NOW, &random()), Err(AuthorityError::DeviceKey)));
    }
}

#[test]
fn names_that_are_no_domains_are_refused() {
    for domain in ["", "corp..example", "corp example", "cörp.example", &"a.".repeat(40), &vec!["a"; 33].join(".")] {
        assert!(matches!(name::authority(domain, uuid::Uuid::nil()), Err(AuthorityError::DomainName(_))), "{domain}");
    }
}

#[test]
fn signed_content_verifies_by_the_authoritys_certificate() {
    let root = tempfile::tempdir().unwrap();
    let authority = authority(root.path());
    let der = authority.sign_content(b"{\"DomainControllerFqdn\":\"dc1.corp.example\"}").unwrap();
    let mut signed = CmsContentInfo::from_der(&der).unwrap();
    let mut trust = openssl::x509::store::X509StoreBuilder::new().unwrap();
    trust.add_cert(X509::from_der(authority.certificate()).unwrap()).unwrap();
    let mut content = Vec::new();
    let options = CMSOptions::NO_SIGNER_CERT_VERIFY;
    signed.verify(None, Some(&trust.build()), None, Some(&mut content), options).unwrap();
    assert_eq!(content, b"{\"DomainControllerFqdn\":\"dc1.corp.example\"}");
}

#[test]
fn a_successor_has_the_same_name_and_both_are_taken() {
    use crate::keys::KeyOrigin;
    let root = tempfile::tempdir().unwrap();
    let (first, clock) = (authority(root.path()), ManualClock::at(NOW));
    let vault = options(root.path()).open(&random()).unwrap();
    let key = sample_key();
    let issue = |authority: &DeviceAuthority| authority.issue(&sample_request(&key), NOW, &random()).unwrap().der;
    let old = issue(&first);
    let next = DeviceAuthority::successor(&vault, NOW, &random()).unwrap();
    let next = NewKey::rsa(KeyPurpose::DeviceAuthority, next);
    vault.add(&next, KeyRole::Secondary, KeyOrigin::Generated, NOW, &random()).unwrap();

    let load = || DeviceAuthority::load_or_create(&options(root.path()), "corp.example", &clock, &random()).unwrap();
    let published = load();
    assert_eq!((published.certificate(), published.issuers().len()), (first.certificate(), 2));
    let entries = vault.manifest().unwrap().unwrap();
    let entry = entries.of(KeyPurpose::DeviceAuthority)[1].id();
    vault.promote(&entry, &random()).unwrap();
    let promoted = load();
    let new = issue(&promoted);
    assert_ne!(promoted.certificate(), first.certificate());
    let subject = |der: &[u8]| X509::from_der(der).unwrap().subject_name().to_der().unwrap();
    assert_eq!(subject(promoted.certificate()), subject(first.certificate()));
    for certificate in [&old, &new] {
        assert!(is_issued_by_one(certificate, promoted.issuers()));
        assert!(is_issued_by_one(certificate, published.issuers()));
    }
    assert!(!is_issued_by_one(&new, first.issuers()) && is_issued_by_one(&old, first.issuers()));
}

#[test]
fn no_authority_is_made_unless_asked() {
    let root = tempfile::tempdir().unwrap();
    let made = authority(root.path());
    let load = |root: &Path| {
        let options = KeyRingOptions { create: false, ..options(root) };
        DeviceAuthority::load_or_create(&options, "corp.example", &ManualClock::at(NOW), &random())
    };
    assert_eq!(load(root.path()).unwrap().certificate(), made.certificate());

    let other = tempfile::tempdir().unwrap();
    KeyRing::load_or_create(&options(other.path()), &ManualClock::at(NOW), &random()).unwrap();
    let vault = options(other.path()).open(&random()).unwrap();
    assert!(matches!(load(other.path()), Err(AuthorityError::None { .. })));
    let manifest = vault.manifest().unwrap().unwrap();
    assert!(manifest.of(KeyPurpose::DeviceAuthority).is_empty());
}

#[test]
fn where_there_is_no_authority_there_is_no_successor() {
    let root = tempfile::tempdir().unwrap();
    KeyRing::load_or_create(&options(root.path()), &ManualClock::at(NOW), &random()).unwrap();
    let vault = options(root.path()).open(&random()).unwrap();
    assert!(matches!(DeviceAuthority::successor(&vault, NOW, &random()), Err(AuthorityError::None { .. })));
}
