//! The pod that the chart renders, run as a process in the lab: its command, files, user and read-only root issue a token.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{
    Assertion, Curl, Lab, Response, Rst, USERNAME, WINDOWS, computer_tickets, eventually, program, request, run,
    variable,
};

#[test]
fn the_rendered_pod_issues_a_token_and_takes_over_a_changed_config_map() {
    let mut pod = Pod::start();

    let answer = pod.token(WINDOWS, Curl::negotiate, request(WINDOWS));
    assert_eq!(answer.status, 200, "{answer:?}\n{}", pod.log());
    let token = Assertion::cut(&answer.body);
    assert_eq!(token.single("http://schemas.microsoft.com/ws/2012/01/accounttype"), "DJ");

    // It is what the restricted standard allows, not merely asks for it.
    let status = fs::read_to_string(format!("/proc/{}/status", pod.child.id())).expect("a process");
    for line in [
        "Uid:\t10001\t10001",
        "Gid:\t10001\t10001",
        "Groups:\t10001",
        "CapEff:\t0000000000000000",
        "CapBnd:\t0000000000000000",
        "NoNewPrivs:\t1",
    ] {
        assert!(status.contains(line), "no {line:?} in {status}");
    }
    let mounts = fs::read_to_string(format!("/proc/{}/mounts", pod.child.id())).expect("a process");
    let mut writable: Vec<&str> = mounts
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>())
        .filter(|fields| !fields[3].split(',').any(|option| option == "ro"))
        .map(|fields| fields[1])
        .filter(|place| !place.starts_with("/dev/") && !place.starts_with("/proc"))
        .collect();
    writable.sort_unstable();
    assert_eq!(writable, ["/run/chancery", "/var/lib/chancery"], "{mounts}");

    // A trust in a ConfigMap, as `helm upgrade` changes it: no new pod.
    let user = format!("alice@{}", variable("LAB_DOMAIN"));
    let rst = || request(USERNAME).applies_to("urn:test:chart").password(&user, "Alice-Pw-1");
    assert_ne!(pod.token(USERNAME, |curl, _| curl, rst()).status, 200);
    pod.write_values(TRUST);
    run(script().arg("update").arg(pod.values()).arg(&pod.directory));
    eventually("the new trust", || pod.token(USERNAME, |curl, _| curl, rst()).status == 200);
    pod.write_values("");
    run(script().arg("update").arg(pod.values()).arg(&pod.directory));
    eventually("the trust is gone", || pod.token(USERNAME, |curl, _| curl, rst()).status != 200);

    // Keys are on the volume, closed to others.
    let keys = pod.directory.join("claims/sts-chancery-keys/keys");
    for entry in fs::read_dir(&keys).expect("the key directory") {
        let path = entry.expect("an entry").path();
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).expect("a file").permissions());
        let private = path.extension().is_some_and(|extension| extension == "key");
        assert!(!private || mode & 0o007 == 0, "{} has mode {mode:o}", path.display());
    }
    run(Command::new("kill").arg("-TERM").arg(pod.child.id().to_string()));
    let status = pod.ended();
    assert_eq!(status.code(), Some(0), "{}", pod.log());
}

const TRUST: &str = r#"trusts:
  example.toml: |
    [relying_party]
    name = "Example"
    identifiers = ["urn:test:chart"]
    access_control_policy = "permit-everyone"
    transform_rules_file = "example.rules"
  example.rules: |
    c:[Type == "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"] => issue(claim = c);
"#;

struct Pod {
    directory: PathBuf,
    address: String,
    child: Child,
}

impl Pod {
    fn start() -> Self {
        let directory = Lab::get().scratch("pod");
        let address = format!("{}.100", variable("LAB_BLOCK"));
        secrets(&directory.join("secrets"));
        let log = fs::File::create(directory.join("log")).expect("a log");
        write_values(&directory, &address, "");
        let child = script()
            .arg("start")
            .arg(directory.join("values.yaml"))
            .arg(&directory)
            .arg(program())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("the pod starts");
        let mut pod = Self { directory, address, child };
        // As the kubelet asks: the startup probe.
        let began = Instant::now();
        while pod.probe("ready") != "200" {
            let ended = pod.child.try_wait().expect("a child");
            assert!(ended.is_none() && began.elapsed() < Duration::from_secs(60), "not ready: {}", pod.log());
            std::thread::sleep(Duration::from_millis(100));
        }
        assert_eq!(pod.probe("live"), "200");
        pod
    }

