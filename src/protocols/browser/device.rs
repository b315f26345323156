//! What a registered device says for its browser: credentials that Windows puts into the browser's requests, as header fields or,
//! where an extension has to, as cookies (oauth-oidc-prt.md 3.7).
//!
//! One that is not good is left aside without a word to the browser, which then signs in as if it had none; the audit log has the
//! reason.

use actix_web::http::header::{HeaderName, HeaderValue};

use super::cookies::{self, Cookie, Cookies, Keep};
use super::device_door::{self, Returned};
use super::parameters::Parameters;
use super::{Browser, BrowserSignIn, Door, Prompt, reply};
use crate::audit::Parties;
use crate::authn::{AuthenticatedSubject, AuthenticationMethod, SessionRef, SsoSession};
use crate::clock::UtcTime;
use crate::devices::{Device, DeviceId, RegistryError};
use crate::issuance::Context;
use crate::protocols::credential;
use crate::protocols::http::{Answer, Call};
use crate::protocols::prt_failure::{DEVICE_TOKEN, PRT_TOKEN, credential_failure};
use crate::protocols::unknown_device;
use crate::prt::{
    Around, Challenge, DeviceSigned, PKeyAuthError, PrtRefusal, PrtService, REMEMBERED, RefreshTokenCredential, Reply,
    SessionSigned, is_capable,
};

/// Sign-in of browsers by their device.
pub struct DeviceSignIn {
    /// Primary refresh tokens.
    pub service: std::sync::Arc<PrtService>,
    /// Whether browsers are signed in so.
    pub browser_sso: bool,
    /// Which: parts of `User-Agent`.
    pub user_agents: Vec<String>,
    /// Whether clients are asked by `PKeyAuth` to prove their device.
    pub pkeyauth: bool,
    /// Scheme, host and port where browsers are asked for their device's certificate, where they are.
    pub client_tls: Option<String>,
}

/// What came with a request.
#[derive(Debug)]
pub(super) enum Carried {
    /// Nothing that counts.
    Nothing,
    /// Nothing yet: the client is sent elsewhere to prove its device, or comes from there.
    Challenge(Answer),
    /// A credential that is good but for its nonce: the browser is sent a fresh one, once.
    Stale(String),
    /// User and device.
    Session(Box<SsoSession>),
    /// The device alone.
    Device(Box<Device>),
}

/// What the device says in this request, whose own address is `address`.
pub(super) async fn carried(
    sign_in: &BrowserSignIn,
    cx: &Context,
    call: &Call,
    browser: &Browser,
    prompt: &Prompt<'_>,
    address: &str,
) -> Carried {
    if browser.session.as_ref().is_some_and(|session| session.subject.device.is_some()) {
        // It began so, and says all that the device could say.
        return Carried::Nothing;
    }
    let is_offered = sign_in.methods.device.is_offered(call.origin.location);
    let Some(devices) = sign_in.devices.as_ref().filter(|_| is_offered) else { return Carried::Nothing };
    let agent = call.header("user-agent").unwrap_or_default();
    if devices.browser_sso && devices.user_agents.iter().any(|part| agent.contains(part.as_str())) {
        match credentials(sign_in, devices, cx, call, browser, prompt).await {
            Carried::Nothing => {}
            something => return something,
        }
    }
    if let Some(reply) = call.header("authorization").and_then(Reply::read).filter(|_| devices.pkeyauth) {
        return answered(devices, cx, call, reply, address).await;
    }
    if let Some(text) = browser.cookies.get(Cookie::Device).filter(|_| devices.asks()) {
        return remembered(devices, cx, text).await;
    }
    if browser.session.is_some() {
        return Carried::Nothing;
    }
    let answers = is_capable(call.header("user-agent"), call.header("x-ms-pkeyauth"));
    match &devices.client_tls {
        _ if devices.pkeyauth && answers => challenge(devices, cx, address).await,
        Some(origin) => client_tls(sign_in, cx, browser, prompt, origin),
        None => Carried::Nothing,
    }
}

impl DeviceSignIn {
    /// Whether clients are asked for their device at all.
    const fn asks(&self) -> bool {
        self.pkeyauth || self.client_tls.is_some()
    }
}

