//! What is no registration: tokens, requests, keys and methods that are refused, each with its status, its words on the
//! client and its event in the audit log.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::drs_client::{
    ACCOUNT_TYPE, DeviceKeys, OBJECT_GUID, PERMISSION, by_user, computer, device_dn, devices, enrol, join, ldap_modify,
    ldap_read, members, token, token_with, user,
};
use crate::drs_sign_in;
use crate::support::{Browser, Curl, Lab, Response, signing_certificate};

/// A refusal in JSON, with its event; its message.
fn refused(response: &Response, status: u16, error_type: &str) -> String {
    let error: Value = serde_json::from_str(&response.body).unwrap_or_else(|_| panic!("{response:?}"));
    assert_eq!((response.status, &error["ErrorType"]), (status, &json!(error_type)), "{error}");
    assert_eq!(error.as_object().unwrap().len(), 4, "{error}");
    assert_eq!(error["TraceId"], json!(response.correlation));
    assert_eq!(response.header("request-id"), Some(response.correlation.as_str()));
    let time = error["Time"].as_str().unwrap();
    assert!(time.len() == 20 && time.ends_with('Z') && &time[10..11] == " ", "{time}");
    let event = Lab::get().audit(&response.correlation).event(9020);
    assert_eq!((&event["AuditResult"], &event["ErrorCode"]), (&json!("Failure"), &json!(error_type)), "{event}");
    assert_eq!(response.header("location"), None);
    error["Message"].as_str().unwrap().to_owned()
}

fn changed(mut members: Value, member: &str, value: Value) -> Value {
    if value.is_null() {
        members.as_object_mut().unwrap().remove(member);
    } else {
        members[member] = value;
    }
    members
}

#[test]
fn tokens_that_are_not_accepted() {
    let keys = DeviceKeys::new();
    let request = keys.request(6, "WS01");
    let good = computer("WS01$");
    let now = good["iat"].as_u64().unwrap();
    let own = token(&good);
    let parts: Vec<&str> = own.split('.').collect();
    let header = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = format!("{}.{}.", header(json!({"typ": "JWT", "alg": "none"})), parts[1]);
    // Signed by the right key, headers and all.
    assert_ne!(join(&token_with(&json!({}), &good), &json!({})).status, 401);
    let header_with = |name: &str, value: Value| token_with(&json!({name: value}), &good);
    let symmetric = {
        // The public certificate as the secret of a MAC.
        let certificate = openssl::x509::X509::from_pem(&std::fs::read(signing_certificate()).unwrap()).unwrap();
        let certificate = certificate.to_der().unwrap();
        let signed = format!("{}.{}", header(json!({"typ": "JWT", "alg": "HS256"})), parts[1]);
        let key = openssl::pkey::PKey::hmac(&certificate).unwrap();
        let mut signer = openssl::sign::Signer::new(openssl::hash::MessageDigest::sha256(), &key).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signer.sign_oneshot_to_vec(signed.as_bytes()).unwrap()))
    };
    let altered = format!(
        "{}.{}.{}",
        parts[0],
        URL_SAFE_NO_PAD.encode(changed(good.clone(), "upn", json!("x")).to_string()),
        parts[2]
    );
    for (what, token) in [
        ("expired", token(&changed(good.clone(), "exp", json!(now - 1)))),
        ("of tomorrow", token(&changed(good.clone(), "nbf", json!(now + 86_400)))),
        ("for another audience", token(&changed(good.clone(), "aud", json!("urn:other")))),
        (
            "for the cloud's service",
            token(&changed(good.clone(), "aud", json!("urn:ms-drs:enterpriseregistration.windows.net"))),
        ),
        ("of another issuer", token(&changed(good.clone(), "iss", json!("http://other.example/adfs/services/trust")))),
        ("unsigned", unsigned),
        ("with x5u", header_with("x5u", json!("https://x.example/"))),
        ("with jku", header_with("jku", json!("https://x.example/keys"))),
        ("with jwk", header_with("jwk", json!({"kty": "RSA"}))),
        ("with crit", header_with("crit", json!(["exp"]))),
        ("with b64", header_with("b64", json!(false))),
        ("of another algorithm by its name", header_with("alg", json!("RS512"))),
        ("with a MAC", symmetric),
        ("altered", altered),
        ("no token", String::from("x")),
    ] {
        let response = join(&token, &request);
        let message = refused(&response, 401, "AuthenticationError");
        assert!(message.starts_with("The access token is missing, not valid"), "{what}: {message}");
        assert_eq!(response.header("www-authenticate"), Some("Bearer"), "{what}");
    }
    let url = format!("{}/EnrollmentServer/device?api-version=1.0", Lab::get().url);
    refused(&Curl::new(&url).post(request.to_string()).send(), 401, "AuthenticationError");
    for authorization in ["Basic eDp5", &format!("Basic {own}"), &format!("DPoP {own}"), &own] {
        let other = Curl::new(&url).header("Authorization", authorization).post(request.to_string()).send();
        refused(&other, 401, "AuthenticationError");
    }
}

