//! Decoding a request at the authorization endpoint: its parameters, and nothing of what they lead to (oauth-oidc-prt.md 2.2).

use std::time::Duration;

use actix_web::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::OAuthError;
use super::redirect::{ResponseMode, Target};
use super::scopes::Wanted;
use crate::authn::{AuthnRequirement, RequestedMethod};
use crate::protocols::browser::parameters::{ParameterError, Parameters};
use crate::protocols::browser::{self, HomeRealmParameters, requested_methods};
use crate::protocols::http::Call;
use crate::tokens::jwt::MAX_TOKEN_LEN;

/// A request, as far as it must be readable before anything may be told to the client.
#[derive(Debug)]
pub(super) struct Arrived {
    /// Every parameter.
    pub(super) parameters: Parameters,
    /// The request as a query.
    pub(super) query: String,
    /// The fields of a page of this service, when the page was sent with it.
    pub(super) form: Option<Parameters>,
}

/// What a request asks for.
#[derive(Debug)]
pub(super) struct AuthorizeRequest {
    /// What is to be answered.
    pub(super) response: ResponseTypes,
    /// Resource and scopes.
    pub(super) wanted: Wanted,
    /// `nonce`
    pub(super) nonce: Option<String>,
    /// `code_challenge` of method `S256`.
    pub(super) challenge: Option<String>,
    /// What is demanded of the authentication.
    pub(super) requirement: AuthnRequirement,
    /// Where its user signs in, as far as it says.
    pub(super) home_realm: HomeRealmParameters,
    /// `prompt=none`
    pub(super) silent: bool,
    /// `id_token_hint`
    pub(super) hint: Option<String>,
}

/// `response_type`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ResponseTypes {
    /// A code.
    pub(super) code: bool,
    /// An id token, straight from here.
    pub(super) id_token: bool,
}

impl Arrived {
    /// Reads the parameters of a request, from the query or from a form. The fields of a page of this service come in the body,
    /// and the request they belong to in the query.
    ///
    /// # Errors
    /// [`ParameterError`], also for a parameter that comes twice.
    pub(super) fn read(call: &Call) -> Result<Self, ParameterError> {
        let of_query = || Parameters::parse(call.query.as_bytes());
        let arrived = if call.method == Method::POST {
            let body = Parameters::of_form(call)?;
            if body.has("AuthMethod") || browser::is_form(&body) {
                Self { parameters: of_query()?, query: call.query.clone(), form: Some(body) }
            } else {
                Self { query: body.to_query(), parameters: body, form: None }
            }
        } else {
            Self { parameters: of_query()?, query: call.query.clone(), form: None }
        };
        arrived.each_once()
    }

    /// A request that was interrupted, as it was remembered.
    ///
    /// # Errors
    /// [`ParameterError`]; it was read before, but perhaps by another version.
    pub(super) fn interrupted(query: &str) -> Result<Self, ParameterError> {
        let arrived = Self { parameters: Parameters::parse(query.as_bytes())?, query: query.to_owned(), form: None };
        arrived.each_once()
    }

    /// Parameters with a meaning must not come twice.
    fn each_once(self) -> Result<Self, ParameterError> {
        for name in KNOWN.into_iter().chain(browser::OWN_PARAMETERS) {
            self.parameters.get(name)?;
        }
        Ok(self)
    }

    /// Where errors are sent when nothing more is known: by the default of the response type.
    pub(super) fn target(&self, redirect_uri: &str) -> Target {
        let text = |name| self.parameters.get(name).ok().flatten();
        let mode = match text("response_mode") {
            Some("form_post") => ResponseMode::FormPost,
            Some("fragment") => ResponseMode::Fragment,
            _ if text("response_type").is_some_and(|types| types.contains("token")) => ResponseMode::Fragment,
            _ => ResponseMode::Query,
        };
        let bounded = |name, limit| text(name).filter(|value| value.len() <= limit).map(str::to_owned);
        Target {
            redirect_uri: redirect_uri.to_owned(),
            mode,
            state: bounded("state", MAX_STATE),
            request_id: text("client-request-id")
                .and_then(|id| uuid::Uuid::try_parse(id).ok())
                .map(|id| id.to_string()),
        }
    }

