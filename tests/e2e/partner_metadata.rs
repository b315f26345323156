//! Metadata at an address: fetched from a real partner (SimpleSAMLphp), kept over a start without it, followed while the partner rolls
//! its key, and not followed where somebody took its server over.

use std::path::PathBuf;

use crate::home_realm::application;
use crate::partner::{HOME, idp};
use crate::support::{Browser, HandOver, Node, NodeSetup, claim, eventually, inputs, published_certificates, variable};

struct World {
    node: Node,
    /// The partner's switch for this test.
    rolling: PathBuf,
}

/// A server whose trust has nothing but the address. The partner is sent there by an address that carries the switch.
fn start() -> Option<World> {
    idp()?;
    let setup = NodeSetup::new();
    let name = setup.address.clone();
    let trust = format!(
        "[claims_provider]\nname = 'Partner'\nidentifier = '{HOME}/saml'\n\
         metadata_url = '{HOME}/saml2/idp/metadata.php?rolling={name}'\n\
         sign_in_url = '{HOME}/saml2/idp/SSOService.php?rolling={name}'\n\
         acceptance_rules = '''c:[Type == \"{}\"] => issue(claim = c);'''\n",
        claim::UPN_2005
    );
    let ca = format!("[partners]\nca_file = '{}'", variable("CHANCERY_CA"));
    let setup = setup.append(&ca).write("trusts/cp.toml", trust);
    let rules = format!("transform_rules = '''c:[Type == \"{}\"] => issue(claim = c);'''", claim::UPN_2005);
    application(&setup.directory, "partner", &format!("claims_providers = ['{HOME}/saml']\n{rules}"));
    let folder = PathBuf::from(variable("LAB")).join("partner");
    let rolling = folder.join("rolling").join(&name);
    // Of an earlier server at this address.
    let _ = std::fs::remove_file(&rolling);
    let node = setup.start();
    let metadata = node.curl("/FederationMetadata/2007-06/FederationMetadata.xml").send().body;
    let certificates = published_certificates(&metadata, "fed:SecurityTokenServiceType", "signing");
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", certificates[0]);
    std::fs::write(folder.join(format!("service/{name}.pem")), pem).expect("the partner's folder is writable");
    Some(World { node, rolling })
}

impl World {
    fn roll(&self, state: &str) {
        std::fs::write(&self.rolling, state).expect("the partner's folder is writable");
    }

