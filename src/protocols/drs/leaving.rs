//! The end of a registration: a device shows its certificate in TLS and is forgotten (device-registration.md 4.7).
//!
//! The certificate finds the device; the path may only agree with it.

use x509_parser::prelude::{AttributeTypeAndValue, FromDer as _, X509Certificate};

use super::attempt::Attempt;
use super::refusal::Refusal;
use crate::clock::UtcTime;
use crate::devices::{CertificateMark, Device, DeviceId, DeviceServices, is_issued_by_one};
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
    attempt.device.device = uuid::Uuid::try_parse(path).ok().map(DeviceId);
    let Some(certificate) = call.connection.client_certificates.first() else {
        return Err(Refusal::DeviceCertificate(if call.connection.asks_for_certificate {
            "the client showed none"
        } else {
            "none is asked for on this name; devices leave at the host of the join endpoint"
        }));
    };
    let service = devices.registry.service().await?;
    if !service.enabled {
        return Err(Refusal::SwitchedOff);
    }
    let shown = Shown::read(certificate, cx.services.clock.now())?;
    attempt.device.set_certificate(&shown.mark, &shown.serial);
    let issuers = [devices.authority.issuers(), &service.published_issuers].concat();
    if !is_issued_by_one(certificate, &issuers) {
        return Err(Refusal::DeviceCertificate("no authority of this service issued it"));
    }
    let device = devices.registry.find_by_certificate(&shown.mark).await?;
    let device = agreed(device, &shown, attempt.device.device)?;
    attempt.parties.sid = device.owner;
    attempt.device.display_name = Some(crate::audit::Name::public(&device.display_name));
    if !devices.registry.delete(device.id).await? {
        return Err(Refusal::DeviceCertificate("its device is gone"));
    }
    attempt.succeeded(cx).await
}

/// The device of the certificate, when the registry, the certificate and the path name the same, and it is enabled.
fn agreed(device: Option<Device>, shown: &Shown, path: Option<DeviceId>) -> Result<Device, Refusal> {
    let device = device.ok_or(Refusal::DeviceCertificate("no registered device has it"))?;
    if Some(device.id) != path || Some(device.id) != shown.subject {
        return Err(Refusal::DeviceCertificate("it is that of another device than the path names"));
    }
    if !device.enabled {
        return Err(Refusal::DeviceCertificate("its device is disabled"));
    }
    Ok(device)
}

/// What counts of a certificate that was shown.
struct Shown {
    mark: CertificateMark,
    serial: String,
    subject: Option<DeviceId>,
}

impl Shown {
    fn read(der: &[u8], now: UtcTime) -> Result<Self, Refusal> {
        let damaged = || Refusal::DeviceCertificate("it cannot be read");
        let (_, certificate) = X509Certificate::from_der(der).map_err(|_| damaged())?;
        let validity = certificate.validity();
        let now = now.unix_seconds();
        if now < validity.not_before.timestamp() || now > validity.not_after.timestamp() {
            return Err(Refusal::DeviceCertificate("it is not valid now"));
        }
        let mut names = certificate.subject().iter_common_name();
        let subject = match (names.next().map(AttributeTypeAndValue::as_str), names.next()) {
            (Some(Ok(name)), None) => uuid::Uuid::try_parse(name).ok().map(DeviceId),
            _ => None,
        };
        let mark = CertificateMark::of(der).map_err(|_| damaged())?;
        Ok(Self { mark, serial: hex::encode(certificate.raw_serial()), subject })
    }
}
