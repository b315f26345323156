//! HTTP itself in the audit log, at the level `verbose`: what arrived, with which header fields of a proxy, and what was answered
//! (events 403, 410 and 404 of ws-federation.md 12.3).
//!
//! Knows no protocol: these events say what came in before anybody has read it. The header fields are those of a list, because
//! others that begin alike carry credentials (`x-ms-RefreshTokenCredential`).

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap};

use crate::audit::{AuthProtocol, EventKind, Identifier, Name};
use crate::issuance::Context;
use crate::protocols::environment::Environment;
use crate::protocols::http::Call;

/// The events of one request.
pub(super) struct HttpAudit(Context);

impl HttpAudit {
    /// Writes 403, and 410 where a proxy or a service of Microsoft's added something.
    pub(super) fn received(environment: &Environment, call: &Call, local_port: u16) -> Self {
        let context = environment.context(call, AuthProtocol::Undecided, &call.path);
        let length = call.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        let arrived = EventKind::RequestReceived {
            method: Name::public(call.method.as_str()),
            local_port,
            content_length: length.and_then(|length| length.parse().ok()),
        };
        let headers = context_headers(&call.headers);
        let present = (!headers.is_empty()).then_some(EventKind::RequestContext { headers });
        context.note([arrived].into_iter().chain(present));
        Self(context)
    }

    /// Writes 404.
    pub(super) fn answered(&self, status: StatusCode) {
        let description = status.canonical_reason().unwrap_or_default();
        self.0.note([EventKind::ResponseSent { status: status.as_u16(), description }]);
    }
}

/// The header fields of the list that are there, as they came.
fn context_headers(headers: &HeaderMap) -> Vec<(Name, Identifier)> {
    let of = |name: &'static str| {
        headers.get_all(name).map(move |value| {
            let text = String::from_utf8_lossy(value.as_bytes());
            // The path may come with its query.
            let value = if name == PATH { Identifier::path(&text) } else { Identifier::public(&text) };
            (Name::constant(name), value)
        })
    };
    CONTEXT_HEADERS.into_iter().flat_map(of).collect()
}

const PATH: &str = "X-MS-Endpoint-Absolute-Path";

/// What AD FS proxies and Exchange Online say of the request that they pass on (ws-federation.md 11.2).
const CONTEXT_HEADERS: [&str; 6] = [
    "X-MS-Proxy",
    PATH,
    "X-MS-Forwarded-Client-IP",
    "X-MS-ADFS-Proxy-Client-IP",
    "X-MS-Client-Application",
    "X-MS-Client-User-Agent",
];
