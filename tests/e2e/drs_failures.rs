//! Device registration when the directory is gone, and where it is switched off.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::crashes::restarted;
use crate::drs_client::{DeviceKeys, Joined, by_user, device_dn, devices, ldap_modify, members, token_of, user};
use crate::drs_sign_in;
use crate::support::{Audit, Browser, Curl, Lab, Node, NodeSetup, Response};

#[test]
fn without_the_directory_clients_are_asked_to_come_back_and_discovery_goes_on() {
    let domain = &Lab::get().domain;
    let controllers = format!("domain_controllers = [\"dc1.{domain}\", \"dc2.{domain}\"]");
    // A host that is there and speaks no LDAP.
    let nobody = format!("domain_controllers = [\"{}\"]", Lab::get().host);
    // With the token of a better hour.
    let node = NodeSetup::new().start();
    let browser = Browser::windows().at(&node.address);
    let token = drs_sign_in::by_ticket(&browser, "ws02", "WS02$");
    let node = restarted(node, |setup| setup.replace(&controllers, &nobody));
    let keys = DeviceKeys::new();
    let joined = node
        .curl("/EnrollmentServer/device?api-version=1.0")
        .header("Authorization", &format!("Bearer {token}"))
        .post(keys.request(6, "WS02").to_string())
        .send();
    let error: Value = serde_json::from_str(&joined.body).unwrap();
    assert_eq!((joined.status, &error["ErrorType"]), (503, &json!("DirectoryError")), "{error}");
    assert_eq!(joined.header("retry-after"), Some("30"));
    let audit = Audit::of(node.directory.join("audit.jsonl"), &joined.correlation);
    assert_eq!(audit.event(9020)["AuditResult"], json!("Failure"));
    let enrolled =
        node.curl("/EnrollmentServer/DeviceEnrollmentWebService.svc").soap(keys.enrolment(&token, "WS02")).send();
    assert_eq!((enrolled.status, enrolled.header("retry-after")), (503, Some("30")), "{}", enrolled.body);
    assert!(enrolled.body.contains("<s:Value>s:DirectoryAccountError</s:Value>"), "{}", enrolled.body);
    // A Windows Hello key: whether the device is registered is not known, and nobody says that it is not.
    let sid = &Lab::get().object("erin").sid;
    let mut members = members(sid, "erin@emea.brand.example");
    members["deviceid"] = json!("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0");
    members["amr"] = json!(["ngcmfa"]);
    let added = node
        .curl("/EnrollmentServer/key?api-version=1.0")
        .header("Authorization", &format!("Bearer {}", token_of(&node.directory, &members)))
        .header("Accept", "application/json")
        .post(json!({"kngc": STANDARD.encode(&keys.blob)}).to_string())
        .send();
    let error: Value = serde_json::from_str(&added.body).unwrap();
    assert_eq!((added.status, added.header("retry-after")), (503, Some("30")), "{error}");
    assert_eq!((&error["code"], &error["response"]), (&json!("server_error"), &json!("ERROR_FAIL")), "{error}");
    let audit = Audit::of(node.directory.join("audit.jsonl"), &added.correlation);
    assert_eq!(audit.event(9022)["AuditResult"], json!("Failure"));
    // Leaving, too: the device is not told that it is unknown.
    let client = |ending: &str| Lab::get().clients.join(format!("alice-sid.{ending}")).display().to_string();
    let id = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
    let leave = format!("https://enterpriseregistration.{domain}/EnrollmentServer/device/{id}?api-version=1.0");
    let left = Curl::new(&leave)
        .args(["--connect-to", &format!("::{}:", node.address), "--request", "DELETE"])
        .args(["--cert", &client("pem"), "--key", &client("key")])
        .send();
    assert_eq!((left.status, left.header("retry-after")), (503, Some("30")), "{}", left.body);
    let discovery = node.curl("/EnrollmentServer/contract?api-version=1.2").send();
    assert_eq!(discovery.status, 200);
}

