//! Answers in JSON: a registration, and errors in their published form (device-registration.md 4.4, 4.5).

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use time::format_description::FormatItem;
use time::macros::format_description;

use super::discovery::JSON;
use super::refusal::{Refusal, WireError};
use crate::clock::UtcTime;
use crate::correlation::CorrelationId;
use crate::protocols::http::Answer;

/// The answer to a join that succeeded.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Joined<'a> {
    certificate: Certificate,
    user: User<'a>,
    membership_changes: [MembershipChange; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Certificate {
    thumbprint: String,
    raw_body: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct User<'a> {
    upn: &'a str,
}

/// Whom the client should make local administrators: nobody, which on premises is the domain's business.
#[derive(Debug, Serialize)]
struct MembershipChange {
    #[serde(rename = "LocalSID")]
    local_sid: &'static str,
    #[serde(rename = "AddSIDs")]
    add_sids: [&'static str; 0],
}

/// An error; four texts, all of them always.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Failure<'a> {
    error_type: &'static str,
    message: &'a str,
    trace_id: String,
    time: String,
}

/// The device's certificate, for whom it was registered.
///
/// # Errors
/// [`Refusal::Write`].
pub(super) fn joined(certificate: &[u8], thumbprint: String, upn: &str) -> Result<Vec<u8>, Refusal> {
    let joined = Joined {
        certificate: Certificate { thumbprint, raw_body: STANDARD.encode(certificate) },
        user: User { upn },
        membership_changes: [MembershipChange { local_sid: "S-1-5-32-544", add_sids: [] }],
    };
    serde_json::to_vec(&joined).map_err(|error| Refusal::Write(error.to_string()))
}

/// The error answer of a refusal. `TraceId` is the request's correlation id, which the log has too.
pub(super) fn failed(refusal: &Refusal, correlation: CorrelationId, now: UtcTime) -> Answer {
    let WireError { status, error_type, message, retry } = refusal.wire();
    let failure = Failure {
        error_type: error_type.as_str(),
        message: &message,
        trace_id: correlation.to_string(),
        time: published_time(now),
    };
    let body = serde_json::to_vec(&failure).unwrap_or_default();
    let answer = traced(Answer::new(status, JSON, body), correlation);
    with_hints(answer, status, retry)
}

/// The same answer with the id of its request, which support asks for.
pub(super) fn traced(answer: Answer, correlation: CorrelationId) -> Answer {
    match HeaderValue::from_str(&correlation.to_string()) {
        Ok(id) => answer.with_header(REQUEST_ID, id),
        Err(_) => answer,
    }
}

/// What a client needs beside the status: that a token is wanted, or when to try again.
pub(super) fn with_hints(answer: Answer, status: StatusCode, retry: bool) -> Answer {
    let answer = if retry { answer.with_header(header::RETRY_AFTER, RETRY_AFTER) } else { answer };
    if status == StatusCode::UNAUTHORIZED {
        answer.with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    } else {
        answer
    }
}

/// As in the only published example: month first.
fn published_time(now: UtcTime) -> String {
    now.civil().format(TIME).unwrap_or_else(|_| String::from("01-01-1970 00:00:00Z"))
}

const TIME: &[FormatItem<'_>] = format_description!("[month]-[day]-[year] [hour]:[minute]:[second]Z");
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
/// Long enough for a directory to come back, short enough for somebody who waits.
pub(super) const RETRY_AFTER: HeaderValue = HeaderValue::from_static("30");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::enrolment::EnrolmentRefusal;

    #[test]
    fn a_registration() {
        let body = joined(b"\x30\x82", "0123ABCD".into(), "ws01$@corp.example").unwrap();
        assert_eq!(
            String::from_utf8(body).unwrap(),
            r#"{"Certificate":{"Thumbprint":"0123ABCD","RawBody":"MII="},"User":{"Upn":"ws01$@corp.example"},"MembershipChanges":[{"LocalSID":"S-1-5-32-544","AddSIDs":[]}]}"#
        );
    }

    #[test]
    fn an_error() {
        let correlation = CorrelationId::from_client("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0").unwrap();
        let now = UtcTime::from_xml("2016-02-24T17:37:01.5Z").unwrap();
        let quota = Refusal::Enrolment(EnrolmentRefusal::Quota { count: 10, limit: 10 });
        let answer = failed(&quota, correlation, now);
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(
            String::from_utf8(answer.body).unwrap(),
            r#"{"ErrorType":"AuthorizationError","Message":"DeviceCapReached","TraceId":"0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0","Time":"02-24-2016 17:37:01Z"}"#
        );
        let header = |answer: &Answer, name: &str| {
            answer.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.to_str().unwrap().to_owned())
        };
        assert_eq!(header(&failed(&quota, correlation, now), "request-id").unwrap(), correlation.to_string());
        let busy = failed(&Refusal::SwitchedOff, correlation, now);
        assert_eq!((busy.status.as_u16(), header(&busy, "retry-after").as_deref()), (503, Some("30")));
        let unknown = failed(&Refusal::Token("x".into()), correlation, now);
        assert_eq!((unknown.status.as_u16(), header(&unknown, "www-authenticate").as_deref()), (401, Some("Bearer")));
    }
}
