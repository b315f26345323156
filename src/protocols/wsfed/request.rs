//! Decoding a WS-Federation request: its parameters, and nothing of what they lead to (ws-federation.md 6.1).

use std::time::Duration;

use actix_web::http::Method;

use crate::authn::AuthnRequirement;
use crate::protocols::browser::parameters::{ParameterError, Parameters};
use crate::protocols::browser::{
    self, HomeRealmParameters, LogoutMessage, PartnerAnswer, PartnerMessage, SEALED_LIMIT, farewell, requested_methods,
};
use crate::protocols::http::Call;
use crate::protocols::openid::Answered;
use crate::protocols::samlp::logout_request::{Carried, is_logout_response};

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WsFederationRequest {
    /// `wa=wsignin1.0`
    SignIn(Box<SignIn>),
    /// `wa=wsignout1.0`
    SignOut(SignOut),
    /// `wa=wsignoutcleanup1.0`: another service asks to end the session here.
    CleanUp {
        /// `wreply`: where a claims provider's own sign-out goes on.
        reply: Option<String>,
    },
    /// `wresult`, `SAMLResponse` or `code`: what a claims provider answers to a request of this service.
    Answer(PartnerAnswer),
    /// `SAMLRequest`: a claims provider wants a session ended.
    LogoutRequest(LogoutMessage),
    /// `SAMLResponse` with the answer to such a request of this service.
    LogoutResponse(LogoutMessage),
}

/// A request for a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// `wtrealm`: the relying party.
    pub realm: String,
    /// `wreply`: where the token is wanted.
    pub reply: Option<String>,
    /// `wctx`: given back as it came.
    pub context: Option<String>,
    /// `wauth`, `wfresh`, `prompt`: what is demanded of the authentication.
    pub requirement: AuthnRequirement,
    /// Where its user signs in, as far as it says: `whr`, `domain_hint`, `username`, `login_hint` and the person's choice.
    pub home_realm: HomeRealmParameters,
    /// The whole request as a query, parameters that mean nothing here among them.
    pub query: String,
}

/// A request to sign out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignOut {
    /// `wreply`: where the person wants to go on.
    pub reply: Option<String>,
    /// `state`: what an `OpenID` provider was given along when the browser was sent there to sign out.
    pub state: Option<String>,
    /// This service's own: a message for a claims provider that takes forms only.
    pub message: Option<String>,
}

/// Why there is no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No parameter at all: somebody opened the address by itself.
    #[error("the address was opened without a request")]
    Empty,
    /// The parameters cannot be read.
    #[error(transparent)]
    Parameters(#[from] ParameterError),
    /// `wa` is missing, or an action that is not offered.
    #[error("wa is {0:?}, which is not offered")]
    Action(String),
    /// `wtrealm` is missing.
    #[error("wtrealm is missing")]
    NoRealm,
    /// `SAMLart`: a claims provider answers by the artifact binding.
    #[error(
        "the answer is an artifact of SAML 2.0, which is not resolved: the claims provider must answer by HTTP POST"
    )]
    Artifact,
    /// `wauth` names a method that nobody knows.
    #[error("wauth is {0:?}, which is no authentication method")]
    Method(String),
}

/// A decoded request, with the fields of a page of this service when the page was sent with it.
#[derive(Debug)]
pub struct Decoded {
    /// The request.
    pub request: WsFederationRequest,
    /// The page's fields.
    pub form: Option<Parameters>,
}

