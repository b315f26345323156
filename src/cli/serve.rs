//! `chancery serve`: runs the server.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing_subscriber::EnvFilter;

use super::{ConfigArgument, use_colour};
use crate::clock::{SystemClock, SystemRandomSource};
use crate::config::live::LiveConfig;
use crate::config::running::PidFile;
use crate::config::{Log, LogFormat, render};
use crate::kerberos::krb5_conf::use_krb5_conf;
use crate::server::{self, Start};

/// Run the server
///
/// Listens on the addresses of `[server]`, follows changes of the configuration (a change with errors is refused and the old
/// configuration goes on), and finishes requests in flight when it gets SIGTERM.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    config: ConfigArgument,
}

impl Serve {
    /// Runs until told to stop.
    pub(crate) fn run(self) -> ExitCode {
        match self.serve() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("chancery: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn serve(self) -> Result<(), Box<dyn std::error::Error>> {
        let loader = self.config.loader();
        let outcome = loader.load();
        let report = outcome.report;
        let Some(configuration) = outcome.loaded else {
            eprint!("{}", render::report(&report, use_colour()));
            return Err("the configuration cannot be served; `chancery check` shows the same".into());
        };
        let config = &configuration.config;
        let state = &config.service.state_directory;
        let pid_file = PidFile::acquire(&config.service.pid_file())?;
        let krb5_conf = state.join("krb5.conf");
        server::krb5_conf(config).write(&krb5_conf)?;
        // Before the first thread: the Kerberos library reads the environment.
        use_krb5_conf(&krb5_conf)?;
        log(&config.server.log);
        allow_open_files();
        if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
            tracing::debug!("a TLS provider was installed before");
        }
        let config_file = loader.file.clone();
        let live = Arc::new(LiveConfig::new(loader, configuration, report));
        let start = Start {
            live,
            config_file,
            krb5_conf,
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandomSource::new()),
            pid_file,
        };
        // One runtime with threads of its own serves the directory's connections and timers; the workers of the web
        // framework have theirs, and block in it for the time of a signature.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        actix_web::rt::System::with_tokio_rt(move || runtime).block_on(server::run(start))?;
        Ok(())
    }
}

/// Takes as many open files as the system gives: each connection needs two, and the usual limit of 1024 is for programs that use
/// `select`.
fn allow_open_files() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::debug!(%error, "the limit of open files stays");
    }
}

/// Log lines go to standard error; standard output is the audit log's, if it has no file.
fn log(settings: &Log) {
    let filter = EnvFilter::try_new(&settings.level).unwrap_or_else(|_| EnvFilter::new("info"));
    // ldap3 warns of every lost connection; the directory says the same once for each server.
    let filter = match "ldap3=error".parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    };
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match settings.format {
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).init(),
        LogFormat::Text => lines.with_ansi(use_colour()).init(),
    }
}
