//! The authentication methods that a request names, in the forms that clients have for them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::parameters::{ParameterError, Parameters};
use crate::authn::RequestedMethod;
use crate::tokens::jwt::read_object;

/// A method by its URI, or by the last word of one of AD FS' own: `wiaormultiauthn`.
pub(in crate::protocols) fn method(word: &str) -> Option<RequestedMethod> {
    RequestedMethod::from_uri(word)
        .or_else(|| RequestedMethod::from_uri(&format!("http://schemas.microsoft.com/claims/{word}")))
}

/// `acr` of `resource_params`: base64url of `{"Properties":[{"Key":"acr","Value":"wiaormultiauthn"}]}`, as Windows 7 and 8.1 send it.
///
/// # Errors
/// [`ParameterError`] when it is anything else.
pub(in crate::protocols) fn acr(parameters: &Parameters) -> Result<Option<String>, ParameterError> {
    let Some(text) = parameters.line(NAME, MAX_OCTETS)? else { return Ok(None) };
    let malformed = || ParameterError::Value { name: NAME };
    let octets = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| malformed())?;
    let object = read_object(&octets).map_err(|_| malformed())?;
    let properties = object.get("Properties").and_then(Value::as_array).ok_or_else(malformed)?;
    let field = |property: &Value, name: &str| property.get(name)?.as_str().map(str::to_owned);
    Ok(properties.iter().find(|it| field(it, "Key").as_deref() == Some("acr")).and_then(|it| field(it, "Value")))
}

const NAME: &str = "resource_params";
const MAX_OCTETS: usize = 2048;
