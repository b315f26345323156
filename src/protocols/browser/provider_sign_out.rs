//! Sign-out at the claims provider that a session came from, whoever begins it (ws-federation.md 6.4, 7.5).
//!
//! When somebody signs out here, the browser is sent to the provider, and comes back. When the provider signs somebody out, its
//! request is verified, and says which session it means: nobody else's ends by it. By WS-Federation a provider's request is the
//! clean-up that anybody may ask a browser for, which the protocol itself answers.

use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue};

use super::Browser;
use super::farewell::Farewell;
use super::parameters::encode;
use super::prompt::Door;
use crate::authn::flow::StepId;
use crate::authn::{BrowserId, FederatedSubject, ProviderSession, SubjectOrigin};
use crate::clock::{RandomError, UtcTime};
use crate::issuance::Context;
use crate::protocols::environment::Environment;
use crate::protocols::openid::{self, OpenIdError};
use crate::protocols::samlp::logout::{
    self, Header, LogoutError, LogoutOutcome, LogoutReason, LogoutRequest, LogoutResponse,
};
use crate::protocols::samlp::logout_request::{self, Carried, ReceivedLogout};
use crate::protocols::samlp::redirect::append;
use crate::protocols::samlp::{EncodeError, PartnerStatus, StatusCode};
use crate::store::{FirstUse, Purpose, StoreError, TokenId as OneTimeId};
use crate::tokens::inbound::{Delivery, InboundError, Partner, Profile, signing_keys};
use crate::tokens::sealed::{SealError, SealPurpose};
use crate::tokens::{SignatureAlgorithm, TokenId};
use crate::trusts::partner_metadata::Binding;
use crate::trusts::{ClaimsProvider, ClaimsProviderId, FederationProtocol, SignOutService};

/// A message of SAML 2.0 about the end of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutMessage {
    /// As it came.
    pub message: Carried,
    /// `RelayState`.
    pub state: Option<String>,
}

