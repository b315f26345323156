//! One request at the authorization endpoint: decode, sign in, permit, send back (oauth-oidc-prt.md 2.2).
//!
//! Nothing goes to an address before it is known to be the client's: until then errors are pages of this service.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};

use super::authorize_request::{Arrived, AuthorizeRequest};
use super::error::{OAuthError, Shown};
use super::id_token::{Beside, pairwise};
use super::redirect::Target;
use super::respond::mint_id_token;
use super::scopes::Granted;
use super::travel::{self, Code, SignedIn};
use super::{OAuthEndpoint, OAuthSettings};
use crate::audit::{AuthProtocol, Detail, ErrorCode, EventKind, Parties};
use crate::authn::{AuthnError, RequestedMethod, SsoSession};
use crate::issuance::{ClientHints, Context, Decision, SignInRequest};
use crate::pages::ErrorText;
use crate::protocols::browser::{self, Arrival, Browser, Door, Input, Outcome, Place, Prompt, SignInFailure};
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};
use crate::tokens::TokenType;
use crate::tokens::jwt::verify_id_token_hint;
use crate::trusts::{Client, GrantType};

/// Answers a request.
pub(super) async fn handle(environment: &Environment, settings: &OAuthSettings, door: Door, call: &Call) -> Answer {
    let cx = environment.context(call, AuthProtocol::OAuth, OAuthEndpoint::Authorize(door).path());
    match Arrived::read(call) {
        Ok(arrived) => go_on(environment, settings, &cx, call, &arrived, door, None).await,
        Err(error) => page(environment, &cx, call, None, "MSIS9601", &error.to_string()),
    }
}

/// Goes on with a request whose user a claims provider has signed in.
pub(super) async fn resume(
    environment: &Environment,
    settings: &OAuthSettings,
    call: &Call,
    arrival: &Arrival,
) -> Answer {
    let cx = environment.context(call, AuthProtocol::OAuth, OAuthEndpoint::Authorize(Door::Main).path());
    match Arrived::interrupted(arrival.query()) {
        Ok(arrived) => go_on(environment, settings, &cx, call, &arrived, Door::Main, Some(arrival)).await,
        Err(error) => page(environment, &cx, call, None, "MSIS9601", &error.to_string()),
    }
}

async fn go_on(
    environment: &Environment,
    settings: &OAuthSettings,
    cx: &Context,
    call: &Call,
    arrived: &Arrived,
    door: Door,
    arrival: Option<&Arrival>,
) -> Answer {
    let (client, target) = match whose(cx, arrived) {
        Ok(found) => found,
        Err((code, reason)) => {
            let id = arrived.parameters.get("client_id").ok().flatten();
            return page(environment, cx, call, id, code, reason);
        }
    };
    let visit = Visit { environment, settings, cx, call, client: &client, target: &target, arrival };
    let mut headers = Vec::new();
    let result = visit.answer(arrived, door, &mut headers).await;
    let answer = result.unwrap_or_else(|error| visit.refuse(&error));
    answer.with_headers(headers)
}

/// The client, and where it is answered. Until both are certain nothing is sent anywhere.
fn whose(cx: &Context, arrived: &Arrived) -> Result<(std::sync::Arc<Client>, Target), (&'static str, &'static str)> {
    let text = |name| arrived.parameters.line(name, MAX_ADDRESS).ok().flatten();
    let client = text("client_id").and_then(|id| cx.services.trusts.client(id)).filter(|client| client.enabled);
    let client = client.ok_or(("MSIS9223", "client_id is not that of an enabled client"))?;
    let redirect_uri = text("redirect_uri").ok_or(("MSIS9221", "redirect_uri is missing"))?;
    if !client.has_redirect_uri(redirect_uri) {
        return Err(("MSIS9224", "redirect_uri is not one of the client's"));
    }
    Ok((std::sync::Arc::clone(client), arrived.target(redirect_uri)))
}

