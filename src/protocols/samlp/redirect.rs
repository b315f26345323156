//! The HTTP redirect binding (saml-bindings 3.4): messages in a query, deflated, the signature over the query's own octets.
//!
//! What is verified are the values as they stood in the query, in the order the binding gives, and what is read is decoded from
//! those same values. A parameter that comes twice is refused, so no other reader can have seen another one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;

use super::write::EncodeError;
use crate::protocols::browser::parameters::{self, ParameterError};
use crate::tokens::{SignatureAlgorithm, SigningKey};
use crate::xml::verify::{Policy, VerificationKeys, VerifyError};

/// Which of the two kinds of message a query carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// `SAMLRequest`.
    Request,
    /// `SAMLResponse`.
    Response,
}

impl Parameter {
    const fn name(self) -> &'static str {
        match self {
            Self::Request => "SAMLRequest",
            Self::Response => "SAMLResponse",
        }
    }
}

/// Writes a message as a query, signed when a key is given.
pub(super) async fn encode(
    parameter: Parameter,
    message: &[u8],
    relay_state: Option<&str>,
    key: Option<(&SigningKey, SignatureAlgorithm)>,
) -> Result<String, EncodeError> {
    let encoded = BASE64.encode(compress_to_vec(message, 9));
    let mut query = format!("{}={}", parameter.name(), parameters::encode(&encoded));
    if let Some(state) = relay_state {
        query.push_str("&RelayState=");
        query.push_str(&parameters::encode(state));
    }
    if let Some((key, algorithm)) = key {
        let uri = match algorithm {
            SignatureAlgorithm::RsaSha256 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            SignatureAlgorithm::RsaSha1 => "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        };
        query.push_str("&SigAlg=");
        query.push_str(&parameters::encode(uri));
        let signature = key.signer.sign(algorithm, query.as_bytes()).await?;
        query.push_str("&Signature=");
        query.push_str(&parameters::encode(&BASE64.encode(&signature.0)));
    }
    Ok(query)
}

/// An address with a query of its own or without, and `query` behind it.
pub fn append(address: &str, query: &str) -> String {
    match address.split_once('?') {
        None => format!("{address}?{query}"),
        Some((_, "")) => format!("{address}{query}"),
        Some(_) => format!("{address}&{query}"),
    }
}

/// A message that came in a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectMessage {
    /// Its kind.
    pub parameter: Parameter,
    /// The message, inflated.
    pub octets: Vec<u8>,
    /// `RelayState`.
    pub relay_state: Option<String>,
    signature: Option<QuerySignature>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct QuerySignature {
    algorithm: String,
    /// The octets it signs.
    over: String,
    value: Vec<u8>,
}

impl RedirectMessage {
    /// Reads the query as it came, still encoded.
    ///
    /// # Errors
    /// [`RedirectError`].
    pub fn parse(query: &str) -> Result<Self, RedirectError> {
        if query.len() > MAX_QUERY {
            return Err(RedirectError::TooLong);
        }
        let raw = |name: &'static str| {
            let mut values = query.split('&').filter_map(|pair| {
                let (found, value) = pair.split_once('=').unwrap_or((pair, ""));
                // Names that mean this one for a reader who decodes, or who does not mind case, count too.
                let decoded = parameters::decode(found.as_bytes());
                decoded.is_ok_and(|found| found.eq_ignore_ascii_case(name)).then_some((found, value))
            });
            match (values.next(), values.next()) {
                (None, _) => Ok(None),
                (Some((found, value)), None) if found == name => Ok(Some(value)),
                _ => Err(RedirectError::Parameter(ParameterError::Repeated { name })),
            }
        };
        let (parameter, message) = match (raw("SAMLRequest")?, raw("SAMLResponse")?) {
            (Some(request), None) => (Parameter::Request, request),
            (None, Some(response)) => (Parameter::Response, response),
            _ => return Err(RedirectError::NoMessage),
        };
        if let Some(encoding) = raw("SAMLEncoding")?
            && *parameters::decode(encoding.as_bytes())? != *"urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE"
        {
            return Err(RedirectError::Encoding);
        }
        let state = raw("RelayState")?;
        let signature = match (raw("SigAlg")?, raw("Signature")?) {
            (Some(algorithm), Some(value)) => {
                let state = state.map(|state| format!("&RelayState={state}")).unwrap_or_default();
                Some(QuerySignature {
                    algorithm: parameters::decode(algorithm.as_bytes())?.to_string(),
                    over: format!("{}={message}{state}&SigAlg={algorithm}", parameter.name()),
                    value: base64(value)?,
                })
            }
            (None, None) => None,
            _ => return Err(RedirectError::HalfSigned),
        };
        let octets =
            decompress_to_vec_with_limit(&base64(message)?, MAX_MESSAGE).map_err(|error| match error.status {
                miniz_oxide::inflate::TINFLStatus::HasMoreOutput => RedirectError::Bomb,
                _ => RedirectError::Deflate,
            })?;
        let relay_state = state.map(|state| parameters::decode(state.as_bytes())).transpose()?;
        Ok(Self { parameter, octets, relay_state: relay_state.map(|state| state.to_string()), signature })
    }

    /// Verifies the signature of the query.
    ///
    /// # Errors
    /// [`VerifyError::Missing`] when there is none; as [`VerificationKeys::verify_octets`].
    pub fn verify(&self, keys: &VerificationKeys, policy: &Policy) -> Result<(), VerifyError> {
        let signature = self.signature.as_ref().ok_or_else(|| VerifyError::Missing {
            parent: String::from("the query"),
            element: String::from("Signature"),
        })?;
        keys.verify_octets(&signature.algorithm, signature.over.as_bytes(), &signature.value, policy)
    }
}

fn base64(value: &str) -> Result<Vec<u8>, RedirectError> {
    let text: String = parameters::decode(value.as_bytes())?.split_ascii_whitespace().collect();
    BASE64.decode(text).map_err(|_| RedirectError::Base64)
}

/// Why a query carries no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedirectError {
    /// The query is longer than any message makes it.
    #[error("the query is too long")]
    TooLong,
    /// A parameter comes twice, or cannot be decoded.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// Neither `SAMLRequest` nor `SAMLResponse`, or both.
    #[error("the query has not one of SAMLRequest and SAMLResponse")]
    NoMessage,
    /// Another encoding than DEFLATE.
    #[error("SAMLEncoding is not DEFLATE")]
    Encoding,
    /// `SigAlg` without `Signature`, or the other way round.
    #[error("the query has only one of SigAlg and Signature")]
    HalfSigned,
    /// A value that is not base64.
    #[error("a parameter is not base64")]
    Base64,
    /// What came out of base64 is not DEFLATE.
    #[error("the message is not deflated")]
    Deflate,
    /// More comes out than any message has.
    #[error("the message is larger inflated than any message may be")]
    Bomb,
}

/// Octets of a query.
const MAX_QUERY: usize = 64 << 10;
/// Octets of a message, inflated: what a signed message may have.
const MAX_MESSAGE: usize = 256 << 10;