/// Why a message about the end of a session is not taken, or none can be sent. The text is for the operator.
#[derive(Debug, thiserror::Error)]
pub(in crate::protocols) enum SignOutFailure {
    /// It answers nothing that this browser was sent away for.
    #[error("the answer belongs to no sign-out of this browser: {0}")]
    State(&'static str),
    /// The state is not this server's, another browser's, or too old.
    #[error("the answer belongs to no sign-out of this browser: {0}")]
    Sealed(#[from] SealError),
    /// Nobody known sent it.
    #[error("no claims provider of SAML 2.0 that signs out has the identifier {0:?}")]
    Unknown(String),
    /// It is refused.
    #[error(transparent)]
    Message(#[from] LogoutError),
    /// It came before.
    #[error("the request was answered before")]
    Again,
    /// The provider could not sign everybody out.
    #[error("the claims provider answers {0}")]
    Status(PartnerStatus),
    /// A message could not be made.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The provider could not be asked where to.
    #[error(transparent)]
    OpenId(#[from] OpenIdError),
    /// The random source failed.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// Whether it came before cannot be told.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<InboundError> for SignOutFailure {
    fn from(error: InboundError) -> Self {
        Self::Message(error.into())
    }
}

impl SignOutFailure {
    /// The number under which administrators of AD FS look this up.
    pub(in crate::protocols) const fn number(&self) -> &'static str {
        match self {
            Self::State(_) | Self::Sealed(_) => "MSIS7000",
            Self::Unknown(_) => "MSIS0037",
            Self::Message(error) => error.number(),
            Self::Again | Self::Status(_) => "MSIS7054",
            Self::Encode(_) | Self::OpenId(_) | Self::Random(_) | Self::Store(_) => "MSIS7012",
        }
    }
}

/// What is remembered of a sign-out until the browser comes back.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Pending {
    #[serde(rename = "p")]
    claims_provider: ClaimsProviderId,
    /// Identifier of the request.
    #[serde(rename = "r")]
    request: StepId,
    /// Where the person wants to go on.
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    go_on: Option<String>,
}

/// Where the browser goes to sign out at its session's provider as well, and the cookie it needs for that; `None` when there is no
/// such provider, or it has no place for that. `go_on` is where the person wants to be in the end.
pub(in crate::protocols) async fn leave(
    environment: &Environment,
    cx: &Context,
    browser: &Browser,
    go_on: Option<&str>,
) -> Result<Option<(String, Option<(HeaderName, HeaderValue)>)>, SignOutFailure> {
    let Some(SubjectOrigin::ClaimsProvider(subject)) = browser.session.as_ref().map(|session| &session.subject.origin)
    else {
        return Ok(None);
    };
    let known = cx.services.trusts.claims_provider(subject.claims_provider.as_str());
    let Some(provider) = known.filter(|provider| provider.is_usable()) else { return Ok(None) };
    if provider.openid.is_some() {
        return openid(environment, cx, browser, provider, go_on).await;
    }
    let Some(service) = &provider.sign_out else { return Ok(None) };
    match provider.protocol {
        FederationProtocol::OpenId => Ok(None),
        FederationProtocol::WsFederation => {
            let address = ws_federation(service, environment, go_on);
            Ok(Some((address, None)))
        }
        FederationProtocol::Saml => {
            let Some(session) = &subject.session else { return Ok(None) };
            if service.binding == Binding::Post {
                let (claims_provider, go_on) = (provider.id.clone(), go_on.map(str::to_owned));
                let farewell = Farewell::Request { claims_provider, session: session.clone(), go_on };
                return Ok(Some((farewell.address(environment, cx)?, None)));
            }
            let (id, cookie) = browser.id_or_new(cx)?;
            let address = saml(environment, cx, (provider, service), session, &id, go_on).await?;
            Ok(Some((address, cookie)))
        }
    }
}

/// `wsignout1.0` at the provider. It comes back to our own, which looks again at where the person may go on.
fn ws_federation(service: &SignOutService, environment: &Environment, go_on: Option<&str>) -> String {
    let mut back = format!("https://{}{}?wa=wsignout1.0", environment.service_name, Door::Main.path());
    if let Some(address) = go_on {
        back.push_str("&wreply=");
        back.push_str(&encode(address));
    }
    let realm = encode(&environment.service_identifier);
    append(&service.url, &format!("wa=wsignout1.0&wtrealm={realm}&wreply={}", encode(&back)))
}

/// RP-Initiated Logout, where the provider offers it. It comes back to one address that it knows, with our state.
async fn openid(
    environment: &Environment,
    cx: &Context,
    browser: &Browser,
    provider: &ClaimsProvider,
    go_on: Option<&str>,
) -> Result<Option<(String, Option<(HeaderName, HeaderValue)>)>, SignOutFailure> {
    let Some(settings) = &provider.openid else { return Ok(None) };
    let services = &cx.services;
    let now = services.clock.now();
    let configuration = environment.openid.configuration(provider, settings, now).await?;
    let Some(endpoint) = &configuration.end_session_endpoint else { return Ok(None) };
    let (id, cookie) = browser.id_or_new(cx)?;
    let pending = Pending {
        claims_provider: provider.id.clone(),
        request: StepId::random(&*services.random)?,
        go_on: go_on.map(str::to_owned),
    };
    let state = environment.browser.sealer.seal(PURPOSE.bound_to(id.as_str()), &pending, now.plus(LIFETIME))?;
    let back = format!("https://{}{}?wa=wsignout1.0", environment.service_name, Door::Main.path());
    Ok(Some((openid::end_session_url(endpoint, &settings.client_id, &back, Some(&state)), cookie)))
}

/// Where a browser wanted to go on that comes back from an `OpenID` provider; nowhere when the state is not its own.
pub(in crate::protocols) fn back_from_openid(
    environment: &Environment,
    browser: &Browser,
    state: &str,
) -> Option<String> {
    let id = browser.id.as_ref()?;
    environment.browser.sealer.open::<Pending>(PURPOSE.bound_to(id.as_str()), state).ok()?.value.go_on
}

async fn saml(
    environment: &Environment,
    cx: &Context,
    (provider, service): (&ClaimsProvider, &SignOutService),
    session: &ProviderSession,
    browser: &BrowserId,
    go_on: Option<&str>,
) -> Result<String, SignOutFailure> {
    let Asking { request, state } = Asking::of(environment, cx, provider, browser, go_on)?;
    let id = request.message_id();
    let logout = logout_request_of(environment, cx, service, session, &id);
    let key = &cx.services.keys.primary_signing().key;
    let query = logout.to_query(Some(&state), key, SignatureAlgorithm::RsaSha256).await?;
    Ok(append(&service.url, &query))
}

/// What a request to end a session goes by: its identifier, and the sealed text that comes back with the answer.
pub(super) struct Asking {
    pub(super) request: StepId,
    pub(super) state: String,
}

impl Asking {
    pub(super) fn of(
        environment: &Environment,
        cx: &Context,
        provider: &ClaimsProvider,
        browser: &BrowserId,
        go_on: Option<&str>,
    ) -> Result<Self, SignOutFailure> {
        let services = &cx.services;
        let request = StepId::random(&*services.random)?;
        let (claims_provider, go_on) = (provider.id.clone(), go_on.map(str::to_owned));
        let pending = Pending { claims_provider, request: request.clone(), go_on };
        let until = services.clock.now().plus(LIFETIME);
        let state = environment.browser.sealer.seal(PURPOSE.bound_to(browser.as_str()), &pending, until)?;
        Ok(Self { request, state })
    }
}

pub(super) fn logout_request_of<'a>(
    environment: &'a Environment,
    cx: &Context,
    service: &'a SignOutService,
    session: &'a ProviderSession,
    id: &'a TokenId,
) -> LogoutRequest<'a> {
    let now = cx.services.clock.now();
    LogoutRequest {
        header: Header { id, issue_instant: now, destination: &service.url, issuer: &environment.service_identifier },
        name_identifier: &session.name_identifier,
        session_index: session.session_index.as_deref(),
        not_on_or_after: Some(now.plus(MESSAGE_WINDOW)),
        reason: LogoutReason::User,
    }
}

