//! Encrypted assertions: XML Encryption of a signed assertion to a relying party's certificate (ws-federation.md 4.1, 4.2;
//! token-signing-lab.md 4).
//!
//! Key transport is RSA-OAEP with MGF1 and SHA-1, what every SAML stack and AD FS speak; its SHA-1 is a label hash, not a
//! signature. Content is AES-256 in GCM, or in CBC for partners that know nothing newer.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicEncryptingKey};

use super::AssertionVersion;
use crate::clock::{Random, RandomError};
use crate::secret::Secret;
use crate::xml::namespace::{ENCRYPTION, SAML2, SIGNATURE};
use crate::xml::{Attribute, Name, WriteError, Writer};

/// Ciphers for the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContentCipher {
    /// AES-256 in CBC, the default of AD FS.
    #[default]
    Aes256Cbc,
    /// AES-256 in GCM; prefer it where the partner knows it.
    Aes256Gcm,
}

/// The RSA key a relying party decrypts with, parsed once.
pub struct EncryptionKey {
    certificate: Vec<u8>,
    key: OaepPublicEncryptingKey,
}

impl EncryptionKey {
    /// The key in a certificate.
    ///
    /// # Errors
    /// [`EncryptionError::Certificate`] when it cannot be read, [`EncryptionError::UnsuitableKey`] when its key is not RSA
    /// of 2048 to 8192 bits.
    pub fn from_certificate(der: &[u8]) -> Result<Self, EncryptionError> {
        let (rest, certificate) = x509_parser::parse_x509_certificate(der)
            .map_err(|error| EncryptionError::Certificate(error.to_string()))?;
        if !rest.is_empty() {
            return Err(EncryptionError::Certificate(String::from("octets follow the certificate")));
        }
        let key = PublicEncryptingKey::from_der(certificate.public_key().raw)
            .ok()
            .and_then(|key| OaepPublicEncryptingKey::new(key).ok())
            .ok_or(EncryptionError::UnsuitableKey)?;
        Ok(Self { certificate: der.to_vec(), key })
    }
}

impl std::fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EncryptionKey").field("bits", &self.key.key_size_bits()).finish_non_exhaustive()
    }
}

/// Encrypts a signed assertion: `xenc:EncryptedData` for SAML 1.1, which has no wrapper, `EncryptedAssertion` for SAML 2.0.
///
/// # Errors
/// [`EncryptionError`].
pub fn encrypt_assertion(
    assertion: &[u8],
    version: AssertionVersion,
    key: &EncryptionKey,
    cipher: ContentCipher,
    random: &dyn Random,
) -> Result<Vec<u8>, EncryptionError> {
    let content_key = Secret::new(octets::<32>(random)?);
    let content = match cipher {
        ContentCipher::Aes256Gcm => encrypt_gcm(assertion, &content_key, random)?,
        ContentCipher::Aes256Cbc => encrypt_cbc(assertion, &content_key, random)?,
    };
    let mut room = vec![0; key.key.ciphertext_size()];
    let wrapped = key
        .key
        .encrypt(&OAEP_SHA1_MGF1SHA1, content_key.expose(), &mut room, None)
        .map_err(|_| EncryptionError::Failed)?;
    // Base64 is four thirds, and the frame is under 1 KiB.
    let mut writer = Writer::with_capacity((content.len() + key.certificate.len() + wrapped.len()) * 3 / 2 + 1024);
    match version {
        AssertionVersion::Saml11 => write_encrypted_data(&mut writer, cipher, &content, wrapped, &key.certificate)?,
        AssertionVersion::Saml2 => writer.element(&ENCRYPTED_ASSERTION, &[], |writer| {
            write_encrypted_data(writer, cipher, &content, wrapped, &key.certificate)
        })?,
    }
    Ok(writer.finish()?)
}

/// Why an assertion could not be encrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncryptionError {
    /// The relying party's certificate cannot be read.
    #[error("the encryption certificate cannot be read: {0}")]
    Certificate(String),
    /// Its key is not RSA of a size that is safe to use.
    #[error("the encryption certificate's key is not RSA of 2048 to 8192 bits")]
    UnsuitableKey,
    /// The random source failed.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The cryptographic library refused.
    #[error("the cryptographic library refused to encrypt")]
    Failed,
    /// The XML could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Nonce, ciphertext, tag (XML Encryption 1.1, 5.2.4).
fn encrypt_gcm(plain: &[u8], key: &Secret<[u8; 32]>, random: &dyn Random) -> Result<Vec<u8>, EncryptionError> {
    let nonce = octets::<12>(random)?;
    let mut content = Vec::with_capacity(12 + plain.len() + 16);
    content.extend_from_slice(&nonce);
    content.extend_from_slice(plain);
    let sealing = UnboundKey::new(&AES_256_GCM, key.expose()).map_err(|_| EncryptionError::Failed)?;
    let body = content.get_mut(12..).unwrap_or_default();
    let tag = LessSafeKey::new(sealing)
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), body)
        .map_err(|_| EncryptionError::Failed)?;
    content.extend_from_slice(tag.as_ref());
    Ok(content)
}

