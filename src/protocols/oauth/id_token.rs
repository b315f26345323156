//! What an id token says: who signed in, how and when, in the words of AD FS (oauth-oidc-prt.md 2.12).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::OAuthSettings;
use super::error::OAuthError;
use super::scopes::plain;
use crate::authn::SubjectOrigin;
use crate::claims::Text;
use crate::claims::types;
use crate::clock::UtcTime;
use crate::issuance::Grant;
use crate::protocols::environment::Environment;
use crate::tokens::jwt::{JwtClaims, JwtOptions};
use crate::trusts::Client;

/// What accompanies an id token.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Beside<'a> {
    /// `nonce` of the request.
    pub(super) nonce: Option<&'a str>,
    /// The access token it comes with.
    pub(super) access_token: Option<&'a str>,
    /// The code it comes with.
    pub(super) code: Option<&'a str>,
}

/// The id token of a grant.
///
/// # Errors
/// [`OAuthError::NoAnchor`] when nothing identifies the subject.
pub(super) fn options(
    environment: &Environment,
    settings: &OAuthSettings,
    client: &Client,
    grant: &Grant,
    scopes: &[String],
    beside: Beside<'_>,
    now: UtcTime,
) -> Result<JwtOptions, OAuthError> {
    let subject = &grant.subject;
    let mut members: Vec<(&'static str, Value)> = Vec::with_capacity(20);
    members.push(("auth_time", json!(subject.instant.unix_seconds())));
    members.extend(beside.nonce.map(|nonce| ("nonce", json!(nonce))));
    members.push(("sub", json!(pairwise(environment, &client.id, &subject.origin).ok_or(OAuthError::NoAnchor)?)));
    let claim = |claim_type| grant.claims.first_value(claim_type).map(|value| Value::from(&**value));
    match &subject.origin {
        SubjectOrigin::Directory(account) => {
            members.extend(account.upn.as_deref().filter(|upn| !upn.is_empty()).map(|upn| ("upn", json!(upn))));
            members.push(("unique_name", json!(account.windows_account_name())));
        }
        SubjectOrigin::ClaimsProvider(federated) => {
            members.extend(claim(types::UPN).map(|upn| ("upn", upn)));
            members.push(("unique_name", json!(federated.name)));
        }
        SubjectOrigin::Client(_) => return Err(OAuthError::NoAnchor),
    }
    // Clients that are told of sign-outs know the session by it; for others it is the account's SID, as AD FS writes it.
    if client.logout_uri.is_some() {
        members.push(("sid", json!(subject.session.0.to_string())));
    } else if let SubjectOrigin::Directory(account) = &subject.origin {
        members.push(("sid", json!(account.sid.to_string())));
    }
    let has = |scope: &str| scopes.iter().any(|granted| granted == scope);
    if has("email") {
        members.extend(claim(EMAIL).map(|email| ("email", email)));
    }
    if has("profile") {
        members.extend(claim(GIVEN_NAME).map(|name| ("given_name", name)));
        members.extend(claim(SURNAME).map(|name| ("family_name", name)));
    }
    let expiry = subject.password_expires.and_then(|at| settings.password_expiry.of(at, now));
    if let Some(expiry) = expiry {
        members.push(("pwd_exp", json!(expiry.seconds.to_string())));
        members.extend(expiry.change_url.map(|url| ("pwd_url", json!(&*url))));
    }
    members.extend(beside.access_token.map(|token| ("at_hash", json!(half_hash(token)))));
    members.extend(beside.code.map(|code| ("c_hash", json!(half_hash(code)))));
    members.push(("apptype", json!(client.kind.as_str())));
    members.push(("appid", json!(client.id)));
    if let Some(method) = subject.methods.first() {
        members.push(("authmethod", json!(method.uri())));
    }
    members.push(("ver", json!("1.0")));
    members.push(("scp", json!(plain(scopes))));
    Ok(JwtOptions {
        issuer: Some(Text::from(settings.issuer.as_str())),
        audience: Some(client.id.clone()),
        lifetime: None,
        claims: if has("allatclaims") { JwtClaims::All } else { JwtClaims::None },
        members,
    })
}

/// `sub`: the subject as one client knows it, the same for good, and not to be compared with what another client knows. It
/// rests on the SID, which outlives every change of name.
pub(super) fn pairwise(environment: &Environment, client: &str, origin: &SubjectOrigin) -> Option<String> {
    let anchor = match origin {
        SubjectOrigin::Directory(account) => account.sid.to_string(),
        SubjectOrigin::ClaimsProvider(federated) if !federated.name.is_empty() => {
            format!("{}\u{1e}{}", federated.claims_provider, federated.name)
        }
        SubjectOrigin::ClaimsProvider(_) | SubjectOrigin::Client(_) => return None,
    };
    let text = format!("{}\u{1f}{client}\u{1f}{anchor}", environment.service_identifier);
    Some(STANDARD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes())))
}

/// The left half of a token's SHA-256 (`OpenID Connect` Core 3.3.2.11).
fn half_hash(token: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
    URL_SAFE_NO_PAD.encode(digest.as_ref().get(..16).unwrap_or_default())
}

const EMAIL: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress";
const GIVEN_NAME: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname";
const SURNAME: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname";