pub(super) fn logout_response_of<'a>(
    environment: &'a Environment,
    cx: &Context,
    service: &'a SignOutService,
    id: &'a TokenId,
    in_response_to: &'a str,
    outcome: LogoutOutcome,
) -> LogoutResponse<'a> {
    LogoutResponse {
        header: Header {
            id,
            issue_instant: cx.services.clock.now(),
            destination: &service.response_url,
            issuer: &environment.service_identifier,
        },
        in_response_to,
        outcome,
    }
}

/// The provider's answer to [`leave`]: where the person wants to go on, and whether all went well there.
pub(in crate::protocols) fn answered(
    environment: &Environment,
    cx: &Context,
    browser: &Browser,
    answer: &LogoutMessage,
) -> Result<(Option<String>, Result<(), SignOutFailure>), SignOutFailure> {
    let state = answer.state.as_deref().ok_or(SignOutFailure::State("nothing was given back with it"))?;
    let id = browser.id.as_ref().ok_or(SignOutFailure::State("the browser has no cookie of this server"))?;
    let opened = environment.browser.sealer.open::<Pending>(PURPOSE.bound_to(id.as_str()), state)?;
    let Pending { claims_provider, request, go_on } = opened.value;
    Ok((go_on, verify_answer(environment, cx, &claims_provider, &request, &answer.message)))
}