/// Decodes a request. The fields of a page of this service come in the body, and the request they belong to in the query; any other
/// form is the request itself. Tools that know AD FS post nothing to the address of the request.
///
/// # Errors
/// [`RequestError`].
pub fn decode(call: &Call) -> Result<Decoded, RequestError> {
    if call.method != Method::POST || call.body.is_empty() {
        let parameters = Parameters::parse(call.query.as_bytes())?;
        if let Some(request) = by_redirection(&parameters, &call.query)? {
            return Ok(Decoded { request, form: None });
        }
        return Ok(Decoded { request: read(&parameters, call.query.clone())?, form: None });
    }
    let body = Parameters::of_form(call)?;
    if body.has("AuthMethod") || browser::is_form(&body) {
        let parameters = Parameters::parse(call.query.as_bytes())?;
        return Ok(Decoded { request: read(&parameters, call.query.clone())?, form: Some(body) });
    }
    if body.has("wresult") {
        if body.line("wa", MAX_SHORT)? != Some("wsignin1.0") {
            return Err(RequestError::Action(body.get("wa")?.unwrap_or_default().to_owned()));
        }
        let message = PartnerMessage::WsFederation(body.get("wresult")?.unwrap_or_default().to_owned());
        let state = body.line("wctx", SEALED_LIMIT)?.map(str::to_owned);
        let request = WsFederationRequest::Answer(PartnerAnswer { message, state });
        return Ok(Decoded { request, form: None });
    }
    let state = || Ok::<_, RequestError>(body.line("RelayState", SEALED_LIMIT)?.map(str::to_owned));
    // What is given back must fit into an address.
    let theirs = || Ok::<_, RequestError>(body.line("RelayState", MAX_RELAY_STATE)?.map(str::to_owned));
    if body.has(ARTIFACT) {
        return Err(RequestError::Artifact);
    }
    if body.has("SAMLRequest") {
        let message = Carried::Form(body.get("SAMLRequest")?.unwrap_or_default().to_owned());
        let request = WsFederationRequest::LogoutRequest(LogoutMessage { message, state: theirs()? });
        return Ok(Decoded { request, form: None });
    }
    if body.has("SAMLResponse") && is_logout_response(body.get("SAMLResponse")?.unwrap_or_default()) {
        let message = Carried::Form(body.get("SAMLResponse")?.unwrap_or_default().to_owned());
        let request = WsFederationRequest::LogoutResponse(LogoutMessage { message, state: state()? });
        return Ok(Decoded { request, form: None });
    }
    if body.has("SAMLResponse") {
        let message = PartnerMessage::Saml(body.get("SAMLResponse")?.unwrap_or_default().to_owned());
        return Ok(Decoded {
            request: WsFederationRequest::Answer(PartnerAnswer { message, state: state()? }),
            form: None,
        });
    }
    let query = body.to_query();
    Ok(Decoded { request: read(&body, query)?, form: None })
}

/// What a claims provider says by sending the browser here.
fn by_redirection(parameters: &Parameters, query: &str) -> Result<Option<WsFederationRequest>, RequestError> {
    if parameters.has("wa") {
        return Ok(None);
    }
    let state = |name| Ok::<_, RequestError>(parameters.line(name, SEALED_LIMIT)?.map(str::to_owned));
    let logout = |most| {
        let state = parameters.line("RelayState", most)?.map(str::to_owned);
        Ok::<_, RequestError>(LogoutMessage { message: Carried::Query(query.to_owned()), state })
    };
    if parameters.has(ARTIFACT) {
        return Err(RequestError::Artifact);
    }
    if parameters.has("SAMLRequest") {
        return logout(MAX_RELAY_STATE).map(WsFederationRequest::LogoutRequest).map(Some);
    }
    if parameters.has("SAMLResponse") {
        return logout(SEALED_LIMIT).map(WsFederationRequest::LogoutResponse).map(Some);
    }
    if parameters.has("state") && (parameters.has("code") || parameters.has("error")) {
        let line = |name| Ok::<_, RequestError>(parameters.line(name, MAX_IDENTIFIER)?.map(str::to_owned));
        let message = PartnerMessage::OpenId(Answered {
            code: line("code")?,
            issuer: line("iss")?,
            error: line("error")?,
            description: line("error_description")?,
        });
        return Ok(Some(WsFederationRequest::Answer(PartnerAnswer { message, state: state("state")? })));
    }
    Ok(None)
}

/// The request that a browser was sent to a claims provider for, as it was remembered.
///
/// # Errors
/// [`RequestError`]; it was read before, but perhaps by another version.
pub(super) fn interrupted(query: &str) -> Result<Box<SignIn>, RequestError> {
    match read(&Parameters::parse(query.as_bytes())?, query.to_owned())? {
        WsFederationRequest::SignIn(request) => Ok(request),
        _ => Err(RequestError::Empty),
    }
}

fn read(parameters: &Parameters, query: String) -> Result<WsFederationRequest, RequestError> {
    if query.is_empty() {
        return Err(RequestError::Empty);
    }
    // Also those that are not acted on: whoever reads this request elsewhere must not read another one.
    for name in KNOWN.into_iter().chain(browser::OWN_PARAMETERS) {
        parameters.get(name)?;
    }
    match parameters.line("wa", MAX_SHORT)? {
        Some("wsignin1.0") => sign_in(parameters, query).map(Box::new).map(WsFederationRequest::SignIn),
        Some("wsignout1.0") => {
            let reply = parameters.get("wreply")?.map(str::to_owned);
            let state = parameters.line("state", SEALED_LIMIT)?.map(str::to_owned);
            let message = parameters.line(farewell::PARAMETER, SEALED_LIMIT)?.map(str::to_owned);
            Ok(WsFederationRequest::SignOut(SignOut { reply, state, message }))
        }
        Some("wsignoutcleanup1.0") => {
            Ok(WsFederationRequest::CleanUp { reply: parameters.get("wreply")?.map(str::to_owned) })
        }
        other => Err(RequestError::Action(other.unwrap_or_default().to_owned())),
    }
}

