//! Acceptance transform rules of the local claims provider: what they leave out no relying party sees, what they add every one does, and
//! what the server alone may state they cannot make.

use std::fs;

use serde_json::Value;

use crate::attribute_stores::{audit, sign_in, token, trust};
use crate::support::{Lab, NodeSetup, claim};

const RULES: &str = r#"@RuleName = "names"
c:[Type =~ "/claims/(windowsaccountname|primarysid|upn)$", Issuer == "AD AUTHORITY"] => issue(claim = c);
@RuleName = "region"
c:[Type == "http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsaccountname"]
 => issue(store = "Active Directory", types = ("urn:e2e:acceptance/mail"), query = ";mail;{0}", param = c.Value);
"#;
const PASS_ALL: &str = "c:[] => issue(claim = c);";
const MAIL: &str = "urn:e2e:acceptance/mail";
const INSIDE: &str = "http://schemas.microsoft.com/ws/2012/01/insidecorporatenetwork";

#[test]
fn acceptance_rules_of_active_directory_hold_for_every_relying_party() {
    let node = NodeSetup::new()
        .write("active-directory.rules", RULES)
        .append("[active_directory]\nacceptance_rules_file = \"active-directory.rules\"")
        .write("trusts/one.toml", trust("one", PASS_ALL))
        .write("trusts/two.toml", trust("two", PASS_ALL))
        .start();
    for party in ["one", "two"] {
        let alice = token(&node, "alice", "alice", party);
        assert_eq!(alice.claim(MAIL).len(), 1, "{}", alice.xml);
        assert_eq!(alice.claim(claim::UPN_2005).len(), 1, "{}", alice.xml);
        assert_eq!(alice.claim(claim::GROUP), [""; 0], "{}", alice.xml);
        assert_eq!(alice.single(INSIDE), "true");
    }
    // What explain says is what the token says.
    let output = node
        .command(&[
            "claims",
            "explain",
            "--format",
            "json",
            "--relying-party",
            "urn:test:one",
            "--source-ip",
            "127.0.0.1",
        ])
        .args(["--subject", &format!("alice@{}", Lab::get().domain)])
        .output()
        .expect("the program runs");
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let stage = &answer["explanations"][0]["stages"][0];
    assert_eq!(stage["stage"], "acceptance-transform", "{stage:#}");
    let rules: Vec<(&str, u64)> = stage["rules"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|rule| (rule["name"].as_str().unwrap_or_default(), rule["acted"].as_u64().unwrap_or_default()))
        .collect();
    // The second one sees the name that came in, and the one that the first one passed.
    assert_eq!(rules, [("names", 3), ("region", 2)], "{stage:#}");

    // Another text of the file is served without a restart; a damaged one is not, and is shown at its line.
    let file = node.directory.join("active-directory.rules");
    fs::write(&file, RULES.replace("primarysid|upn", "primarysid")).expect("a file");
    let (served, said) = node.reload();
    assert!(served, "{said}");
    assert_eq!(token(&node, "alice", "alice", "one").claim(claim::UPN_2005), [""; 0]);
    fs::write(&file, RULES.replace("issue(claim = c);", "issue(claim = d);")).expect("a file");
    let (served, said) = node.reload();
    assert!(!served && said.contains("active-directory.rules:2:"), "{said}");
    assert_eq!(token(&node, "alice", "alice", "one").claim(MAIL).len(), 1);
}

#[test]
fn acceptance_rules_of_active_directory_put_nobody_into_a_group() {
    let group = claim::GROUP;
    let made = format!(
        "c:[] => issue(claim = c);\n\
         c:[Type == \"{}\", Value =~ \"^alice@\"] => issue(Type = \"{group}\", Value = \"S-1-5-32-544\", Issuer = \"AD AUTHORITY\");",
        claim::UPN_2005
    );
    let policy = "access_control_policy = \"Permit specific group\"\n\
                  access_control_policy_parameters = { GroupParameter = \"S-1-5-32-544\" }";
    let guarded = trust("guarded", PASS_ALL).replace("access_control_policy = \"permit-everyone\"", policy);
    let node = NodeSetup::new()
        .append(&format!("[active_directory]\nacceptance_rules = '''\n{made}\n'''"))
        .write("trusts/guarded.toml", guarded)
        .write("trusts/open.toml", trust("open", PASS_ALL))
        .start();
    let check = node.command(&["check"]).output().expect("the program runs");
    let said = String::from_utf8_lossy(&check.stdout).into_owned();
    assert!(said.contains(&format!("claims of the type {group}, which the server alone may state")), "{said}");
    for party in ["guarded", "open"] {
        let refused = sign_in(&node, "alice", "alice", party);
        assert_eq!(refused.status, 500, "{}", refused.body);
        assert!(!refused.body.contains("Assertion") && !refused.body.contains(group), "{}", refused.body);
        let event = audit(&node, &refused).event(413);
        assert!(event["Detail"].as_str().is_some_and(|detail| detail.contains(group)), "{event}");
    }
    // Who gets no such claim signs in as ever.
    assert_eq!(sign_in(&node, "bob", "bob", "open").status, 200);
}

/// A rule set that needs more than it may fails, and the audit log names the rule.
#[test]
fn the_bounds_of_rule_sets_are_settings() {
    let dynamic = "c:[Type =~ \"/upn$\"] && d:[Value =~ c.Value] => issue(claim = d);";
    let pairs = "a:[] && b:[] && c:[] && NOT EXISTS([]) => issue(claim = a);";
    let node = NodeSetup::new()
        .write("trusts/dynamic.toml", trust("dynamic", dynamic))
        .write("trusts/pairs.toml", trust("pairs", pairs))
        .start();
    assert_eq!(token(&node, "alice", "alice", "dynamic").claim(claim::UPN_2005).len(), 1);
    assert_eq!(sign_in(&node, "alice", "alice", "pairs").status, 200);
    let old = fs::read_to_string(node.file()).expect("a configuration");
    fs::write(node.file(), format!("{old}\n[claim_rules]\ncombinations = 1000\ndynamic_patterns = false\n"))
        .expect("a file");
    let (served, said) = node.reload();
    assert!(served, "{said}");
    for (party, why) in
        [("dynamic", "patterns made from claims are not allowed"), ("pairs", "more than 1000 combinations")]
    {
        let refused = sign_in(&node, "alice", "alice", party);
        assert_eq!(refused.status, 500, "{party}: {}", refused.body);
        let event = audit(&node, &refused).event(413);
        let detail = event["Detail"].as_str().unwrap_or_default().to_owned();
        assert!(detail.contains(why) && detail.contains("rule 1"), "{event}");
    }
}
