//! `certificatemixed` and `certificatetransport`: the certificates of the lab, good ones and bad ones.

use serde_json::{Value, json};

use crate::support::{Assertion, Curl, ENTRA, Lab, Rst, Version, claim, python, signing_certificate};

/// What the token of an account must hold, or the fault that a certificate must give.
enum Expected {
    Account(&'static str),
    Refused,
}
use Expected::{Account, Refused};

/// Every client certificate of the lab, and whose it is.
const CERTIFICATES: [(&str, Expected); 15] = [
    // Named by the SID extension (KB5014754), and by the strong forms of altSecurityIdentities.
    ("alice-sid", Account("alice")),
    ("bob-issuer-serial", Account("bob")),
    ("bob-ski", Account("bob")),
    ("bob-sha1-pukey", Account("bob")),
    // Named by their UPN alone, and made before the accounts were.
    ("alice", Refused),
    ("carol", Refused),
    ("alice-foreign-sid", Refused),
    ("bob-weak-subject", Refused),
    ("bob-weak-mail", Refused),
    ("alice-expired", Refused),
    ("alice-future", Refused),
    ("alice-revoked", Refused),
    ("alice-server-only", Refused),
    ("disabled", Refused),
    ("unknown", Refused),
];

fn upn(account: &str) -> String {
    format!("{account}@{}", Lab::get().domain)
}

/// Signs a message with a certificate of the lab and posts it; `extra` changes what the client does.
fn signed_message(name: &str, version: Version, extra: &Value) -> Vec<(u64, String, String)> {
    let lab = Lab::get();
    let correlation = uuid::Uuid::from_bytes(std::array::from_fn(|_| fastrand::u8(..))).to_string();
    let mut input = json!({
        "url": format!("{}{}", lab.url, version.path("certificatemixed")),
        "trust": version.namespace(),
        "key_type": version.bearer(),
        "applies_to": ENTRA,
        "certificate": lab.clients.join(format!("{name}.pem")),
        "key": lab.clients.join(format!("{name}.key")),
        "correlation": correlation,
    });
    for (key, value) in extra.as_object().expect("an object") {
        input[key] = value.clone();
    }
    let answers = python("signed_message", &input, None);
    let answers = answers.as_array().expect("a list").iter();
    answers
        .map(|answer| {
            let body = answer["body"].as_str().expect("text").to_owned();
            (answer["status"].as_u64().expect("a status"), body, correlation.clone())
        })
        .collect()
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
    for (name, expected) in CERTIFICATES {
        for version in Version::BOTH {
            let (status, body, correlation) = signed_message(name, version, &json!({})).remove(0);
            match expected {
                Account(account) => {
                    assert_eq!(status, 200, "{name} {version:?}: {body}");
                    check_token(&body, account, "urn:oasis:names:tc:SAML:2.0:ac:classes:X509");
                }
                Refused => {
                    assert_eq!(status, 500, "{name} {version:?}: {body}");
                    assert!(body.contains(":FailedAuthentication<"), "{name}: {body}");
                    assert!(!body.contains("Assertion"), "{name}: {body}");
                    let audit = Lab::get().audit(&correlation);
                    assert_eq!(audit.event(1203)["AuditResult"], "Failure", "{name}");
                    assert_eq!(audit.event(342)["AuditResult"], "Failure", "{name}");
                }
            }
        }
    }
}

#[test]
fn the_signature_may_refer_to_its_certificate_by_thumbprint_and_cover_the_body() {
    for extra in [json!({"key_info": "thumbprint"}), json!({"signed": ["_0", "_1", "_2"]})] {
        let (status, body, _) = signed_message("alice-sid", Version::Trust13, &extra).remove(0);
        assert_eq!(status, 200, "{extra}: {body}");
        check_token(&body, "alice", "urn:oasis:names:tc:SAML:2.0:ac:classes:X509");
    }
}

#[test]
fn a_message_whose_signature_does_not_hold_is_refused() {
    let lab = Lab::get();
    let other_key = lab.clients.join("bob-ski.key");
    for (what, extra) in [
        ("To is not signed", json!({"signed": ["_0"]})),
        ("the Timestamp is not signed", json!({"signed": ["_1"]})),
        ("signed with another key", json!({"key": other_key})),
        ("made an hour ago", json!({"clock": -3600})),
        ("made in an hour", json!({"clock": 3600})),
        ("the Timestamp was changed", json!({"tamper": [["<u:Created>2", "<u:Created>1"]]})),
        (
            "the body was changed after it was signed",
            json!({"signed": ["_0", "_1", "_2"], "tamper": [[ENTRA, "urn:e2e:plain"]]}),
        ),
        ("two elements with one id", json!({"tamper": [["u:Id=\"_2\"", "u:Id=\"_0\""]]})),
        ("SHA-1", json!({"hash": "sha1"})),
    ] {
        let (status, body, correlation) = signed_message("alice-sid", Version::Trust13, &extra).remove(0);
        assert_eq!(status, 500, "{what}: {body}");
        assert!(body.contains("<s:Fault>") && !body.contains("Assertion"), "{what}: {body}");
        assert_eq!(lab.audit(&correlation).event(1203)["AuditResult"], "Failure", "{what}");
    }
}

#[test]
fn a_signed_message_is_good_once() {
    let answers = signed_message("alice-sid", Version::Trust13, &json!({"times": 2}));
    assert_eq!(answers[0].0, 200, "{}", answers[0].1);
    assert_eq!(answers[1].0, 500, "{}", answers[1].1);
    assert!(!answers[1].1.contains("Assertion"), "{}", answers[1].1);
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
                Refused => {
                    assert_eq!(answer.status, 500, "{name} at {host}: {}", answer.body);
                    assert!(answer.body.contains(":FailedAuthentication<"), "{name} at {host}: {}", answer.body);
                }
            }
        }
    }
}

#[test]
fn a_certificate_of_another_authority_of_the_same_name_is_refused() {
    let lab = Lab::get();
    let (status, body, _) = signed_message("alice-unknown-ca", Version::Trust13, &json!({})).remove(0);
    assert_eq!(status, 500, "{body}");
    assert!(body.contains(":FailedAuthentication<"), "{body}");
    let url = format!("https://{}:49443{}", lab.host, Version::February2005.path("certificatetransport"));
    let file = |extension| lab.clients.join(format!("alice-unknown-ca.{extension}")).display().to_string();
    let answer = Curl::new(&url)
        .args(["--cert", &file("pem"), "--key", &file("key")])
        .soap(Rst::new(Version::February2005, &url).build())
        .send();
    assert_eq!(answer.status, 500, "{}", answer.body);
    assert!(answer.body.contains(":FailedAuthentication<"), "{}", answer.body);
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
