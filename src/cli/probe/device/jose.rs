//! What a device signs, and what it is sent encrypted (MS-OAPXBC; oauth-oidc-prt.md 3.3 to 3.7).
//!
//! Its own derivation of keys, not the server's: were that one wrong, the two would not understand each other.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::sha::sha256;
use openssl::sign::Signer;
use openssl::symm::{Cipher, decrypt, decrypt_aead};
use serde::Serialize;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::super::failure::Failure;
use crate::secret::Secret;

/// A signed text, and what of it may be shown.
pub(super) struct Signed {
    pub(super) text: Secret<String>,
    pub(super) shown: String,
}

/// Signs by the device's key; `shown` is the payload as it may be shown.
pub(super) fn by_device(
    key: &PKey<Private>,
    certificate: &[u8],
    payload: &impl Serialize,
    shown: &impl Serialize,
) -> Result<Signed, Failure> {
    let header = json!({"alg": "RS256", "typ": "JWT", "x5c": [STANDARD.encode(certificate)], "kdf_ver": 2});
    let input = input(&header, &text(payload)?);
    let signature = Signer::new(MessageDigest::sha256(), key)
        .and_then(|mut signer| signer.sign_oneshot_to_vec(input.as_bytes()))
        .map_err(|error| Failure::new(format!("the device's key does not sign: {error}")))?;
    Ok(Signed {
        text: Secret::new(format!("{}.{}", *input, URL_SAFE_NO_PAD.encode(signature))),
        shown: format!("RS256 by the device's key, kdf_ver 2, {}", *text(shown)?),
    })
}

/// The key that server and device share for one primary refresh token.
pub(super) struct SessionKey(Secret<Vec<u8>>);

impl SessionKey {
    /// The key in `session_key_jwe`, which `unwrap` opens: its second part is the wrapped key, and nothing else is read.
    pub(super) fn from_jwe(jwe: &str, unwrap: impl FnOnce(&[u8]) -> Option<Secret<Vec<u8>>>) -> Option<Self> {
        let parts: Vec<&str> = jwe.split('.').collect();
        let [_, wrapped, _, _, _] = parts.as_slice() else { return None };
        unwrap(&URL_SAFE_NO_PAD.decode(wrapped).ok()?).filter(|key| key.expose().len() == 32).map(Self)
    }

    /// Signs by a key derived from this one with `ctx` and, version 2, the payload.
    pub(super) fn sign(&self, ctx: &[u8], payload: &impl Serialize, shown: &impl Serialize) -> Result<Signed, Failure> {
        let payload = text(payload)?;
        let input = input(&json!({"alg": "HS256", "ctx": STANDARD.encode(ctx), "kdf_ver": 2}), &payload);
        let key = self.derive(&sha256(&[ctx, payload.as_bytes()].concat()));
        let signature = mac(key.expose(), input.as_bytes());
        Ok(Signed {
            text: Secret::new(format!("{}.{}", *input, URL_SAFE_NO_PAD.encode(signature))),
            shown: format!("HS256 by a key derived from the session key, kdf_ver 2, {}", *text(shown)?),
        })
    }

    /// Opens an answer that was encrypted under a key derived from this one, version 1, with the `ctx` in its header.
    pub(super) fn open(&self, jwe: &str) -> Result<Map<String, Value>, Unreadable> {
        let parts: Vec<&str> = jwe.trim().split('.').collect();
        let [header, "", iv, content, tag] = parts.as_slice() else { return Err(Unreadable::Form) };
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Unreadable::Form);
        let members: Map<String, Value> = serde_json::from_slice(&decode(header)?).map_err(|_| Unreadable::Form)?;
        let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default();
        if (text("alg"), text("enc")) != ("dir", "A256GCM") {
            return Err(Unreadable::Algorithm(format!("{} with {}", text("alg"), text("enc"))));
        }
        let ctx = STANDARD.decode(text("ctx")).or_else(|_| URL_SAFE_NO_PAD.decode(text("ctx")));
        let key = self.derive(&ctx.map_err(|_| Unreadable::Form)?);
        let (iv, content, tag) = (decode(iv)?, decode(content)?, decode(tag)?);
        // Sixteen octets are what Entra sends: CBC, whatever the header says.
        let plain = if iv.len() == 16 {
            decrypt(Cipher::aes_256_cbc(), key.expose(), Some(&iv), &content)
        } else {
            decrypt_aead(Cipher::aes_256_gcm(), key.expose(), Some(&iv), header.as_bytes(), &content, &tag)
        };
        serde_json::from_slice(&plain.map_err(|_| Unreadable::Key)?).map_err(|_| Unreadable::Form)
    }

    /// NIST SP 800-108 in counter mode with HMAC-SHA256, one round.
    fn derive(&self, context: &[u8]) -> Secret<Vec<u8>> {
        let input = [&[0, 0, 0, 1], LABEL, &[0], context, &[0, 0, 1, 0]].concat();
        Secret::new(mac(self.0.expose(), &input))
    }
}

