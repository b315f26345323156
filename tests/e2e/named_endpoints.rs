//! MEX and the federation metadata name what the one who asks can use, with the configuration there is: every address that they name
//! is tried.

use std::collections::BTreeSet;

use regex::Regex;

use crate::support::{Curl, Lab, Node, NodeSetup, certificate_of, variable};

const MEX: &str = "/adfs/services/trust/mex";
const METADATA: &str = "/FederationMetadata/2007-06/FederationMetadata.xml";
const OUTSIDE: [&str; 2] = ["--interface", "127.0.0.9"];

/// Every WS-Trust endpoint of the lab's configuration but `13/certificatetransport`, which is off unless it is switched on.
const ALL: [&str; 7] = [
    "2005/windowstransport",
    "2005/certificatemixed",
    "2005/certificatetransport",
    "2005/usernamemixed",
    "13/certificatemixed",
    "13/usernamemixed",
    "13/windowstransport",
];

#[test]
fn at_the_name_that_asks_for_certificates() {
    let node = NodeSetup::new().start();
    let certauth = format!("https://certauth.{}", Lab::get().host);
    all_answer(&node, &[], &ALL, Some(&certauth), "2005/certificatemixed");
    let outside: Vec<&str> = ALL.into_iter().filter(|path| !path.ends_with("windowstransport")).collect();
    all_answer(&node, &OUTSIDE, &outside, Some(&certauth), "2005/certificatemixed");
    // One document where it says the same: inside and outside it bears one signature.
    let document = |args: &[&str]| node.curl(METADATA).args(args.iter().copied()).send().body;
    assert_eq!(document(&[]), document(&OUTSIDE));
}

#[test]
fn at_the_port_that_asks_for_certificates_where_the_name_is_not_covered() {
    let setup = NodeSetup::new();
    let (before, after) = (format!("\"{}:49443\"", setup.address), format!("\"{}:50443\"", setup.address));
    let node = with_one_name(setup).replace(&before, &after).start();
    let port = format!("https://{}:50443", Lab::get().host);
    all_answer(&node, &[], &ALL, Some(&port), "2005/certificatemixed");
}

#[test]
fn nowhere_where_no_listener_asks_for_certificates() {
    let setup = NodeSetup::new();
    let listener = format!("client_certificate = [\"{}:49443\"]", setup.address);
    let node = with_one_name(setup).replace(&listener, "client_certificate = []").start();
    let without: Vec<&str> = ALL.into_iter().filter(|path| !path.ends_with("certificatetransport")).collect();
    all_answer(&node, &[], &without, None, "2005/certificatemixed");
    // What is not named is off.
    assert_eq!(node.curl("/adfs/services/trust/2005/certificatetransport").soap("<a/>").send().status, 503);
    // Whoever switches it on by name is told.
    let said = NodeSetup::new();
    let listener = format!("client_certificate = [\"{}:49443\"]", said.address);
    let said = with_one_name(said)
        .replace(&listener, "client_certificate = []")
        .append("[endpoints.trust_13.certificatetransport]\nenabled = true\n")
        .fails();
    assert!(said.contains("no listener asks clients for certificates"), "{said}");
}

#[test]
fn the_name_that_asks_for_certificates_needs_no_port() {
    let setup = NodeSetup::new();
    let listener = format!("client_certificate = [\"{}:49443\"]", setup.address);
    let node = setup
        .replace(&listener, "client_certificate = []")
        .append("[endpoints.trust_13.certificatetransport]\nenabled = true\n")
        .start();
    let certauth = format!("https://certauth.{}", Lab::get().host);
    let all: Vec<&str> = ALL.into_iter().chain(["13/certificatetransport"]).collect();
    all_answer(&node, &[], &all, Some(&certauth), "2005/certificatemixed");
}

#[test]
fn none_by_certificate_where_no_authority_is_known() {
    let tls = variable("LAB_TLS");
    let certificates = format!("client_ca_files = [\"{tls}/ca.pem\"]\ncrl_files = [\"{tls}/ca.crl\"]");
    let node = NodeSetup::new().replace(&certificates, "").start();
    let without: Vec<&str> = ALL.into_iter().filter(|path| !path.contains("certificate")).collect();
    all_answer(&node, &[], &without, None, "2005/usernamemixed");
}

