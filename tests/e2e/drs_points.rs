//! Service connection points of every kind in a directory, and what `chancery drs check` says of them.

use std::process::Command;

use serde_json::Value;

use crate::drs_init::{OtherForest, chancery_drs, read};
use crate::support::{Lab, NodeSetup, program};

/// Writes the connection point of the forest, with these keywords.
pub fn write(forest: &OtherForest, keywords: &[&str]) {
    let configuration = forest.configuration();
    let keywords: String = keywords.iter().map(|keyword| format!("keywords: {keyword}\n")).collect();
    forest.modify(&format!(
        "dn: {configuration}\nchangetype: add\nobjectClass: container\n\n\
         dn: CN=62a0ff2e-97b9-4513-943f-0d221bd30080,{configuration}\nchangetype: add\n\
         objectClass: serviceConnectionPoint\n{keywords}"
    ));
}

/// Level, name and text of what is found of the connection point.
fn found(setup: &NodeSetup) -> (String, String, String) {
    let output = Command::new(program())
        .args(["drs", "check", "--json", "--config"])
        .arg(setup.file())
        .output()
        .expect("the program runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let json: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let is_point = |finding: &&Value| {
        finding["name"].as_str().is_some_and(|name| name.starts_with("scp-") || name == "service-connection-point")
    };
    let mut points = json["findings"].as_array().expect("findings").iter().filter(is_point);
    let point = points.next().unwrap_or_else(|| panic!("nothing is said of the connection point: {json:#}"));
    assert!(points.next().is_none(), "{json:#}");
    let text = |member: &str| point[member].as_str().unwrap_or_default().to_owned();
    if text("level") != "ok" {
        assert!(!text("why").is_empty() && !text("fix").is_empty(), "{point:#}");
    }
    (text("level"), text("name"), text("what"))
}

#[test]
fn each_kind_of_connection_point_is_told_apart() {
    let registering = OtherForest::keeps_devices(NodeSetup::new());
    let own = format!("enterpriseDrsName:enterpriseregistration.{}", Lab::get().domain);
    let forest = OtherForest::alone();
    let (level, name, what) = found(&registering);
    assert_eq!((&*level, &*name), ("warning", "service-connection-point"), "{what}");
    assert!(what.contains("none registers by itself"), "{what}");
    drop(forest);
    let (entra, tenant) =
        (format!("azureADName:{}", Lab::get().domain), "azureADId:6bd1f4ee-0000-4000-8000-000000000001");
    for (keywords, expected, says) in [
        (vec![&*own], ("ok", "service-connection-point"), "leads computers to enterpriseregistration."),
        (vec!["enterpriseDrsName:sts.elsewhere.example"], ("error", "scp-host"), "sts.elsewhere.example"),
        (vec![&*own, &*entra, tenant], ("error", "scp-conflict"), "names both"),
        (vec![&*own, tenant], ("error", "scp-conflict"), "names both"),
        (vec![&*entra, tenant], ("warning", "scp-entra"), "none registers here by itself"),
        (vec![&*entra], ("error", "scp-entra-domain"), "lacks azureADId"),
        (vec![tenant], ("error", "scp-entra-domain"), "lacks azureADName"),
        (vec!["azureADName:corp.onmicrosoft.com", tenant], ("error", "scp-entra-domain"), "never federated"),
        (vec!["azureADName:elsewhere.example", tenant], ("error", "scp-entra-domain"), "no domain of"),
        (vec!["other:x"], ("warning", "service-connection-point"), "none registers by itself"),
    ] {
        let forest = OtherForest::alone();
        write(&forest, &keywords);
        let (level, name, what) = found(&registering);
        assert_eq!((&*level, &*name), expected, "{keywords:?}: {what}");
        assert!(what.contains(says), "{keywords:?}: {what}");
    }
}

