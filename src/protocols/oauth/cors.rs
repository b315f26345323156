//! Scripts of other origins: which may call, and with what (oauth-oidc-prt.md 2.18). Never with cookies, never for everybody.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};

use super::{OAuthEndpoint, OAuthSettings};
use crate::protocols::http::{Answer, Call};

/// What a browser asks before a script calls. An origin that is not listed gets no permission.
pub(super) fn preflight(settings: &OAuthSettings, endpoint: OAuthEndpoint, call: &Call) -> Answer {
    if !endpoint.is_for_scripts() || listed(settings, call).is_none() {
        return Answer::empty(StatusCode::METHOD_NOT_ALLOWED);
    }
    let mut answer = allow(settings, call, Answer::empty(StatusCode::OK));
    let methods: Vec<&str> = endpoint.methods().iter().map(actix_web::http::Method::as_str).collect();
    if let Ok(methods) = HeaderValue::from_str(&methods.join(", ")) {
        answer = answer.with_header(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    }
    // Those that were asked for: names only.
    let asked = call.header(header::ACCESS_CONTROL_REQUEST_HEADERS.as_str()).filter(|names| {
        names.len() <= MAX_HEADERS && names.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_, ".contains(&c))
    });
    if let Some(Ok(names)) = asked.map(HeaderValue::from_str) {
        answer = answer.with_header(header::ACCESS_CONTROL_ALLOW_HEADERS, names);
    }
    answer.with_header(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"))
}

/// The answer, for the script of a listed origin to read.
pub(super) fn allow(settings: &OAuthSettings, call: &Call, answer: Answer) -> Answer {
    if settings.cors_origins.is_empty() {
        return answer;
    }
    let answer = answer.with_header(header::VARY, HeaderValue::from_static("Origin"));
    match listed(settings, call).map(HeaderValue::from_str) {
        Some(Ok(origin)) => answer.with_header(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin),
        _ => answer,
    }
}

fn listed<'a>(settings: &OAuthSettings, call: &'a Call) -> Option<&'a str> {
    call.header(header::ORIGIN.as_str()).filter(|origin| settings.cors_origins.iter().any(|own| own == origin))
}

const MAX_HEADERS: usize = 1024;