/// An error that must not go to any other address: a page, and event 364.
fn page(
    environment: &Environment,
    cx: &Context,
    call: &Call,
    client: Option<&str>,
    code: &'static str,
    reason: &str,
) -> Answer {
    tracing::info!(correlation = %cx.request.activity, code, reason, "authorization request refused");
    let parties = client.map_or_else(Parties::default, |client| Parties::claimed(client, None));
    cx.note([EventKind::PassiveRequestFailed { parties, code: ErrorCode(code), detail: Detail::public(reason) }]);
    let text = if code == "MSIS9601" { ErrorText::ErrorRequest } else { ErrorText::ErrorApplication };
    let said = browser::Said { text, application: None, theme: None };
    browser::error_page(&environment.browser, cx, call, StatusCode::BAD_REQUEST, code, said)
}

/// A request whose client and address are known.
struct Visit<'a> {
    environment: &'a Environment,
    settings: &'a OAuthSettings,
    cx: &'a Context,
    call: &'a Call,
    client: &'a Client,
    target: &'a Target,
    /// The answer of a claims provider that the request goes on with.
    arrival: Option<&'a Arrival>,
}

impl Visit<'_> {
    /// `headers` are those of a session that begins; they go with every answer.
    async fn answer(
        &self,
        arrived: &Arrived,
        door: Door,
        headers: &mut Vec<(HeaderName, HeaderValue)>,
    ) -> Result<Answer, OAuthError> {
        let Self { environment, cx, call, client, .. } = *self;
        let request = arrived.request()?;
        self.may(&request)?;
        let hinted = request.hint.as_deref().map(|hint| self.hinted(hint)).transpose()?;
        let granted = request.wanted.permit(&cx.services.trusts, client, None)?;
        let browser = Browser::of(&environment.browser, cx, call).await;
        let prompt = Prompt {
            requirement: &request.requirement,
            application: Some(&client.name),
            theme: granted.trust.theme.as_deref(),
            relying_party: &granted.resource,
            home_realm: &request.home_realm,
            candidates: cx.services.trusts.candidates(granted.trust),
            for_entra: false,
            query: &arrived.query,
            place: Place::OAuth,
            silent: request.silent,
        };
        let input = match self.arrival {
            Some(arrival) => Input::Answer(arrival),
            None => arrived.form.as_ref().map_or(Input::Request, Input::Form),
        };
        let signed_in = browser::sign_in(environment, cx, call, &browser, &prompt, door, input).await;
        let signed_in = signed_in.map_err(|failure| match failure {
            // Somebody would have to say where they belong.
            SignInFailure::Authn(AuthnError::NoClaimsProvider) if request.silent => OAuthError::LoginRequired,
            other => other.into(),
        });
        match signed_in? {
            Outcome::Answer(answer) => Ok(answer),
            Outcome::SignedIn { session, kept_by_browser, headers: new } => {
                *headers = new;
                // Another one than the client means: it learns that its user is not signed in, and nothing of who is.
                if hinted.is_some_and(|subject| self.subject(&session).as_ref() != Some(&subject)) {
                    return Err(OAuthError::OtherUser);
                }
                if kept_by_browser && client.logout_uri.is_some() {
                    let (entry, now) = (browser::client_entry(&client.id), cx.services.clock.now());
                    headers.extend(browser::take_part(&environment.browser, &browser, &session, entry, now));
                }
                self.issue(&request, granted, &session).await
            }
        }
    }

    /// The subject of an id token that this client was given: the user it means (`OpenID` Connect Core 3.1.2.1).
    fn hinted(&self, hint: &str) -> Result<String, OAuthError> {
        let unusable = |reason| OAuthError::Unusable { name: "id_token_hint", reason };
        let hint = verify_id_token_hint(&self.cx.services.keys, &self.settings.issuer, hint);
        let hint = hint.map_err(|_| unusable("it is no id token of this service"))?;
        if hint.client == self.client.id { Ok(hint.subject) } else { Err(unusable("it was issued to another client")) }
    }

    /// The subject of a session, as the client knows it.
    fn subject(&self, session: &SsoSession) -> Option<String> {
        pairwise(self.environment, &self.client.id, &session.subject.origin)
    }

    /// Whether the client may be answered so.
    fn may(&self, request: &AuthorizeRequest) -> Result<(), OAuthError> {
        let wants = request.response;
        if wants.code && !self.client.may_use(GrantType::AuthorizationCode)
            || wants.id_token && !self.client.may_use(GrantType::Implicit)
        {
            return Err(OAuthError::UnsupportedResponse);
        }
        if wants.code && request.challenge.is_none() && self.client.pkce_required {
            return Err(OAuthError::Missing("code_challenge"));
        }
        Ok(())
    }

    async fn issue(
        &self,
        request: &AuthorizeRequest,
        granted: Granted<'_>,
        session: &SsoSession,
    ) -> Result<Answer, OAuthError> {
        let Self { environment, settings, cx, call, client, target, .. } = *self;
        let sign_in = SignInRequest {
            relying_party: granted.resource.clone(),
            endpoint: OAuthEndpoint::Authorize(Door::Main).path().to_owned(),
            origin: call.origin.clone(),
            hints: ClientHints {
                windows_or_multi_factor: request.requirement.methods.contains(&RequestedMethod::WindowsOrMultiFactor),
                ..call.hints()
            },
            token_type: Some(TokenType::Jwt),
            persistent_session: session.kept.is_some(),
            actor: None,
        };
        let grant = match environment.issuer.decide(cx, &sign_in, &session.subject).await? {
            Decision::Permit(grant) => grant,
            Decision::Deny(denial) => return Err(OAuthError::Denied(denial)),
            Decision::StepUp(demand) => return Err(OAuthError::StepUp(demand)),
        };
        let scopes = granted.scopes.clone();
        let mut fields = Vec::new();
        let mut code = None;
        if request.response.code {
            let random = &*cx.services.random;
            let signed_in = SignedIn::begin(session, call.origin.clone(), granted.resource, granted.scopes, random)?;
            let value = Code {
                signed_in,
                id: travel::fresh_id(random)?,
                redirect_uri: target.redirect_uri.clone(),
                challenge: request.challenge.clone(),
                nonce: request.nonce.clone(),
                without_groups: false,
            };
            let until = cx.services.clock.now().plus(settings.code_lifetime);
            let sealed = value.seal(&settings.sealer, &client.id, until)?;
            fields.push(("code", sealed.clone()));
            code = Some(sealed);
        }
        if request.response.id_token {
            let beside = Beside { nonce: request.nonce.as_deref(), code: code.as_deref(), access_token: None };
            let token = mint_id_token(environment, settings, cx, client, &grant, &scopes, beside).await?;
            fields.push(("id_token", token));
        }
        Ok(target.answer(environment, cx, call, &settings.issuer, fields)?)
    }

    /// The error, sent to the client.
    fn refuse(&self, error: &OAuthError) -> Answer {
        let Self { environment, settings, cx, call, client, target, .. } = *self;
        error.note(cx, Some(&client.id), None);
        // A browser that has a ticket sends it now; one that has none shows what comes with the challenge, which leads on.
        if matches!(error, OAuthError::TicketWanted) {
            let challenge = HeaderValue::from_static("Negotiate");
            let fields = fields(OAuthError::LoginRequired.shown());
            let page = target.answer_by_page(environment, cx, call, &settings.issuer, fields);
            let page = page.unwrap_or_else(|_| Answer::empty(StatusCode::UNAUTHORIZED));
            return page.with_header(header::WWW_AUTHENTICATE, challenge);
        }
        // A page of this service that was tampered with is no matter of the client's.
        if let OAuthError::SignIn(SignInFailure::Form(failure)) = error {
            return page(environment, cx, call, Some(&client.id), "MSIS9601", &failure.to_string());
        }
        target.answer(environment, cx, call, &settings.issuer, fields(error.shown())).unwrap_or_else(|error| {
            tracing::error!(correlation = %cx.request.activity, %error, "a page could not be made");
            Answer::empty(StatusCode::INTERNAL_SERVER_ERROR)
        })
    }
}

fn fields(shown: Shown) -> Vec<(&'static str, String)> {
    let description = format!("{}: {}", shown.code, shown.text);
    vec![("error", shown.error.to_owned()), ("error_description", description)]
}

const MAX_ADDRESS: usize = 2048;