#[test]
fn init_writes_either_kind_and_never_beside_the_other() {
    let setup = OtherForest::keeps_devices(NodeSetup::new());
    let administrator = OtherForest::as_administrator(&setup);
    let init = |arguments: &[&str]| chancery_drs(&administrator, &[&["init"][..], arguments].concat());
    let (domain, tenant) = (Lab::get().other_realm.to_lowercase(), "6bd1f4ee-0000-4000-8000-000000000001");
    let to_entra = ["--entra-domain", &*domain, "--entra-tenant", tenant];
    let forest = OtherForest::alone();
    let point = format!("CN=62a0ff2e-97b9-4513-943f-0d221bd30080,{}", forest.configuration());
    let (here, name) = (format!("enterpriseDrsName:enterpriseregistration.{domain}"), format!("azureADName:{domain}"));

    let (printed, said) = init(&to_entra);
    assert!(printed && said.contains(&format!("keywords: {name}\nkeywords: azureADId:{tenant}\n")), "{said}");
    let (made, said) = init(&[&to_entra[..], &["--apply"]].concat());
    assert!(made && said.contains(&format!("made    {point}")), "{said}");
    assert_eq!(found(&setup).1, "scp-entra");
    let written = read(&point);
    // The other kind is refused, printed or written, and everything else can still be prepared.
    for arguments in [&[][..], &["--apply"]] {
        let (refused, said) = init(arguments);
        assert!(!refused && said.contains(&name) && said.contains("event 330"), "{said}");
        assert!(!said.contains("dn: "), "{said}");
    }
    assert_eq!(read(&point), written);
    let (nothing, said) = init(&["--no-connection-point", "--service-account", "Administrator"]);
    assert!(nothing && said == "# Nothing is missing.\n", "{said}");
    drop(forest);

    let forest = OtherForest::alone();
    write(&forest, &[&here]);
    let (refused, said) = init(&[&to_entra[..], &["--apply"]].concat());
    assert!(!refused && said.contains(&here), "{said}");
    assert!(read(&forest.configuration()).contains("container"), "{said}");
    assert!(read(&format!("CN=RegisteredDevices,{}", forest.base)).is_empty(), "nothing was written");
    for (arguments, says) in [
        (&["--entra-domain", "x.onmicrosoft.com", "--entra-tenant", tenant][..], "never federated"),
        (&["--entra-domain", "elsewhere.example", "--entra-tenant", tenant], "no domain of `[[entra.domains]]`"),
        (&["--entra-domain", &*domain], "--entra-tenant"),
    ] {
        let (refused, said) = init(arguments);
        assert!(!refused && said.contains(says), "{said}");
    }
}

/// Whatever stands first in the file: where computers are led, where they register and what is checked is one host.
#[test]
fn one_host_is_published_led_to_and_checked() {
    let lab = Lab::get();
    let suffixes = format!("\"{}\", \"brand.example\", \"emea.brand.example\", \"unlisted.example\"", lab.domain);
    let reversed = format!("\"unlisted.example\", \"emea.brand.example\", \"brand.example\", \"{}\"", lab.domain);
    let reversed = NodeSetup::new().replace(&suffixes, &reversed);
    let other = OtherForest::keeps_devices(NodeSetup::new());
    let forest = OtherForest::alone();
    for (setup, domain, is_there) in [(reversed, &lab.domain, true), (other, &lab.other_realm.to_lowercase(), false)] {
        let node = setup.start();
        let answer =
            node.curl("/EnrollmentServer/contract?api-version=1.2").header("Accept", "application/json").send();
        let document: Value = serde_json::from_str(&answer.body).expect("JSON");
        let host = format!("enterpriseregistration.{domain}");
        let join = document.pointer("/DeviceJoinService/JoinEndpoint").and_then(Value::as_str);
        assert_eq!(join, Some(&*format!("https://{host}/EnrollmentServer/device/")));
        let (_, said) = chancery_drs(&node.file(), &["check"]);
        // Other names are warned of; without this one nothing registers.
        let lines: Vec<&str> =
            said.lines().filter(|line| line.contains("[dns]") || line.contains("[certificate-name]")).collect();
        let errors: Vec<&&str> = lines.iter().filter(|line| line.starts_with("error")).collect();
        assert_eq!(errors.is_empty(), is_there, "{lines:?}");
        assert!(errors.iter().all(|line| line.contains(&host)), "{errors:?}");
        if !is_there {
            let (_, said) = chancery_drs(&node.file(), &["init"]);
            assert!(said.contains(&format!("keywords: enterpriseDrsName:{host}\n")), "{said}");
        }
    }
    drop(forest);
}
