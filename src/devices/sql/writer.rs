//! Registrations of an SQLite file that come at once are committed at once: each commit waits for the disk, and one waits as long as many.
//!
//! Who comes while a commit is under way waits for the next one, together with all others who do; nobody waits for company, and nobody is
//! answered before the commit. What keeps one from being written keeps all of them, for it is the disk's. Knows nothing of what a registration is.

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
            while waiting.recv_many(&mut jobs, MOST).await > 0 {
                // Whoever gave up is told nothing, and must not have a device.
                jobs.retain(|job: &Job| !job.answer.is_closed());
                write_all(&pool, &mut jobs).await;
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

async fn write_all(pool: &SqlitePool, jobs: &mut Vec<Job>) {
    let (what, answers): (Vec<_>, Vec<_>) = jobs.drain(..).map(|job| (job.what, job.answer)).unzip();
    match in_one_transaction(pool, what).await {
        Ok(written) => answers.into_iter().zip(written).for_each(|(answer, written)| drop(answer.send(Ok(written)))),
        Err(error) => answers.into_iter().for_each(|answer| drop(answer.send(Err(error.clone())))),
    }
}

async fn in_one_transaction(
    pool: &SqlitePool,
    mut registrations: Vec<Registration>,
) -> Result<Vec<Option<Device>>, RegistryError> {
    if registrations.len() < 2 {
        // A statement is a transaction.
        return match registrations.pop() {
            Some(one) => Ok(vec![registration::in_sqlite(pool, one).await?]),
            None => Ok(Vec::new()),
        };
    }
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let mut written = Vec::with_capacity(registrations.len());
    for registration in registrations {
        written.push(registration::in_sqlite(&mut *transaction, registration).await?);
    }
    transaction.commit().await?;
    Ok(written)
}

fn ended() -> RegistryError {
    RegistryError::Unavailable { reason: String::from("the database of devices is closed") }
}

/// Registrations of one commit, and how many more may wait.
const MOST: usize = 64;
