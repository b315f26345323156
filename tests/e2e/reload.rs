//! Changes of the configuration under a running server: by signal, by file, by a link turned to another directory.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use crate::support::{
    KeepAlive, Lab, Node, NodeSetup, USERNAME, eventually, replace, replace_file, request, run, variable,
};
use crate::throwaway::Account;

const TRUST: &str = r#"
[relying_party]
name = "Example"
identifiers = ["urn:test:reload"]
token_type = "saml11"
access_control_policy = "permit-everyone"
transform_rules = '''c:[Type == "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"] => issue(claim = c);'''
"#;

#[test]
fn a_trust_comes_and_goes_without_a_restart() {
    let node = NodeSetup::new().start();
    assert_ne!(status_for_trust(&node), 200);
    fs::write(node.directory.join("trusts/example.toml"), TRUST).expect("a trust");
    // No signal, no command: the server sees the file by itself.
    eventually("the trust is served", || status_for_trust(&node) == 200);
    fs::remove_file(node.directory.join("trusts/example.toml")).expect("a trust");
    eventually("the trust is gone", || status_for_trust(&node) != 200);
}

#[test]
fn hang_up_reads_the_configuration_although_no_file_changed() {
    let node = NodeSetup::new().start();
    let attempts = || last_reload(&node)["attempt"].as_u64().expect("a number");
    let before = attempts();
    node.signal("HUP");
    eventually("one more attempt", || attempts() == before + 1);
    assert_eq!(last_reload(&node)["result"], "served");
}

#[test]
fn a_link_turned_to_another_directory_is_a_change() {
    let node = NodeSetup::new();
    let directory = node.directory.clone();
    // As Kubernetes lays out a mounted ConfigMap.
    fs::create_dir(directory.join("..first")).expect("a directory");
    fs::rename(node.file(), directory.join("..first/chancery.toml")).expect("a file");
    symlink("..first", directory.join("..data")).expect("a link");
    symlink("..data/chancery.toml", node.file()).expect("a link");
    let node = node.start();
    let second = directory.join("..second");
    fs::create_dir(&second).expect("a directory");
    fs::copy(directory.join("..first/chancery.toml"), second.join("chancery.toml")).expect("a file");
    replace(&second.join("chancery.toml"), "[service]\n", "[service]\nidentifier = \"urn:test:second\"\n");
    symlink("..second", directory.join("..new")).expect("a link");
    fs::rename(directory.join("..new"), directory.join("..data")).expect("a rename");
    fs::remove_dir_all(directory.join("..first")).expect("the old directory goes");
    eventually("the new identifier", || entity_id(&node) == "urn:test:second");
}

#[test]
fn a_wrong_change_is_refused_and_the_old_configuration_goes_on() {
    let node = NodeSetup::new().start();
    let good = fs::read(node.file()).expect("a file");
    replace(&node.file(), "[service]\n", "[service]\nidentifier = \"urn:test:never\"\nfederation_servise = \"x\"\n");

    let (served, said) = node.reload();
    assert!(!served, "{said}");
    for part in ["federation_servise", "chancery.toml:", "refused"] {
        assert!(said.contains(part), "no {part} in: {said}");
    }
    node.logged("new configuration is refused, the old one goes on");
    assert!(node.log().contains("federation_servise"), "{}", node.log());
    let check = node.command(&["check"]).output().expect("the program runs");
    let shown = String::from_utf8_lossy(&check.stdout).into_owned();
    assert!(!check.status.success(), "{shown}");
    assert!(shown.contains("federation_servise") && shown.contains("refused"), "{shown}");

    assert_ne!(entity_id(&node), "urn:test:never");
    assert_eq!(node.token_of_computer().status, 200);
    assert_eq!(node.health("/healthz/ready"), 200);

    replace_file(&node.file(), &good);
    let (served, said) = node.reload();
    assert!(served, "{said}");
    assert!(said.contains("serves generation"), "{said}");
    let check = node.command(&["check"]).output().expect("the program runs");
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
}

