//! Device registration when the directory is gone, and where it is switched off.

use std::process::Command;

use serde_json::{Value, json};

use crate::crashes::restarted;
use crate::drs_client::DeviceKeys;
use crate::drs_sign_in;
use crate::support::{Audit, Browser, Curl, Lab, NodeSetup};

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
fn an_address_that_sends_bad_tokens_without_end_has_to_wait() {
    let node = NodeSetup::new().start();
    let post = |token: &str| {
        node.curl("/EnrollmentServer/device?api-version=1.0").header("Authorization", token).post("{}").send()
    };
    assert_eq!(post("Bearer x").status, 401);
    let url = format!("{}/EnrollmentServer/device?api-version=1.0&n=[1-400]", Lab::get().url);
    let output = Command::new("curl")
        .args(["--silent", "--connect-to", &format!("::{}:", node.address), "--data-binary", "{}"])
        .args(["--header", "Authorization: Bearer x", "--output", "/dev/null", "--write-out", "%{http_code}\n", &url])
        .output()
        .expect("curl runs");
    let statuses = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = |status: &str| statuses.lines().filter(|line| *line == status).count();
    assert_eq!(number("401") + number("503"), 400, "{statuses}");
    assert!(number("401") >= 199 && number("503") > 0, "{statuses}");
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
