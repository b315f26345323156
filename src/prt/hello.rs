//! Assertions that a user's own key signed: Windows Hello, and certificates (oauth-oidc-prt.md 3.3).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::jws::{JwsError, Members, Parts, either_base64};
use super::request::{RequestError, SKEW, required, seconds, text};
use super::transport_key::key_digest;
use crate::address;
use crate::clock::UtcTime;
use crate::devices::codec::key_credential::USAGE_NGC;
use crate::devices::{DeviceId, DeviceKey, KeyBlob};
use crate::tokens::jwt::RsaPublicKey;

/// An assertion, not yet verified.
#[derive(Debug, Clone)]
pub enum UserAssertion {
    /// By a Windows Hello key.
    Hello(HelloAssertion),
    /// By the key of a certificate.
    Certificate(CertificateAssertion),
}

impl UserAssertion {
    /// Reads an assertion; `kid` makes it one of Windows Hello, `x5c` one of a certificate.
    ///
    /// # Errors
    /// [`JwsError`].
    pub fn read(text: &str) -> Result<Self, JwsError> {
        let parts = Parts::read(text)?;
        if parts.algorithm() != "RS256" {
            return Err(JwsError::Algorithm { algorithm: super::jws::shown(parts.algorithm()) });
        }
        if parts.header.get("x5c").is_some() {
            return CertificateAssertion::of(parts).map(Self::Certificate);
        }
        HelloAssertion::of(parts).map(Self::Hello)
    }
}

/// An assertion by a Windows Hello key.
#[derive(Debug, Clone)]
pub struct HelloAssertion {
    key: [u8; 32],
    parts: Parts,
}

/// What an assertion says, once it was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asserted {
    /// Whose key signed it.
    pub user: String,
    /// The nonce in it, unopened.
    pub nonce: Option<String>,
}

impl HelloAssertion {
    fn of(parts: Parts) -> Result<Self, JwsError> {
        parts.allow(&["alg", "typ", "kid", "use", "ctx"])?;
        if parts.header.get("use").is_some_and(|usage| usage != "ngc") {
            return Err(JwsError::Header { name: "use" });
        }
        let key = parts.header.text("kid").and_then(either_base64);
        let key = key.and_then(|octets| octets.try_into().ok()).ok_or(JwsError::Header { name: "kid" })?;
        Ok(Self { key, parts })
    }

    /// Who the assertion says it is of: where to look for the key.
    ///
    /// # Errors
    /// [`HelloError`].
    pub fn claimed_user(&self) -> Result<String, HelloError> {
        Ok(required(&self.parts.unverified()?, "iss")?)
    }

    /// The key among the user's own that is named, and what the assertion says when that key signed it.
    ///
    /// # Errors
    /// [`HelloError`].
    pub fn verify<'k>(
        &self,
        keys: &'k [DeviceKey],
        audiences: &[String],
        now: UtcTime,
    ) -> Result<(&'k DeviceKey, Asserted), HelloError> {
        let named = |key: &&DeviceKey| key.usage == USAGE_NGC && key_digest(&key.material) == self.key;
        let key = keys.iter().find(named).ok_or(HelloError::UnknownKey)?;
        let rsa = KeyBlob::registered(&key.material).map_err(|_| HelloError::UnreadableKey)?;
        let rsa =
            RsaPublicKey::from_components(rsa.modulus(), rsa.exponent()).map_err(|_| HelloError::UnreadableKey)?;
        let payload = self.parts.verify_by(&rsa)?;
        Ok((key, asserted(&payload, audiences, now)?))
    }

    /// The key's identifier in the form the token remembers it by.
    pub fn key_id(&self) -> String {
        key_id(&self.key)
    }
}