    /// What is asked for.
    ///
    /// # Errors
    /// [`OAuthError`], for the client to read.
    pub(super) fn request(&self) -> Result<AuthorizeRequest, OAuthError> {
        let parameters = &self.parameters;
        let text = |name, limit| parameters.line(name, limit).map(|value| value.map(str::to_owned));
        let response = response_types(parameters)?;
        let mode = parameters.line("response_mode", MAX_SHORT)?;
        if mode.is_some_and(|mode| !["query", "fragment", "form_post"].contains(&mode)) {
            return Err(unusable("response_mode", "it is none of query, fragment and form_post"));
        }
        if response.id_token && mode == Some("query") {
            return Err(unusable("response_mode", "a token is not sent in a query"));
        }
        if parameters.get("state")?.is_some_and(|state| state.len() > MAX_STATE) {
            return Err(unusable("state", "it is too long"));
        }
        let nonce = text("nonce", MAX_NONCE)?;
        if response.id_token && nonce.is_none() {
            return Err(OAuthError::Missing("nonce"));
        }
        let wanted = Wanted::read(parameters)?;
        if response.id_token && !wanted.has_openid() {
            return Err(unusable("scope", "an id token needs openid"));
        }
        let prompt = parameters.line("prompt", MAX_SHORT)?.unwrap_or_default();
        let prompts: Vec<&str> = prompt.split(' ').filter(|word| !word.is_empty()).collect();
        let silent = prompts.contains(&"none");
        if silent && prompts.len() > 1 {
            return Err(unusable("prompt", "none stands alone"));
        }
        Ok(AuthorizeRequest {
            response,
            wanted,
            nonce,
            challenge: challenge(parameters)?,
            requirement: requirement(parameters, prompts.contains(&"login"))?,
            home_realm: HomeRealmParameters::read(parameters)?,
            silent,
            hint: text("id_token_hint", MAX_TOKEN_LEN)?,
        })
    }
}

fn response_types(parameters: &Parameters) -> Result<ResponseTypes, OAuthError> {
    let text = parameters.line("response_type", MAX_SHORT)?.ok_or(OAuthError::Missing("response_type"))?;
    let mut types = ResponseTypes::default();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match word {
            "code" => types.code = true,
            "id_token" => types.id_token = true,
            _ => return Err(OAuthError::UnsupportedResponse),
        }
    }
    if types == ResponseTypes::default() { Err(OAuthError::UnsupportedResponse) } else { Ok(types) }
}

fn challenge(parameters: &Parameters) -> Result<Option<String>, OAuthError> {
    let method = parameters.line("code_challenge_method", MAX_SHORT)?;
    let Some(challenge) = parameters.line("code_challenge", 128)? else {
        return if method.is_some() { Err(OAuthError::Missing("code_challenge")) } else { Ok(None) };
    };
    if method != Some("S256") {
        return Err(unusable("code_challenge_method", "only S256 is taken"));
    }
    let octets = URL_SAFE_NO_PAD.decode(challenge).map_err(|_| unusable("code_challenge", "it is no base64url"))?;
    if octets.len() != 32 {
        return Err(unusable("code_challenge", "it is no SHA-256"));
    }
    Ok(Some(challenge.to_owned()))
}

/// Words that nobody knows are left out, as `OpenID Connect` wants it.
fn requirement(parameters: &Parameters, ask: bool) -> Result<AuthnRequirement, OAuthError> {
    let seconds = match parameters.line("max_age", MAX_SHORT)? {
        None => None,
        Some(text) => Some(text.parse::<u32>().map_err(|_| unusable("max_age", "it is no number of seconds"))?),
    };
    let max_age = seconds.map(|seconds| Duration::from_secs(seconds.into()));
    let mut words: Vec<String> = requested_methods::acr(parameters)?.into_iter().collect();
    if let Some(values) = parameters.line("acr_values", MAX_PARAMS)? {
        words.extend(values.split(' ').filter(|word| !word.is_empty()).map(str::to_owned));
    }
    let mut methods: Vec<RequestedMethod> = words.iter().filter_map(|word| requested_methods::method(word)).collect();
    match parameters.line("amr_values", MAX_SHORT)? {
        Some("ngcmfa") if !parameters.has("resource_params") => methods = vec![RequestedMethod::MultiFactor],
        Some("ngcmfa") | None => {}
        Some(_) => return Err(unusable("amr_values", "only ngcmfa is known")),
    }
    // However old a second factor may be, there must have been one.
    if let Some(text) = parameters.line("mfa_max_age", MAX_SHORT)? {
        text.parse::<u32>().map_err(|_| unusable("mfa_max_age", "it is no number of seconds"))?;
        methods = vec![RequestedMethod::MultiFactor];
    }
    Ok(AuthnRequirement { methods, max_age, ask })
}

const fn unusable(name: &'static str, reason: &'static str) -> OAuthError {
    OAuthError::Unusable { name, reason }
}

