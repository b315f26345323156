//! The server: listeners, TLS, request limits, routes, and the assembly of everything that answers.
//!
//! Knows the web framework and the configuration; decides nothing about who gets a token.

mod application;
mod assembly;
mod connection;
mod device_issuers;
mod devices;
mod http_audit;
mod kdc_order;
mod monitor;
mod observer;
mod patience;
mod prt;
mod routes;
mod sealing;
mod service;
mod settings;
mod stores;
mod strangers;
mod sweep;
mod tls;
mod verifier;

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Extensions, ServerHandle};
use actix_web::{App, HttpRequest, HttpServer, web};
use tokio::signal::unix::{SignalKind, signal};

pub use application::Application;
pub(crate) use assembly::trusted_domains;
pub use assembly::{AssemblyError, Decisions, Lasting};
pub use devices::{OpenRegistry, open_registry};
pub(crate) use monitor::MAX_METADATA;
pub use service::Listener;
pub(crate) use settings::password;
pub use settings::{key_options, krb5_conf, ldap_options, lockout_policy, tls_options};
pub use tls::{TlsError, TlsOptions, TlsProfile, TlsState};

use crate::audit::{AuditError, AuditSink, Auditor, AuditorOptions, Durability, FailurePolicy, FileSink, WriterSink};
use crate::clock::{Clock, Random};
use crate::config::live::LiveConfig;
use crate::config::names::ListenAddress;
use crate::config::running::{PidFile, RunningError};
use crate::config::{self, AuditFailure, Config};
use crate::store::{JournalError, NodeStores};

/// What the server is started with.
pub struct Start {
    /// The configuration, kept up to date.
    pub live: Arc<LiveConfig>,
    /// The configuration file, for reports.
    pub config_file: PathBuf,
    /// The `krb5.conf` that this process uses.
    pub krb5_conf: PathBuf,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Unpredictable octets.
    pub random: Arc<dyn Random>,
    /// The claim of the state directory, given up when the server ends.
    pub pid_file: PidFile,
}

