//! Encrypted assertions of partners: `xenc:EncryptedData` is opened with a token-decryption key (XML Encryption 1.1, 5.2,
//! 5.5).
//!
//! AES-GCM is opened wherever it comes from. AES-CBC does not tell altered from genuine ciphertext, and who may send altered
//! ones and see how they fail can read the assertion (Jager and Somorovsky 2011): it is opened where a verified signature
//! covers the ciphertext, or where the trust says so. RSA PKCS#1 v1.5 and Triple DES are never opened.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use openssl::symm::{Cipher, Crypter, Mode};

use super::inbound::InboundError;
use crate::keys::decryption::{DecryptionKey, KeyTransport};
use crate::secret::Secret;
use crate::xml::Element;
use crate::xml::namespace::{ENCRYPTION, SIGNATURE};

/// Whether something else vouches for the ciphertext.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ciphertext {
    /// A signature that was verified covers it, or the trust does without.
    Vouched,
    /// Anybody may have altered it.
    Unvouched,
}

/// Opens the one `EncryptedData` that is `element` or a child of it (`EncryptedAssertion`).
///
/// # Errors
/// [`InboundError::Encryption`] for an algorithm or a form that is not supported, [`InboundError::UnvouchedEncryption`],
/// [`InboundError::Undecryptable`], which does not tell why.
pub(super) fn open(
    element: Element<'_, '_>,
    keys: &[&DecryptionKey],
    ciphertext: Ciphertext,
) -> Result<Secret<Vec<u8>>, InboundError> {
    let data = if element.is(ENCRYPTION, "EncryptedData") {
        element
    } else {
        element.required_child(ENCRYPTION, "EncryptedData")?
    };
    let cipher = match algorithm(data)? {
        "http://www.w3.org/2009/xmlenc11#aes128-gcm" => Content::Gcm(&AES_128_GCM),
        "http://www.w3.org/2009/xmlenc11#aes256-gcm" => Content::Gcm(&AES_256_GCM),
        "http://www.w3.org/2001/04/xmlenc#aes128-cbc" => Content::Cbc(Cipher::aes_128_cbc()),
        "http://www.w3.org/2001/04/xmlenc#aes256-cbc" => Content::Cbc(Cipher::aes_256_cbc()),
        other => return Err(InboundError::Encryption { what: other.to_owned() }),
    };
    if matches!(cipher, Content::Cbc(_)) && ciphertext == Ciphertext::Unvouched {
        return Err(InboundError::UnvouchedEncryption);
    }
    let key = encrypted_key(element, data)?;
    let transport = key_transport(key)?;
    let (wrapped, content) = (cipher_value(key)?, cipher_value(data)?);
    // Each partner encrypts to one of our certificates; there are two or three of them.
    keys.iter()
        .filter_map(|key| key.unwrap_key(transport, &wrapped).ok())
        .find_map(|key| cipher.open(key.expose(), &content))
        .ok_or(InboundError::Undecryptable)
}

/// The content key stands in the `KeyInfo` of the data, or beside the data; once in all. `RetrievalMethod` is not followed.
fn encrypted_key<'d, 'i>(outer: Element<'d, 'i>, data: Element<'d, 'i>) -> Result<Element<'d, 'i>, InboundError> {
    let key_info = data.only_child(SIGNATURE, "KeyInfo")?;
    let inside = key_info.map(|info| info.only_child(ENCRYPTION, "EncryptedKey")).transpose()?.flatten();
    let beside = if outer == data { None } else { outer.only_child(ENCRYPTION, "EncryptedKey")? };
    match (inside, beside) {
        (Some(key), None) | (None, Some(key)) => Ok(key),
        _ => Err(InboundError::Encryption { what: String::from("number of EncryptedKey elements") }),
    }
}

