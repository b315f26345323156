//! ID tokens of `OpenID` providers: the signature verified with the provider's own keys, every claim about the token checked
//! (`OpenID` Connect Core 3.1.3.7).
//!
//! Two algorithms, each with keys of its kind only. What a header says of keys or where to find them is not looked at. Knows nothing
//! of how a token or a key set travelled.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use aws_lc_rs::{constant_time, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Map, Value};

use crate::clock::UtcTime;

/// The signing keys of a provider.
#[derive(Debug, Clone, Default)]
pub struct IdTokenKeys(Vec<Key>);

#[derive(Debug, Clone)]
struct Key {
    id: Option<String>,
    public: Public,
}

#[derive(Debug, Clone)]
enum Public {
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    /// The uncompressed point.
    P256(Vec<u8>),
}

/// What a token is checked against.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The provider, compared character by character.
    pub issuer: &'a str,
    /// This server, as the provider knows it.
    pub client_id: &'a str,
    /// What was sent with the request.
    pub nonce: &'a str,
    /// The access token that came along.
    pub access_token: Option<&'a str>,
    /// Now.
    pub now: UtcTime,
    /// How far the provider's clock may be from ours.
    pub skew: std::time::Duration,
}

/// An ID token that was verified.
#[derive(Debug, Clone, PartialEq)]
pub struct IdToken {
    /// `sub`.
    pub subject: String,
    /// `iat`.
    pub issued: UtcTime,
    /// When the subject authenticated, where it says so.
    pub authenticated: Option<UtcTime>,
    /// Everything it says.
    pub claims: Map<String, Value>,
}

/// Why an ID token, or a key set, is refused. The text is for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// Not three parts of base64url with JSON objects in the first two.
    #[error("the ID token cannot be read: {0}")]
    Malformed(&'static str),
    /// An algorithm that is not taken: none, a shared secret, or an unknown one.
    #[error("the ID token is signed by {0:?}; RS256 and ES256 are taken")]
    Algorithm(String),
    /// No key of the provider fits.
    #[error("the provider's key set has no key for this ID token{}", .id.as_deref().map(|id| format!(" (kid {id:?})")).unwrap_or_default())]
    NoKey {
        /// The key's id, as the token names it.
        id: Option<String>,
    },
    /// The signature is wrong.
    #[error("the signature of the ID token is wrong")]
    Signature,
    /// A claim that must be there is not, or not of its type.
    #[error("the ID token has no {0} that can be used")]
    Missing(&'static str),
    /// A claim has another value than it must have.
    #[error("{claim} of the ID token is {found:?}, not {expected:?}")]
    Differs {
        /// Which.
        claim: &'static str,
        /// Its value.
        found: String,
        /// What it must be.
        expected: String,
    },
    /// It was not made for this request.
    #[error("the nonce of the ID token is not that of the request")]
    Nonce,
    /// It belongs to another access token.
    #[error("the ID token does not belong to the access token")]
    AccessToken,
    /// It is over, or of the future.
    #[error("{claim} of the ID token is {at}, which is {when}")]
    Time {
        /// Which.
        claim: &'static str,
        /// The time.
        at: UtcTime,
        /// What is wrong with it.
        when: &'static str,
    },
    /// The key set is none.
    #[error("the key set cannot be read: {0}")]
    KeySet(String),
}

impl IdTokenKeys {
    /// Reads a JSON Web Key Set. Keys for other uses, of other kinds, or too weak are left out.
    ///
    /// # Errors
    /// [`IdTokenError::KeySet`] when it is none, or has no key that can be used.
    pub fn parse(octets: &[u8]) -> Result<Self, IdTokenError> {
        let set: Value = serde_json::from_slice(octets).map_err(|error| IdTokenError::KeySet(error.to_string()))?;
        let keys = set.get("keys").and_then(Value::as_array).ok_or_else(|| IdTokenError::KeySet("no keys".into()))?;
        let keys: Vec<Key> = keys.iter().take(MAX_KEYS).filter_map(Key::read).collect();
        if keys.is_empty() {
            Err(IdTokenError::KeySet(String::from("no key that can be used")))
        } else {
            Ok(Self(keys))
        }
    }

    fn find(&self, header: &Map<String, Value>) -> Result<&Public, IdTokenError> {
        let algorithm = header.get("alg").and_then(Value::as_str).unwrap_or_default();
        let is_rsa = match algorithm {
            "RS256" => true,
            "ES256" => false,
            other => return Err(IdTokenError::Algorithm(other.chars().take(32).collect())),
        };
        // An extension that must be understood is not.
        if header.contains_key("crit") {
            return Err(IdTokenError::Malformed("its header has crit"));
        }
        let id = header.get("kid").and_then(Value::as_str);
        let mut fitting = self.0.iter().filter(|key| {
            matches!(key.public, Public::Rsa { .. }) == is_rsa && (id.is_none() || key.id.as_deref() == id)
        });
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(&key.public),
            // Without an id nothing says which of them is meant.
            _ => Err(IdTokenError::NoKey { id: id.map(|id| id.chars().take(100).collect()) }),
        }
    }
}

