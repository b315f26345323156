//! Things of a test's own in the lab: accounts that may be locked, and servers that may be changed.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::Lab;
use crate::wire::address;

/// A user that only this test knows.
#[derive(Debug, Clone)]
pub struct Account {
    pub name: String,
    pub password: String,
    /// Attributes in LDIF, one a line.
    attributes: String,
}

impl Account {
    /// A name nobody has had, and a password.
    pub fn new(what: &str) -> Self {
        let tag: String = std::iter::repeat_with(fastrand::alphanumeric).take(6).collect::<String>().to_lowercase();
        Self {
            name: format!("t{tag}-{what}"),
            password: "Throw-Away-1".into(),
            attributes: "userAccountControl: 512\n".into(),
        }
    }

    /// With these attributes instead of those of a normal account.
    pub fn with(mut self, attributes: &str) -> Self {
        self.attributes = format!("{}\n", attributes.trim());
        self
    }

    /// Makes it in the first domain.
    pub fn create(self) -> Self {
        create_all(std::slice::from_ref(&self));
        self
    }

    /// As a UPN.
    pub fn upn(&self) -> String {
        format!("{}@{}", self.name, Lab::get().realm.to_lowercase())
    }

    pub fn dn(&self) -> String {
        format!("CN={},CN=Users,{}", self.name, variable("LAB_BASE_DN"))
    }

    /// An attribute, as the domain has it now.
    pub fn attribute(&self, name: &str) -> Option<String> {
        let output = ldap("ldapsearch")
            .args(["-LLL", "-o", "ldif-wrap=no", "-b", &self.dn(), "-s", "base", "(objectClass=*)", name])
            .output();
        let output = output.expect("ldapsearch runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned))
    }

    /// Bad passwords that the domain counts.
    pub fn bad_passwords(&self) -> u32 {
        self.attribute("badPwdCount").map_or(0, |count| count.parse().expect("a number"))
    }

    /// Gives the domain wrong passwords until it locks the account, past every server of ours.
    pub fn lock(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.attribute("lockoutTime").is_none_or(|time| time == "0") {
            assert!(Instant::now() < deadline, "the domain does not lock {}", self.name);
            let mut child = Command::new("kinit")
                .args(["-c", "MEMORY:", &self.name])
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("kinit starts");
            child.stdin.take().expect("a pipe").write_all(b"Wrong\n").expect("a password");
            assert!(!child.wait().expect("kinit ends").success());
        }
    }

    /// Removes it from the domain.
    pub fn delete(&self) {
        let output = ldap("ldapdelete").arg(self.dn()).output().expect("ldapdelete runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Changes an attribute.
    pub fn modify(&self, ldif: &str) {
        feed("ldapmodify", &format!("dn: {}\nchangetype: modify\n{}\n", self.dn(), ldif.trim()));
    }
}

/// Makes accounts in the first domain over one connection.
pub fn create_all(accounts: &[Account]) {
    let ldif: String = accounts
        .iter()
        .map(|account| {
            format!(
                "dn: {}\nobjectClass: user\n{}sAMAccountName: {}\nunicodePwd:: {}\n{}\n",
                account.dn(),
                // A service's keys are salted with its account name as long as it has no UPN.
                if account.attributes.contains("servicePrincipalName") {
                    String::new()
                } else {
                    format!("userPrincipalName: {}\n", account.upn())
                },
                account.name,
                unicode_password(&account.password),
                account.attributes
            )
        })
        .collect();
    feed("ldapadd", &ldif);
}

/// `unicodePwd` as LDAP takes it: in quotes, UTF-16.
pub fn unicode_password(password: &str) -> String {
    let octets: Vec<u8> = format!("\"{password}\"").encode_utf16().flat_map(u16::to_le_bytes).collect();
    STANDARD.encode(octets)
}

/// A server with a configuration of its own, on a free address of the lab's block; it ends with this value.
pub struct Server {
    pub directory: PathBuf,
    pub address: std::net::IpAddr,
    child: Option<Child>,
}

impl Server {
    /// Writes the lab's configuration for the address with this last octet, changed by `(from, to)`, with further files, and
    /// starts it.
    pub fn start(last_octet: u8, changes: &[(&str, &str)], files: &[(String, String)]) -> Self {
        let address = address(last_octet);
        let name: String = std::iter::repeat_with(fastrand::alphanumeric).take(8).collect();
        let directory = Lab::get().scratch(&format!("server-{name}"));
        let configure = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/configure");
        let made = Command::new(configure).arg(&directory).arg(address.to_string()).status().expect("configure runs");
        assert!(made.success());
        let file = directory.join("chancery.toml");
        let mut text = std::fs::read_to_string(&file).expect("a configuration");
        for (from, to) in changes {
            assert!(text.contains(from), "{from} is not in the configuration");
            text = text.replace(from, to);
        }
        std::fs::write(&file, text).expect("a configuration");
        for (name, content) in files {
            std::fs::write(directory.join(name), content).expect("a file of the configuration");
        }
        let log = std::fs::File::create(directory.join("log")).expect("a log");
        let program = std::env::var_os("CHANCERY_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_chancery").into());
        let child = Command::new(program)
            .args(["serve", "--config"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("the server starts");
        let mut server = Self { directory, address, child: Some(child) };
        server.await_ready();
        server
    }

    fn await_ready(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect((self.address, 443)).is_err() {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten());
            assert!(ended.is_none() && Instant::now() < deadline, "the server is not ready: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn ldap(program: &str) -> Command {
    let mut command = Command::new(program);
    let administrator = format!("Administrator@{}", Lab::get().realm.to_lowercase());
    command.args([
        "-x",
        "-H",
        &format!("ldaps://{}", variable("LAB_DC")),
        "-D",
        &administrator,
        "-w",
        "Adm1n.Passw0rd",
    ]);
    command
}

fn feed(program: &str, ldif: &str) {
    let mut child = ldap(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    child.stdin.take().expect("a pipe").write_all(ldif.as_bytes()).expect("the program reads");
    let output = child.wait_with_output().expect("the program ends");
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run by tests/lab/run"))
}