fn key_transport(key: Element<'_, '_>) -> Result<KeyTransport, InboundError> {
    let method = key.required_child(ENCRYPTION, "EncryptionMethod")?;
    let uri = method.attribute("Algorithm").unwrap_or_default();
    let of = |namespace, local| {
        let child = method.only_child(namespace, local)?;
        Ok::<_, InboundError>(child.map(|child| child.attribute("Algorithm").unwrap_or_default()))
    };
    let digest = of(SIGNATURE, "DigestMethod")?;
    let mask = of(ENCRYPTION11, "MGF")?;
    match (uri, digest, mask) {
        ("http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p", None | Some(SHA1), None)
        | ("http://www.w3.org/2009/xmlenc11#rsa-oaep", None | Some(SHA1), None | Some(MGF1_SHA1)) => {
            Ok(KeyTransport::OaepMgf1Sha1)
        }
        ("http://www.w3.org/2009/xmlenc11#rsa-oaep", Some(SHA256), Some(MGF1_SHA256)) => Ok(KeyTransport::OaepSha256),
        _ => Err(InboundError::Encryption {
            what: [Some(uri), digest, mask].into_iter().flatten().collect::<Vec<_>>().join(" "),
        }),
    }
}

fn algorithm<'d>(element: Element<'d, '_>) -> Result<&'d str, InboundError> {
    Ok(element.required_child(ENCRYPTION, "EncryptionMethod")?.attribute("Algorithm").unwrap_or_default())
}

fn cipher_value(element: Element<'_, '_>) -> Result<Vec<u8>, InboundError> {
    let value = element.required_child(ENCRYPTION, "CipherData")?.required_child(ENCRYPTION, "CipherValue")?;
    let text: String = value.text()?.split_ascii_whitespace().collect();
    BASE64.decode(text).map_err(|_| InboundError::Undecryptable)
}

enum Content {
    Gcm(&'static aws_lc_rs::aead::Algorithm),
    Cbc(Cipher),
}

impl Content {
    fn open(&self, key: &[u8], content: &[u8]) -> Option<Secret<Vec<u8>>> {
        match self {
            Self::Gcm(algorithm) => open_gcm(algorithm, key, content),
            Self::Cbc(cipher) => open_cbc(*cipher, key, content),
        }
    }
}

/// Nonce of 12 octets, ciphertext, tag.
fn open_gcm(algorithm: &'static aws_lc_rs::aead::Algorithm, key: &[u8], content: &[u8]) -> Option<Secret<Vec<u8>>> {
    let (nonce, body) = content.split_at_checked(12)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let key = LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?);
    let mut body = body.to_vec();
    let length = key.open_in_place(nonce, Aad::empty(), &mut body).ok()?.len();
    body.truncate(length);
    Some(Secret::new(body))
}

/// Vector of 16 octets, ciphertext; the last octet of the padding is its length, the others are anything, which PKCS#7 does
/// not allow.
fn open_cbc(cipher: Cipher, key: &[u8], content: &[u8]) -> Option<Secret<Vec<u8>>> {
    let (vector, body) = content.split_at_checked(16)?;
    if key.len() != cipher.key_len() || body.is_empty() || !body.len().is_multiple_of(16) {
        return None;
    }
    let mut crypter = Crypter::new(cipher, Mode::Decrypt, key, Some(vector)).ok()?;
    crypter.pad(false);
    let mut plain = vec![0; body.len() + cipher.block_size()];
    let mut length = crypter.update(body, &mut plain).ok()?;
    length += crypter.finalize(plain.get_mut(length..)?).ok()?;
    let padding = usize::from(*plain.get(length.checked_sub(1)?)?);
    if !(1..=16).contains(&padding) {
        return None;
    }
    plain.truncate(length.checked_sub(padding)?);
    Some(Secret::new(plain))
}

const ENCRYPTION11: &str = "http://www.w3.org/2009/xmlenc11#";
const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const MGF1_SHA1: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha1";
const MGF1_SHA256: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha256";
