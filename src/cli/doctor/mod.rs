//! `chancery doctor`: does the whole deployment work, as clients see it?
//!
//! ```text
//! chancery check ─► names, certificates, MEX, endpoints ─► controllers, clocks ─► SPN, keytab ─► claims for Entra ─► devices, SCP
//! ```
//!
//! One file per subject; each looks and gives findings, and none repeats what another command looks at: those of `check` and of
//! `drs check` are taken over. Changes nothing. Every look has an end, and what could not be looked at is said.

mod certificates;
mod configuration;
mod controllers;
mod devices;
mod entra;
mod keys;
mod keytab;
pub(super) mod names;
mod partners;
mod principals;
mod samples;
mod service;
mod srv;
mod trust;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::finding::{self, Finding, Kind, catalogue};
use super::own_krb5_conf::in_domains;
use super::{ConfigArgument, use_colour};
use crate::clock::SystemClock;
use crate::config::Loaded;
use crate::directory::ldap::LdapDirectory;
use crate::server;

type Failure = Box<dyn std::error::Error>;

/// Check whether the whole deployment works as clients see it, and say how to fix what does not
///
/// Begins with what `chancery check` finds (may this configuration be started), then goes the way of a client: DNS, certificates,
/// MEX and endpoints of the public address; domain controllers and clocks; service principal names and the keytab; the claims that
/// Microsoft Entra gets for a computer and for users; what `chancery drs check` finds (devices, rights, the service connection
/// point); partners' metadata. For each finding it says what is wrong, why it matters and how to fix it. Changes nothing; sends one
/// request without credentials to each endpoint. Exit status 1 when there are errors; warnings, and what could not be looked at,
/// give 0.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  chancery doctor
  chancery doctor --problems
  chancery doctor --connect-to 10.1.2.3 --computer 'WS01$' --user alice@corp.example
  chancery doctor --json

Run it on a server, as the account of the service: it reads the keytab and asks the domains as the server does.")]
pub(super) struct Doctor {
    #[command(flatten)]
    config: ConfigArgument,
    /// Computer whose token is tried [default: one that the directory has]
    #[arg(long, value_name = "NAME")]
    computer: Option<String>,
    /// User whose token is tried [default: one of each federated domain that the directory has]
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Connect to this address instead of what the service's names resolve to: one node behind a balancer
    #[arg(long, value_name = "ADDRESS[:PORT]")]
    connect_to: Option<String>,
    /// Certificate authorities of the service in PEM form, instead of the system's (or `SSL_CERT_FILE`)
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// DNS server that is asked for the domain controllers [default: those of the system]
    #[arg(long, value_name = "ADDRESS:PORT")]
    dns_server: Option<SocketAddr>,
    /// Seconds to wait for each answer
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=120))]
    timeout: u64,
    /// Servers that run with this configuration; each counts wrong passwords for itself
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    nodes: u32,
    /// Leave out what is well
    #[arg(long)]
    problems: bool,
    /// One JSON object instead of lines
    #[arg(long)]
    json: bool,
}

/// How it is looked, for every subject.
#[derive(Debug, Clone)]
struct Way {
    connect_to: Option<String>,
    ca: Option<PathBuf>,
    dns_server: Option<SocketAddr>,
    /// For one answer.
    timeout: Duration,
}

impl Doctor {
    pub(super) fn run(self) -> ExitCode {
        match self.execute() {
            Ok(code) => code,
            Err(error) => {
                eprintln!("chancery doctor: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn execute(&self) -> Result<ExitCode, Failure> {
        let mut outcome = self.config.loader().load();
        let findings = match outcome.loaded.take() {
            None => configuration::unusable(&outcome.report, &self.config.file()),
            Some(loaded) => in_domains(&loaded.config, "doctor", async {
                let directory =
                    LdapDirectory::new(server::ldap_options(&loaded.config)?, Arc::new(SystemClock::new()))?;
                Ok::<_, Failure>(self.look(&loaded, outcome.report, Arc::new(directory)).await)
            })?,
        };
        if self.json {
            println!("{:#}", finding::json(&findings));
        } else {
            print!("{}", finding::human(&findings, self.problems, use_colour()));
        }
        Ok(finding::exit_code(&findings))
    }

    /// Looks at everything at once, and tells it in the order of the help.
    async fn look(
        &self,
        loaded: &Loaded,
        report: crate::config::diagnostic::Report,
        directory: Arc<LdapDirectory>,
    ) -> Vec<Finding> {
        let config = &loaded.config;
        let way = &Way {
            connect_to: self.connect_to.clone(),
            ca: self.ca.clone(),
            dns_server: self.dns_server,
            timeout: Duration::from_secs(self.timeout),
        };
        let file = &self.config.file();
        let asked = entra::Asked { computer: self.computer.as_deref(), user: self.user.as_deref() };
        let directory = &*directory;
        let subjects: Vec<(Kind, LocalBoxFuture<'_, Vec<Finding>>)> = vec![
            (catalogue::CONFIGURATION, configuration::look(loaded, file, self.nodes, report).boxed_local()),
            (catalogue::SERVICE, service::look(config, way).boxed_local()),
            (catalogue::TOKEN_SIGNING, async { keys::look(config) }.boxed_local()),
            (catalogue::CONTROLLER_LDAP, controllers::look(config, way).boxed_local()),
            (catalogue::SPN, principals::look(config, directory).boxed_local()),
            (catalogue::KEYTAB_KEY, keytab::look(config, way).boxed_local()),
            (catalogue::ENTRA_SAMPLE, entra::look(loaded, directory, asked).boxed_local()),
            (catalogue::DRS, devices::look(config, directory).boxed_local()),
            (catalogue::PARTNER, partners::look(loaded).boxed_local()),
        ];
        let patience = way.timeout.saturating_mul(SUBJECT);
        let looked = subjects.into_iter().map(|(kind, subject)| async move {
            tokio::time::timeout(patience, subject).await.unwrap_or_else(|_| {
                let what = format!("no end within {} seconds", patience.as_secs());
                vec![Finding::not_checked(
                    kind,
                    what,
                    "raise --timeout, or look at what hangs: the other findings name it",
                )]
            })
        });
        futures_util::future::join_all(looked).await.into_iter().flatten().collect()
    }
}

/// What `work` gives, done on a thread that belongs to no runtime: the HTTP client brings its own. `None` when it panicked.
async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (send, receive) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // Nobody waits for it any more when its time was over.
        let _ = send.send(work());
    });
    receive.await.ok()
}

/// Times the patience for one answer, that one subject may take.
const SUBJECT: u32 = 4;
