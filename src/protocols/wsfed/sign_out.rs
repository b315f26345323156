//! Sign-out as WS-Federation asks for it (ws-federation.md 6.4).

use super::reply_address::is_registered;
use super::request::SignOut;
use crate::issuance::Context;
use crate::pages::PageError;
use crate::protocols::browser;
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};
use crate::trusts::Trusts;

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
    browser::sign_out(environment, cx, call, go_on, false).await
}

/// Another service ends the session in a frame or an image of its own page.
///
/// # Errors
/// [`PageError`].
pub(super) async fn clean_up(environment: &Environment, cx: &Context, call: &Call) -> Result<Answer, PageError> {
    browser::sign_out(environment, cx, call, None, true).await
}

/// Whether the address belongs to any relying party: a person who signs out may go on there.
fn is_anybodys(trusts: &Trusts, address: &str) -> bool {
    let settings =
        trusts.relying_parties().iter().filter(|trust| trust.enabled).filter_map(|t| t.ws_federation.as_ref());
    settings.into_iter().any(|settings| is_registered(settings, address))
}
