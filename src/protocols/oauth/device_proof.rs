//! The device behind a refresh token shows that it is the one that redeems it, where the client can (MS-PKAP 3.2.5.2,
//! oauth-oidc-prt.md 4.3): a challenge at the token endpoint, and its answer.

use super::error::OAuthError;
use crate::authn::SsoSession;
use crate::issuance::Context;
use crate::protocols::environment::Environment;
use crate::protocols::http::Call;
use crate::prt::{Around, Challenge, Reply, is_capable};

/// Whether whoever redeems a refresh token may: of a sign-in that its device took part in, a client that says it can answer a
/// challenge must answer it, with that device's key.
///
/// # Errors
/// [`OAuthError::DeviceWanted`] with the challenge; [`OAuthError::Prt`], [`OAuthError::Refresh`] where the answer is not good.
pub(super) async fn demand(
    environment: &Environment,
    cx: &Context,
    call: &Call,
    session: &SsoSession,
) -> Result<(), OAuthError> {
    let Some(device) = &session.subject.device else { return Ok(()) };
    let Some(sign_in) = environment.browser.devices.as_ref().filter(|devices| devices.pkeyauth) else {
        return Ok(());
    };
    let (service, around) = (&sign_in.service, Around::from(&*cx.services));
    let address = format!("https://{}:443/adfs/oauth2/token/", environment.service_name);
    if let Some(reply) = call.header("authorization").and_then(Reply::read) {
        let answered = service.pkeyauth(reply, &address, around).await;
        return match answered.map_err(|refusal| OAuthError::Prt(Box::new(refusal)))? {
            Some(answered) if answered.id == device.id => Ok(()),
            Some(_) => Err(OAuthError::Refresh(String::from("another device answered the challenge"))),
            None => Err(OAuthError::Refresh(String::from("the client cannot show the device of the sign-in"))),
        };
    }
    if !is_capable(call.header("user-agent"), call.header("x-ms-pkeyauth")) {
        return Ok(());
    }
    let failed = |reason: String| OAuthError::Unavailable(reason);
    let known = service.registry().find(device.id).await.map_err(|error| failed(error.to_string()))?;
    let certificate = known.and_then(|known| known.certificates.first().copied());
    let certificate = certificate.ok_or_else(|| OAuthError::Refresh(String::from("the device has no certificate")))?;
    let thumbprint = hex::encode_upper(certificate.thumbprint);
    let challenge =
        Challenge::new(&address, Some(&thumbprint), &service.sealer, cx.services.clock.now(), around.random)?;
    Err(OAuthError::DeviceWanted(challenge.header(&address, &thumbprint)))
}
