//! `chancery devices` and `chancery drs` on the lab's domain.

use std::os::unix::fs::symlink;
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chancery::clock::UtcTime;
use chancery::devices::{DeviceId, DeviceRegistry as _, Registration, RegistryError, SqlPlace};
use chancery::directory::Sid;
use serde_json::Value;

use crate::device_registry::{container, read_back, registration, registry, sid, sql};
use crate::drs_client::{
    ACCOUNT_TYPE, DeviceKeys, Joined, OBJECT_GUID, device_dn, guid, join, ldap_modify, ldap_read, members, token,
};
use crate::support::{Lab, NodeSetup, program};
use crate::throwaway::unicode_password;

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

fn line_of(text: &str, id: DeviceId) -> String {
    text.lines().find(|line| line.contains(&id.to_string())).unwrap_or_else(|| panic!("no {id}: {text}")).to_owned()
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
    let sweep = |more: &[&str]| done(&[&["devices", "sweep", "--inactivity-days", "3650"], more].concat());
    a_computer_comes_back_over_http(&|| sweep(&["--apply"])).await;
    let (what, by_hand, synced) = (forgotten(), forgotten(), forgotten());
    registry.register(&what).await.unwrap();
    registry.register(&by_hand).await.unwrap();
    registry.set_enabled(by_hand.id, false).await.unwrap();
    let name = format!("CN={},{}", synced.id, container());
    registry.register(&synced).await.unwrap();
    ldap_modify(&format!("dn: {name}\nchangetype: modify\nadd: msDS-CloudAnchor\nmsDS-CloudAnchor:: AQID\n"));
    let before = [read_back(by_hand.id), read_back(synced.id)];
    let line = |text: &str| text.lines().find(|line| line.contains(&what.id.to_string())).map(str::to_owned);

    assert!(line(&sweep(&[])).unwrap().contains("would be done"));
    assert!(registry.find(what.id).await.unwrap().unwrap().enabled);
    assert!(line(&sweep(&["--apply"])).unwrap().ends_with("done"));
    assert!(!registry.find(what.id).await.unwrap().unwrap().enabled);
    assert_eq!(line(&sweep(&["--apply"])), None);
    let today = time::OffsetDateTime::now_utc().date();
    let listed = |id: DeviceId| line_of(&done(&["devices", "list"]), id);
    assert!(listed(what.id).contains(&format!("  swept {today} 2010-01-01")), "{}", listed(what.id));
    assert!(listed(by_hand.id).contains("  disabled  "), "{}", listed(by_hand.id));
    assert!(done(&["devices", "show", &what.id.to_string()]).contains(&format!("\"unused_since\": \"{today}T")));
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

/// The log is opened before anything is changed; and a command whose event was not written does not end well.
#[tokio::test]
async fn nothing_is_changed_where_the_audit_log_cannot_be_opened() {
    let setup = NodeSetup::new();
    let (place, log) = (setup.directory.join("devices.db"), setup.directory.join("audit.jsonl"));
    let setup = setup.replace(
        "[device_registration]\nenabled = true",
        &format!(
            "[device_registration]\nenabled = true\nregistry = \"sql\"\n[device_registration.sqlite]\nfile = \"{}\"\n",
            place.display()
        ),
    );
    let what = forgotten();
    let registry = sql(SqlPlace::Sqlite(place));
    registry.register(&what).await.unwrap();
    let id = what.id.to_string();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(program());
        command.arg("devices").args(arguments).arg("--config").arg(setup.file());
        let output = command.output().expect("the program runs");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let nowhere = "/proc/no-file-can-be-made-here";
    symlink(nowhere, &log).unwrap();
    for change in [&["disable", &id][..], &["enable", &id], &["delete", &id], &["sweep", "--apply"]] {
        let (good, said) = run(change);
        assert!(!good && said.contains("audit.jsonl"), "{change:?}: {said}");
        assert!(registry.find(what.id).await.unwrap().unwrap().enabled, "{change:?}");
    }
    assert!(run(&["list"]).0 && run(&["sweep"]).0, "what changes nothing needs no log");
    std::fs::remove_file(&log).unwrap();
    symlink("/dev/full", &log).unwrap();
    let (good, said) = run(&["disable", &id]);
    assert!(!good && said.contains("is not in the audit log"), "{said}");
    std::fs::remove_file(&log).unwrap();
    assert_eq!(run(&["enable", &id]), (true, String::new()));
}

/// A computer that was away so long that a sweep disabled its device joins again; once an administrator disables it, it does not.
async fn a_computer_comes_back_over_http(sweep: &(dyn Fn() -> String + Sync)) {
    let registry = registry();
    let name: String = std::iter::repeat_with(fastrand::alphanumeric).take(8).collect::<String>().to_uppercase();
    let dn = format!("CN={name},CN=Computers,{}", std::env::var("LAB_BASE_DN").unwrap());
    ldap_modify(&format!(
        "dn: {dn}\nchangetype: add\nobjectClass: computer\nsAMAccountName: {name}$\nuserAccountControl: 4096\n\
         unicodePwd:: {}\n",
        unicode_password("Throw-Away-1")
    ));
    let read = ldap_read(&dn, &["objectSid", "objectGUID"]);
    let octets = |attribute: &str| {
        let value = read.lines().find_map(|line| line.strip_prefix(&format!("{attribute}:: "))).unwrap();
        STANDARD.decode(value).unwrap()
    };
    let sid = Sid::from_bytes(&octets("objectSid")).unwrap().to_string();
    let mut claims = members(&sid, &format!("{}$@{}", name.to_lowercase(), Lab::get().domain));
    claims[ACCOUNT_TYPE] = "DJ".into();
    claims[OBJECT_GUID] = STANDARD.encode(octets("objectGUID")).into();
    // It needs a runtime of its own.
    let token = std::thread::scope(|scope| scope.spawn(|| token(&claims)).join().unwrap());
    let joins = || join(&token, &DeviceKeys::new().request(6, &name));
    let id = Joined::of(&joins()).id;
    assert_eq!(id, guid(&dn));
    let device = device_dn(&id);
    let stamp = "msDS-ApproximateLastLogonTimeStamp";
    ldap_modify(&format!("dn: {device}\nchangetype: modify\nreplace: {stamp}\n{stamp}: 129067776000000000\n"));
    assert!(sweep().lines().any(|line| line.starts_with("disable") && line.contains(&id)));
    let found = DeviceId(id.parse().unwrap());
    let swept = registry.find(found).await.unwrap().unwrap();
    assert!(!swept.enabled && swept.unused_since.is_some());

    assert_eq!(Joined::of(&joins()).id, id, "the same device");
    let back = registry.find(found).await.unwrap().unwrap();
    assert!(back.enabled && back.unused_since.is_none());
    assert!(!read_back(found).iter().any(|line| line.contains("[CHANCERY]")));
    done(&["devices", "disable", &id]);
    let refused = joins();
    assert_eq!(refused.status, 400, "{refused:?}");
    registry.delete(found).await.unwrap();
    ldap_modify(&format!("dn: {dn}\nchangetype: delete\n"));
}

#[test]
fn the_lab_has_what_device_registration_needs() {
    let said = done(&["drs", "check"]);
    let domain = &Lab::get().domain;
    for line in [
        String::from("ok      [device-schema] the schema has everything"),
        String::from("ok      [device-service] the service's object is there, and registration is on"),
        String::from("ok      [device-rights] the service account may create devices"),
        String::from("ok      [device-rights] the service account may change and delete devices"),
        String::from("ok      [device-user-keys] the service account may keep keys of Windows Hello on "),
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
fn init_prints_nothing_where_everything_is_there() {
    assert_eq!(done(&["drs", "init", "--quota", "7"]), "# Nothing is missing.\n");
    assert_eq!(done(&["drs", "init", "--schema"]), "# Nothing is missing.\n");
    let refused = chancery(&["drs", "init", "--inactivity-days", "10"]);
    assert!(!refused.status.success());
}
