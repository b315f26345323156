//! `chancery probe` against the running server: what succeeds, and how each failure is explained.

use std::process::Command;

use serde_json::Value;

use crate::support::{Lab, NodeSetup};

/// Runs a probe; its exit status, its answer, and everything it wrote.
fn probe(arguments: &[&str]) -> (bool, Value, String) {
    let program = std::env::var("CHANCERY_BIN").expect("tests/lab/run sets CHANCERY_BIN");
    let output = Command::new(program).arg("probe").args(arguments).arg("--json").output().expect("the program starts");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let answer = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
    (output.status.success(), answer, format!("{out}{err}"))
}

/// The step that ended it, and what was said about it.
pub fn failed(answer: &Value) -> (String, String) {
    let steps = answer["steps"].as_array().expect("steps");
    let step =
        steps.iter().find(|step| step["outcome"] == "failed").unwrap_or_else(|| panic!("nothing failed: {answer:#}"));
    (step["step"].as_str().unwrap_or_default().to_owned(), format!("{} {}", step["what"], step["advice"]))
}

fn keytab(name: &str) -> String {
    Lab::get().keytabs.join(format!("{name}.keytab")).display().to_string()
}

#[test]
fn a_computer_gets_what_it_needs() {
    let lab = Lab::get();
    let (succeeds, answer, everything) =
        probe(&["hybrid-join", "--server", &lab.url, "--keytab", &keytab("ws01"), "--principal", "WS01$", "--verbose"]);
    assert!(succeeds, "{answer:#}");
    let claims = answer["token"]["claims"].as_array().expect("claims");
    let value = |name: &str| {
        let claim = claims.iter().find(|claim| claim["type"].as_str().is_some_and(|uri| uri.ends_with(name)));
        claim.map(|claim| claim["values"][0].as_str().unwrap_or_default().to_owned()).unwrap_or_default()
    };
    assert_eq!(value("/accounttype"), "DJ");
    assert_eq!(value("/primarysid"), lab.object("WS01$").sid);
    assert!(answer["assertion"].is_null() && !everything.contains("<saml:"), "the token is not shown: {everything}");
}

#[test]
fn a_ticket_from_a_cache_and_the_token_on_demand() {
    let lab = Lab::get();
    let cache = lab.kinit("ws01", "WS01$").display().to_string();
    let (succeeds, answer, _) = probe(&["hybrid-join", "--ccache", &cache, "--show-token"]);
    assert!(succeeds, "{answer:#}");
    assert!(answer["assertion"].as_str().is_some_and(|assertion| assertion.contains("SignatureValue")));
}

#[test]
fn a_user_is_no_computer() {
    let (succeeds, answer, _) = probe(&["hybrid-join", "--keytab", &keytab("alice"), "--principal", "alice"]);
    assert!(!succeeds);
    let (step, said) = failed(&answer);
    assert!(step == "account" && said.contains("accounttype") && said.contains("never by the user"), "{said}");
}

#[test]
fn a_service_nobody_has_and_a_service_of_somebody_else() {
    let with = |spn: &str| probe(&["hybrid-join", "--keytab", &keytab("ws01"), "--principal", "WS01$", "--spn", spn]).1;
    let (step, said) = failed(&with("HTTP/nobody.corp.example"));
    assert!(step == "ticket" && said.contains("setspn -Q") && said.contains("NTLM"), "{said}");
    let dc = std::env::var("LAB_DC").expect("LAB_DC");
    let (step, said) = failed(&with(&format!("ldap/{dc}")));
    assert!(step == "token" && said.contains("0xCAA30191") && said.contains("bindings as well"), "{said}");
}

