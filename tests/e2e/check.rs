//! `chancery check` asks the domains when they lock accounts.

use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{NodeSetup, program, variable};

#[test]
fn a_threshold_that_the_domain_reaches_first_is_a_warning() {
    let usual = NodeSetup::new();
    let said = check(&usual, &[]);
    assert!(!said.contains("lock accounts"), "the lab locks at 5, and the default is below: {said}");
    // Two servers pass on twice as many.
    let said = check(&usual, &["--nodes", "2"]);
    assert!(said.contains("up to 8 wrong passwords") && said.contains("locks it at 5"), "{said}");
    assert!(said.contains("write 2 or less for 2 node(s)"), "{said}");

    let high = NodeSetup::new().append("[lockout]\nthreshold = 5\nwindow_minutes = 10\n");
    let said = check(&high, &[]);
    let domain = variable("LAB_DOMAIN");
    assert!(said.contains(&format!("strangers can lock accounts of {domain}")), "{said}");
    assert!(said.contains("up to 5 wrong passwords") && said.contains("write 4 or less"), "{said}");
    assert!(said.contains("after 10 minutes, but the domain counts for 30"), "{said}");
    assert!(said.contains("threshold = 5"), "it is shown where it stands: {said}");
    assert!(!check(&high, &["--offline"]).contains("lock accounts"));
}

#[test]
fn a_domain_that_does_not_answer_is_a_warning_too_and_not_waited_for() {
    // Takes connections and says nothing.
    let silent = format!("node2.{}", variable("LAB_DOMAIN"));
    let _listener = TcpListener::bind((&*silent, 636)).expect("a listener");
    let controllers = |names: &[&str]| format!("domain_controllers = {names:?}");
    let node =
        NodeSetup::new().replace(&controllers(&[&variable("LAB_DC"), &variable("LAB_DC2")]), &controllers(&[&silent]));
    let began = Instant::now();
    let said = check(&node, &[]);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert!(said.contains("could not be asked when it locks accounts"), "{said}");
    assert!(said.contains("--offline"), "{said}");
}

/// What the command says; warnings alone are no failure.
fn check(node: &NodeSetup, arguments: &[&str]) -> String {
    let output = Command::new(program())
        .args(["check", "--config"])
        .arg(node.file())
        .args(arguments)
        .env("NO_COLOR", "1")
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}");
    said
}
