//! Header, payload and signature of a token that this server issues.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::content::JwtContent;
use crate::tokens::{SignatureAlgorithm, SigningKey, TokenError};

/// Writes and signs a token. The header is AD FS': `{"typ":"JWT","alg":"RS256","x5t":"…","kid":"…"}`.
pub(crate) async fn write_signed(content: &JwtContent, key: &SigningKey) -> Result<Vec<u8>, TokenError> {
    let thumbprint = key.x5t();
    let header = format!(r#"{{"typ":"JWT","alg":"RS256","x5t":"{thumbprint}","kid":"{thumbprint}"}}"#);
    let payload = serde_json::to_vec(content).map_err(|error| TokenError::Json(error.to_string()))?;
    let mut token = String::with_capacity((header.len() + payload.len()) * 4 / 3 + 700);
    URL_SAFE_NO_PAD.encode_string(header, &mut token);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    let signature = key.signer.sign(SignatureAlgorithm::RsaSha256, token.as_bytes()).await?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature.0, &mut token);
    Ok(token.into_bytes())
}