    fn probe(&self, page: &str) -> String {
        let url = format!("http://{}:9080/healthz/{page}", self.address);
        let output = Command::new("curl")
            .args(["--silent", "--max-time", "3", "--output", "/dev/null", "--write-out", "%{http_code}", &url])
            .output()
            .expect("curl runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A request to port 443 of the Service, which leads to port 8443 of the pod.
    fn token(&self, path: &str, authenticate: impl FnOnce(Curl, &Path) -> Curl, rst: Rst) -> Response {
        let host = variable("LAB_HOST");
        let curl = Curl::new(&format!("{}{path}", Lab::get().url))
            .args(["--connect-to", &format!("{host}:443:{}:8443", self.address)]);
        authenticate(curl, computer_tickets()).soap(rst.build()).send()
    }

    fn values(&self) -> PathBuf {
        self.directory.join("values.yaml")
    }

    fn write_values(&self, more: &str) {
        write_values(&self.directory, &self.address, more);
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    fn ended(&mut self) -> std::process::ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "it does not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What an administrator writes for the lab's domain.
fn write_values(directory: &Path, address: &str, more: &str) {
    let var = variable;
    let (realm, block, domain) = (var("LAB_REALM"), var("LAB_BLOCK"), var("LAB_DOMAIN"));
    let values = format!(
        r#"
listenAddress: {address}
config:
  service: {{federation_service_name: {host}}}
  server:
    intranet: [127.0.0.1/32]
    limits: {{workers: 2}}
  domains:
    - realm: {realm}
      sid: {sid}
      netbios: {netbios}
      upn_suffixes: [{domain}]
      domain_controllers: [{dc}]
      ldap:
        ca_file: directory-ca/ca.pem
        bind: {{gssapi: {{principal: svc-sts@{realm}}}}}
  entra:
    enabled: true
    domains: [{{name: {domain}}}]
secrets:
  keytab: {{existingSecret: chancery-keytab}}
  tls: {{existingSecret: chancery-tls}}
  keys: {{existingSecret: chancery-kek}}
  directoryCa: {{existingSecret: chancery-directory-ca}}
hostAliases:
  - {{ip: {block}.2, hostnames: [{dc}]}}
{more}"#,
        host = var("LAB_HOST"),
        sid = var("LAB_SID"),
        netbios = realm.split('.').next().expect("a name"),
        dc = var("LAB_DC"),
    );
    fs::write(directory.join("values.yaml"), values).expect("scratch is writable");
}

/// The secrets that the notes tell an administrator to make.
fn secrets(directory: &Path) {
    let (keytabs, tls) = (PathBuf::from(variable("LAB_KEYTABS")), PathBuf::from(variable("LAB_TLS")));
    let read = |path: PathBuf| fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    // A keytab is a version of two octets and then entries: the account that binds to the directory, then its principals.
    let mut keytab = read(keytabs.join("svc-sts.keytab"));
    keytab.extend_from_slice(&read(keytabs.join("sts.keytab"))[2..]);
    for (secret, key, octets) in [
        ("chancery-keytab", "krb5.keytab", keytab),
        ("chancery-tls", "tls.crt", read(tls.join("server.pem"))),
        ("chancery-tls", "tls.key", read(tls.join("server.key"))),
        ("chancery-kek", "kek", (0..32).map(|_| fastrand::u8(..)).collect()),
        ("chancery-directory-ca", "ca.pem", read(tls.join("ca.pem"))),
    ] {
        let directory = directory.join(secret);
        fs::create_dir_all(&directory).expect("a directory");
        fs::write(directory.join(key), octets).expect("a secret");
    }
}

/// `tests/chart/pod`, by the Python that `make setup` installs its modules for.
fn script() -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(root.join(".venv/bin/python"));
    command.arg(root.join("tests/chart/pod"));
    command
}
