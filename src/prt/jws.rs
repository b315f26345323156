//! The two kinds of signed request, in JWS compact serialisation.
//!
//! Which kind it is follows from its structure, once: `RS256` with `x5c` is signed by a device's key, `HS256` with `ctx` by a
//! key derived from a session key. Each is then verified as that kind only; no verification looks at `alg` again.
//!
//! Headers are a closed list: `jku`, `jwk`, `x5u`, `crit`, `b64`, `zip` and whatever is unknown are refused, because each would
//! ask the reader to do something it does not do.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::kdf::{KdfVersion, SessionKey};
use crate::tokens::jwt::{Header, Jws, JwtError, RsaPublicKey, read_object};

/// The members of a payload.
pub(super) type Members = Map<String, Value>;

/// A signed request, not yet verified.
#[derive(Debug, Clone)]
pub enum SignedRequest {
    /// Signed by a device's key.
    ByDevice(DeviceSigned),
    /// Signed by a key derived from a session key.
    BySession(SessionSigned),
}

impl SignedRequest {
    /// Reads a request of at most 32 KiB.
    ///
    /// # Errors
    /// [`JwsError`].
    pub fn read(text: &str) -> Result<Self, JwsError> {
        let parts = Parts::read(text)?;
        let has = |name: &str| parts.header.get(name).is_some();
        match (parts.algorithm(), has("x5c"), has("ctx")) {
            ("RS256", true, false) => DeviceSigned::of(parts).map(Self::ByDevice),
            ("HS256", false, true) => SessionSigned::of(parts).map(Self::BySession),
            (algorithm, ..) => Err(JwsError::Algorithm { algorithm: shown(algorithm) }),
        }
    }
}

/// A text signed by the key of a certificate that it carries. The certificate proves nothing until a directory knows it.
#[derive(Debug, Clone)]
pub struct DeviceSigned {
    certificate: Vec<u8>,
    kdf: KdfVersion,
    parts: Parts,
}

impl DeviceSigned {
    /// Reads a text that nothing but a device's key may have signed.
    ///
    /// # Errors
    /// [`JwsError`].
    pub fn read(text: &str) -> Result<Self, JwsError> {
        match SignedRequest::read(text)? {
            SignedRequest::ByDevice(signed) => Ok(signed),
            SignedRequest::BySession(_) => Err(JwsError::Algorithm { algorithm: String::from("HS256") }),
        }
    }

    fn of(parts: Parts) -> Result<Self, JwsError> {
        parts.allow(&["alg", "typ", "x5c", "kdf_ver", "kid", "x5t", "x5t#S256"])?;
        let text = match parts.header.get("x5c") {
            // A string is what the tools send; RFC 7515 has a list.
            Some(Value::String(text)) => text,
            Some(Value::Array(list)) => match list.as_slice() {
                [Value::String(text)] => text,
                _ => return Err(JwsError::Header { name: "x5c" }),
            },
            _ => return Err(JwsError::Header { name: "x5c" }),
        };
        let text: String = text.split_ascii_whitespace().collect();
        let certificate = STANDARD.decode(text).map_err(|_| JwsError::Header { name: "x5c" })?;
        Ok(Self { certificate, kdf: parts.kdf()?, parts })
    }

    /// DER of the certificate.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The key derivation that the device will use, as far as it says.
    pub const fn kdf(&self) -> KdfVersion {
        self.kdf
    }

    /// The payload, once the signature was verified with the key of the certificate.
    ///
    /// # Errors
    /// [`JwsError::Signature`], [`JwsError::Json`].
    pub fn verify(&self) -> Result<Members, JwsError> {
        self.parts.verify_by_certificate(&self.certificate)
    }
}

/// A text signed by a key derived from a session key.
#[derive(Debug, Clone)]
pub struct SessionSigned {
    ctx: Vec<u8>,
    kdf: KdfVersion,
    parts: Parts,
}

impl SessionSigned {
    /// Reads a text that nothing but a derived key may have signed.
    ///
    /// # Errors
    /// [`JwsError`].
    pub fn read(text: &str) -> Result<Self, JwsError> {
        match SignedRequest::read(text)? {
            SignedRequest::BySession(signed) => Ok(signed),
            SignedRequest::ByDevice(_) => Err(JwsError::Algorithm { algorithm: String::from("RS256") }),
        }
    }

    fn of(parts: Parts) -> Result<Self, JwsError> {
        parts.allow(&["alg", "typ", "ctx", "kdf_ver", "kid"])?;
        let ctx = parts.header.text("ctx").and_then(either_base64);
        let ctx = ctx.filter(|ctx| CTX_OCTETS.contains(&ctx.len())).ok_or(JwsError::Header { name: "ctx" })?;
        Ok(Self { ctx, kdf: parts.kdf()?, parts })
    }

    /// The octets of `ctx`.
    pub fn ctx(&self) -> &[u8] {
        &self.ctx
    }

    /// The key derivation that was used.
    pub const fn kdf(&self) -> KdfVersion {
        self.kdf
    }

