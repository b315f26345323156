//! A key directory that is empty at a start: new at the first one, lost at every later one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::{Node, NodeSetup, program, published_certificates, run};

const METADATA: &str = "/FederationMetadata/2007-06/FederationMetadata.xml";

fn certificates(node: &Node) -> Vec<String> {
    published_certificates(&node.curl(METADATA).send().body, "fed:SecurityTokenServiceType", "signing")
}

/// Stops a server; its address and its files for the next one.
fn stop(mut node: Node) -> impl Fn() -> NodeSetup {
    let octet = node.address.rsplit('.').next().and_then(|octet| octet.parse().ok()).expect("an address");
    node.signal("TERM");
    assert!(node.ended(Duration::from_secs(40)).success());
    move || NodeSetup::at(octet)
}

fn keys(setup: &NodeSetup, arguments: &[&str]) -> std::process::Output {
    let mut command = Command::new(program());
    command.arg("keys").args(arguments).arg("--config").arg(setup.file()).env("NO_COLOR", "1");
    command.output().expect("the program runs")
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// As a mount point whose volume is missing.
fn empty(directory: &Path) {
    fs::create_dir(directory).expect("a directory");
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).expect("a mode");
}

#[test]
fn a_server_that_has_signed_makes_no_new_keys_by_itself() {
    let node = NodeSetup::new().start();
    let before = certificates(&node);
    let (directory, aside) = (node.directory.join("state/keys"), node.directory.join("state/aside"));
    let again = stop(node);
    fs::rename(&directory, &aside).expect("the keys go");
    for mounted in [false, true] {
        if mounted {
            empty(&directory);
        }
        let said = again().fails();
        for told in
            ["holds no keys", "this server has signed with key", "keys.known", "a volume", "chancery keys create"]
        {
            assert!(said.contains(told), "`{told}` is not in {said}");
        }
        let made = fs::read_dir(&directory).map_or(0, Iterator::count);
        assert_eq!(made, 0, "nothing is made");
    }
    // The volume is back: nothing has changed for anybody.
    fs::remove_dir(&directory).expect("an empty directory");
    fs::rename(&aside, &directory).expect("the keys are back");
    let node = again().start();
    assert_eq!(certificates(&node), before);
    assert!(!node.log().contains("none of the token-signing keys"), "{}", node.log());
    assert_eq!(node.token_of_computer().status, 200);
    // The next key is remembered too, and an old one that is gone is no loss.
    run(&mut node.command(&["keys", "generate"]));
    assert!(node.reload().0);
    assert_eq!(fs::read_to_string(node.directory.join("state/keys.known")).expect("a file").lines().count(), 2);
}

#[test]
fn new_keys_are_made_on_purpose() {
    let node = NodeSetup::new().start();
    let before = certificates(&node);
    let directory = node.directory.join("state/keys");
    let again = stop(node);
    let refused = keys(&again(), &["create"]);
    assert!(!refused.status.success() && text(&refused.stderr).contains("holds keys already"), "{refused:?}");
    fs::remove_dir_all(&directory).expect("the keys are gone for good");
    let made = keys(&again(), &["create"]);
    assert!(made.status.success(), "{made:?}");
    assert!(text(&made.stdout).contains("SHA-1") && text(&made.stderr).contains("entra settings"), "{made:?}");
    let node = again().start();
    let after = certificates(&node);
    assert!(after.len() == 1 && after != before);
    node.logged("none of the token-signing keys of before is there any more");
    assert_eq!(node.token_of_computer().status, 200);
    // And these are the ones it knows from now on.
    let again = stop(node);
    fs::remove_dir_all(&directory).expect("gone again");
    assert!(again().fails().contains("this server has signed with key"));
}

/// Where the state does not outlast the server, a word in the configuration does.
#[test]
fn where_the_configuration_says_so_not_even_the_first_start_makes_keys() {
    let never = |setup: NodeSetup| setup.replace("[keys]\n", "[keys]\ncreate = false\n");
    let setup = never(NodeSetup::new());
    let octet: u8 = setup.address.rsplit('.').next().and_then(|octet| octet.parse().ok()).expect("an address");
    let said = setup.fails();
    assert!(said.contains("holds no keys, and `create` is false"), "{said}");
    assert!(said.contains("chancery keys create"), "{said}");
    assert!(keys(&NodeSetup::at(octet), &["create"]).status.success());
    let node = NodeSetup::at(octet).start();
    assert_eq!(node.token_of_computer().status, 200);
    // A pod that comes after finds an empty claim and no state.
    let again = stop(node);
    fs::remove_dir_all(again().directory.join("state")).expect("all is gone");
    assert!(again().fails().contains("`create` is false"));
}
