//! The end of the registration (MS-DVRJ 3.1.5.1.2): by the device's certificate, in TLS.

use openssl::x509::X509;

use super::super::failure::{Failure, Passed, Step};
use super::super::http::Http;
use super::super::request::Request;
use super::discovery::{DSREG, Service};
use super::keys::DeviceKeys;
use super::refusal;

/// Removes the device.
pub(super) fn leave(http: &Http<'_>, service: &Service, certificate: &[u8], keys: &DeviceKeys) -> Step<()> {
    let certificate = X509::from_der(certificate)
        .map_err(|_| Failure::new("the certificate cannot be read, so that the device cannot leave").advise(REMOVE))?;
    let name = certificate.subject_name().entries().next().and_then(|entry| entry.data().to_string().ok());
    let id = name.unwrap_or_default();
    let with_certificate = http.with_certificate(&certificate, keys.device())?;
    let url = format!("{}{id}?api-version=1.0", service.join);
    let reply = with_certificate.send(&Request::delete(url).header("User-Agent", DSREG))?;
    if reply.status == 200 {
        return Ok(Passed::new((), format!("the device {id} is removed")));
    }
    let failure = refusal::registration(&reply);
    // What is said of tokens does not fit here.
    let failure = if reply.status == 401 { Failure::new(failure.what).advise(NO_CERTIFICATE) } else { failure };
    Err(failure.advise(format!("{REMOVE} {id}")))
}

const NO_CERTIFICATE: &str = "The certificate did not arrive, or is not that of a registered, enabled device: where TLS ends at a balancer, it \
                              must pass TLS through for the host of JoinEndpoint, and the server must ask for certificates there. Windows \
                              shows 0x801c001b.";
const REMOVE: &str = "The device is still registered: chancery devices delete";