#[test]
fn reload_waits_until_the_change_is_served() {
    let node = NodeSetup::new().start();
    for n in 0..5 {
        let before = entity_id(&node);
        let from = if n == 0 { "[service]\n".to_owned() } else { format!("identifier = \"{before}\"\n") };
        let line = format!("identifier = \"urn:test:generation:{n}\"\n");
        replace(&node.file(), &from, &if n == 0 { format!("{from}{line}") } else { line });
        let (served, said) = node.reload();
        assert!(served, "{said}");
        // At once, not soon.
        assert_eq!(entity_id(&node), format!("urn:test:generation:{n}"));
    }
}

#[test]
fn reload_of_a_server_that_does_not_run_says_so() {
    let mut node = NodeSetup::new().start();
    node.signal("TERM");
    node.ended(std::time::Duration::from_secs(40));
    let (served, said) = node.reload();
    assert!(!served && said.contains("no server runs"), "{said}");
}

#[test]
fn a_reload_that_finds_no_keys_is_refused_and_the_old_keys_sign() {
    let node = NodeSetup::new().start();
    let (keys, aside) = (node.directory.join("state/keys"), node.directory.join("state/aside"));
    let key = signing_certificates(&node);
    fs::rename(&keys, &aside).expect("the directory goes, as a volume that is not mounted");
    let (served, said) = node.reload();
    assert!(!served && said.contains("state/keys"), "{said}");
    fs::create_dir(&keys).expect("an empty directory");
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o700)).expect("a mode");
    let (served, said) = node.reload();
    assert!(!served && said.contains("there are no keys in"), "{said}");
    assert_eq!(fs::read_dir(&keys).expect("a directory").count(), 0, "nothing is made");
    assert_eq!(signing_certificates(&node), key);
    assert_eq!(node.token_of_computer().status, 200);

    fs::remove_dir(&keys).expect("an empty directory");
    fs::rename(&aside, &keys).expect("the keys are back");
    let (served, said) = node.reload();
    assert!(served, "{said}");
    assert_eq!(signing_certificates(&node), key);
}

#[test]
fn another_key_directory_is_for_the_next_start() {
    let node = NodeSetup::new().start();
    let key = signing_certificates(&node);
    let other = node.directory.join("other-keys");
    replace(&node.file(), "[keys]\n", &format!("[keys]\ndirectory = \"{}\"\n", other.display()));
    let (served, said) = node.reload();
    assert!(served && said.contains("`keys.directory` changed"), "{said}");
    assert_eq!(signing_certificates(&node), key);
    assert!(!other.exists(), "no keys are made there");
}

#[test]
fn a_new_tls_certificate_is_for_new_connections() {
    let setup = NodeSetup::new();
    certificate(&setup.directory, "first");
    let tls = Lab::get().config.parent().expect("a directory").join("tls");
    let node = setup
        .replace(&format!("certificate_file = \"{}/server.pem\"", tls.display()), "certificate_file = \"tls.pem\"")
        .replace(&format!("key_file = \"{}/server.key\"", tls.display()), "key_file = \"tls.key\"");
    install(&node.directory, "first");
    let node = node.start();
    let mut old = KeepAlive::open(&node.address);
    assert_eq!(old.get("/adfs/probe"), 200);
    let first = old.certificate();

    certificate(&node.directory, "second");
    install(&node.directory, "second");
    eventually("the new certificate", || KeepAlive::open(&node.address).certificate() != first);
    assert_eq!(old.get("/adfs/probe"), 200, "a connection that was open goes on");
    let second = KeepAlive::open(&node.address).certificate();

    // A key of another certificate: refused, and connections go on with the certificate that works.
    fs::copy(node.directory.join("first.key"), node.directory.join("tls.key")).expect("a copy");
    let (served, said) = node.reload();
    assert!(!served, "{said}");
    assert!(said.contains("does not belong"), "{said}");
    assert_eq!(KeepAlive::open(&node.address).certificate(), second);
}

