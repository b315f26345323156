//! Takes events from the issue path and sees that they are written.
//!
//! One thread writes; a bounded queue stands before it, so a disk that hangs costs a request a bounded wait and never a
//! worker. With [`FailurePolicy::StopIssuance`] a token leaves only after its events are written.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::event::AuditEvent;
use super::sink::{AuditError, AuditSink};

/// What happens when events cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailurePolicy {
    /// The failure is logged and counted; tokens are issued all the same.
    #[default]
    Continue,
    /// No token is issued.
    StopIssuance,
}

/// How an [`Auditor`] works.
#[derive(Debug, Clone, Copy)]
pub struct AuditorOptions {
    /// What happens when events cannot be written.
    pub policy: FailurePolicy,
    /// How many groups of events may wait; at least 1.
    pub queue: usize,
    /// How long an issuance waits for its events to be written.
    pub patience: Duration,
}

impl Default for AuditorOptions {
    fn default() -> Self {
        Self { policy: FailurePolicy::Continue, queue: 4096, patience: Duration::from_secs(2) }
    }
}

/// The way to the audit log. Clones share it.
#[derive(Clone)]
pub struct Auditor {
    queue: mpsc::Sender<Job>,
    options: AuditorOptions,
    counters: Arc<Counters>,
}

impl Auditor {
    /// Starts the writer thread over `sink`.
    ///
    /// # Errors
    /// [`AuditError::Start`].
    pub fn start(sink: Arc<dyn AuditSink>, options: AuditorOptions) -> Result<Self, AuditError> {
        let (queue, jobs) = mpsc::channel(options.queue.max(1));
        let counters = Arc::new(Counters::default());
        let linger = (options.policy == FailurePolicy::Continue).then_some(LINGER);
        let writer = Writer { sink, counters: counters.clone(), linger };
        std::thread::Builder::new()
            .name(String::from("audit"))
            .spawn(move || writer.run(jobs))
            .map_err(AuditError::Start)?;
        Ok(Self { queue, options, counters })
    }

    /// Records the events of an issuance, in order, before the token leaves. With [`FailurePolicy::StopIssuance`] waits
    /// until they are written; with [`FailurePolicy::Continue`] returns at once and always well.
    ///
    /// An event whose wait ended may still be written later: the log may then name a token that was never sent, and
    /// never lacks one that was.
    ///
    /// # Errors
    /// [`AuditError`], with [`FailurePolicy::StopIssuance`] only: the token must not leave.
    pub async fn record(&self, events: Vec<AuditEvent>) -> Result<(), AuditError> {
        match self.options.policy {
            FailurePolicy::Continue => {
                self.note(events);
                Ok(())
            }
            FailurePolicy::StopIssuance => {
                let (written, answer) = oneshot::channel();
                self.enqueue(Job::Write { events, written: Some(written) })?;
                self.wait(answer).await
            }
        }
    }

    /// Records events that no token depends on: refusals and failures. Never waits; events that find the queue full are
    /// counted as lost.
    pub fn note(&self, events: Vec<AuditEvent>) {
        // A failure is counted and logged where it happens.
        drop(self.enqueue(Job::Write { events, written: None }));
    }

    /// Has the sinks open their files again, after a rotation.
    ///
    /// # Errors
    /// [`AuditError`].
    pub async fn reopen(&self) -> Result<(), AuditError> {
        let (done, answer) = oneshot::channel();
        self.enqueue(Job::Reopen { done })?;
        self.wait(answer).await
    }

    /// Waits until all events handed in so far are written; for the end of the process.
    ///
    /// # Errors
    /// [`AuditError::TimedOut`] after the patience of the options, [`AuditError::Closed`].
    pub async fn flush(&self) -> Result<(), AuditError> {
        let (written, answer) = oneshot::channel();
        self.enqueue(Job::Write { events: Vec::new(), written: Some(written) })?;
        self.wait(answer).await
    }

    /// What was written and lost so far, for metrics.
    pub fn health(&self) -> AuditHealth {
        AuditHealth {
            written: self.counters.written.load(Ordering::Relaxed),
            lost: self.counters.lost.load(Ordering::Relaxed),
            failing: self.counters.failing.load(Ordering::Relaxed),
        }
    }

    fn enqueue(&self, job: Job) -> Result<(), AuditError> {
        let lost = job.len();
        self.queue.try_send(job).map_err(|error| {
            let error = match error {
                mpsc::error::TrySendError::Full(_) => AuditError::QueueFull { capacity: self.options.queue.max(1) },
                mpsc::error::TrySendError::Closed(_) => AuditError::Closed,
            };
            self.counters.failed(lost, &error);
            error
        })
    }

