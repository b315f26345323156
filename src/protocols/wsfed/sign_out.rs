//! Sign-out: the session ends here, at every relying party it signed in to, and at the claims provider it came from
//! (ws-federation.md 6.4, 7.5).

use actix_web::http::StatusCode;

use super::refusal::Refusal;
use super::reply_address::{is_registered, origin};
use super::request::SignOut;
use crate::audit::{EventKind, Parties};
use crate::authn::SsoSession;
use crate::issuance::Context;
use crate::pages::SignOutPage;
use crate::protocols::browser::provider_sign_out::{self, LogoutMessage};
use crate::protocols::browser::{self, Browser, Participants};
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};
use crate::trusts::{FederationProtocol, TrustLookup, Trusts};

/// Somebody signs out.
pub(super) async fn sign_out(
    environment: &Environment,
    cx: &Context,
    call: &Call,
    request: &SignOut,
) -> Result<Answer, Refusal> {
    let browser = Browser::of(&environment.browser, cx, call).await;
    let back =
        request.state.as_deref().and_then(|state| provider_sign_out::back_from_openid(environment, &browser, state));
    let go_on = request.reply.clone().or(back).filter(|address| is_anybodys(&cx.services.trusts, address));
    let next = match provider_sign_out::leave(environment, cx, &browser, go_on.as_deref()).await {
        Ok(next) => next,
        // What ends here must end here, whatever is wrong with the way to others.
        Err(error) => {
            tracing::error!(correlation = %cx.request.activity, %error, "the claims provider is not told of a sign-out");
            None
        }
    };
    let (go_on, cookie) = match next {
        Some((address, cookie)) => (Some(address), cookie),
        None => (go_on, None),
    };
    Ok(end(environment, cx, call, &browser, After { go_on, framed: false }).await?.with_headers(cookie))
}

/// Another service ends the session in a frame or an image of its own page. A claims provider that does it in the window itself, one
/// service after the other, says where it goes on; nobody else's address is followed, and AD FS follows none.
pub(super) async fn clean_up(
    environment: &Environment,
    cx: &Context,
    call: &Call,
    reply: Option<String>,
) -> Result<Answer, Refusal> {
    let browser = Browser::of(&environment.browser, cx, call).await;
    let go_on = reply.filter(|address| is_a_providers(&cx.services.trusts, address));
    end(environment, cx, call, &browser, After { go_on, framed: true }).await
}

/// A claims provider asks for the end of a session, by SAML 2.0; perhaps in a frame of its own page.
pub(super) async fn asked_by_provider(
    environment: &Environment,
    cx: &Context,
    call: &Call,
    request: &LogoutMessage,
) -> Result<Answer, Refusal> {
    let browser = Browser::of(&environment.browser, cx, call).await;
    let asked = provider_sign_out::asked(environment, cx, &browser, request).await?;
    if !asked.ends {
        return Ok(browser::redirect(&asked.answer));
    }
    end(environment, cx, call, &browser, After { go_on: Some(asked.answer), framed: true }).await
}

/// A claims provider says how its own sign-out ended. Here everything is over already.
pub(super) async fn answered_by_provider(
    environment: &Environment,
    cx: &Context,
    call: &Call,
    answer: &LogoutMessage,
) -> Result<Answer, Refusal> {
    let browser = Browser::of(&environment.browser, cx, call).await;
    let (go_on, outcome) = provider_sign_out::answered(environment, cx, &browser, answer)?;
    if let Err(error) = outcome {
        tracing::warn!(correlation = %cx.request.activity, code = error.number(), %error, "sign-out at a claims provider failed");
        cx.note([EventKind::SignOut { parties: Parties::default(), success: false }]);
    }
    end(environment, cx, call, &browser, After { go_on, framed: false }).await
}

/// What comes after the end.
struct After {
    /// Where the browser goes on.
    go_on: Option<String>,
    /// Whether another service may show the page in a frame.
    framed: bool,
}

async fn end(
    environment: &Environment,
    cx: &Context,
    call: &Call,
    browser: &Browser,
    After { go_on, framed }: After,
) -> Result<Answer, Refusal> {
    let settings = &environment.browser;
    let clean_up = addresses(&cx.services.trusts, &browser.participants(settings));
    if let Some(SsoSession { subject, .. }) = &browser.session {
        cx.note([EventKind::SignOut { parties: Parties::of(subject, None), success: true }]);
    }
    let headers = browser::end_session(cx, browser).await;
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

/// Whether the address is on the host of a claims provider that signs out by WS-Federation.
fn is_a_providers(trusts: &Trusts, address: &str) -> bool {
    let Some(wanted) = origin(address).filter(|origin| origin.starts_with("https://")) else { return false };
    let providers = trusts.claims_providers().iter();
    providers
        .filter(|provider| provider.is_usable() && provider.protocol == FederationProtocol::WsFederation)
        .filter_map(|provider| provider.sign_out.as_ref())
        .any(|service| origin(&service.url).as_deref() == Some(wanted.as_str()))
}

/// Whether the address belongs to any relying party: a person who signs out may go on there.
fn is_anybodys(trusts: &Trusts, address: &str) -> bool {
    let settings =
        trusts.relying_parties().iter().filter(|trust| trust.enabled).filter_map(|t| t.ws_federation.as_ref());
    settings.into_iter().any(|settings| is_registered(settings, address))
}