/// What the credentials in header fields and cookies say.
async fn credentials(
    sign_in: &BrowserSignIn,
    devices: &DeviceSignIn,
    cx: &Context,
    call: &Call,
    browser: &Browser,
    prompt: &Prompt<'_>,
) -> Carried {
    let parameters = Parameters::parse(prompt.query.as_bytes()).unwrap_or_default();
    let of_request = |name| parameters.get(name).ok().flatten();
    let (client, redirect) = (of_request("client_id"), of_request("redirect_uri"));
    let mut stale = false;
    for text in texts(call, REFRESH_TOKEN_CREDENTIAL) {
        match refresh_token_credential(&devices.service, cx, &text, client, redirect).await {
            Ok(proved) => {
                let now = cx.services.clock.now();
                let gains = |own: &SsoSession| {
                    // Another person signed in on purpose; a fresher sign-in of the same one may be what is asked for.
                    own.subject.origin.is_same_person(&proved.subject.origin)
                        && prompt.requirement.is_met_by(&proved.subject, now)
                };
                if browser.session.as_ref().is_none_or(gains) {
                    return Carried::Session(Box::new(session(sign_in, cx, proved)));
                }
                return Carried::Nothing;
            }
            Err((refusal, parties)) => {
                stale |= matches!(refusal, PrtRefusal::Nonce(_));
                refused_by(AuthenticationMethod::X509, cx, parties, PRT_TOKEN, &refusal);
            }
        }
    }
    if stale && of_request(SSO_NONCE).is_none() {
        return match devices.service.nonce((&*cx.services).into()) {
            Ok(nonce) => Carried::Stale(nonce),
            Err(error) => {
                tracing::error!(correlation = %cx.request.activity, %error, "a nonce could not be made");
                Carried::Nothing
            }
        };
    }
    for text in texts(call, DEVICE_CREDENTIAL) {
        let judgement = async {
            devices.service.device_credential(&DeviceSigned::read(&text)?, Around::from(&*cx.services)).await.map(Some)
        };
        if let Some(device) = proved(devices, cx, call, AuthenticationMethod::X509, judgement).await {
            return Carried::Device(Box::new(device));
        }
    }
    Carried::Nothing
}

/// The device that a client proves by `PKeyAuth` in this request. A client that has said that it has none is not asked again.
async fn answered(
    devices: &DeviceSignIn,
    cx: &Context,
    call: &Call,
    reply: Result<Reply, PKeyAuthError>,
    address: &str,
) -> Carried {
    let judgement = devices.service.pkeyauth(reply, address, Around::from(&*cx.services));
    let device = proved(devices, cx, call, AuthenticationMethod::X509, judgement).await;
    device.map_or(Carried::Nothing, |device| Carried::Device(Box::new(device)))
}

/// The device that a client proves in this way. What is not good is audited and left aside; a client whose address sent too much of it
/// has no device.
pub(super) async fn proved(
    devices: &DeviceSignIn,
    cx: &Context,
    call: &Call,
    method: AuthenticationMethod,
    judgement: impl Future<Output = Result<Option<Device>, PrtRefusal>>,
) -> Option<Device> {
    match unknown_device::judged(&devices.service, call, judgement).await {
        Ok(Ok(device)) => device,
        Ok(Err(refusal)) => {
            refused_by(method, cx, Parties::default(), DEVICE_TOKEN, &refusal);
            None
        }
        Err(limit) => {
            tracing::info!(correlation = %cx.request.activity, %limit, "a device is not looked for");
            None
        }
    }
}

/// The device that was proved a moment ago in this sign-in.
async fn remembered(devices: &DeviceSignIn, cx: &Context, text: &str) -> Carried {
    match devices.service.remembered(text).await {
        Ok(device) => Carried::Device(Box::new(device)),
        Err(refusal) => {
            tracing::info!(correlation = %cx.request.activity, %refusal, "a device that was proved is not used");
            Carried::Nothing
        }
    }
}

/// A `PKeyAuth` challenge, for a client that says it can answer one.
async fn challenge(devices: &DeviceSignIn, cx: &Context, address: &str) -> Carried {
    let (service, services) = (&devices.service, &cx.services);
    let authorities = service.authorities().await;
    match Challenge::new(address, None, &service.sealer, services.clock.now(), &*services.random) {
        Ok(challenge) => {
            let request = cx.request.activity.to_string();
            Carried::Challenge(reply::redirect(&challenge.redirect(address, &authorities, &request)))
        }
        Err(error) => {
            tracing::error!(correlation = %cx.request.activity, %error, "a challenge could not be made");
            Carried::Nothing
        }
    }
}

/// The way to where devices show their certificates, and the way back; not where a dialog would be one too many.
fn client_tls(sign_in: &BrowserSignIn, cx: &Context, browser: &Browser, prompt: &Prompt<'_>, origin: &str) -> Carried {
    let clean = || prompt.address_of(&device_door::without_result(prompt.query));
    match device_door::returned(sign_in, browser, prompt) {
        Some(Returned::Device(device)) => {
            Carried::Challenge(reply::redirect(&clean()).with_headers(cookie(sign_in, cx, device)))
        }
        Some(Returned::Nothing) => Carried::Challenge(reply::redirect(&clean()).with_headers(device_door::nothing())),
        // Asked again, a browser without cookies would be on its way for ever.
        Some(Returned::Stranger) => Carried::Nothing,
        None if prompt.silent || browser.cookies.get(Cookie::NoDevice).is_some() => Carried::Nothing,
        None => match device_door::send(sign_in, cx, browser, prompt.address(Door::Main), origin) {
            Ok(answer) => Carried::Challenge(answer),
            Err(error) => {
                tracing::warn!(correlation = %cx.request.activity, %error, "a browser is not asked for its device");
                Carried::Nothing
            }
        },
    }
}

/// The cookie by which a device that was proved is known in the next requests of the sign-in.
pub(super) fn cookie(sign_in: &BrowserSignIn, cx: &Context, device: DeviceId) -> Option<(HeaderName, HeaderValue)> {
    let service = &sign_in.devices.as_ref()?.service;
    let text = service.remember(device, cx.services.clock.now()).ok()?;
    cookies::set(Cookie::Device, &text, Keep::For(REMEMBERED))
}