    async fn wait(&self, answer: oneshot::Receiver<Result<(), AuditError>>) -> Result<(), AuditError> {
        if let Ok(answer) = tokio::time::timeout(self.options.patience, answer).await {
            return answer.unwrap_or(Err(AuditError::Closed));
        }
        let error = AuditError::TimedOut { within: self.options.patience };
        self.counters.failed(0, &error);
        Err(error)
    }
}

impl std::fmt::Debug for Auditor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auditor")
            .field("options", &self.options)
            .field("health", &self.health())
            .finish_non_exhaustive()
    }
}

/// State of the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditHealth {
    /// Events written.
    pub written: u64,
    /// Events that were not written.
    pub lost: u64,
    /// Whether the last attempt failed.
    pub failing: bool,
}

enum Job {
    Write { events: Vec<AuditEvent>, written: Option<oneshot::Sender<Result<(), AuditError>>> },
    Reopen { done: oneshot::Sender<Result<(), AuditError>> },
}

impl Job {
    const fn len(&self) -> usize {
        match self {
            Self::Write { events, .. } => events.len(),
            Self::Reopen { .. } => 0,
        }
    }
}

#[derive(Debug, Default)]
struct Counters {
    written: AtomicU64,
    lost: AtomicU64,
    failing: AtomicBool,
}

impl Counters {
    /// Counts, and logs the first failure of a row: a sink that fails fails thousands of times a minute.
    fn failed(&self, events: usize, error: &AuditError) {
        self.lost.fetch_add(events as u64, Ordering::Relaxed);
        if !self.failing.swap(true, Ordering::Relaxed) {
            tracing::error!(%error, "audit events are being lost; further losses are counted until writing works again");
        }
    }

    fn succeeded(&self, events: usize) {
        if events == 0 {
            // A flush proves nothing.
            return;
        }
        self.written.fetch_add(events as u64, Ordering::Relaxed);
        if self.failing.swap(false, Ordering::Relaxed) {
            tracing::warn!(lost = self.lost.load(Ordering::Relaxed), "audit events are written again");
        }
    }
}

struct Writer {
    sink: Arc<dyn AuditSink>,
    counters: Arc<Counters>,
    /// How long events may gather after others were written; `None` where tokens wait for them.
    linger: Option<Duration>,
}

impl Writer {
    /// Until every [`Auditor`] is gone and the queue is empty.
    fn run(&self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(first) = jobs.try_recv().ok().or_else(|| jobs.blocking_recv()) {
            let mut batch = vec![first];
            while batch.len() < BATCH
                && let Ok(next) = jobs.try_recv()
            {
                batch.push(next);
            }
            self.write(batch);
            if let Some(linger) = self.linger {
                gather(linger);
            }
        }
    }

    /// Writes a batch, makes it durable once, then answers those who wait.
    fn write(&self, batch: Vec<Job>) {
        let mut answers = Vec::with_capacity(batch.len());
        for job in batch {
            match job {
                Job::Write { events, written } => {
                    // All are tried: those after one that failed may be the ones that tell why.
                    let outcome = events.iter().map(|event| self.sink.record(event)).fold(Ok(()), Result::and);
                    answers.push((events.len(), written, outcome));
                }
                // Nobody may be waiting any longer.
                Job::Reopen { done } => drop(done.send(self.sink.reopen())),
            }
        }
        let committed = self.sink.commit();
        for (events, written, outcome) in answers {
            let outcome = outcome.and_then(|()| match &committed {
                Ok(()) => Ok(()),
                Err(error) => Err(AuditError::NotDurable { reason: error.to_string() }),
            });
            match &outcome {
                Ok(()) => self.counters.succeeded(events),
                Err(error) => self.counters.failed(events, error),
            }
            if let Some(written) = written {
                drop(written.send(outcome));
            }
        }
    }
}

/// Lets events come in. Who sends to a thread that rests, and not waits for them, has no thread to wake: a system call and
/// a switch of threads less for each token. Under load the writer only rests, and waits when a rest met nothing.
#[expect(clippy::disallowed_methods, reason = "its own thread; no event ends the rest, it is there to meet many")]
fn gather(linger: Duration) {
    std::thread::sleep(linger);
}

/// Long against the time of one token, short for whoever reads the log.
const LINGER: Duration = Duration::from_millis(5);
/// How many groups of events share one fdatasync.
const BATCH: usize = 64;
