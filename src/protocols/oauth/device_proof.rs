//! The device behind a refresh token shows that it is the one that redeems it (oauth-oidc-prt.md 4): by a challenge at the token
//! endpoint and its answer (MS-PKAP 3.2.5.2), or by its certificate on a connection that asks for one. Clients that can are asked;
//! of some it is demanded.

use super::error::OAuthError;
use crate::authn::SsoSession;
use crate::devices::{Device, DeviceId};
use crate::issuance::Context;
use crate::protocols::browser::DeviceSignIn;
use crate::protocols::environment::Environment;
use crate::protocols::http::Call;
use crate::prt::{Around, Challenge, Reply, is_capable};
use crate::trusts::Client;

/// Whether whoever redeems a refresh token may: of a sign-in that its device took part in, a client of which it is demanded, or that
/// says it can answer a challenge, must show that device.
///
/// # Errors
/// [`OAuthError::DeviceWanted`] with the challenge; [`OAuthError::Prt`], [`OAuthError::Refresh`] where what it shows is not good.
pub(super) async fn demand(
    environment: &Environment,
    cx: &Context,
    call: &Call,
    client: &Client,
    session: &SsoSession,
) -> Result<(), OAuthError> {
    let (Some(device), Some(sign_in)) = (&session.subject.device, &environment.browser.devices) else { return Ok(()) };
    if !sign_in.pkeyauth && !client.device_proof_required {
        return Ok(());
    }
    let address = format!("https://{}:443/adfs/oauth2/token/", environment.service_name);
    if let Some(shown) = by_certificate(sign_in, cx, call).await {
        return is_the_one(&shown, device.id);
    }
    if let Some(reply) = call.header("authorization").and_then(Reply::read) {
        let answered = sign_in.service.pkeyauth(reply, &address, Around::from(&*cx.services)).await;
        return match answered.map_err(|refusal| OAuthError::Prt(Box::new(refusal)))? {
            Some(answered) => is_the_one(&answered, device.id),
            None => Err(OAuthError::Refresh(String::from("the client cannot show the device of the sign-in"))),
        };
    }
    if !client.device_proof_required && !is_capable(call.header("user-agent"), call.header("x-ms-pkeyauth")) {
        return Ok(());
    }
    challenge(sign_in, cx, &address, device.id).await
}

/// The device whose certificate came with the connection.
async fn by_certificate(sign_in: &DeviceSignIn, cx: &Context, call: &Call) -> Option<Device> {
    let certificate = call.connection.client_certificates.first()?;
    match sign_in.service.by_certificate(certificate, cx.services.clock.now()).await {
        Ok(device) => Some(device),
        Err(refusal) => {
            tracing::info!(correlation = %cx.request.activity, %refusal, "a certificate is no device's");
            None
        }
    }
}

fn is_the_one(shown: &Device, device: DeviceId) -> Result<(), OAuthError> {
    if shown.id == device {
        return Ok(());
    }
    Err(OAuthError::Refresh(String::from("another device was shown than that of the sign-in")))
}

/// A challenge for the device.
async fn challenge(sign_in: &DeviceSignIn, cx: &Context, address: &str, device: DeviceId) -> Result<(), OAuthError> {
    let (service, services) = (&sign_in.service, &*cx.services);
    let failed = |reason: String| OAuthError::Unavailable(reason);
    let known = service.registry().find(device).await.map_err(|error| failed(error.to_string()))?;
    let certificate = known.and_then(|known| known.certificates.first().copied());
    let certificate = certificate.ok_or_else(|| OAuthError::Refresh(String::from("the device has no certificate")))?;
    let thumbprint = hex::encode_upper(certificate.thumbprint);
    let challenge =
        Challenge::new(address, Some(&thumbprint), &service.sealer, services.clock.now(), &*services.random)?;
    Err(OAuthError::DeviceWanted(challenge.header(address, &thumbprint)))
}