#[test]
fn claims_that_are_missing_or_wrong() {
    let keys = DeviceKeys::new();
    let good = computer("WS01$");
    for (member, value, error_type, message) in [
        (PERMISSION, Value::Null, "AuthorizationError", "not permitted"),
        (PERMISSION, json!("false"), "AuthorizationError", "not permitted"),
        ("primarysid", Value::Null, "AuthenticationError", "claim primarysid"),
        ("upn", Value::Null, "AuthenticationError", "claim upn"),
        (ACCOUNT_TYPE, json!("Other"), "AuthenticationError", "claim accounttype"),
        (OBJECT_GUID, Value::Null, "AuthenticationError", "claim onpremobjectguid"),
        // The GUID of another computer, and an account that never was.
        (OBJECT_GUID, json!(Lab::get().object("WS02$").guid_base64()), "DirectoryAccountError", "not the one it was"),
        ("primarysid", json!("S-1-5-21-1-2-3-4711"), "DirectoryAccountError", "not in the directory"),
    ] {
        let response = join(&token(&changed(good.clone(), member, value)), &keys.request(6, "WS01"));
        let said = refused(&response, 400, error_type);
        assert!(said.contains(message), "{member}: {said}");
    }
    // A person who is in Domain Computers is no computer, neither to the rules nor to whom a token says otherwise.
    let person = drs_sign_in::by_ticket(&Browser::windows(), "dcmember", "dcmember");
    let said = refused(&join(&person, &keys.request(6, "WS01")), 400, "AuthenticationError");
    assert!(said.contains("claim accounttype"), "{said}");
    let object = Lab::get().object("dcmember");
    let mut person = members(&object.sid, "dcmember@corp.example");
    person[ACCOUNT_TYPE] = "DJ".into();
    person[OBJECT_GUID] = object.guid_base64().into();
    refused(&join(&token(&person), &keys.request(6, "WS01")), 400, "DirectoryAccountError");
    assert!(ldap_read(&device_dn(&object.guid), &["cn"]).is_empty());
}

#[test]
fn a_token_lives_longer_than_the_right_to_sign_in() {
    let keys = DeviceKeys::new();
    let (account, sid) = user("leaver");
    let token = drs_sign_in::of_user(&account);
    account.modify("replace: userAccountControl\nuserAccountControl: 514");
    refused(&join(&token, &keys.request(4, "PC")), 400, "AuthorizationError");
    account.delete();
    refused(&join(&token, &keys.request(4, "PC")), 400, "DirectoryAccountError");
    assert_eq!(devices(&by_user(&sid)), Vec::<String>::new());
}