#[test]
fn an_authority_that_is_not_trusted() {
    let lab = Lab::get();
    let other = lab.scratch("probe-other-ca.pem");
    let key = lab.scratch("probe-other-ca.key");
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=Other", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&other)
        .output()
        .expect("openssl runs");
    assert!(made.status.success());
    let other = other.display().to_string();
    let (_, answer, _) = probe(&["hybrid-join", "--ca", &other, "--keytab", &keytab("ws01"), "--principal", "WS01$"]);
    let (step, said) = failed(&answer);
    assert!(step == "TLS" && said.contains("not trusted here"), "{said}");
}

#[test]
fn an_identifier_without_a_trust() {
    let keytab = keytab("ws01");
    let arguments = ["hybrid-join", "--keytab", &keytab, "--principal", "WS01$", "--applies-to", "urn:nobody"];
    let (step, said) = failed(&probe(&arguments).1);
    assert!(step == "token" && said.contains("InvalidScope") && said.contains("relying party trust"), "{said}");
}

#[test]
fn an_issuer_that_differs_by_a_slash() {
    let keytab = keytab("ws01");
    let first = probe(&["hybrid-join", "--keytab", &keytab, "--principal", "WS01$"]).1;
    let issuer = first["token"]["issuer"].as_str().expect("an issuer").trim_end_matches('/').to_owned();
    let arguments = ["hybrid-join", "--keytab", &keytab, "--principal", "WS01$", "--expect-issuer", &issuer];
    let (step, said) = failed(&probe(&arguments).1);
    assert!(step == "issuer" && said.contains("Only the slash"), "{said}");
}

#[test]
fn passwords_right_and_wrong() {
    let lab = Lab::get();
    let file = lab.scratch("probe-password");
    let path = file.display().to_string();
    let user = format!("bob@{}", lab.realm.to_lowercase());
    std::fs::write(&file, "Bob-Pw-1\n").expect("scratch is writable");
    let (succeeds, answer, everything) =
        probe(&["password", "--principal", &user, "--password-file", &path, "--verbose"]);
    assert!(succeeds, "{answer:#}");
    assert!(!everything.contains("Bob-Pw-1"));
    std::fs::write(&file, "wrong").expect("scratch is writable");
    let (_, answer, _) = probe(&["password", "--principal", &user, "--password-file", &path]);
    let (step, said) = failed(&answer);
    assert!(step == "token" && said.contains("FailedAuthentication") && said.contains("audit log"), "{said}");
}

#[test]
fn a_server_without_the_endpoint() {
    let off = "[endpoints]\ntrust_13.windowstransport = { enabled = false }\ntrust_2005.windowstransport = { enabled = false }";
    let node = NodeSetup::new().append(off).start();
    let keytab = keytab("ws01");
    let arguments = ["hybrid-join", "--connect-to", &node.address, "--keytab", &keytab, "--principal", "WS01$"];
    let (step, said) = failed(&probe(&arguments).1);
    assert!(step == "MEX" && said.contains("0xCAA90022") && said.contains("[endpoints]"), "{said}");
}

#[test]
fn accounts_of_two_domains_with_two_keytabs() {
    let lab = Lab::get();
    // Each domain is read with its own account's key; nothing of it stands in the server's environment.
    let other = lab.other_realm.to_lowercase();
    let simple = format!("[domains.ldap.bind.simple]\nuser = \"svc-sts@{other}\"");
    let gssapi = format!("[domains.ldap.bind.gssapi]\nclient_keytab = {:?}", keytab("other-svc-sts"));
    let setup = NodeSetup::new().replace(&simple, &gssapi);
    let password = format!("password_file = \"{}/other-password\"", setup.directory.display());
    let node = setup.replace(&password, "").start();
    let in_other = format!("OWS01$@{}", lab.other_realm);
    for (keytab, principal) in [(keytab("ws01"), "WS01$"), (keytab("ows01"), &*in_other)] {
        let arguments = ["hybrid-join", "--connect-to", &node.address, "--keytab", &keytab, "--principal", principal];
        let (succeeds, answer, _) = probe(&arguments);
        assert!(succeeds, "{principal}: {answer:#}");
    }
}
