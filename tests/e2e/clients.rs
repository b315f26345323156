//! Clients that real deployments use, unmodified: curl, requests-gssapi, MSAL and zeep.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
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
    let input = json!({ "host": Lab::get().host, "username": username, "password": password });
    python("msal_client", &input, None)
}

/// The simulated tenant checks what Entra checks: signature, issuer, audience, times, claims, and the GUID it knows.
#[test]
fn msal_finds_our_password_endpoint_in_mex_and_entra_takes_our_token() {
    let lab = Lab::get();
    for (username, password, account) in [
        (format!("alice@{}", lab.domain), "Alice-Pw-1", lab.object("alice")),
        ("carol.c@brand.example".into(), "Carol-Pw-1", lab.object("carol")),
        ("erin@emea.brand.example".into(), "Erin-Pw-1", lab.object("erin")),
        (format!("olga@{}", lab.other_realm.to_lowercase()), "Olga-Pw-1", lab.other_object("olga")),
    ] {
        let outcome = msal(&username, password);
        assert_eq!(outcome["error"], Value::Null, "{username}: {outcome}");
        assert_eq!(outcome["claims"]["upn"], *username, "{outcome}");
        assert_eq!(outcome["claims"]["onprem_guid"], *account.guid_base64(), "{outcome}");
        assert_eq!(outcome["grant_type"], "urn:ietf:params:oauth:grant-type:saml1_1-bearer", "{outcome}");
        assert_eq!(
            outcome["ours"],
            json!([
                format!("GET {} /adfs/services/trust/mex", lab.host),
                format!("POST {} /adfs/services/trust/13/usernamemixed", lab.host)
            ])
        );
        // Cut out of the answer as text: it must stand alone.
        let token = Assertion { xml: outcome["assertion"].as_str().expect("an assertion").to_owned() };
        assert!(token.verifies(signing_certificate()), "{}", token.xml);
        assert_eq!(token.single(claim::UPN), username);
        assert_eq!(token.text("Audience"), ENTRA);
    }
}

#[test]
fn msal_tells_its_user_what_our_fault_says() {
    let outcome = msal(&format!("amelie@{}", Lab::get().domain), "not the password");
    let shown = format!("{} {}", outcome["error"], outcome["description"]);
    assert!(shown.contains("FailedAuthentication") && shown.contains("ID3242"), "{outcome}");
    assert_eq!(outcome["grant_type"], Value::Null, "nothing was sent to Entra");
}

/// The hybrid join's step 7: Windows hands the computer's token to Entra for the device registration service.
#[test]
fn entra_takes_the_token_of_a_computer() {
    let lab = Lab::get();
    for (keytab, principal, object) in [
        ("ws01", "WS01$".to_owned(), lab.object("WS01$")),
        ("ows01", format!("OWS01$@{}", lab.other_realm), lab.other_object("OWS01$")),
    ] {
        let url = format!("{}{}", lab.url, Version::Trust13.path("windowstransport"));
        let answer = Curl::new(&url)
            .negotiate(&lab.kinit(keytab, &principal))
            .soap(Rst::new(Version::Trust13, &url).build())
            .send();
        let token = Assertion::cut(&answer.body).xml;
        let file = lab.new_file("assertion.b64");
        std::fs::write(&file, URL_SAFE_NO_PAD.encode(&token)).expect("scratch is writable");
        let answer = Curl::new("https://login.microsoftonline.com/common/oauth2/token")
            .args(["--data-urlencode", "grant_type=urn:ietf:params:oauth:grant-type:saml1_1-bearer"])
            .args(["--data-urlencode", "client_id=dd762716-544d-4aeb-a526-687b73838a22"])
            .args(["--data-urlencode", "resource=urn:ms-drs:enterpriseregistration.windows.net"])
            .args(["--data-urlencode", &format!("assertion@{}", file.display())])
            .send();
        assert_eq!(answer.status, 200, "{principal}: {}", answer.body);
        let issued: Value = serde_json::from_str(&answer.body).expect("JSON");
        let payload = issued["access_token"].as_str().and_then(|jwt| jwt.split('.').nth(1)).expect("a JWT").to_owned();
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON");
        assert_eq!(claims["onprem_sid"], *object.sid, "{claims}");
        assert_eq!(claims["onprem_guid"], *object.guid_base64(), "{claims}");
    }
}

fn zeep(version: Version, credential: &str, user: Option<(&str, &str)>) -> Value {
    let lab = Lab::get();
    let input = json!({
        "wsdl": format!("{}/adfs/services/trust/mex", lab.url),
        "scratch": lab.new_file("mex.wsdl"),
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
