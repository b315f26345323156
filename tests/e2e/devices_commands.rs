//! `chancery devices` and `chancery drs` on the lab's domain.

use std::process::{Command, Output};

use chancery::clock::UtcTime;
use chancery::devices::{DeviceId, DeviceRegistry as _, Registration, RegistryError};
use serde_json::Value;

use crate::device_registry::{container, read_back, registration, registry, sid};
use crate::drs_client::ldap_modify;
use crate::support::Lab;

fn chancery(arguments: &[&str]) -> Output {
    Command::new(&Lab::get().program).args(arguments).output().expect("the program runs")
}

/// What a command printed that must succeed.
fn done(arguments: &[&str]) -> String {
    let output = chancery(arguments);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {out}{err}");
    out.into_owned()
}

/// Changes of a device in the audit log.
fn audited(id: DeviceId) -> Vec<(String, bool)> {
    let text = std::fs::read_to_string(Lab::get().config.join("audit.jsonl")).unwrap();
    let events =
        text.lines().filter(|line| line.contains(&id.to_string())).map(|line| serde_json::from_str(line).unwrap());
    let events = events.filter(|event: &Value| event["EventID"] == 9030);
    events.map(|event| (event["Change"].as_str().unwrap().to_owned(), event["Detail"].is_null())).collect()
}

/// Last used sixteen years ago.
pub fn forgotten() -> Registration {
    let at = UtcTime::from_xml("2010-01-01T00:00:00Z").unwrap();
    Registration { at, ..registration(fastrand::u64(..), sid("alice")) }
}

