//! `/adfs/ls/device` on the name and the port where certificates are asked for: which registered device the browser runs on, by the
//! device's own certificate (oauth-oidc-prt.md 4.5).
//!
//! The main name sends a browser there that proved no device otherwise, and takes it back from there with what was found, once in a
//! while. It signs nobody in: a device is its own, whoever registered it. As at the door of users' certificates no cookie is read
//! there: whose browser it is stands under seal in the address, and what goes back opens for that browser alone.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};

use super::cookies::{self, Cookie, Keep};
use super::device::{proved, refused_by};
use super::parameters::{self, Parameters};
use super::{Browser, BrowserSignIn, DeviceSignIn, Prompt, SEALED_LIMIT, reply};
use crate::audit::{AuthProtocol, Parties};
use crate::authn::{AuthenticationMethod, BrowserId};
use crate::devices::DeviceId;
use crate::issuance::Context;
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};
use crate::protocols::prt_failure::DEVICE_TOKEN;
use crate::prt::PrtRefusal;
use crate::tokens::sealed::{SealError, SealPurpose};

/// A browser on its way to the door.
#[derive(serde::Serialize, serde::Deserialize)]
struct Departure {
    /// The browser that was sent.
    #[serde(rename = "b")]
    browser: BrowserId,
    /// Path and query at the main name that it goes back to.
    #[serde(rename = "u")]
    back: String,
}

/// What comes back.
#[derive(Debug)]
pub(super) enum Returned {
    /// A device that may be used, unless it was disabled since.
    Device(DeviceId),
    /// None.
    Nothing,
    /// No word that this browser was given.
    Stranger,
}

/// Answers a request at the door.
pub async fn handle(environment: &Environment, call: &Call) -> Answer {
    let cx = environment.context(call, AuthProtocol::DeviceRegistration, PATH);
    let devices = environment.browser.devices.as_ref();
    // On the main name no certificate is asked for, and none is looked at.
    let Some(devices) = devices.filter(|devices| devices.client_tls.is_some() && call.connection.asks_for_certificate)
    else {
        return Answer::empty(StatusCode::NOT_FOUND);
    };
    match look(environment, devices, &cx, call).await {
        Ok(back) => reply::redirect(&back),
        Err(error) => {
            tracing::info!(correlation = %cx.request.activity, %error, "a browser at the door of devices is no one's");
            let refusal = PrtRefusal::Seal(error);
            refused_by(AuthenticationMethod::TlsClient, &cx, Parties::default(), DEVICE_TOKEN, &refusal);
            Answer::empty(StatusCode::BAD_REQUEST)
        }
    }
}

/// Where the browser goes back to, with what was found.
async fn look(
    environment: &Environment,
    devices: &DeviceSignIn,
    cx: &Context,
    call: &Call,
) -> Result<String, SealError> {
    let sealer = &environment.browser.sealer;
    let no_state = |reason: &str| SealError::Value(reason.to_owned());
    let parameters = Parameters::parse(call.query.as_bytes()).map_err(|error| no_state(&error.to_string()))?;
    let state = parameters.line(STATE, SEALED_LIMIT).map_err(|error| no_state(&error.to_string()))?;
    let state = state.ok_or_else(|| no_state("the address carries no sign-in"))?;
    let Departure { browser, back } = sealer.open::<Departure>(DEPARTURE, state)?.value;
    let now = cx.services.clock.now();
    let device = match call.connection.client_certificates.first() {
        Some(certificate) => {
            let judgement = async { devices.service.by_certificate(certificate, now).await.map(Some) };
            proved(devices, cx, call, AuthenticationMethod::TlsClient, judgement).await.map(|device| device.id)
        }
        None => None,
    };
    let result = sealer.seal(RESULT.bound_to(browser.as_str()), &device, now.plus(LIFETIME))?;
    let (path, query) = back.split_once('?').unwrap_or((&back, ""));
    let query = parameters::edit(query, &[PARAMETER], &[(PARAMETER, &result)]);
    Ok(format!("https://{}{path}?{query}", environment.service_name))
}

/// Sends a browser to the door, whose origin is `origin`.
pub(super) fn send(
    sign_in: &BrowserSignIn,
    cx: &Context,
    browser: &Browser,
    back: String,
    origin: &str,
) -> Result<Answer, SealError> {
    let (browser, cookie) = browser.id_or_new(cx)?;
    let until = cx.services.clock.now().plus(LIFETIME);
    let state = sign_in.sealer.seal(DEPARTURE, &Departure { browser, back }, until)?;
    Ok(reply::redirect(&format!("{origin}{PATH}?{STATE}={state}")).with_headers(cookie))
}

/// What the request brings back from the door; `None` for one that does not come from there.
pub(super) fn returned(sign_in: &BrowserSignIn, browser: &Browser, prompt: &Prompt<'_>) -> Option<Returned> {
    let parameters = Parameters::parse(prompt.query.as_bytes()).ok()?;
    if !parameters.has(PARAMETER) {
        return None;
    }
    let opened = || {
        let text = parameters.line(PARAMETER, SEALED_LIMIT).ok().flatten()?;
        let purpose = RESULT.bound_to(browser.id.as_ref()?.as_str());
        sign_in.sealer.open::<Option<DeviceId>>(purpose, text).ok()
    };
    Some(match opened() {
        Some(opened) => opened.value.map_or(Returned::Nothing, Returned::Device),
        None => Returned::Stranger,
    })
}

/// The query of the request without what came back, so that it is in no history.
pub(super) fn without_result(query: &str) -> String {
    parameters::edit(query, &[PARAMETER], &[])
}

/// The cookie by which a browser without a device is not asked again for a while.
pub(super) fn nothing() -> Option<(HeaderName, HeaderValue)> {
    cookies::set(Cookie::NoDevice, "1", Keep::For(NOT_ASKED_AGAIN))
}

const PATH: &str = "/adfs/ls/device";
/// Parameter with the sealed departure.
const STATE: &str = "SignInState";
/// Parameter with what was found.
const PARAMETER: &str = "DeviceResult";
const DEPARTURE: SealPurpose<'static> = SealPurpose::new("device_departure");
const RESULT: SealPurpose<'static> = SealPurpose::new("device_result");
/// How long somebody may look at the dialog of their browser, and how long the way back may take.
const LIFETIME: Duration = Duration::from_mins(5);
/// How long a browser without a device is not asked again.
const NOT_ASKED_AGAIN: Duration = Duration::from_mins(10);
