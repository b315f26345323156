//! What a claims provider answers: verified, and made into somebody who is signed in (ws-federation.md 6.3, 7.7).
//!
//! The answer is taken from the browser that was sent away and from no other, by whom it was sent to and by nobody else, and once.
//! What the claims are worth is for the acceptance rules to say, in the issue path.

use super::failure::SignInFailure;
use super::prompt::{Door, Place};
use super::session::Browser;
use super::sign_in::{Outcome, Visit};
use super::{BrowserSignIn, reply};
use crate::authn::federated::ReturnedFederated;
use crate::authn::flow::StepId;
use crate::authn::{
    AuthenticatedSubject, AuthenticationMethod, AuthnError, FederatedSignIn, FederatedSubject, FlowInput, FlowStep,
    ProviderSession, SubjectOrigin,
};
use crate::claims::{ClaimSet, types};
use crate::clock::UtcTime;
use crate::protocols::credential;
use crate::protocols::openid::{self, Answered, OneRequest, OpenIdError};
use crate::protocols::samlp::response::{self, ResponseError};
use crate::protocols::wresult;
use crate::store::{FirstUse, Purpose, TokenId};
use crate::tokens::inbound::openid::IdTokenError;
use crate::tokens::inbound::{Delivery, InboundAssertion, InboundError, Partner, Profile, Unredeemed, signing_keys};
use crate::tokens::sealed::SealError;
use crate::trusts::{ClaimsProvider, FederationProtocol, HomeRealm, OpenIdSettings};

/// The form that a claims provider sends the browser back with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartnerAnswer {
    /// What it says.
    pub message: PartnerMessage,
    /// `wctx` or `RelayState`: what was given along.
    pub state: Option<String>,
}

/// What a claims provider says, as it stands in the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartnerMessage {
    /// `wresult`
    WsFederation(String),
    /// `SAMLResponse`
    Saml(String),
    /// `code` or `error`
    OpenId(Answered),
}

/// An answer to a request of this browser.
#[derive(Debug)]
pub(in crate::protocols) struct Arrival {
    /// The sign-in it belongs to.
    returned: ReturnedFederated,
    message: PartnerMessage,
}

impl Arrival {
    /// Where the sign-in began, and goes on.
    pub(in crate::protocols) fn place(&self) -> Place {
        // Earlier versions knew one place alone, and did not note it.
        Place::of_path(&self.returned.sign_in.path).unwrap_or(Place::WsFederation)
    }

    /// The request it began with, as a query.
    pub(in crate::protocols) fn query(&self) -> &str {
        &self.returned.sign_in.query
    }
}

