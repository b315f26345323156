//! Servers of a test's own: the compiled program with its own configuration on a free address of the lab's block.
//!
//! Tests that change the server (reload, keytab, stop) use these, so that they disturb no other test.

use std::collections::VecDeque;
use std::fs;
use std::ops::Range;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::curl::{Curl, Response};
use super::lab::{Lab, run};
use super::rst::{Rst, Version};

/// What a server is started with.
pub struct NodeSetup {
    pub directory: PathBuf,
    pub address: String,
    environment: Vec<(String, String)>,
}

/// A running server; it ends with this value.
pub struct Node {
    pub directory: PathBuf,
    pub address: String,
    child: Child,
}

impl NodeSetup {
    /// The lab's configuration on an address nobody else has.
    pub fn new() -> Self {
        let octet = free().pop_front().expect("addresses of the lab's block are used up");
        let _ = fs::remove_dir_all(Lab::get().scratch(&format!("node-{octet}")));
        Self::on(octet)
    }

    /// The lab's configuration on the address with this last octet, with the state of the server that was there.
    pub fn at(octet: u8) -> Self {
        free().retain(|other| *other != octet);
        Self::on(octet)
    }

    fn on(octet: u8) -> Self {
        let address = format!("{}.{octet}", variable("LAB_BLOCK"));
        let directory = Lab::get().scratch(&format!("node-{octet}"));
        run(Command::new(script("configure")).arg(&directory).arg(&address));
        Self { directory, address, environment: Vec::new() }
    }

    /// The configuration file.
    pub fn file(&self) -> PathBuf {
        self.directory.join("chancery.toml")
    }

    /// Replaces text of the configuration, which must be there.
    pub fn replace(self, from: &str, to: &str) -> Self {
        replace(&self.file(), from, to);
        self
    }

    /// Appends a section to the configuration.
    pub fn append(self, text: &str) -> Self {
        let file = self.file();
        let old = fs::read_to_string(&file).expect("a configuration");
        fs::write(&file, format!("{old}\n{text}\n")).expect("a configuration");
        self
    }

    /// A file beside the configuration; relative to its directory.
    pub fn write(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.directory.join(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(path, content).expect("a file");
        self
    }

    /// Sets a variable of the server's environment.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts the server and waits until it is ready.
    pub fn start(self) -> Node {
        let node = self.spawn();
        node.wait(200);
        node
    }

    /// Starts the server.
    pub fn spawn(self) -> Node {
        let log = fs::File::create(self.directory.join("server.log")).expect("a log");
        let mut command = Command::new(program());
        command
            .args(["serve", "--config"])
            .arg(self.file())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            // A group of its own: an interrupted test run is not the server's affair.
            .process_group(0);
        let child = command.spawn().expect("the server starts");
        Node { directory: self.directory, address: self.address, child }
    }

    /// Starts the server although it must fail; what it said.
    pub fn fails(self) -> String {
        let mut node = self.spawn();
        let status = node.ended(Duration::from_secs(20));
        assert!(!status.success(), "the server started and ended well: {}", node.log());
        node.log()
    }
}

impl Node {
    /// Its address.
    pub fn ip(&self) -> std::net::IpAddr {
        self.address.parse().expect("an address")
    }

    /// A hosts file by which the service's name leads to this server.
    pub fn hosts(&self) -> PathBuf {
        let host = Lab::get().url.trim_start_matches("https://").to_owned();
        let lab = fs::read_to_string("/etc/hosts").expect("names");
        let lines = lab.lines().map(|line| match line.split_once(' ') {
            Some((_, names)) if names.split(' ').any(|name| name == host) => format!("{} {names}\n", self.address),
            _ => format!("{line}\n"),
        });
        let file = Lab::get().new_file("hosts");
        fs::write(&file, lines.collect::<String>()).expect("the scratch directory is writable");
        file
    }

    /// A request for a path of this server, under the service's own name.
    pub fn curl(&self, path: &str) -> Curl {
        Curl::new(&format!("{}{path}", Lab::get().url)).args(["--connect-to", &format!("::{}:", self.address)])
    }

    /// The lab's WS01$ asks for its token.
    pub fn token_of_computer(&self) -> Response {
        let rst = request(WINDOWS).build();
        self.curl(WINDOWS).negotiate(computer_tickets()).soap(rst).send()
    }

    /// A user asks for a token by password.
    pub fn token_of_user(&self, name: &str, password: &str) -> Response {
        let rst = request(USERNAME).password(name, password).build();
        self.curl(USERNAME).soap(rst).send()
    }

