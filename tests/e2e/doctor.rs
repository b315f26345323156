//! `chancery doctor` on a deployment that works, and on deployments with one thing broken: each is found under its name.
//!
//! What is broken belongs to the test: a configuration, a server, a certificate of its own. Accounts are in `doctor_accounts`.

use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::drs_init::OtherForest;
use crate::support::{Lab, NodeSetup, run, variable};

/// What the doctor found.
#[derive(Debug)]
pub struct Findings {
    pub success: bool,
    pub json: Value,
}

impl Findings {
    /// Of a configuration.
    pub fn of(file: &Path, arguments: &[&str]) -> Self {
        Self::by(&[], file, arguments)
    }

    /// On a computer whose clock is off by this much.
    pub fn at_clock(offset: &str, file: &Path, arguments: &[&str]) -> Self {
        Self::by(&["faketime", "-f", offset], file, arguments)
    }

    fn by(before: &[&str], file: &Path, arguments: &[&str]) -> Self {
        let program = std::env::var("CHANCERY_BIN").expect("tests/lab/run sets CHANCERY_BIN");
        // Whoever hangs is ended, and then there is no answer.
        let output = Command::new("timeout")
            .arg("300")
            .args(before)
            .args([&program, "doctor", "--json", "--timeout", "20", "--config"])
            .arg(file)
            .args(arguments)
            .output()
            .expect("the program runs");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let json = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
        Self { success: output.status.success(), json }
    }

    /// The findings of a name and level: what each says.
    pub fn at(&self, level: &str, name: &str) -> Vec<String> {
        let all = self.json["findings"].as_array().expect("findings");
        let wanted = |finding: &&Value| finding["level"] == level && finding["name"] == name;
        all.iter().filter(wanted).map(|finding| finding["what"].as_str().unwrap().to_owned()).collect()
    }

    /// Expects a finding of a name and level that says this, why it matters and how to fix it.
    pub fn expect(&self, level: &str, name: &str, text: &str) {
        let all = self.json["findings"].as_array().expect("findings");
        let found = all.iter().find(|finding| {
            finding["level"] == level
                && finding["name"] == name
                && finding["what"].as_str().is_some_and(|what| what.contains(text))
        });
        let found = found.unwrap_or_else(|| panic!("no {level} {name} with {text:?}: {:#}", self.json));
        if level != "ok" {
            assert!(found["why"].is_string() && found["fix"].is_string(), "{found:#}");
        }
    }
}

/// A configuration whose controllers run: the lab's second one is started by those who need it.
pub fn setup() -> NodeSetup {
    let both = format!("domain_controllers = [\"{}\", \"{}\"]", variable("LAB_DC"), variable("LAB_DC2"));
    let first = format!("domain_controllers = [\"{}\"]", variable("LAB_DC"));
    NodeSetup::new().replace(&both, &first)
}

/// The same, with this in place of the list of controllers.
fn with_controllers(names: &[&str]) -> NodeSetup {
    let first = format!("domain_controllers = [\"{}\"]", variable("LAB_DC"));
    setup().replace(&first, &format!("domain_controllers = {names:?}"))
}

/// A DNS server of this test's own that lists these controllers: domain and host.
fn dns(controllers: &[(&str, &str)]) -> std::net::SocketAddr {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).expect("a socket");
    let address = socket.local_addr().expect("an address");
    let controllers: Vec<(String, String)> =
        controllers.iter().map(|(domain, host)| ((*domain).to_owned(), (*host).to_owned())).collect();
    std::thread::spawn(move || {
        let mut octets = [0; 1024];
        while let Ok((length, peer)) = socket.recv_from(&mut octets) {
            let _ = socket.send_to(&srv_answer(&octets[..length], &controllers), peer);
        }
    });
    address
}

