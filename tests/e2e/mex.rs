//! WS-MetadataExchange: the document that tells Windows and every other active client where to go (ws-federation.md 2).

use serde_json::{Value, json};

use crate::support::{Curl, Lab, Version, python};

fn mex() -> Curl {
    Curl::new(&format!("{}/adfs/services/trust/mex", Lab::get().url))
}

fn describe(document: &str, enveloped: bool) -> Value {
    python("mex_shape", &json!({ "document": document, "enveloped": enveloped }), None)
}

/// Binding, kind of policy, version and path of every endpoint that is on by default, with AD FS' names, in its order.
const PORTS: [(&str, &str, Version, &str); 7] = [
    ("CustomBinding_IWSTrustFeb2005Async", "windows", Version::February2005, "windowstransport"),
    ("CertificateWSTrustBinding_IWSTrustFeb2005Async", "certificate2005", Version::February2005, "certificatemixed"),
    ("CertificateWSTrustBinding_IWSTrustFeb2005Async1", "tls", Version::February2005, "certificatetransport"),
    ("UserNameWSTrustBinding_IWSTrustFeb2005Async", "password2005", Version::February2005, "usernamemixed"),
    ("CertificateWSTrustBinding_IWSTrust13Async", "certificate13", Version::Trust13, "certificatemixed"),
    ("UserNameWSTrustBinding_IWSTrust13Async", "password13", Version::Trust13, "usernamemixed"),
    // Without kerberosmixed there is one custom binding, and so no number.
    ("CustomBinding_IWSTrust13Async", "windows", Version::Trust13, "windowstransport"),
];

fn port_of(description: &Value, version: Version, kind: &str) -> Value {
    let action = format!("{}/RST/Issue", version.namespace());
    let ports = description["ports"].as_array().expect("a list");
    let mut found = ports.iter().filter(|port| port["kind"] == kind && port["action"] == json!([action]));
    let port = found.next().unwrap_or_else(|| panic!("no {kind} {version:?} in {description:#}")).clone();
    assert!(found.next().is_none(), "two of {kind} {version:?}");
    port
}

#[test]
fn the_document_has_the_shape_and_the_names_of_ad_fs() {
    let lab = Lab::get();
    let answer = mex().send();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/xml; charset=utf-8"));
    assert!(!answer.body.contains("<!") && !answer.body.contains("<?"), "no DTD, no instructions, no comments");
    let shape = describe(&answer.body, false);
    let namespace = "http://schemas.microsoft.com/ws/2008/06/identity/securitytokenservice";
    assert_eq!(shape["root"], "{http://schemas.xmlsoap.org/wsdl/}definitions", "no envelope on GET");
    assert_eq!(shape["name"], "SecurityTokenService");
    assert_eq!(shape["namespace"], namespace);
    assert_eq!(shape["prefixes"], json!(["tns"]));
    assert_eq!(shape["order"], json!(["Policy", "types", "message", "portType", "binding", "service"]));
    assert_eq!(shape["port_types"], json!(["IWSTrustFeb2005Async", "IWSTrust13Async"]));
    assert_eq!(
        shape["messages"],
        json!([
            "IWSTrustFeb2005Async_TrustFeb2005IssueAsync_InputMessage",
            "IWSTrustFeb2005Async_TrustFeb2005IssueAsync_OutputMessage",
            "IWSTrust13Async_Trust13IssueAsync_InputMessage",
            "IWSTrust13Async_Trust13IssueAsync_OutputMessage"
        ])
    );
    assert_eq!(shape["ports"].as_array().expect("a list").len(), PORTS.len(), "{shape:#}");
    for (name, kind, version, credential) in PORTS {
        let port = port_of(&shape, version, kind);
        let host = if kind == "tls" { format!("certauth.{}", lab.host) } else { lab.host.clone() };
        let address = format!("https://{host}{}", version.path(credential));
        assert_eq!(port["name"], name);
        assert_eq!(port["binding"], name);
        assert_eq!(port["policy"], format!("{name}_policy"));
        assert_eq!(port["prefix"], "tns", "MSAL.NET needs one");
        assert_eq!(port["address"], *address, "no white space around it");
        assert_eq!(port["location"], *address);
        assert_eq!(port["timestamp"], credential.ends_with("mixed"), "{name}");
        assert_eq!(port["transport"], json!(["http://schemas.xmlsoap.org/soap/http"]), "{name}");
        assert_eq!(port["references"], 1, "{name}");
        let contract = if version == Version::Trust13 { "IWSTrust13Async" } else { "IWSTrustFeb2005Async" };
        assert_eq!(port["type"], format!("tns:{contract}"), "{name}");
    }
}

