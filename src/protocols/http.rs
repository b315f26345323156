//! The HTTP values a protocol reads and writes.
//!
//! A protocol sees a request whose body is complete and whose origin is decided, and returns an answer as plain data. It
//! never sees the web framework's request, a socket or a stream.

use std::sync::Arc;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use zeroize::Zeroizing;

use crate::authn::RequestOrigin;
use crate::correlation::CorrelationId;
use crate::issuance::ClientHints;

/// What is known of the connection a request came on.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// Whether this process ended TLS on it.
    pub tls: bool,
    /// Server name the client asked for in TLS.
    pub server_name: Option<String>,
    /// DER of the certificate this process presented; the source of channel bindings.
    pub server_certificate: Option<Arc<[u8]>>,
    /// DER of the certificates the client presented, its own first. Presented only: nothing has been validated, but the
    /// client has proved that it holds the first one's key.
    pub client_certificates: Vec<Vec<u8>>,
    /// Whether this connection is one on which certificates are asked for.
    pub asks_for_certificate: bool,
}

/// One request, complete.
#[derive(Debug)]
pub struct Call {
    /// HTTP method.
    pub method: Method,
    /// Path as the client wrote it.
    pub path: String,
    /// Query string without the question mark.
    pub query: String,
    /// Header fields.
    pub headers: HeaderMap,
    /// The whole body; empty when there is none.
    pub body: Zeroizing<Vec<u8>>,
    /// The connection it came on.
    pub connection: Arc<Connection>,
    /// Where it came from, after trusted proxies.
    pub origin: RequestOrigin,
    /// Its correlation id.
    pub correlation: CorrelationId,
}

impl Call {
    /// What the client says about itself, for claims.
    pub fn hints(&self) -> ClientHints {
        let text = |name| self.header(name).map(|value| value.chars().take(MAX_HINT).collect());
        ClientHints {
            user_agent: text("user-agent"),
            application: text("x-ms-client-application"),
            client_user_agent: text("x-ms-client-user-agent"),
            windows_or_multi_factor: false,
        }
    }

    /// A header field as text; `None` when absent, repeated or not visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name);
        let value = values.next()?;
        values.next().is_none().then(|| value.to_str().ok())?
    }
}

/// The answer to a [`Call`].
#[derive(Debug)]
pub struct Answer {
    /// Status code.
    pub status: StatusCode,
    /// `Content-Type`; none for an empty body.
    pub content_type: Option<&'static str>,
    /// Further header fields.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Header fields of every answer that this one must not have.
    pub omitted: Vec<HeaderName>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer without a body.
    pub const fn empty(status: StatusCode) -> Self {
        Self { status, content_type: None, headers: Vec::new(), omitted: Vec::new(), body: Vec::new() }
    }

    /// An answer with a body.
    pub fn new(status: StatusCode, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, content_type: Some(content_type), body: body.into(), ..Self::empty(status) }
    }

    /// The same answer without a header field that every answer has otherwise.
    #[must_use]
    pub fn without(mut self, name: HeaderName) -> Self {
        self.omitted.push(name);
        self
    }

    /// The same answer with one more header field. It takes the place of one that every answer has otherwise.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// Characters of a statement about itself that are kept.
const MAX_HINT: usize = 1024;