/// A log on a full disk, of a server that does nothing without it: nobody's directory is other than it was.
#[test]
fn nothing_is_registered_replaced_or_forgotten_without_the_audit_log() {
    let setup = NodeSetup::new().replace("claims = \"values\"", "claims = \"values\"\non_failure = \"stop_issuance\"");
    std::os::unix::fs::symlink("/dev/full", setup.directory.join("audit.jsonl")).expect("a link");
    let node = setup.start();
    let (account, sid) = user("unlogged");
    let waits = |answer: &Response| {
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("30")), "{}", answer.body);
    };
    let mut members = members(&sid, &account.upn());
    let keys = DeviceKeys::new();
    let join = |request: &Value, members: &Value| {
        let request = node.curl("/EnrollmentServer/device?api-version=1.0").post(request.to_string());
        request.header("Authorization", &format!("Bearer {}", token_of(&node.directory, members))).send()
    };
    waits(&join(&keys.request(4, "Unlogged"), &members));
    assert!(devices(&by_user(&sid)).is_empty(), "a new device is taken back");

    // Registered where the log works; the same request again is the same device.
    let mut request = keys.request(4, "Unlogged");
    request["Attributes"] = json!({"ReuseDevice": "true", "ReturnClientSid": "true"});
    let joined = Joined::of(&crate::drs_client::join(&crate::drs_client::token(&members), &request));
    let object = || crate::drs_client::ldap_read(&device_dn(&joined.id), &["*"]);
    let before = object();
    waits(&join(&request, &members));
    assert_eq!(object(), before, "a device that was there is as it was");
    assert_eq!(devices(&by_user(&sid)).len(), 1);

    // The service account may write the keys of people only.
    let erin = Lab::get().object("erin").sid;
    members["primarysid"] = json!(erin);
    members["deviceid"] = json!(joined.id);
    members["amr"] = json!(["mfa"]);
    let added = node
        .curl("/EnrollmentServer/key?api-version=1.0")
        .header("Authorization", &format!("Bearer {}", token_of(&node.directory, &members)))
        .header("Accept", "application/json")
        .post(json!({"kngc": STANDARD.encode(&keys.blob)}).to_string())
        .send();
    waits(&added);
    let held = crate::drs_client::ldap_read(&format!("<SID={erin}>"), &["msDS-KeyCredentialLink"]);
    assert!(!held.contains(&hex::encode_upper(&keys.blob)), "nobody signs in by a key that no log knows: {held}");

    ldap_modify(&format!("dn: {}\nchangetype: delete\n", device_dn(&joined.id)));
    account.delete();
}

#[test]
fn where_requests_with_sha1_are_taken_windows_8_1_registers() {
    let node = NodeSetup::new()
        .replace("[device_registration]\nenabled = true", "[device_registration]\nenabled = true\nsha1_requests = true")
        .start();
    let (account, _) = user("sha1");
    let token = drs_sign_in::by_password(&Browser::other().at(&node.address), &account.upn(), &account.password);
    let keys = DeviceKeys::with(&["-sha1", "-subj", "/CN=7E980AD9-B86D-4306-9425-9AC066FB014A"], 2048);
    let enrolled =
        node.curl("/EnrollmentServer/DeviceEnrollmentWebService.svc").soap(keys.enrolment(&token, "PC")).send();
    let joined = node
        .curl("/EnrollmentServer/device?api-version=1.0")
        .header("Authorization", &format!("Bearer {token}"))
        .post(keys.request(4, "PC").to_string())
        .send();
    for joined in [Joined::of_enrolment(&enrolled), Joined::of(&joined)] {
        // What is issued is signed as ever.
        assert!(joined.x509(&["-noout", "-text"]).contains("Signature Algorithm: sha256WithRSAEncryption"));
        ldap_modify(&format!("dn: {}\nchangetype: delete\n", device_dn(&joined.id)));
    }
    account.delete();
}

#[test]
fn where_registration_is_off_only_discovery_is_there() {
    let node = NodeSetup::new().replace("[device_registration]\nenabled = true", "[device_registration]").start();
    let post = |path: &str| node.curl(path).post("{}").send().status;
    assert_eq!(post("/EnrollmentServer/device?api-version=1.0"), 404);
    assert_eq!(post("/EnrollmentServer/DeviceEnrollmentWebService.svc"), 404);
    assert_eq!(post("/EnrollmentServer/key?api-version=1.0"), 404);
    assert_eq!(node.curl("/EnrollmentServer/contract?api-version=1.0").send().status, 200);
}

