//! Registrations of an SQLite file that come at once are written at once: each commit waits for the disk, and one waits as long as many.
//!
//! Who comes while a commit is under way waits for the next one, together with all others who do; nobody waits for company, and nobody is
//! answered before the commit. What keeps one from being written keeps all of them, for it is the disk's.

use std::collections::HashSet;

use sqlx::sqlite::SqlitePool;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::registration;
use crate::devices::{Device, Registration, RegistryError};

/// Writes registrations, many at once.
pub(super) struct Writer {
    queue: mpsc::Sender<Job>,
}

struct Job {
    what: Registration,
    answer: oneshot::Sender<Written>,
}

/// What came of a registration; [`registration::write`] says what it means.
type Written = Result<Option<Device>, RegistryError>;

impl Writer {
    /// Writes to this database, for as long as the value lives.
    pub(super) fn start(pool: SqlitePool, runtime: &Handle) -> Self {
        let (queue, mut waiting) = mpsc::channel(MOST);
        runtime.spawn(async move {
            let mut jobs = Vec::new();
            while !jobs.is_empty() || waiting.recv_many(&mut jobs, MOST).await > 0 {
                while jobs.len() < MOST
                    && let Ok(job) = waiting.try_recv()
                {
                    jobs.push(job);
                }
                // Whoever gave up is told nothing, and must not have a device.
                jobs.retain(|job: &Job| !job.answer.is_closed());
                write(&pool, apart(&mut jobs)).await;
            }
        });
        Self { queue }
    }

    /// Writes one registration; returns when it is committed.
    pub(super) async fn write(&self, what: Registration) -> Written {
        let (answer, written) = oneshot::channel();
        self.queue.send(Job { what, answer }).await.map_err(|_| ended())?;
        written.await.unwrap_or_else(|_| Err(ended()))
    }
}

/// Those that one statement may write: of each device and of each owner the first. A statement does not see what it writes itself, and counts the
/// owner's devices.
fn apart(jobs: &mut Vec<Job>) -> Vec<Job> {
    let (mut devices, mut owners) = (HashSet::new(), HashSet::new());
    jobs.extract_if(.., |job| owners.insert(job.what.owner) && devices.insert(job.what.id)).collect()
}

async fn write(pool: &SqlitePool, jobs: Vec<Job>) {
    let (what, answers): (Vec<_>, Vec<_>) = jobs.into_iter().map(|job| (job.what, job.answer)).unzip();
    // Who does not wait any more is told nothing.
    match registration::in_sqlite(pool, what).await {
        Ok(written) => answers.into_iter().zip(written).for_each(|(answer, written)| drop(answer.send(Ok(written)))),
        Err(error) => answers.into_iter().for_each(|answer| drop(answer.send(Err(error.clone())))),
    }
}

fn ended() -> RegistryError {
    RegistryError::Unavailable { reason: String::from("the database of devices is closed") }
}

/// Registrations of one statement, and how many more may wait.
const MOST: usize = 16;