fn sign_in(parameters: &Parameters, query: String) -> Result<SignIn, RequestError> {
    let text = |value: Option<&str>| value.map(str::to_owned);
    Ok(SignIn {
        realm: text(parameters.line("wtrealm", MAX_IDENTIFIER)?).ok_or(RequestError::NoRealm)?,
        reply: text(parameters.get("wreply")?),
        context: text(parameters.get("wctx")?),
        requirement: requirement(parameters)?,
        home_realm: HomeRealmParameters::read(parameters)?,
        query,
    })
}

fn requirement(parameters: &Parameters) -> Result<AuthnRequirement, RequestError> {
    let acr = requested_methods::acr(parameters)?;
    let methods = match parameters.line("wauth", MAX_IDENTIFIER)? {
        // Of the other form nobody says that it must be known.
        None => acr.as_deref().and_then(requested_methods::method).into_iter().collect(),
        Some(word) => vec![requested_methods::method(word).ok_or_else(|| RequestError::Method(word.to_owned()))?],
    };
    let minutes = match parameters.line("wfresh", MAX_SHORT)? {
        None => None,
        Some(text) => Some(text.parse::<u32>().map_err(|_| ParameterError::Value { name: "wfresh" })?),
    };
    let ask = parameters.line("prompt", MAX_SHORT)? == Some("login");
    let max_age = minutes.map(|minutes| Duration::from_mins(minutes.into()));
    Ok(AuthnRequirement { methods, max_age, ask })
}