#[test]
fn the_environment_overrides_the_file() {
    let node = NodeSetup::new().environment("CHANCERY__SERVICE__IDENTIFIER", "urn:test:environment").start();
    assert_eq!(entity_id(&node), "urn:test:environment");
    let said = NodeSetup::new().environment("CHANCERY__SERVICE__IDENTIFYER", "x").fails();
    assert!(said.contains("CHANCERY__SERVICE__IDENTIFYER"), "{said}");
}

#[test]
fn a_secret_is_read_from_its_file_and_read_again() {
    // An account of this test: wrong passwords count against it.
    let account = Account::new("bind").create();
    let by_ticket = format!(
        "[domains.ldap.bind.gssapi]\nclient_keytab = \"{}/svc-sts.keytab\"\nprincipal = \"svc-sts@{}\"",
        variable("LAB_KEYTABS"),
        variable("LAB_REALM")
    );
    let by_password =
        format!("[domains.ldap.bind.simple]\nuser = \"{}\"\npassword_file = \"bind-password\"", account.upn());
    let node = NodeSetup::new().write("bind-password", "wrong\n").replace(&by_ticket, &by_password).start();
    let refused = node.token_of_computer();
    assert_eq!(refused.status, 503, "{refused:?}");
    replace_file(&node.directory.join("bind-password"), format!("{}\n", account.password).as_bytes());
    let (served, said) = node.reload();
    assert!(served, "{said}");
    eventually("a token by the right password", || node.token_of_computer().status == 200);
    assert!(!node.log().contains(&account.password));
}

fn status_for_trust(node: &Node) -> u16 {
    let rst = request(USERNAME).applies_to("urn:test:reload").password(&alice(), "Alice-Pw-1").build();
    node.curl(USERNAME).soap(rst).send().status
}

fn alice() -> String {
    format!("alice@{}", Lab::get().realm.to_lowercase())
}

fn last_reload(node: &Node) -> serde_json::Value {
    let text = fs::read(node.directory.join("state/last-reload.json")).expect("the state file");
    serde_json::from_slice(&text).expect("JSON")
}

/// The token-signing certificates that the metadata announces.
fn signing_certificates(node: &Node) -> Vec<String> {
    let metadata = node.curl("/FederationMetadata/2007-06/FederationMetadata.xml").send().body;
    let found = metadata.split("<KeyDescriptor use=\"signing\"").skip(1);
    let found = found.filter_map(|rest| rest.split("X509Certificate>").nth(1));
    let found: Vec<String> = found.map(str::to_owned).collect();
    assert!(!found.is_empty(), "no certificate in {metadata}");
    found
}

fn entity_id(node: &Node) -> String {
    let metadata = node.curl("/FederationMetadata/2007-06/FederationMetadata.xml").send().body;
    let (_, rest) = metadata.split_once("entityID=\"").unwrap_or_else(|| panic!("no entityID in {metadata}"));
    rest.split('"').next().expect("a value").to_owned()
}

/// A self-signed certificate of the service, `NAME.pem` and `NAME.key`.
fn certificate(directory: &Path, name: &str) {
    let host = Lab::get().url.trim_start_matches("https://").to_owned();
    run(Command::new("openssl")
        .current_dir(directory)
        .args(["req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", "30", "-subj", &format!("/CN={host}")])
        .args(["-addext", &format!("subjectAltName=DNS:{host},DNS:certauth.{host}")])
        .args(["-keyout", &format!("{name}.key"), "-out", &format!("{name}.pem")]));
}

/// Makes it the one that is served.
fn install(directory: &Path, name: &str) {
    for kind in ["key", "pem"] {
        let content = fs::read(directory.join(format!("{name}.{kind}"))).expect("a file");
        replace_file(&directory.join(format!("tls.{kind}")), &content);
    }
}
