//! Messages of sign-out that a claims provider takes as a form only (saml-bindings 3.5).
//!
//! A page cannot lead to a form of another site as it leads to an address. So it leads to an address of this service, in which what
//! is to be said stands sealed: the message is made, and handed over, when the browser comes there. Whoever has the address says
//! what its browser was to say anyway, for a few minutes.

use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue};

use super::Browser;
use super::parameters::encode;
use super::prompt::Door;
use super::provider_sign_out::{Asking, SignOutFailure, logout_request_of, logout_response_of, provider_of};
use crate::authn::ProviderSession;
use crate::issuance::Context;
use crate::pages::SignOutMessagePage;
use crate::protocols::environment::Environment;
use crate::protocols::samlp::logout::LogoutOutcome;
use crate::tokens::sealed::SealPurpose;
use crate::tokens::{SignatureAlgorithm, TokenId};
use crate::trusts::ClaimsProviderId;

/// What is to be said.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) enum Farewell {
    /// A session ends there.
    #[serde(rename = "q")]
    Request {
        #[serde(rename = "p")]
        claims_provider: ClaimsProviderId,
        #[serde(rename = "s")]
        session: Box<ProviderSession>,
        /// Where the person wants to go on.
        #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
        go_on: Option<String>,
    },
    /// One ended here, or not, as they wished.
    #[serde(rename = "a")]
    Response {
        #[serde(rename = "p")]
        claims_provider: ClaimsProviderId,
        #[serde(rename = "r")]
        in_response_to: String,
        #[serde(rename = "o")]
        outcome: LogoutOutcome,
        /// Their `RelayState`.
        #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
        state: Option<String>,
    },
}

/// A message as the fields of a form.
struct Form {
    /// Where it goes.
    action: String,
    /// Names and values.
    fields: Vec<(&'static str, String)>,
    /// The cookie that the answer will need.
    cookie: Option<(HeaderName, HeaderValue)>,
}

impl Farewell {
    /// The address at which it is said.
    pub(super) fn address(&self, environment: &Environment, cx: &Context) -> Result<String, SignOutFailure> {
        let until = cx.services.clock.now().plus(LIFETIME);
        let text = environment.browser.sealer.seal(PURPOSE, self, until)?;
        let (host, path) = (&environment.service_name, Door::Main.path());
        Ok(format!("https://{host}{path}?wa=wsignout1.0&{PARAMETER}={}", encode(&text)))
    }
}

/// The page that says what stands in the parameter [`PARAMETER`], with the cookie that the answer will need.
///
/// # Errors
/// [`SignOutFailure`].
pub(in crate::protocols) async fn page(
    environment: &Environment,
    cx: &Context,
    browser: &Browser,
    text: &str,
) -> Result<(SignOutMessagePage, Option<(HeaderName, HeaderValue)>), SignOutFailure> {
    let farewell = environment.browser.sealer.open::<Farewell>(PURPOSE, text)?.value;
    let Form { action, fields, cookie } = form(environment, cx, browser, &farewell).await?;
    Ok((SignOutMessagePage { action, fields }, cookie))
}

/// The message of a farewell, for a provider that takes forms only.
async fn form(
    environment: &Environment,
    cx: &Context,
    browser: &Browser,
    farewell: &Farewell,
) -> Result<Form, SignOutFailure> {
    let key = &cx.services.keys.primary_signing().key;
    let (Farewell::Request { claims_provider, .. } | Farewell::Response { claims_provider, .. }) = farewell;
    let unknown = || SignOutFailure::Unknown(claims_provider.to_string());
    let (provider, service) = provider_of(cx, claims_provider.as_str()).ok_or_else(unknown)?;
    match farewell {
        Farewell::Request { session, go_on, .. } => {
            let (browser, cookie) = browser.id_or_new(cx)?;
            let Asking { request, state } = Asking::of(environment, cx, provider, &browser, go_on.as_deref())?;
            let id = request.message_id();
            let logout = logout_request_of(environment, cx, service, session, &id);
            let message = logout.to_form(key, SignatureAlgorithm::RsaSha256).await?;
            let fields = vec![("SAMLRequest", message), ("RelayState", state)];
            Ok(Form { action: service.url.clone(), fields, cookie })
        }
        Farewell::Response { in_response_to, outcome, state, .. } => {
            let id = TokenId::random(&*cx.services.random)?;
            let response = logout_response_of(environment, cx, service, &id, in_response_to, *outcome);
            let message = response.to_form(key, SignatureAlgorithm::RsaSha256).await?;
            let mut fields = vec![("SAMLResponse", message)];
            fields.extend(state.clone().map(|state| ("RelayState", state)));
            Ok(Form { action: service.response_url.clone(), fields, cookie: None })
        }
    }
}

/// Parameter with the sealed message.
pub(in crate::protocols) const PARAMETER: &str = "SignOutMessage";
const PURPOSE: SealPurpose<'static> = SealPurpose::new("farewell");
/// How long the sign-out page may take to lead there.
const LIFETIME: Duration = Duration::from_mins(10);
