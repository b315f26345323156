//! The compact form of a signed token, taken apart; its payload comes out only through a signature check.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::error::JwtError;
use super::json::read_object;
use super::key::RsaPublicKey;
use crate::clock::UtcTime;

/// The longest token that is read. Requests of Windows with a certificate and a primary refresh token have about 10 KiB.
pub const MAX_TOKEN_LEN: usize = 32 * 1024;

/// A signed token whose signature has not been checked.
#[derive(Debug)]
pub struct Jws<'a> {
    header: Header,
    signed: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// The header of a token. It says which key to look for and is believed in nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header(Map<String, Value>);

/// The members of a token whose signature was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload(Map<String, Value>);

impl<'a> Jws<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// [`JwtError::TooLong`], [`JwtError::Form`], [`JwtError::Json`], [`JwtError::Header`].
    pub fn parse(token: &'a str) -> Result<Self, JwtError> {
        if token.len() > MAX_TOKEN_LEN {
            return Err(JwtError::TooLong { len: token.len(), limit: MAX_TOKEN_LEN });
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(JwtError::Form)?;
        let (header, payload) = signed.split_once('.').ok_or(JwtError::Form)?;
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| JwtError::Form);
        let header = Header::read(&decoded(header)?)?;
        Ok(Self { header, signed, payload: decoded(payload)?, signature: decoded(signature)? })
    }

    /// The header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// What the signature is over: header, dot, payload as they were sent.
    pub const fn signed(&self) -> &str {
        self.signed
    }

    /// The octets of the payload before anybody vouched for them; only for deriving the key that does.
    pub fn unverified_payload(&self) -> &[u8] {
        &self.payload
    }

    /// The payload, when `key` signed it by `RS256`.
    ///
    /// # Errors
    /// [`JwtError::Algorithm`], [`JwtError::Signature`], [`JwtError::Json`].
    pub fn verify_rs256(self, key: &RsaPublicKey) -> Result<Payload, JwtError> {
        self.header.expect_algorithm("RS256")?;
        if !key.signed(self.signed.as_bytes(), &self.signature) {
            return Err(JwtError::Signature);
        }
        self.into_payload()
    }

    /// The payload, when `key` signed it by `RS256` or `PS256`, whichever the header names: the schemes of a client's assertion.
    ///
    /// # Errors
    /// [`JwtError::Algorithm`], [`JwtError::Signature`], [`JwtError::Json`].
    pub fn verify_rs256_or_ps256(self, key: &RsaPublicKey) -> Result<Payload, JwtError> {
        let signed = self.signed.as_bytes();
        let good = match self.header.text("alg") {
            Some("RS256") => key.signed(signed, &self.signature),
            Some("PS256") => key.signed_by_pss(signed, &self.signature),
            _ => return Err(JwtError::Algorithm { expected: "RS256 or PS256" }),
        };
        if good { self.into_payload() } else { Err(JwtError::Signature) }
    }

    /// The payload, when its HMAC with SHA-256 (`HS256`) under `key` fits. Compared in constant time.
    ///
    /// # Errors
    /// [`JwtError::Algorithm`], [`JwtError::Signature`], [`JwtError::Json`].
    pub fn verify_hs256(self, key: &[u8; 32]) -> Result<Payload, JwtError> {
        self.header.expect_algorithm("HS256")?;
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key);
        aws_lc_rs::hmac::verify(&key, self.signed.as_bytes(), &self.signature).map_err(|_| JwtError::Signature)?;
        self.into_payload()
    }

    fn into_payload(self) -> Result<Payload, JwtError> {
        read_object(&self.payload).map(Payload).map_err(|source| JwtError::Json { part: "payload", source })
    }
}

impl Header {
    fn read(octets: &[u8]) -> Result<Self, JwtError> {
        let members = read_object(octets).map_err(|source| JwtError::Json { part: "header", source })?;
        match REFUSED.into_iter().find(|name| members.contains_key(*name)) {
            Some(parameter) => Err(JwtError::Header { parameter }),
            None => Ok(Self(members)),
        }
    }

    /// A parameter that is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// Any parameter.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The names of its parameters.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// `x5t` without the padding that some libraries write.
    pub fn x5t(&self) -> Option<&str> {
        self.text("x5t").map(|text| text.trim_end_matches('='))
    }

    fn expect_algorithm(&self, expected: &'static str) -> Result<(), JwtError> {
        if self.text("alg") == Some(expected) { Ok(()) } else { Err(JwtError::Algorithm { expected }) }
    }
}

impl Payload {
    /// Any member.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A member that is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// A member that must be text.
    ///
    /// # Errors
    /// [`JwtError::Member`].
    pub fn required_text(&self, member: &'static str) -> Result<&str, JwtError> {
        self.text(member).filter(|text| !text.is_empty()).ok_or(JwtError::Member { member })
    }

    /// The values of a member: one, or those of an array; only text counts.
    pub fn texts<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let (one, many) = match self.0.get(name) {
            Some(Value::Array(values)) => (None, values.as_slice()),
            Some(value) => (value.as_str(), &[][..]),
            None => (None, &[][..]),
        };
        one.into_iter().chain(many.iter().filter_map(Value::as_str))
    }

    /// A member that is a time in seconds since 1970; fractions, as MSAL sends them, are cut off.
    ///
    /// # Errors
    /// [`JwtError::Member`] when it is there and no time.
    pub fn time(&self, member: &'static str) -> Result<Option<UtcTime>, JwtError> {
        let Some(value) = self.0.get(member) else { return Ok(None) };
        let whole = value.as_i64();
        #[expect(clippy::cast_possible_truncation, reason = "the strict reader lets no number beyond 64 bits pass")]
        let seconds = whole.or_else(|| value.as_f64().map(|seconds| seconds.floor() as i64));
        seconds.map(|seconds| Some(UtcTime::from_unix_seconds(seconds))).ok_or(JwtError::Member { member })
    }

    /// A time that must be there.
    ///
    /// # Errors
    /// [`JwtError::Member`].
    pub fn required_time(&self, member: &'static str) -> Result<UtcTime, JwtError> {
        self.time(member)?.ok_or(JwtError::Member { member })
    }

    /// All members.
    pub const fn members(&self) -> &Map<String, Value> {
        &self.0
    }
}

/// Header parameters that name a key or a place to fetch one, or that change what the signature means.
const REFUSED: [&str; 7] = ["crit", "jku", "jwk", "x5u", "b64", "zip", "enc"];