/// Parameters with a meaning in the protocol. The ones not read above are ignored, as AD FS ignores them or because there is
/// nothing to choose from.
const KNOWN: [&str; 20] = [
    "wa",
    "wtrealm",
    "wreply",
    "wctx",
    "wct",
    "wauth",
    "wfresh",
    "whr",
    "wreq",
    "wreqptr",
    "wp",
    "wres",
    "wresult",
    "wencoding",
    "username",
    "login_hint",
    "domain_hint",
    "prompt",
    "resource_params",
    "client-request-id",
];
/// The parameter of the artifact binding (saml-bindings 3.6).
const ARTIFACT: &str = "SAMLart";
const MAX_SHORT: usize = 512;
/// Octets of a `RelayState` that somebody else sends and gets back. The specification allows 80 (saml-bindings 3.4.3); many have more.
const MAX_RELAY_STATE: usize = 1024;
const MAX_IDENTIFIER: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authn::RequestedMethod;

    fn of(query: &str) -> Result<WsFederationRequest, RequestError> {
        read(&Parameters::parse(query.as_bytes()).unwrap(), query.to_owned())
    }

    fn sign_in_of(query: &str) -> SignIn {
        match of(query) {
            Ok(WsFederationRequest::SignIn(request)) => *request,
            other => panic!("{query}: {other:?}"),
        }
    }

    #[test]
    fn every_parameter_has_its_place() {
        let query = "wa=wsignin1.0&wtrealm=urn%3Aa&wreply=https%3A%2F%2Frp%2F&wctx=rm%3D0%26id%3D%26%C3%A9&wct=2026-01-05T10:00:00Z\
                     &wfresh=10&wauth=urn%3Afederation%3Aauthentication%3Awindows&username=a%40b&whr=x&popupui=1";
        let request = sign_in_of(query);
        assert_eq!(request.realm, "urn:a");
        assert_eq!(request.reply.as_deref(), Some("https://rp/"));
        assert_eq!(request.context.as_deref(), Some("rm=0&id=&\u{e9}"));
        let home = &request.home_realm;
        assert_eq!((home.user(), home.home_realm.as_deref()), (Some("a@b"), Some("x")));
        assert_eq!(request.query, query);
        assert_eq!(
            request.requirement,
            AuthnRequirement {
                methods: vec![RequestedMethod::Windows],
                max_age: Some(Duration::from_mins(10)),
                ask: false
            }
        );
        assert!(sign_in_of("wa=wsignin1.0&wtrealm=a&prompt=login").requirement.ask);
        assert!(!sign_in_of("wa=wsignin1.0&wtrealm=a&prompt=none").requirement.ask);
        let home = |more: &str| sign_in_of(&format!("wa=wsignin1.0&wtrealm=a&{more}")).home_realm;
        assert_eq!(home("login_hint=x").user(), Some("x"));
        assert_eq!(home("domain_hint=d").domain_hint.as_deref(), Some("d"));
        assert_eq!(home("RedirectToIdentityProvider=AD+AUTHORITY").chosen.as_deref(), Some("AD AUTHORITY"));
        assert!(home("ChooseHomeRealm=true").wants_to_choose && home("prompt=none").passive);
        assert_eq!(home("prompt=login&HomeRealmSearch="), HomeRealmParameters::default());
    }

    #[test]
    fn windows_or_more_than_one_factor_is_asked_for_in_every_form() {
        let asked = |more: &str| sign_in_of(&format!("wa=wsignin1.0&wtrealm=a&{more}")).requirement.methods;
        let documented = "eyJQcm9wZXJ0aWVzIjpbeyJLZXkiOiJhY3IiLCJWYWx1ZSI6IndpYW9ybXVsdGlhdXRobiJ9XX0";
        for more in [
            &format!("resource_params={documented}"),
            &format!("resource_params={documented}%3D"),
            "wauth=wiaormultiauthn",
            "wauth=http%3A%2F%2Fschemas.microsoft.com%2Fclaims%2Fwiaormultiauthn",
        ] {
            assert_eq!(asked(more), [RequestedMethod::WindowsOrMultiFactor], "{more}");
        }
        // What `wauth` says counts; properties without the method ask for nothing.
        let both = format!("resource_params={documented}&wauth=urn:federation:authentication:windows");
        assert_eq!(asked(&both), [RequestedMethod::Windows]);
        assert_eq!(asked("resource_params=eyJQcm9wZXJ0aWVzIjpbXX0"), []);
        for odd in ["e30", "x", "eyJQcm9wZXJ0aWVzIjpbXX0.x"] {
            let error = of(&format!("wa=wsignin1.0&wtrealm=a&resource_params={odd}")).unwrap_err();
            assert_eq!(error, RequestError::Parameters(ParameterError::Value { name: "resource_params" }), "{odd}");
        }
    }

    #[test]
    fn every_known_parameter_counts_once() {
        for name in KNOWN.into_iter().chain(browser::OWN_PARAMETERS) {
            let query = format!("wa=wsignin1.0&wtrealm=urn:a&{name}=1&{name}=1");
            let error = of(&query).unwrap_err();
            assert!(matches!(error, RequestError::Parameters(ParameterError::Repeated { .. })), "{name}: {error:?}");
        }
        assert!(of("wa=wsignin1.0&wtrealm=urn:a&popupui=1&popupui=2").is_ok());
    }

    #[test]
    fn what_is_no_request_says_why() {
        assert_eq!(of(""), Err(RequestError::Empty));
        assert_eq!(of("x=y"), Err(RequestError::Action(String::new())));
        assert_eq!(of("wa=wattr1.0"), Err(RequestError::Action("wattr1.0".into())));
        assert_eq!(of("wa=wsignin1.0"), Err(RequestError::NoRealm));
        assert_eq!(of("wa=wsignin1.0&wtrealm=a&wauth=urn:x"), Err(RequestError::Method("urn:x".into())));
        for wfresh in ["-1", "1.5", "x", "99999999999"] {
            let error = of(&format!("wa=wsignin1.0&wtrealm=a&wfresh={wfresh}")).unwrap_err();
            assert_eq!(error, RequestError::Parameters(ParameterError::Value { name: "wfresh" }), "{wfresh}");
        }
        let long = "a".repeat(MAX_IDENTIFIER + 1);
        assert!(of(&format!("wa=wsignin1.0&wtrealm={long}")).is_err());
    }

    #[test]
    fn signing_out() {
        let expected =
            WsFederationRequest::SignOut(SignOut { reply: Some("https://rp/".into()), state: None, message: None });
        assert_eq!(of("wa=wsignout1.0&wreply=https://rp/"), Ok(expected));
        assert_eq!(of("wa=wsignoutcleanup1.0"), Ok(WsFederationRequest::CleanUp { reply: None }));
    }
}
