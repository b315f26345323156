//! What the world outside can reach, and what it cannot talk itself into (ws-federation.md 11).

use crate::bad_kerberos::ticket;
use crate::fault::{USERNAME, WINDOWS, bare, message, send};
use crate::support::Lab;
use crate::wire::Route;

const MEX: &str = "/adfs/services/trust/mex";

/// Everything a client could write to seem to be inside, or to be somebody else.
const SPOOFED: [(&str, &str); 8] = [
    ("X-Forwarded-For", "127.0.0.1"),
    ("X-Forwarded-For", "127.0.0.1, 127.0.0.1"),
    ("Forwarded", "for=127.0.0.1"),
    ("X-Real-IP", "127.0.0.1"),
    ("X-MS-Forwarded-Client-IP", "127.0.0.1"),
    ("X-MS-ADFS-Proxy-Client-IP", "127.0.0.1"),
    ("X-MS-Proxy", "proxy.corp.example"),
    ("X-MS-Endpoint-Absolute-Path", "/adfs/services/trust/13/windowstransport"),
];

#[test]
fn windows_authentication_does_not_exist_outside() {
    for path in [WINDOWS, "/adfs/services/trust/2005/windowstransport", "/ADFS/Services/Trust/13/WindowsTransport/"] {
        let empty = Route::outside().post(path, &[], b"");
        assert_eq!((path, empty.status, empty.header("www-authenticate")), (path, 404, None));
        let authorization = format!("Negotiate {}", ticket());
        for spoofed in SPOOFED {
            let headers = [("Authorization", &*authorization), spoofed];
            let reply = Route::outside().post(path, &headers, bare(path).as_bytes());
            assert_eq!((path, spoofed, reply.status, &*reply.body), (path, spoofed, 404, ""));
            assert_eq!(reply.audit().events(), Vec::<serde_json::Value>::new());
        }
    }
    // The same ticket is good inside: it was the place that was wrong.
    let reply = Route::inside().post(
        WINDOWS,
        &[("Authorization", &format!("Negotiate {}", ticket()))],
        bare(WINDOWS).as_bytes(),
    );
    assert_eq!(reply.status, 200, "{}", reply.body);
}

#[test]
fn mex_names_what_the_asker_can_reach() {
    for (route, windows) in [(Route::inside(), true), (Route::outside(), false)] {
        let text = route.get(MEX, &[]).body;
        assert!(text.contains("/adfs/services/trust/13/usernamemixed"), "{text}");
        for version in ["2005", "13"] {
            let path = format!("/adfs/services/trust/{version}/windowstransport");
            assert_eq!(text.contains(&path), windows, "{path} from {}", route.source);
        }
    }
    for spoofed in SPOOFED {
        assert!(!Route::outside().get(MEX, &[spoofed]).body.contains("windowstransport"), "{spoofed:?}");
    }
}

#[test]
fn headers_of_strangers_move_nobody() {
    let user = format!("bob@{}", Lab::get().realm.to_lowercase());
    for (route, place) in [(Route::inside(), "Intranet"), (Route::outside(), "Extranet")] {
        let reply = route.post(USERNAME, &SPOOFED, message(&user, "Bob-Pw-1").as_bytes());
        assert_eq!(reply.status, 200, "{}", reply.body);
        let event = reply.audit().event(1202);
        assert_eq!(event["NetworkLocation"], place);
        assert_eq!(event["IpAddress"], route.source.to_string());
        assert_eq!(event["ForwardedIpAddress"], "");
        assert_eq!(event["ProxyIpAddress"], "N/A");
        assert_eq!(event["ProxyServer"], "N/A");
        let inside = format!(">{}</saml:AttributeValue>", place == "Intranet");
        let claim = reply.body.find("AttributeName=\"insidecorporatenetwork\"").map(|at| &reply.body[at..]);
        assert!(
            claim.is_some_and(|claim| claim.split("</saml:Attribute>").next().is_some_and(|c| c.contains(&inside))),
            "{}",
            reply.body
        );
    }
}

#[test]
fn passwords_may_be_used_outside() {
    let user = format!("bob@{}", Lab::get().realm.to_lowercase());
    assert_eq!(send(&Route::outside(), &message(&user, "Bob-Pw-1")).status, 200);
}
