//! The end of a registration: a device shows its certificate in TLS and is forgotten (device-registration.md 4.7).
//!
//! The certificate finds the device; the path may only agree with it.

use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::attempt::Attempt;
use super::refusal::Refusal;
use crate::audit::Name;
use crate::authn::{DeviceAuthnError, device_by_certificate};
use crate::devices::{CertificateMark, DeviceId, DeviceServices};
use crate::issuance::Context;
use crate::protocols::http::Call;

/// Forgets the device whose certificate the client showed.
///
/// # Errors
/// [`Refusal`].
pub(super) async fn unregister(
    devices: &DeviceServices,
    cx: &Context,
    path: &str,
    call: &Call,
    attempt: &mut Attempt,
) -> Result<(), Refusal> {
    let named = uuid::Uuid::try_parse(path).ok().map(DeviceId);
    attempt.device.device = named;
    let Some(certificate) = call.connection.client_certificates.first() else {
        let reason = if call.connection.asks_for_certificate {
            "the client showed none"
        } else {
            "none is asked for on this name; devices leave at the host of the join endpoint"
        };
        return Err(Refusal::DeviceCertificate(reason.to_owned()));
    };
    let stranger = devices.limits.stranger(call.origin.client_ip)?;
    if let (Ok((_, shown)), Ok(mark)) = (X509Certificate::from_der(certificate), CertificateMark::of(certificate)) {
        attempt.device.set_certificate(&mark, &hex::encode(shown.raw_serial()));
    }
    if !devices.registry.service().await?.enabled {
        return Err(Refusal::SwitchedOff);
    }
    let device = match device_by_certificate(devices, certificate, cx.services.clock.now()).await {
        Ok(device) => device,
        Err(DeviceAuthnError::Registry(failure)) => return Err(failure.into()),
        Err(refused) => return Err(Refusal::DeviceCertificate(refused.to_string())),
    };
    stranger.is_known();
    attempt.parties.sid = device.owner;
    attempt.device.display_name = Some(Name::public(&device.display_name));
    if named != Some(device.id) {
        return Err(Refusal::DeviceCertificate(format!("it is that of {}, and the path names another", device.id)));
    }
    if !devices.registry.delete(device.id).await? {
        return Err(Refusal::DeviceCertificate(String::from("its device is gone")));
    }
    attempt.succeeded(cx).await
}
