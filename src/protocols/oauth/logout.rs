//! `/adfs/oauth2/logout`: a client's user signs out (oauth-oidc-prt.md 2.16).

use actix_web::http::{Method, StatusCode};

use super::{OAuthEndpoint, OAuthSettings};
use crate::audit::AuthProtocol;
use crate::issuance::Context;
use crate::protocols::browser::parameters::{ParameterError, Parameters, encode};
use crate::protocols::browser::{self, Browser};
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};
use crate::tokens::jwt::verify_id_token_hint;

/// Answers a request. The session ends whatever else the request says; where the person goes on is another matter.
pub(super) async fn handle(environment: &Environment, settings: &OAuthSettings, call: &Call) -> Answer {
    let cx = environment.context(call, AuthProtocol::OAuth, OAuthEndpoint::Logout.path());
    let go_on = parameters(call).and_then(|parameters| go_on(settings, &cx, &parameters)).unwrap_or_else(|error| {
        tracing::info!(correlation = %cx.request.activity, %error, "a sign-out request cannot be read");
        None
    });
    let browser = Browser::of(&environment.browser, &cx, call).await;
    browser::sign_out(environment, &cx, call, &browser, go_on).await.unwrap_or_else(|error| {
        tracing::error!(correlation = %cx.request.activity, %error, "a page could not be made");
        Answer::empty(StatusCode::INTERNAL_SERVER_ERROR)
    })
}

fn parameters(call: &Call) -> Result<Parameters, ParameterError> {
    if call.method == Method::POST { Parameters::of_form(call) } else { Parameters::parse(call.query.as_bytes()) }
}

/// Where the person goes on: an address of the client that an id token of ours names, and no other.
fn go_on(settings: &OAuthSettings, cx: &Context, parameters: &Parameters) -> Result<Option<String>, ParameterError> {
    let hint = parameters.get("id_token_hint")?;
    let address = parameters.line("post_logout_redirect_uri", MAX_ADDRESS)?;
    let state = parameters.get("state")?;
    let (Some(hint), Some(address)) = (hint, address) else { return Ok(None) };
    let client = match verify_id_token_hint(&cx.services.keys, &settings.issuer, hint) {
        Ok(hint) => hint.client,
        Err(error) => {
            tracing::info!(correlation = %cx.request.activity, %error, "an id token hint is not taken");
            return Ok(None);
        }
    };
    let known = cx.services.trusts.client(&client).filter(|client| client.enabled);
    if !known.is_some_and(|client| client.has_redirect_uri(address)) {
        tracing::info!(correlation = %cx.request.activity, client, "post_logout_redirect_uri is not one of the client's");
        return Ok(None);
    }
    let separator = if address.contains('?') { '&' } else { '?' };
    Ok(Some(match state {
        Some(state) => format!("{address}{separator}state={}", encode(state)),
        None => address.to_owned(),
    }))
}

const MAX_ADDRESS: usize = 2048;