#[test]
fn requests_that_cannot_be_used() {
    let keys = DeviceKeys::new();
    let token = drs_sign_in::of_computer("PC01$");
    let good = keys.request(6, "PC01");
    let csr = |keys: &DeviceKeys| json!({"Type": "pkcs10", "Data": STANDARD.encode(&keys.csr)});
    let mut foreign = DeviceKeys::new().csr;
    let end = foreign.len() - 1;
    foreign[end] ^= 1;
    let mut even = keys.blob.clone();
    even[26] = 2;
    let nul = with_nul();
    for (member, value, message) in [
        ("CertificateRequest", csr(&DeviceKeys::with(&["-sha256", "-subj", "/CN=x"], 1024)), "the key has 1024 bits"),
        ("CertificateRequest", csr(&DeviceKeys::with(&["-sha1", "-subj", "/CN=x"], 2048)), "signed with SHA-1"),
        ("CertificateRequest", json!({"Type": "pkcs10", "Data": STANDARD.encode(&foreign)}), "signature"),
        ("CertificateRequest", json!({"Type": "pkcs10", "Data": STANDARD.encode(vec![0x30; 20_000])}), "20000 octets"),
        ("CertificateRequest", json!({"Type": "pkcs10", "Data": "MII="}), "not readable"),
        ("CertificateRequest", json!({"Type": "cmc", "Data": "MII="}), "not pkcs10"),
        ("CertificateRequest", Value::Null, "missing, repeated"),
        ("TransportKey", json!(STANDARD.encode(&keys.blob[..282])), "do not add up"),
        ("TransportKey", json!(STANDARD.encode(&even)), "exponent"),
        ("TransportKey", json!(STANDARD.encode("{\"kty\":\"RSA\"}")), "JSON Web Key"),
        ("TransportKey", Value::Null, "transport key is missing"),
        ("DeviceDisplayName", json!("x".repeat(257)), "DeviceDisplayName"),
        ("DeviceDisplayName", json!(""), "DeviceDisplayName"),
        ("OSVersion", json!("1\u{0}"), "OSVersion"),
        ("JoinType", json!(9), "JoinType"),
    ] {
        let response = join(&token, &changed(good.clone(), member, value));
        let said = refused(&response, 400, "InvalidParameter");
        assert!(said.to_lowercase().contains(&message.to_lowercase()), "{member}: {said}");
    }
    for (number, name) in [
        (0, "DeviceJoin"),
        (1, "DeviceUserJoin"),
        (2, "DeviceRenew"),
        (3, "DeviceUserRenew"),
        (5, "WorkplaceRenew"),
        (7, "UnJoin"),
    ] {
        let said =
            refused(&join(&token, &changed(good.clone(), "JoinType", json!(number))), 400, "AuthenticationError");
        assert_eq!(said, format!("The enrollment request type ({name}) is not allowed."));
    }
    // What looks odd and is fine: the NUL that Windows writes, extensions that ask for everything.
    let odd =
        DeviceKeys::with(&["-sha256", "-subj", "/C=DE/O=x/CN=y", "-addext", "basicConstraints=critical,CA:TRUE"], 2048);
    for csr in [nul, odd.csr] {
        let request =
            changed(good.clone(), "CertificateRequest", json!({"Type": "pkcs10", "Data": STANDARD.encode(csr)}));
        let joined = crate::drs_client::Joined::of(&join(&token, &request));
        let text = joined.x509(&["-noout", "-text"]);
        assert!(text.contains("CA:FALSE") && !text.contains("CA:TRUE"), "{text}");
    }
    let id = Lab::get().object("PC01$").guid;
    ldap_modify(&format!("dn: {}\nchangetype: delete\n", device_dn(&id)));
}

/// A request with a NUL at the end of its CN, as Windows makes them; openssl makes none.
fn with_nul() -> Vec<u8> {
    std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/certificate_request/windows"))
        .unwrap()
}

