//! Metadata of relying parties at an address: a document as WIF writes it and one of samlify, fetched, followed while they change, and
//! not followed where that would send tokens elsewhere or in the clear.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::json;

use crate::support::{
    Assertion, Browser, HandOver, Lab, Node, NodeSetup, Program, USERNAME, claim, eventually, replace_file, request,
    run, variable,
};

const ORIGIN: &str = "https://api.rp.example";
const SCOPE: &str = "https://scope.rp.example/";

struct World {
    node: Node,
    folder: PathBuf,
    _partner: Program,
    _turn: MutexGuard<'static, ()>,
}

/// An RSA key and its certificate in a folder.
fn pair(folder: &Path, name: &str) {
    run(Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=api.rp.example"])
        .arg("-keyout")
        .arg(folder.join(format!("{name}.key")))
        .arg("-out")
        .arg(folder.join(format!("{name}.pem"))));
}

/// A document of WS-Federation, as WIF writes it.
fn document(folder: &Path, encryption: Option<&str>, endpoint: &str, scope: &str) -> String {
    let key = encryption.map(|name| {
        let pem = std::fs::read_to_string(folder.join(format!("{name}.pem"))).expect("a certificate");
        let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        format!(
            "<KeyDescriptor use=\"encryption\"><KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data>\
             <X509Certificate>{base64}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"
        )
    });
    let reference = |address: &str| {
        format!(
            "<EndpointReference xmlns=\"http://www.w3.org/2005/08/addressing\"><Address>{address}</Address></EndpointReference>"
        )
    };
    format!(
        "<EntityDescriptor ID=\"_1\" entityID=\"urn:e2e:described\" xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\">\
         <RoleDescriptor xsi:type=\"fed:ApplicationServiceType\" \
         protocolSupportEnumeration=\"http://docs.oasis-open.org/wsfed/federation/200706\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xmlns:fed=\"http://docs.oasis-open.org/wsfed/federation/200706\">{}<fed:TargetScopes>{}</fed:TargetScopes>\
         <fed:PassiveRequestorEndpoint>{}</fed:PassiveRequestorEndpoint></RoleDescriptor></EntityDescriptor>",
        key.unwrap_or_default(),
        reference(scope),
        reference(endpoint)
    )
}

fn start() -> World {
    /// The partner has one address.
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = Lab::get().new_file("service");
    std::fs::create_dir(&folder).expect("a directory");
    for name in ["first", "second"] {
        pair(&folder, name);
    }
    let described = document(&folder, Some("first"), &format!("{ORIGIN}/signin"), SCOPE);
    std::fs::write(folder.join("wsfed"), described).expect("a document");
    let tls = format!("{}/tls", variable("LAB"));
    let settings = json!({
        "address": format!("{}.24", variable("LAB_BLOCK")),
        "origin": ORIGIN,
        "certificate": format!("{tls}/rp.pem"),
        "key": format!("{tls}/rp.key"),
        "documents": folder,
        "encryptionCertificate": folder.join("first.pem"),
    });
    let partner = Program::node("partner/service_provider.js", &settings);
    let trust = |name: &str, identifier: &str, path: &str| {
        format!(
            "[relying_party]\nname = '{name}'\nidentifiers = ['{identifier}']\naccess_control_policy = 'permit-everyone'\n\
             metadata_url = '{ORIGIN}/{path}'\ntransform_rules = '''c:[Type == \"{}\"] => issue(claim = c);'''\n",
            claim::UPN_2005
        )
    };
    let other = "[relying_party]\nname = 'Other'\nidentifiers = ['urn:e2e:other']\naccess_control_policy = 'permit-everyone'\n\
                 [relying_party.ws_federation]\nendpoint = 'https://wsfed.rp.example/other'\n";
    let node = NodeSetup::new()
        .append(&format!("[partners]\nca_file = '{}'", variable("CHANCERY_CA")))
        .write("trusts/a-described.toml", trust("Described", "urn:e2e:described", "documents/wsfed"))
        .write("trusts/b-samlify.toml", trust("Samlify", &format!("{ORIGIN}/metadata"), "metadata"))
        .write("trusts/c-late.toml", trust("Late", "urn:e2e:late", "documents/late"))
        .write("trusts/other.toml", other)
        .start();
    World { node, folder, _partner: partner, _turn: turn }
}

impl World {
    fn publish(&self, encryption: Option<&str>, endpoint: &str) {
        let text = document(&self.folder, encryption, endpoint, SCOPE);
        replace_file(&self.folder.join("wsfed"), text.as_bytes());
    }

