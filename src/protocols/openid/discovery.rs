//! The discovery document: where a provider's endpoints are.

use serde_json::{Map, Value};

use super::{OpenIdError, shortened};
use crate::trusts::OpenIdSettings;

/// Where a provider is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// Where browsers are sent to.
    pub authorization_endpoint: String,
    /// Where a code becomes tokens.
    pub token_endpoint: String,
    /// Its keys.
    pub jwks_uri: String,
    /// Where it says more of the user.
    pub userinfo_endpoint: Option<String>,
    /// Where browsers are sent to sign out.
    pub end_session_endpoint: Option<String>,
    /// Whether its answers name it (RFC 9207), so that one that does not is not its own.
    pub answers_name_issuer: bool,
}

impl Configuration {
    /// What the trust says itself, when that is everything.
    pub(super) fn of_trust(settings: &OpenIdSettings) -> Option<Self> {
        Some(Self {
            authorization_endpoint: settings.authorization_endpoint.clone()?,
            token_endpoint: settings.token_endpoint.clone()?,
            jwks_uri: settings.jwks_url.clone()?,
            userinfo_endpoint: settings.userinfo_endpoint.clone(),
            end_session_endpoint: None,
            answers_name_issuer: false,
        })
    }

    /// Reads a document. It must be of the issuer it was asked for, or anybody's document would do (Discovery 4.3).
    pub(super) fn read(octets: &[u8], issuer: &str) -> Result<Self, OpenIdError> {
        let document: Map<String, Value> =
            serde_json::from_slice(octets).map_err(|error| OpenIdError::Discovery(error.to_string()))?;
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        if text("issuer") != Some(issuer) {
            let found = shortened(text("issuer").unwrap_or("nobody"));
            return Err(OpenIdError::Discovery(format!("it is of {found}, not of {issuer}")));
        }
        let optional = |name: &str| text(name).map(|url| address(name, url)).transpose();
        let required = |name: &str| optional(name)?.ok_or_else(|| OpenIdError::Discovery(format!("it has no {name}")));
        Ok(Self {
            authorization_endpoint: required("authorization_endpoint")?,
            token_endpoint: required("token_endpoint")?,
            jwks_uri: required("jwks_uri")?,
            userinfo_endpoint: optional("userinfo_endpoint")?,
            end_session_endpoint: optional("end_session_endpoint")?,
            answers_name_issuer: document.get("authorization_response_iss_parameter_supported")
                == Some(&Value::Bool(true)),
        })
    }
}

/// An address that a browser may be sent to and that may be asked: HTTPS, and nothing in it that ends it early somewhere.
fn address(name: &str, url: &str) -> Result<String, OpenIdError> {
    let host = url.strip_prefix("https://").and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
    let odd = |c: char| !c.is_ascii_graphic() || matches!(c, '"' | '\'' | '<' | '>' | '\\' | '`' | '#');
    if host.is_empty() || host.contains('@') || url.chars().any(odd) || url.len() > MAX_URL {
        return Err(OpenIdError::Discovery(format!("{name} is {}, which is no address over HTTPS", shortened(url))));
    }
    Ok(url.to_owned())
}

const MAX_URL: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document() -> Value {
        json!({
            "issuer": "https://op.example",
            "authorization_endpoint": "https://op.example/authorize?x=y",
            "token_endpoint": "https://op.example/token",
            "jwks_uri": "https://keys.example/jwks",
            "authorization_response_iss_parameter_supported": true,
        })
    }

    fn read(document: &Value) -> Result<Configuration, OpenIdError> {
        Configuration::read(document.to_string().as_bytes(), "https://op.example")
    }

    #[test]
    fn a_document_says_where_the_endpoints_are() {
        let configuration = read(&document()).unwrap();
        assert_eq!(configuration.jwks_uri, "https://keys.example/jwks");
        assert!(configuration.answers_name_issuer && configuration.userinfo_endpoint.is_none());
    }

    #[test]
    fn a_document_of_another_issuer_or_with_other_addresses_is_refused() {
        for (name, value) in [
            ("issuer", json!("https://op.example/")),
            ("issuer", json!("https://evil.example")),
            ("issuer", json!(1)),
            ("authorization_endpoint", json!("http://op.example/authorize")),
            ("authorization_endpoint", json!("javascript:alert(1)")),
            ("token_endpoint", json!("https://op.example@evil.example/")),
            ("token_endpoint", json!("https:///token")),
            ("jwks_uri", json!("https://op.example/\"x")),
            ("jwks_uri", json!("file:///etc/passwd")),
            ("userinfo_endpoint", json!("ftp://op.example/")),
            ("end_session_endpoint", json!("//op.example/")),
        ] {
            let mut changed = document();
            changed[name] = value.clone();
            assert!(matches!(read(&changed), Err(OpenIdError::Discovery(_))), "{name} {value}");
        }
        for missing in ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"] {
            let mut changed = document();
            changed.as_object_mut().unwrap().remove(missing);
            assert!(matches!(read(&changed), Err(OpenIdError::Discovery(_))), "{missing}");
        }
    }
}