/// Whether a session may go on: the device that took part in it, if any, is still one that may be used, and was not registered
/// again since.
///
/// # Errors
/// [`RegistryError`] when that is not known.
pub(in crate::protocols) async fn device_is_good(
    sign_in: &BrowserSignIn,
    session: &SsoSession,
) -> Result<bool, RegistryError> {
    let Some(then) = &session.subject.device else { return Ok(true) };
    // Where devices sign nobody in any more, nobody is signed in by one.
    let Some(devices) = &sign_in.devices else { return Ok(false) };
    let now = devices.service.registry().find(then.id).await?;
    Ok(now.is_some_and(|now| now.enabled && now.registration_mark() == then.registration_mark))
}

/// When nothing that came of a session is good any more: where a device took part its refresh tokens outlive it, until single sign-on
/// of the device ends (oauth-oidc-prt.md 2.8).
pub(in crate::protocols) fn tokens_end(sign_in: &BrowserSignIn, session: &SsoSession) -> UtcTime {
    let SsoSession { subject, until, .. } = session;
    match (&subject.device, &sign_in.devices) {
        (Some(_), Some(devices)) => subject.instant.plus(devices.service.lifetimes.family).max(*until),
        _ => *until,
    }
}

/// The query of the request once more, with a nonce for the browser's next credential.
pub(super) fn with_nonce(query: &str, nonce: &str) -> String {
    format!("{query}&{SSO_NONCE}={nonce}")
}

async fn refresh_token_credential(
    service: &PrtService,
    cx: &Context,
    text: &str,
    client: Option<&str>,
    redirect: Option<&str>,
) -> Result<Credentialed, (PrtRefusal, Parties)> {
    let unknown = |refusal: PrtRefusal| (refusal, Parties::default());
    let signed = SessionSigned::read(text).map_err(|error| unknown(error.into()))?;
    let read = RefreshTokenCredential::read(&signed, &service.sealer).map_err(|error| unknown(error.into()))?;
    let parties = || Parties { sid: Some(read.prt.user), ..Parties::default() };
    if !read.made_for.fits(client, redirect) {
        return Err((PrtRefusal::OtherRequest, parties()));
    }
    let holder = service.credential(&read, signed.kdf(), (&*cx.services).into()).await;
    let holder = holder.map_err(|refusal| (refusal, parties()))?;
    Ok(Credentialed { subject: holder.subject(&read.prt), until: read.prt.until })
}

/// Somebody whom a credential proved, and the end of the PRT behind it.
struct Credentialed {
    subject: AuthenticatedSubject,
    until: UtcTime,
}

/// A session of its own, so that signing out of it does not end the PRT; it ends with the PRT at the latest, and when that turns out to
/// be copied.
fn session(sign_in: &BrowserSignIn, cx: &Context, proved: Credentialed) -> SsoSession {
    let Credentialed { mut subject, until } = proved;
    let family = subject.session.clone();
    if let Ok(own) = SessionRef::random(&*cx.services.random) {
        subject.session = own;
    }
    credential::prt_accepted(cx, &subject, None);
    let until = cx.services.clock.now().plus(sign_in.lifetimes.session).min(until);
    SsoSession { subject, kept: None, prt_family: Some(family), until }
}

/// Audits what a device showed in this way.
pub(super) fn refused_by(
    method: AuthenticationMethod,
    cx: &Context,
    parties: Parties,
    token_type: &str,
    refusal: &PrtRefusal,
) {
    let failure = credential_failure(refusal);
    let detail = refusal.to_string();
    tracing::info!(correlation = %cx.request.activity, %detail, "a device's credential is left aside");
    credential::rejected(cx, parties, method, token_type, failure, &detail);
}

/// The credentials of this name: one without a number and those numbered from 1, as Windows sends them for several accounts, and
/// the cookie. At most [`MOST`] are looked at.
fn texts(call: &Call, name: &str) -> Vec<String> {
    let numbered = (1..MOST).map(|number| format!("{name}{number}"));
    let mut texts: Vec<String> = std::iter::once(name.to_owned())
        .chain(numbered)
        .filter_map(|name| HeaderName::from_bytes(name.to_ascii_lowercase().as_bytes()).ok())
        .filter_map(|name| call.header(name.as_str()).map(str::to_owned))
        .collect();
    texts.extend(Cookies::of(call).named(name).map(str::to_owned));
    texts.truncate(MOST);
    texts
}

const REFRESH_TOKEN_CREDENTIAL: &str = "x-ms-RefreshTokenCredential";
const DEVICE_CREDENTIAL: &str = "x-ms-DeviceCredential";
const SSO_NONCE: &str = "sso_nonce";
/// Accounts of one browser that are looked at.
const MOST: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nonce_goes_behind_the_request() {
        assert_eq!(with_nonce("wa=wsignin1.0", "AwAB"), "wa=wsignin1.0&sso_nonce=AwAB");
    }
}