    /// The signature: what identifies this request among all that the session key signed. One text has one, since base64 is
    /// read strictly.
    pub fn signature(&self) -> Vec<u8> {
        let encoded = self.parts.text.rsplit_once('.').map_or("", |(_, signature)| signature);
        URL_SAFE_NO_PAD.decode(encoded).unwrap_or_default()
    }

    /// The payload before its signature was verified; good for finding the session key in it, and for nothing else.
    ///
    /// # Errors
    /// [`JwsError::Json`].
    pub fn unverified(&self) -> Result<Members, JwsError> {
        self.parts.unverified()
    }

    /// The payload, once the signature was verified.
    ///
    /// # Errors
    /// [`JwsError::Signature`], [`JwsError::Json`].
    pub fn verify(&self, key: &SessionKey) -> Result<Members, JwsError> {
        let jws = Jws::parse(&self.parts.text)?;
        let derived = key.derive(self.kdf, &self.ctx, jws.unverified_payload());
        Ok(jws.verify_hs256(derived.expose())?.members().clone())
    }
}

/// A text taken apart; nothing verified.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    text: String,
    pub(super) header: Header,
}

impl Parts {
    pub(super) fn read(text: &str) -> Result<Self, JwsError> {
        let header = Jws::parse(text)?.header().clone();
        Ok(Self { text: text.to_owned(), header })
    }

    pub(super) fn algorithm(&self) -> &str {
        self.header.text("alg").unwrap_or_default()
    }

    pub(super) fn allow(&self, names: &[&str]) -> Result<(), JwsError> {
        if let Some(other) = self.header.names().find(|name| !names.contains(name)) {
            return Err(JwsError::UnexpectedHeader { name: shown(other) });
        }
        match self.header.get("typ") {
            None => Ok(()),
            Some(Value::String(kind)) if kind.eq_ignore_ascii_case("JWT") => Ok(()),
            Some(_) => Err(JwsError::Header { name: "typ" }),
        }
    }

    /// What a certificate's key signed, when it did.
    pub(super) fn verify_by_certificate(&self, der: &[u8]) -> Result<Members, JwsError> {
        self.verify_by(&RsaPublicKey::from_certificate(der).map_err(|_| JwsError::Signature)?)
    }

    pub(super) fn verify_by(&self, key: &RsaPublicKey) -> Result<Members, JwsError> {
        Ok(Jws::parse(&self.text)?.verify_rs256(key)?.members().clone())
    }

    /// The payload before anybody vouched for it: for finding out whose key to verify it with, and for nothing else.
    pub(super) fn unverified(&self) -> Result<Members, JwsError> {
        let octets = Jws::parse(&self.text)?.unverified_payload().to_vec();
        read_object(&octets).map_err(|error| JwsError::Json(error.to_string()))
    }

    fn kdf(&self) -> Result<KdfVersion, JwsError> {
        match self.header.get("kdf_ver") {
            None => Ok(KdfVersion::One),
            Some(number) => number.as_i64().and_then(KdfVersion::of).ok_or(JwsError::Header { name: "kdf_ver" }),
        }
    }
}

/// Why a text is no such request. For the audit log; the client is told that its grant is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// Longer than a request may be.
    #[error("the signed text has {octets} octets")]
    TooLarge {
        /// Its length.
        octets: usize,
    },
    /// Not three parts of base64url.
    #[error("not a signed text in JWS compact serialisation")]
    Malformed,
    /// Header or payload is no JSON object, or not one that every reader reads alike.
    #[error("{0}")]
    Json(String),
    /// No algorithm that this kind of request may be signed with, or not with the header it needs.
    #[error("a text signed by {algorithm} with such a header is not accepted here")]
    Algorithm {
        /// `alg`, shortened.
        algorithm: String,
    },
    /// A header that is not expected.
    #[error("the header has {name}, which is not accepted")]
    UnexpectedHeader {
        /// Its name, shortened.
        name: String,
    },
    /// A header of a form that is not accepted.
    #[error("the header's {name} is not accepted")]
    Header {
        /// Its name.
        name: &'static str,
    },
    /// The signature is not that of the key.
    #[error("the signature is not good")]
    Signature,
}

impl From<JwtError> for JwsError {
    fn from(error: JwtError) -> Self {
        match error {
            JwtError::TooLong { len, .. } => Self::TooLarge { octets: len },
            JwtError::Header { parameter } => Self::UnexpectedHeader { name: parameter.to_owned() },
            JwtError::Algorithm { expected } => {
                Self::Algorithm { algorithm: format!("another algorithm than {expected}") }
            }
            JwtError::Signature => Self::Signature,
            JwtError::Json { .. } => Self::Json(error.to_string()),
            _ => Self::Malformed,
        }
    }
}

/// Base64 of either alphabet, with or without padding.
pub(super) fn either_base64(text: &str) -> Option<Vec<u8>> {
    let text: String = text
        .trim_end_matches('=')
        .chars()
        .map(|character| match character {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    STANDARD_NO_PAD.decode(text).ok()
}

/// A stranger's text, cut to what a log line holds.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(64).collect()
}

const CTX_OCTETS: std::ops::RangeInclusive<usize> = 16..=64;
