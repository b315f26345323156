//! Scripts of other origins: those that are listed may call what is for scripts, without cookies; nobody else, and nothing else.

use crate::support::oauth::{form, json};
use crate::support::{Node, NodeSetup, Response};

const LISTED: &str = "https://app.rp.example";

/// What scripts are for, and a method of each.
const FOR_SCRIPTS: [(&str, &str); 5] = [
    ("/adfs/.well-known/openid-configuration", "GET"),
    ("/adfs/discovery/keys", "GET"),
    ("/adfs/oauth2/token", "POST"),
    ("/adfs/oauth2/devicecode", "POST"),
    ("/adfs/userinfo", "GET"),
];

fn node() -> Node {
    let origins = format!("[oauth]\ncors_origins = [\"{LISTED}\", \"https://spa.rp.example:8443\"]\n\n[sign_in]\n");
    NodeSetup::new().replace("[sign_in]\n", &origins).start()
}

fn send(node: &Node, path: &str, method: &str, origin: &str) -> Response {
    let request = node.curl(path).header("Origin", origin);
    match method {
        "POST" => request.post(form(&[("grant_type", "srv_challenge")])).send(),
        "GET" => request.send(),
        other => request.args(["--request", other]).header("Access-Control-Request-Method", "POST").send(),
    }
}

#[test]
fn a_listed_origin_reads_the_answers_and_another_does_not() {
    let node = node();
    for (path, method) in FOR_SCRIPTS {
        for origin in [LISTED, "https://spa.rp.example:8443"] {
            let answer = send(&node, path, method, origin);
            assert_eq!(answer.header("access-control-allow-origin"), Some(origin), "{path}: {}", answer.body);
            // Nobody's cookies, and no cache mixes up who asked.
            assert_eq!(answer.header("access-control-allow-credentials"), None, "{path}");
            assert!(answer.header("vary").is_some_and(|vary| vary.contains("Origin")), "{path}");
        }
        for origin in
            ["https://evil.example", "https://app.rp.example.evil.example", "http://app.rp.example", "null", "*"]
        {
            let answer = send(&node, path, method, origin);
            assert_eq!(answer.header("access-control-allow-origin"), None, "{path} {origin}");
        }
    }
    // It is the whole answer that is read.
    let document = json(&send(&node, "/adfs/.well-known/openid-configuration", "GET", LISTED));
    assert!(document["token_endpoint"].as_str().is_some_and(|endpoint| endpoint.contains("/adfs/oauth2/token")));
}

#[test]
fn a_listed_origin_is_told_beforehand_what_it_may_send() {
    let node = node();
    for (path, method) in FOR_SCRIPTS {
        let asks = |origin: &str| {
            let request = node.curl(path).args(["--request", "OPTIONS"]).header("Origin", origin);
            let request = request.header("Access-Control-Request-Method", method);
            request.header("Access-Control-Request-Headers", "authorization, client-request-id").send()
        };
        let answer = asks(LISTED);
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some(LISTED)), "{path}");
        let allowed = answer.header("access-control-allow-methods").unwrap_or_default();
        assert!(allowed.contains(method), "{path}: {allowed}");
        assert_eq!(answer.header("access-control-allow-headers"), Some("authorization, client-request-id"), "{path}");
        let refused = asks("https://evil.example");
        assert_eq!((refused.status, refused.header("access-control-allow-origin")), (405, None), "{path}");
    }
}

#[test]
fn pages_are_for_no_script_of_another_origin() {
    let node = node();
    for path in ["/adfs/oauth2/authorize", "/adfs/oauth2/logout", "/adfs/ls/", "/adfs/portal/updatepassword/"] {
        for method in ["GET", "OPTIONS"] {
            let answer = send(&node, path, method, LISTED);
            assert_eq!(answer.header("access-control-allow-origin"), None, "{method} {path}");
        }
    }
    // Where no origin is listed there is none.
    let none = NodeSetup::new().start();
    let answer = send(&none, "/adfs/.well-known/openid-configuration", "GET", LISTED);
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, None));
}
