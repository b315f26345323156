//! Sign-out: the session ends here and at every relying party it signed in to (ws-federation.md 6.4).

use actix_web::http::StatusCode;

use super::reply_address::{is_registered, origin};
use super::request::SignOut;
use crate::audit::{EventKind, Parties};
use crate::issuance::Context;
use crate::pages::{PageError, SignOutPage};
use crate::protocols::browser::{self, Browser, Participants};
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};
use crate::trusts::{TrustLookup, Trusts};

/// Somebody signs out.
///
/// # Errors
/// [`PageError`].
pub(super) async fn sign_out(
    environment: &Environment,
    cx: &Context,
    call: &Call,
    request: &SignOut,
) -> Result<Answer, PageError> {
    let trusts = &cx.services.trusts;
    let go_on = request.reply.clone().filter(|address| is_anybodys(trusts, address));
    end(environment, cx, call, go_on, false).await
}

/// Another service ends the session in a frame or an image of its own page.
///
/// # Errors
/// [`PageError`].
pub(super) async fn clean_up(environment: &Environment, cx: &Context, call: &Call) -> Result<Answer, PageError> {
    end(environment, cx, call, None, true).await
}

async fn end(
    environment: &Environment,
    cx: &Context,
    call: &Call,
    go_on: Option<String>,
    framed: bool,
) -> Result<Answer, PageError> {
    let settings = &environment.browser;
    let browser = Browser::of(settings, cx, call).await;
    let clean_up = addresses(&cx.services.trusts, &browser.participants(settings));
    if let Some(session) = &browser.session {
        cx.note([EventKind::SignOut { parties: Parties::of(&session.subject, None), success: true }]);
    }
    let headers = browser::end_session(cx, &browser).await;
    if let (Some(address), true) = (&go_on, clean_up.is_empty()) {
        return Ok(browser::redirect(address).with_headers(headers));
    }
    let mut origins: Vec<String> = clean_up.iter().filter_map(|address| origin(address)).collect();
    origins.sort();
    origins.dedup();
    let page = SignOutPage { clean_up, origins, go_on, framed };
    Ok(browser::page(settings, cx, call, StatusCode::OK, None, &page)?.with_headers(headers))
}

/// Where the relying parties end their sessions.
fn addresses(trusts: &Trusts, participants: &Participants) -> Vec<String> {
    let endpoints = participants.iter().filter_map(|id| match trusts.relying_party(id.as_str()) {
        TrustLookup::Enabled(trust) => trust.ws_federation.as_ref().map(|settings| settings.endpoint.as_str()),
        TrustLookup::Disabled(_) | TrustLookup::Unknown => None,
    });
    endpoints
        .map(|endpoint| format!("{endpoint}{}wa=wsignoutcleanup1.0", if endpoint.contains('?') { '&' } else { '?' }))
        .collect()
}

/// Whether the address belongs to any relying party: a person who signs out may go on there.
fn is_anybodys(trusts: &Trusts, address: &str) -> bool {
    let settings =
        trusts.relying_parties().iter().filter(|trust| trust.enabled).filter_map(|t| t.ws_federation.as_ref());
    settings.into_iter().any(|settings| is_registered(settings, address))
}
