//! Sign-out: the session ends here, at every relying party it signed in to, and at the claims provider it came from
//! (ws-federation.md 6.4, 7.5).

use actix_web::http::StatusCode;

use super::refusal::Refusal;
use super::reply_address::is_registered;
use super::request::SignOut;
use crate::audit::{EventKind, Parties};
use crate::issuance::Context;
use crate::protocols::browser::provider_sign_out::{self, LogoutMessage};
use crate::protocols::browser::{self, AfterSignOut, Browser, farewell, origin};
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};
use crate::trusts::{FederationProtocol, Trusts};

/// Somebody signs out.
pub(super) async fn sign_out(
    environment: &Environment,
    cx: &Context,
    call: &Call,
    request: &SignOut,
) -> Result<Answer, Refusal> {
    let browser = Browser::of(&environment.browser, cx, call).await;
    if let Some(message) = &request.message {
        let (page, cookie) = farewell::page(environment, cx, &browser, message).await?;
        let answer = browser::page(&environment.browser, cx, call, StatusCode::OK, None, &page)?;
        return Ok(answer.with_headers(cookie));
    }
    let back =
        request.state.as_deref().and_then(|state| provider_sign_out::back_from_openid(environment, &browser, state));
    // The way back was checked before it was sealed.
    let go_on = request.reply.clone().filter(|address| is_anybodys(&cx.services.trusts, address)).or(back);
    Ok(browser::sign_out(environment, cx, call, &browser, go_on).await?)
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
    Ok(browser::end(environment, cx, call, &browser, AfterSignOut { go_on, framed: true }).await?)
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
    Ok(browser::end(environment, cx, call, &browser, AfterSignOut { go_on: Some(asked.answer), framed: true }).await?)
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
    Ok(browser::end(environment, cx, call, &browser, AfterSignOut { go_on, framed: false }).await?)
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
