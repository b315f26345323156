//! OAuth 2.0 and `OpenID Connect` at `/adfs/oauth2/…` (oauth-oidc-prt.md 1 and 2).
//!
//! A request is decoded, whoever asks is authenticated by the sign-in of the other protocols or by its own credential, the
//! issuer decides and mints, and the answer is encoded. Nothing here builds a token or checks a password.

mod authorize;
mod authorize_request;
mod client_authentication;
mod client_grant;
mod code_grant;
mod cors;
mod device_code;
mod device_grant;
mod device_page;
mod device_proof;
mod discovery;
mod error;
mod id_token;
mod lifetime;
mod logout;
mod on_behalf_grant;
mod password_grant;
mod prt;
mod redirect;
mod refresh_grant;
mod respond;
mod scopes;
mod standing;
mod token;
mod travel;
mod user_information;

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::{Method, StatusCode};

use crate::audit::{AuthProtocol, Detail, ErrorCode, EventKind, Parties};
use crate::claims::store::ExpiryNotice;
use crate::config::RefreshTokensTo;
use crate::protocols::browser::{Arrival, Door};
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};
use crate::store::{DeviceCodes, Generations};
use crate::tokens::sealed::Sealer;

/// What the OAuth endpoints need besides what every protocol has.
pub struct OAuthSettings {
    /// Issuer of id tokens: `https://sts.corp.example/adfs`.
    pub issuer: String,
    /// Seals codes and refresh tokens.
    pub sealer: Sealer,
    /// How long a code is good.
    pub code_lifetime: Duration,
    /// How long the codes of a device are good.
    pub device_code_lifetime: Duration,
    /// How long a refresh token that was used is taken once more.
    pub refresh_grace: Duration,
    /// Who gets refresh tokens.
    pub refresh_tokens_to: RefreshTokensTo,
    /// Which of the refresh tokens that follow each other were used.
    pub generations: Arc<dyn Generations>,
    /// When clients are told that a password expires.
    pub password_expiry: ExpiryNotice,
    /// Origins whose scripts may call.
    pub cors_origins: Vec<String>,
    /// Devices that wait for a person.
    pub device_codes: Arc<dyn DeviceCodes>,
}

impl OAuthSettings {
    /// What assertions of clients and of users may name as their audience: the issuer of id tokens, and the token endpoint.
    fn audiences(&self) -> [String; 2] {
        [self.issuer.clone(), format!("{}/oauth2/token", self.issuer)]
    }
}

/// Characters of a sealed code or refresh token.
pub const SEALED_LIMIT: usize = 16 * 1024;

/// The endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OAuthEndpoint {
    /// `/adfs/.well-known/openid-configuration`
    Discovery,
    /// `/adfs/discovery/keys`
    Keys,
    /// `/.well-known/webfinger`
    WebFinger,
    /// `/adfs/oauth2/authorize`, and its door for Negotiate.
    Authorize(Door),
    /// `/adfs/oauth2/token`
    Token,
    /// `/adfs/oauth2/devicecode`
    DeviceCode,
    /// `/adfs/oauth2/deviceauth`, the page for the codes of devices, and its door for Negotiate.
    DeviceAuth(Door),
    /// `/adfs/userinfo`
    UserInformation,
    /// `/adfs/oauth2/logout`
    Logout,
}

