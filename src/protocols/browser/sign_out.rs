//! Sign-out: the session ends here, and at everybody it signed in to (ws-federation.md 6.4; oauth-oidc-prt.md 2.16).

use actix_web::http::StatusCode;

use super::address::origin;
use super::parameters::encode;
use super::participants::{Participant, Participants};
use super::{Browser, end_session, provider_sign_out, reply};
use crate::audit::{EventKind, Parties};
use crate::authn::SessionRef;
use crate::issuance::Context;
use crate::pages::{CleanUp, PageError, SignOutPage};
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};
use crate::trusts::{TrustLookup, Trusts};

/// What comes after the end of a session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::protocols) struct AfterSignOut {
    /// Where the person goes on; it was checked.
    pub(in crate::protocols) go_on: Option<String>,
    /// Whether another service shows the page in a frame of its own.
    pub(in crate::protocols) framed: bool,
}

/// Somebody signs out here: the session ends, and the browser is sent to the claims provider it came from, where there is one.
/// `go_on` is where the person wants to be in the end; it was checked.
///
/// # Errors
/// [`PageError`].
pub(in crate::protocols) async fn sign_out(
    environment: &Environment,
    cx: &Context,
    call: &Call,
    browser: &Browser,
    go_on: Option<String>,
) -> Result<Answer, PageError> {
    let next = match provider_sign_out::leave(environment, cx, browser, go_on.as_deref()).await {
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
    let answer = end(environment, cx, call, browser, AfterSignOut { go_on, framed: false }).await?;
    Ok(answer.with_headers(cookie))
}

/// Ends the session of a browser here, and at everybody it signed in to.
///
/// # Errors
/// [`PageError`].
pub(in crate::protocols) async fn end(
    environment: &Environment,
    cx: &Context,
    call: &Call,
    browser: &Browser,
    AfterSignOut { go_on, framed }: AfterSignOut,
) -> Result<Answer, PageError> {
    let settings = &environment.browser;
    let participants = browser.participants(settings);
    let session = browser.session.as_ref().map(|session| &session.subject.session).or(participants.session());
    let clean_up = addresses(environment, &cx.services.trusts, &participants, session);
    if let Some(session) = &browser.session {
        cx.note([EventKind::SignOut { parties: Parties::of(&session.subject, None), success: true }]);
    }
    let headers = end_session(settings, cx, browser).await;
    if let (Some(address), true) = (&go_on, clean_up.is_empty()) {
        return Ok(reply::redirect(address).with_headers(headers));
    }
    let mut origins: Vec<String> = clean_up.iter().filter_map(|one| origin(&one.address)).collect();
    origins.sort();
    origins.dedup();
    let page = SignOutPage { clean_up, origins, go_on, framed };
    Ok(reply::page(settings, cx, call, StatusCode::OK, None, &page)?.with_headers(headers))
}

/// The relying parties and clients that end their sessions, and where. A client is told which one, and by whom.
fn addresses(
    environment: &Environment,
    trusts: &Trusts,
    participants: &Participants,
    session: Option<&SessionRef>,
) -> Vec<CleanUp> {
    let issuer = environment.oauth.as_ref().map(|oauth| oauth.issuer.as_str()).unwrap_or_default();
    let address = |id| match Participant::of(id) {
        Participant::Client(id) => {
            let client = trusts.client(id).filter(|client| client.enabled)?;
            let uri = client.logout_uri.clone()?;
            let session = session.map(|session| session.0.to_string()).unwrap_or_default();
            Some((client.name.clone(), uri, format!("sid={session}&iss={}", encode(issuer))))
        }
        Participant::RelyingParty(id) => match trusts.relying_party(id) {
            TrustLookup::Enabled(trust) => {
                let endpoint = trust.ws_federation.as_ref()?.endpoint.clone();
                Some((trust.name.clone(), endpoint, String::from("wa=wsignoutcleanup1.0")))
            }
            TrustLookup::Disabled(_) | TrustLookup::Unknown => None,
        },
    };
    let found = participants.iter().filter_map(address);
    let clean_up = |(name, at, query): (String, String, String)| CleanUp {
        name,
        address: format!("{at}{}{query}", if at.contains('?') { '&' } else { '?' }),
    };
    found.map(clean_up).collect()
}
