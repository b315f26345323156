//! `chancery claims`: claim rules as files, away from any server.
//!
//! One file per command. What they share is how files are read and how findings are worded; what rules mean is known by
//! `claims/` alone.

mod check;
mod describe;
mod explain;
mod files;
mod finding;
mod fmt;
mod output;
mod rule_text;
mod run;
mod source;
mod test;
mod trust_file;
mod wording;

pub(super) use explain::{Pipeline, Question};

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

use crate::claims::Stage;

/// Check, format, test and explain claim rules
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(super) struct Claims {
    #[command(subcommand)]
    command: ClaimsCommand,
}

#[derive(Debug, Subcommand)]
enum ClaimsCommand {
    Check(check::Check),
    Describe(describe::Describe),
    Explain(Box<explain::Explain>),
    Fmt(fmt::Fmt),
    Run(run::Run),
    Test(test::Test),
}

impl Claims {
    pub(super) fn run(self) -> ExitCode {
        match self.command {
            ClaimsCommand::Check(command) => command.run(),
            ClaimsCommand::Describe(command) => command.run(),
            ClaimsCommand::Explain(command) => command.run(),
            ClaimsCommand::Fmt(command) => command.run(),
            ClaimsCommand::Run(command) => command.run(),
            ClaimsCommand::Test(command) => command.run(),
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
    /// Which client may have one on behalf of somebody else
    DelegationAuthorization,
    /// What is in the token
    IssuanceTransform,
}

impl From<StageArgument> for Stage {
    fn from(stage: StageArgument) -> Self {
        match stage {
            StageArgument::AcceptanceTransform => Self::AcceptanceTransform,
            StageArgument::AdditionalAuthentication => Self::AdditionalAuthentication,
            StageArgument::IssuanceAuthorization => Self::IssuanceAuthorization,
            StageArgument::DelegationAuthorization => Self::DelegationAuthorization,
            StageArgument::IssuanceTransform => Self::IssuanceTransform,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// One JSON object
    Json,
}