    /// Status of a health page on the management port.
    pub fn health(&self, page: &str) -> u16 {
        let url = format!("http://{}:9080{page}", self.address);
        let output = Command::new("curl")
            .args(["--silent", "--max-time", "5", "--output", "/dev/null", "--write-out", "%{http_code}", &url])
            .output()
            .expect("curl runs");
        String::from_utf8_lossy(&output.stdout).parse().unwrap_or_default()
    }

    /// Waits until a health page says so.
    pub fn wait(&self, status: u16) {
        let page = "/healthz/ready";
        let began = Instant::now();
        while self.health(page) != status {
            assert!(began.elapsed() < PATIENCE, "{page} never said {status}; the log:\n{}", self.log());
            std::thread::sleep(PAUSE);
        }
    }

    /// The configuration file.
    pub fn file(&self) -> PathBuf {
        self.directory.join("chancery.toml")
    }

    /// Another command of the program, about this server's configuration.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(arguments).arg("--config").arg(self.file()).env("NO_COLOR", "1");
        command
    }

    /// `chancery reload --wait`: whether the change is served, and what it said.
    pub fn reload(&self) -> (bool, String) {
        let output = self.command(&["reload", "--wait"]).output().expect("the program runs");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    /// What the server logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.join("server.log")).unwrap_or_default()
    }

    /// Waits until the log has a line with this text.
    pub fn logged(&self, text: &str) {
        eventually(&format!("`{text}` in the log"), || self.log().contains(text));
    }

    /// Waits until the audit log has an event of this number with this text.
    pub fn audited(&self, number: u16, text: &str) {
        let log = self.directory.join("audit.jsonl");
        eventually(&format!("event {number} with `{text}`"), || {
            let lines = std::fs::read_to_string(&log).unwrap_or_default();
            lines.lines().any(|line| line.contains(&format!("\"EventID\":{number},")) && line.contains(text))
        });
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        run(Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()));
    }

    /// Waits until the process has ended.
    pub fn ended(&mut self, patience: Duration) -> ExitStatus {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(Instant::now() < deadline, "the server did not end within {patience:?}:\n{}", self.log());
            std::thread::sleep(PAUSE);
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

/// Last octets of the addresses of tests.
const TESTS: Range<u8> = 101..250;

/// Last octets of addresses without a server. One that was used comes last again: by then nobody looks at what is left of its server.
fn free() -> MutexGuard<'static, VecDeque<u8>> {
    static FREE: LazyLock<Mutex<VecDeque<u8>>> = LazyLock::new(|| Mutex::new(TESTS.collect()));
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let octet = self.address.rsplit('.').next().and_then(|octet| octet.parse().ok());
        free().extend(octet.filter(|octet| TESTS.contains(octet)));
        if std::thread::panicking() {
            eprintln!("the server at {} logged:\n{}", self.address, self.log());
        }
    }
}

/// Replaces text of a file, which must be there, the way editors do: by a new file.
pub fn replace(file: &Path, from: &str, to: &str) {
    let old = fs::read_to_string(file).expect("a file");
    assert!(old.contains(from), "{from} is not in {}", file.display());
    replace_file(file, old.replace(from, to).as_bytes());
}

/// Replaces a file by rename; its mode stays.
pub fn replace_file(file: &Path, content: &[u8]) {
    let new = file.with_extension("new");
    fs::write(&new, content).expect("a new file");
    if let Ok(metadata) = fs::metadata(file) {
        fs::set_permissions(&new, metadata.permissions()).expect("a mode");
    }
    fs::rename(&new, file).expect("a rename");
}

/// Waits until `happened`.
pub fn eventually(what: &str, mut happened: impl FnMut() -> bool) {
    let began = Instant::now();
    while !happened() {
        assert!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(PAUSE);
    }
}

/// A program of `tests/lab`.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab").join(name)
}

/// The program under test.
pub fn program() -> PathBuf {
    std::env::var_os("CHANCERY_BIN").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_chancery")), PathBuf::from)
}

/// A variable of the lab's world.
pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run by tests/lab/run"))
}

/// A bearer request of WS-Trust 1.3 for the Entra trust.
pub fn request(path: &str) -> Rst {
    Rst::new(Version::Trust13, &format!("{}{path}", Lab::get().url))
}

/// Tickets of WS01$, asked for once.
pub fn computer_tickets() -> &'static Path {
    static CACHE: std::sync::LazyLock<PathBuf> = std::sync::LazyLock::new(|| Lab::get().kinit("ws01", "WS01$"));
    &CACHE
}

/// Path of WS-Trust 1.3 by Kerberos.
pub const WINDOWS: &str = "/adfs/services/trust/13/windowstransport";
/// Path of WS-Trust 1.3 by password.
pub const USERNAME: &str = "/adfs/services/trust/13/usernamemixed";

const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(25);