/// An answer of SRV records (RFC 1035 4.1, RFC 2782) to a query.
fn srv_answer(query: &[u8], controllers: &[(String, String)]) -> Vec<u8> {
    let name_end = 12 + query[12..].iter().position(|octet| *octet == 0).expect("a name") + 1;
    let mut labels = Vec::new();
    let mut rest = &query[12..name_end - 1];
    while let Some((length, behind)) = rest.split_first() {
        let (label, behind) = behind.split_at(usize::from(*length));
        labels.push(String::from_utf8_lossy(label).to_lowercase());
        rest = behind;
    }
    let asked = labels.join(".");
    let of_domain = |(domain, _): &&(String, String)| asked.ends_with(&format!("._msdcs.{domain}"));
    let hosts: Vec<&String> = controllers.iter().filter(of_domain).map(|(_, host)| host).collect();
    let mut answer = query[..2].to_vec();
    answer.extend([0x84, 0, 0, 1, 0, u8::try_from(hosts.len()).unwrap(), 0, 0, 0, 0]);
    answer.extend(&query[12..name_end + 4]);
    for host in hosts {
        let mut data = vec![0, 0, 0, 100, 0x01, 0x85];
        for label in host.split('.') {
            data.push(u8::try_from(label.len()).unwrap());
            data.extend(label.as_bytes());
        }
        data.push(0);
        answer.extend([0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 60]);
        answer.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        answer.extend(data);
    }
    answer
}

#[test]
fn a_deployment_that_works() {
    let _forest = OtherForest::alone();
    let lab = Lab::get();
    let node = setup().start();
    let other = lab.other_realm.to_lowercase();
    let listed = dns(&[(&lab.domain, &variable("LAB_DC")), (&other, &variable("LAB_OTHER_DC"))]);
    let found = Findings::of(&node.file(), &["--connect-to", &node.address, "--dns-server", &listed.to_string()]);
    assert!(found.success, "{:#}", found.json);
    assert_eq!(found.json["errors"], 0);
    for (name, text) in [
        ("dns", format!("{} is ", lab.host)),
        ("certificate-name", format!("shown on {} covers it", lab.host)),
        ("certificate-expiry", String::from("good until")),
        ("certificate-trust", String::from("trusted here")),
        ("mex", String::from("is valid")),
        ("mex-windows", String::from("/adfs/services/trust/13/windowstransport")),
        ("mex-password", String::from("/adfs/services/trust/13/usernamemixed")),
        ("endpoint", String::from("/adfs/services/trust/13/windowstransport: 401, offers Negotiate")),
        ("endpoint", String::from("/adfs/services/trust/2005/windowstransport: 401")),
        ("endpoint", String::from("/adfs/services/trust/13/usernamemixed answers with a fault")),
        ("discovery", format!("enterpriseregistration.{}", lab.domain)),
        ("clock", String::from("the clock of the service is ")),
        ("clock", format!("the clock of {}", variable("LAB_DC"))),
        ("token-signing-expiry", String::from("good until")),
        ("device-authority-expiry", String::from("good until")),
        ("controller-ldap", format!("{} answers LDAP in", variable("LAB_DC"))),
        ("controller-kerberos", format!("{} answers Kerberos in", variable("LAB_DC"))),
        ("controller-list", format!("{} are those that DNS lists", lab.domain)),
        ("controller-list", format!("{other} are those that DNS lists")),
        ("spn", format!("svc-sts of {} has HTTP/{}", lab.realm, lab.host)),
        ("spn", format!("svc-sts of {} has HTTP/{}", lab.other_realm, lab.host)),
        ("keytab-kvno", String::from("the present one")),
        ("keytab-key", format!("HTTP/{}@{}", lab.host, lab.realm)),
        ("keytab-key", format!("HTTP/{}@{}", lab.host, lab.other_realm)),
        ("encryption-types", String::from("takes AES")),
        ("entra-trust", String::from("every identifier")),
        ("entra-claim", String::from("accounttype DJ")),
        ("entra-claim", format!("the issuer http://{}/adfs/services/trust/", lab.domain)),
        ("entra-claim", String::from("the issuer http://brand.example/adfs/services/trust/")),
        ("device-rights", String::from("may create devices")),
        ("service-connection-point", format!("enterpriseregistration.{}", lab.domain)),
    ] {
        found.expect("ok", name, &text);
    }
    // What the lab really lacks.
    found.expect("warning", "dns", "enterpriseregistration.unlisted.example");
    found.expect("warning", "certificate-name", "enterpriseregistration.emea.brand.example");
    found.expect("warning", "service-connection-point", "no service connection point");
}

