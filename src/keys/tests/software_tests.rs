use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256};

use super::*;
use crate::tokens::{SignatureAlgorithm, TokenSigner as _};

#[tokio::test]
async fn both_algorithms_verify_with_the_certificate_s_key() {
    let signer = SoftwareSigner::new(&SIGNING).unwrap();
    let public = &SIGNING.certificate().public_key;
    let sha256 = signer.sign(SignatureAlgorithm::RsaSha256, b"token").await.unwrap();
    let key = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public).unwrap();
    key.verify_sig(b"token", &sha256.0).unwrap();
    assert!(key.verify_sig(b"tokem", &sha256.0).is_err());

    let sha1 = signer.sign(SignatureAlgorithm::RsaSha1, b"token").await.unwrap();
    let key = ParsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, public).unwrap();
    key.verify_sig(b"token", &sha1.0).unwrap();
    assert_ne!(sha1, sha256);
}

#[test]
fn a_key_and_a_certificate_that_do_not_belong_together_are_refused() {
    let error = KeyMaterial::new(&SIGNING.certificate().der, Vec::new(), OTHER.pkcs8().clone()).unwrap_err();
    assert_eq!(error, MaterialError::Mismatch { subject: String::from("CN=ADFS Signing - sts.corp.example") });
}

#[test]
fn debug_output_shows_no_key() {
    let text = format!("{:?} {:?}", SoftwareSigner::new(&SIGNING).unwrap(), *SIGNING);
    assert!(text.contains(&SIGNING.certificate().thumbprint_sha256()));
    assert!(!text.contains("pkcs8") && text.len() < 600, "{text}");
}

#[test]
fn a_token_decryption_key_opens_what_its_certificate_wrapped() {
    use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
    let key = DecryptionKey::new(&OTHER).unwrap();
    let certificate = openssl::x509::X509::from_der(&OTHER.certificate().der).unwrap();
    let spki = certificate.public_key().unwrap().public_key_to_der().unwrap();
    let public = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(&spki).unwrap()).unwrap();
    for (transport, algorithm) in
        [(KeyTransport::OaepMgf1Sha1, &OAEP_SHA1_MGF1SHA1), (KeyTransport::OaepSha256, &OAEP_SHA256_MGF1SHA256)]
    {
        let mut wrapped = vec![0; public.ciphertext_size()];
        public.encrypt(algorithm, &[7; 32], &mut wrapped, None).unwrap();
        assert_eq!(key.unwrap_key(transport, &wrapped).unwrap().expose(), &[7; 32]);
        wrapped[5] ^= 1;
        assert_eq!(key.unwrap_key(transport, &wrapped).unwrap_err(), DecryptError);
        assert_eq!(key.unwrap_key(transport, b"short").unwrap_err(), DecryptError);
    }
}
