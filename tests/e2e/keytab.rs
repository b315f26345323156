//! The keytab changes under a running server, as it does when the service account's password does.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;

use crate::support::{
    Curl, Lab, Node, NodeSetup, Rst, Version, WINDOWS, eventually, replace_file, run, script, variable,
};

#[test]
fn a_new_password_needs_a_new_keytab_and_no_restart() {
    let account = ServiceAccount::create("Rotate-Pw-1");
    let first = account.keytab("rotate-first");
    let tls = Lab::get().config.parent().expect("a directory").join("tls");
    let setup = NodeSetup::new();
    certificate(&setup.directory, &account.host);
    fs::copy(&first, setup.directory.join("sts.keytab")).expect("a keytab");
    let node = setup
        .replace(&format!("\"{}\"", variable("LAB_HOST")), &format!("\"{}\"", account.host))
        .replace(&format!("{}/sts-all.keytab", variable("LAB_KEYTABS")), "sts.keytab")
        .replace(&format!("{}/server.pem", tls.display()), "tls.pem")
        .replace(&format!("{}/server.key", tls.display()), "tls.key")
        .start();
    let old_ticket = account.ticket();
    assert_eq!(sign_in(&node, &account, &old_ticket), 200, "before the change");

    account.password("Rotate-Pw-2");
    let new_ticket = account.ticket();
    assert_eq!(sign_in(&node, &account, &old_ticket), 200, "a ticket from before the change");
    assert_eq!(sign_in(&node, &account, &new_ticket), 401, "a ticket of a key the server does not have yet");
    node.logged("kvno");

    let second = account.keytab("rotate-second");
    replace_file(&node.directory.join("sts.keytab"), &fs::read(second).expect("a keytab"));
    eventually("tickets of the new key", || sign_in(&node, &account, &new_ticket) == 200);
    assert_eq!(node.health("/healthz/ready"), 200);
}

#[test]
fn without_its_keytab_a_node_is_not_ready_but_alive() {
    let setup = NodeSetup::new();
    let keytab = setup.directory.join("sts.keytab");
    let original = format!("{}/sts-all.keytab", variable("LAB_KEYTABS"));
    fs::copy(&original, &keytab).expect("a keytab");
    let node = setup.replace(&original, "sts.keytab").start();
    let away = keytab.with_extension("away");
    fs::rename(&keytab, &away).expect("a rename");
    node.wait(503);
    assert_eq!(node.health("/healthz/live"), 200, "a restart would not help");
    let probe = format!("http://{}/adfs/probe", node.address);
    assert_eq!(Curl::new(&probe).send().status, 503, "the balancer learns it too");
    fs::rename(&away, &keytab).expect("a rename");
    node.wait(200);
    let good = fs::read(&keytab).expect("a keytab");
    let cut = good.get(..good.len() - 1).expect("some octets");
    for (what, content) in [("no octet", &b""[..]), ("no key", &[5, 2]), ("text", b"-----BEGIN"), ("a part", cut)] {
        replace_file(&keytab, content);
        node.wait(503);
        assert_eq!(node.health("/healthz/live"), 200, "{what}");
        replace_file(&keytab, &good);
        node.wait(200);
    }
    assert_eq!(node.token_of_computer().status, 200);
}

/// A service account of this test alone, with a service principal of its own.
struct ServiceAccount {
    host: String,
    dn: String,
}

impl ServiceAccount {
    fn create(password: &str) -> Self {
        let host = format!("rotate.{}", variable("LAB_DOMAIN"));
        let dn = format!("CN=svc-rotate,CN=Users,{}", variable("LAB_BASE_DN"));
        let account = Self { host, dn };
        // Left behind by an earlier run.
        let _ = account.ldap("ldapmodify", &format!("dn: {}\nchangetype: delete\n", account.dn)).status();
        account.change(&format!(
            "dn: {}\nchangetype: add\nobjectClass: user\nsAMAccountName: svc-rotate\nservicePrincipalName: HTTP/{}\n\
             userAccountControl: 66048\nmsDS-SupportedEncryptionTypes: 24\nunicodePwd:: {}\n",
            account.dn,
            account.host,
            unicode_password(password)
        ));
        account
    }

    fn password(&self, password: &str) {
        self.change(&format!(
            "dn: {}\nchangetype: modify\nreplace: unicodePwd\nunicodePwd:: {}\n",
            self.dn,
            unicode_password(password)
        ));
    }

    /// The account's present keys.
    fn keytab(&self, name: &str) -> PathBuf {
        run(Command::new(script("objects")).args(["--keytab", name, &format!("HTTP/{}", self.host)]));
        Path::new(&variable("LAB_KEYTABS")).join(format!("{name}.keytab"))
    }

    /// A new ticket of WS01$ for the service.
    fn ticket(&self) -> PathBuf {
        let cache = Lab::get().kinit("ws01", "WS01$");
        run(Command::new("kvno").arg("-c").arg(&cache).arg(format!("HTTP/{}", self.host)));
        cache
    }

    fn change(&self, ldif: &str) {
        let output = self.ldap("ldapmodify", ldif).output().expect("ldapmodify runs");
        assert!(output.status.success(), "{ldif}\n{}", String::from_utf8_lossy(&output.stderr));
    }

    fn ldap(&self, program: &str, ldif: &str) -> Command {
        let file = Lab::get().scratch(&format!("{}.ldif", fastrand::u64(..)));
        fs::File::create(&file).and_then(|mut file| file.write_all(ldif.as_bytes())).expect("scratch is writable");
        let mut command = Command::new(program);
        command
            .args(["-x", "-H", &format!("ldaps://{}", variable("LAB_DC"))])
            .args(["-D", &format!("Administrator@{}", variable("LAB_DOMAIN")), "-w", "Adm1n.Passw0rd", "-f"])
            .arg(file)
            .stderr(Stdio::piped())
            .stdout(Stdio::null());
        command
    }
}

fn sign_in(node: &Node, account: &ServiceAccount, tickets: &Path) -> u16 {
    let url = format!("https://{}", account.host);
    let rst = Rst::new(Version::Trust13, &format!("{url}{WINDOWS}")).build();
    Curl::new(&format!("{url}{WINDOWS}"))
        .args(["--insecure", "--connect-to", &format!("::{}:", node.address)])
        .negotiate(tickets)
        .soap(rst)
        .send()
        .status
}

fn certificate(directory: &Path, host: &str) {
    run(Command::new("openssl")
        .current_dir(directory)
        .args(["req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", "30", "-subj", &format!("/CN={host}")])
        .args(["-addext", &format!("subjectAltName=DNS:{host},DNS:certauth.{host}")])
        .args(["-keyout", "tls.key", "-out", "tls.pem"]));
}

/// As LDAP wants it: in quotation marks, UTF-16LE; here in base64 for LDIF.
fn unicode_password(password: &str) -> String {
    let octets: Vec<u8> = format!("\"{password}\"").encode_utf16().flat_map(u16::to_le_bytes).collect();
    base64::engine::general_purpose::STANDARD.encode(octets)
}