#[test]
fn accounts_that_were_named_are_tried() {
    let lab = Lab::get();
    let setup = setup();
    let found = Findings::of(&setup.file(), &["--computer", "WS02$", "--user", "carol.c@brand.example"]);
    found.expect("ok", "entra-claim", "WS02$");
    found.expect("ok", "entra-claim", "carol");
    let netbios = lab.realm.split('.').next().unwrap();
    let alice = format!("{netbios}\\alice");
    let found = Findings::of(&setup.file(), &["--computer", &alice, "--user", "stray@unlisted.example"]);
    found.expect("error", "entra-claim", &format!("{alice}: accounttype DJ is missing"));
    found.expect("error", "entra-decision", "stray");
    let found = Findings::of(&setup.file(), &["--computer", "NOBODY$"]);
    found.expect("not-checked", "entra-sample", "NOBODY$");
}

#[test]
fn a_configuration_that_cannot_be_used_ends_it() {
    let setup = setup().append("[nonsense]\n");
    let found = Findings::of(&setup.file(), &[]);
    assert!(!found.success);
    found.expect("error", "configuration", "nonsense");
    found.expect("not-checked", "configuration", "nothing else was looked at");
}

#[test]
fn a_service_that_does_not_answer() {
    let setup = setup();
    let found = Findings::of(&setup.file(), &["--connect-to", &setup.address]);
    assert!(!found.success);
    found.expect("error", "service", &format!("{} does not answer", Lab::get().host));
    found.expect("not-checked", "mex", "not asked");
    assert!(found.at("ok", "endpoint").is_empty(), "{:#}", found.json);
}

#[test]
fn endpoints_that_are_off_and_a_request_from_outside() {
    let off = "[endpoints]\ntrust_13.windowstransport.enabled = false\ntrust_2005.windowstransport.enabled = false\n";
    let node = setup().append(off).start();
    let found = Findings::of(&node.file(), &["--connect-to", &node.address]);
    found.expect("error", "mex-windows", "no endpoint for Windows authentication");
    found.expect("ok", "mex-password", "usernamemixed");

    let node = setup().replace("intranet = [\"127.0.0.1/32\", ", "intranet = [").start();
    let found = Findings::of(&node.file(), &["--connect-to", &node.address]);
    found.expect("error", "mex-windows", "no endpoint for Windows authentication");
    found.expect("error", "endpoint", "windowstransport");
    let all = found.json["findings"].to_string();
    assert!(all.contains("no network of `server.intranet` holds this address"), "{all}");
}

/// A certificate of the service's name in `tls.pem` and `tls.key` beside the configuration.
fn self_signed(setup: &NodeSetup, days: u32) {
    let host = &Lab::get().host;
    run(Command::new("openssl")
        .current_dir(&setup.directory)
        .args(["req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", &days.to_string()])
        .args(["-subj", &format!("/CN={host}"), "-addext", &format!("subjectAltName=DNS:{host}")])
        .args(["-keyout", "tls.key", "-out", "tls.pem"]));
}

#[test]
fn certificates_without_a_name_and_at_their_end() {
    let host = &Lab::get().host;
    let setup = setup();
    self_signed(&setup, 3);
    let tls = variable("LAB_TLS");
    let node =
        setup.replace(&format!("{tls}/server.pem"), "tls.pem").replace(&format!("{tls}/server.key"), "tls.key").start();
    let ca = node.directory.join("tls.pem").display().to_string();
    let trusted = Findings::of(&node.file(), &["--connect-to", &node.address, "--ca", &ca]);
    trusted.expect("warning", "certificate-expiry", "ends on");
    trusted.expect("error", "certificate-name", &format!("enterpriseregistration.{}", Lab::get().domain));
    trusted.expect("warning", "certificate-name", &format!("certauth.{host}"));
    trusted.expect("ok", "mex", "is valid");
    let unknown = Findings::of(&node.file(), &["--connect-to", &node.address]);
    unknown.expect("error", "certificate-trust", "not trusted here");
    unknown.expect("not-checked", "mex", "a client would refuse the certificate");
}