fn verify_answer(
    environment: &Environment,
    cx: &Context,
    claims_provider: &ClaimsProviderId,
    request: &StepId,
    message: &Carried,
) -> Result<(), SignOutFailure> {
    let unknown = || SignOutFailure::Unknown(claims_provider.to_string());
    let (provider, _) = provider_of(cx, claims_provider.as_str()).ok_or_else(unknown)?;
    let id = request.message_id();
    let recipient = own_address(environment);
    let now = cx.services.clock.now();
    let status = with_partner(cx, provider, now, |partner| {
        let delivery = delivery(&recipient, Some(id.as_str()), now);
        Ok(match message {
            Carried::Query(query) => logout::receive_query(query, partner, &delivery)?,
            Carried::Form(value) => logout::receive_form(value, partner, &delivery)?,
        })
    })?;
    if status.code == StatusCode::Success { Ok(()) } else { Err(SignOutFailure::Status(status)) }
}

/// A provider's request, verified.
#[derive(Debug)]
pub(in crate::protocols) struct Asked {
    /// Whether the session of this browser is the one it means, so that it ends.
    pub(in crate::protocols) ends: bool,
    /// Where the browser takes the answer.
    pub(in crate::protocols) answer: String,
}

/// A provider wants a session ended. A browser that has no session any more is signed out already; one with somebody else's keeps it.
pub(in crate::protocols) async fn asked(
    environment: &Environment,
    cx: &Context,
    browser: &Browser,
    request: &LogoutMessage,
) -> Result<Asked, SignOutFailure> {
    let services = &cx.services;
    let now = services.clock.now();
    let issuer = logout_request::claimed_issuer(&request.message)?;
    let Some((provider, service)) =
        provider_of(cx, &issuer).filter(|(provider, _)| provider.protocol == FederationProtocol::Saml)
    else {
        return Err(SignOutFailure::Unknown(issuer.chars().take(MAX_SHOWN).collect()));
    };
    let recipient = own_address(environment);
    let received = with_partner(cx, provider, now, |partner| {
        Ok(logout_request::receive(&request.message, partner, &delivery(&recipient, None, now))?)
    })?;
    let once = OneTimeId::new(&format!("{}\n{}", received.id, provider.id)).map_err(|_| {
        SignOutFailure::from(InboundError::Missing { element: "LogoutRequest", what: "identifier of a sane length" })
    })?;
    if services.one_time.redeem(Purpose::Assertion, &once, received.until).await? == FirstUse::Repeated {
        return Err(SignOutFailure::Again);
    }
    let ends = match browser.session.as_ref().map(|session| &session.subject.origin) {
        Some(SubjectOrigin::ClaimsProvider(subject)) => is_meant(subject, provider, &received),
        _ => false,
    };
    let outcome = match &browser.session {
        Some(_) if !ends => LogoutOutcome::Refused,
        _ => LogoutOutcome::Success,
    };
    if service.binding == Binding::Post {
        let (claims_provider, in_response_to) = (provider.id.clone(), received.id.clone());
        let farewell = Farewell::Response { claims_provider, in_response_to, outcome, state: request.state.clone() };
        return Ok(Asked { ends, answer: farewell.address(environment, cx)? });
    }
    let id = TokenId::random(&*services.random)?;
    let response = logout_response_of(environment, cx, service, &id, &received.id, outcome);
    let key = &services.keys.primary_signing().key;
    let query = response.to_query(request.state.as_deref(), key, SignatureAlgorithm::RsaSha256).await?;
    Ok(Asked { ends, answer: append(&service.response_url, &query) })
}

/// Whether a session is one of those that a request names.
fn is_meant(subject: &FederatedSubject, provider: &ClaimsProvider, request: &ReceivedLogout) -> bool {
    let Some(session) = &subject.session else { return false };
    let (ours, theirs) = (&session.name_identifier, &request.name_identifier);
    // A qualifier that one of both leaves out says nothing.
    let agree = |one: &Option<_>, two: &Option<_>| one.is_none() || two.is_none() || one == two;
    let same_name = ours.value == theirs.value
        && agree(&ours.format, &theirs.format)
        && agree(&ours.name_qualifier, &theirs.name_qualifier)
        && agree(&ours.sp_name_qualifier, &theirs.sp_name_qualifier);
    let indexes = &request.session_indexes;
    let same_session =
        indexes.is_empty() || session.session_index.as_ref().is_some_and(|index| indexes.contains(index));
    subject.claims_provider == provider.id && same_name && same_session
}

