//! An OpenID provider that takes no secret but an assertion signed by a key (oidc-provider, `private_key_jwt`), reached through a
//! proxy (tinyproxy) that wants to know who asks.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::json;

use crate::home_realm::application;
use crate::support::{
    Assertion, Browser, HandOver, Lab, Node, NodeSetup, Program, Response, claim, eventually, run, variable,
};

const PROVIDER: &str = "https://oidc.rp.example";

/// A proxy at .34 that lets nobody through without name and password; it ends with this value.
struct Proxy(Child, std::path::PathBuf);

impl Proxy {
    fn start(directory: &Path) -> Self {
        let (file, log) = (directory.join("proxy.conf"), directory.join("proxy.log"));
        let text = format!(
            "Port 3128\nListen {}.34\nTimeout 30\nMaxClients 20\nConnectPort 443\nBasicAuth chancery Proxy-Pw-1\nLogFile \"{}\"\nLogLevel Connect\n",
            variable("LAB_BLOCK"),
            log.display()
        );
        std::fs::write(&file, text).expect("a configuration");
        let child = Command::new("tinyproxy").args(["-d", "-c"]).arg(&file).stdout(Stdio::null()).spawn();
        let proxy = Self(child.expect("tinyproxy starts (tests/lab/setup installs it)"), log);
        let address = format!("{}.34:3128", variable("LAB_BLOCK"));
        eventually("the proxy listens", || std::net::TcpStream::connect(&address).is_ok());
        proxy
    }

    fn tunnels(&self) -> usize {
        std::fs::read_to_string(&self.1).unwrap_or_default().matches("CONNECT oidc.rp.example:443").count()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct World {
    node: Node,
    _provider: Program,
    _turn: MutexGuard<'static, ()>,
}

fn pair(directory: &Path, name: &str) {
    run(Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=chancery"])
        .arg("-keyout")
        .arg(directory.join(format!("{name}.key")))
        .arg("-out")
        .arg(directory.join(format!("{name}.pem"))));
}

fn trust(keys: &str) -> String {
    format!(
        "[claims_provider]\nname = 'OpenID partner'\nidentifier = '{PROVIDER}'\nprotocol = 'oidc'\n\
         acceptance_rules = '''c:[Type == \"{}\"] => issue(claim = c);'''\n[claims_provider.oidc]\nclient_id = 'chancery'\n\
         client_authentication = 'private_key_jwt'\n{keys}\n",
        claim::UPN_2005
    )
}

const KEY: &str = "client_certificate_file = 'client.pem'\nclient_key_file = 'client.key'";

/// The provider has one address, and so has the proxy.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn start(partners: &str, turn: MutexGuard<'static, ()>) -> World {
    let setup = NodeSetup::new()
        .append(&format!("[partners]\nca_file = '{}'\n{partners}", variable("CHANCERY_CA")))
        .write("proxy-credentials", "chancery:Proxy-Pw-1\n")
        .write("trusts/cp.toml", trust(KEY));
    let trusts = setup.directory.join("trusts");
    for name in ["client", "other"] {
        pair(&trusts, name);
    }
    let rules = format!("transform_rules = '''c:[Type == \"{}\"] => issue(claim = c);'''", claim::UPN_2005);
    application(&setup.directory, "openid", &format!("claims_providers = ['{PROVIDER}']\n{rules}"));
    let tls = format!("{}/tls", variable("LAB"));
    let settings = json!({
        "address": format!("{}.23", variable("LAB_BLOCK")),
        "origin": PROVIDER,
        "certificate": format!("{tls}/rp.pem"),
        "key": format!("{tls}/rp.key"),
        "clientId": "chancery",
        "redirectUri": format!("https://{}/adfs/ls/", Lab::get().host),
        "clientCertificate": trusts.join("client.pem"),
        "clientKeyId": "key-of-2026",
    });
    let provider = Program::node("openid/provider.js", &settings);
    World { node: setup.start(), _provider: provider, _turn: turn }
}

impl World {
    /// A sign-in: what comes of the provider's answer here.
    fn sign_in(&self) -> (Browser, Response) {
        let browser = Browser::outside().at(&self.node.address);
        let departure = browser.ask("openid", "");
        let Some(address) = departure.header("location").map(str::to_owned) else { return (browser, departure) };
        let there = Browser::outside();
        let mut next = address;
        loop {
            assert!(next.starts_with(PROVIDER), "{next}");
            let answer = there.get(&next);
            let location = answer.header("location").unwrap_or_else(|| panic!("{}: {}", answer.status, answer.body));
            if let Some(back) = location.strip_prefix(&Lab::get().url) {
                let answer = browser.get(back);
                return (browser, answer);
            }
            next = if location.starts_with('/') { format!("{PROVIDER}{location}") } else { location.to_owned() };
        }
    }

