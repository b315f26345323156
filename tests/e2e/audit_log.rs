//! The audit log as it is configured: how much is written, and what happens when nothing can be.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{
    Audit, ENTRA, Node, NodeSetup, Response, USERNAME, WINDOWS, claim, eventually, request, variable,
};

const DENIED: &str = r#"
[relying_party]
name = "Nobody"
identifiers = ["urn:test:nobody"]
access_control_policy = "permit-intranet"
transform_rules = '''c:[Type == "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"] => issue(claim = c);'''
"#;

fn verbose() -> NodeSetup {
    NodeSetup::new().replace("claims = \"values\"", "claims = \"values\"\nlevel = \"verbose\"")
}

fn audit(node: &Node, answer: &Response) -> Audit {
    Audit::of(node.directory.join("audit.jsonl"), &answer.correlation)
}

fn alice() -> String {
    format!("alice@{}", variable("LAB_DOMAIN"))
}

/// The events of this number, once the answer's own is there.
fn events(audit: &Audit, number: u64) -> Vec<Value> {
    audit.event(404);
    audit.events().into_iter().filter(|event| event["EventID"] == number).collect()
}

#[test]
fn verbose_says_what_arrived_what_left_and_what_claims_decided() {
    let node = verbose().write("trusts/nobody.toml", DENIED).start();
    let rst = request(USERNAME).password(&alice(), "Alice-Pw-1").build();
    let length = rst.len();
    let answer = node.curl(&format!("{USERNAME}?code=not-for-a-log")).soap(rst).send();
    assert_eq!(answer.status, 200, "{}", answer.body);
    let log = audit(&node, &answer);
    let arrived = &events(&log, 403)[0];
    assert_eq!(
        (&arrived["HttpMethod"], &arrived["LocalPort"], &arrived["ContentLength"]),
        (&json!("POST"), &json!(443), &json!(length))
    );
    assert_eq!((&arrived["Endpoint"], &arrived["AuthProtocol"]), (&json!(USERNAME), &json!("N/A")));
    assert_eq!((&arrived["IpAddress"], &arrived["NetworkLocation"]), (&json!("127.0.0.1"), &json!("Intranet")));
    let left = &events(&log, 404)[0];
    assert_eq!((&left["StatusCode"], &left["StatusDescription"]), (&json!(200), &json!("OK")));
    assert_eq!(left["InstanceID"], arrived["InstanceID"]);
    assert_eq!(events(&log, 410), Vec::<Value>::new(), "there was no proxy");

    // What the decision was made with, joined with what was issued.
    let caller = log.event(501);
    assert_eq!(caller["InstanceID"], log.event(299)["InstanceID"]);
    let claims = caller["Claims"].as_array().expect("claims");
    let upn = claims.iter().find(|line| line["Type"] == claim::UPN_2005).expect("a UPN");
    assert_eq!(upn["Value"], alice());
    assert!(claims.iter().any(|line| line["Type"] == claim::INSIDE && line["Value"] == "true"), "{caller}");
    assert_eq!(log.events().iter().filter(|event| event["EventID"] == 502).count(), 0);
    assert!(!fs::read_to_string(node.directory.join("audit.jsonl")).expect("a log").contains("not-for-a-log"));

    // And with what was denied.
    let rst = request(USERNAME).applies_to("urn:test:nobody").password(&alice(), "Alice-Pw-1").build();
    let denied = node.curl(USERNAME).args(["--interface", "127.0.0.9"]).soap(rst).send();
    assert_eq!(denied.status, 500, "{}", denied.body);
    let log = audit(&node, &denied);
    let caller = log.event(501);
    assert_eq!(caller["InstanceID"], log.event(324)["InstanceID"]);
    let claims = caller["Claims"].as_array().expect("claims");
    assert!(claims.iter().any(|line| line["Type"] == claim::INSIDE && line["Value"] == "false"), "{caller}");
    assert_eq!(events(&log, 404)[0]["StatusDescription"], "Internal Server Error");
    // Of health nothing is written.
    let health = node.curl("/adfs/probe").send();
    assert_eq!(health.status, 200);
    let later = node.curl("/adfs/services/trust/mex").send();
    assert_eq!(events(&audit(&node, &later), 403).len(), 1);
    assert_eq!(audit(&node, &health).events(), Vec::<Value>::new());
}

