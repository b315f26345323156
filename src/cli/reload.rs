//! `chancery reload`: asks the running server to read its configuration again.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::{ConfigArgument, use_colour};
use crate::config::render;
use crate::config::running::{self, LastReload, ReloadResult, RunningError};

/// Ask the running server to read its configuration again
///
/// The server also does so by itself a few seconds after a file changed. A configuration with errors is refused, and the one
/// before it goes on being served.
#[derive(Debug, Args)]
pub(super) struct Reload {
    #[command(flatten)]
    config: ConfigArgument,
    /// Wait until the server serves the configuration as it is now; print its errors when it refuses it
    #[arg(long)]
    wait: bool,
    /// How long to wait, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, requires = "wait")]
    timeout: u64,
    /// The server's state directory, when the configuration is too broken to say it
    #[arg(long, value_name = "PATH")]
    state_directory: Option<PathBuf>,
}

impl Reload {
    pub(super) fn run(self) -> ExitCode {
        match self.reload() {
            Ok(None) => ExitCode::SUCCESS,
            Ok(Some(last)) => show(&last),
            Err(error) => {
                eprintln!("chancery reload: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn reload(&self) -> Result<Option<LastReload>, ReloadError> {
        let outcome = self.config.loader().load();
        let directory =
            self.state_directory.clone().or(outcome.state_directory).ok_or(ReloadError::NoStateDirectory)?;
        let process_id = running::process_id(&directory.join("chancery.pid"))?
            .ok_or_else(|| ReloadError::NotRunning { directory: directory.clone() })?;
        let state_file = directory.join("last-reload.json");
        let before = LastReload::read(&state_file).filter(|last| last.process_id == process_id);
        let before = before.map_or(0, |last| last.attempt);
        running::signal_reload(process_id)?;
        if !self.wait {
            return Ok(None);
        }
        let digest = outcome.fingerprint.digest();
        let timeout = Duration::from_secs(self.timeout);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let answered = runtime
            .block_on(async { tokio::time::timeout(timeout, answer(&state_file, process_id, before, &digest)).await });
        match answered {
            Ok(last) => Ok(Some(last)),
            Err(_) if running::process_id(&directory.join("chancery.pid"))? != Some(process_id) => {
                Err(ReloadError::Ended { process_id })
            }
            Err(_) => Err(ReloadError::NoAnswer { process_id, seconds: self.timeout }),
        }
    }
}

/// The outcome of the first attempt after `before` that read the files as they are now. An attempt may have begun before the
/// last file was written; the server was signalled after that, so that one more follows.
async fn answer(state_file: &Path, process_id: u32, before: u64, digest: &str) -> LastReload {
    loop {
        if let Some(last) = LastReload::read(state_file)
            && last.process_id == process_id
            && last.attempt > before
            && last.read_digest == digest
        {
            return last;
        }
        tokio::time::sleep(POLL).await;
    }
}

fn show(last: &LastReload) -> ExitCode {
    match last.result {
        ReloadResult::Served => {
            if last.findings.warnings() > 0 {
                eprint!("{}", render::report(&last.findings, false));
            }
            println!("The server (process {}) serves generation {}.", last.process_id, last.generation);
            ExitCode::SUCCESS
        }
        ReloadResult::Refused => {
            print!("{}", render::report(&last.findings, use_colour()));
            println!(
                "The server (process {}) refused the configuration and still serves generation {}.",
                last.process_id, last.generation
            );
            ExitCode::FAILURE
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum ReloadError {
    #[error("the configuration does not say where the server keeps its state; name the directory by --state-directory")]
    NoStateDirectory,
    #[error("no server runs with the state directory {}", .directory.display())]
    NotRunning { directory: PathBuf },
    #[error("the server (process {process_id}) ended while reading its configuration")]
    Ended { process_id: u32 },
    #[error(
        "the server (process {process_id}) did not read the configuration as it is now within {seconds} seconds; its log says why"
    )]
    NoAnswer { process_id: u32, seconds: u64 },
    #[error(transparent)]
    Running(#[from] RunningError),
    #[error("waiting is not possible: {0}")]
    Runtime(#[from] std::io::Error),
}

const POLL: Duration = Duration::from_millis(20);