/// Why an answer does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("it is not in JWE compact form")]
    Form,
    #[error("it is encrypted by {0}")]
    Algorithm(String),
    #[error("it does not open with the key derived from its ctx")]
    Key,
}

/// The members of a token; who signed it is not asked.
pub(super) fn members(token: &str) -> Option<Map<String, Value>> {
    let payload = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

/// JSON that may hold a password.
fn text(payload: &impl Serialize) -> Result<Zeroizing<String>, Failure> {
    serde_json::to_string(payload).map(Zeroizing::new).map_err(|error| Failure::new(error.to_string()))
}

fn input(header: &Value, payload: &str) -> Zeroizing<String> {
    let payload = Zeroizing::new(URL_SAFE_NO_PAD.encode(payload));
    Zeroizing::new(format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), *payload))
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

const LABEL: &[u8] = b"AzureAD-SecureConversation";

#[cfg(test)]
mod tests {
    use openssl::symm::encrypt_aead;

    use super::*;

    fn key() -> SessionKey {
        SessionKey(Secret::new((0..32).collect()))
    }

    #[test]
    fn keys_are_derived_as_in_the_published_vector() {
        let ctx: Vec<u8> = (0x40..0x58).collect();
        let derived = |context: &[u8]| hex::encode(key().derive(context).expose());
        assert_eq!(derived(&ctx), "261704508fac96248f7d3be91a017495fc867b984effbbd36059d69719da6375");
        let payload = br#"{"client_id":"x","scope":"openid"}"#;
        assert_eq!(
            derived(&sha256(&[&ctx[..], payload].concat())),
            "9b7d92d7394c8bebf93ac1a5ac526de59bc5248fb69ecc65db183c3bc2fd7886"
        );
    }

    #[test]
    fn an_answer_opens_with_its_ctx_and_no_other() {
        let answer = |named: &[u8], used: &[u8]| {
            let header = json!({"alg": "dir", "enc": "A256GCM", "ctx": STANDARD.encode(named)}).to_string();
            let header = URL_SAFE_NO_PAD.encode(header);
            let mut tag = [0; 16];
            let derived = key().derive(used);
            let content = encrypt_aead(
                Cipher::aes_256_gcm(),
                derived.expose(),
                Some(&[1; 12]),
                header.as_bytes(),
                b"{\"a\":1}",
                &mut tag,
            );
            let parts = [&[1; 12][..], &content.unwrap(), &tag].map(|part| URL_SAFE_NO_PAD.encode(part));
            format!("{header}..{}", parts.join("."))
        };
        assert_eq!(key().open(&answer(&[3; 24], &[3; 24])).unwrap()["a"], 1);
        assert_eq!(key().open(&answer(&[3; 24], &[4; 24])), Err(Unreadable::Key));
        for text in ["", "{}", "a.b.c.d.e", "e30..AAAA.AAAA.AAAA"] {
            assert!(key().open(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_session_key_has_32_octets_and_five_parts_around_it() {
        let unwrap = |length: usize| move |_: &[u8]| Some(Secret::new(vec![7; length]));
        assert!(SessionKey::from_jwe("a.AAAA.c.d.e", unwrap(32)).is_some());
        assert!(SessionKey::from_jwe("a.AAAA.c.d.e", unwrap(16)).is_none());
        assert!(SessionKey::from_jwe("a.AAAA.c.d", unwrap(32)).is_none());
        assert!(SessionKey::from_jwe("a.AAAA.c.d.e", |_| None).is_none());
    }

    #[test]
    fn what_is_shown_has_no_secret() {
        let signed = key().sign(&[1; 24], &json!({"refresh_token": "secret"}), &json!({"refresh_token": "…"})).unwrap();
        assert!(!signed.shown.contains("secret"));
        assert_eq!(members(signed.text.expose()).unwrap()["refresh_token"], "secret");
    }
}
