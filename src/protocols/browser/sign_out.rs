//! Sign-out: the session ends here, and at everybody it signed in to (ws-federation.md 6.4; oauth-oidc-prt.md 2.16).

use actix_web::http::StatusCode;

use super::parameters::encode;
use super::participants::{Participant, Participants};
use super::{Browser, end_session, reply};
use crate::audit::{EventKind, Parties};
use crate::authn::SessionRef;
use crate::issuance::Context;
use crate::pages::{PageError, SignOutPage};
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};
use crate::protocols::wsfed::origin;
use crate::trusts::{TrustLookup, Trusts};

/// Ends the session of a browser. `go_on` is where the person goes on; it was checked. `framed` says that another service shows
/// the page in a frame of its own.
///
/// # Errors
/// [`PageError`].
pub(in crate::protocols) async fn sign_out(
    environment: &Environment,
    cx: &Context,
    call: &Call,
    go_on: Option<String>,
    framed: bool,
) -> Result<Answer, PageError> {
    let settings = &environment.browser;
    let browser = Browser::of(settings, cx, call).await;
    let session = browser.session.as_ref().map(|session| &session.subject.session);
    let clean_up = addresses(environment, &cx.services.trusts, &browser.participants(settings), session);
    if let Some(session) = &browser.session {
        cx.note([EventKind::SignOut { parties: Parties::of(&session.subject, None), success: true }]);
    }
    let headers = end_session(cx, &browser).await;
    if let (Some(address), true) = (&go_on, clean_up.is_empty()) {
        return Ok(reply::redirect(address).with_headers(headers));
    }
    let mut origins: Vec<String> = clean_up.iter().filter_map(|address| origin(address)).collect();
    origins.sort();
    origins.dedup();
    let page = SignOutPage { clean_up, origins, go_on, framed };
    Ok(reply::page(settings, cx, call, StatusCode::OK, None, &page)?.with_headers(headers))
}

/// Where relying parties and clients end their sessions. A client is told which one, and by whom.
fn addresses(
    environment: &Environment,
    trusts: &Trusts,
    participants: &Participants,
    session: Option<&SessionRef>,
) -> Vec<String> {
    let issuer = environment.oauth.as_ref().map(|oauth| oauth.issuer.as_str()).unwrap_or_default();
    let address = |id| match Participant::of(id) {
        Participant::Client(id) => {
            let uri = trusts.client(id).filter(|client| client.enabled)?.logout_uri.clone()?;
            let session = session.map(|session| session.0.to_string()).unwrap_or_default();
            Some((uri, format!("sid={session}&iss={}", encode(issuer))))
        }
        Participant::RelyingParty(id) => match trusts.relying_party(id) {
            TrustLookup::Enabled(trust) => {
                let endpoint = trust.ws_federation.as_ref()?.endpoint.clone();
                Some((endpoint, String::from("wa=wsignoutcleanup1.0")))
            }
            TrustLookup::Disabled(_) | TrustLookup::Unknown => None,
        },
    };
    let found = participants.iter().filter_map(address);
    found.map(|(at, query)| format!("{at}{}{query}", if at.contains('?') { '&' } else { '?' })).collect()
}
