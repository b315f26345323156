//! A join request: from the JSON of MS-DVRJ to a typed request (device-registration.md 4.1).
//!
//! As lenient as the service it stands in for: members nobody knows are passed over, the join type is a number or a text, the
//! content type is not looked at. A member that decides something stands once.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde_json::Value;

use crate::devices::JoinType;
use crate::devices::enrolment::EnrolmentRequest;

/// Why a body is no request that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// More octets than any request has.
    #[error("the request has {octets} octets, more than {MAX_BODY}")]
    TooLarge {
        /// Its octets.
        octets: usize,
    },
    /// Not the JSON of a request.
    #[error("the request is not readable: {0}")]
    Json(String),
    /// A member that cannot be used.
    #[error("{0}")]
    Member(&'static str),
}

/// Reads a join request.
///
/// # Errors
/// [`MessageError`].
pub fn read(body: &[u8]) -> Result<EnrolmentRequest, MessageError> {
    let message: Message = read_json(body)?;
    let request = message.certificate_request;
    if !request.kind.trim().eq_ignore_ascii_case("pkcs10") {
        return Err(MessageError::Member("CertificateRequest.Type is not pkcs10"));
    }
    Ok(EnrolmentRequest {
        join_type: join_type(&message.join_type)?,
        display_name: message.device_display_name,
        os_type: message.device_type,
        os_version: message.os_version,
        certificate_request: decode(&request.data)
            .ok_or(MessageError::Member("CertificateRequest.Data is not base64"))?,
        transport_key: match message.transport_key.as_deref().map(str::trim) {
            None | Some("") => None,
            Some(text) => Some(decode(text).ok_or(MessageError::Member("TransportKey is not base64"))?),
        },
        reuse: message.attributes.and_then(|attributes| attributes.reuse_device).as_ref().is_some_and(is_true),
    })
}

/// Reads a JSON body within its bounds.
pub(super) fn read_json<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, MessageError> {
    if body.len() > MAX_BODY {
        return Err(MessageError::TooLarge { octets: body.len() });
    }
    // .NET clients may put a byte order mark before it.
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    serde_json::from_slice(body).map_err(|error| {
        // Never the text itself: a value of the wrong type would be repeated.
        MessageError::Json(match error.classify() {
            serde_json::error::Category::Data => {
                format!("a member is missing, repeated or of the wrong type (line {})", error.line())
            }
            _ => format!("it is no JSON (line {})", error.line()),
        })
    })
}

/// Base64 as clients write it: with line breaks, with or without padding.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    if text.contains(|c: char| c.is_ascii_whitespace()) {
        let text: String = text.split_ascii_whitespace().collect();
        return LENIENT.decode(text).ok();
    }
    LENIENT.decode(text).ok()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Message {
    certificate_request: Request,
    transport_key: Option<String>,
    device_type: String,
    #[serde(rename = "OSVersion")]
    os_version: String,
    device_display_name: String,
    join_type: Value,
    #[serde(alias = "attributes")]
    attributes: Option<Attributes>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    #[serde(rename = "Type")]
    kind: String,
    data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes {
    reuse_device: Option<Value>,
}

fn join_type(value: &Value) -> Result<JoinType, MessageError> {
    let number = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.and_then(JoinType::from_number).ok_or(MessageError::Member("JoinType is none that is known"))
}

/// JSON's, and the texts that some clients send.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(value) => *value,
        Value::String(text) => text.eq_ignore_ascii_case("true"),
        _ => false,
    }
}

/// A request has 4 KiB.
pub(super) const MAX_BODY: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str = r#"{"CertificateRequest":{"Type":"pkcs10","Data":"MII="},"TransportKey":"UlNB\r\nMQ==",
        "TargetDomain":"sts.corp.example","DeviceType":"Windows","OSVersion":"10.0.26100.0","DeviceDisplayName":"WS01",
        "JoinType":6,"AikCertificate":"","AttestationData":""}"#;

    fn with(from: &str, to: &str) -> Result<EnrolmentRequest, MessageError> {
        assert!(REQUEST.contains(from));
        read(REQUEST.replacen(from, to, 1).as_bytes())
    }

    #[test]
    fn a_request_of_windows() {
        let request = read(REQUEST.as_bytes()).unwrap();
        assert_eq!(request.join_type, JoinType::DomainJoin);
        assert_eq!((request.display_name.as_str(), request.os_type.as_str()), ("WS01", "Windows"));
        assert_eq!(request.os_version, "10.0.26100.0");
        assert_eq!(request.certificate_request, b"0\x82");
        assert_eq!(request.transport_key.as_deref(), Some(&b"RSA1"[..]));
        assert!(!request.reuse);
    }

    #[test]
    fn what_clients_vary() {
        assert_eq!(with("\"JoinType\":6", "\"JoinType\":\"4\"").unwrap().join_type, JoinType::WorkplaceJoin);
        assert_eq!(with("\"JoinType\":6", "\"JoinType\":7").unwrap().join_type, JoinType::UnJoin);
        assert_eq!(with("MII=", "MII").unwrap().certificate_request, b"0\x82");
        assert_eq!(with("pkcs10", "PKCS10").unwrap().join_type, JoinType::DomainJoin);
        assert_eq!(with("\"TransportKey\":\"UlNB\\r\\nMQ==\",", "").unwrap().transport_key, None);
        for (member, reuse) in [
            (r#""Attributes":{"ReuseDevice":true,"SharedDevice":"x"}"#, true),
            (r#""Attributes":{"ReuseDevice":"True"}"#, true),
            (r#""attributes":{"ReuseDevice":"true"}"#, true),
            (r#""Attributes":{"ReuseDevice":"no","ReturnClientSid":"true"}"#, false),
            (r#""Attributes":{}"#, false),
            (r#""Attributes":null"#, false),
        ] {
            assert_eq!(with("\"AikCertificate\":\"\"", member).unwrap().reuse, reuse, "{member}");
        }
        let marked = [b"\xef\xbb\xbf", REQUEST.as_bytes()].concat();
        assert!(read(&marked).is_ok());
    }

    #[test]
    fn what_cannot_be_used() {
        for (from, to) in [
            ("\"JoinType\":6", "\"JoinType\":9"),
            ("\"JoinType\":6", "\"JoinType\":-1"),
            ("\"JoinType\":6", "\"JoinType\":null"),
            ("pkcs10", "cmc"),
            ("MII=", "M!I="),
            ("UlNB", "&&"),
        ] {
            assert!(matches!(with(from, to), Err(MessageError::Member(_))), "{to}");
        }
        for (from, to) in [
            ("\"JoinType\":6", "\"JoinType\":6,\"JoinType\":4"),
            ("\"DeviceType\":\"Windows\",", ""),
            ("\"WS01\"", "7"),
            ("{\"Certificate", "[{\"Certificate"),
            ("\"JoinType\":6", "\"Attributes\":{},\"attributes\":{},\"JoinType\":6"),
        ] {
            let error = with(from, to).unwrap_err();
            assert!(matches!(error, MessageError::Json(_)), "{to}: {error}");
            assert!(!error.to_string().contains("WS01"), "{error}");
        }
        assert!(matches!(read(&vec![b' '; MAX_BODY + 1]), Err(MessageError::TooLarge { .. })));
        assert!(matches!(read(b""), Err(MessageError::Json(_))));
        assert!(matches!(read("{".repeat(60_000).as_bytes()), Err(MessageError::Json(_))));
    }
}