    fn trusts(&self, arguments: &[&str]) -> (bool, String) {
        let arguments: Vec<&str> = ["trusts"].into_iter().chain(arguments.iter().copied()).collect();
        let output = self.node.command(&arguments).output().expect("the program runs");
        (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    }

    /// Signs in at the relying party with this identifier: where the token goes.
    fn hand_over(&self, identifier: &str) -> Option<HandOver> {
        let browser = Browser::outside().at(&self.node.address);
        let page = browser.get(&format!("/adfs/ls/?wa=wsignin1.0&wtrealm={identifier}"));
        if page.status != 200 {
            return None;
        }
        let answer = browser.fill_in(&page, &format!("alice@{}", Lab::get().domain), "Alice-Pw-1");
        HandOver::find(&browser.get(answer.header("location")?).body)
    }

    /// Who an encrypted token is about, opened with a key of the folder.
    fn opens(&self, sealed: &str, key: &str) -> Option<String> {
        assert!(!sealed.contains("alice"), "{sealed}");
        let file = Lab::get().new_file("sealed.xml");
        std::fs::write(&file, Assertion::cut(sealed).xml).expect("scratch is writable");
        let key = self.folder.join(format!("{key}.key"));
        let opened = Command::new("xmlsec1").args(["--decrypt", "--privkey-pem"]).arg(key).arg(file).output();
        let opened = opened.expect("xmlsec1 runs");
        let xml = String::from_utf8_lossy(&opened.stdout).into_owned();
        opened.status.success().then(|| Assertion { xml }.single(claim::UPN_2005))
    }
}

#[test]
fn a_relying_party_is_what_its_metadata_says_and_follows_it_with_care() {
    let world = start();
    let alice = format!("alice@{}", Lab::get().domain);
    eventually("the metadata", || world.hand_over("urn:e2e:described").is_some());
    world.node.audited(168, "urn:e2e:described");
    let form = world.hand_over("urn:e2e:described").expect("a token");
    assert_eq!(form.action, format!("{ORIGIN}/signin"));
    assert_eq!(world.opens(&form.result, "first").as_deref(), Some(&*alice));
    // By what it says tokens are asked for by, too.
    let scope = world.hand_over("https%3A%2F%2Fscope.rp.example%2F").expect("a token");
    assert_eq!(scope.action, form.action);
    let (well, said) = world.trusts(&["show", "Described"]);
    assert!(well && said.contains("Described (urn:e2e:described), relying party"), "{said}");

    // The key rolls.
    world.publish(Some("second"), &format!("{ORIGIN}/signin"));
    let (well, said) = world.trusts(&["refresh", "Described"]);
    assert!(well && said.contains("encryption certificate"), "{said}");
    eventually("a token for the new key", || {
        world.hand_over("urn:e2e:described").is_some_and(|form| world.opens(&form.result, "second").is_some())
    });

    // What a server that was taken over would say is not taken over.
    world.publish(None, &format!("{ORIGIN}/signin"));
    let (well, said) = world.trusts(&["refresh", "Described"]);
    assert!(!well && said.contains("in the clear"), "{said}");
    world.publish(Some("second"), "https://wsfed.rp.example/elsewhere");
    let (well, said) = world.trusts(&["refresh", "Described"]);
    assert!(!well && said.contains("moves to another host") && said.contains("waits"), "{said}");
    let form = world.hand_over("urn:e2e:described").expect("a token");
    assert_eq!(form.action, format!("{ORIGIN}/signin"), "the old address stays");
    assert!(world.opens(&form.result, "second").is_some(), "and the old key");
    // Somebody decides.
    let (well, said) = world.trusts(&["accept", "Described"]);
    assert!(well, "{said}");
    eventually("the new address", || {
        world.hand_over("urn:e2e:described").is_some_and(|form| form.action == "https://wsfed.rp.example/elsewhere")
    });
}

#[test]
fn a_relying_party_by_samlify_gets_its_tokens_encrypted() {
    let world = start();
    let identifier = format!("{ORIGIN}/metadata");
    let order = || {
        let alice = format!("alice@{}", Lab::get().domain);
        let rst = request(USERNAME).applies_to(&identifier).password(&alice, "Alice-Pw-1").build();
        world.node.curl(USERNAME).soap(rst).send()
    };
    eventually("a token", || order().status == 200);
    assert!(world.opens(&order().body, "first").is_some());
}

#[test]
fn without_its_metadata_a_relying_party_gets_nothing_and_nobody_elses_identifier_ever() {
    let world = start();
    world.node.audited(156, "urn:e2e:late");
    let answer = Browser::outside().at(&world.node.address).ask("late", "");
    assert!(answer.status == 500 && answer.body.contains("MSIS3020"), "{}", answer.body);
    assert!(world.hand_over("urn:e2e:other").is_some(), "the others are served");
    // The first version may name what it likes: what another trust has stays there.
    let late = document(&world.folder, None, &format!("{ORIGIN}/late"), "urn:e2e:other");
    std::fs::write(world.folder.join("late"), late.replace("urn:e2e:described", "urn:e2e:late")).expect("a document");
    let (well, said) = world.trusts(&["refresh", "Late"]);
    assert!(well, "{said}");
    eventually("the late one", || world.hand_over("urn:e2e:late").is_some());
    assert_eq!(world.hand_over("urn:e2e:other").expect("a token").action, "https://wsfed.rp.example/other");
    let check = world.node.command(&["check"]).output().expect("the program runs");
    let said = String::from_utf8_lossy(&check.stdout).into_owned();
    assert!(said.contains("names the identifier `urn:e2e:other`"), "{said}");
}
