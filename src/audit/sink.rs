//! Where audit events go.

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::event::AuditEvent;
use super::json::to_line;

/// A destination of audit events. Called by one thread, the [`Auditor`](super::Auditor)'s writer; may block.
pub trait AuditSink: Send + Sync {
    /// Writes one event.
    ///
    /// # Errors
    /// [`AuditError`] when it was not written.
    fn record(&self, event: &AuditEvent) -> Result<(), AuditError>;

    /// Makes what was written durable; called after a batch, before anybody is told that it is written.
    ///
    /// # Errors
    /// [`AuditError`] when that failed.
    fn commit(&self) -> Result<(), AuditError> {
        Ok(())
    }

    /// Opens the destination again after it was rotated away.
    ///
    /// # Errors
    /// [`AuditError`] when it cannot be opened.
    fn reopen(&self) -> Result<(), AuditError> {
        Ok(())
    }
}

/// Why an event was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The sink failed.
    #[error("audit events cannot be written to {sink}: {source}")]
    Write {
        /// The sink.
        sink: String,
        /// The cause.
        source: std::io::Error,
    },
    /// The file cannot be opened.
    #[error("the audit log {path} cannot be opened: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// Events come faster than the sink takes them, or it hangs.
    #[error("the audit queue is full: {capacity} groups of events wait to be written")]
    QueueFull {
        /// Capacity of the queue.
        capacity: usize,
    },
    /// What was written could not be made durable.
    #[error("audit events were written and could not be made durable: {reason}")]
    NotDurable {
        /// The sink's message.
        reason: String,
    },
    /// The sink did not answer in time.
    #[error("the audit log did not take the event within {within:?}")]
    TimedOut {
        /// The time allowed.
        within: Duration,
    },
    /// The writer has ended.
    #[error("the audit log is closed")]
    Closed,
    /// The writer could not be started.
    #[error("the audit writer cannot be started: {0}")]
    Start(std::io::Error),
}

/// Lines to anything that takes octets, such as standard output.
pub struct WriterSink<W> {
    name: &'static str,
    writer: Mutex<W>,
}

impl WriterSink<std::io::Stdout> {
    /// Lines to standard output.
    pub fn stdout() -> Self {
        Self::new("standard output", std::io::stdout())
    }
}

impl<W: Write + Send> WriterSink<W> {
    /// Lines to `writer`, which messages call `name`.
    pub const fn new(name: &'static str, writer: W) -> Self {
        Self { name, writer: Mutex::new(writer) }
    }
}

impl<W: Write + Send> AuditSink for WriterSink<W> {
    fn record(&self, event: &AuditEvent) -> Result<(), AuditError> {
        let failed = |source| AuditError::Write { sink: self.name.to_owned(), source };
        let line = to_line(event).map_err(|error| failed(error.into()))?;
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line).map_err(failed)
    }

    fn commit(&self) -> Result<(), AuditError> {
        let failed = |source| AuditError::Write { sink: self.name.to_owned(), source };
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).flush().map_err(failed)
    }
}

/// Keeps events in memory, for tests. Unbounded.
#[derive(Debug, Default)]
pub struct MemorySink(Mutex<Vec<AuditEvent>>);

impl MemorySink {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// The events so far.
    pub fn events(&self) -> Vec<AuditEvent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The numbers of the events so far.
    pub fn numbers(&self) -> Vec<u16> {
        self.events().iter().map(|event| event.kind.number()).collect()
    }
}

impl AuditSink for MemorySink {
    fn record(&self, event: &AuditEvent) -> Result<(), AuditError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
        Ok(())
    }
}

/// Every event to every sink. An event is recorded when all of them took it; one that fails does not keep it from the
/// others.
pub struct FanOut(Vec<Arc<dyn AuditSink>>);

impl FanOut {
    /// All of `sinks`.
    pub const fn new(sinks: Vec<Arc<dyn AuditSink>>) -> Self {
        Self(sinks)
    }

    fn all(&self, each: impl Fn(&dyn AuditSink) -> Result<(), AuditError>) -> Result<(), AuditError> {
        self.0.iter().map(|sink| each(&**sink)).fold(Ok(()), Result::and)
    }
}

impl AuditSink for FanOut {
    fn record(&self, event: &AuditEvent) -> Result<(), AuditError> {
        self.all(|sink| sink.record(event))
    }

    fn commit(&self) -> Result<(), AuditError> {
        self.all(|sink| sink.commit())
    }

    fn reopen(&self) -> Result<(), AuditError> {
        self.all(|sink| sink.reopen())
    }
}
