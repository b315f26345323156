//! The configuration in force, and replacing it under running requests.
//!
//! A change is read when the process gets SIGHUP and when a file's content changes (links that are turned to other files
//! count, which is how Kubernetes updates a mounted `ConfigMap`). It is served only when it has no error and every part of the
//! server could prepare for it; otherwise the old one goes on, and the reason is logged and kept for `chancery check`.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use tokio::signal::unix::{SignalKind, signal};

use super::diagnostic::{Code, Place, Report};
use super::load::{Fingerprint, Loaded, Loader};
use super::render;
use super::running::{LastReload, ReloadResult};

/// The configuration in force.
pub struct LiveConfig {
    loader: Loader,
    current: ArcSwap<Loaded>,
    state_file: PathBuf,
    /// Also makes reloads happen one after another.
    history: Mutex<History>,
}

/// A part of the server that must get ready for a configuration before it is served: listeners' TLS, keys, directory pools.
pub trait Subscriber: Send + Sync {
    /// Gets ready for `next` without letting anybody see it.
    ///
    /// # Errors
    /// What prevents it; the configuration is refused then, and no other part sees it either.
    fn prepare(&self, next: &Arc<Loaded>) -> Result<Commit, Report>;
}

/// Makes what was prepared visible; cannot fail.
pub type Commit = Box<dyn FnOnce() + Send>;

struct History {
    attempt: u64,
    /// The files as they were when last read.
    seen: Fingerprint,
    /// A state of the files that was seen once and not read yet: it may still be being written.
    pending: Option<Fingerprint>,
    subscribers: Vec<Arc<dyn Subscriber>>,
}

impl LiveConfig {
    /// Serves `first`, which `loader` gave with `report`, and writes the state file.
    pub fn new(loader: Loader, first: Loaded, report: Report) -> Self {
        let history = History { attempt: 1, seen: first.fingerprint.clone(), pending: None, subscribers: Vec::new() };
        let live = Self {
            loader,
            state_file: first.config.service.last_reload_file(),
            current: ArcSwap::from_pointee(first),
            history: Mutex::new(history),
        };
        live.record(1, ReloadResult::Served, &live.current().fingerprint, report);
        live
    }

    /// The configuration in force. Hold the result for one request, not longer.
    pub fn current(&self) -> Guard<Arc<Loaded>> {
        self.current.load()
    }

    /// The configuration in force, to keep.
    pub fn snapshot(&self) -> Arc<Loaded> {
        self.current.load_full()
    }

    /// From now on `subscriber` prepares for every change.
    pub fn subscribe(&self, subscriber: Arc<dyn Subscriber>) {
        self.lock().subscribers.push(subscriber);
    }

    /// Reads the configuration now, and serves it when it can be used. Blocks on files.
    pub fn reload(&self) -> LastReload {
        let mut history = self.lock();
        self.reload_locked(&mut history)
    }

    /// Looks whether a file changed, and reads the configuration when it did and stayed the same since the last look, so that a
    /// file in the middle of being written is left alone. Blocks on files.
    pub fn poll(&self) -> Option<LastReload> {
        let mut history = self.lock();
        let now = self.loader.fingerprint(&history.seen);
        if now == history.seen {
            history.pending = None;
            return None;
        }
        if history.pending.as_ref() != Some(&now) {
            history.pending = Some(now);
            return None;
        }
        Some(self.reload_locked(&mut history))
    }

