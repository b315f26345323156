//! Behind an HTTP proxy that ends the clients' TLS (HAProxy): what is believed of it, and what not (ws-federation.md 9.3 and 11).

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chancery::kerberos::bindings::tls_server_end_point;
use chancery::kerberos::initiator::TokenOptions;
use serde_json::Value;

use crate::bad_kerberos::token_bound;
use crate::fault::{USERNAME, WINDOWS, bare, rejected};
use crate::support::{
    Assertion, Audit, Curl, HaProxy, Lab, Node, NodeSetup, Response, certificate_of, claim, computer_tickets, request,
    variable,
};
use crate::wire::Route;

/// What the proxy adds to a request.
#[derive(Clone, Copy)]
enum Adds<'a> {
    /// The client's address, as balancers do.
    ForwardedFor,
    /// What a Web Application Proxy adds.
    Federation(&'a str),
}

/// A client somewhere, whose TLS ends at the proxy.
struct Client<'a> {
    node: &'a Node,
    proxy: &'a HaProxy,
    from: &'a str,
    headers: Vec<(&'a str, &'a str)>,
}

/// `Route::outside()`, as HAProxy sees it.
const OUTSIDE: &str = "127.0.0.9";
const INSIDE: &str = "127.0.0.1";

impl Client<'_> {
    fn curl(&self, path: &str) -> Curl {
        let curl = Curl::new(&format!("{}{path}", Lab::get().url)).args([
            "--connect-to",
            &format!("::{}:", self.proxy.address),
            "--interface",
            self.from,
        ]);
        self.headers.iter().fold(curl, |curl, (name, value)| curl.header(name, value))
    }

    fn by_ticket(&self) -> Response {
        self.curl(WINDOWS).negotiate(computer_tickets()).soap(request(WINDOWS).build()).send()
    }

    /// What the audit log says of a password, and what the token says of the network.
    fn by_password(&self) -> (Audit, String) {
        let user = format!("alice@{}", variable("LAB_DOMAIN"));
        let answer = self.curl(USERNAME).soap(request(USERNAME).password(&user, "Alice-Pw-1").build()).send();
        assert_eq!(answer.status, 200, "{}", answer.body);
        let audit = Audit::of(self.node.directory.join("audit.jsonl"), &answer.correlation);
        (audit, Assertion::cut(&answer.body).single(claim::INSIDE))
    }
}

/// An address of the lab's block for a proxy.
fn free_address() -> String {
    NodeSetup::new().address
}

/// A node that knows its proxy by this list; its network of proxies is not inside.
fn behind(list: &str, proxy: &str) -> NodeSetup {
    let setup = NodeSetup::new().replace("claims = \"values\"", "claims = \"values\"\nlevel = \"verbose\"");
    let intranet = format!("intranet = [\"127.0.0.1/32\", \"{}.0/24\"]", variable("LAB_BLOCK"));
    setup.replace(&intranet, &format!("intranet = [\"127.0.0.1/32\"]\n{list} = [\"{proxy}\"]"))
}

/// HAProxy with the service's certificate, which forwards by TLS of its own.
fn in_front_of(node: &Node, address: &str, adds: Adds<'_>) -> HaProxy {
    let ca = format!("{}/ca.pem", variable("LAB_TLS"));
    let server = format!(
        "{}:443 source {address} ssl verify required ca-file {ca} sni str({host}) verifyhost {host}",
        node.address,
        host = Lab::get().host
    );
    start(address, &server, adds)
}

/// HAProxy with the service's certificate in front of one server.
fn start(address: &str, server: &str, adds: Adds<'_>) -> HaProxy {
    let (tls, bundle) = (variable("LAB_TLS"), Lab::get().new_file("front.pem"));
    let read = |name: &str| fs::read(format!("{tls}/{name}")).expect("a certificate");
    fs::write(&bundle, [read("server.pem"), read("server.key")].concat()).expect("scratch is writable");
    let adds = match adds {
        Adds::ForwardedFor => "option forwardfor".to_owned(),
        Adds::Federation(name) => format!(
            "http-request set-header X-MS-Proxy {name}\n  http-request set-header X-MS-ADFS-Proxy-Client-IP %[src]\n  \
             http-request set-header X-MS-Endpoint-Absolute-Path %[path]"
        ),
    };
    let configuration = format!(
        "global\n  maxconn 100\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n\
         frontend sts\n  bind {address}:443 ssl crt {}\n  {adds}\n  default_backend nodes\nbackend nodes\n  \
         server node {server}\n",
        bundle.display()
    );
    HaProxy::start(address, &configuration)
}