/// Initialisation vector, ciphertext (XML Encryption 1.1, 5.2.2); the last octet of the padding is its length.
fn encrypt_cbc(plain: &[u8], key: &Secret<[u8; 32]>, random: &dyn Random) -> Result<Vec<u8>, EncryptionError> {
    let vector = octets::<16>(random)?;
    let mut body = Vec::with_capacity(plain.len() + 16);
    body.extend_from_slice(plain);
    let unbound = UnboundCipherKey::new(&AES_256, key.expose()).map_err(|_| EncryptionError::Failed)?;
    PaddedBlockEncryptingKey::cbc_pkcs7(unbound)
        .and_then(|key| key.less_safe_encrypt(&mut body, EncryptionContext::Iv128(FixedLength::from(vector))))
        .map_err(|_| EncryptionError::Failed)?;
    Ok([&vector[..], &body].concat())
}

fn write_encrypted_data(
    writer: &mut Writer,
    cipher: ContentCipher,
    content: &[u8],
    wrapped: &[u8],
    certificate: &[u8],
) -> Result<(), WriteError> {
    let cipher = match cipher {
        ContentCipher::Aes256Gcm => "http://www.w3.org/2009/xmlenc11#aes256-gcm",
        ContentCipher::Aes256Cbc => "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
    };
    let element = [Attribute::plain("Type", "http://www.w3.org/2001/04/xmlenc#Element")];
    writer.element(&ENCRYPTED_DATA, &element, |writer| {
        writer.empty(&ENCRYPTION_METHOD, &[algorithm(cipher)])?;
        writer.element::<WriteError>(&KEY_INFO, &[], |writer| {
            writer.element(&ENCRYPTED_KEY, &[], |writer| {
                let transport = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
                writer.element::<WriteError>(&ENCRYPTION_METHOD, &[algorithm(transport)], |writer| {
                    writer.empty(&DIGEST_METHOD, &[algorithm("http://www.w3.org/2000/09/xmldsig#sha1")])
                })?;
                writer.element::<WriteError>(&KEY_INFO, &[], |writer| {
                    writer.element(&X509_DATA, &[], |writer| writer.base64_leaf(&X509_CERTIFICATE, &[], certificate))
                })?;
                write_cipher_data(writer, wrapped)
            })
        })?;
        write_cipher_data(writer, content)
    })
}

fn write_cipher_data(writer: &mut Writer, octets: &[u8]) -> Result<(), WriteError> {
    writer.element(&CIPHER_DATA, &[], |writer| writer.base64_leaf(&CIPHER_VALUE, &[], octets))
}

const fn algorithm(uri: &str) -> Attribute<'_> {
    Attribute::plain("Algorithm", uri)
}

fn octets<const N: usize>(random: &dyn Random) -> Result<[u8; N], RandomError> {
    let mut octets = [0; N];
    random.fill(&mut octets)?;
    Ok(octets)
}

const ENCRYPTED_ASSERTION: Name = Name::new("", SAML2, "EncryptedAssertion");
const ENCRYPTED_DATA: Name = Name::new("xenc", ENCRYPTION, "EncryptedData");
const ENCRYPTED_KEY: Name = Name::new("xenc", ENCRYPTION, "EncryptedKey");
const ENCRYPTION_METHOD: Name = Name::new("xenc", ENCRYPTION, "EncryptionMethod");
const CIPHER_DATA: Name = Name::new("xenc", ENCRYPTION, "CipherData");
const CIPHER_VALUE: Name = Name::new("xenc", ENCRYPTION, "CipherValue");
const KEY_INFO: Name = Name::new("", SIGNATURE, "KeyInfo");
const DIGEST_METHOD: Name = Name::new("", SIGNATURE, "DigestMethod");
const X509_DATA: Name = Name::new("", SIGNATURE, "X509Data");
const X509_CERTIFICATE: Name = Name::new("", SIGNATURE, "X509Certificate");

#[cfg(test)]
mod tests {
    use aws_lc_rs::cipher::{DecryptionContext, PaddedBlockDecryptingKey};
    use aws_lc_rs::rsa::{OaepPrivateDecryptingKey, PrivateDecryptingKey};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD as BASE64;

    use super::*;
    use crate::clock::SystemRandomSource;
    use crate::tokens::samples;
    use crate::xml::{Document, Limits};

