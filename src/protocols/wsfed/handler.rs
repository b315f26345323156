//! One request at `/adfs/ls/`: decode, sign in, issue, hand over.

use std::time::Duration;

use actix_web::http::StatusCode;

use super::refusal::{About, Refusal};
use super::reply_address::reply_address;
use super::request::{self, Decoded, SignIn, WsFederationRequest};
use super::{response, sign_out};
use crate::audit::{AuthProtocol, Detail, ErrorCode, EventKind, Parties};
use crate::authn::{RequestedMethod, SsoSession};
use crate::claims::Text;
use crate::issuance::{ClientHints, Context, Decision, SignInRequest, TokenSpec};
use crate::protocols::browser::{
    self, Arrival, Browser, Door, Input, LoopGuard, Outcome, PartnerAnswer, Place, Prompt, SignInFailure,
};
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};
use crate::trusts::{RelyingParty, TrustLookup, entra};

/// What comes of a request.
pub(in crate::protocols) enum Handled {
    /// Its answer.
    Answer(Answer),
    /// A claims provider has answered to a request of another protocol.
    Elsewhere(Box<Arrival>),
}

/// Answers a request.
pub(in crate::protocols) async fn handle(environment: &Environment, door: Door, call: &Call) -> Handled {
    let cx = environment.context(call, AuthProtocol::WsFederation, door.path());
    let mut about = About::default();
    let result = match request::decode(call) {
        Ok(Decoded { request: WsFederationRequest::SignIn(request), form }) => {
            let visitor = Browser::of(&environment.browser, &cx, call).await;
            let input = form.as_ref().map_or(Input::Request, Input::Form);
            sign_in(environment, &cx, call, door, &request, (&visitor, input), &mut about).await
        }
        Ok(Decoded { request: WsFederationRequest::Answer(answer), .. }) => {
            match go_on(environment, &cx, call, answer, &mut about).await {
                Ok(Handled::Elsewhere(arrival)) => return Handled::Elsewhere(arrival),
                Ok(Handled::Answer(answer)) => Ok(answer),
                Err(refusal) => Err(refusal),
            }
        }
        Ok(Decoded { request: WsFederationRequest::SignOut(request), .. }) => {
            sign_out::sign_out(environment, &cx, call, &request).await
        }
        Ok(Decoded { request: WsFederationRequest::CleanUp { reply }, .. }) => {
            sign_out::clean_up(environment, &cx, call, reply).await
        }
        Ok(Decoded { request: WsFederationRequest::LogoutRequest(request), .. }) => {
            sign_out::asked_by_provider(environment, &cx, call, &request).await
        }
        Ok(Decoded { request: WsFederationRequest::LogoutResponse(answer), .. }) => {
            sign_out::answered_by_provider(environment, &cx, call, &answer).await
        }
        Err(error) => Err(error.into()),
    };
    Handled::Answer(result.unwrap_or_else(|refusal| refusal.answer(environment, &cx, call, about)))
}

/// Audits a request that was refused before it was read.
pub fn unread(environment: &Environment, door: Door, call: &Call, status: StatusCode) {
    let cx = environment.context(call, AuthProtocol::WsFederation, door.path());
    let detail = Detail::public(&format!("the request was not read: {status}"));
    cx.note([EventKind::PassiveRequestFailed { parties: Parties::default(), code: ErrorCode("MSIS7000"), detail }]);
}

/// A claims provider has answered: the request that was interrupted goes on, here or where it began.
async fn go_on(
    environment: &Environment,
    cx: &Context,
    call: &Call,
    answer: PartnerAnswer,
    about: &mut About,
) -> Result<Handled, Refusal> {
    let visitor = Browser::of(&environment.browser, cx, call).await;
    let arrival = browser::open_answer(&environment.browser, &visitor, answer).map_err(SignInFailure::from)?;
    if arrival.place() != Place::WsFederation {
        return Ok(Handled::Elsewhere(Box::new(arrival)));
    }
    let request = request::interrupted(arrival.query())?;
    let input = Input::Answer(&arrival);
    sign_in(environment, cx, call, Door::Main, &request, (&visitor, input), about).await.map(Handled::Answer)
}