#[test]
fn paths_methods_and_versions() {
    let token = drs_sign_in::of_computer("WS01$");
    let request = |path: &str, method: &str| {
        Curl::new(&format!("{}/EnrollmentServer/{path}", Lab::get().url))
            .header("Authorization", &format!("Bearer {token}"))
            .args(["--request", method])
            .post("{}")
            .send()
    };
    let id = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
    for (path, method, allow) in [
        ("device", "GET", "POST, DELETE"),
        ("device/", "PUT", "POST, DELETE"),
        (&format!("device/{id}"), "PUT", "POST, DELETE"),
        ("key", "GET", "POST"),
        ("DeviceEnrollmentWebService.svc", "GET", "POST"),
        ("contract", "POST", "GET, HEAD"),
    ] {
        let response = request(path, method);
        assert_eq!((response.status, response.header("allow")), (405, Some(allow)), "{method} {path}");
    }
    for path in ["", "device/x/y", "Discovery.svc", "keys"] {
        assert_eq!(request(path, "POST").status, 404, "{path}");
    }
    for version in ["", "?api-version=3.0", "?api-version=1.2", "?api-version=1.0&api-version=1.0"] {
        let said = refused(&request(&format!("device{version}"), "POST"), 400, "InvalidParameter");
        assert!(said.contains("api-version"), "{version}: {said}");
    }
    refused(&request(&format!("device/{id}?api-version=1.0"), "POST"), 400, "InvalidParameter");
    let huge = Curl::new(&format!("{}/EnrollmentServer/device?api-version=1.0", Lab::get().url))
        .header("Authorization", &format!("Bearer {token}"))
        .post(vec![b' '; (64 << 10) + 1])
        .send();
    assert!(refused(&huge, 400, "InvalidParameter").contains("octets"));
}

#[test]
fn soap_messages_that_are_refused() {
    let keys = DeviceKeys::new();
    let good = members(&Lab::get().object("alice").sid, "alice@corp.example");
    let own = drs_sign_in::by_ticket(&Browser::windows(), "alice", "alice");
    let message = keys.enrolment(&own, "PC");
    let fault = |message: String, error_type: &str, text: &str| {
        let response = enrol(message);
        assert_eq!(response.status, 500, "{}", response.body);
        for expected in [
            format!(">{error_type}</a:Action>"),
            format!("<s:Value>s:{error_type}</s:Value>"),
            format!("<ErrorType>{error_type}</ErrorType><Message>"),
            String::from(text),
        ] {
            assert!(response.body.contains(&expected), "{expected}: {}", response.body);
        }
        let event = Lab::get().audit(&response.correlation).event(9020);
        assert_eq!((&event["AuditResult"], &event["ErrorCode"]), (&json!("Failure"), &json!(error_type)), "{event}");
        assert_eq!(event["JoinType"], json!("Enrollment"));
        response
    };
    let answer = fault(message.replace("RST/wstep", "RST/other"), "InvalidParameter", "Unsupported Action");
    assert!(answer.body.contains(">urn:uuid:0d5a1441-5891-453b-becf-a2e5f6ea3749</a:RelatesTo>"), "{}", answer.body);
    fault(String::from("<x/>"), "InvalidParameter", "Not an enrolment");
    fault(format!("{message}<!--{}-->", "x".repeat(64 << 10)), "InvalidParameter", " octets");
    fault(String::from("<!DOCTYPE x><x/>"), "InvalidParameter", "XML");
    fault(keys.enrolment("x", "PC"), "AuthenticationError", "access token");
    fault(keys.enrolment(&token(&changed(good.clone(), "exp", json!(1))), "PC"), "AuthenticationError", "access token");
    fault(
        keys.enrolment(&token(&changed(good.clone(), PERMISSION, Value::Null)), "PC"),
        "AuthorizationError",
        "not permitted",
    );
    fault(keys.enrolment(&token(&changed(good, "upn", Value::Null)), "PC"), "AuthenticationError", "claim upn");
    fault(message.replace("DeviceDisplayName", "Other"), "InvalidParameter", "DeviceDisplayName is missing");
    let weak = DeviceKeys::with(&["-sha1", "-subj", "/CN=x"], 2048);
    fault(message.replace(&STANDARD.encode(&keys.csr), &STANDARD.encode(&weak.csr)), "InvalidParameter", "SHA-1");
}