impl Key {
    fn read(key: &Value) -> Option<Self> {
        let text = |name: &str| key.get(name).and_then(Value::as_str);
        let octets = |name: &str| text(name).and_then(|value| BASE64.decode(value).ok());
        if text("use").is_some_and(|usage| usage != "sig") {
            return None;
        }
        let (algorithm, public) = match text("kty")? {
            "RSA" => {
                let (modulus, exponent) = (octets("n")?, octets("e")?);
                let bits = modulus.iter().skip_while(|octet| **octet == 0).count() * 8;
                // What the verifier would refuse is no key.
                if !(2048..=8192).contains(&bits) {
                    return None;
                }
                ("RS256", Public::Rsa { modulus, exponent })
            }
            "EC" if text("crv") == Some("P-256") => {
                let (x, y) = (octets("x")?, octets("y")?);
                if x.len() != 32 || y.len() != 32 {
                    return None;
                }
                ("ES256", Public::P256([&[4][..], &x, &y].concat()))
            }
            _ => return None,
        };
        let fits = text("alg").is_none_or(|own| own == algorithm);
        fits.then(|| Self { id: text("kid").map(str::to_owned), public })
    }
}

/// Verifies an ID token and everything it says of itself.
///
/// # Errors
/// [`IdTokenError`].
pub fn verify(token: &str, keys: &IdTokenKeys, expected: &Expected<'_>) -> Result<IdToken, IdTokenError> {
    let parts = Parts::of(token)?;
    let valid = match keys.find(&parts.header)? {
        Public::Rsa { modulus, exponent } => RsaPublicKeyComponents { n: modulus, e: exponent }
            .verify(&RSA_PKCS1_2048_8192_SHA256, parts.signed.as_bytes(), &parts.signature)
            .is_ok(),
        Public::P256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(parts.signed.as_bytes(), &parts.signature)
            .is_ok(),
    };
    if !valid {
        return Err(IdTokenError::Signature);
    }
    let claims = object(parts.payload)?;
    check(claims, expected)
}