/// Windows 7's sign-in assistant and WCF post a WS-Transfer Get; everybody else gets.
#[test]
fn a_transfer_get_is_answered_with_the_same_document_in_an_envelope() {
    let bare = describe(&mex().send().body, false);
    for (action, answer_action) in [
        (
            "http://schemas.xmlsoap.org/ws/2004/09/transfer/Get",
            "http://schemas.xmlsoap.org/ws/2004/09/transfer/GetResponse",
        ),
        (
            "http://schemas.xmlsoap.org/ws/2004/09/mex/GetMetadata/Request",
            "http://schemas.xmlsoap.org/ws/2004/09/mex/GetMetadata/Response",
        ),
    ] {
        let answer = mex().soap(transfer_get(action)).send();
        assert_eq!(answer.status, 200, "{action}: {}", answer.body);
        assert_eq!(answer.header("content-type"), Some("application/soap+xml; charset=utf-8"));
        assert!(answer.body.contains(&format!(">{answer_action}<")), "{}", answer.body);
        assert!(answer.body.contains(">urn:uuid:1</a:RelatesTo>"), "{}", answer.body);
        let enveloped = describe(&answer.body, true);
        for part in ["root", "namespace", "ports", "order", "messages"] {
            assert_eq!(enveloped[part], bare[part], "{part}");
        }
    }
    for refused in [transfer_get("http://schemas.xmlsoap.org/ws/2004/09/transfer/Put"), "<a/>".into(), "not XML".into()]
    {
        assert_eq!(mex().soap(refused).send().status, 400);
    }
}

fn transfer_get(action: &str) -> String {
    format!(
        r#"<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing"><s:Header><a:Action s:mustUnderstand="1">{action}</a:Action><a:MessageID>urn:uuid:1</a:MessageID><a:ReplyTo><a:Address>http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo></s:Header><s:Body/></s:Envelope>"#
    )
}

/// A path that would only lead to a refusal is not offered: from outside, Windows then shows the page instead of failing.
#[test]
fn from_outside_no_negotiate_endpoint_is_named() {
    let lab = Lab::get();
    let outside = mex().args(["--interface", "127.0.0.9"]).send();
    assert_eq!(outside.status, 200);
    assert!(!outside.body.contains("windowstransport") && !outside.body.contains("NegotiateAuthentication"));
    let shape = describe(&outside.body, false);
    assert_eq!(shape["ports"].as_array().expect("a list").len(), PORTS.len() - 2, "{shape:#}");
    assert_eq!(
        port_of(&shape, Version::Trust13, "password13")["address"],
        format!("{}{}", lab.url, Version::Trust13.path("usernamemixed"))
    );
}

#[test]
fn addresses_come_from_the_configuration_and_not_from_the_request() {
    let lab = Lab::get();
    let plain = mex().send().body;
    for name in [format!("adfs.{}", lab.domain), format!("enterpriseregistration.{}", lab.domain)] {
        let other = Curl::new(&format!("https://{name}/adfs/services/trust/mex")).send();
        assert_eq!(other.status, 200, "{name}");
        assert_eq!(other.body, plain, "{name}");
    }
    for header in ["X-Forwarded-Host", "Forwarded"] {
        assert_eq!(mex().header(header, "host=evil.example").send().body, plain);
    }
}
