//! Devices that register, register again and leave: computers, users' own devices by REST and by SOAP, and keys of users.
//! openssl, curl and ldapsearch say what became of them.

use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::drs_client::{
    DeviceKeys, Joined, by_user, device_dn, devices, enrol, join, ldap_modify, ldap_read, leave, members, time, token,
    user,
};
use crate::drs_sign_in;
use crate::support::{Browser, Curl, Lab, Response, run, variable};

fn discovery(host: &str, query: &str, accept: Option<&str>) -> Response {
    let accept = accept.map_or_else(|| String::from("Accept;"), |accept| format!("Accept: {accept}"));
    Curl::new(&format!("https://{host}/EnrollmentServer/contract{query}")).args(["--header", &accept]).send()
}

#[test]
fn discovery_answers_windows_and_msal() {
    let lab = Lab::get();
    let registration = format!("enterpriseregistration.{}", lab.domain);
    for host in [&lab.host, &registration] {
        let answer = discovery(host, "?api-version=1.2", Some("application/json"));
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json; charset=utf-8")));
        let document: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(
            document["DeviceJoinService"]["JoinEndpoint"],
            format!("https://{registration}/EnrollmentServer/device/")
        );
        assert_eq!(document["WebBrowserZones"]["Intranet"]["Endpoints"], json!([format!("{}/", lab.url)]));
        let passive = &document["IdentityProviderService"]["PassiveAuthEndpoint"];
        assert_eq!(*passive, format!("{}/adfs/ls", lab.url));
    }
    // MSAL writes the path in small letters and reads the first version.
    let url = format!("https://{registration}/enrollmentserver/contract?api-version=1.0&x-client-Ver=1");
    let first: Value = serde_json::from_str(&Curl::new(&url).header("Accept", "application/json").send().body).unwrap();
    assert_eq!(first.as_object().unwrap().len(), 3);
    let xml = discovery(&lab.host, "?api-version=1.2", None);
    assert_eq!((xml.status, xml.header("content-type")), (200, Some("application/xml; charset=utf-8")));
    assert!(xml.body.starts_with("<Discovery "), "{}", xml.body);
    for (query, accept, status) in [
        ("", None, 400),
        ("?api-version=1.1", None, 400),
        ("?api-version=1.0&api-version=1.2", None, 400),
        ("?api-version=1.2", Some("text/html"), 406),
    ] {
        assert_eq!(discovery(&lab.host, query, accept).status, status, "{query} {accept:?}");
    }
}

#[test]
fn a_computer_joins_joins_again_and_leaves() {
    let object = Lab::get().object("WS01$");
    let token = drs_sign_in::of_computer("WS01$");
    drs_sign_in::is_of_computer(&token, "WS01$");
    let first_keys = DeviceKeys::new();
    let answer = join(&token, &first_keys.request(6, "WS01"));
    let first = Joined::of(&answer);
    assert_eq!(first.id, object.guid);
    assert_eq!(first.upn, format!("WS01$@{}", Lab::get().domain));
    certificate_is_as_windows_expects(&first);
    object_is(&first, &first_keys, "WS01", &object.sid);
    let event = Lab::get().audit(&answer.correlation).event(9020);
    assert_eq!(
        (&event["AuditResult"], &event["JoinType"], &event["DeviceId"], &event["SubjectSid"]),
        (&json!("Success"), &json!("DomainJoin"), &json!(object.guid), &json!(object.sid))
    );
    assert_eq!(event["CertificateThumbprint"], json!(first.thumbprint));
    let serial = first.x509(&["-noout", "-serial"]).trim().trim_start_matches("serial=").to_lowercase();
    assert_eq!(event["CertificateSerialNumber"], json!(serial));

    // Again, as after a new installation: the same device, and the old certificate is worth nothing. This time by WS-Trust.
    let token = drs_sign_in::by_ws_trust();
    drs_sign_in::is_of_computer(&token, "WS01$");
    let keys = DeviceKeys::new();
    let mut request = keys.request(6, "WS01");
    request["OSVersion"] = "10.0.26200.1".into();
    let second = Joined::of(&join(&token, &request));
    assert_eq!(second.id, object.guid);
    assert_ne!(second.thumbprint, first.thumbprint);
    assert_eq!(devices(&format!("(cn={})", object.guid)).len(), 1);
    let read = object_is(&second, &keys, "WS01", &object.sid);
    assert!(read.contains("msDS-DeviceOSVersion: 10.0.26200.1"), "{read}");
    assert_eq!(read.matches("altSecurityIdentities:").count(), 1);
    assert_eq!(first.leave(&first_keys, &first.id).status, 401);

    // It leaves by its certificate, and only as itself.
    assert_eq!(second.leave(&keys, "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0").status, 401);
    assert!(!ldap_read(&device_dn(&second.id), &["cn"]).is_empty());
    let left = second.leave(&keys, &second.id);
    assert_eq!((left.status, left.body.as_str()), (200, ""));
    assert!(ldap_read(&device_dn(&second.id), &["cn"]).is_empty());
    let event = Lab::get().audit(&left.correlation).event(9021);
    assert_eq!((&event["AuditResult"], &event["DeviceId"]), (&json!("Success"), &json!(second.id)));
    assert_eq!(second.leave(&keys, &second.id).status, 401);
}

