//! A domain that never had device registration, with the schema of Windows Server 2012 R2: `chancery drs init` prepares it for an
//! account with no other rights, and devices register there without keys.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chancery::clock::SystemClock;
use chancery::devices::ActiveDirectoryRegistry;
use chancery::directory::ldap::{Bind, DomainOptions, LdapDirectory, LdapLimits, LdapOptions, Transport};
use chancery::secret::Secret;
use serde_json::{Value, json};

use crate::crashes::{restarted, signed_request, token, try_to_join};
use crate::device_registry::conforms;
use crate::drs_client::{DeviceKeys, members, token_of};
use crate::drs_sign_in;
use crate::support::{BROKER, Browser, Curl, Device, Lab, Node, NodeSetup, Response, program, variable};

/// A program of the directory's, by the administrator of the second domain.
pub fn ldap(program: &str) -> Command {
    let mut command = Command::new(program);
    let administrator = format!("Administrator@{}", variable("LAB_OTHER_REALM").to_lowercase());
    command.args(["-x", "-H", &format!("ldaps://{}", variable("LAB_OTHER_DC"))]);
    command.args(["-D", &administrator, "-w", "Adm1n.Passw0rd"]);
    command
}

/// `chancery drs` with a configuration: whether it succeeds, and all that it says.
pub fn chancery_drs(file: &Path, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(program());
    command.arg("drs").args(arguments).arg("--config").arg(file).env("NO_COLOR", "1");
    let output = command.output().expect("the program runs");
    let said = [&output.stdout[..], &output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// The discretionary access control list of an object, in base64.
fn access(name: &str) -> String {
    let output = ldap("ldapsearch")
        .args(["-LLL", "-o", "ldif-wrap=no", "-E", "!1.2.840.113556.1.4.801=::MAMCAQQ=", "-b", name, "-s", "base"])
        .args(["(objectClass=*)", "nTSecurityDescriptor"])
        .output();
    let text = String::from_utf8_lossy(&output.expect("ldapsearch runs").stdout).into_owned();
    assert!(text.contains("nTSecurityDescriptor:: "), "{text}");
    text
}

/// What an object holds, one attribute a line; empty when there is none.
pub fn read(name: &str) -> String {
    let output = ldap("ldapsearch").args(["-LLL", "-o", "ldif-wrap=no", "-b", name, "-s", "base"]).output();
    String::from_utf8_lossy(&output.expect("ldapsearch runs").stdout).into_owned()
}

/// The second domain's registry, as its service account sees it.
fn registry() -> ActiveDirectoryRegistry {
    let realm = variable("LAB_OTHER_REALM");
    let domain = DomainOptions {
        dns_name: realm.to_lowercase(),
        netbios: realm.split('.').next().expect("a name").to_owned(),
        sid: variable("LAB_OTHER_SID").parse().expect("a SID"),
        base_dn: None,
        upn_suffixes: Vec::new(),
        servers: vec![variable("LAB_OTHER_DC").parse().expect("a server")],
        transport: Transport::Ldaps,
        ca_files: vec![variable("LAB_DC_CA").into()],
        bind: Bind::Simple {
            name: format!("svc-sts@{}", realm.to_lowercase()),
            password: Secret::new(String::from("Svc-Sts-Pw-1")),
        },
    };
    let clock = Arc::new(SystemClock::new());
    let options = LdapOptions { domains: vec![domain], limits: LdapLimits::default() };
    let directory = Arc::new(LdapDirectory::new(options, clock.clone()).expect("a directory"));
    ActiveDirectoryRegistry::new(directory, realm.to_lowercase(), clock)
}

/// The second forest, for one test at a time: those that write there, and those that want nothing of device registration in it.
/// Takes everything back that was made, also when the test fails.
pub struct OtherForest {
    /// Its domain's distinguished name.
    pub base: String,
    _alone: MutexGuard<'static, ()>,
}

impl OtherForest {
    pub fn alone() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        Self { base: variable("LAB_OTHER_BASE_DN"), _alone }
    }

    /// The container of everything about device registration.
    pub fn configuration(&self) -> String {
        format!("CN=Device Registration Configuration,CN=Services,CN=Configuration,{}", self.base)
    }

    /// The setting by which its domain keeps the devices of a server.
    pub fn keeps_devices(setup: NodeSetup) -> NodeSetup {
        let domain = format!("[device_registration]\nenabled = true\ndomain = \"{}\"", variable("LAB_OTHER_REALM"));
        setup.replace("[device_registration]\nenabled = true", &domain)
    }

    /// A configuration beside a server's, by which commands ask the domain as its administrator.
    pub fn as_administrator(setup: &NodeSetup) -> PathBuf {
        let (domain, directory) = (variable("LAB_OTHER_REALM").to_lowercase(), &setup.directory);
        let own = format!("user = \"svc-sts@{domain}\"\npassword_file = \"{}/other-password\"", directory.display());
        let text = std::fs::read_to_string(setup.file()).expect("a configuration");
        assert!(text.contains(&own), "{text}");
        let administrator = format!("user = \"Administrator@{domain}\"\npassword_file = \"administrator-password\"");
        let file = directory.join("as-administrator.toml");
        std::fs::write(directory.join("administrator-password"), "Adm1n.Passw0rd\n").expect("a file");
        std::fs::write(&file, text.replace(&own, &administrator)).expect("a file");
        file
    }

    /// Adds entries to the access control list of an object.
    pub fn grant(&self, name: &str, sddl: &str) {
        self.dsacl(&format!("samba-tool dsacl set --objectdn='{name}' --sddl='{sddl}'"));
    }

    /// A command for the access control list of an object, as `chancery drs init` prints it.
    pub fn dsacl(&self, command: &str) {
        let (controller, realm) = (variable("LAB_OTHER_DC"), variable("LAB_OTHER_REALM"));
        let whole = format!("{command} -H ldap://{controller} -U 'Administrator@{realm}%Adm1n.Passw0rd'");
        let output = Command::new("bash").args(["-c", &whole]).output().expect("bash runs");
        assert!(output.status.success(), "{whole}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Changes its directory.
    pub fn modify(&self, ldif: &str) {
        let mut child =
            ldap("ldapmodify").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("ldapmodify starts");
        child.stdin.take().expect("a pipe").write_all(ldif.as_bytes()).expect("LDIF");
        assert!(child.wait().expect("ldapmodify ends").success(), "{ldif}");
    }
}

impl Drop for OtherForest {
    fn drop(&mut self) {
        for name in [self.configuration(), format!("CN=RegisteredDevices,{}", self.base)] {
            let _ = ldap("ldapdelete").args(["-r", &name]).output();
        }
    }
}

#[test]
fn a_fresh_domain_is_prepared_and_devices_register_without_keys() {
    let forest = OtherForest::alone();
    let (realm, base) = (variable("LAB_OTHER_REALM"), forest.base.clone());
    let domain = realm.to_lowercase();
    let setup = OtherForest::keeps_devices(NodeSetup::new());
    let file = setup.file();
    let administrator = OtherForest::as_administrator(&setup);
    let chancery = |arguments: &[&str]| chancery_drs(&file, arguments);

    let (ready, said) = chancery(&["check"]);
    assert!(!ready && said.contains("there is no CN=DeviceRegistrationService"), "{said}");
    // The service account may write nothing of it, and says what an administrator must write.
    let (made, said) = chancery(&["init", "--apply"]);
    let sid = Lab::get().other_object("svc-sts").sid;
    assert!(!made && said.starts_with("An administrator must write the rest"), "{said}");
    assert!(said.contains("\ndn: CN=RegisteredDevices,") && said.contains(&format!(";;{sid})'")), "{said}");
    assert!(read(&forest.configuration()).is_empty(), "nothing was written");

    let as_administrator = ["init", "--apply", "--service-account", "svc-sts"];
    let (made, said) = chancery_drs(&administrator, &as_administrator);
    assert!(made, "{said}");
    let lines = |word: &str| said.lines().filter(|line| line.starts_with(word)).count();
    assert_eq!((lines("made "), lines("granted ")), (5, 2), "{said}");
    let container = format!("CN=RegisteredDevices,{base}");
    let list = access(&container);
    for file in [&administrator, &file] {
        let (again, said) = chancery_drs(file, &as_administrator);
        assert!(again && said == "# Nothing is missing.\n", "{said}");
    }
    assert_eq!(access(&container), list, "nothing twice");
    let service = "CN=DeviceRegistrationService,CN=Device Registration Services,CN=Device Registration Configuration,CN=Services,\
                   CN=Configuration";
    let object = read(&format!("{service},{base}"));
    for line in [
        format!("msDS-DeviceLocation: CN=RegisteredDevices,{base}"),
        String::from("msDS-RegistrationQuota: 10"),
        String::from("msDS-MaximumRegistrationInactivityPeriod: 90"),
        String::from("msDS-IsEnabled: TRUE"),
    ] {
        assert!(object.contains(&line), "{line} is not in {object}");
    }
    // All but a name: the lab has none for this domain's devices.
    let (_, said) = chancery(&["check"]);
    let name = format!("enterpriseregistration.{domain}");
    assert!(said.lines().all(|line| !line.starts_with("error") || line.contains(&name)), "{said}");
    assert!(said.contains("devices register, and none gets a primary refresh token"), "{said}");
    for may in ["create devices", "change and delete devices", "write msDS-IssuerPublicCertificates"] {
        assert!(said.contains(&format!("the service account may {may}")), "{may}: {said}");
    }

    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let administrator = format!("{}-500", variable("LAB_OTHER_SID"));
        conforms(&registry(), administrator.parse().expect("a SID"), false).await;
    });

    let node = setup.start();
    let browser = Browser::windows().at(&node.address);
    let access = drs_sign_in::by_ticket(&browser, "ows01", &format!("OWS01$@{realm}"));
    let device = Device::certified(|_, key| {
        let request = json!({
            "CertificateRequest": {"Type": "pkcs10", "Data": STANDARD.encode(Device::request_for(key))},
            "TransportKey": STANDARD.encode(crate::support::blob(key)),
            "TargetDomain": domain, "DeviceType": "Windows", "OSVersion": "6.3.9600", "DeviceDisplayName": "OWS01",
            "JoinType": 6,
        });
        let answer = try_to_join(&node.address, &access, &request.to_string()).expect("a registration");
        let answer: Value = serde_json::from_str(&answer.body).expect("JSON");
        STANDARD.decode(answer.pointer("/Certificate/RawBody").and_then(Value::as_str).expect("text")).expect("base64")
    });
    let object = read(&format!("CN={},CN=RegisteredDevices,{base}", device.id));
    assert!(object.contains(&device.alt_security_identity()) && object.contains("msDS-IsEnabled: TRUE"), "{object}");
    assert!(!object.contains("msDS-KeyCredentialLink") && !object.contains("msDS-DeviceTrustType"), "{object}");

    // It is registered, and has nowhere a key that a session key could be sent with.
    let nonce: Value = serde_json::from_str(&token(&node, "grant_type=srv_challenge").body).expect("JSON");
    let signed = device.sign(&json!({
        "client_id": BROKER, "scope": "openid aza", "request_nonce": nonce["Nonce"], "grant_type": "password",
        "username": format!("alice@{}", Lab::get().domain), "password": "Alice-Pw-1",
    }));
    let answer = token(&node, &signed_request(&signed));
    assert!(answer.status == 400 && answer.body.contains("MSIS9682"), "{}", answer.body);

    the_quota_of_the_directory_counts_while_the_server_runs(&forest, &format!("{service},{base}"), &node);

    // Switched off in the directory: nothing registers, and nothing leaves.
    forest
        .modify(&format!("dn: {service},{base}\nchangetype: modify\nreplace: msDS-IsEnabled\nmsDS-IsEnabled: FALSE\n"));
    let (_, said) = chancery(&["check"]);
    assert!(said.contains("nothing registers"), "{said}");
    let node = restarted(node, |setup| setup);
    let is_off = |answer: &Response, text: &str| {
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("30")), "{}", answer.body);
        assert!(answer.body.contains(text), "{}", answer.body);
    };
    let joined = node
        .curl("/EnrollmentServer/device?api-version=1.0")
        .header("Authorization", &format!("Bearer {access}"))
        .post(DeviceKeys::new().request(6, "OWS01").to_string())
        .send();
    is_off(&joined, "switched off by the administrator of the directory");
    let mut members = members(&Lab::get().object("alice").sid, &format!("alice@{}", Lab::get().domain));
    members["deviceid"] = json!(device.id.to_string());
    members["amr"] = json!(["mfa"]);
    let added = node
        .curl("/EnrollmentServer/key?api-version=1.0")
        .header("Authorization", &format!("Bearer {}", token_of(&node.directory, &members)))
        .header("Accept", "application/json")
        .post(json!({"kngc": STANDARD.encode(device.blob())}).to_string())
        .send();
    is_off(&added, "switched off by the administrator of the directory");
    let (key, certificate) = device.pem_files();
    let host = format!("enterpriseregistration.{}", Lab::get().domain);
    let left = Curl::new(&format!("https://{host}/EnrollmentServer/device/{}?api-version=1.0", device.id))
        .args(["--connect-to", &format!("::{}:", node.address), "--request", "DELETE"])
        .args(["--cert", &certificate.display().to_string(), "--key", &key.display().to_string()])
        .send();
    is_off(&left, "switched off by the administrator of the directory");
    assert!(!read(&format!("CN={},CN=RegisteredDevices,{base}", device.id)).is_empty());
}

