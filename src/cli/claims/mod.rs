//! `chancery claims`: claim rules as files, away from any server.
//!
//! One file per command. What they share is how a rule file is read; what rules mean is known by `claims/` alone.

mod check;
mod finding;
mod fmt;
mod rule_text;
mod source;
mod trust_file;

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

use crate::claims::Stage;

/// Check, format and try claim rules
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(super) struct Claims {
    #[command(subcommand)]
    command: ClaimsCommand,
}

#[derive(Debug, Subcommand)]
enum ClaimsCommand {
    Check(check::Check),
    Fmt(fmt::Fmt),
}

impl Claims {
    pub(super) fn run(self) -> ExitCode {
        match self.command {
            ClaimsCommand::Check(command) => command.run(),
            ClaimsCommand::Fmt(command) => command.run(),
        }
    }
}

/// Liberties in reading rules, beyond what AD FS takes.
#[derive(Debug, Clone, Copy, Args)]
struct Reading {
    /// Accept comments, `//…` and `/*…*/`; AD FS does not
    #[arg(long)]
    allow_comments: bool,
    /// Accept a rule without its final `;`, with a warning
    #[arg(long)]
    lenient: bool,
}

impl Reading {
    const fn options(self) -> crate::claims::ParseOptions {
        crate::claims::ParseOptions { comments: self.allow_comments, lenient: self.lenient }
    }
}

/// What rules are for.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum StageArgument {
    /// What is accepted from a claims provider
    AcceptanceTransform,
    /// Who must prove more than a password or a ticket
    AdditionalAuthentication,
    /// Who may have a token
    IssuanceAuthorization,
    /// What is in the token
    IssuanceTransform,
}

impl From<StageArgument> for Stage {
    fn from(stage: StageArgument) -> Self {
        match stage {
            StageArgument::AcceptanceTransform => Self::AcceptanceTransform,
            StageArgument::AdditionalAuthentication => Self::AdditionalAuthentication,
            StageArgument::IssuanceAuthorization => Self::IssuanceAuthorization,
            StageArgument::IssuanceTransform => Self::IssuanceTransform,
        }
    }
}