#[test]
fn verbose_names_the_headers_of_proxies_and_no_other() {
    let node = verbose().start();
    let answer = node
        .curl("/adfs/services/trust/mex")
        .header("X-MS-Proxy", "wap1.corp.example")
        .header("X-MS-Forwarded-Client-IP", "203.0.113.7, 198.51.100.1")
        .header("x-ms-endpoint-absolute-path", "/adfs/ls/?code=secret-of-the-query")
        .header("X-MS-Client-Application", "Microsoft.Exchange.Autodiscover")
        .header("x-ms-RefreshTokenCredential", "secret-of-the-header")
        .send();
    assert_eq!(answer.status, 200);
    let log = audit(&node, &answer);
    assert_eq!(
        events(&log, 410)[0]["Headers"],
        json!([
            ["X-MS-Proxy", "wap1.corp.example"],
            ["X-MS-Endpoint-Absolute-Path", "/adfs/ls/"],
            ["X-MS-Forwarded-Client-IP", "203.0.113.7, 198.51.100.1"],
            ["X-MS-Client-Application", "Microsoft.Exchange.Autodiscover"]
        ])
    );
    let text = fs::read_to_string(node.directory.join("audit.jsonl")).expect("a log");
    assert!(!text.contains("secret-of-the"), "{text}");
    // Whoever sends them: a stranger's are seen here, and believed nowhere.
    assert_eq!(events(&log, 403)[0]["NetworkLocation"], "Intranet");
}

#[test]
fn the_level_follows_a_reload_and_basic_has_none_of_it() {
    let node = NodeSetup::new().start();
    let quiet = node.token_of_computer();
    assert_eq!(quiet.status, 200);
    audit(&node, &quiet).event(299);
    crate::support::replace(&node.file(), "claims = \"values\"", "claims = \"values\"\nlevel = \"verbose\"");
    assert!(node.reload().0);
    let loud = node.token_of_computer();
    assert_eq!(loud.status, 200);
    assert_eq!(audit(&node, &loud).event(501)["EventID"], 501);
    let of_quiet = audit(&node, &quiet).events();
    let verbose: Vec<&Value> = of_quiet
        .iter()
        .filter(|event| [403, 404, 410, 501].contains(&event["EventID"].as_u64().expect("one")))
        .collect();
    assert!(verbose.is_empty(), "{verbose:#?}");
}

/// A disk that is full, then a place where nothing can be made, then a good one. Nobody reads the log in between: there is no end of
/// what the full disk gives.
fn fail_and_recover(node: &Node, log: &Path, while_failing: impl Fn()) {
    while_failing();
    node.logged("audit events are being lost");
    fs::remove_file(log).expect("a link");
    symlink("/proc/no-file-can-be-made-here", log).expect("a link");
    while_failing();
    assert_eq!(node.log().matches("audit events are being lost").count(), 1, "said once: {}", node.log());
    fs::remove_file(log).expect("a link");
    eventually("a token that is written down", || {
        let answer = node.token_of_computer();
        answer.status == 200 && audit(node, &answer).events().iter().any(|event| event["EventID"] == 299)
    });
    node.logged("audit events are written again");
}

#[test]
fn what_cannot_be_written_down_is_not_issued_where_so_configured() {
    let setup = NodeSetup::new().replace("claims = \"values\"", "claims = \"values\"\non_failure = \"stop_issuance\"");
    let log = setup.directory.join("audit.jsonl");
    symlink("/dev/full", &log).expect("a link");
    let node = setup.start();
    fail_and_recover(&node, &log, || {
        for refused in [node.token_of_computer(), node.token_of_user(&alice(), "Alice-Pw-1")] {
            assert_eq!(refused.status, 503, "{}", refused.body);
            assert!(refused.body.contains("EndpointUnavailable"), "{}", refused.body);
            assert!(!refused.body.contains("RequestedSecurityToken"), "{}", refused.body);
            assert!(refused.header("retry-after").is_some());
        }
        // This node cannot serve, but what all nodes may share takes none out of the balancer.
        assert_eq!(node.health("/healthz/live"), 200);
    });
}

#[test]
fn what_cannot_be_written_down_is_issued_and_told_otherwise() {
    let setup = NodeSetup::new();
    let log = setup.directory.join("audit.jsonl");
    symlink("/dev/full", &log).expect("a link");
    let node = setup.start();
    fail_and_recover(&node, &log, || {
        let issued = node.curl(WINDOWS).negotiate(crate::support::computer_tickets());
        let issued = issued.soap(request(WINDOWS).applies_to(ENTRA).build()).send();
        assert_eq!(issued.status, 200, "{}", issued.body);
    });
}

#[test]
fn a_server_whose_log_cannot_be_opened_does_not_start() {
    let setup = NodeSetup::new();
    let log = setup.directory.join("audit.jsonl").display().to_string();
    let said = setup.replace(&log, "/proc/no-file-can-be-made-here").fails();
    assert!(said.contains("/proc/no-file-can-be-made-here"), "{said}");
}
