//! The command line: one file per command.
//!
//! Parses arguments and environment, runs the command, and turns its outcome into an exit status. Knows no protocol.

mod check;
mod claims;
mod devices;
mod doctor;
mod drs;
pub mod entra;
mod finding;
mod init;
pub mod keys;
mod own_krb5_conf;
mod policies;
mod probe;
mod reload;
mod serve;
mod trusts;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};

use crate::clock::SystemClock;
use crate::config::{Environment, Loaded, Loader, render};

/// Reads the command line and runs what it says. Exit status 0: done; 1: it could not be done, or problems were found; 2: the
/// command line is wrong.
pub fn run() -> ExitCode {
    match CommandLine::parse().command {
        Command::Init(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Doctor(command) => command.run(),
        Command::Reload(command) => command.run(),
        Command::Serve(command) => command.run(),
        Command::Claims(command) => command.run(),
        Command::Keys(command) => command.run(),
        Command::Entra(command) => command.run(),
        Command::Policies(command) => command.run(),
        Command::Trusts(command) => command.run(),
        Command::Devices(command) => command.run(),
        Command::Drs(command) => command.run(),
        Command::Probe(command) => command.run(),
    }
}

/// Issues security tokens for Active Directory users and computers, in place of AD FS.
///
/// A first installation: `chancery init` writes a configuration, `chancery check` says what is still missing, `chancery serve`
/// runs the server, and `chancery doctor` says whether the whole works for clients.
#[derive(Debug, Parser)]
#[command(name = "chancery", version, max_term_width = 100, arg_required_else_help = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(Box<init::Init>),
    Check(check::Check),
    Doctor(Box<doctor::Doctor>),
    Reload(reload::Reload),
    Serve(serve::Serve),
    Claims(claims::Claims),
    Keys(keys::Keys),
    Entra(entra::Entra),
    Policies(policies::PoliciesCommand),
    Trusts(trusts::TrustsCommand),
    Devices(devices::Devices),
    Drs(drs::Drs),
    Probe(Box<probe::Probe>),
}

/// Which configuration a command is about.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgument {
    /// Configuration file, or the directory it is in as `chancery.toml`
    #[arg(
        long,
        short,
        global = true,
        value_name = "PATH",
        env = "CHANCERY_CONFIG",
        default_value = "/etc/chancery/chancery.toml"
    )]
    config: PathBuf,
}

impl ConfigArgument {
    /// The configuration file.
    pub(crate) fn file(&self) -> PathBuf {
        file_in(&self.config)
    }

    /// The configuration, for a command that needs it. What is wrong with it is printed.
    pub(crate) fn load(&self) -> Result<Loaded, NotUsable> {
        let outcome = self.loader().load();
        outcome.loaded.ok_or_else(|| {
            eprint!("{}", render::report(&outcome.report, use_colour()));
            NotUsable(self.file())
        })
    }

    /// What reads it: with this process's environment, judged at the present time.
    pub(crate) fn loader(&self) -> Loader {
        Loader { file: self.file(), environment: Environment::of_process(), clock: Arc::new(SystemClock::new()) }
    }
}

/// There is no configuration to work with.
#[derive(Debug, thiserror::Error)]
#[error("the configuration {} cannot be used; `chancery check` shows why", .0.display())]
pub(crate) struct NotUsable(PathBuf);

/// A path that is not there yet and has no extension is a directory to be made: `--config /etc/chancery` of a first `init`.
fn file_in(path: &Path) -> PathBuf {
    let is_directory = path.is_dir() || (!path.exists() && path.extension().is_none());
    if is_directory { path.join("chancery.toml") } else { path.to_owned() }
}

/// Whether standard output shows colours.
fn use_colour() -> bool {
    use std::io::IsTerminal as _;
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

#[cfg(test)]
mod tests;
