//! `chancery probe device` against the running server: the whole way of a device, and what it says where it ends early. openssl and
//! ldapsearch say what became of the device.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::drs_client::{device_dn, devices, ldap_modify, ldap_read, user};
use crate::probe::failed;
use crate::support::{Lab, NodeSetup, run, variable};
use crate::throwaway::{Account, feed, ldap, unicode_password};

/// A computer that only this test knows.
pub struct Computer {
    /// Without the dollar sign.
    pub name: String,
    pub password: String,
    /// `objectGUID`
    pub guid: String,
}

impl Computer {
    pub fn new(what: &str) -> Self {
        let name = Account::new(what).name.to_uppercase().chars().take(15).collect::<String>();
        let password = String::from("Throw-Away-Machine-1");
        let dn = format!("CN={name},CN=Computers,{}", variable("LAB_BASE_DN"));
        feed(
            "ldapadd",
            &format!(
                "dn: {dn}\nobjectClass: computer\nsAMAccountName: {name}$\nuserAccountControl: 4096\nunicodePwd:: {}\n\
                 dNSHostName: {}.{}\nmsDS-SupportedEncryptionTypes: 24\n",
                unicode_password(&password),
                name.to_lowercase(),
                Lab::get().domain
            ),
        );
        let computer = Self { guid: crate::drs_client::guid(&dn), name, password };
        // Its keys are made anew for the encryption types that it has now.
        let password = unicode_password(&computer.password);
        feed("ldapmodify", &format!("dn: {dn}\nchangetype: modify\nreplace: unicodePwd\nunicodePwd:: {password}\n"));
        computer
    }

    pub fn principal(&self) -> String {
        format!("{}$@{}", self.name, Lab::get().realm)
    }

    pub fn password_file(&self) -> String {
        password_file(&self.password).display().to_string()
    }

    /// A credential cache with its ticket-granting ticket.
    pub fn kinit(&self) -> PathBuf {
        kinit(&self.principal(), &self.password)
    }
}

impl Drop for Computer {
    fn drop(&mut self) {
        let _ = ldap("ldapdelete").arg(device_dn(&self.guid)).output();
        let _ = ldap("ldapdelete").arg(format!("CN={},CN=Computers,{}", self.name, variable("LAB_BASE_DN"))).output();
    }
}

/// A credential cache with the ticket-granting ticket of somebody with a password.
pub fn kinit(principal: &str, password: &str) -> PathBuf {
    let cache = Lab::get().new_file("ccache");
    let mut child = Command::new("kinit")
        .arg("-c")
        .arg(&cache)
        .arg(principal)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("kinit starts");
    child.stdin.take().expect("a pipe").write_all(format!("{password}\n").as_bytes()).expect("kinit reads");
    assert!(child.wait().expect("kinit ends").success(), "{principal}");
    cache
}

fn password_file(password: &str) -> PathBuf {
    let file = Lab::get().new_file("password");
    std::fs::write(&file, format!("{password}\n")).expect("scratch is writable");
    file
}