/// Field by field as AD FS makes it (device-registration.md 5.1), by OpenSSL's word.
fn certificate_is_as_windows_expects(joined: &Joined) {
    let text = joined.x509(&["-noout", "-text", "-nameopt", "RFC2253"]);
    for expected in [
        "Version: 3 (0x2)",
        "Signature Algorithm: sha256WithRSAEncryption",
        &format!("Subject: CN={}", joined.id),
        "CN=MS-Organization-Access",
        "X509v3 Basic Constraints: critical\n                CA:FALSE",
        "X509v3 Extended Key Usage: critical\n                TLS Web Client Authentication",
        "1.2.840.113556.1.5.284.1: ",
        "1.2.840.113556.1.5.284.2: ",
        "1.2.840.113556.1.5.284.3: ",
        "1.2.840.113556.1.5.284.4: ",
        "1.2.840.113556.1.5.284.7: ",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
    for absent in ["Subject Alternative Name", "Key Usage:", "Authority Key", "CRL", "CA Issuers"] {
        assert!(!text.replace("Extended Key Usage:", "").contains(absent), "{absent}: {text}");
    }
    let fingerprint = joined.x509(&["-noout", "-fingerprint", "-sha1"]).replace(':', "");
    assert!(fingerprint.trim().ends_with(&joined.thumbprint), "{fingerprint}");
    // Issued by an authority that the directory publishes.
    let service = format!(
        "CN=DeviceRegistrationService,CN=Device Registration Services,CN=Device Registration Configuration,CN=Services,\
         CN=Configuration,{}",
        variable("LAB_BASE_DN")
    );
    let mut authorities = String::new();
    for line in ldap_read(&service, &["msDS-IssuerPublicCertificates"]).lines() {
        if let Some(der) = line.strip_prefix("msDS-IssuerPublicCertificates:: ") {
            authorities.push_str(&format!("-----BEGIN CERTIFICATE-----\n{der}\n-----END CERTIFICATE-----\n"));
        }
    }
    let file = Lab::get().new_file("authorities.pem");
    std::fs::write(&file, wrapped(&authorities)).unwrap();
    run(Command::new("openssl")
        .args(["verify", "-purpose", "sslclient", "-CAfile"])
        .arg(&file)
        .arg(&joined.certificate));
}

/// PEM with lines of at most 64 characters.
fn wrapped(pem: &str) -> String {
    let mut text = String::new();
    for line in pem.lines() {
        for chunk in line.as_bytes().chunks(64) {
            text.push_str(std::str::from_utf8(chunk).unwrap());
            text.push('\n');
        }
    }
    text
}

/// The object of a domain-joined computer, by ldapsearch.
fn object_is(joined: &Joined, keys: &DeviceKeys, name: &str, owner: &str) -> String {
    let read = ldap_read(&device_dn(&joined.id), &["*"]);
    let id = STANDARD.encode(uuid::Uuid::parse_str(&joined.id).unwrap().to_bytes_le());
    let sid = STANDARD.encode(owner.parse::<chancery::directory::Sid>().unwrap().to_bytes());
    for expected in [
        format!("displayName: {name}"),
        format!("msDS-DeviceID:: {id}"),
        String::from("msDS-IsEnabled: TRUE"),
        String::from("msDS-DeviceOSType: Windows"),
        format!("msDS-RegisteredOwner:: {sid}"),
        format!("msDS-RegisteredUsers:: {sid}"),
        format!("altSecurityIdentities: X509:<SHA1-TP-PUBKEY>{}", joined.thumbprint),
        String::from("msDS-DeviceTrustType: 2"),
        String::from("msDS-DeviceObjectVersion: 2"),
        String::from("msDS-CloudIsManaged: FALSE"),
        hex::encode_upper(&keys.blob),
    ] {
        assert!(read.contains(&expected), "{expected} is not in\n{read}");
    }
    read
}

#[test]
fn a_user_registers_an_own_device_by_rest_and_by_soap() {
    let (account, sid) = user("owner");
    let token = drs_sign_in::of_user(&account);
    let keys = DeviceKeys::new();
    let joined = Joined::of(&join(&token, &keys.request(4, "Poste de Zoé")));
    assert_eq!(joined.upn, account.upn());
    let read = ldap_read(&device_dn(&joined.id), &["*"]);
    assert!(read.contains("msDS-DeviceTrustType: 0"), "{read}");
    assert!(read.contains(&format!("displayName:: {}", STANDARD.encode("Poste de Zoé"))), "{read}");
    // Each time a new device, unless the client asks to be the same.
    let second = Joined::of(&join(&token, &keys.request(4, "Poste de Zoé")));
    assert_ne!(second.id, joined.id);
    let mut again = keys.request(4, "Poste de Zoé");
    again["Attributes"] = json!({"ReuseDevice": "True"});
    let third = Joined::of(&join(&token, &again));
    assert!([&joined.id, &second.id].contains(&&third.id));

    let answer = enrol(keys.enrolment(&token, "Poste de Zoé"));
    let enrolled = Joined::of_enrolment(&answer);
    assert_eq!(enrolled.upn, account.upn());
    assert_eq!(answer.header("content-type"), Some("application/soap+xml; charset=utf-8"));
    assert!(answer.body.contains("RSTRC/wstep</a:Action>"), "{}", answer.body);
    let read = ldap_read(&device_dn(&enrolled.id), &["*"]);
    assert!(read.contains("msDS-DeviceOSVersion: 6.3.9600.0"), "{read}");
    for absent in ["msDS-KeyCredentialLink", "msDS-DeviceTrustType"] {
        assert!(!read.contains(absent), "{read}");
    }
    assert_eq!(Lab::get().audit(&answer.correlation).event(9020)["JoinType"], json!("Enrollment"));
    assert_eq!(devices(&by_user(&sid)).len(), 3);
    assert_eq!(enrolled.leave(&keys, &enrolled.id).status, 200);
    account.delete();
}

#[test]
fn the_eleventh_device_of_a_user_is_refused_and_an_administrators_is_not() {
    let (account, sid) = user("many");
    let token_of_user = drs_sign_in::of_user(&account);
    let keys = DeviceKeys::new();
    for number in 1..=10 {
        Joined::of(&join(&token_of_user, &keys.request(4, &format!("D{number}"))));
    }
    let refused = join(&token_of_user, &keys.request(4, "D11"));
    let error: Value = serde_json::from_str(&refused.body).unwrap();
    assert_eq!(refused.status, 400, "{error}");
    assert_eq!((&error["ErrorType"], &error["Message"]), (&json!("AuthorizationError"), &json!("DeviceCapReached")));
    let event = Lab::get().audit(&refused.correlation).event(9020);
    assert_eq!((&event["AuditResult"], &event["ErrorCode"]), (&json!("Failure"), &json!("DeviceCapReached")));
    assert!(event["Detail"].as_str().unwrap().contains("10 devices"), "{event}");

    let fault = enrol(keys.enrolment(&token_of_user, "D11"));
    assert_eq!(fault.status, 500);
    for expected in [
        ">DeviceCapReached</a:Action>",
        "<s:Value>s:DeviceCapReached</s:Value>",
        ">WindowsEnrollmentServiceError</s:Text>",
        "<ErrorType>AuthorizationError</ErrorType><Message>DeviceCapReached</Message>",
    ] {
        assert!(fault.body.contains(expected), "{expected}: {}", fault.body);
    }
    assert_eq!(devices(&by_user(&sid)).len(), 10);

    // Its own device again is no eleventh.
    let mut again = keys.request(4, "D3");
    again["Attributes"] = json!({"ReuseDevice": true});
    assert_eq!(join(&token_of_user, &again).status, 200);
    assert_eq!(devices(&by_user(&sid)).len(), 10);

    let (administrator, _) = user("admin");
    ldap_modify(&format!(
        "dn: CN=Domain Admins,CN=Users,{}\nchangetype: modify\nadd: member\nmember: {}\n",
        variable("LAB_BASE_DN"),
        administrator.dn()
    ));
    let token_of_administrator = drs_sign_in::of_user(&administrator);
    for number in 1..=11 {
        Joined::of(&join(&token_of_administrator, &keys.request(4, &format!("A{number}"))));
    }
    account.delete();
    administrator.delete();
}

#[test]
fn what_an_administrator_disabled_stays_disabled() {
    let object = Lab::get().object("WS02$");
    let token = drs_sign_in::of_computer("WS02$");
    let keys = DeviceKeys::new();
    let joined = Joined::of(&join(&token, &keys.request(6, "WS02")));
    let dn = device_dn(&object.guid);
    ldap_modify(&format!("dn: {dn}\nchangetype: modify\nreplace: msDS-IsEnabled\nmsDS-IsEnabled: FALSE\n"));
    let refused = join(&token, &DeviceKeys::new().request(6, "WS02"));
    let error: Value = serde_json::from_str(&refused.body).unwrap();
    assert_eq!((refused.status, &error["ErrorType"]), (400, &json!("AuthorizationError")), "{error}");
    assert!(error["Message"].as_str().unwrap().ends_with("before it can register again."), "{error}");
    let read = ldap_read(&dn, &["msDS-IsEnabled", "altSecurityIdentities"]);
    assert!(read.contains("msDS-IsEnabled: FALSE") && read.contains(&joined.thumbprint), "{read}");
    let event = Lab::get().audit(&refused.correlation).event(9020);
    assert_eq!((&event["AuditResult"], &event["DeviceId"]), (&json!("Failure"), &json!(object.guid)));
    ldap_modify(&format!("dn: {dn}\nchangetype: delete\n"));
}

#[test]
fn certificates_that_end_no_registration() {
    let id = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
    let refused = |response: Response, why: &str| {
        let error: Value = serde_json::from_str(&response.body).unwrap();
        assert_eq!((response.status, &error["ErrorType"]), (401, &json!("AuthenticationError")), "{error}");
        let event = Lab::get().audit(&response.correlation).event(9021);
        assert!(event["Detail"].as_str().unwrap().contains(why), "{event}");
    };
    refused(leave(id, &[]), "showed none");
    let client = |name: &str| {
        let path = |ending: &str| Lab::get().clients.join(format!("{name}.{ending}")).display().to_string();
        [path("pem"), path("key")]
    };
    let [certificate, key] = client("alice-sid");
    refused(leave(id, &["--cert", &certificate, "--key", &key]), "no registered device");
    // Its subject is that of a device, and it signed itself.
    let (key, certificate) = (Lab::get().new_file("own.key"), Lab::get().new_file("own.pem"));
    run(Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "30",
            "-subj",
            &format!("/CN={id}"),
            "-keyout",
        ])
        .arg(&key)
        .arg("-out")
        .arg(&certificate));
    let arguments = ["--cert", certificate.to_str().unwrap(), "--key", key.to_str().unwrap()];
    refused(leave(id, &arguments), "no registered device");
    // On the main name nobody is asked.
    let main = Curl::new(&format!("{}/EnrollmentServer/device/{id}", Lab::get().url))
        .args(["--request", "DELETE"])
        .args(arguments)
        .send();
    refused(main, "none is asked for on this name");
}