#[test]
fn where_only_computers_may_register_no_protocol_takes_a_users_device() {
    let node = NodeSetup::new()
        .replace("[device_registration]\nenabled = true", "[device_registration]\nenabled = true\njoin_types = [6]")
        .start();
    let (account, sid) = user("byod");
    let token = token_of(&node.directory, &members(&sid, &account.upn()));
    let keys = DeviceKeys::new();
    let enrolled =
        node.curl("/EnrollmentServer/DeviceEnrollmentWebService.svc").soap(keys.enrolment(&token, "PC")).send();
    assert_eq!(enrolled.status, 500, "{}", enrolled.body);
    assert!(enrolled.body.contains("The enrollment request type (Enrollment) is not allowed."), "{}", enrolled.body);
    let joined = node
        .curl("/EnrollmentServer/device?api-version=1.0")
        .header("Authorization", &format!("Bearer {token}"))
        .post(keys.request(4, "PC").to_string())
        .send();
    assert_eq!(joined.status, 400, "{}", joined.body);
    assert!(joined.body.contains("The enrollment request type (WorkplaceJoin) is not allowed."), "{}", joined.body);
    assert!(devices(&by_user(&sid)).is_empty());
    account.delete();
}

#[test]
fn an_account_that_hands_in_keys_without_end_has_to_wait() {
    let node = NodeSetup::new().start();
    let (account, sid) = user("keys");
    let mut members = members(&sid, &account.upn());
    members["deviceid"] = json!("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0");
    members["amr"] = json!(["mfa"]);
    let token = format!("Authorization: Bearer {}", token_of(&node.directory, &members));
    let body = json!({"kngc": STANDARD.encode(&DeviceKeys::new().blob)}).to_string();
    let url = format!("{}/EnrollmentServer/key?api-version=1.0&n=[1-120]", Lab::get().url);
    let statuses =
        statuses(&node, &["--header", &token, "--header", "Accept: application/json", "--data-binary", &body, &url]);
    let number = |status: &str| statuses.iter().filter(|line| *line == status).count();
    // The device is not registered; each asks for it all the same, until there are too many.
    assert_eq!(number("401") + number("503"), 120, "{statuses:?}");
    assert!(number("401") >= 60 && number("503") > 0, "{statuses:?}");
    account.delete();
}

/// The statuses of what curl asks of a server over one connection.
fn statuses(node: &Node, arguments: &[&str]) -> Vec<String> {
    let output = Command::new("curl")
        .args(["--silent", "--connect-to", &format!("::{}:", node.address), "--output", "/dev/null"])
        .args(["--write-out", "%{http_code}\n"])
        .args(arguments)
        .output()
        .expect("curl runs");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn an_address_that_sends_bad_tokens_without_end_has_to_wait() {
    let node = NodeSetup::new().start();
    let post = |token: &str| {
        node.curl("/EnrollmentServer/device?api-version=1.0").header("Authorization", token).post("{}").send()
    };
    // Whoever has a good token costs the address nothing, whatever else is wrong.
    let (account, sid) = user("office");
    let good = format!("Authorization: Bearer {}", token_of(&node.directory, &members(&sid, &account.upn())));
    let url = format!("{}/EnrollmentServer/device?api-version=1.0&n=[1-260]", Lab::get().url);
    let statuses = statuses(&node, &["--header", &good, "--data-binary", "{}", &url]);
    assert_eq!(statuses, vec!["400"; 260]);
    account.delete();

    assert_eq!(post("Bearer x").status, 401);
    let url = format!("{}/EnrollmentServer/device?api-version=1.0&n=[1-400]", Lab::get().url);
    let statuses = self::statuses(&node, &["--header", "Authorization: Bearer x", "--data-binary", "{}", &url]);
    let number = |status: &str| statuses.iter().filter(|line| *line == status).count();
    assert_eq!(number("401") + number("503"), 400, "{statuses:?}");
    assert!(number("401") >= 199 && number("503") > 0, "{statuses:?}");
    let waits = post("Bearer x");
    if waits.status == 503 {
        let error: Value = serde_json::from_str(&waits.body).unwrap();
        assert_eq!((&error["ErrorType"], waits.header("retry-after")), (&json!("UnknownError"), Some("30")), "{error}");
        let event = Audit::of(node.directory.join("audit.jsonl"), &waits.correlation).event(9020);
        assert!(event["Detail"].as_str().unwrap().contains("from one address"), "{event}");
    }
    // Discovery costs nothing, and goes on.
    assert_eq!(node.curl("/EnrollmentServer/contract?api-version=1.2").send().status, 200);
}