/// Runs the probe; whether it succeeds, its answer, and everything it wrote.
fn probe(arguments: &[&str], input: &str) -> (bool, Value, String) {
    let mut child = Command::new(&Lab::get().program)
        .args(["probe", "device", "--json"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A command line that wants no password does not read.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("the program ends");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let answer = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
    (output.status.success(), answer, format!("{out}{err}"))
}

fn steps(answer: &Value) -> Vec<&str> {
    answer["steps"].as_array().expect("steps").iter().map(|step| step["step"].as_str().expect("a name")).collect()
}

fn outcome<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let steps = answer["steps"].as_array().expect("steps");
    steps.iter().find(|step| step["step"] == name).unwrap_or_else(|| panic!("no {name}: {answer:#}"))
}

const OF_A_COMPUTER: [&str; 13] = [
    "account",
    "SCP",
    "TLS",
    "discovery",
    "token",
    "registered",
    "keys",
    "join",
    "certificate",
    "nonce",
    "PRT",
    "exchange",
    "browser",
];

#[test]
fn a_computer_registers_its_user_signs_in_and_it_leaves() {
    let computer = Computer::new("probe");
    let (account, _) = user("probe-user");
    let password = password_file(&account.password).display().to_string();
    let machine = computer.password_file();
    let (succeeds, answer, everything) = probe(
        &[
            "--principal",
            &computer.principal(),
            "--password-file",
            &machine,
            "--user",
            &account.upn(),
            "--user-password-file",
            &password,
            "--device-name",
            "Poste de Zoé",
            "--verbose",
        ],
        "",
    );
    assert!(succeeds, "{answer:#}");
    assert_eq!(steps(&answer), [&OF_A_COMPUTER[..], &["leave"]].concat());
    assert!(outcome(&answer, "certificate")["what"].as_str().unwrap().starts_with(&format!("CN={},", computer.guid)));
    let join = &outcome(&answer, "join")["messages"][0];
    assert!(join["sent"].as_str().unwrap().contains("Poste de Zoé"), "{join}");
    assert!(join["received"].as_str().unwrap().starts_with("200 "), "{join}");
    assert!(outcome(&answer, "PRT")["what"].as_str().unwrap().contains(&account.upn()), "{answer:#}");
    assert_eq!(outcome(&answer, "certificate")["outcome"], "passed", "a published authority issued it: {answer:#}");
    let browser = outcome(&answer, "browser");
    assert!(browser["what"].as_str().unwrap().ends_with("by header field and by cookie, and no page"), "{answer:#}");
    let sent = browser["messages"].to_string();
    assert!(
        sent.contains("Cookie: x-ms-RefreshTokenCredential=(") && sent.contains("x-ms-RefreshTokenCredential: ("),
        "{sent}"
    );
    assert!(ldap_read(&device_dn(&computer.guid), &["cn"]).is_empty(), "it left");
    // Nothing that is worth something is in the report or in what --verbose shows.
    let token = regex::Regex::new(
        "eyJ[A-Za-z0-9_-]{40}|prt\\.1\\.[A-Za-z0-9_-]{20}|code=[A-Za-z0-9_-]{30}|Negotiate [A-Za-z0-9+/]{20}",
    );
    let shown = token.unwrap().find(&everything).map(|found| found.as_str());
    assert_eq!(shown, None);
    for secret in [&account.password, &computer.password] {
        assert!(!everything.contains(secret.as_str()), "{secret}");
    }
    account.delete();
}

#[test]
fn a_user_registers_on_the_page_and_by_a_ticket() {
    let (account, sid) = user("probe-own");
    let by_user = crate::drs_client::by_user(&sid);
    let upn = account.upn();
    let arguments = ["--join", "user", "--user", &upn, "--user-password-file", "-"];
    let (succeeds, answer, everything) = probe(&arguments, &format!("{}\n", account.password));
    assert!(succeeds, "{answer:#}");
    let expected = [
        "account",
        "TLS",
        "discovery",
        "token",
        "keys",
        "join",
        "certificate",
        "nonce",
        "PRT",
        "exchange",
        "browser",
        "leave",
    ];
    assert_eq!(steps(&answer), expected);
    assert!(!everything.contains(&account.password), "{everything}");
    let cache = kinit(&account.name, &account.password).display().to_string();
    let principal = format!("{}@{}", account.name, Lab::get().realm);
    let arguments =
        ["--join", "user", "--principal", &principal, "--ccache", &cache, "--until", "certificate", "--keep"];
    let (succeeds, answer, _) = probe(&arguments, "");
    assert!(succeeds, "{answer:#}");
    assert_eq!(steps(&answer)[steps(&answer).len() - 2..], ["certificate", "leave"]);
    assert_eq!(outcome(&answer, "leave")["outcome"], "noted");
    let kept = devices(&by_user);
    assert_eq!(kept.len(), 1, "the first one left, the second stays as --keep says");
    ldap_modify(&format!("dn: {}\nchangetype: delete\n", device_dn(&kept[0])));
    account.delete();
}

#[test]
fn a_wrong_password_ends_it_at_the_prt_and_the_device_leaves() {
    let computer = Computer::new("probe");
    let (account, _) = user("probe-wrong");
    let cache = computer.kinit().display().to_string();
    let upn = account.upn();
    let arguments =
        ["--ccache", &cache, "--realm", &Lab::get().realm, "--user", &upn, "--user-password-file", "-", "--verbose"];
    let (succeeds, answer, everything) = probe(&arguments, "Wrong-Pw-1");
    assert!(!succeeds);
    let (step, said) = failed(&answer);
    assert!(step == "PRT" && said.contains("MSIS9659") && said.contains("lockout"), "{said}");
    assert_eq!(steps(&answer).last(), Some(&"leave"));
    assert_eq!(outcome(&answer, "leave")["outcome"], "passed");
    assert!(!everything.contains("Wrong-Pw-1"));
    assert!(ldap_read(&device_dn(&computer.guid), &["cn"]).is_empty());
    // On the page it is the token that there is none of.
    let arguments = ["--join", "user", "--user", &upn, "--user-password-file", "-"];
    let (step, said) = failed(&probe(&arguments, "Wrong-Pw-1").1);
    assert!(step == "token" && said.contains("audit log"), "{said}");
    account.delete();
}

#[test]
fn a_computer_in_use_is_left_alone_and_a_disabled_one_is_told() {
    let computer = Computer::new("probe");
    let (principal, machine) = (computer.principal(), computer.password_file());
    let account = ["--principal", &*principal, "--password-file", &*machine];
    let with = |more: &[&str]| probe(&[&account, more].concat(), "");
    let (succeeds, answer, _) = with(&["--until", "join", "--keep"]);
    assert!(succeeds, "{answer:#}");
    let dn = device_dn(&computer.guid);
    let before = ldap_read(&dn, &["altSecurityIdentities", "msDS-KeyCredentialLink"]);
    assert!(before.contains("X509:"), "{before}");

    let (step, said) = failed(&with(&[]).1);
    assert!(step == "registered" && said.contains("registered already") && said.contains("--replace"), "{said}");
    assert_eq!(ldap_read(&dn, &["altSecurityIdentities", "msDS-KeyCredentialLink"]), before);

    let (succeeds, answer, _) = with(&["--until", "certificate", "--replace", "--keep"]);
    assert!(succeeds, "{answer:#}");
    let replaced = ldap_read(&dn, &["altSecurityIdentities", "msDS-KeyCredentialLink"]);
    assert!(replaced.contains("X509:") && replaced != before, "{replaced}");

    ldap_modify(&format!("dn: {dn}\nchangetype: modify\nreplace: msDS-IsEnabled\nmsDS-IsEnabled: FALSE\n"));
    let (step, said) = failed(&with(&["--replace"]).1);
    assert!(
        step == "join" && said.contains("AuthorizationError") && said.contains("chancery devices enable"),
        "{said}"
    );
    assert_eq!(ldap_read(&dn, &["altSecurityIdentities", "msDS-KeyCredentialLink"]), replaced);
}

#[test]
fn each_step_that_fails_says_which_and_why() {
    let lab = Lab::get();
    let keytab = |name: &str| lab.keytabs.join(format!("{name}.keytab")).display().to_string();
    let (ws01, ows01, alice, dc1) = (keytab("ws01"), keytab("ows01"), keytab("alice"), keytab("dc1"));
    let other = lab.new_file("other-ca.pem");
    run(Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=Other", "-keyout"])
        .arg(lab.new_file("other-ca.key"))
        .arg("-out")
        .arg(&other));
    let other = other.display().to_string();
    let in_other = format!("OWS01$@{}", lab.other_realm);
    let in_first = format!("WS01$@{}", lab.realm);
    let of_ws01 = ["--principal", "WS01$", "--keytab", &*ws01];
    let of_alice = ["--principal", "alice", "--keytab", &*alice];
    let here = ["--server", &*lab.host];
    for (arguments, step, expected) in [
        (vec!["--principal", "WS01$", "--keytab", &*alice], "account", "--keytab"),
        // The second domain has no service connection point.
        (vec!["--principal", &*in_other, "--keytab", &*ows01], "SCP", "chancery drs init"),
        ([&of_ws01[..], &["--ldap-ca", &other]].concat(), "SCP", "--ldap-ca"),
        ([&of_ws01[..], &["--ca", &other]].concat(), "TLS", "not trusted here"),
        (
            vec!["--principal", &*in_first, "--keytab", &*ws01, "--server", "login.microsoftonline.com"],
            "discovery",
            "HTTP 404",
        ),
        // A domain controller is no computer that joins.
        ([&["--principal", "DC1$", "--keytab", &*dc1], &here[..]].concat(), "token", ""),
        ([&of_alice[..], &here].concat(), "token", "--join user"),
        ([&of_ws01[..], &here, &["--without-directory"]].concat(), "registered", "--replace"),
    ] {
        let (succeeds, answer, _) = probe(&arguments, "");
        let (failed, said) = failed(&answer);
        assert!(!succeeds && failed == step && said.contains(expected), "{arguments:?}: {failed}: {said}");
        assert!(!steps(&answer).contains(&"join"), "{answer:#}");
    }
    // A server that is named is probed whatever the directory says.
    let arguments = ["--principal", &*in_other, "--keytab", &*ows01, "--server", &*lab.host, "--until", "discovery"];
    let (succeeds, answer, _) = probe(&arguments, "");
    assert!(succeeds && outcome(&answer, "SCP")["outcome"] == "noted", "{answer:#}");
}

#[test]
fn a_server_where_registration_is_off() {
    let node = NodeSetup::new().replace("[device_registration]\nenabled = true", "[device_registration]").start();
    let computer = Computer::new("probe");
    let (principal, machine) = (computer.principal(), computer.password_file());
    let arguments = ["--principal", &principal, "--password-file", &machine, "--connect-to", &node.address];
    let (step, said) = failed(&probe(&arguments, "").1);
    assert!(["token", "join"].contains(&&*step) && said.contains("registration"), "{step}: {said}");
}

/// The ticket of a password, too, is sent as Negotiate wants it.
#[test]
fn a_computer_with_a_password_gets_what_entra_wants() {
    let computer = Computer::new("probe");
    let output = Command::new(&Lab::get().program)
        .args([
            "probe",
            "hybrid-join",
            "--principal",
            &computer.principal(),
            "--password-file",
            &computer.password_file(),
        ])
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn the_lines_for_people_say_what_was_sent_and_received() {
    let computer = Computer::new("probe");
    let output = Command::new(&Lab::get().program)
        .args(["probe", "device", "--principal", &computer.principal(), "--password-file", &computer.password_file()])
        .output()
        .expect("the program runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    for expected in [
        "✔ SCP         computers register at enterpriseregistration.",
        "> LDAP read CN=62a0ff2e-97b9-4513-943f-0d221bd30080,",
        "< enterpriseDrsName:enterpriseregistration.",
        "✔ join        registered for ",
        "> DELETE https://enterpriseregistration.",
        "--user names one.",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
}
