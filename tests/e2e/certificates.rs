//! `certificatemixed` and `certificatetransport`: the certificates of the lab, good ones and bad ones.

use serde_json::{Value, json};

use crate::fault::{Fault, bare_2005, rejected};
use crate::support::{Assertion, Curl, ENTRA, Lab, Node, NodeSetup, Rst, Version, claim, python, signing_certificate};
use crate::wire::{Reply, Route};

/// What the token of an account must hold, or why a certificate is refused.
enum Expected {
    Account(&'static str),
    Refused(&'static str),
}
use Expected::{Account, Refused};

/// Every client certificate of the lab, and whose it is.
const CERTIFICATES: [(&str, Expected); 17] = [
    // Named by the SID extension (KB5014754), and by the strong forms of altSecurityIdentities.
    ("alice-sid", Account("alice")),
    ("bob-issuer-serial", Account("bob")),
    ("bob-ski", Account("bob")),
    ("bob-sha1-pukey", Account("bob")),
    // Named by its UPN alone, and younger than the account.
    ("alice-upn", Account("alice")),
    // Named by their UPN alone, and made before the accounts were.
    ("alice", Refused("CertificateUnmapped")),
    ("carol", Refused("CertificateUnmapped")),
    ("alice-foreign-sid", Refused("CertificateUnmapped")),
    ("bob-weak-subject", Refused("CertificateUnmapped")),
    ("bob-weak-mail", Refused("CertificateUnmapped")),
    ("alice-expired", Refused("CertificateTime")),
    ("alice-future", Refused("CertificateTime")),
    ("alice-revoked", Refused("CertificateRevoked")),
    ("alice-server-only", Refused("CertificateUntrusted")),
    // Another authority of the same name.
    ("alice-unknown-ca", Refused("CertificateUntrusted")),
    ("disabled", Refused("CertificateUnmapped")),
    ("unknown", Refused("CertificateUnmapped")),
];

fn upn(account: &str) -> String {
    format!("{account}@{}", Lab::get().domain)
}

/// An answer to a signed message.
struct Answer {
    status: u64,
    body: String,
    correlation: String,
}

/// Signs messages with certificates of the lab and posts them; what is beside the name changes what the client does.
fn signed_messages(messages: &[(&str, Version, Value)]) -> Vec<Vec<Answer>> {
    let lab = Lab::get();
    let mut inputs = Vec::new();
    for (name, version, extra) in messages {
        let mut input = json!({
            "url": format!("{}{}", lab.url, version.path("certificatemixed")),
            "trust": version.namespace(),
            "key_type": version.bearer(),
            "applies_to": ENTRA,
            "certificate": lab.clients.join(format!("{name}.pem")),
            "key": lab.clients.join(format!("{name}.key")),
            "correlation": uuid::Uuid::from_bytes(std::array::from_fn(|_| fastrand::u8(..))).to_string(),
        });
        for (key, value) in extra.as_object().expect("an object") {
            input[key] = value.clone();
        }
        inputs.push(input);
    }
    let answers = python("signed_message", &Value::from(inputs.clone()), None);
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    std::iter::zip(&inputs, answers.as_array().expect("a list"))
        .map(|(input, answers)| {
            let one = |answer: &Value| Answer {
                status: answer["status"].as_u64().expect("a status"),
                body: text(&answer["body"]),
                correlation: text(&input["correlation"]),
            };
            answers.as_array().expect("a list").iter().map(one).collect()
        })
        .collect()
}

/// Posts one message once.
fn signed_message(name: &str, extra: Value) -> Answer {
    signed_messages(&[(name, Version::Trust13, extra)]).remove(0).remove(0)
}

fn check_token(body: &str, account: &str, method: &str) {
    let lab = Lab::get();
    let token = Assertion::cut(body);
    assert!(token.verifies(signing_certificate()), "{}", token.xml);
    assert_eq!(token.single(claim::UPN), upn(account));
    assert_eq!(token.single(claim::IMMUTABLE_ID), lab.object(account).guid_base64());
    assert_eq!(token.attribute("AuthenticationStatement", "AuthenticationMethod"), method);
}

#[test]
fn a_certificate_that_signs_the_message_opens_to_the_account_it_strongly_names() {
    let messages: Vec<_> =
        CERTIFICATES.iter().flat_map(|(name, _)| Version::BOTH.map(|version| (*name, version, json!({})))).collect();
    let expected = CERTIFICATES.iter().flat_map(|(name, expected)| [(name, expected); 2]);
    for ((name, expected), answers) in expected.zip(signed_messages(&messages)) {
        let Answer { status, body, correlation } = &answers[0];
        let audit = Lab::get().audit(correlation);
        match expected {
            Account(account) => {
                assert_eq!(*status, 200, "{name}: {body}");
                check_token(body, account, "urn:oasis:names:tc:SAML:2.0:ac:classes:X509");
                assert_eq!(audit.event(412)["SubjectSid"], *Lab::get().object(account).sid);
            }
            Refused(reason) => {
                assert_eq!((*name, *status, Fault::read(body)), (*name, 500, Fault::failed_authentication()));
                let event = rejected(&audit, reason);
                assert_eq!(event["FailureType"], "CredentialValidationError", "{name}");
            }
        }
    }
}

#[test]
fn the_signature_may_refer_to_its_certificate_by_thumbprint_and_cover_the_body() {
    for extra in [json!({"key_info": "thumbprint"}), json!({"signed": ["_0", "_1", "_2"]})] {
        let Answer { status, body, .. } = signed_message("alice-sid", extra.clone());
        assert_eq!(status, 200, "{extra}: {body}");
        check_token(&body, "alice", "urn:oasis:names:tc:SAML:2.0:ac:classes:X509");
    }
}

#[test]
fn a_signed_message_may_be_addressed_to_each_name_of_the_server() {
    let lab = Lab::get();
    let path = Version::Trust13.path("certificatemixed");
    for host in [format!("{}:443", lab.host), format!("certauth.{}", lab.host), lab.host.to_uppercase()] {
        let Answer { status, body, .. } = signed_message("alice-sid", json!({"to": format!("https://{host}{path}")}));
        assert_eq!((&host, status), (&host, 200), "{body}");
    }
}

#[test]
fn a_message_whose_signature_does_not_hold_is_refused() {
    let lab = Lab::get();
    let other_key = lab.clients.join("bob-ski.key");
    let whole = ["_0", "_1", "_2"];
    let elsewhere = format!("https://sts.other.example{}", Version::Trust13.path("certificatemixed"));
    let (signature, time) = ("InvalidSignature", "MessageExpired");
    let cases = [
        ("To is not signed", json!({"signed": ["_0"]}), signature),
        ("there is no To", json!({"to": null, "signed": ["_0"]}), signature),
        ("addressed to another server", json!({"to": elsewhere}), signature),
        ("addressed to nobody", json!({"to": "http://www.w3.org/2005/08/addressing/anonymous"}), signature),
        ("the Timestamp is not signed", json!({"signed": ["_1"]}), signature),
        ("signed with another key", json!({"key": other_key}), signature),
        ("made an hour ago", json!({"clock": -3600}), time),
        ("made in an hour", json!({"clock": 3600}), time),
        ("the Timestamp was changed", json!({"tamper": [["<u:Created>2", "<u:Created>1"]]}), signature),
        ("the body was changed", json!({"signed": whole, "tamper": [[ENTRA, "urn:e2e:plain"]]}), signature),
        ("two elements with one id", json!({"tamper": [["u:Id=\"_2\"", "u:Id=\"_0\""]]}), signature),
        ("SHA-1", json!({"hash": "sha1"}), signature),
    ];
    let messages: Vec<_> = cases.iter().map(|(_, extra, _)| ("alice-sid", Version::Trust13, extra.clone())).collect();
    for ((what, _, reason), answers) in cases.iter().zip(signed_messages(&messages)) {
        let Answer { status, body, correlation } = &answers[0];
        assert_eq!((*what, *status, Fault::read(body)), (*what, 500, Fault::invalid_security()));
        rejected(&lab.audit(correlation), reason);
    }
}

#[test]
fn a_signed_message_is_good_once() {
    let answers = signed_messages(&[("alice-sid", Version::Trust13, json!({"times": 2}))]).remove(0);
    assert_eq!(answers[0].status, 200, "{}", answers[0].body);
    assert_eq!((answers[1].status, Fault::read(&answers[1].body)), (500, Fault::invalid_security()));
    assert_eq!(Lab::get().audit(&answers[1].correlation).event(1203)["ErrorCode"], "Replayed");
}

#[test]
fn a_certificate_in_tls_opens_on_the_port_and_on_the_name_that_ask_for_it() {
    let lab = Lab::get();
    let path = Version::February2005.path("certificatetransport");
    for (name, expected) in CERTIFICATES {
        for host in [format!("{}:49443", lab.host), format!("certauth.{}", lab.host)] {
            let url = format!("https://{host}{path}");
            let certificate = lab.clients.join(format!("{name}.pem"));
            let key = lab.clients.join(format!("{name}.key"));
            let answer = Curl::new(&url)
                .args(["--cert", certificate.to_str().expect("UTF-8"), "--key", key.to_str().expect("UTF-8")])
                .soap(Rst::new(Version::February2005, &url).build())
                .send();
            match expected {
                Account(account) => {
                    assert_eq!(answer.status, 200, "{name} at {host}: {}", answer.body);
                    check_token(&answer.body, account, "urn:ietf:rfc:2246");
                    let accepted = lab.audit(&answer.correlation).event(412);
                    assert_eq!(
                        accepted["TokenType"],
                        "http://schemas.microsoft.com/ws/2006/05/identitymodel/tokens/X509Certificate"
                    );
                }
                Refused(reason) => {
                    let fault = (answer.status, Fault::read(&answer.body));
                    assert_eq!((name, fault), (name, (500, Fault::failed_authentication())));
                    rejected(&lab.audit(&answer.correlation), reason);
                }
            }
        }
    }
}

#[test]
fn a_upn_is_not_enough_where_more_is_asked() {
    let node = NodeSetup::new().replace("[certificates]", "[certificates]\nmapping = \"strong\"").start();
    for name in ["alice-sid", "bob-ski", "bob-issuer-serial"] {
        let reply = by_tls(&node, name);
        assert_eq!((name, reply.status), (name, 200), "{}", reply.body);
    }
    for name in ["alice-upn", "alice", "carol", "bob-weak-mail", "alice-foreign-sid", "unknown"] {
        let reply = by_tls(&node, name);
        assert_eq!((name, Fault::of(&reply)), (name, Fault::failed_authentication()));
        rejected(&reply.audit_in(&node.directory), "CertificateUnmapped");
    }
}

#[test]
fn a_domain_that_is_down_keeps_nobody_of_another_one_out() {
    let dead = format!("node3.{}", Lab::get().domain);
    let node = NodeSetup::new()
        .replace("domain_controllers = [\"dc1.other.example\"]", &format!("domain_controllers = [{dead:?}]"))
        .append("[directory]\nconnect_timeout_seconds = 2\nquery_timeout_seconds = 4\n")
        .start();
    for name in ["alice-upn", "alice-sid"] {
        let reply = by_tls(&node, name);
        assert_eq!((name, reply.status), (name, 200), "{}", reply.body);
    }
    // Named by nothing but a mapping: it may be an account of the silent domain.
    let reply = by_tls(&node, "bob-ski");
    assert_eq!(reply.status, 503, "{}", reply.body);
    assert!(reply.header("retry-after").is_some());
    rejected(&reply.audit_in(&node.directory), "DirectoryUnavailable");
}

fn by_tls(node: &Node, certificate: &str) -> Reply {
    let path = Version::February2005.path("certificatetransport");
    let route = Route::inside().to(node.ip()).certificate(certificate);
    route.post(&path, &[], bare_2005(&path).as_bytes())
}

#[test]
fn without_a_certificate_certificatetransport_is_forbidden_and_the_main_name_never_asks_for_one() {
    let lab = Lab::get();
    let path = Version::February2005.path("certificatetransport");
    let body = Rst::new(Version::February2005, &format!("{}{path}", lab.url)).build();
    assert_eq!(Curl::new(&format!("https://{}:49443{path}", lab.host)).soap(body.clone()).send().status, 403);
    // A browser would show a dialog: curl has a certificate to offer here and is not asked.
    let file = |extension| lab.clients.join(format!("alice-sid.{extension}")).display().to_string();
    let answer = Curl::new(&format!("{}{path}", lab.url))
        .args(["--cert", &file("pem"), "--key", &file("key")])
        .soap(body)
        .send();
    assert_eq!(answer.status, 403, "{}", answer.body);
}
