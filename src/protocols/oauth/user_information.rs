//! `/adfs/userinfo`: who the bearer of an access token is, and nothing else (oauth-oidc-prt.md 2.17).

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use serde_json::json;

use super::error::OAuthError;
use super::{OAuthEndpoint, json as answer};
use crate::audit::AuthProtocol;
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};
use crate::tokens::jwt::{AccessToken, JwtError, verify_access_token};
use crate::trusts::client::USER_INFORMATION;

/// Answers a request.
pub(super) fn handle(environment: &Environment, call: &Call) -> Answer {
    let cx = environment.context(call, AuthProtocol::OAuth, OAuthEndpoint::UserInformation.path());
    let authorization = call.header(header::AUTHORIZATION.as_str());
    let Some(token) = authorization.and_then(bearer) else {
        return challenge("Bearer realm=\"adfs\"");
    };
    let verified: Result<(AccessToken, String), JwtError> = verify_access_token(
        &environment.services.keys,
        &environment.service_identifier,
        token,
        &[USER_INFORMATION],
        cx.services.clock.now(),
    )
    .and_then(|token| {
        let subject = token.members.required_text("sub")?.to_owned();
        Ok((token, subject))
    });
    match verified {
        Ok((_, subject)) => answer(StatusCode::OK, &json!({ "sub": subject })),
        Err(error) => {
            OAuthError::Token(error).note(&cx, None, Some(USER_INFORMATION));
            challenge("Bearer error=\"invalid_token\"")
        }
    }
}

fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn challenge(text: &'static str) -> Answer {
    Answer::empty(StatusCode::UNAUTHORIZED).with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static(text))
}