    fn decrypt(encrypted: &[u8], private: &[u8], cipher: ContentCipher) -> Vec<u8> {
        let document = Document::parse(encrypted, &Limits::SIGNED).unwrap();
        let value = |parent| {
            let found = document.elements().find(|e| e.is(ENCRYPTION, parent)).unwrap();
            let data = found.required_child(ENCRYPTION, "CipherData").unwrap();
            BASE64.decode(data.child_text(ENCRYPTION, "CipherValue").unwrap().unwrap()).unwrap()
        };
        let key = OaepPrivateDecryptingKey::new(PrivateDecryptingKey::from_pkcs8(private).unwrap()).unwrap();
        let mut room = vec![0; key.min_output_size()];
        let wrapped = value("EncryptedKey");
        let content_key = key.decrypt(&OAEP_SHA1_MGF1SHA1, &wrapped, &mut room, None).unwrap();
        let mut content = value("EncryptedData");
        match cipher {
            ContentCipher::Aes256Gcm => {
                let (nonce, body) = content.split_at_mut(12);
                let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, content_key).unwrap());
                let nonce = Nonce::try_assume_unique_for_key(nonce).unwrap();
                key.open_in_place(nonce, Aad::empty(), body).unwrap().to_vec()
            }
            ContentCipher::Aes256Cbc => {
                let (vector, body) = content.split_at_mut(16);
                let vector: [u8; 16] = vector.try_into().unwrap();
                let key = PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_256, content_key).unwrap());
                key.unwrap().decrypt(body, DecryptionContext::Iv128(FixedLength::from(vector))).unwrap().to_vec()
            }
        }
    }

    #[test]
    fn the_holder_of_the_key_gets_the_assertion_back() {
        let (certificate, private) = samples::new_certificate();
        let key = EncryptionKey::from_certificate(&certificate).unwrap();
        for cipher in [ContentCipher::Aes256Cbc, ContentCipher::Aes256Gcm] {
            for length in [0, 1, 15, 16, 17, 4000] {
                let plain = vec![b'x'; length];
                let encrypted =
                    encrypt_assertion(&plain, AssertionVersion::Saml11, &key, cipher, &SystemRandomSource::new())
                        .unwrap();
                assert_eq!(decrypt(&encrypted, &private, cipher), plain, "{cipher:?} {length}");
            }
        }
    }

    #[test]
    fn an_encrypted_token_says_so_and_keeps_what_is_known_of_it() {
        let (certificate, private) = samples::new_certificate();
        let key = EncryptionKey::from_certificate(&certificate).unwrap();
        let token = crate::tokens::IssuedToken {
            id: crate::tokens::TokenId::random(&samples::CountingRandom).unwrap(),
            token_type: crate::tokens::TokenType::Saml11,
            bytes: b"<a></a>".to_vec(),
            not_before: samples::now(),
            not_on_or_after: samples::now(),
            encrypted: false,
        };
        let cipher = ContentCipher::Aes256Cbc;
        let encrypted = token.clone().encrypt(&key, cipher, &SystemRandomSource::new()).unwrap();
        assert!(encrypted.encrypted);
        assert_eq!(decrypt(&encrypted.bytes, &private, cipher), token.bytes);
        assert_eq!(encrypted.id.to_string(), token.id.as_str());
    }

    #[test]
    fn no_two_assertions_have_a_key_in_common() {
        let (certificate, _) = samples::new_certificate();
        let key = EncryptionKey::from_certificate(&certificate).unwrap();
        for cipher in [ContentCipher::Aes256Cbc, ContentCipher::Aes256Gcm] {
            let content = || {
                let random = SystemRandomSource::new();
                let encrypted = encrypt_assertion(b"x", AssertionVersion::Saml11, &key, cipher, &random).unwrap();
                let document = Document::parse(&encrypted, &Limits::SIGNED).unwrap();
                let data = document.root().required_child(ENCRYPTION, "CipherData").unwrap();
                data.child_text(ENCRYPTION, "CipherValue").unwrap().unwrap().to_owned()
            };
            assert_ne!(content(), content(), "{cipher:?}");
        }
    }

    #[test]
    fn saml2_has_a_wrapper_and_saml11_has_none() {
        let (certificate, _) = samples::new_certificate();
        let key = EncryptionKey::from_certificate(&certificate).unwrap();
        let encrypt = |token_type| {
            encrypt_assertion(b"x", token_type, &key, ContentCipher::Aes256Gcm, &samples::CountingRandom).unwrap()
        };
        insta::assert_snapshot!(samples::without_key_material(&encrypt(AssertionVersion::Saml2)));
        let bare = encrypt(AssertionVersion::Saml11);
        let document = Document::parse(&bare, &Limits::SIGNED).unwrap();
        assert!(document.root().is(ENCRYPTION, "EncryptedData"));
    }

    #[test]
    fn only_rsa_certificates_are_taken() {
        assert!(matches!(EncryptionKey::from_certificate(b"x"), Err(EncryptionError::Certificate(_))));
        let (mut certificate, _) = samples::new_certificate();
        certificate.push(0);
        assert!(matches!(EncryptionKey::from_certificate(&certificate), Err(EncryptionError::Certificate(_))));
        let pair = rcgen::KeyPair::generate().unwrap();
        let elliptic = rcgen::CertificateParams::default().self_signed(&pair).unwrap();
        assert_eq!(EncryptionKey::from_certificate(elliptic.der()).unwrap_err(), EncryptionError::UnsuitableKey);
    }
}