#[test]
fn another_certificate_than_the_server_knows() {
    let node = setup().start();
    let other = setup();
    run(Command::new("openssl")
        .current_dir(&other.directory)
        .args(["req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", "90", "-subj", "/CN=x"])
        .args(["-addext", &format!("subjectAltName=DNS:{}", Lab::get().host)])
        .args(["-keyout", "tls.key", "-out", "tls.pem"]));
    let tls = variable("LAB_TLS");
    let other = other.replace(&format!("{tls}/server.pem"), "tls.pem").replace(&format!("{tls}/server.key"), "tls.key");
    let found = Findings::of(&other.file(), &["--connect-to", &node.address]);
    found.expect("warning", "certificate-other", "none that this configuration knows");
}

#[test]
fn controllers_that_hang_refuse_or_are_not_listed() {
    let domain = &Lab::get().domain;
    // Takes connections and says nothing.
    let silent = format!("node1.{domain}");
    let _ldap = TcpListener::bind((&*silent, 636)).expect("a listener");
    let _kerberos = TcpListener::bind((&*silent, 88)).expect("a listener");
    let gone = format!("node3.{domain}");
    let setup = with_controllers(&[&variable("LAB_DC"), &silent, &gone]);
    let new = format!("new.{domain}");
    let listed = dns(&[(domain, &variable("LAB_DC")), (domain, &new)]);
    let found = Findings::of(&setup.file(), &["--dns-server", &listed.to_string()]);
    assert!(!found.success);
    for name in ["controller-ldap", "controller-kerberos"] {
        found.expect("ok", name, &variable("LAB_DC"));
        for host in [&silent, &gone, &new] {
            found.expect("error", name, host);
        }
    }
    found.expect("warning", "controller-list", &format!("does not list {silent}, {gone}"));
    found.expect("warning", "controller-list", &format!("does not list new.{domain}"));
    // One controller is enough for everything else.
    found.expect("ok", "spn", "has HTTP/");
    found.expect("ok", "entra-claim", "accounttype DJ");
}

#[test]
fn without_any_controller_nothing_passes_for_good() {
    let setup = with_controllers(&[&format!("node3.{}", Lab::get().domain)]);
    let found = Findings::of(&setup.file(), &[]);
    assert!(!found.success);
    found.expect("not-checked", "spn", &Lab::get().realm);
    found.expect("not-checked", "keytab-key", &Lab::get().realm);
    found.expect("not-checked", "entra-sample", "no account to try claims with");
    found.expect("not-checked", "device-registration", &Lab::get().domain);
    let own = format!("svc-sts of {}", Lab::get().realm);
    assert!(!found.at("ok", "spn").iter().any(|what| what.contains(&own)), "{:#}", found.json);
}

#[test]
fn rules_of_a_trust_of_ones_own_that_lack_claims() {
    let rules = "c:[Type == \"http://schemas.microsoft.com/ws/2008/06/identity/claims/groupsid\", Value =~ \"-515$\"] => \
                 issue(Type = \"http://schemas.microsoft.com/ws/2012/01/accounttype\", Value = \"DJ\");\n\
                 c:[Type == \"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn\"] => \
                 issue(Type = \"http://schemas.xmlsoap.org/claims/UPN\", Value = c.Value);\n";
    let trust = format!(
        "[relying_party]\nname = \"Own Entra\"\nidentifiers = [\"urn:federation:MicrosoftOnline\"]\ntoken_type = \"saml11\"\n\
         access_control_policy = \"permit-everyone\"\ntransform_rules = '''\n{rules}'''\n\
         [relying_party.ws_federation]\nendpoint = \"https://login.microsoftonline.com/login.srf\"\n"
    );
    let setup =
        setup().replace("[entra]\nenabled = true", "[entra]\nenabled = false").write("trusts/own-entra.toml", trust);
    let found = Findings::of(&setup.file(), &["--computer", "WS01$", "--user", "bob"]);
    assert!(!found.success);
    found.expect("error", "entra-claim", "onpremobjectguid is missing");
    found.expect("error", "entra-claim", "primarysid is missing");
    found.expect("error", "entra-claim", "ImmutableID is missing");
    found.expect("warning", "entra-trust", "lacks https://login.microsoftonline.com/extSTS.srf");
    assert!(!found.at("error", "entra-claim").iter().any(|what| what.contains("accounttype")), "{:#}", found.json);
}

