//! HTTP as no client should speak it, and requests that no endpoint may see.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::fault::{USERNAME, WINDOWS, message, unusable};
use crate::support::{Lab, eventually};
use crate::wire::{Reply, Route, address, host};

const MEX: &str = "/adfs/services/trust/mex";

#[test]
fn a_body_beyond_the_limit_is_too_large() {
    let user = format!("bob@{}", Lab::get().realm.to_lowercase());
    let good = message(&user, "Bob-Pw-1");
    let padded = |octets: usize| format!("{good}{}", " ".repeat(octets - good.len()));
    let limit = 1 << 20;
    assert_eq!(Route::inside().post(USERNAME, &[], padded(limit).as_bytes()).status, 200, "1 MiB is allowed");
    for octets in [limit + 1, 2 * limit] {
        let reply = Route::inside().post(USERNAME, &[], padded(octets).as_bytes());
        assert_eq!((reply.status, &*reply.body), (413, ""));
        unusable(&reply.audit(), "MSIS3127", "413");
    }
    // The size is not always told beforehand.
    let head = format!("POST {USERNAME} HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n\r\n", host());
    let chunk = format!("{:x}\r\n{}\r\n", 1 << 18, " ".repeat(1 << 18));
    let reply = Route::inside().octets(format!("{head}{}0\r\n\r\n", chunk.repeat(5)).as_bytes());
    let reply = reply.expect("an answer");
    assert_eq!(reply.status, 413);
    unusable(&reply.audit(), "MSIS3127", "413");
}

#[test]
fn big_tickets_are_answered_and_bigger_ones_refused() {
    // `Negotiate ` and a token: 48,000 octets in base64 are the most that Windows sends for the members of many groups.
    let token = |octets: usize| format!("Negotiate {}", "A".repeat(octets - "Negotiate ".len()));
    for octets in [32 << 10, 64_000] {
        let reply = Route::inside().post(WINDOWS, &[("Authorization", &token(octets / 4 * 4 - 2))], b"");
        assert_eq!((octets, reply.status, reply.header("www-authenticate")), (octets, 401, Some("Negotiate")));
        crate::fault::rejected(&reply.audit(), "MalformedToken");
    }
    let reply = Route::inside().post(WINDOWS, &[("Authorization", &token(70 << 10))], b"");
    assert_eq!(reply.status, 431);
    unusable(&reply.audit(), "MSIS3127", "431");
    // Beyond any buffer: refused as soon as it is too much; the rest is not waited for.
    let reply = Route::inside().post(WINDOWS, &[("Authorization", &token(300 << 10))], b"");
    assert!((400..500).contains(&reply.status), "{}", reply.status);
}

#[test]
fn two_readings_of_one_request_are_refused() {
    let smuggled = format!("GET /adfs/probe HTTP/1.1\r\nHost: {}\r\n\r\n", host());
    let request = |fields: &str, body: &str| {
        format!("POST {USERNAME} HTTP/1.1\r\nHost: {}\r\n{fields}\r\n\r\n{body}{smuggled}", host())
    };
    let chunked = "Transfer-Encoding: chunked";
    for (name, octets) in [
        ("length and chunks", request(&format!("Content-Length: 4\r\n{chunked}"), "0\r\n\r\n")),
        ("chunks and length", request(&format!("{chunked}\r\nContent-Length: 6"), "0\r\n\r\nX")),
        ("two lengths", request("Content-Length: 1\r\nContent-Length: 2", "xx")),
        ("two lengths in one", request("Content-Length: 1, 2", "xx")),
        ("the same length twice", request("Content-Length: 1\r\nContent-Length: 1", "x")),
        ("length with a sign", request("Content-Length: +1", "x")),
        ("negative length", request("Content-Length: -1", "x")),
        ("chunked twice", request(&format!("{chunked}\r\n{chunked}"), "0\r\n\r\n")),
        ("not really chunked", request("Transfer-Encoding: xchunked", "0\r\n\r\n")),
        ("chunked, and then not", request("Transfer-Encoding: chunked, identity", "0\r\n\r\n")),
        ("space before the colon", request("Transfer-Encoding : chunked", "0\r\n\r\n")),
        ("folded field", request("X-A: b\r\n c", "")),
        ("folded chunked", request("Transfer-Encoding:\r\n chunked", "0\r\n\r\n")),
        ("lone CR", request("X-A: b\rTransfer-Encoding: chunked", "0\r\n\r\n")),
        ("NUL", request("X-A: b\0c", "")),
        ("no host", format!("GET {MEX} HTTP/1.1\r\n\r\n")),
        ("two hosts", format!("GET {MEX} HTTP/1.1\r\nHost: {0}\r\nHost: {0}\r\n\r\n", host())),
    ] {
        let mut wire = Route::inside().open();
        wire.send(octets.as_bytes());
        let reply = wire.read_reply(std::time::Instant::now(), "", false);
        let status = reply.as_ref().map(|reply| reply.status);
        assert!(status.is_none_or(|status| (400..500).contains(&status)), "{name}: {status:?}");
        assert!(wire.is_closed(), "{name}: what follows was read as a request");
    }
}