fn check(claims: Map<String, Value>, expected: &Expected<'_>) -> Result<IdToken, IdTokenError> {
    let text = |name: &'static str| claims.get(name).and_then(Value::as_str).ok_or(IdTokenError::Missing(name));
    let same = |claim: &'static str, found: &str, wanted: &str| {
        let shown = |text: &str| text.chars().take(200).collect();
        let differs = || IdTokenError::Differs { claim, found: shown(found), expected: shown(wanted) };
        if found == wanted { Ok(()) } else { Err(differs()) }
    };
    same("iss", text("iss")?, expected.issuer)?;
    let audiences = match claims.get("aud") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => return Err(IdTokenError::Missing("aud")),
    };
    if !audiences.contains(&expected.client_id) {
        same("aud", &audiences.join(", "), expected.client_id)?;
    }
    if audiences.len() > 1 || claims.contains_key("azp") {
        same("azp", text("azp")?, expected.client_id)?;
    }
    let time = |name: &'static str| seconds(&claims, name);
    let wrong = |claim, at, when| Err(IdTokenError::Time { claim, at, when });
    let end = time("exp")?.ok_or(IdTokenError::Missing("exp"))?;
    if end.plus(expected.skew) <= expected.now {
        return wrong("exp", end, "over");
    }
    let issued = time("iat")?.ok_or(IdTokenError::Missing("iat"))?;
    for (claim, begin) in [("iat", Some(issued)), ("nbf", time("nbf")?), ("auth_time", time("auth_time")?)] {
        if let Some(at) = begin.filter(|at| *at > expected.now.plus(expected.skew)) {
            return wrong(claim, at, "in the future");
        }
    }
    // It was asked for a moment ago.
    if issued.plus(OLDEST).plus(expected.skew) < expected.now {
        return wrong("iat", issued, "long ago");
    }
    let nonce = text("nonce")?;
    constant_time::verify_slices_are_equal(nonce.as_bytes(), expected.nonce.as_bytes())
        .map_err(|_| IdTokenError::Nonce)?;
    if let Some(hash) = claims.get("at_hash") {
        let token = expected.access_token.ok_or(IdTokenError::AccessToken)?;
        let whole = digest::digest(&digest::SHA256, token.as_bytes());
        let half = whole.as_ref().get(..16).map(|half| BASE64.encode(half));
        if hash.as_str() != half.as_deref() {
            return Err(IdTokenError::AccessToken);
        }
    }
    let subject = text("sub")?.to_owned();
    if subject.is_empty() || subject.len() > MAX_SUBJECT {
        return Err(IdTokenError::Missing("sub"));
    }
    Ok(IdToken { subject, issued, authenticated: time("auth_time")?, claims })
}

fn seconds(claims: &Map<String, Value>, name: &'static str) -> Result<Option<UtcTime>, IdTokenError> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    // Whole seconds; some write a fraction.
    let whole = value.as_i64().or_else(|| value.as_number()?.to_string().split('.').next()?.parse().ok());
    match whole {
        Some(seconds) if (0..=LAST_SECOND).contains(&seconds) => Ok(Some(UtcTime::from_unix_seconds(seconds))),
        _ => Err(IdTokenError::Missing(name)),
    }
}

/// A token taken apart, unverified.
struct Parts<'a> {
    signed: &'a str,
    header: Map<String, Value>,
    payload: &'a str,
    signature: Vec<u8>,
}

impl<'a> Parts<'a> {
    fn of(token: &'a str) -> Result<Self, IdTokenError> {
        if token.len() > MAX_TOKEN {
            return Err(IdTokenError::Malformed("it is too long"));
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(IdTokenError::Malformed("it has one part"))?;
        let (header, payload) = signed.split_once('.').ok_or(IdTokenError::Malformed("it has two parts"))?;
        if payload.contains('.') {
            return Err(IdTokenError::Malformed("it has more than three parts"));
        }
        let signature =
            BASE64.decode(signature).map_err(|_| IdTokenError::Malformed("its signature is not base64url"))?;
        Ok(Self { signed, header: object(header)?, payload, signature })
    }
}

fn object(part: &str) -> Result<Map<String, Value>, IdTokenError> {
    let octets = BASE64.decode(part).map_err(|_| IdTokenError::Malformed("a part is not base64url"))?;
    serde_json::from_slice(&octets).map_err(|_| IdTokenError::Malformed("a part is no JSON object"))
}

const MAX_TOKEN: usize = 64 << 10;
const MAX_KEYS: usize = 64;
/// Characters of a subject (`OpenID` Connect Core 2).
const MAX_SUBJECT: usize = 255;
/// How long ago an answer to a request may have been issued.
const OLDEST: std::time::Duration = std::time::Duration::from_mins(10);
/// The year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

#[cfg(test)]
mod tests;