fn says(event: &Value, fields: &[(&str, &str)]) {
    for (field, expected) in fields {
        assert_eq!(event[field], **expected, "{field} in {event}");
    }
}

#[test]
fn of_a_balancer_the_clients_address_decides() {
    let address = free_address();
    let node = behind("trusted_proxies", &address).start();
    let proxy = in_front_of(&node, &address, Adds::ForwardedFor);
    let client = |from, headers: &[(&'static str, &'static str)]| Client {
        node: &node,
        proxy: &proxy,
        from,
        headers: headers.to_vec(),
    };
    // Whatever a client writes itself, the balancer appends whom it saw.
    let spoofed = [("X-Forwarded-For", "127.0.0.1"), ("Forwarded", "for=127.0.0.1"), ("X-Real-IP", "127.0.0.1")];
    for (from, place, status, headers) in
        [(INSIDE, "Intranet", 200, &[][..]), (OUTSIDE, "Extranet", 404, &[]), (OUTSIDE, "Extranet", 404, &spoofed)]
    {
        let client = client(from, headers);
        assert_eq!((from, client.by_ticket().status), (from, status));
        let (audit, inside) = client.by_password();
        assert_eq!((from, &*inside), (from, if place == "Intranet" { "true" } else { "false" }));
        let fields =
            [("NetworkLocation", place), ("IpAddress", from), ("NetworkIpAddress", &address), ("ProxyServer", "N/A")];
        says(&audit.event(1202), &fields);
        says(&audit.event(1202), &[("ProxyIpAddress", "N/A")]);
    }
    // An AD FS proxy further out, which the balancer passes on: outside, wherever its own peer is.
    let through = client(INSIDE, &[("X-MS-Proxy", "wap2.corp.example")]);
    assert_eq!(through.by_ticket().status, 404);
    let (audit, inside) = through.by_password();
    assert_eq!(inside, "false");
    says(&audit.event(1202), &[("NetworkLocation", "Extranet"), ("ProxyServer", "wap2.corp.example")]);
    assert!(!node.log().contains("header fields of a proxy are ignored"), "{}", node.log());
}

#[test]
fn through_a_federation_proxy_everybody_is_outside() {
    let address = free_address();
    let node = behind("federation_proxies", &address).start();
    let proxy = in_front_of(&node, &address, Adds::Federation("wap1.corp.example"));
    for from in [INSIDE, OUTSIDE] {
        // Exchange Online says for whom it asks.
        let headers = vec![("X-MS-Forwarded-Client-IP", "198.51.100.7")];
        let client = Client { node: &node, proxy: &proxy, from, headers };
        assert_eq!((from, client.by_ticket().status), (from, 404), "never by Negotiate");
        let (audit, inside) = client.by_password();
        assert_eq!((from, &*inside), (from, "false"));
        says(
            &audit.event(1202),
            &[
                ("NetworkLocation", "Extranet"),
                ("IpAddress", from),
                ("ForwardedIpAddress", "198.51.100.7"),
                ("ProxyIpAddress", &address),
                ("ProxyServer", "wap1.corp.example"),
                ("NetworkIpAddress", &address),
            ],
        );
        // What rules see.
        let claims = audit.event(501)["Claims"].as_array().expect("claims").clone();
        let value = |name: &str| {
            let found = claims.iter().find(|line| line["Type"] == format!("{CONTEXT}{name}"));
            found
                .and_then(|line| line["Value"].as_str())
                .unwrap_or_else(|| panic!("no {name} in {claims:#?}"))
                .to_owned()
        };
        assert_eq!(value("x-ms-proxy"), "wap1.corp.example");
        assert_eq!(value("x-ms-client-ip"), from);
        assert_eq!(value("x-ms-forwarded-client-ip"), "198.51.100.7");
        assert_eq!(value("x-ms-endpoint-absolute-path"), USERNAME);
    }
}