#[test]
fn computers_that_are_sent_elsewhere() {
    // The connection point of the forest names a host that this configuration does not have.
    let suffixes =
        format!("\"{}\", \"brand.example\", \"emea.brand.example\", \"unlisted.example\"", Lab::get().domain);
    let setup = setup().replace(&suffixes, "\"brand.example\", \"emea.brand.example\"");
    let found = Findings::of(&setup.file(), &[]);
    found.expect("error", "scp-host", &format!("enterpriseregistration.{}", Lab::get().domain));
}

#[test]
fn a_forest_that_was_never_prepared_for_devices() {
    let _forest = OtherForest::alone();
    let lab = Lab::get();
    let domain = format!("[device_registration]\nenabled = true\ndomain = \"{}\"", lab.other_realm);
    let setup = setup().replace("[device_registration]\nenabled = true", &domain);
    let found = Findings::of(&setup.file(), &[]);
    assert!(!found.success);
    found.expect("warning", "device-schema", "msDS-KeyCredentialLink");
    found.expect("error", "device-container", "CN=DeviceRegistrationService");
    found.expect("error", "device-container", "CN=RegisteredDevices");
}

#[test]
fn clocks_that_differ() {
    let setup = setup();
    let found = Findings::at_clock("+2m", &setup.file(), &[]);
    found.expect("warning", "clock", "the clock of the service is 1");
    found.expect("warning", "clock", &format!("the clock of {} is 1", variable("LAB_DC")));
    let found = Findings::at_clock("+10m", &setup.file(), &[]);
    assert!(!found.success);
    found.expect("error", "clock", "the clock of the service is ");
}

/// Ten years before its end the authority is to be renewed, and never to be lost.
#[test]
fn a_device_authority_that_ends() {
    // Nothing else of this server ends so soon.
    let (tls, setup) = (variable("LAB_TLS"), setup());
    self_signed(&setup, 20_000);
    let node = setup
        .replace(&format!("{tls}/server.pem"), "tls.pem")
        .replace(&format!("{tls}/server.key"), "tls.key")
        .replace(&format!("client_ca_files = [\"{tls}/ca.pem\"]"), "")
        .replace(&format!("crl_files = [\"{tls}/ca.crl\"]"), "")
        .start();
    for (offset, text) in [("+4000d", "the device authority ends on"), ("+8000d", "the device authority ended on")] {
        let found = Findings::at_clock(offset, &node.file(), &["--connect-to", &node.address]);
        found.expect("warning", "device-authority-expiry", text);
        let fix =
            found.json["findings"].as_array().unwrap().iter().find(|f| f["name"] == "device-authority-expiry").unwrap();
        let fix = fix["fix"].as_str().unwrap();
        assert!(fix.contains("keys generate --purpose device-authority") && fix.contains("keep the old key"), "{fix}");
    }
}

#[test]
fn a_connection_point_that_names_two_services() {
    let forest = OtherForest::alone();
    crate::drs_points::write(&forest, &["enterpriseDrsName:enterpriseregistration.corp.example", "azureADId:x"]);
    let found = Findings::of(&setup().file(), &[]);
    assert!(!found.success);
    found.expect("error", "scp-conflict", "names both Entra and this service");
}

#[test]
fn a_partner_that_does_not_answer() {
    let key = "-----BEGIN CERTIFICATE-----";
    let provider = format!(
        "[claims_provider]\nname = \"Silent\"\nidentifier = \"urn:silent\"\nprotocol = \"saml\"\n\
         metadata_url = \"https://node3.{}/metadata.xml\"\naccount_suffixes = [\"silent.example\"]\n",
        Lab::get().domain
    );
    assert!(!provider.contains(key));
    let setup = setup().write("trusts/silent.toml", provider);
    let found = Findings::of(&setup.file(), &[]);
    found.expect("warning", "partner-metadata", "the metadata of Silent does not come");
}