impl OAuthEndpoint {
    /// Its path, for the audit log and for claims.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Discovery => "/adfs/.well-known/openid-configuration",
            Self::Keys => "/adfs/discovery/keys",
            Self::WebFinger => "/.well-known/webfinger",
            Self::Authorize(Door::Main) => "/adfs/oauth2/authorize",
            Self::Authorize(Door::Windows) => "/adfs/oauth2/authorize/wia",
            Self::Token => "/adfs/oauth2/token",
            Self::DeviceCode => "/adfs/oauth2/devicecode",
            Self::DeviceAuth(Door::Main) => "/adfs/oauth2/deviceauth",
            Self::DeviceAuth(Door::Windows) => "/adfs/oauth2/deviceauth/wia",
            Self::UserInformation => "/adfs/userinfo",
            Self::Logout => "/adfs/oauth2/logout",
        }
    }

    /// Methods it answers.
    pub const fn methods(self) -> &'static [Method] {
        match self {
            Self::Discovery | Self::Keys | Self::WebFinger => &[Method::GET, Method::HEAD, Method::OPTIONS],
            Self::Authorize(_) | Self::Logout | Self::DeviceAuth(_) => &[Method::GET, Method::POST],
            Self::Token | Self::DeviceCode => &[Method::POST, Method::OPTIONS],
            Self::UserInformation => &[Method::GET, Method::POST, Method::OPTIONS],
        }
    }

    /// Whether scripts of listed origins may call it.
    const fn is_for_scripts(self) -> bool {
        !matches!(self, Self::Authorize(_) | Self::Logout | Self::DeviceAuth(_))
    }
}

/// Answers a request.
pub async fn handle(environment: &Environment, endpoint: OAuthEndpoint, call: &Call) -> Answer {
    let Some(settings) = &environment.oauth else { return Answer::empty(StatusCode::NOT_FOUND) };
    if call.method == Method::OPTIONS {
        return cors::preflight(settings, endpoint, call);
    }
    let answer = match endpoint {
        OAuthEndpoint::Discovery => discovery::configuration(environment, settings),
        OAuthEndpoint::Keys => discovery::keys(environment),
        OAuthEndpoint::WebFinger => discovery::web_finger(environment, call),
        OAuthEndpoint::Authorize(door) => authorize::handle(environment, settings, door, call).await,
        OAuthEndpoint::Token => token::handle(environment, settings, call).await,
        OAuthEndpoint::DeviceCode => device_code::handle(environment, settings, call).await,
        OAuthEndpoint::DeviceAuth(door) => device_page::handle(environment, settings, door, call, None).await,
        OAuthEndpoint::Logout => logout::handle(environment, settings, call).await,
        OAuthEndpoint::UserInformation => user_information::handle(environment, call),
    };
    if endpoint.is_for_scripts() { cors::allow(settings, call, answer) } else { answer }
}

/// Goes on with an authorization request whose user a claims provider has signed in.
pub(in crate::protocols) async fn resume_authorization(
    environment: &Environment,
    call: &Call,
    arrival: &Arrival,
) -> Answer {
    match &environment.oauth {
        Some(settings) => authorize::resume(environment, settings, call, arrival).await,
        None => Answer::empty(StatusCode::NOT_FOUND),
    }
}

/// Goes on with the page for the codes of devices, likewise.
pub(in crate::protocols) async fn resume_device_code(
    environment: &Environment,
    call: &Call,
    arrival: &Arrival,
) -> Answer {
    match &environment.oauth {
        Some(settings) => device_page::handle(environment, settings, Door::Main, call, Some(arrival)).await,
        None => Answer::empty(StatusCode::NOT_FOUND),
    }
}

/// Audits a request that was refused before it was read.
pub fn unread(environment: &Environment, endpoint: OAuthEndpoint, call: &Call, status: StatusCode) {
    let cx = environment.context(call, AuthProtocol::OAuth, endpoint.path());
    let detail = Detail::public(&format!("the request was not read: {status}"));
    cx.note([EventKind::RequestFailed { parties: Parties::default(), code: ErrorCode("MSIS9601"), detail }]);
}

/// An answer in JSON that is kept nowhere.
fn json(status: StatusCode, body: &impl serde::Serialize) -> Answer {
    match serde_json::to_vec(body) {
        Ok(body) => Answer::new(status, JSON, body).with_header(
            actix_web::http::header::PRAGMA,
            actix_web::http::header::HeaderValue::from_static("no-cache"),
        ),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            Answer::empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

const JSON: &str = "application/json;charset=UTF-8";
