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
    forget(devices, cx, device.id, attempt).await
}

/// What is deleted cannot be brought back: the log has it before it is done.
async fn forget(devices: &DeviceServices, cx: &Context, device: DeviceId, attempt: &Attempt) -> Result<(), Refusal> {
    attempt.succeeded(cx).await?;
    if devices.registry.delete(device).await? {
        Ok(())
    } else {
        Err(Refusal::DeviceCertificate(String::from("its device is gone")))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::super::attempt::Purpose;
    use super::super::testing::{World, claims, user};
    use super::*;
    use crate::devices::JoinType;

    #[tokio::test]
    async fn a_device_whose_end_the_log_does_not_know_stays() {
        let world = World::new();
        world.join(&claims(user()), JoinType::WorkplaceJoin).await.unwrap();
        let device = world.registry.devices.lock().unwrap().first().map(|device| device.id).unwrap();
        let attempt = Attempt::new(Purpose::Unregister);
        let forget = || forget(&world.devices, &world.cx, device, &attempt);
        world.log.fails.store(true, Ordering::Relaxed);
        let refused = forget().await.unwrap_err();
        assert!(matches!(refused, Refusal::Audit(_)), "{refused}");
        assert_eq!(world.kept(), 1);
        world.log.fails.store(false, Ordering::Relaxed);
        forget().await.unwrap();
        assert_eq!(world.kept(), 0);
    }
}