#[test]
fn of_a_stranger_nothing_is_believed_and_it_is_said_once() {
    let address = free_address();
    // Its own address is inside, and it is no proxy of ours.
    let node = NodeSetup::new().start();
    for adds in [Adds::ForwardedFor, Adds::Federation("evil.example")] {
        let proxy = in_front_of(&node, &address, adds);
        let client = Client { node: &node, proxy: &proxy, from: OUTSIDE, headers: Vec::new() };
        assert_eq!(client.by_ticket().status, 200);
        let (audit, inside) = client.by_password();
        assert_eq!(inside, "true");
        says(
            &audit.event(1202),
            &[
                ("NetworkLocation", "Intranet"),
                ("IpAddress", &address),
                ("ForwardedIpAddress", ""),
                ("ProxyIpAddress", "N/A"),
                ("ProxyServer", "N/A"),
            ],
        );
    }
    node.logged("header fields of a proxy are ignored");
    let said = node.log().lines().filter(|line| line.contains("header fields of a proxy are ignored")).count();
    assert_eq!(said, 1, "{}", node.log());
    assert!(node.log().lines().any(|line| line.contains("are ignored") && line.contains(&address)), "{}", node.log());
}

#[test]
fn bindings_are_to_the_certificate_in_front() {
    let address = free_address();
    let tls = variable("LAB_TLS");
    let section = format!("[server.tls]\ncertificate_file = \"{tls}/server.pem\"\nkey_file = \"{tls}/server.key\"\n");
    let front = |setup: NodeSetup| {
        setup.replace(
            "[kerberos]",
            &format!("[kerberos]\nchannel_binding = \"require\"\nfront_certificates = [\"{tls}/server.pem\"]"),
        )
    };
    let ends = "tls_ends_in_front = true\nintranet = [";
    // One forwards plain HTTP, the other by TLS with a certificate that no client sees.
    let plain = front(behind("trusted_proxies", &address).replace(&section, "").replace("intranet = [", ends)).start();
    let (own, key) = certificate_of(&Lab::get().host);
    let other = format!("certificate_file = \"{}\"\nkey_file = \"{}\"", own.display(), key.display());
    let second = free_address();
    let encrypting = behind("trusted_proxies", &second)
        .replace(section.trim_start_matches("[server.tls]\n").trim_end(), &other)
        .replace("intranet = [", ends);
    let encrypting = front(encrypting).start();
    let proxies = [
        start(&address, &format!("{}:443 source {address}", plain.address), Adds::ForwardedFor),
        in_front_of(&encrypting, &second, Adds::ForwardedFor),
    ];
    let bound = |file: PathBuf| {
        let pem = fs::read(file).expect("a certificate");
        let der = openssl::x509::X509::from_pem(&pem).and_then(|certificate| certificate.to_der()).expect("DER");
        Some(tls_server_end_point(&der).expect("bindings"))
    };
    // Where no TLS ends here, nobody can be asked for a certificate, and none that needs one is named.
    let client = Client { node: &plain, proxy: &proxies[0], from: INSIDE, headers: Vec::new() };
    let mex = client.curl("/adfs/services/trust/mex").send();
    assert!(mex.body.contains("/certificatemixed") && !mex.body.contains("/certificatetransport"), "{}", mex.body);
    for (node, proxy) in [&plain, &encrypting].into_iter().zip(&proxies) {
        let route = Route::inside().to(proxy.address.parse().expect("an address"));
        for (bindings, good) in [
            (bound(PathBuf::from(&tls).join("server.pem")), true),
            (bound(PathBuf::from(&tls).join("rp.pem")), false),
            (None, false),
        ] {
            let token = token_bound(&TokenOptions { spnego: true, mutual: true, bindings });
            let authorization = format!("Negotiate {}", STANDARD.encode(token));
            let reply = route.post(WINDOWS, &[("Authorization", &authorization)], bare(WINDOWS).as_bytes());
            if good {
                assert_eq!(reply.status, 200, "{}: {}", reply.body, node.log());
            } else {
                assert_eq!((reply.status, &*reply.body), (401, ""));
                rejected(&reply.audit_in(&node.directory), "ChannelBinding");
            }
        }
    }
}

const CONTEXT: &str = "http://schemas.microsoft.com/2012/01/requestcontext/claims/";
