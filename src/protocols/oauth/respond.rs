//! The answer with tokens: from a client and a grant to `access_token`, `id_token` and the rest. Every way to a token ends
//! here (oauth-oidc-prt.md 2.3).

use serde_json::{Value, json};

use super::OAuthSettings;
use super::error::OAuthError;
use super::id_token::{self, Beside};
use super::on_behalf_grant;
use super::scopes::plain;
use super::travel::Travelled;
use crate::authn::SsoSession;
use crate::clock::UtcTime;
use crate::issuance::{Context, Grant, TokenSpec};
use crate::protocols::environment::Environment;
use crate::tokens::TokenType;
use crate::tokens::jwt::JwtOptions;
use crate::trusts::Client;
use crate::trusts::client::USER_INFORMATION;

/// What a client is to get.
#[derive(Debug, Clone, Copy)]
pub(in crate::protocols) struct TokenRequest<'a> {
    /// The client.
    pub(in crate::protocols) client: &'a Client,
    /// What the issuer permitted.
    pub(in crate::protocols) grant: &'a Grant,
    /// The scopes that were granted; `openid` among them asks for an id token.
    pub(in crate::protocols) scopes: &'a [String],
    /// `nonce` of the request.
    pub(in crate::protocols) nonce: Option<&'a str>,
    /// `authmethod`, where it is not what rules and sign-in say.
    pub(in crate::protocols) method: Option<&'static str>,
    /// The sign-in behind it; `None` where the client asks for itself.
    pub(in crate::protocols) person: Option<Person<'a>>,
}

/// The person for whom a client gets tokens.
#[derive(Debug, Clone, Copy)]
pub(in crate::protocols) struct Person<'a> {
    /// Their sign-in.
    pub(in crate::protocols) session: &'a SsoSession,
    /// What for, and from where.
    pub(in crate::protocols) travelled: &'a Travelled,
}

/// The members of an answer with tokens.
#[derive(Debug, Default)]
pub(in crate::protocols) struct TokenResponse(Vec<(&'static str, Value)>);

impl TokenResponse {
    /// Adds a refresh token.
    pub(in crate::protocols) fn with_refresh_token(mut self, token: &str, until: UtcTime, now: UtcTime) -> Self {
        self.0.push(("refresh_token", json!(token)));
        self.0.push(("refresh_token_expires_in", json!(until.since(now).as_secs())));
        self
    }
}

impl serde::Serialize for TokenResponse {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// Mints what the client is to get. Everything is in the audit log when this returns.
///
/// # Errors
/// [`OAuthError`].
pub(in crate::protocols) async fn token_response(
    environment: &Environment,
    settings: &OAuthSettings,
    cx: &Context,
    request: &TokenRequest<'_>,
) -> Result<TokenResponse, OAuthError> {
    let TokenRequest { client, grant, scopes, nonce, .. } = *request;
    let spec = TokenSpec {
        token_type: Some(TokenType::Jwt),
        jwt: JwtOptions { members: access_members(environment, settings, cx, request)?, ..JwtOptions::default() },
        ..TokenSpec::default()
    };
    let now = cx.services.clock.now();
    let token = environment.issuer.mint(cx, grant, &spec).await?;
    let access_token = token.as_jwt().unwrap_or_default();
    let lifetime = token.not_on_or_after.since(now).as_secs();
    let mut response = TokenResponse(vec![
        ("access_token", json!(access_token)),
        ("token_type", json!("bearer")),
        ("expires_in", json!(lifetime)),
        ("ext_expires_in", json!(lifetime)),
        ("resource", json!(grant.audience)),
        ("scope", json!(scopes.join(" "))),
    ]);
    if scopes.iter().any(|scope| scope == "openid") {
        let beside = Beside { nonce, access_token: Some(access_token), code: None };
        let id_token = mint_id_token(environment, settings, cx, client, grant, scopes, beside).await?;
        response.0.push(("id_token", json!(id_token)));
    }
    Ok(response)
}

/// Mints an id token.
///
/// # Errors
/// [`OAuthError`].
pub(super) async fn mint_id_token(
    environment: &Environment,
    settings: &OAuthSettings,
    cx: &Context,
    client: &Client,
    grant: &Grant,
    scopes: &[String],
    beside: Beside<'_>,
) -> Result<String, OAuthError> {
    let jwt = id_token::options(environment, settings, client, grant, scopes, beside, cx.services.clock.now())?;
    let spec = TokenSpec { token_type: Some(TokenType::Jwt), jwt, ..TokenSpec::default() };
    let token = environment.issuer.mint(cx, grant, &spec).await?;
    Ok(token.as_jwt().unwrap_or_default().to_owned())
}

/// What an access token says beside the claims of rules.
fn access_members(
    environment: &Environment,
    settings: &OAuthSettings,
    cx: &Context,
    request: &TokenRequest<'_>,
) -> Result<Vec<(&'static str, Value)>, OAuthError> {
    let TokenRequest { client, grant, scopes, method, .. } = *request;
    let mut members: Vec<(&'static str, Value)> = Vec::with_capacity(7);
    // It opens the user information endpoint, which tells nothing but this.
    if grant.relying_party.as_str() == USER_INFORMATION {
        members
            .extend(id_token::pairwise(environment, &client.id, &grant.subject.origin).map(|sub| ("sub", json!(sub))));
    }
    members.extend([("apptype", json!(client.kind.as_str())), ("appid", json!(client.id))]);
    members.extend(method.map(|method| ("authmethod", json!(method))));
    members.push(("ver", json!("1.0")));
    let scopes = plain(scopes);
    if !scopes.is_empty() {
        members.push(("scp", json!(scopes)));
    }
    let reference = on_behalf_grant::reference(settings, cx, request)?;
    members.extend(reference.map(|reference| (on_behalf_grant::REFERENCE, json!(reference))));
    Ok(members)
}
