//! One request at the token endpoint: who asks, by which grant (oauth-oidc-prt.md 2.3).

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::client_authentication::{self, AuthenticatedClient};
use super::error::OAuthError;
use super::respond::TokenResponse;
use super::{
    OAuthEndpoint, OAuthSettings, client_grant, code_grant, device_grant, json, on_behalf_grant, password_grant, prt,
    refresh_grant,
};
use crate::audit::AuthProtocol;
use crate::authn::{AuthenticatedSubject, RequestOrigin};
use crate::issuance::{Context, Decision, Grant, SignInRequest};
use crate::protocols::browser::parameters::Parameters;
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};
use crate::tokens::TokenType;
use crate::trusts::{Client, GrantType};

/// Answers a request. Its body is a form whatever its type says: programs in use send none, or another.
pub(super) async fn handle(environment: &Environment, settings: &OAuthSettings, call: &Call) -> Answer {
    let cx = environment.context(call, AuthProtocol::OAuth, OAuthEndpoint::Token.path());
    let form = match Parameters::parse_up_to(&call.body, MAX_BODY) {
        Ok(form) => form,
        Err(error) => {
            let error = OAuthError::from(error);
            error.note(&cx, None, None);
            return error.answer();
        }
    };
    let exchange = Exchange { environment, settings, cx: &cx, call, form: &form };
    if let Some(answer) = exchange.of_a_device().await {
        return answer;
    }
    match exchange.run().await {
        Ok((response, ticket_answer)) => {
            let answer = json(StatusCode::OK, &response);
            let proof =
                ticket_answer.map(|proof| HeaderValue::from_str(&format!("Negotiate {}", STANDARD.encode(proof))));
            match proof {
                Some(Ok(value)) => answer.with_header(header::WWW_AUTHENTICATE, value),
                _ => answer,
            }
        }
        Err(error) => exchange.refuse(&error),
    }
}

/// One request.
#[derive(Clone, Copy)]
pub(super) struct Exchange<'a> {
    pub(super) environment: &'a Environment,
    pub(super) settings: &'a OAuthSettings,
    pub(super) cx: &'a Context,
    pub(super) call: &'a Call,
    pub(super) form: &'a Parameters,
}

impl Exchange<'_> {
    /// What devices ask, which say in a signed text who asks for what; `None` when it is nothing of that kind.
    async fn of_a_device(self) -> Option<Answer> {
        let Self { environment, settings, cx, call, form } = self;
        let answer = match form.line("grant_type", MAX_SHORT).ok()?? {
            SRV_CHALLENGE => prt::challenge(environment, cx, call),
            JWT_BEARER if form.has("request") => match form.line("request", MAX_BODY) {
                Ok(text) => prt::request(environment, settings, cx, call, text.unwrap_or_default()).await,
                Err(error) => Err(error.into()),
            },
            // Neither a signed text nor another use of this grant.
            JWT_BEARER if !form.has("requested_token_use") => Err(OAuthError::Missing("request")),
            _ => return None,
        };
        Some(answer.unwrap_or_else(|error| self.refuse(&error)))
    }

    fn refuse(self, error: &OAuthError) -> Answer {
        let text = |name| self.form.line(name, 512).ok().flatten();
        error.note(self.cx, text("client_id"), text("resource"));
        error.answer()
    }

    async fn run(self) -> Result<(TokenResponse, Option<Vec<u8>>), OAuthError> {
        let grant = self.form.line("grant_type", MAX_SHORT)?.ok_or(OAuthError::Missing("grant_type"))?;
        let grant = match grant {
            "authorization_code" => GrantType::AuthorizationCode,
            "refresh_token" => GrantType::RefreshToken,
            "client_credentials" => GrantType::ClientCredentials,
            "password" => GrantType::Password,
            DEVICE_CODE | "device_code" => GrantType::DeviceCode,
            JWT_BEARER if self.form.line("requested_token_use", MAX_SHORT)? == Some("on_behalf_of") => {
                GrantType::OnBehalfOf
            }
            _ => return Err(OAuthError::UnsupportedGrant),
        };
        let Self { environment, settings, cx, call, form } = self;
        let mut asking = client_authentication::authenticate(environment, settings, cx, call, form).await?;
        if !asking.client.may_use(grant) {
            return Err(OAuthError::GrantNotAllowed);
        }
        let ticket_answer = asking.ticket_answer.take();
        let response = self.redeem(grant, &asking).await?;
        Ok((response, ticket_answer))
    }

    async fn redeem(self, grant: GrantType, asking: &AuthenticatedClient) -> Result<TokenResponse, OAuthError> {
        match grant {
            GrantType::AuthorizationCode => code_grant::redeem(self, &asking.client).await,
            GrantType::RefreshToken => refresh_grant::redeem(self, asking).await,
            GrantType::ClientCredentials => client_grant::redeem(self, asking).await,
            GrantType::Password => password_grant::redeem(self, &asking.client).await,
            GrantType::DeviceCode => device_grant::redeem(self, &asking.client).await,
            GrantType::OnBehalfOf => on_behalf_grant::redeem(self, asking).await,
            GrantType::Implicit => Err(OAuthError::UnsupportedGrant),
        }
    }

    /// What the issuer permits to a subject, who has a persistent session or not, for a resource, to be told by tokens. `actor` is a client that asks on the subject's
    /// behalf.
    pub(super) async fn permitted(
        self,
        resource: &str,
        origin: RequestOrigin,
        (subject, persistent_session): (&AuthenticatedSubject, bool),
        actor: Option<AuthenticatedSubject>,
    ) -> Result<Box<Grant>, OAuthError> {
        let request = SignInRequest {
            relying_party: resource.to_owned(),
            endpoint: OAuthEndpoint::Token.path().to_owned(),
            origin,
            hints: self.call.hints(),
            token_type: Some(TokenType::Jwt),
            persistent_session,
            actor: actor.map(Box::new),
        };
        match self.environment.issuer.decide(self.cx, &request, subject).await? {
            Decision::Permit(grant) => Ok(grant),
            Decision::Deny(denial) => Err(OAuthError::Denied(denial)),
            Decision::StepUp(demand) => Err(OAuthError::StepUp(demand)),
        }
    }

    /// From where a later request of the client counts: its own place when a person sits at it, otherwise where the person was.
    pub(super) fn origin(self, client: &Client, then: &RequestOrigin) -> RequestOrigin {
        if client.is_confidential() { then.clone() } else { self.call.origin.clone() }
    }
}

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
pub(super) const SRV_CHALLENGE: &str = "srv_challenge";
pub(super) const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const MAX_BODY: usize = 64 * 1024;
const MAX_SHORT: usize = 256;
