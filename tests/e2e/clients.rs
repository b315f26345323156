//! Clients that real deployments use, unmodified: curl, requests-gssapi, MSAL and zeep.

use serde_json::{Value, json};

use crate::support::{Assertion, Curl, ENTRA, Lab, Rst, Version, claim, python, signing_certificate};

/// requests-gssapi with mutual authentication required, in both mechanisms, as Windows calls itself.
#[test]
fn requests_gssapi_gets_a_token_and_is_sure_of_the_server() {
    let lab = Lab::get();
    let object = lab.object("WS01$");
    for version in Version::BOTH {
        for mechanism in ["spnego", "kerberos"] {
            for opportunistic in [false, true] {
                let url = format!("{}{}", lab.url, version.path("windowstransport"));
                let request = json!({
                    "url": url,
                    "body": Rst::new(version, &url).build(),
                    "mechanism": mechanism,
                    "opportunistic": opportunistic,
                    "headers": {
                        "Content-Type": "application/soap+xml; charset=utf-8",
                        "User-Agent": "Windows-AzureAD-Authentication-Provider/1.0",
                    },
                });
                let answer = python("negotiate", &request, Some(&lab.kinit("ws01", "WS01$")));
                assert_eq!(answer["status"], 200, "{mechanism} {version:?}: {answer}");
                assert_eq!(answer["legs"], if opportunistic { 1 } else { 2 }, "one challenge at most: {answer}");
                let token = Assertion::cut(answer["body"].as_str().expect("text"));
                assert!(token.verifies(signing_certificate()));
                assert_eq!(token.single(claim::OBJECT_GUID), object.guid_base64());
            }
        }
    }
}

#[test]
fn the_challenge_is_negotiate_alone() {
    let lab = Lab::get();
    for version in Version::BOTH {
        let url = format!("{}{}", lab.url, version.path("windowstransport"));
        let answer = Curl::new(&url).soap(Rst::new(version, &url).build()).send();
        assert_eq!(answer.status, 401);
        let challenges: Vec<&str> = answer
            .headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("www-authenticate"))
            .map(|(_, value)| &**value)
            .collect();
        assert_eq!(challenges, ["Negotiate"]);
        assert_eq!(answer.body, "");
    }
}

/// By HTTP/1.1 and by a client that would rather speak HTTP/2, on which Negotiate is not defined.
#[test]
fn curl_gets_a_token_whatever_http_it_would_speak() {
    let lab = Lab::get();
    let cache = lab.kinit("alice", "alice");
    let url = format!("{}{}", lab.url, Version::Trust13.path("windowstransport"));
    for protocol in ["--http1.1", "--http2", "--tlsv1.3"] {
        let answer =
            Curl::new(&url).negotiate(&cache).args([protocol]).soap(Rst::new(Version::Trust13, &url).build()).send();
        assert_eq!(answer.status, 200, "{protocol}: {}", answer.body);
    }
}

fn msal(username: &str, password: &str) -> Value {
    let lab = Lab::get();
    let input = json!({ "url": lab.url, "domain": lab.domain, "username": username, "password": password });
    python("msal_client", &input, None)
}

#[test]
fn msal_finds_our_password_endpoint_in_mex_and_hands_our_token_to_entra() {
    let lab = Lab::get();
    for (username, password, account) in [
        (format!("alice@{}", lab.domain), "Alice-Pw-1", "alice"),
        ("carol.c@brand.example".into(), "Carol-Pw-1", "carol"),
        ("erin@emea.brand.example".into(), "Erin-Pw-1", "erin"),
    ] {
        let outcome = msal(&username, password);
        assert_eq!(outcome["result"]["access_token"], "accepted", "{outcome}");
        assert_eq!(outcome["grant_type"], "urn:ietf:params:oauth:grant-type:saml1_1-bearer", "{outcome}");
        assert_eq!(
            outcome["ours"],
            json!(["GET /adfs/services/trust/mex", "POST /adfs/services/trust/13/usernamemixed"])
        );
        // Cut out of the answer as text: it must stand alone.
        let token = Assertion { xml: outcome["assertion"].as_str().expect("an assertion").to_owned() };
        assert!(token.verifies(signing_certificate()), "{}", token.xml);
        assert_eq!(token.single(claim::UPN), username);
        assert_eq!(token.single(claim::IMMUTABLE_ID), lab.object(account).guid_base64());
        assert_eq!(token.text("Audience"), ENTRA);
    }
}

#[test]
fn msal_tells_its_user_what_our_fault_says() {
    let outcome = msal(&format!("amelie@{}", Lab::get().domain), "not the password");
    let shown = outcome["result"].to_string();
    assert!(shown.contains("FailedAuthentication") && shown.contains("ID3242"), "{outcome}");
    assert_eq!(outcome["grant_type"], Value::Null, "nothing was sent to Entra");
}

fn zeep(version: Version, credential: &str, user: Option<(&str, &str)>) -> Value {
    let lab = Lab::get();
    let input = json!({
        "wsdl": format!("{}/adfs/services/trust/mex", lab.url),
        "scratch": lab.scratch("mex.wsdl"),
        "endpoint": version.path(credential),
        "operation": if version == Version::Trust13 { "Trust13IssueAsync" } else { "TrustFeb2005IssueAsync" },
        "trust": version.namespace(),
        "key_type": version.bearer(),
        "applies_to": ENTRA,
        "username": user.map(|(name, _)| name),
        "password": user.map(|(_, password)| password),
    });
    python("zeep_client", &input, Some(&lab.kinit("alice", "alice")))
}

#[test]
fn a_client_made_from_our_wsdl_alone_gets_a_token() {
    let lab = Lab::get();
    let name = format!("alice@{}", lab.domain);
    for version in Version::BOTH {
        for (credential, user) in [("usernamemixed", Some((&*name, "Alice-Pw-1"))), ("windowstransport", None)] {
            let answer = zeep(version, credential, user);
            assert_eq!(answer["status"], 200, "{credential} {version:?}: {answer}");
            assert!(answer["ports"].as_array().expect("a list").len() >= 6, "{answer}");
            let token = Assertion::cut(answer["answer"].as_str().expect("text"));
            assert!(token.verifies(signing_certificate()));
            assert_eq!(token.single(claim::UPN), name);
        }
    }
}