/// Whether an assertion's nonce satisfies the rule of CVE-2023-35348: unless the key was made on the device that asks, the
/// assertion must carry the request's own nonce, so that a signature made elsewhere is worth nothing here.
///
/// # Errors
/// [`HelloError::Nonce`].
pub fn check_assertion_nonce(
    key: &DeviceKey,
    device: DeviceId,
    assertion: Option<&str>,
    request: &str,
) -> Result<AssertionNonce, HelloError> {
    match assertion {
        Some(nonce) if nonce == request => Ok(AssertionNonce::OfTheRequest),
        Some(_) if key.device == Some(device) => Ok(AssertionNonce::ItsOwn),
        _ => Err(HelloError::Nonce),
    }
}

/// Where an assertion's nonce comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssertionNonce {
    /// It is the request's.
    OfTheRequest,
    /// It is another, which must be a nonce of ours and unused.
    ItsOwn,
}

/// An assertion by the key of a certificate.
#[derive(Debug, Clone)]
pub struct CertificateAssertion {
    certificates: Vec<Vec<u8>>,
    parts: Parts,
}

impl CertificateAssertion {
    fn of(parts: Parts) -> Result<Self, JwsError> {
        parts.allow(&["alg", "typ", "x5c", "x5t", "x5t#S256", "kid"])?;
        let list = match parts.header.get("x5c") {
            Some(Value::String(text)) => vec![text.as_str()],
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let decode = |text: &str| STANDARD.decode(text.split_ascii_whitespace().collect::<String>()).ok();
        let certificates: Option<Vec<_>> = list.into_iter().map(decode).collect();
        let certificates = certificates.filter(|list| (1..=MAX_CERTIFICATES).contains(&list.len()));
        Ok(Self { certificates: certificates.ok_or(JwsError::Header { name: "x5c" })?, parts })
    }

    /// The user's certificate and those sent along. Who may sign in by it is for the configured authorities to say.
    pub fn certificates(&self) -> &[Vec<u8>] {
        &self.certificates
    }

    /// What the assertion says, when the key of its first certificate signed it.
    ///
    /// # Errors
    /// [`HelloError`].
    pub fn verify(&self, audiences: &[String], now: UtcTime) -> Result<Asserted, HelloError> {
        let certificate = self.certificates.first().ok_or(HelloError::UnreadableKey)?;
        let key = RsaPublicKey::from_certificate(certificate).map_err(|_| HelloError::UnreadableKey)?;
        asserted(&self.parts.verify_by(&key)?, audiences, now)
    }
}

/// Why an assertion does not prove who the user is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HelloError {
    /// No well-formed assertion, or signed by another key.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// A member is missing or does not fit.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The user has no such key.
    #[error("the user has no Windows Hello key of this identifier")]
    UnknownKey,
    /// The key is no RSA key.
    #[error("the user's key is not an RSA key")]
    UnreadableKey,
    /// It is for somebody else.
    #[error("the assertion is for another audience")]
    Audience,
    /// The nonce is missing, or not that of the request although the key is of another device.
    #[error("the assertion does not carry the nonce it must")]
    Nonce,
}

/// What every assertion must say: who, for us, made now and good for ten minutes at most.
fn asserted(payload: &Members, audiences: &[String], now: UtcTime) -> Result<Asserted, HelloError> {
    let audience = required(payload, "aud")?;
    if !audiences.iter().any(|one| address::is_same(one, &audience)) {
        return Err(HelloError::Audience);
    }
    let made = seconds(payload, "iat")?.ok_or(RequestError::Missing { name: "iat" })?;
    if made > now.plus(SKEW) || made < now.minus(SKEW) {
        return Err(RequestError::Time { name: "iat" }.into());
    }
    let ends = seconds(payload, "exp")?.ok_or(RequestError::Missing { name: "exp" })?;
    if ends <= now || ends > now.plus(SKEW + SKEW) {
        return Err(RequestError::Time { name: "exp" }.into());
    }
    Ok(Asserted { user: required(payload, "iss")?, nonce: text(payload, "request_nonce").map(str::to_owned) })
}

/// The text of a key's identifier.
pub(super) fn key_id(digest: &[u8; 32]) -> String {
    STANDARD.encode(digest)
}

const MAX_CERTIFICATES: usize = 5;
