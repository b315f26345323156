//! The flows of Microsoft's documents (`tests/flows`), each as a program that an administrator can run; what they say is
//! looked up in the directory and in the audit log.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::drs_client::{device_dn, ldap_modify, ldap_read};
use crate::drs_init::OtherForest;
use crate::drs_points;
use crate::support::Lab;

/// Plays a flow to its end; what it printed.
fn play(name: &str, arguments: &[&str]) -> String {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flows").join(name);
    let output = Command::new(program).args(arguments).output().expect("the flow starts");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name}: {out}{err}");
    out.into_owned()
}

/// A value of the line of results.
fn result(text: &str, name: &str) -> String {
    let line = text.lines().find_map(|line| line.trim().strip_prefix("result: ")).expect("results");
    let found = line.split(' ').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    found.unwrap_or_else(|| panic!("no {name}: {line}")).to_owned()
}

/// The audit events of a number that name a device.
fn audited(event: u64, device: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(Lab::get().config.join("audit.jsonl")).expect("the audit log");
    let events =
        text.lines().filter(|line| line.contains(device)).map(|line| serde_json::from_str(line).expect("JSON"));
    events.filter(|found: &Value| found["EventID"] == event && found["AuditResult"] == "Success").collect()
}

fn is_gone(device: &str) -> bool {
    ldap_read(&device_dn(device), &["cn"]).is_empty()
}

#[test]
fn windows_7_registers_its_user_by_windows_authentication() {
    let text = play("windows7-per-user", &["--keep"]);
    let (device, thumbprint) = (result(&text, "device"), result(&text, "thumbprint"));
    assert_eq!(result(&text, "user"), format!("bob@{}", Lab::get().domain));
    let read = ldap_read(&device_dn(&device), &["*"]);
    for expected in ["displayName: PC of Bob", "msDS-DeviceOSVersion: 6.1.7601.0", "msDS-IsEnabled: TRUE"] {
        assert!(read.contains(expected), "{expected}: {read}");
    }
    assert!(read.contains(&format!("<SHA1-TP-PUBKEY>{thumbprint}")), "{read}");
    let events = audited(9020, &device);
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(
        (&events[0]["JoinType"], &events[0]["SubjectSid"]),
        (&"Enrollment".into(), &Lab::get().object("bob").sid.into())
    );
    ldap_modify(&format!("dn: {}\nchangetype: delete\n", device_dn(&device)));
}

#[test]
fn windows_7_in_french() {
    let text = play("windows7-per-user", &["--french"]);
    let device = result(&text, "device");
    assert!(text.contains("its name is 'Poste de Zoé'"), "{text}");
    assert!(is_gone(&device) && audited(9021, &device).len() == 1, "{text}");
}

#[test]
fn windows_10_joins_entra_in_a_federated_domain() {
    let text = play("windows10-hybrid-entra", &[]);
    let object = Lab::get().object("WS01$");
    assert_eq!((result(&text, "sid"), result(&text, "guid")), (object.sid.clone(), object.guid_base64()));
}

/// One connection point, switched: the same computer is led to Entra, and then to the enterprise.
#[test]
fn windows_10_goes_where_the_connection_point_leads() {
    let lab = Lab::get();
    let domain = lab.other_realm.to_lowercase();
    let forest = OtherForest::alone();
    let tenant = "azureADId:6bd1f4ee-0000-4000-8000-000000000001";
    drs_points::write(&forest, &[&format!("azureADName:{domain}"), tenant]);
    let text = play("windows10-hybrid-entra", &["--other-forest"]);
    let object = lab.other_object("OWS01$");
    assert_eq!((result(&text, "sid"), result(&text, "guid")), (object.sid.clone(), object.guid_base64()));
    assert!(text.contains(&format!("Entra: {domain}, tenant 6bd1f4ee")), "{text}");
    drop(forest);

    let forest = OtherForest::alone();
    let host = format!("enterpriseregistration.{}", lab.domain);
    drs_points::write(&forest, &[&format!("enterpriseDrsName:{host}")]);
    let keytab = lab.keytabs.join("ows01.keytab");
    let output = Command::new(&lab.program)
        .args([
            "probe",
            "device",
            "--principal",
            &format!("OWS01$@{}", lab.other_realm),
            "--until",
            "discovery",
            "--keytab",
        ])
        .arg(keytab)
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains(&format!("computers register at {host}")), "{said}");
    assert!(said.contains(&format!("join at https://{host}/EnrollmentServer/device/")), "{said}");
}

#[test]
fn in_a_managed_domain_nothing_is_asked_of_the_service() {
    let text = play("windows10-managed", &[]);
    assert_eq!(result(&text, "asked"), "login.microsoftonline.com");
}

#[test]
fn windows_10_registers_with_the_enterprise_service() {
    let text = play("windows10-hybrid-enterprise", &[]);
    let device = result(&text, "device");
    // Ten times by the flow, once by the probe; each removed once.
    assert_eq!((audited(9020, &device).len(), audited(9021, &device).len()), (11, 2), "{text}");
    assert!(is_gone(&device));
}

#[test]
fn the_out_of_box_experience_signs_in_through_the_pages() {
    let text = play("oobe-sign-in", &[]);
    assert!(text.contains(&Lab::get().object("alice").sid), "{text}");
}

#[test]
fn a_device_that_was_written_back_signs_in_and_is_left_alone() {
    let text = play("device-writeback", &[]);
    assert!(is_gone(&result(&text, "device")), "what the flow made, it removed");
}