/// Each side is told what is open to it, however often and in which order they ask.
#[test]
fn each_side_of_the_border_its_own() {
    let proxy = NodeSetup::new();
    let node = NodeSetup::new()
        .append(
            "[endpoints.trust_2005]\nusernamemixed.proxy_enabled = false\ncertificatemixed.enabled = false\n\
             certificatetransport.proxy_enabled = false\n[endpoints.trust_13]\ncertificatemixed.proxy_enabled = false\n",
        )
        .replace("intranet = [", &format!("federation_proxies = [\"{}\"]\nintranet = [", proxy.address))
        .start();
    let certauth = format!("https://certauth.{}", Lab::get().host);
    let inside: Vec<&str> = ALL.into_iter().filter(|path| *path != "2005/certificatemixed").collect();
    let outside = ["13/usernamemixed"];
    let through: [&str; 6] = [
        "--interface",
        &proxy.address,
        "--header",
        "X-MS-Proxy: wap1",
        "--header",
        "X-MS-Forwarded-Client-IP: 127.0.0.1",
    ];
    for _ in 0..2 {
        all_answer(&node, &OUTSIDE, &outside, None, "13/usernamemixed");
        all_answer(&node, &[], &inside, Some(&certauth), "13/certificatemixed");
        all_answer(&node, &through, &outside, None, "13/usernamemixed");
    }
    // What was not named does not answer there.
    for path in ALL.into_iter().filter(|path| !outside.contains(path) && *path != "2005/certificatemixed") {
        let answer = node.curl(&format!("/adfs/services/trust/{path}")).args(through).soap("<a/>").send();
        assert_eq!((path, answer.status), (path, 404));
    }
}

/// Asserts that both documents name these WS-Trust endpoints and nothing else, and that every address they name answers.
fn all_answer(node: &Node, from: &[&str], paths: &[&str], certificates_at: Option<&str>, in_metadata: &str) {
    let host = format!("https://{}", Lab::get().host);
    let at = |path: &str| {
        let origin = if path.ends_with("certificatetransport") { certificates_at.expect("a place") } else { &*host };
        format!("{origin}/adfs/services/trust/{path}")
    };
    let expected: BTreeSet<String> = paths.iter().map(|path| at(path)).collect();
    let mex = node.curl(MEX).args(from.iter().copied()).send();
    assert_eq!(mex.status, 200, "{}", mex.body);
    assert_eq!(mex.header("cache-control"), Some("no-store"), "nobody else is told what this one was");
    assert_eq!(addresses(&mex.body), expected);

    let metadata = node.curl(METADATA).args(from.iter().copied()).send();
    assert_eq!((metadata.status, metadata.header("cache-control")), (200, Some("no-store")));
    let named = addresses(&metadata.body);
    let trust: Vec<&String> = named.iter().filter(|address| address.contains("/adfs/services/trust/")).collect();
    assert_eq!(
        trust,
        [&at(in_metadata), &format!("{host}{MEX}")]
            .into_iter()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
    );

    for address in expected.iter().chain(&named) {
        // The certificate endpoints say 403 to who has none, the others 401, 400 or a fault: somebody is there.
        let request =
            Curl::new(address).args(["--connect-to", &format!("::{}:", node.address)]).args(from.iter().copied());
        let is_trust = expected.contains(address) || address.ends_with(in_metadata);
        let answer = if is_trust { request.soap("<a/>").send() } else { request.send() };
        assert!(![404, 405, 421, 502, 503].contains(&answer.status), "{address}: {}", answer.status);
    }
}

/// The addresses that a document names, without the identifier of the service, which is none.
fn addresses(document: &str) -> BTreeSet<String> {
    let pattern = Regex::new(r#"(?:[lL]ocation="|Address>)(https://[^"<]+)"#).expect("a pattern");
    pattern.captures_iter(document).map(|found| found[1].to_owned()).collect()
}

/// With a server certificate for the service's own name only.
fn with_one_name(setup: NodeSetup) -> NodeSetup {
    let ((certificate, key), authority) = (certificate_of(&Lab::get().host), variable("LAB_TLS"));
    setup
        .replace(&format!("{authority}/server.pem"), &certificate.display().to_string())
        .replace(&format!("{authority}/server.key"), &key.display().to_string())
}