#[tokio::test]
async fn devices_are_listed_shown_disabled_enabled_and_deleted() {
    let registry = registry();
    let what = registration(fastrand::u64(..), sid("bob"));
    registry.register(&what).await.unwrap();
    let id = what.id.to_string();
    assert!(done(&["devices", "list"]).lines().any(|line| line.starts_with(&id) && line.ends_with("MYPC")));
    let of_bob = done(&["devices", "list", "--json", "--user", &what.owner.to_string()]);
    let row = of_bob.lines().find(|line| line.contains(&id)).unwrap();
    let row: Value = serde_json::from_str(row).unwrap();
    assert_eq!((row["enabled"].as_bool(), row["owner"].as_str()), (Some(true), Some(&*what.owner.to_string())));
    assert!(done(&["devices", "show", &id]).contains("\"os_version\": \"10.0.26100.0\""));

    // A sign-in of its user with it, explained.
    let explain = |id: &str| {
        let more = ["--relying-party", crate::support::ENTRA, "--device", id, "--format", "json"];
        chancery(&[&["claims", "explain", "--subject", "bob"], &more[..]].concat())
    };
    let explained = String::from_utf8(explain(&id).stdout).unwrap();
    for text in ["devicecontext/claims/displayname", "MYPC", "devicecontext/claims/isregistereduser"] {
        assert!(explained.contains(text), "{text}: {explained}");
    }
    let unknown = explain("11111111-2222-3333-4444-555555555555");
    assert!(!unknown.status.success() && String::from_utf8_lossy(&unknown.stderr).contains("there is no device"));

    done(&["devices", "disable", &id]);
    assert!(String::from_utf8_lossy(&explain(&id).stdout).contains("the device is disabled"));
    assert!(!registry.find(what.id).await.unwrap().unwrap().enabled);
    assert_eq!(registry.register(&what).await, Err(RegistryError::Disabled { id: what.id }));
    done(&["devices", "enable", &id]);
    assert!(registry.find(what.id).await.unwrap().unwrap().enabled);
    done(&["devices", "delete", &id]);
    assert_eq!(registry.find(what.id).await, Ok(None));
    let changes = ["disable", "enable", "delete"].map(|change| (change.to_owned(), true));
    assert_eq!(audited(what.id), changes);
    for command in ["show", "disable", "enable", "delete"] {
        let output = chancery(&["devices", command, &id]);
        assert!(!output.status.success(), "{command}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("there is no device"), "{output:?}");
    }
}

#[tokio::test]
async fn a_sweep_asks_first_disables_then_and_deletes_after_the_grace() {
    let registry = registry();
    let (what, by_hand, synced) = (forgotten(), forgotten(), forgotten());
    registry.register(&what).await.unwrap();
    registry.register(&by_hand).await.unwrap();
    registry.set_enabled(by_hand.id, false).await.unwrap();
    let name = format!("CN={},{}", synced.id, container());
    registry.register(&synced).await.unwrap();
    ldap_modify(&format!("dn: {name}\nchangetype: modify\nadd: msDS-CloudAnchor\nmsDS-CloudAnchor:: AQID\n"));
    let before = [read_back(by_hand.id), read_back(synced.id)];
    let sweep = |more: &[&str]| done(&[&["devices", "sweep", "--inactivity-days", "3650"], more].concat());
    let line = |text: &str| text.lines().find(|line| line.contains(&what.id.to_string())).map(str::to_owned);

    assert!(line(&sweep(&[])).unwrap().contains("would be done"));
    assert!(registry.find(what.id).await.unwrap().unwrap().enabled);
    assert!(line(&sweep(&["--apply"])).unwrap().ends_with("done"));
    assert!(!registry.find(what.id).await.unwrap().unwrap().enabled);
    assert_eq!(line(&sweep(&["--apply"])), None);
    // Whoever comes back registers again, and is swept again.
    assert!(registry.register(&what).await.unwrap().enabled);
    assert!(!read_back(what.id).iter().any(|line| line.contains("[CHANCERY]")));
    assert!(line(&sweep(&["--apply"])).unwrap().starts_with("disable"));
    assert!(line(&sweep(&["--apply", "--grace-days", "0"])).unwrap().starts_with("delete"));
    assert_eq!(registry.find(what.id).await, Ok(None));
    assert_eq!([read_back(by_hand.id), read_back(synced.id)], before);
    let changes = ["disable", "disable", "delete"].map(|change| (change.to_owned(), true));
    assert_eq!(audited(what.id), changes);
    assert!(audited(by_hand.id).is_empty() && audited(synced.id).is_empty());

    let refused = chancery(&["devices", "sweep", "--inactivity-days", "14"]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("15 is the least"), "{refused:?}");
    registry.delete(by_hand.id).await.unwrap();
    ldap_modify(&format!("dn: {name}\nchangetype: delete\n"));
}

#[test]
fn the_lab_has_what_device_registration_needs() {
    let said = done(&["drs", "check"]);
    let domain = &Lab::get().domain;
    for line in [
        String::from("ok      [device-schema] the schema has everything"),
        String::from("ok      [device-service] the service's object is there, and registration is on"),
        String::from("ok      [device-rights] the service account may create devices"),
        String::from("ok      [device-issuer] the service account may write msDS-IssuerPublicCertificates"),
        format!(
            "ok      [service-connection-point] the service connection point leads computers to enterpriseregistration.{domain}"
        ),
        format!("ok      [dns] enterpriseregistration.{domain} is "),
    ] {
        assert!(said.lines().any(|found| found.starts_with(&line)), "{line} is not in {said}");
    }
    // One of the lab's UPN suffixes has no name.
    assert!(said.contains("warning [dns] DNS has no enterpriseregistration.unlisted.example\n        why: "), "{said}");
    let json: Value = serde_json::from_str(&done(&["drs", "check", "--json"])).unwrap();
    assert_eq!(json["errors"], 0, "{json:#}");
    assert!(json["findings"].as_array().unwrap().iter().all(|finding| finding["name"].is_string()), "{json:#}");
}

#[test]
fn init_prints_what_an_administrator_writes() {
    let said = done(&["drs", "init", "--quota", "7"]);
    let base = std::env::var("LAB_BASE_DN").unwrap();
    assert!(said.starts_with(&format!("dn: CN=RegisteredDevices,{base}\nchangetype: add\n")), "{said}");
    assert!(said.contains("msDS-RegistrationQuota: 7\n") && said.contains("samba-tool dsacl set"), "{said}");
    assert!(done(&["drs", "init", "--schema"]).contains("lDAPDisplayName: msDS-KeyCredentialLink"));
    let refused = chancery(&["drs", "init", "--inactivity-days", "10"]);
    assert!(!refused.status.success());
}
