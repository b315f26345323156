//! Accounts of a test's own in the lab, which may be locked.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::Lab;

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

    /// Makes it in a domain of its own name there; the directory of which [`Account::dn`] speaks knows nothing of it.
    pub fn create_in(self, realm: &str) -> Self {
        let domain = realm.to_lowercase();
        let base = domain.split('.').map(|label| format!("DC={label}")).collect::<Vec<_>>().join(",");
        let entry = format!(
            "dn: CN={},CN=Users,{base}\nobjectClass: user\nuserPrincipalName: {0}@{domain}\nsAMAccountName: {0}\nunicodePwd:: {}\n{}\n",
            self.name,
            unicode_password(&self.password),
            self.attributes
        );
        feed_to(ldap_of("ldapadd", &format!("dc1.{domain}"), &domain), "ldapadd", &entry);
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

    /// "User cannot change password": the right to change it (User-Change-Password) is denied to everyone.
    pub fn forbid_password_change(&self) {
        let output = Command::new("samba-tool")
            .args([
                "dsacl",
                "set",
                "-H",
                &format!("ldap://{}", variable("LAB_DC")),
                "-U",
                &format!("Administrator@{}%Adm1n.Passw0rd", Lab::get().realm),
            ])
            .args(["--objectdn", &self.dn(), "--sddl", "(OD;;CR;ab721a53-1e2f-11d0-9819-00aa0040529b;;WD)"])
            .output()
            .expect("samba-tool runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
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
    let entries: Vec<String> = accounts
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
    feed("ldapadd", &entries.concat());
}

/// `unicodePwd` as LDAP takes it: in quotes, UTF-16.
pub fn unicode_password(password: &str) -> String {
    let octets: Vec<u8> = format!("\"{password}\"").encode_utf16().flat_map(u16::to_le_bytes).collect();
    STANDARD.encode(octets)
}

/// A program of the directory's, by LDAPS as its administrator.
pub fn ldap(program: &str) -> Command {
    ldap_of(program, &variable("LAB_DC"), &Lab::get().realm.to_lowercase())
}

fn ldap_of(program: &str, controller: &str, domain: &str) -> Command {
    let mut command = Command::new(program);
    let administrator = format!("Administrator@{domain}");
    command.args(["-x", "-H", &format!("ldaps://{controller}"), "-D", &administrator, "-w", "Adm1n.Passw0rd"]);
    command
}

pub fn feed(program: &str, ldif: &str) {
    feed_to(ldap(program), program, ldif);
}

fn feed_to(mut command: Command, program: &str, ldif: &str) {
    let mut child = command
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
