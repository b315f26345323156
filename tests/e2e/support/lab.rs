//! The lab as `tests/lab/run` describes it.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

/// Settings of the running lab.
pub struct Lab {
    pub url: String,
    pub realm: String,
    pub config: PathBuf,
    pub keytabs: PathBuf,
    scratch: PathBuf,
}

/// One object of `LAB_OBJECTS`.
#[derive(Debug, Clone)]
pub struct Object {
    pub sid: String,
    pub guid: String,
    pub dn: String,
}

impl Lab {
    pub fn get() -> &'static Lab {
        static LAB: LazyLock<Lab> = LazyLock::new(|| {
            let scratch = tempfile::tempdir().expect("a scratch directory").keep();
            Lab {
                url: variable("CHANCERY_URL"),
                realm: variable("LAB_REALM"),
                config: variable("CHANCERY_CONFIG").into(),
                keytabs: variable("LAB_KEYTABS").into(),
                scratch,
            }
        });
        &LAB
    }

    /// A new credential cache with a ticket-granting ticket of `principal`, from `<keytab>.keytab`.
    pub fn kinit(&self, keytab: &str, principal: &str) -> PathBuf {
        static COUNTER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = COUNTER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let cache = self.scratch.join(format!("{keytab}-{number}.ccache"));
        run(Command::new("kinit")
            .arg("-c")
            .arg(&cache)
            .arg("-kt")
            .arg(self.keytabs.join(format!("{keytab}.keytab")))
            .arg(principal));
        cache
    }

    /// What the directory says of an account.
    pub fn object(&self, account: &str) -> Object {
        let path = variable("LAB_OBJECTS");
        let table = std::fs::read_to_string(&path).expect("LAB_OBJECTS is readable");
        table
            .lines()
            .map(|line| line.split('\t').collect::<Vec<_>>())
            .find(|columns| columns.first().is_some_and(|name| name.eq_ignore_ascii_case(account)))
            .map(|columns| Object { sid: columns[1].into(), guid: columns[2].into(), dn: columns[3].into() })
            .unwrap_or_else(|| panic!("{account} is not in {path}"))
    }

    /// A file in this run's scratch directory.
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }

    /// The audit log of the lab's server.
    pub fn audit_log(&self) -> PathBuf {
        self.config.join("audit.jsonl")
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

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run the end-to-end tests by `make test` or `tests/lab/run cargo test --test e2e`")
    })
}