    /// `chancery trusts …`: whether it succeeded, and what it said.
    fn trusts(&self, arguments: &[&str]) -> (bool, String) {
        let arguments: Vec<&str> = ["trusts"].into_iter().chain(arguments.iter().copied()).collect();
        let output = self.node.command(&arguments).output().expect("the program runs");
        (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    }

    /// Whether a user of the partner gets a token. A second sign-in in one partner's session is answered at once, by the key that the
    /// switch says.
    fn signs_in(&self) -> Result<(), String> {
        let idp = idp().expect("a partner");
        let browser = Browser::outside().at(&self.node.address);
        let departure = browser.ask("partner", "");
        let Some(address) = departure.header("location").filter(|url| url.starts_with(HOME)) else {
            return Err(format!("not sent there: {} {}", departure.status, departure.body));
        };
        // Signs in there; the answer that counts is the one to the request itself.
        idp.sign_in(address);
        let fields: Vec<(String, String)> = inputs(&idp.sign_in(address))
            .into_iter()
            .filter(|(name, _)| ["SAMLResponse", "RelayState"].contains(&name.as_str()))
            .collect();
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = browser.post("/adfs/ls/", &fields);
        let Some(back) = answer.header("location") else { return Err(answer.body) };
        match HandOver::find(&browser.get(back).body) {
            Some(form) if form.result.contains("alice@partner.example") => Ok(()),
            _ => Err(String::from("no token")),
        }
    }
}

#[test]
fn a_partners_new_key_is_known_before_it_signs() {
    let Some(world) = start() else { return };
    world.node.logged("metadata is taken over");
    eventually("a sign-in", || world.signs_in().is_ok());
    world.node.audited(168, "first version");
    let (well, said) = world.trusts(&["show"]);
    assert!(
        well && said.contains("taken over") && said.contains("Partner (https://idp.partner.example/saml)"),
        "{said}"
    );

    // Announced, then in use, while the server runs.
    world.roll("next");
    let (well, said) = world.trusts(&["refresh", "Partner"]);
    assert!(well && said.contains("signing certificate") && said.contains("added"), "{said}");
    world.roll("rolled");
    eventually("a sign-in with the new key", || world.signs_in().is_ok());
    let (well, said) = world.trusts(&["refresh", "Partner"]);
    assert!(well && !said.contains("certificate"), "the same two keys: {said}");
}

#[test]
fn a_partner_whose_keys_are_all_others_waits_for_somebody_to_decide() {
    let Some(world) = start() else { return };
    world.node.logged("metadata is taken over");
    eventually("a sign-in", || world.signs_in().is_ok());
    world.roll("swapped");
    let (well, said) = world.trusts(&["refresh"]);
    assert!(!well && said.contains("waits") && said.contains("all signing certificates are replaced"), "{said}");
    let error = world.signs_in().expect_err("the new key is nobody's yet");
    assert!(error.contains("MSIS"), "{error}");
    let (well, said) = world.trusts(&["accept", "Partner"]);
    assert!(well && said.contains("taken over"), "{said}");
    eventually("a sign-in with the new key", || world.signs_in().is_ok());
}

#[test]
fn a_start_without_the_partner_serves_what_was_kept() {
    let Some(world) = start() else { return };
    world.node.logged("metadata is taken over");
    let state = world.node.directory.join("state");
    let kept = std::fs::read_dir(state.join("metadata")).expect("kept metadata").count();
    assert_eq!(kept, 2, "the document and its record");
    // Another server, with the state of the first and nobody at the address.
    let trust = std::fs::read_to_string(world.node.directory.join("trusts/cp.toml")).expect("a trust");
    let trust = trust.replace(&format!("metadata_url = '{HOME}"), "metadata_url = 'https://nobody.partner.example");
    let setup = NodeSetup::new().write("trusts/cp.toml", trust);
    application(&setup.directory, "partner", &format!("claims_providers = ['{HOME}/saml']"));
    let metadata = setup.directory.join("state/metadata");
    std::fs::create_dir_all(&metadata).expect("a directory");
    for file in std::fs::read_dir(state.join("metadata")).expect("kept metadata") {
        let file = file.expect("a file");
        std::fs::copy(file.path(), metadata.join(file.file_name())).expect("a copy");
    }
    let node = setup.start();
    let departure = Browser::outside().at(&node.address).ask("partner", "");
    assert!(departure.header("location").is_some_and(|url| url.starts_with(HOME)), "{departure:?}");
    let second = World { node, rolling: world.rolling.clone() };
    second.node.audited(156, "nobody.partner.example gave no answer");
    let (well, said) = second.trusts(&["show"]);
    assert!(well && said.contains("not fetched: the old version stays"), "{said}");
}

#[test]
fn a_trust_without_its_metadata_yet_keeps_nothing_else_from_working() {
    let Some(world) = start() else { return };
    let trust = std::fs::read_to_string(world.node.directory.join("trusts/cp.toml")).expect("a trust");
    // Somewhere that answers, with something else.
    for (address, reason) in [
        (format!("{HOME}/module.php/core/loginuserpass.php"), "DOCTYPE"),
        (format!("{HOME}/saml2/idp/SSOService.php"), "idp.partner.example"),
        (format!("{HOME}/module.php/adfs/idp/metadata.php"), "does not describe"),
    ] {
        let metadata_url = format!("metadata_url = '{address}'");
        let trust: String = trust
            .lines()
            .map(|line| if line.starts_with("metadata_url") { metadata_url.as_str() } else { line })
            .map(|line| format!("{line}\n"))
            .collect();
        let setup = NodeSetup::new().write("trusts/cp.toml", trust);
        application(&setup.directory, "partner", &format!("claims_providers = ['{HOME}/saml']"));
        let node = setup.start();
        let second = World { node, rolling: world.rolling.clone() };
        second.node.audited(156, reason);
        let answer = Browser::outside().at(&second.node.address).ask("partner", "");
        assert_eq!((answer.status, answer.header("location")), (500, None), "nobody is sent anywhere: {}", answer.body);
        let (_, said) = second.trusts(&["show"]);
        assert!(said.contains("never"), "{said}");
    }
}