async fn sign_in(
    environment: &Environment,
    cx: &Context,
    call: &Call,
    door: Door,
    request: &SignIn,
    (visitor, input): (&Browser, Input<'_>),
    about: &mut About,
) -> Result<Answer, Refusal> {
    about.realm = Some(request.realm.clone());
    let trust = match cx.services.trusts.relying_party(&request.realm) {
        TrustLookup::Enabled(trust) => trust,
        TrustLookup::Disabled(_) => return Err(Refusal::DisabledRelyingParty),
        TrustLookup::Unknown => return Err(Refusal::UnknownRelyingParty),
    };
    let settings = trust.ws_federation.as_ref().ok_or(Refusal::NotPassive)?;
    about.application = Some(trust.name.clone());
    about.theme.clone_from(&trust.theme);
    let address = reply_address(settings, request.reply.as_deref());
    LoopGuard::of(&environment.browser, &visitor.cookies).check(trust.id.as_str(), cx.services.clock.now())?;
    let prompt = Prompt {
        requirement: &request.requirement,
        application: Some(&trust.name),
        theme: trust.theme.as_deref(),
        relying_party: &request.realm,
        home_realm: &request.home_realm,
        candidates: cx.services.trusts.candidates(trust),
        for_entra: entra::IDENTIFIERS.contains(&request.realm.as_str()),
        query: &request.query,
        place: Place::WsFederation,
        silent: false,
    };
    match browser::sign_in(environment, cx, call, visitor, &prompt, door, input).await? {
        Outcome::Answer(answer) => Ok(answer),
        Outcome::SignedIn { session, kept_by_browser, headers } => {
            about.headers = headers;
            let signed_in = SignedIn { session: &session, kept_by_browser, browser: visitor };
            let answer = issue(environment, cx, call, request, trust, address, signed_in).await?;
            Ok(answer.with_headers(std::mem::take(&mut about.headers)))
        }
    }
}

/// Who is signed in, in which browser.
struct SignedIn<'a> {
    session: &'a SsoSession,
    kept_by_browser: bool,
    browser: &'a Browser,
}

async fn issue(
    environment: &Environment,
    cx: &Context,
    call: &Call,
    request: &SignIn,
    trust: &RelyingParty,
    address: &str,
    signed_in: SignedIn<'_>,
) -> Result<Answer, Refusal> {
    let sign_in = SignInRequest {
        relying_party: request.realm.clone(),
        endpoint: Door::Main.path().to_owned(),
        origin: call.origin.clone(),
        hints: ClientHints {
            windows_or_multi_factor: request.requirement.methods.contains(&RequestedMethod::WindowsOrMultiFactor),
            ..call.hints()
        },
        token_type: None,
        persistent_session: signed_in.session.kept.is_some(),
        actor: None,
    };
    let grant = match environment.issuer.decide(cx, &sign_in, &signed_in.session.subject).await? {
        Decision::Permit(grant) => grant,
        Decision::Deny(denial) => return Err(Refusal::Denied(denial)),
        Decision::StepUp(demand) => return Err(Refusal::StepUp(demand)),
    };
    let now = cx.services.clock.now();
    let spec = TokenSpec {
        recipient: Some(Text::from(address)),
        confirm_until: Some(now.plus(DELIVERY_WINDOW)),
        ..TokenSpec::default()
    };
    let token = environment.issuer.mint(cx, &grant, &spec).await?;
    let page = response::hand_over(address, &grant.audience, &token, request.context.as_deref())?;
    let settings = &environment.browser;
    let answer = browser::page(settings, cx, call, StatusCode::OK, trust.theme.as_deref(), &page)?;
    let looping = LoopGuard::of(settings, &signed_in.browser.cookies).issued(settings, trust.id.as_str(), now);
    let SignedIn { session, kept_by_browser, browser } = signed_in;
    let participants =
        kept_by_browser.then(|| browser::take_part(settings, browser, session, trust.id.clone(), now)).flatten();
    Ok(answer.with_headers(looping).with_headers(participants))
}

/// How long a token may be on its way in the browser (AD FS' `SamlMessageDeliveryWindow`).
const DELIVERY_WINDOW: Duration = Duration::from_mins(5);
