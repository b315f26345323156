//! From an HTTP request of the web framework to a [`Call`], and from an [`Answer`] back.
//!
//! The only file that knows both. Reads the body within its limits, decides where the request came from, refuses what no
//! endpoint may see, and puts the correlation id and the security header fields on every answer.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt as _;
use zeroize::Zeroizing;

use crate::authn::{ForwardingHeaders, NetworkPolicy, RequestOrigin};
use crate::correlation::CorrelationId;
use crate::protocols::http::{Answer, Call, Connection};

use super::application::{Application, Serving};
use super::http_audit::HttpAudit;
use super::patience::UnderWay;
use super::routes::{self, Endpoint};

/// Which listener a request came in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// TLS, the whole product.
    Public,
    /// Plain HTTP on port 80: health only.
    PlainHttp,
    /// The management port: health only, never exposed.
    Management,
}

/// Bounds on one request.
#[derive(Debug, Clone, Copy)]
pub struct RequestLimits {
    /// Octets of a body.
    pub body: usize,
    /// Octets of all header fields together; big Kerberos tickets need 64 KiB.
    pub header: usize,
    /// Time a client has to send the body.
    pub body_time: Duration,
}

/// Answers one request.
pub(super) async fn serve(
    application: Arc<Application>,
    listener: Listener,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    let _under_way = UnderWay::begin(&request);
    let correlation = correlation(&application, &request);
    let started = application.clock.monotonic();
    let serving = application.serving();
    let answer = answer(&serving, listener, &request, payload, correlation).await;
    let elapsed = application.clock.monotonic().saturating_sub(started);
    tracing::info!(
        target: "chancery::access",
        correlation = %correlation,
        method = %request.method(),
        path = request.path(),
        status = answer.status.as_u16(),
        microseconds = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
        "request"
    );
    render(&request, listener, answer, correlation)
}

async fn answer(
    serving: &Serving,
    listener: Listener,
    request: &HttpRequest,
    payload: Payload,
    correlation: CorrelationId,
) -> Answer {
    let connection = request.conn_data::<Arc<Connection>>().cloned().unwrap_or_default();
    if let Some(refusal) = misdirected(&connection, request) {
        return refusal;
    }
    let endpoint = match listener {
        Listener::Public => routes::public(request.path()),
        Listener::PlainHttp | Listener::Management => routes::plain_http(request.path()),
    };
    let Some(endpoint) = endpoint else { return Answer::empty(StatusCode::NOT_FOUND) };
    if !endpoint.methods().contains(request.method()) {
        return method_not_allowed(endpoint);
    }
    let Some(origin) = origin(&serving.network, request) else { return Answer::empty(StatusCode::BAD_REQUEST) };
    serving.strangers.notice(&origin, correlation);
    let mut call = Call {
        method: request.method().clone(),
        path: request.path().to_owned(),
        query: request.query_string().to_owned(),
        headers: request.headers().clone(),
        body: Zeroizing::default(),
        connection,
        origin,
        correlation,
    };
    // Before the client has authenticated its message is only drained, so that strangers fill no memory.
    let keep = !endpoint.authenticates_in_http() || request.headers().contains_key(header::AUTHORIZATION);
    let audit = (serving.audits_http && !endpoint.is_health())
        .then(|| HttpAudit::received(&serving.environment, &call, request.app_config().local_addr().port()));
    let body = if header_octets(request.headers()) > serving.limits.header {
        Err(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
    } else {
        read_body(payload, serving.limits, keep).await
    };
    let answer = match body {
        Ok(body) => {
            call.body = body;
            serving.handle(endpoint, &call).await
        }
        Err(status) => {
            serving.unread(endpoint, &call, status);
            Answer::empty(status)
        }
    };
    if let Some(audit) = audit {
        audit.answered(answer.status);
    }
    answer
}

/// Octets of all header fields together, as HTTP/1.1 writes them: name, colon, space, value, line end.
fn header_octets(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len()).sum()
}

/// 421 when the name in TLS and the name in HTTP differ: the request was meant for another connection, on which a client
/// certificate may or may not have been asked for.
fn misdirected(connection: &Connection, request: &HttpRequest) -> Option<Answer> {
    let name = connection.server_name.as_deref()?;
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|value| value.to_str().ok())
        .or_else(|| request.uri().authority().map(actix_web::http::uri::Authority::as_str))?;
    let host =
        host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())).map_or(host, |(h, _)| h);
    (!host.eq_ignore_ascii_case(name)).then(|| Answer::empty(StatusCode::MISDIRECTED_REQUEST))
}

fn method_not_allowed(endpoint: Endpoint) -> Answer {
    let allowed: Vec<&str> = endpoint.methods().iter().map(Method::as_str).collect();
    let answer = Answer::empty(StatusCode::METHOD_NOT_ALLOWED);
    match HeaderValue::from_str(&allowed.join(", ")) {
        Ok(value) => answer.with_header(header::ALLOW, value),
        Err(_) => answer,
    }
}

/// The whole body, within its limits of size and time. It is read even where it will not be used: a client that has sent
/// its body before it saw the 401 must not meet a reset.
async fn read_body(mut payload: Payload, limits: RequestLimits, keep: bool) -> Result<Zeroizing<Vec<u8>>, StatusCode> {
    let read = async {
        // It may hold a password; room for a usual message at once leaves no copies of it behind.
        let mut body = Zeroizing::new(Vec::with_capacity(if keep { USUAL_BODY } else { 0 }));
        let mut received = 0_usize;
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| StatusCode::BAD_REQUEST)?;
            received = received.saturating_add(chunk.len());
            if received > limits.body {
                return Err(StatusCode::PAYLOAD_TOO_LARGE);
            }
            if keep {
                body.extend_from_slice(&chunk);
            }
        }
        Ok(body)
    };
    tokio::time::timeout(limits.body_time, read).await.unwrap_or(Err(StatusCode::REQUEST_TIMEOUT))
}