/// Why the server did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The audit log cannot be opened.
    #[error("audit: {0}")]
    Audit(#[from] AuditError),
    /// The configuration cannot be served.
    #[error(transparent)]
    Assembly(#[from] AssemblyError),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// What was used before the start is not known.
    #[error("what was used before: {0}")]
    Journal(#[from] JournalError),
    /// The process id cannot be written.
    #[error(transparent)]
    Running(#[from] RunningError),
    /// The server failed while running.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Runs the server until it is told to stop (SIGTERM, SIGINT); requests in flight are finished.
///
/// # Errors
/// [`ServerError`].
pub async fn run(start: Start) -> Result<(), ServerError> {
    let loaded = start.live.snapshot();
    let config = &loaded.config;
    let auditor = Arc::new(auditor(config)?);
    let tls = tls_options(config).map(|options| TlsState::load(&options)).transpose()?;
    let monitor = monitor::Monitor {
        live: start.live.clone(),
        clock: start.clock.clone(),
        random: start.random.clone(),
        auditor: auditor.clone(),
    };
    let node = NodeStores::lasting(&start.clock, &config.service.state_directory.join(USED))?;
    let sweeper = sweep::Sweeper {
        live: start.live.clone(),
        clock: start.clock.clone(),
        random: start.random.clone(),
        auditor: auditor.clone(),
    };
    let lasting = Lasting::new(start.clock, start.random, auditor, node);
    let application = Arc::new(Application::new(lasting, &loaded, tls, start.krb5_conf, start.config_file)?);
    start.live.subscribe(application.clone());

    let servers = [
        (Listener::Public, &config.server.https, false),
        (Listener::Public, &config.server.client_certificate, true),
        (Listener::PlainHttp, &config.server.http, false),
        (Listener::Management, &config.server.management, false),
    ];
    let mut running = Vec::new();
    for (listener, addresses, ask_everyone) in servers {
        if !addresses.is_empty() {
            running.push(listen(&application, config, listener, addresses, ask_everyone)?);
        }
    }
    let handles: Vec<ServerHandle> = running.iter().map(actix_web::dev::Server::handle).collect();
    tracing::info!(
        service = %config.service.federation_service_name,
        version = env!("CARGO_PKG_VERSION"),
        "serving"
    );
    // Before this, SIGHUP would end the process: a first start makes keys for seconds.
    let _hang_up = signal(SignalKind::hangup())?;
    let mut pid_file = start.pid_file;
    pid_file.announce()?;
    actix_web::rt::spawn(monitor.run());
    actix_web::rt::spawn(sweeper.run());
    actix_web::rt::spawn(device_issuers::follow(application.clone()));
    actix_web::rt::spawn(watch(start.live, application.clone()));
    actix_web::rt::spawn(stop_on_signal(handles));
    futures_util::future::try_join_all(running).await?;
    if let Err(error) = application.auditor().flush().await {
        tracing::error!(%error, "the last audit events could not be written");
    }
    Ok(())
}

/// One server for one kind of listener.
fn listen(
    application: &Arc<Application>,
    config: &Config,
    listener: Listener,
    addresses: &[ListenAddress],
    ask_everyone: bool,
) -> Result<actix_web::dev::Server, ServerError> {
    let shared = application.clone();
    let limits = &config.server.limits;
    let mut server = HttpServer::new(move || {
        let application = shared.clone();
        App::new().default_service(web::to(move |request: HttpRequest, payload: web::Payload| {
            service::serve(application.clone(), listener, request, payload)
        }))
    })
    .disable_signals()
    .workers(workers(listener, limits.workers))
    .keep_alive(Duration::from_secs(limits.keep_alive_seconds))
    .client_request_timeout(Duration::from_secs(limits.header_seconds))
    .tls_handshake_timeout(TLS_HANDSHAKE)
    .max_connections(limits.connections_per_worker)
    .shutdown_timeout(config.server.shutdown_grace_seconds);
    let tls = application.tls().filter(|_| listener == Listener::Public);
    let state = tls.cloned();
    // Longer than the framework leaves an idle connection open, which it ends in better order.
    let patience = Duration::from_secs(limits.keep_alive_seconds.saturating_add(limits.header_seconds));
    server = server.on_connect(move |stream, extensions: &mut Extensions| {
        patience::watch(patience, stream, extensions);
        if let Some(state) = &state {
            connection::remember(state, ask_everyone, stream, extensions);
        }
    });
    for ListenAddress(address) in addresses {
        let failed = |source| ServerError::Listen { address: address.to_string(), source };
        let socket = TcpListener::bind(address).map_err(failed)?;
        server = match tls {
            Some(tls) => server.listen_openssl(socket, tls.listener(ask_everyone)?).map_err(failed)?,
            None => server.listen(socket).map_err(failed)?,
        };
    }
    Ok(server.run())
}

/// Health needs one thread; the others get what is configured, or one per processor.
fn workers(listener: Listener, configured: usize) -> usize {
    match (listener, configured) {
        (Listener::PlainHttp | Listener::Management, _) => 1,
        (Listener::Public, 0) => std::thread::available_parallelism().map_or(2, usize::from),
        (Listener::Public, configured) => configured,
    }
}

/// Follows the configuration, and opens the audit log again when told to reload (so that it can be rotated).
async fn watch(live: Arc<LiveConfig>, application: Arc<Application>) {
    actix_web::rt::spawn(async move {
        let Ok(mut hang_up) = signal(SignalKind::hangup()) else { return };
        while hang_up.recv().await.is_some() {
            if let Err(error) = application.auditor().reopen().await {
                tracing::error!(%error, "the audit log could not be opened again");
            }
        }
    });
    if let Err(error) = live.watch(CONFIGURATION_LOOK).await {
        tracing::error!(%error, "changes of the configuration are not followed");
    }
}

async fn stop_on_signal(handles: Vec<ServerHandle>) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    tracing::info!("stopping; requests in flight are finished");
    futures_util::future::join_all(handles.iter().map(|handle| handle.stop(true))).await;
}

fn auditor(config: &Config) -> Result<Auditor, AuditError> {
    let sink: Arc<dyn AuditSink> = match (config.audit.sink, &config.audit.file) {
        (config::AuditSink::File, Some(path)) => Arc::new(FileSink::open(path, Durability::System)?),
        _ => Arc::new(WriterSink::stdout()),
    };
    let policy = match config.audit.on_failure {
        AuditFailure::Continue => FailurePolicy::Continue,
        AuditFailure::StopIssuance => FailurePolicy::StopIssuance,
    };
    Auditor::start(sink, AuditorOptions { policy, ..AuditorOptions::default() })
}

/// The audit log as the server writes it, for a command that changes something. Where the server writes to standard output, the
/// command writes to standard error.
///
/// # Errors
/// [`AuditError`].
pub fn auditor_of_command(config: &Config) -> Result<Auditor, AuditError> {
    match config.audit.sink {
        config::AuditSink::File => auditor(config),
        config::AuditSink::Stdout => {
            let sink = Arc::new(WriterSink::new("standard error", std::io::stderr()));
            Auditor::start(sink, AuditorOptions::default())
        }
    }
}

/// In the state directory: what may be used once and was, and what was revoked.
const USED: &str = "used.journal";
const TLS_HANDSHAKE: Duration = Duration::from_secs(5);
const CONFIGURATION_LOOK: Duration = Duration::from_secs(2);
