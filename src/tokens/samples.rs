//! Assertions, a clock reading and a key for tests. The key is made when the tests run and never written down.

use std::sync::{Arc, LazyLock};

use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};

use super::content::{AssertionContent, AssertionFrame, AuthenticationStatement, BearerConfirmation};
use super::{KeyId, SignError, Signature, SignatureAlgorithm, SigningKey, TokenId, TokenSigner};
use crate::claims::types::{self, issuer, property, value_type};
use crate::claims::{Claim, ClaimSet};
use crate::clock::{Random, RandomError, UtcTime};

/// Octets that count up: ids are the same in every run.
pub(crate) struct CountingRandom;

impl Random for CountingRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        buffer.iter_mut().zip(0x10..).for_each(|(octet, value)| *octet = value);
        Ok(())
    }
}

/// The moment the samples are issued.
pub(crate) fn now() -> UtcTime {
    UtcTime::from_unix_millis(1_767_607_201_494)
}

pub(crate) fn frame() -> AssertionFrame {
    AssertionFrame {
        id: TokenId::random(&CountingRandom).unwrap(),
        issuer: "http://sts.corp.example/adfs/services/trust".into(),
        audience: "urn:federation:MicrosoftOnline".into(),
        issue_instant: now(),
        not_before: now(),
        not_on_or_after: now().plus(std::time::Duration::from_hours(1)),
        confirmation: BearerConfirmation::default(),
        authentication: Some(AuthenticationStatement {
            method: "urn:federation:authentication:windows".into(),
            instant: now().minus(std::time::Duration::from_secs(1)),
            session_index: None,
        }),
    }
}

/// A user's token for Entra (ws-federation.md 4.1), with values that need care.
pub(crate) fn user() -> AssertionContent {
    let local = |claim_type: &str, value: &str| Claim::new(claim_type, value, issuer::LOCAL_AUTHORITY);
    let claims = [
        name_identifier(),
        local(types::UPN_V1, "ömer&söhne@corp.example"),
        local(types::IMMUTABLE_ID, IMMUTABLE_ID),
        local("http://schemas.xmlsoap.org/claims/CommonName", HARD),
        local("http://schemas.xmlsoap.org/claims/Group", "A < B"),
        local("http://schemas.xmlsoap.org/claims/Group", "B > A"),
        Claim::new(types::INSIDE_CORPORATE_NETWORK, "true", issuer::CLIENT_CONTEXT)
            .with_value_type(value_type::BOOLEAN),
        local(types::AUTHENTICATION_METHOD, "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"),
        local(types::AUTHENTICATION_INSTANT, "2026-01-05T10:00:00.250Z"),
    ];
    AssertionContent::from_claims(frame(), &ClaimSet::from_iter(claims)).unwrap()
}

/// A computer's token for hybrid join (ws-federation.md 4.4).
pub(crate) fn computer() -> AssertionContent {
    let local = |claim_type: &str, value: &str| Claim::new(claim_type, value, issuer::LOCAL_AUTHORITY);
    let claims = [
        local(types::IMMUTABLE_ID, IMMUTABLE_ID),
        name_identifier(),
        local(types::ACCOUNT_TYPE, "DJ"),
        local(types::ON_PREM_OBJECT_GUID, IMMUTABLE_ID),
        local(types::ISSUER_ID, "http://corp.example/adfs/services/trust/"),
        Claim::new(types::PRIMARY_SID, "S-1-5-21-1004336348-1177238915-682003330-1105", issuer::AD_AUTHORITY),
    ];
    AssertionContent::from_claims(frame(), &ClaimSet::from_iter(claims)).unwrap()
}

/// A token with one attribute.
pub(crate) fn with_claim(claim_type: &str, value: &str) -> AssertionContent {
    let claims = ClaimSet::from(vec![Claim::new(claim_type, value, issuer::LOCAL_AUTHORITY)]);
    AssertionContent::from_claims(frame(), &claims).unwrap()
}

fn name_identifier() -> Claim {
    Claim::new(types::NAME_IDENTIFIER, IMMUTABLE_ID, issuer::LOCAL_AUTHORITY)
        .with_property(property::FORMAT, "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified")
}

/// The token as text, with the two values that change with the key cut out.
pub(crate) fn without_key_material(token: &[u8]) -> String {
    let text = std::str::from_utf8(token).unwrap();
    let key_material = regex::Regex::new("(SignatureValue|X509Certificate|CipherValue)>[^<]+<").unwrap();
    key_material.replace_all(text, "$1>…<").replace("><", ">\n<")
}

/// A key for all tests of a run.
pub(crate) fn key() -> &'static SigningKey {
    static KEY: LazyLock<SigningKey> = LazyLock::new(new_key);
    &KEY
}

/// A key of its own with a self-signed certificate, RSA 2048.
pub(crate) fn new_key() -> SigningKey {
    let (certificate, private) = new_certificate();
    let id = KeyId::new("00ff");
    let rsa = aws_lc_rs::signature::RsaKeyPair::from_pkcs8(&private).unwrap();
    let legacy = openssl::pkey::PKey::private_key_from_der(&private).unwrap();
    SigningKey::new(id, certificate.into(), Arc::new(TestSigner { rsa, legacy }))
}

/// A self-signed certificate and its PKCS#8 private key, RSA 2048.
pub(crate) fn new_certificate() -> (Vec<u8>, Vec<u8>) {
    let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let certificate =
        CertificateParams::new(vec![String::from("sts.corp.example")]).unwrap().self_signed(&pair).unwrap();
    (certificate.der().to_vec(), pair.serialize_der())
}

struct TestSigner {
    rsa: aws_lc_rs::signature::RsaKeyPair,
    legacy: openssl::pkey::PKey<openssl::pkey::Private>,
}

#[async_trait::async_trait]
impl TokenSigner for TestSigner {
    async fn sign(&self, algorithm: SignatureAlgorithm, bytes: &[u8]) -> Result<Signature, SignError> {
        Ok(Signature(match algorithm {
            SignatureAlgorithm::RsaSha256 => {
                let mut signature = vec![0; self.rsa.public_modulus_len()];
                let random = aws_lc_rs::rand::SystemRandom::new();
                self.rsa.sign(&aws_lc_rs::signature::RSA_PKCS1_SHA256, &random, bytes, &mut signature).unwrap();
                signature
            }
            SignatureAlgorithm::RsaSha1 => {
                let digest = openssl::hash::MessageDigest::sha1();
                let mut signer = openssl::sign::Signer::new(digest, &self.legacy).unwrap();
                signer.sign_oneshot_to_vec(bytes).unwrap()
            }
        }))
    }
}

/// Everything an attribute value may hold that could break markup.
pub(crate) const HARD: &str = "a & b < c > d \" e ' f \t g \r\n h ä ö ü 漢字 \u{1F600} ]]> end";

const IMMUTABLE_ID: &str = "eFY0Erya8N4RIjNEVWZ3iA==";