/// The provider with an identifier, when it is enabled and has a place for sign-out.
pub(super) fn provider_of<'a>(cx: &'a Context, identifier: &str) -> Option<(&'a ClaimsProvider, &'a SignOutService)> {
    let provider = cx.services.trusts.claims_provider(identifier).filter(|provider| provider.is_usable())?;
    Some((provider, provider.sign_out.as_ref()?))
}

fn with_partner<T>(
    cx: &Context,
    provider: &ClaimsProvider,
    now: UtcTime,
    receive: impl FnOnce(&Partner<'_>) -> Result<T, SignOutFailure>,
) -> Result<T, SignOutFailure> {
    let keys = signing_keys(provider.signing_certificates.iter().map(|der| &**der), now)?;
    let decryption: Vec<_> = cx.services.keys.decryption().map(|(key, _)| key).collect();
    receive(&Partner {
        identifier: provider.id.as_str(),
        keys: &keys,
        audiences: &[],
        decryption_keys: &decryption,
        sha1: provider.sha1_signatures,
        unvouched_cbc: false,
    })
}

const fn delivery<'a>(recipient: &'a str, in_response_to: Option<&'a str>, now: UtcTime) -> Delivery<'a> {
    Delivery { recipient, in_response_to, profile: Profile::WebSso, now, skew: CLOCK_SKEW }
}

fn own_address(environment: &Environment) -> String {
    format!("https://{}{}", environment.service_name, Door::Main.path())
}

const PURPOSE: SealPurpose<'static> = SealPurpose::new("provider_sign_out");
/// How long somebody may take at the claims provider.
const LIFETIME: Duration = Duration::from_mins(30);
/// How long a request says anything (AD FS' `SamlMessageDeliveryWindow`).
const MESSAGE_WINDOW: Duration = Duration::from_mins(5);
/// How far the clock of a claims provider may be from ours.
const CLOCK_SKEW: Duration = Duration::from_mins(5);
const MAX_SHOWN: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::{ClaimSet, Text};
    use crate::tokens::NameIdentifier;

    fn name(value: &str, format: Option<&str>) -> NameIdentifier {
        NameIdentifier {
            value: Text::from(value),
            format: format.map(Text::from),
            name_qualifier: None,
            sp_name_qualifier: Some(Text::from("urn:us")),
        }
    }

    #[test]
    fn a_request_means_the_session_it_names_and_no_other() {
        let provider = crate::trusts::tests::partner("partner");
        let subject = FederatedSubject {
            claims_provider: provider.id.clone(),
            name: String::from("bob"),
            claims: ClaimSet::default(),
            session: Some(Box::new(ProviderSession {
                name_identifier: name("_bob", Some("urn:persistent")),
                session_index: Some(Text::from("_1")),
            })),
        };
        let request = |name_identifier, indexes: &[&str]| ReceivedLogout {
            id: String::from("_r"),
            until: UtcTime::from_unix_seconds(0),
            name_identifier,
            session_indexes: indexes.iter().map(|index| Text::from(*index)).collect(),
        };
        for (request, expected) in [
            (request(name("_bob", Some("urn:persistent")), &["_1"]), true),
            (request(name("_bob", None), &[]), true),
            (request(name("_bob", None), &["_0", "_1"]), true),
            (request(name("_bob", None), &["_2"]), false),
            (request(name("_bob", Some("urn:transient")), &["_1"]), false),
            (request(name("_alice", Some("urn:persistent")), &["_1"]), false),
        ] {
            assert_eq!(is_meant(&subject, &provider, &request), expected, "{request:?}");
        }
        let asked = request(name("_bob", None), &[]);
        assert!(!is_meant(&subject, &crate::trusts::tests::partner("other"), &asked), "another provider's word");
        assert!(!is_meant(&FederatedSubject { session: None, ..subject }, &provider, &asked));
    }
}
