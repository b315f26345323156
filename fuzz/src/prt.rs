//! What a device sends: signed texts, and the payloads in them.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chancery::prt::{
    DeviceCertificate, Exchange, KdfVersion, PrtRequest, RefreshTokenCredential, Reply, SessionKey, SessionSigned,
    SignedRequest, TransportKey, UserAssertion,
};

use super::{NOW, SEALER};

/// Octets as a signed text, as a header of `PKeyAuth`, as a transport key, and as a payload that a session key signed. The one
/// text that verifies is the last: no other is signed by a key that is known here.
pub fn prt_request(input: &[u8]) {
    match TransportKey::read(input) {
        Ok(key) => drop(format!("{key:?}")),
        Err(error) => drop(error.to_string()),
    }
    payload(input);
    let Ok(text) = std::str::from_utf8(input) else { return };
    match SignedRequest::read(text) {
        Ok(SignedRequest::ByDevice(signed)) => match DeviceCertificate::read(signed.certificate()) {
            Ok(certificate) => drop((certificate.thumbprint(), signed.verify().is_ok())),
            Err(error) => drop(error.to_string()),
        },
        Ok(SignedRequest::BySession(signed)) => {
            assert!((16..=64).contains(&signed.ctx().len()));
            assert!(Exchange::read(&signed, &SEALER, NOW).is_err(), "a PRT of nobody's");
            assert!(RefreshTokenCredential::read(&signed, &SEALER).is_err(), "a PRT of nobody's");
        }
        Err(error) => drop(error.to_string()),
    }
    match UserAssertion::read(text) {
        Ok(UserAssertion::Hello(assertion)) => assert!(assertion.verify(&[], &[], NOW).is_err()),
        Ok(UserAssertion::Certificate(assertion)) => assert!(assertion.verify(&[], NOW).is_err()),
        Err(error) => drop(error.to_string()),
    }
    if let Some(reply) = Reply::read(text) {
        drop(reply.map_err(|error| error.to_string()));
    }
}

fn payload(payload: &[u8]) {
    static KEY: LazyLock<SessionKey> = LazyLock::new(|| SessionKey::from_octets([7; 32]));
    const CTX: [u8; 24] = [9; 24];
    let header = format!(r#"{{"alg":"HS256","ctx":"{}","kdf_ver":2}}"#, STANDARD.encode(CTX));
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = KEY.derive(KdfVersion::Two, &CTX, payload).sign(signed.as_bytes());
    let text = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
    let Ok(signed) = SessionSigned::read(&text) else { return };
    match signed.verify(&KEY) {
        Ok(members) => match PrtRequest::read(&members, NOW) {
            Ok(request) => assert!(!request.client_id.is_empty()),
            Err(error) => drop(error.to_string()),
        },
        Err(error) => drop(error.to_string()),
    }
}
