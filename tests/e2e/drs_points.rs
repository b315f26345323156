//! Service connection points of every kind in a directory, and what `chancery drs check` says of them.

use std::process::Command;

use serde_json::Value;

use crate::drs_init::OtherForest;
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
    let domain = format!("[device_registration]\nenabled = true\ndomain = \"{}\"", Lab::get().other_realm);
    let registering = NodeSetup::new().replace("[device_registration]\nenabled = true", &domain);
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
