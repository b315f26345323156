//! `private_key_jwt`: a token by which this server says who it is, in place of a secret (RFC 7523; `OpenID` Connect Core 9).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::json;

use super::OpenIdError;
use crate::clock::UtcTime;
use crate::keys::SoftwareSigner;
use crate::secret::Secret;
use crate::tokens::SignatureAlgorithm;
use crate::tokens::jwt::{x5t, x5t_s256};
use crate::trusts::ClientKeyFiles;

/// The token for one request at an endpoint. `id` is used once.
pub(super) fn client_assertion(
    client_id: &str,
    key: &ClientKeyFiles,
    endpoint: &str,
    id: &str,
    now: UtcTime,
) -> Result<Secret<String>, OpenIdError> {
    let material = key.load().map_err(OpenIdError::Secret)?;
    let failed = |error: &dyn std::fmt::Display| OpenIdError::Secret(error.to_string());
    let signer = SoftwareSigner::new(&material).map_err(|error| failed(&error))?;
    let certificate = &material.certificate().der;
    let mut header =
        json!({ "typ": "JWT", "alg": "RS256", "x5t": x5t(certificate), "x5t#S256": x5t_s256(certificate) });
    if let (Some(id), Some(header)) = (&key.id, header.as_object_mut()) {
        header.insert(String::from("kid"), json!(id));
    }
    let payload = json!({
        "iss": client_id,
        "sub": client_id,
        "aud": endpoint,
        "jti": id,
        "iat": now.unix_seconds(),
        "exp": now.plus(LIFETIME).unix_seconds(),
    });
    let content = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(payload.to_string()));
    let signature =
        signer.sign_now(SignatureAlgorithm::RsaSha256, content.as_bytes()).map_err(|error| failed(&error))?;
    Ok(Secret::new(format!("{content}.{}", BASE64.encode(signature.0))))
}

/// It is used at once; clocks differ.
const LIFETIME: Duration = Duration::from_mins(5);