    fn trust(&self, keys: &str) -> (bool, String) {
        std::fs::write(self.node.directory.join("trusts/cp.toml"), trust(keys)).expect("a trust");
        self.node.reload()
    }
}

#[test]
fn a_provider_takes_an_assertion_signed_by_our_key_through_a_proxy() {
    let block = variable("LAB_BLOCK");
    let scratch = Lab::get().new_file("proxy");
    std::fs::create_dir(&scratch).expect("a directory");
    let turn = turn();
    let proxy = Proxy::start(&scratch);
    let keys = "proxy_credentials_file = 'proxy-credentials'\nno_proxy = ['corp.example']";
    let world = start(&format!("proxy = 'http://{block}.34:3128'\n{keys}"), turn);
    let (browser, answer) = world.sign_in();
    assert_eq!(answer.status, 302, "{}\n{}", answer.body, world.node.log());
    let form = HandOver::of(&browser.get(answer.header("location").expect("a location")));
    assert_eq!(Assertion::cut(&form.result).single(claim::UPN_2005), "carol@partner.example");
    assert!(proxy.tunnels() >= 2, "discovery and token endpoint, at least");
    // By the name under which the provider knows the key, as well.
    let (served, said) = world.trust(&format!("{KEY}\nclient_key_id = 'key-of-2026'"));
    assert!(served, "{said}");
    assert_eq!(world.sign_in().1.status, 302, "{}", world.node.log());

    // A key that the provider does not know.
    let (served, said) = world.trust(&KEY.replace("client.", "other."));
    assert!(served, "{said}");
    let (_, answer) = world.sign_in();
    assert_eq!((answer.status, answer.header("location")), (500, None), "{}", answer.body);
    world.node.logged("invalid_client");
    // One that does not belong to its certificate, and none.
    for keys in [
        "client_certificate_file = 'client.pem'\nclient_key_file = 'other.key'",
        "client_certificate_file = 'client.pem'",
    ] {
        let (served, said) = world.trust(keys);
        assert!(!served && said.contains("client_key_file"), "{said}");
    }

    // Nothing goes past the proxy.
    assert!(world.trust(KEY).0);
    let tunnels = proxy.tunnels();
    drop(proxy);
    let (_, answer) = world.sign_in();
    assert_eq!(answer.status, 503, "{}", answer.body);
    world.node.logged(&format!("the proxy {block}.34:3128 gave no answer"));
    let again = Proxy::start(&scratch);
    assert_eq!(world.sign_in().1.status, 302);
    assert!(again.tunnels() > tunnels);
}

#[test]
fn a_proxy_that_refuses_and_one_that_is_none_are_named() {
    let block = variable("LAB_BLOCK");
    let scratch = Lab::get().new_file("proxy");
    std::fs::create_dir(&scratch).expect("a directory");
    let world = start(&format!("proxy = 'http://{block}.34:3128'"), turn());
    let proxy = Proxy::start(&scratch);
    assert_eq!(world.sign_in().1.status, 503);
    world.node.logged(&format!("the proxy {block}.34:3128 answers 407"));
    drop(proxy);
    let set = |proxy: &str, more: &str| {
        let file = world.node.file();
        let text = std::fs::read_to_string(&file).expect("a configuration");
        let line = |line: &str| match line.starts_with("proxy = ") {
            true => format!("proxy = '{proxy}'\n{more}\n"),
            false => format!("{line}\n"),
        };
        std::fs::write(&file, text.lines().map(line).collect::<String>()).expect("a configuration");
        world.node.reload()
    };
    for wrong in [
        "proxy.corp.example:3128",
        "https://proxy.corp.example",
        "http://a:b@proxy.corp.example",
        "http://proxy.corp.example/path",
    ] {
        let (served, said) = set(wrong, "");
        assert!(!served && said.contains("this is no address of a proxy"), "{wrong}: {said}");
    }
    // Who is named in `no_proxy` is reached past it.
    let (served, said) = set(&format!("http://{block}.34:3128"), "no_proxy = ['rp.example']");
    assert!(served, "{said}");
    assert_eq!(world.sign_in().1.status, 302, "{}", world.node.log());
}