#[test]
fn a_windows_hello_key_is_added_to_its_user() {
    let sid = Lab::get().object("erin").sid;
    // The service account may write keys of people, not of everybody.
    let dn = format!("<SID={sid}>");
    let own = members(&sid, "erin@emea.brand.example");
    let device = Joined::of(&join(
        &drs_sign_in::by_ticket(&Browser::windows(), "erin", "erin"),
        &DeviceKeys::new().request(4, "Laptop"),
    ));
    let disabled = Joined::of(&join(
        &drs_sign_in::by_ticket(&Browser::windows(), "erin", "erin"),
        &DeviceKeys::new().request(4, "Old laptop"),
    ));
    let disabled_dn = device_dn(&disabled.id);
    ldap_modify(&format!("dn: {disabled_dn}\nchangetype: modify\nreplace: msDS-IsEnabled\nmsDS-IsEnabled: FALSE\n"));
    let keys = DeviceKeys::new();
    let body = json!({"kngc": STANDARD.encode(&keys.blob)}).to_string();
    let post_as = |query: &str, accept: &str, members: &Value, body: &str| {
        Curl::new(&format!("{}/EnrollmentServer/key/{query}", Lab::get().url))
            .header("Authorization", &format!("Bearer {}", token(members)))
            .header("Accept", accept)
            .post(body)
            .send()
    };
    let post = |members: &Value, body: &str| post_as("?api-version=1.0", "application/json", members, body);
    // What a primary refresh token of the device gives; the client of registration gets no such token.
    let mut good = own.clone();
    good["deviceid"] = device.id.clone().into();
    good["amr"] = json!(["urn:oasis:names:tc:SAML:1.0:am:password", "ngcmfa"]);
    let answer = post(&good, &body);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let registered: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(registered["upn"], json!("erin@emea.brand.example"));
    uuid::Uuid::parse_str(registered["kid"].as_str().unwrap()).unwrap();
    let read = ldap_read(&dn, &["msDS-KeyCredentialLink"]);
    assert!(read.contains(&hex::encode_upper(&keys.blob)), "{read}");
    // Signed by the device authority; its content names a domain controller.
    let file = Lab::get().new_file("pctx.der");
    std::fs::write(&file, STANDARD.decode(registered["pctx"].as_str().unwrap()).unwrap()).unwrap();
    let content = run(Command::new("openssl")
        .args(["cms", "-verify", "-noverify", "-binary", "-inform", "DER", "-in"])
        .arg(&file));
    assert!(content.contains(&format!(".{}\"}}", Lab::get().domain)), "{content}");
    assert_eq!(Lab::get().audit(&answer.correlation).event(9022)["AuditResult"], json!("Success"));

    let with = |member: &str, value: Value| {
        let mut changed = good.clone();
        match value {
            Value::Null => drop(changed.as_object_mut().unwrap().remove(member)),
            value => changed[member] = value,
        }
        changed
    };
    for (query, accept, message) in [
        ("", "application/json", "api-version"),
        ("?api-version=1.2", "application/json", "api-version"),
        ("?api-version=1.0", "text/html", "application/json"),
        ("?api-version=1.0", "", "application/json"),
    ] {
        let refused = post_as(query, accept, &good, &body);
        let error: Value = serde_json::from_str(&refused.body).unwrap();
        assert_eq!((refused.status, &error["code"]), (400, &json!("invalid_request")), "{query} {accept}: {error}");
        assert!(error["message"].as_str().unwrap().contains(message), "{error}");
    }
    for (members, body, status, message) in [
        (own.clone(), &*body, 401, "deviceid"),
        (with("deviceid", json!("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0")), &body, 401, "deviceid"),
        (with("amr", json!("urn:oasis:names:tc:SAML:1.0:am:password")), &body, 401, "amr"),
        (with("auth_time", json!(time(Duration::from_mins(11)))), &body, 401, "auth_time"),
        (with("aud", json!("urn:other")), &body, 401, "access token"),
        // As of WS-Trust, which no client of its own got.
        (with("appid", Value::Null), &body, 401, "access token"),
        (with("deviceid", json!(disabled.id)), &body, 401, "deviceid"),
        (good.clone(), "{}", 400, "not readable"),
        (good.clone(), "{\"kngc\":\"UlNBMQ==\"}", 400, "RSA1"),
    ] {
        let refused = post(&members, body);
        let error: Value = serde_json::from_str(&refused.body).unwrap();
        assert_eq!((refused.status, &error["response"]), (status, &json!("ERROR_FAIL")), "{error}");
        assert!(error["message"].as_str().unwrap().contains(message), "{error}");
        assert_eq!(Lab::get().audit(&refused.correlation).event(9022)["AuditResult"], json!("Failure"));
    }
    assert_eq!(ldap_read(&dn, &["msDS-KeyCredentialLink"]).matches("msDS-KeyCredentialLink:").count(), 1);
    ldap_modify(&format!("dn: {dn}\nchangetype: modify\ndelete: msDS-KeyCredentialLink\n"));
    for device in [&device, &disabled] {
        ldap_modify(&format!("dn: {}\nchangetype: delete\n", device_dn(&device.id)));
    }
}