    /// Reloads on SIGHUP and on changes, looking every `interval`, until the future is dropped.
    ///
    /// # Errors
    /// When the process cannot listen for SIGHUP.
    pub async fn watch(self: Arc<Self>, interval: Duration) -> std::io::Result<()> {
        let mut hang_up = signal(SignalKind::hangup())?;
        let mut look = tokio::time::interval(interval);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let signalled = tokio::select! {
                received = hang_up.recv() => received.is_some(),
                _ = look.tick() => false,
            };
            let live = Arc::clone(&self);
            let done = tokio::task::spawn_blocking(move || if signalled { Some(live.reload()) } else { live.poll() });
            if let Err(error) = done.await {
                tracing::error!(%error, "reading the configuration again failed unexpectedly; the old one goes on");
            }
        }
    }

    fn reload_locked(&self, history: &mut History) -> LastReload {
        history.attempt += 1;
        history.pending = None;
        let before = self.loader.fingerprint(&history.seen);
        let outcome = self.loader.load();
        let mut report = outcome.report;
        let mut served = false;
        if let Some(mut next) = outcome.loaded {
            let current = self.snapshot();
            next.generation = current.generation + 1;
            let next = Arc::new(next);
            needs_restart(&current, &next, &self.loader, &mut report);
            match prepare(&history.subscribers, &next) {
                Ok(commits) => {
                    self.current.store(next);
                    for commit in commits {
                        commit();
                    }
                    served = true;
                }
                Err(refusals) => report.extend(refusals),
            }
        }
        history.seen = if served { outcome.fingerprint.clone() } else { outcome.fingerprint.over(&before) };
        let result = if served { ReloadResult::Served } else { ReloadResult::Refused };
        log(result, &report, self.current().generation);
        self.record(history.attempt, result, &outcome.fingerprint, report)
    }

    fn record(&self, attempt: u64, result: ReloadResult, read: &Fingerprint, findings: Report) -> LastReload {
        let current = self.current();
        let last = LastReload {
            process_id: std::process::id(),
            attempt,
            at: self.loader.clock.now().to_xml(),
            result,
            generation: current.generation,
            read_digest: read.digest(),
            served_digest: current.fingerprint.digest(),
            findings,
        };
        if let Err(error) = last.write(&self.state_file) {
            tracing::warn!(%error, "the outcome of the reload cannot be written; `chancery check` cannot show it");
        }
        last
    }

    fn lock(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for LiveConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveConfig").field("generation", &self.current().generation).finish_non_exhaustive()
    }
}

/// Everybody prepares before anything becomes visible.
fn prepare(subscribers: &[Arc<dyn Subscriber>], next: &Arc<Loaded>) -> Result<Vec<Commit>, Report> {
    let mut commits = Vec::new();
    let mut refusals = Report::default();
    for subscriber in subscribers {
        match subscriber.prepare(next) {
            Ok(commit) => commits.push(commit),
            Err(report) => refusals.extend(report),
        }
    }
    if refusals == Report::default() { Ok(commits) } else { Err(refusals) }
}

/// What changed and is only looked at when the server starts.
fn needs_restart(current: &Loaded, next: &Loaded, loader: &Loader, report: &mut Report) {
    let (old, new) = (&current.config, &next.config);
    let (old_limits, new_limits) = (&old.server.limits, &new.server.limits);
    let changed = [
        ("server.https", old.server.https != new.server.https),
        ("server.http", old.server.http != new.server.http),
        ("server.client_certificate", old.server.client_certificate != new.server.client_certificate),
        ("server.management", old.server.management != new.server.management),
        ("server.tls_ends_in_front", old.server.tls_ends_in_front != new.server.tls_ends_in_front),
        ("server.tls", old.server.tls.is_some() != new.server.tls.is_some()),
        ("server.limits.header_seconds", old_limits.header_seconds != new_limits.header_seconds),
        ("server.limits.keep_alive_seconds", old_limits.keep_alive_seconds != new_limits.keep_alive_seconds),
        (
            "server.limits.connections_per_worker",
            old_limits.connections_per_worker != new_limits.connections_per_worker,
        ),
        ("server.limits.workers", old_limits.workers != new_limits.workers),
        ("server.shutdown_grace_seconds", old.server.shutdown_grace_seconds != new.server.shutdown_grace_seconds),
        ("server.log", old.server.log != new.server.log),
        ("service.state_directory", old.service.state_directory != new.service.state_directory),
        ("keys.directory", old.keys.directory != new.keys.directory),
        ("audit.sink", old.audit.sink != new.audit.sink),
        ("audit.file", old.audit.file != new.audit.file),
        ("audit.on_failure", old.audit.on_failure != new.audit.on_failure),
    ];
    for (key, _) in changed.into_iter().filter(|(_, changed)| *changed) {
        report.warning(
            Code::RestartNeeded,
            Place::File { file: loader.file.clone() },
            format!("`{key}` changed, which takes effect when the server is started again"),
            "restart the server at a good moment; everything else in the new configuration is served already",
        );
    }
}

fn log(result: ReloadResult, report: &Report, generation: u64) {
    let summary = render::summary(report);
    match result {
        ReloadResult::Served => tracing::info!(generation, summary, "new configuration is served"),
        ReloadResult::Refused => {
            tracing::error!(generation, summary, "new configuration is refused, the old one goes on");
        }
    }
    for finding in report {
        let (place, code, message) = (finding.place.to_string(), finding.code.to_string(), &finding.message);
        match finding.severity {
            super::diagnostic::Severity::Error => tracing::error!(place, code, message, "configuration"),
            super::diagnostic::Severity::Warning => tracing::warn!(place, code, message, "configuration"),
        }
    }
}