#[test]
fn a_request_for_another_name_is_misdirected() {
    let ask = |name: &str, host: &str| -> Reply {
        let request = format!("GET {MEX} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        Route::inside().named(name).octets(request.as_bytes()).expect("an answer")
    };
    let (ours, certauth) = (host(), format!("certauth.{}", host()));
    assert_eq!(ask(&ours, &ours).status, 200);
    assert_eq!(ask(&ours, &ours.to_uppercase()).status, 200);
    assert_eq!(ask(&ours, &format!("{ours}:443")).status, 200);
    assert_eq!(ask(&certauth, &certauth).status, 200);
    for (name, host) in [(&*ours, &*certauth), (&*certauth, &*ours), (&*ours, "elsewhere.example"), (&*ours, "")] {
        let reply = ask(name, host);
        assert_eq!((name, host, reply.status, &*reply.body), (name, host, 421, ""));
        in_access_log(&reply, MEX);
    }
}

/// What no endpoint sees is in no audit, but in the access log: a line with the id that the client was told.
fn in_access_log(reply: &Reply, path: &str) {
    let correlation = reply.header("client-request-id").expect("a correlation id").to_owned();
    let status = reply.status.to_string();
    eventually("a line in the access log", || {
        let log = std::fs::read_to_string(Lab::get().config.join("../log/chancery.log")).expect("the server's log");
        log.lines().any(|line| {
            line.contains("chancery::access") && [&*correlation, path, &*status].iter().all(|told| line.contains(told))
        })
    });
}

#[test]
fn a_request_is_known_by_the_clients_id_in_its_query_or_its_header() {
    const QUERY: &str = "0b1c2d3e-4f50-4617-8899-aabbccddeeff";
    const HEADER: &str = "1b1c2d3e-4f50-4617-8899-aabbccddeeff";
    let ask = |id: &str, field: &str| -> Reply {
        let request = format!("GET {MEX}?a=b&client-request-id={id} HTTP/1.1\r\nHost: {}\r\n{field}\r\n", host());
        Route::inside().octets(request.as_bytes()).expect("an answer")
    };
    assert_eq!(ask(QUERY, "").header("client-request-id"), Some(QUERY));
    let both = ask(QUERY, &format!("client-request-id: {HEADER}\r\n"));
    assert_eq!(both.header("client-request-id"), Some(QUERY), "MS-ADFSOAL 2.2.1.1: the query counts");
    let header = format!("client-request-id: {HEADER}\r\n");
    assert_eq!(ask("x", &header).header("client-request-id"), Some(HEADER), "and what is no id does not");
    let other = ask("%3Cb%3E", "");
    assert!(other.header("client-request-id").is_some_and(|id| !id.contains('<') && id.len() == 36), "{other:?}");
}

#[test]
fn paths_and_methods_that_are_not_served() {
    let get = |path: &str| Route::inside().get(path, &[]).status;
    for path in [
        "/",
        "/adfs",
        "/adfs/services/trust/13",
        "/adfs/services/trust/13/usernamemixed/x",
        "/adfs/%73ervices/trust/mex",
        "/adfs/../adfs/probe",
        "//adfs/probe",
        "/metrics",
    ] {
        assert_eq!((path, get(path)), (path, 404));
    }
    for (method, path, allow) in [
        ("GET", USERNAME, "POST"),
        ("PUT", USERNAME, "POST"),
        ("OPTIONS", WINDOWS, "POST"),
        ("TRACE", WINDOWS, "POST"),
        ("DELETE", MEX, "GET, HEAD, POST"),
        ("POST", "/FederationMetadata/2007-06/FederationMetadata.xml", "GET, HEAD"),
        ("POST", "/adfs/probe", "GET, HEAD"),
    ] {
        let reply = Route::inside().open().request(method, path, &[], b"");
        assert_eq!((method, path, reply.status, reply.header("allow")), (method, path, 405, Some(allow)));
        assert_eq!(reply.body, "");
    }
    // An endpoint that is off.
    let path = "/adfs/services/trust/13/certificatetransport";
    let off = Route::inside().post(path, &[], b"");
    assert_eq!((off.status, &*off.body), (503, ""));
    in_access_log(&off, path);
    in_access_log(&Route::inside().get("/metrics", &[]), "/metrics");
    in_access_log(&Route::inside().get(USERNAME, &[]), USERNAME);
}

#[test]
fn plain_http_serves_health_and_nothing_else() {
    let ask = |method: &str, path: &str| -> u16 {
        let mut stream = TcpStream::connect((address(1), 80)).expect("port 80");
        stream.set_read_timeout(Some(std::time::Duration::from_secs(10))).expect("a time-out");
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            host()
        )
        .expect("sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("an answer");
        text.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("{text}"))
    };
    for path in ["/adfs/probe", "/healthz/live", "/healthz/ready"] {
        assert_eq!((path, ask("GET", path)), (path, 200));
    }
    for (method, path) in [
        ("GET", MEX),
        ("GET", "/FederationMetadata/2007-06/FederationMetadata.xml"),
        ("POST", USERNAME),
        ("POST", WINDOWS),
        ("GET", "/"),
    ] {
        assert_eq!((path, ask(method, path)), (path, 404), "{method}");
    }
}

#[test]
fn every_answer_has_the_security_headers() {
    for (path, status) in [(MEX, 200), ("/nothing", 404), (USERNAME, 405)] {
        let reply = Route::inside().get(path, &[]);
        assert_eq!(reply.status, status);
        for (name, value) in [
            ("strict-transport-security", "max-age=31536000; includeSubDomains"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ] {
            assert_eq!((path, name, reply.header(name)), (path, name, Some(value)));
        }
        assert_eq!(reply.header("client-request-id"), Some(&*reply.correlation));
        assert_eq!(reply.header("server"), None);
    }
}
