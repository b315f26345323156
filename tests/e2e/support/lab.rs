//! The lab as `tests/lab/run` describes it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::audit::Audit;

/// Settings of the running lab.
pub struct Lab {
    /// `https://sts.corp.example`
    pub url: String,
    /// `sts.corp.example`
    pub host: String,
    pub realm: String,
    /// DNS name of the first domain.
    pub domain: String,
    pub other_realm: String,
    /// `$CHANCERY_CONFIG`
    pub config: PathBuf,
    /// `$CHANCERY_BIN`
    pub program: PathBuf,
    pub keytabs: PathBuf,
    /// Client certificates.
    pub clients: PathBuf,
    root: PathBuf,
    scratch: PathBuf,
}

/// One object of `LAB_OBJECTS`.
#[derive(Debug, Clone)]
pub struct Object {
    pub sid: String,
    pub guid: String,
}

impl Object {
    /// The object GUID as the cloud wants it: base64 of the octets that LDAP returns.
    pub fn guid_base64(&self) -> String {
        STANDARD.encode(uuid::Uuid::parse_str(&self.guid).expect("a GUID").to_bytes_le())
    }
}

impl Lab {
    pub fn get() -> &'static Lab {
        static LAB: LazyLock<Lab> = LazyLock::new(|| Lab {
            url: variable("CHANCERY_URL"),
            host: variable("LAB_HOST"),
            realm: variable("LAB_REALM"),
            domain: variable("LAB_DOMAIN"),
            other_realm: variable("LAB_OTHER_REALM"),
            config: variable("CHANCERY_CONFIG").into(),
            program: variable("CHANCERY_BIN").into(),
            keytabs: variable("LAB_KEYTABS").into(),
            clients: variable("LAB_CLIENTS").into(),
            root: variable("LAB").into(),
            scratch: tempfile::tempdir().expect("a scratch directory").keep(),
        });
        &LAB
    }

    /// A new credential cache with a ticket-granting ticket of `principal`, from `<keytab>.keytab`. A principal without a
    /// realm is of the first domain.
    pub fn kinit(&self, keytab: &str, principal: &str) -> PathBuf {
        let cache = self.new_file(&format!("{keytab}.ccache"));
        let keytab = self.keytabs.join(format!("{keytab}.keytab"));
        run(Command::new("kinit").arg("-c").arg(&cache).arg("-kt").arg(keytab).arg(principal));
        cache
    }

    /// What the directories say of an account (of the first domain, where both have one of that name).
    pub fn object(&self, account: &str) -> Object {
        object_in(Path::new(&variable("LAB_OBJECTS")), account)
    }

    /// What the second domain's directory says of an account.
    pub fn other_object(&self, account: &str) -> Object {
        object_in(&self.root.join("objects-other.tsv"), account)
    }

    /// A file in this run's scratch directory.
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }

    /// A file in this run's scratch directory that nobody else has.
    pub fn new_file(&self, name: &str) -> PathBuf {
        static COUNTER: AtomicUsize = AtomicUsize::new(0);
        self.scratch(&format!("{}-{name}", COUNTER.fetch_add(1, Ordering::Relaxed)))
    }

    /// The audit events of one request to the lab's server.
    pub fn audit(&self, correlation: &str) -> Audit {
        Audit::of(self.config.join("audit.jsonl"), correlation)
    }

    /// The lab server's log lines of one request; waits for the first.
    pub fn log_lines(&self, correlation: &str) -> Vec<String> {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let log = std::fs::read(self.root.join("log/chancery.log")).expect("the log is readable");
            let lines: Vec<String> =
                String::from_utf8_lossy(&log).lines().filter(|l| l.contains(correlation)).map(str::to_owned).collect();
            if !lines.is_empty() {
                return lines;
            }
            assert!(Instant::now() < deadline, "no log line of {correlation}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Runs a command that must succeed; returns its standard output.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?} failed ({}):\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn object_in(table: &Path, account: &str) -> Object {
    let text = std::fs::read_to_string(table).expect("the table of objects is readable");
    text.lines()
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .find(|columns| columns.first().is_some_and(|name| name.eq_ignore_ascii_case(account)))
        .map(|columns| Object { sid: columns[1].into(), guid: columns[2].into() })
        .unwrap_or_else(|| panic!("{account} is not in {}", table.display()))
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run the end-to-end tests by `make test` or `tests/lab/run cargo test --test e2e`")
    })
}