/// Where the request came from, after the trusted proxies.
fn origin(network: &NetworkPolicy, request: &HttpRequest) -> Option<RequestOrigin> {
    let peer = request.peer_addr()?.ip();
    // By octets: a balancer appends to the line that the client sent, and what the client put into it takes nothing away
    // from what the balancer says.
    let texts = |name| -> Vec<Cow<'_, str>> {
        request.headers().get_all(name).map(|value| String::from_utf8_lossy(value.as_bytes())).collect()
    };
    let [forwarded_for, proxy, forwarded_client, proxy_client] =
        ["x-forwarded-for", "x-ms-proxy", "x-ms-forwarded-client-ip", "x-ms-adfs-proxy-client-ip"].map(texts);
    let headers = ForwardingHeaders {
        x_forwarded_for: &lines(&forwarded_for),
        x_ms_proxy: &lines(&proxy),
        x_ms_forwarded_client_ip: &lines(&forwarded_client),
        x_ms_adfs_proxy_client_ip: &lines(&proxy_client),
    };
    Some(network.origin(peer, &headers))
}

fn lines<'a>(texts: &'a [Cow<'_, str>]) -> Vec<&'a str> {
    texts.iter().map(AsRef::as_ref).collect()
}

/// The client's id of the request: from the query, in which Microsoft Entra sends browsers with its own and which counts before the
/// header (oauth-oidc-prt.md 2.2), or from the header.
fn correlation(application: &Application, request: &HttpRequest) -> CorrelationId {
    let by_query = request.query_string().split('&').find_map(|pair| pair.strip_prefix("client-request-id="));
    let by_header = || request.headers().get("client-request-id").and_then(|value| value.to_str().ok());
    by_query
        .and_then(CorrelationId::from_client)
        .or_else(|| by_header().and_then(CorrelationId::from_client))
        .unwrap_or_else(|| {
            let mut octets = [0; 16];
            // An id that is all zeros is still an id; the request itself fails where randomness matters.
            let _ = application.random.fill(&mut octets);
            CorrelationId::from_random(octets)
        })
}

fn render(request: &HttpRequest, listener: Listener, answer: Answer, correlation: CorrelationId) -> HttpResponse {
    let mut response = HttpResponse::build(answer.status);
    for (name, value) in SECURITY_HEADERS {
        let name = HeaderName::from_static(name);
        if !answer.omitted.contains(&name) && answer.headers.iter().all(|(own, _)| *own != name) {
            response.insert_header((name, HeaderValue::from_static(value)));
        }
    }
    if listener == Listener::Public {
        response.insert_header((
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000; includeSubDomains"),
        ));
    }
    response.insert_header(("client-request-id", correlation.to_string()));
    if let Some(content_type) = answer.content_type {
        response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static(content_type)));
    }
    for (name, value) in answer.headers {
        response.append_header((name, value));
    }
    if request.method() == Method::HEAD { response.finish() } else { response.body(answer.body) }
}

/// Octets of a usual SOAP request.
const USUAL_BODY: usize = 8 << 10;

/// On every answer that has no own. Protocol answers are no documents: nothing may be loaded or framed.
const SECURITY_HEADERS: [(&str, &str); 5] = [
    ("cache-control", "no-store"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
];

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use actix_web::test::TestRequest;

    use super::*;
    use crate::authn::NetworkLocation;

    /// Behind the balancer 10.0.0.9, with the intranet 10.1.0.0/16.
    fn seen(headers: &[(&'static str, &[u8])]) -> RequestOrigin {
        let networks = |text: &str| vec![text.parse().unwrap()];
        let policy = NetworkPolicy::new(networks("10.0.0.9/32"), vec![], networks("10.1.0.0/16"));
        let mut request = TestRequest::default().peer_addr("10.0.0.9:4000".parse().unwrap());
        for (name, value) in headers {
            request = request.append_header((*name, HeaderValue::from_bytes(value).unwrap()));
        }
        origin(&policy, &request.to_http_request()).unwrap()
    }

    #[test]
    fn an_octet_that_is_no_ascii_hides_nothing_of_what_the_balancer_appended() {
        let client: IpAddr = "203.0.113.7".parse().unwrap();
        for line in [&b"\xff, 203.0.113.7"[..], b"10.1.2.3\x80, 203.0.113.7", "\u{e9}, 203.0.113.7".as_bytes()] {
            assert_eq!(seen(&[("x-forwarded-for", line)]).client_ip, client, "{line:?}");
        }
        let two_lines = seen(&[("x-forwarded-for", b"\xfe"), ("x-forwarded-for", b"203.0.113.7")]);
        assert_eq!(two_lines.client_ip, client);
        let inside = seen(&[("x-forwarded-for", b"\xff, 10.1.2.3")]);
        assert_eq!(inside.location, NetworkLocation::Intranet);
    }

    #[test]
    fn a_hop_that_cannot_be_read_is_no_client() {
        let unread = seen(&[("x-forwarded-for", b"10.1.2.3, \xff10.1.2.4")]);
        assert_eq!((unread.client_ip, unread.location), ("10.0.0.9".parse().unwrap(), NetworkLocation::Extranet));
    }

    #[test]
    fn a_proxy_that_cannot_be_read_is_present() {
        let outside = seen(&[("x-forwarded-for", b"10.1.2.3"), ("x-ms-proxy", b"wap\xff")]);
        assert_eq!((outside.location, outside.proxy), (NetworkLocation::Extranet, None));
    }
}
