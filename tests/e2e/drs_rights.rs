//! The rights of the service account: what `chancery drs init` prints is enough, and `chancery drs check` finds each that is missing.

use serde_json::Value;

use crate::drs_client::DeviceKeys;
use crate::drs_init::{OtherForest, chancery_drs};
use crate::drs_sign_in;
use crate::support::{Browser, Lab, NodeSetup, variable};

/// What is printed is written by an administrator, line by line, into a forest that others began to prepare.
#[test]
fn what_init_prints_is_what_is_missing_and_enough() {
    let setup = OtherForest::keeps_devices(NodeSetup::new());
    let chancery = |arguments: &[&str]| chancery_drs(&setup.file(), arguments);
    let forest = OtherForest::alone();
    forest.modify(&format!(
        "dn: CN=RegisteredDevices,{}\nchangetype: add\nobjectClass: msDS-DeviceContainer\n",
        forest.base
    ));
    let (printed, text) = chancery(&["init"]);
    assert!(printed && !text.contains("dn: CN=RegisteredDevices"), "{text}");
    assert_eq!(text.matches("changetype: add").count(), 4, "{text}");
    forest.modify(&text);
    let commands: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# samba-tool")).collect();
    assert_eq!(commands.len(), 2, "{text}");
    for command in commands {
        forest.dsacl(&format!("samba-tool{command}"));
    }
    assert_eq!(chancery(&["init"]), (true, String::from("# Nothing is missing.\n")));
    let (_, said) = chancery(&["check"]);
    for line in ["may create devices", "may change and delete devices", "may write msDS-IssuerPublicCertificates"] {
        assert!(said.contains(&format!("the service account {line}")), "{line}: {said}");
    }
}

/// One entry more each time, and one finding less.
#[test]
fn each_right_that_is_missing_is_found() {
    const DEVICE: &str = "5df2b673-6d41-4774-b3e8-d52e8ee9ff99";
    let setup = OtherForest::keeps_devices(NodeSetup::new());
    let file = setup.file();
    let forest = OtherForest::alone();
    let (_, text) = chancery_drs(&file, &["init"]);
    forest.modify(&text);
    let container = format!("CN=RegisteredDevices,{}", forest.base);
    let sid = Lab::get().other_object("svc-sts").sid;
    let (create, write, delete) =
        ("may not create devices in", "may not write displayName, ", "may not delete devices in");
    let expect = |missing: &[&str]| {
        let (_, said) = chancery_drs(&file, &["check"]);
        let found: Vec<&str> = said.lines().filter(|line| line.starts_with("error   [device-rights]")).collect();
        assert_eq!(found.len(), missing.len(), "{missing:?}: {found:?}");
        for (line, missing) in found.iter().zip(missing) {
            assert!(line.contains(missing), "{missing}: {line}");
        }
    };
    expect(&[create, write, delete]);
    forest.grant(&container, &format!("(OA;;CC;{DEVICE};;{sid})"));
    expect(&[write, delete]);

    // What a computer then gets. Nothing half is left behind: it could not be taken back.
    let node = setup.start();
    let browser = Browser::windows().at(&node.address);
    let access = drs_sign_in::by_ticket(&browser, "ows01", &format!("OWS01$@{}", variable("LAB_OTHER_REALM")));
    let refused = node
        .curl("/EnrollmentServer/device?api-version=1.0")
        .header("Authorization", &format!("Bearer {access}"))
        .post(DeviceKeys::new().request(6, "OWS01").to_string())
        .send();
    let answer: Value = serde_json::from_str(&refused.body).expect("JSON");
    assert_eq!((refused.status, answer["ErrorType"].as_str()), (400, Some("DirectoryError")), "{}", refused.body);

    forest.grant(&container, &format!("(OA;CIIO;RPWP;;{DEVICE};{sid})"));
    expect(&[delete]);
    forest.grant(&container, &format!("(OA;;DC;{DEVICE};;{sid})"));
    expect(&[]);
}

/// An account that may read, and nothing else.
#[test]
fn an_account_without_any_right_is_told_of_all() {
    let lab = Lab::get();
    let setup = NodeSetup::new()
        .replace(
            &format!("client_keytab = \"{}/svc-sts.keytab\"", lab.keytabs.display()),
            &format!("client_keytab = \"{}/svc-ldap.keytab\"", lab.keytabs.display()),
        )
        .replace(&format!("principal = \"svc-sts@{}\"", lab.realm), &format!("principal = \"svc-ldap@{}\"", lab.realm));
    let (ready, said) = chancery_drs(&setup.file(), &["check"]);
    assert!(!ready, "{said}");
    for line in [
        "error   [device-rights] the service account may not create devices",
        "error   [device-rights] the service account may not write displayName, altSecurityIdentities, ",
        "error   [device-rights] the service account may not delete devices",
        "warning [device-issuer] the service account may not write msDS-IssuerPublicCertificates",
        "warning [device-user-keys] the service account may not write msDS-KeyCredentialLink of any of ",
    ] {
        assert!(said.lines().any(|found| found.starts_with(line)), "{line}: {said}");
    }
    // Rights, and only rights, are missing; of the account's own SID.
    let unit = format!("OU=Staff,{}", variable("LAB_BASE_DN"));
    let (printed, text) = chancery_drs(&setup.file(), &["init", "--key-unit", &unit]);
    assert!(
        printed && !text.contains("changetype") && text.contains(&format!(";{})'", lab.object("svc-ldap").sid)),
        "{text}"
    );
    assert!(text.contains(&format!("--objectdn='{unit}' --sddl='(OA;CIIO;RPWP;")), "{text}");
    let of_another = ["init", "--key-unit", &*unit, "--service-account", &*format!("svc-sts@{}", lab.domain)];
    assert_eq!(chancery_drs(&setup.file(), &of_another), (true, String::from("# Nothing is missing.\n")));
    let (refused, said) = chancery_drs(&setup.file(), &["init", "--service-account", "nobody-of-that-name"]);
    assert!(!refused && said.contains("nobody-of-that-name"), "{said}");
}
