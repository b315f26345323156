use openssl::asn1::Asn1Time;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::symm::Cipher;
use openssl::x509::{X509, X509NameBuilder};

use super::*;

pub(super) fn certificate(key: &PKey<Private>, days_from_now: i64) -> X509 {
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "imported").unwrap();
    let name = name.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(key).unwrap();
    let begin = NOW.unix_seconds() - 86_400;
    builder.set_not_before(&Asn1Time::from_unix(begin).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::from_unix(NOW.unix_seconds() + 86_400 * days_from_now).unwrap()).unwrap();
    builder.sign(key, MessageDigest::sha256()).unwrap();
    builder.build()
}

pub(super) fn rsa(bits: u32, days_from_now: i64) -> (PKey<Private>, X509) {
    let key = PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap();
    let certificate = certificate(&key, days_from_now);
    (key, certificate)
}

pub(super) fn ec() -> (PKey<Private>, X509) {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let certificate = certificate(&key, 365);
    (key, certificate)
}

fn pfx(key: &PKey<Private>, certificate: &X509, password: &str) -> Secret<Vec<u8>> {
    let archive = Pkcs12::builder().name("token").pkey(key).cert(certificate).build2(password).unwrap();
    Secret::new(archive.to_der().unwrap())
}

fn password(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

#[test]
fn pkcs12_opens_with_its_password_only() {
    let (key, certificate) = rsa(2048, 365);
    let file = pfx(&key, &certificate, "correct");
    let material = import::pkcs12(&file, &password("correct")).unwrap();
    assert_eq!(&*material.certificate().der, certificate.to_der().unwrap());
    for wrong in ["", "wrong", "correct\0"] {
        assert_eq!(import::pkcs12(&file, &password(wrong)).unwrap_err(), ImportError::Password, "{wrong:?}");
    }
    assert_eq!(import::pkcs12(&Secret::new(b"junk".to_vec()), &password("")).unwrap_err(), ImportError::NotPkcs12);
}

/// The library's error stacks, as OpenSSL 3.0 gave them for an archive of each kind.
#[test]
fn an_archive_in_an_abandoned_cipher_says_what_to_do() {
    let rc2 = [("unsupported", "Global default library context, Algorithm (RC2-40-CBC : 0), Properties ()")];
    let error = import::judge_pkcs12(&rc2).unwrap();
    assert_eq!(error, ImportError::Algorithm(String::from("RC2-40-CBC")));
    assert!(error.to_string().contains("-legacy"));
    assert_eq!(import::judge_pkcs12(&[("unsupported", "")]), Some(ImportError::Algorithm(String::from("unnamed"))));
    assert_eq!(import::judge_pkcs12(&[("mac verify failure", "")]), Some(ImportError::Password));
    assert_eq!(import::judge_pkcs12(&[("wrong tag", "")]), None);
}

#[test]
fn pem_keys_of_every_form_are_read() {
    let (key, certificate) = rsa(2048, 365);
    let (_, other) = rsa(2048, 365);
    let pkcs8 = key.private_key_to_pem_pkcs8().unwrap();
    let pkcs1 = key.rsa().unwrap().private_key_to_pem().unwrap();
    let encrypted = key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), b"pw").unwrap();
    let old = key.rsa().unwrap().private_key_to_pem_passphrase(Cipher::aes_256_cbc(), b"pw").unwrap();
    // The own certificate is found wherever it stands; the other one is the chain.
    let chain = [other.to_pem().unwrap(), certificate.to_pem().unwrap()].concat();
    for (file, pass) in [(&pkcs8, None), (&pkcs1, None), (&encrypted, Some("pw")), (&old, Some("pw"))] {
        let pass = pass.map(password);
        let material = import::pem(&Secret::new(file.clone()), &chain, pass.as_ref()).unwrap();
        assert_eq!(&*material.certificate().der, certificate.to_der().unwrap());
        assert_eq!(material.chain(), [other.to_der().unwrap()]);
    }
    for file in [encrypted, old] {
        let file = Secret::new(file);
        assert_eq!(import::pem(&file, &chain, None).unwrap_err(), ImportError::PasswordNeeded);
        assert_eq!(import::pem(&file, &chain, Some(&password("no"))).unwrap_err(), ImportError::Password);
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let (key, certificate) = rsa(2048, 365);
    let key = Secret::new(key.private_key_to_pem_pkcs8().unwrap());
    let (ec_key, ec_certificate) = ec();
    let (weak_key, weak) = rsa(1024, 365);
    let own = certificate.to_pem().unwrap();
    assert_eq!(import::pem(&Secret::new(own.clone()), &own, None).unwrap_err(), ImportError::NoKey);
    assert_eq!(import::pem(&key, b"", None).unwrap_err(), ImportError::NoCertificate);
    let other = import::pem(&key, SIGNING.certificate().pem().as_bytes(), None).unwrap_err();
    assert_eq!(
        other,
        ImportError::NoMatch { certificates: 1, first: String::from("CN=ADFS Signing - sts.corp.example") }
    );
    assert_eq!(
        import::pkcs12(&pfx(&ec_key, &ec_certificate, "pw"), &password("pw")).unwrap_err(),
        ImportError::NotRsa(String::from("EC"))
    );
    assert!(matches!(
        import::pkcs12(&pfx(&weak_key, &weak, "pw"), &password("pw")).unwrap_err(),
        ImportError::Material(MaterialError::Certificate(CertificateError::KeySize { bits: 1024, .. }))
    ));
    let garbage = Secret::new(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".to_vec());
    assert!(matches!(import::pem(&garbage, &own, None).unwrap_err(), ImportError::MalformedKey(_)));
}

#[test]
fn dates_are_judged_for_the_role() {
    let (day, role) = (Duration::from_hours(24), KeyRole::Primary);
    assert_eq!(import::check_dates(&SIGNING, role, NOW), Ok(()));
    assert!(matches!(import::check_dates(&SIGNING, role, NOW.plus(YEAR)), Err(ImportError::Expired { .. })));
    assert!(matches!(import::check_dates(&SIGNING, role, NOW.minus(day)), Err(ImportError::NotYetValid { .. })));
    assert_eq!(import::check_dates(&SIGNING, KeyRole::Secondary, NOW.minus(day)), Ok(()));
    let gone = import::check_dates(&SIGNING, KeyRole::Secondary, NOW.plus(YEAR));
    assert!(matches!(gone, Err(ImportError::Expired { .. })));
}
