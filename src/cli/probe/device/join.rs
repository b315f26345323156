//! The registration (MS-DVRJ, device-registration.md 4).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::super::failure::{Failure, Passed, Step};
use super::super::http::Http;
use super::super::request::{Request, shortened};
use super::args::Join;
use super::discovery::{DSREG, Service};
use super::keys::DeviceKeys;
use super::refusal;
use super::sign_in::RegistrationToken;

/// A device that is registered.
pub(super) struct Joined {
    /// DER.
    pub(super) certificate: Vec<u8>,
    /// As the answer says it.
    pub(super) thumbprint: String,
}

/// What the device says of itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) join: Join,
    pub(super) name: &'a str,
    pub(super) domain: &'a str,
}

/// Registers the device.
pub(super) fn join(
    http: &Http<'_>,
    service: &Service,
    token: &RegistrationToken,
    keys: &DeviceKeys,
    about: About<'_>,
) -> Step<Joined> {
    let request = json!({
        "CertificateRequest": {"Type": "pkcs10", "Data": STANDARD.encode(keys.certificate_request()?)},
        "TransportKey": STANDARD.encode(keys.transport_blob()),
        "TargetDomain": about.domain,
        "DeviceType": "Windows",
        "OSVersion": "10.0.26100.0",
        "DeviceDisplayName": about.name,
        "JoinType": about.join.number(),
    });
    let bearer = token.text.expose();
    let mut message = Request::json(format!("{}?api-version=1.0", service.join), &request)
        .header("User-Agent", DSREG)
        .secret_header("Authorization", format!("Bearer {bearer}"), format!("Bearer {}", shortened(bearer)));
    // In a report the keys stand in the way of what differs.
    message.brief = without_keys(&request);
    let reply = http.send(&message)?;
    if reply.status != 200 && reply.status != 201 {
        return Err(refusal::registration(&reply));
    }
    let answer =
        reply.json().map(serde_json::Value::Object).ok_or_else(|| refusal::no_answer_of_the_service(&reply))?;
    let text = |path: &str| answer.pointer(path).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    let certificate = STANDARD.decode(text("/Certificate/RawBody")).unwrap_or_default();
    if certificate.is_empty() {
        return Err(Failure::new("the answer holds no certificate").advise(
            "The device is registered now, and cannot be removed by this program: `chancery devices list` shows it.",
        ));
    }
    let joined = Joined { certificate, thumbprint: text("/Certificate/Thumbprint") };
    let what = format!("registered for {}, certificate {}", text("/User/Upn"), joined.thumbprint);
    Ok(Passed::new(joined, what))
}

/// The request with the lengths of its keys instead of these.
fn without_keys(request: &serde_json::Value) -> Option<String> {
    let mut shown = request.clone();
    for path in ["/CertificateRequest/Data", "/TransportKey"] {
        let value = shown.pointer_mut(path)?;
        *value = shortened(value.as_str()?).into();
    }
    Some(shown.to_string())
}
