//! The keys a client may sign its assertions with: certificates and key sets that the administrator registered.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::error::JwtError;
use super::json::{JsonError, read_object};
use super::jws::Header;
use super::key::{RsaPublicKey, RsaPublicKeyError, x5t, x5t_s256};
use crate::clock::UtcTime;

/// The registered keys of one client. What an assertion brings along (`x5c`, `jwk`) is never one of them.
#[derive(Debug, Clone, Default)]
pub struct ClientKeys(Vec<ClientKey>);

#[derive(Debug, Clone)]
struct ClientKey {
    names: Vec<String>,
    /// A certificate counts from its beginning to its end; a bare key always.
    validity: Option<(UtcTime, UtcTime)>,
    key: RsaPublicKey,
}

/// Why keys cannot be registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientKeyError {
    /// The key set is not JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A key cannot be used.
    #[error("key {index} of the set: {reason}")]
    Key {
        /// Which, counted from 1.
        index: usize,
        /// Why.
        reason: RsaPublicKeyError,
    },
    /// A certificate cannot be used.
    #[error(transparent)]
    Certificate(#[from] RsaPublicKeyError),
    /// No key that signs.
    #[error("the key set has no RSA key for signatures with a `kid` or an `x5c`")]
    Empty,
}

impl ClientKeys {
    /// No keys; assertions of this client are all refused.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the key of a certificate in DER.
    ///
    /// # Errors
    /// [`RsaPublicKeyError`].
    pub fn add_certificate(&mut self, der: &[u8]) -> Result<(), RsaPublicKeyError> {
        self.0.push(ClientKey::of_certificate(der, None)?);
        Ok(())
    }

    /// Adds the keys of a JSON Web Key Set: RSA keys whose `use` is `sig` or absent, with `x5c`, or with `kid`, `n` and `e`.
    ///
    /// # Errors
    /// [`ClientKeyError`].
    pub fn add_key_set(&mut self, json: &[u8]) -> Result<(), ClientKeyError> {
        let set = read_object(json)?;
        let keys = set.get("keys").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let before = self.0.len();
        for (index, key) in keys.iter().filter_map(Value::as_object).enumerate() {
            let read = ClientKey::of_jwk(key).map_err(|reason| ClientKeyError::Key { index: index + 1, reason })?;
            self.0.extend(read);
        }
        if self.0.len() == before { Err(ClientKeyError::Empty) } else { Ok(()) }
    }

    /// The key that a header names.
    pub(super) fn find(&self, header: &Header, now: UtcTime) -> Result<&RsaPublicKey, JwtError> {
        let names = [header.x5t(), header.text("kid"), header.text("x5t#S256")];
        let is_meant = |key: &&ClientKey| names.iter().flatten().any(|name| key.names.iter().any(|own| own == name));
        let mut found = self.0.iter().filter(is_meant).peekable();
        found.peek().ok_or(JwtError::UnknownKey)?;
        found.find(|key| key.is_valid_at(now)).map(|key| &key.key).ok_or(JwtError::KeyNotValid)
    }
}

impl ClientKey {
    fn of_certificate(der: &[u8], kid: Option<&str>) -> Result<Self, RsaPublicKeyError> {
        let key = RsaPublicKey::from_certificate(der)?;
        let (_, certificate) = x509_parser::parse_x509_certificate(der).map_err(|_| RsaPublicKeyError::Certificate)?;
        let validity = certificate.validity();
        let time = |at: x509_parser::time::ASN1Time| UtcTime::from_unix_seconds(at.timestamp());
        let mut names = vec![x5t(der), x5t_s256(der)];
        names.extend(kid.map(str::to_owned));
        Ok(Self { names, validity: Some((time(validity.not_before), time(validity.not_after))), key })
    }

    /// `None` for a key that is for something else.
    fn of_jwk(jwk: &Map<String, Value>) -> Result<Option<Self>, RsaPublicKeyError> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        if text("kty") != Some("RSA") || text("use").is_some_and(|purpose| purpose != "sig") {
            return Ok(None);
        }
        let certificate = jwk.get("x5c").and_then(Value::as_array).and_then(|chain| chain.first());
        if let Some(certificate) = certificate.and_then(Value::as_str) {
            let compact: String = certificate.split_ascii_whitespace().collect();
            let der = STANDARD.decode(compact).map_err(|_| RsaPublicKeyError::Certificate)?;
            return Self::of_certificate(&der, text("kid")).map(Some);
        }
        let (Some(kid), Some(modulus), Some(exponent)) = (text("kid"), text("n"), text("e")) else { return Ok(None) };
        let octets = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| RsaPublicKeyError::Key);
        let key = RsaPublicKey::from_components(&octets(modulus)?, &octets(exponent)?)?;
        Ok(Some(Self { names: vec![kid.to_owned()], validity: None, key }))
    }

    fn is_valid_at(&self, now: UtcTime) -> bool {
        self.validity.is_none_or(|(begin, end)| begin <= now && now <= end)
    }
}
