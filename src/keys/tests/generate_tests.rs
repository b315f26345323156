use super::*;

#[test]
fn certificates_have_the_form_of_ad_fs() {
    let options = CertificateOptions {
        federation_service_name: "sts.corp.example",
        key_size: RsaKeySize::Rsa2048,
        lifetime: YEAR,
    };
    for (purpose, subject) in [
        (KeyPurpose::TokenSigning, "CN=ADFS Signing - sts.corp.example"),
        (KeyPurpose::TokenDecryption, "CN=ADFS Encryption - sts.corp.example"),
    ] {
        let material = generate::self_signed(purpose, &options, NOW, &random()).unwrap();
        let facts = material.certificate();
        assert_eq!((facts.subject.as_str(), facts.issuer.as_str()), (subject, subject));
        assert_eq!(facts.not_before, NOW.minus(Duration::from_hours(1)));
        assert_eq!(facts.not_after, NOW.plus(YEAR));
        assert_eq!(facts.key_bits, 2048);
        assert_eq!(facts.serial.len(), 32);

        let certificate = openssl::x509::X509::from_der(&facts.der).unwrap();
        assert!(certificate.verify(&certificate.public_key().unwrap()).unwrap(), "self-signed");
        assert_eq!(certificate.version(), 2, "X.509 v3");
        assert_eq!(certificate.signature_algorithm().object().nid(), openssl::nid::Nid::SHA256WITHRSAENCRYPTION);
        let sha1 = certificate.digest(openssl::hash::MessageDigest::sha1()).unwrap();
        assert_eq!(facts.thumbprint_sha1(), hex::encode_upper(sha1));
        let sha256 = certificate.digest(openssl::hash::MessageDigest::sha256()).unwrap();
        assert_eq!(facts.id().as_str(), hex::encode(sha256));
    }
}

#[test]
fn every_selectable_size_is_made() {
    for (size, bits) in [(RsaKeySize::Rsa3072, 3072), (RsaKeySize::Rsa4096, 4096)] {
        assert_eq!(make(KeyPurpose::TokenSigning, size).certificate().key_bits, bits);
    }
}

#[test]
fn serial_numbers_differ_and_are_positive() {
    let serials: Vec<String> = [&*SIGNING, &*OTHER].iter().map(|m| m.certificate().serial.clone()).collect();
    assert_ne!(serials[0], serials[1]);
    assert!(serials.iter().all(|serial| matches!(serial.as_bytes()[0], b'4'..=b'7')));
}

#[test]
fn a_service_name_that_is_no_host_name_is_refused() {
    for name in ["", "sts corp", "sts.corp.example,O=Evil", "sts\u{e9}.example"] {
        let options =
            CertificateOptions { federation_service_name: name, key_size: RsaKeySize::Rsa2048, lifetime: YEAR };
        let error = generate::self_signed(KeyPurpose::TokenSigning, &options, NOW, &random()).unwrap_err();
        assert_eq!(error, GenerateError::ServiceName(name.to_owned()));
    }
}

#[test]
fn certificates_that_cannot_serve_are_refused() {
    let der = &SIGNING.certificate().der;
    let mut trailing = der.to_vec();
    trailing.push(0);
    assert!(matches!(CertificateFacts::parse(&trailing), Err(CertificateError::Malformed(_))));
    assert!(matches!(CertificateFacts::parse(b"junk"), Err(CertificateError::Malformed(_))));
    let (_, ec) = super::import_tests::ec();
    assert!(matches!(CertificateFacts::parse(&ec.to_der().unwrap()), Err(CertificateError::NotRsa { .. })));
    let (_, weak) = super::import_tests::rsa(1024, 365);
    assert!(matches!(
        CertificateFacts::parse(&weak.to_der().unwrap()),
        Err(CertificateError::KeySize { bits: 1024, .. })
    ));
}

#[test]
fn pem_reads_back() {
    let facts = SIGNING.certificate();
    let read = openssl::x509::X509::from_pem(facts.pem().as_bytes()).unwrap();
    assert_eq!(read.to_der().unwrap(), &*facts.der);
}