/// Why an answer is not taken. The text is for the operator; the browser gets one page for all.
#[derive(Debug, thiserror::Error)]
pub(in crate::protocols) enum PartnerFailure {
    /// It answers nothing that this browser was sent away for.
    #[error("the answer belongs to no sign-in of this browser: {0}")]
    State(&'static str),
    /// The request was answered before, by another assertion.
    #[error("the request was answered before")]
    Again,
    /// The state is not this server's, another browser's, or too old.
    #[error("the answer belongs to no sign-in of this browser: {0}")]
    Sealed(#[from] SealError),
    /// The claims provider is asked by another protocol.
    #[error("the claims provider is asked by another protocol")]
    Protocol,
    /// The token is refused.
    #[error(transparent)]
    Token(#[from] InboundError),
    /// The response around a token is refused, or tells of a failure.
    #[error(transparent)]
    Response(ResponseError),
    /// An `OpenID` provider could not be asked, or its answer is refused.
    #[error(transparent)]
    OpenId(#[from] OpenIdError),
}

impl From<ResponseError> for PartnerFailure {
    fn from(error: ResponseError) -> Self {
        match error {
            ResponseError::Inbound(error) => Self::Token(error),
            error => Self::Response(error),
        }
    }
}

impl PartnerFailure {
    /// The number under which administrators of AD FS look this up.
    pub(in crate::protocols) const fn number(&self) -> &'static str {
        match self {
            Self::State(_) | Self::Sealed(_) | Self::Again => "MSIS7000",
            Self::Protocol => "MSIS7007",
            Self::Token(error) => error.number(),
            Self::Response(error) => error.number(),
            Self::OpenId(OpenIdError::IdToken(IdTokenError::Signature | IdTokenError::NoKey { .. })) => "MSIS0038",
            Self::OpenId(_) => "MSIS7066",
        }
    }
}

/// The sign-in that an answer belongs to.
pub(in crate::protocols) fn open(
    settings: &BrowserSignIn,
    browser: &Browser,
    answer: PartnerAnswer,
) -> Result<Arrival, PartnerFailure> {
    let state = answer.state.ok_or(PartnerFailure::State("nothing was given back with it"))?;
    let id = browser.id.as_ref().ok_or(PartnerFailure::State("the browser has no cookie of this server"))?;
    let returned = FederatedSignIn::open(&settings.sealer, id, &state)?;
    Ok(Arrival { returned, message: answer.message })
}

impl Visit<'_> {
    /// The answer to a request of [`Visit::federate_out`].
    pub(super) async fn federate_in(&self, arrival: &Arrival) -> Result<Outcome, SignInFailure> {
        let ReturnedFederated { sign_in, step, until } = &arrival.returned;
        // Asked anew: the trust, or what the relying party allows, may have changed meanwhile.
        let Some(HomeRealm::ClaimsProvider(provider)) = self.prompt.candidates.find(sign_in.claims_provider.as_str())
        else {
            return Err(AuthnError::NoClaimsProvider.into());
        };
        let id = TokenId::from_octets(step.as_octets()).map_err(|_| AuthnError::Unavailable)?;
        let refuse = |failure: PartnerFailure| {
            // Sent twice, or again from the browser's history: the session that came of the first time will do.
            let again = matches!(failure, PartnerFailure::Token(InboundError::Replayed { .. }) | PartnerFailure::Again);
            if again && self.browser.session.is_some() {
                return Ok(Outcome::Answer(reply::redirect(&self.prompt.address(Door::Main))));
            }
            credential::partner_refused(self.cx, provider, self.prompt.relying_party, &failure);
            Err(failure.into())
        };
        let redeem = || self.cx.services.one_time.redeem(Purpose::SignInStep, &id, *until);
        let told = if let (Some(settings), PartnerMessage::OpenId(answer)) = (&provider.openid, &arrival.message) {
            // Before the code is used up, which it is by the first of two that come at once.
            if redeem().await? == FirstUse::Repeated {
                return refuse(PartnerFailure::Again);
            }
            match self.openid_user(provider, settings, answer, step).await {
                Ok(told) => told,
                Err(failure) => return refuse(failure),
            }
        } else {
            let told = match self.assertion(provider, arrival).await {
                Ok(assertion) => Told::by_assertion(&assertion),
                Err(failure) => return refuse(failure),
            };
            if redeem().await? == FirstUse::Repeated {
                return refuse(PartnerFailure::Again);
            }
            told
        };
        let (token_type, end, is_instant_stated) = (told.token_type, told.session_end, told.instant.is_some());
        let subject = self.subject(provider, told)?;
        credential::partner_accepted(self.cx, &subject, self.prompt.relying_party, token_type);
        let now = self.cx.services.clock.now();
        let input =
            FlowInput::ClaimsProvider { subject, departed: arrival.returned.departed(), is_instant_stated, now };
        match sign_in.flow.clone().step(input) {
            FlowStep::Authenticated(subject) => Ok(self.back_to_request(*subject, end)),
            FlowStep::Failed(error) => Err(error.into()),
            FlowStep::Challenge(..) | FlowStep::Continue => Err(AuthnError::Unavailable.into()),
        }
    }

    async fn assertion(
        &self,
        provider: &ClaimsProvider,
        arrival: &Arrival,
    ) -> Result<InboundAssertion, PartnerFailure> {
        let services = &self.cx.services;
        let now = services.clock.now();
        let keys = signing_keys(provider.signing_certificates.iter().map(|der| &**der), now)?;
        let decryption: Vec<_> = services.keys.decryption().map(|(key, _)| key).collect();
        let partner = Partner {
            identifier: provider.id.as_str(),
            keys: &keys,
            audiences: &[&self.environment.service_identifier],
            decryption_keys: &decryption,
            sha1: provider.sha1_signatures,
            unvouched_cbc: provider.cbc_encryption,
        };
        let recipient = format!("https://{}{}", self.environment.service_name, Door::Main.path());
        let request = arrival.returned.step.message_id();
        let (profile, in_response_to) = match provider.protocol {
            FederationProtocol::WsFederation => (Profile::Passive, None),
            FederationProtocol::Saml => (Profile::WebSso, Some(request.as_str())),
            FederationProtocol::OpenId => return Err(PartnerFailure::Protocol),
        };
        let delivery = Delivery { recipient: &recipient, in_response_to, profile, now, skew: CLOCK_SKEW };
        let received: Unredeemed = match (provider.protocol, &arrival.message) {
            (FederationProtocol::WsFederation, PartnerMessage::WsFederation(message)) => {
                wresult::receive(message, &partner, &delivery)?
            }
            (FederationProtocol::Saml, PartnerMessage::Saml(message)) => {
                response::receive(&response::decode_form(message)?, &partner, &delivery)?
            }
            _ => return Err(PartnerFailure::Protocol),
        };
        Ok(received.redeem(&*services.one_time).await?)
    }

    /// The answer of an `OpenID` provider.
    async fn openid_user(
        &self,
        provider: &ClaimsProvider,
        settings: &OpenIdSettings,
        answer: &Answered,
        step: &StepId,
    ) -> Result<Told, PartnerFailure> {
        let client = &self.environment.openid;
        let now = self.cx.services.clock.now();
        let request = OneRequest::of(step.as_octets());
        let back = format!("https://{}{}", self.environment.service_name, Door::Main.path());
        let (token, said) = client.take(provider, settings, answer, &request, &back, now).await?;
        Ok(Told {
            claims: openid::to_claims(&token, &said, provider.id.as_str()),
            method: openid::authentication_method(&token),
            instant: token.authenticated,
            session: None,
            session_end: None,
            token_type: ID_TOKEN,
        })
    }

    fn subject(&self, provider: &ClaimsProvider, told: Told) -> Result<AuthenticatedSubject, SignInFailure> {
        let services = &self.cx.services;
        let now = services.clock.now();
        let Told { claims, method, instant, session, .. } = told;
        let stated = |claim_type| claims.first_value(claim_type).map(ToString::to_string);
        let name = [types::UPN, types::NAME_IDENTIFIER, types::NAME].into_iter().find_map(stated);
        let origin = SubjectOrigin::ClaimsProvider(FederatedSubject {
            claims_provider: provider.id.clone(),
            name: name.unwrap_or_default(),
            claims,
            session,
        });
        // Their clock may be ahead of ours; nobody authenticates in the future.
        let instant = instant.map_or(now, |instant| instant.min(now));
        Ok(AuthenticatedSubject::begin(origin, method, instant, &*services.random)?)
    }
}

/// What a claims provider says of its user, by whatever protocol.
struct Told {
    claims: ClaimSet,
    method: AuthenticationMethod,
    /// When they authenticated, where it says so.
    instant: Option<UtcTime>,
    session: Option<Box<ProviderSession>>,
    /// When its own session ends, where it says so.
    session_end: Option<UtcTime>,
    /// URI of the kind of token.
    token_type: &'static str,
}

impl Told {
    fn by_assertion(assertion: &InboundAssertion) -> Self {
        let authentication = assertion.authentication.as_ref();
        let method = authentication.map(|found| AuthenticationMethod::of_claims_provider(&found.method));
        Self {
            claims: assertion.to_claims(),
            method: method.unwrap_or(AuthenticationMethod::Federated),
            instant: authentication.map(|found| found.instant),
            session_end: authentication.and_then(|found| found.session_not_on_or_after),
            session: assertion.name_identifier.clone().map(|name_identifier| {
                let session_index = authentication.and_then(|found| found.session_index.clone());
                Box::new(ProviderSession { name_identifier, session_index })
            }),
            token_type: assertion.token_type.uri(),
        }
    }
}

const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
/// How far the clock of a claims provider may be from ours.
const CLOCK_SKEW: std::time::Duration = std::time::Duration::from_mins(5);