/// What an administrator changes counts a minute later; none is no limit.
fn the_quota_of_the_directory_counts_while_the_server_runs(forest: &OtherForest, service: &str, node: &Node) {
    let bob = Lab::get().object("bob");
    let access = token_of(&node.directory, &members(&bob.sid, &format!("bob@{}", Lab::get().domain)));
    let keys = DeviceKeys::new();
    let join = || {
        let request = node.curl("/EnrollmentServer/device?api-version=1.0");
        request.header("Authorization", &format!("Bearer {access}")).post(keys.request(4, "PC").to_string()).send()
    };
    let set = |quota: u32| {
        let change = format!("replace: msDS-RegistrationQuota\nmsDS-RegistrationQuota: {quota}");
        forest.modify(&format!("dn: {service}\nchangetype: modify\n{change}\n"));
    };
    // Whether an answer with this status comes within what a change may take, asked by nobody too often.
    let within_a_minute = |status: u16| {
        let began = Instant::now();
        loop {
            let answer = join();
            if answer.status == status || began.elapsed() > Duration::from_secs(75) {
                return answer;
            }
            std::thread::sleep(Duration::from_secs(4));
        }
    };
    for _ in 0..3 {
        let joined = join();
        assert_eq!(joined.status, 200, "{}", joined.body);
    }
    set(3);
    let refused = within_a_minute(400);
    assert!(refused.status == 400 && refused.body.contains("\"DeviceCapReached\""), "{}", refused.body);
    set(0);
    let joined = within_a_minute(200);
    assert_eq!(joined.status, 200, "0 is no limit: {}", joined.body);
}