/// Parameters with a meaning. None may come twice: two readers of one request could take different ones.
const KNOWN: [&str; 24] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "resource",
    "resource_params",
    "state",
    "response_mode",
    "nonce",
    "prompt",
    "max_age",
    "mfa_max_age",
    "login_hint",
    "username",
    "domain_hint",
    "whr",
    "acr_values",
    "amr_values",
    "code_challenge",
    "code_challenge_method",
    "client-request-id",
    "id_token_hint",
    "request",
    "request_uri",
];
const MAX_SHORT: usize = 256;
const MAX_STATE: usize = 4096;
const MAX_NONCE: usize = 512;
const MAX_PARAMS: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    fn arrived(query: &str) -> Arrived {
        let parameters = Parameters::parse(query.as_bytes()).unwrap();
        Arrived { parameters, query: query.to_owned(), form: None }
    }

    fn request(query: &str) -> Result<AuthorizeRequest, OAuthError> {
        arrived(query).request()
    }

    fn error(query: &str) -> (&'static str, &'static str) {
        let shown = request(query).unwrap_err().shown();
        (shown.error, shown.code)
    }

    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn a_usual_request_is_read() {
        let query = format!(
            "response_type=code&scope=openid+profile&resource=urn:a&nonce=n&code_challenge={CHALLENGE}&code_challenge_method=S256&max_age=5&prompt=login"
        );
        let request = request(&query).unwrap();
        assert_eq!(request.response, ResponseTypes { code: true, id_token: false });
        assert_eq!(request.challenge.as_deref(), Some(CHALLENGE));
        assert_eq!(request.requirement.max_age, Some(Duration::from_secs(5)));
        assert!(request.requirement.ask && !request.silent);
    }

    #[test]
    fn only_s256_and_only_whole_challenges() {
        for query in [
            format!("response_type=code&code_challenge={CHALLENGE}"),
            format!("response_type=code&code_challenge={CHALLENGE}&code_challenge_method=plain"),
            format!("response_type=code&code_challenge={}&code_challenge_method=S256", &CHALLENGE[1..]),
            String::from("response_type=code&code_challenge_method=S256"),
            format!("response_type=code&code_challenge={}&code_challenge_method=S256", "A".repeat(44)),
            format!("response_type=code&code_challenge={}&code_challenge_method=S256", "A".repeat(40)),
        ] {
            assert_eq!(error(&query).0, "invalid_request", "{query}");
        }
    }

    #[test]
    fn the_method_windows_asks_for_is_known() {
        let known = "response_type=code&resource_params=eyJQcm9wZXJ0aWVzIjpbeyJLZXkiOiJhY3IiLCJWYWx1ZSI6IndpYW9ybXVsdGlhdXRobiJ9XX0";
        assert_eq!(request(known).unwrap().requirement.methods, [RequestedMethod::WindowsOrMultiFactor]);
        assert_eq!(error("response_type=code&resource_params=e30").0, "invalid_request");
        assert_eq!(error("response_type=code&resource_params=x").0, "invalid_request");
        assert_eq!(error("response_type=code&amr_values=pwd").0, "invalid_request");
        let methods = |query: &str| request(query).unwrap().requirement.methods;
        assert_eq!(methods("response_type=code&amr_values=ngcmfa"), [RequestedMethod::MultiFactor]);
        assert_eq!(methods("response_type=code&mfa_max_age=300"), [RequestedMethod::MultiFactor]);
        assert!(methods("response_type=code&acr_values=urn:unknown").is_empty());
    }

    #[test]
    fn what_is_not_offered_is_refused() {
        for (query, expected) in [
            ("scope=openid", "invalid_request"),
            ("response_type=token", "unsupported_response_type"),
            ("response_type=code+token", "unsupported_response_type"),
            ("response_type=+", "unsupported_response_type"),
            ("response_type=id_token&scope=openid", "invalid_request"),
            ("response_type=id_token&scope=openid&nonce=n&response_mode=query", "invalid_request"),
            ("response_type=id_token&scope=profile&nonce=n", "invalid_request"),
            ("response_type=code&response_mode=web_message", "invalid_request"),
            ("response_type=code&max_age=-1", "invalid_request"),
            ("response_type=code&mfa_max_age=soon", "invalid_request"),
            ("response_type=code&prompt=none+login", "invalid_request"),
        ] {
            assert_eq!(error(query).0, expected, "{query}");
        }
        let state = |length| format!("response_type=code&state={}", "s".repeat(length));
        assert!(request(&state(MAX_STATE)).is_ok());
        assert_eq!(error(&state(MAX_STATE + 1)).0, "invalid_request");
    }

    #[test]
    fn tokens_never_go_back_in_a_query() {
        let mode = |query: &str| arrived(query).target("https://app.example/").mode;
        assert_eq!(mode("response_type=code"), ResponseMode::Query);
        assert_eq!(mode("response_type=id_token"), ResponseMode::Fragment);
        assert_eq!(mode("response_type=code+id_token&response_mode=query"), ResponseMode::Fragment);
        assert_eq!(mode("response_type=code&response_mode=form_post"), ResponseMode::FormPost);
    }
}
