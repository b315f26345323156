//! `chancery claims fmt`: rules in the canonical layout.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::Reading;
use super::finding::{Finding, render};
use super::rule_text::RuleText;
use super::source::{self, SourceError};
use crate::claims::language::{format_rules, parse};
use crate::claims::lint::LintContext;

/// Write claim rules in the canonical layout
///
/// One annotation and one condition per line, an empty line between rules, names and operators as AD FS writes them. Strings
/// and line ends are kept as they are, and so are comments and the rules they stand in. What the rules mean does not change. `-` reads
/// standard input and writes standard output. Exit status 1 when a file cannot be read as rules, or with --check when one is
/// laid out differently.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  chancery claims fmt rules/*.rules
  chancery claims fmt --check rules/*.rules")]
pub(super) struct Fmt {
    /// Change nothing; list the files that are laid out differently
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    reading: Reading,
    /// Rule files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Fmt {
    pub(super) fn run(self) -> ExitCode {
        let mut status = ExitCode::SUCCESS;
        for file in &self.files {
            match self.format(file) {
                Ok(Outcome::Written) if self.check => {
                    println!("{}", source::shown(file).display());
                    status = ExitCode::FAILURE;
                }
                Ok(Outcome::Same | Outcome::Written) => {}
                Err(error) => {
                    eprintln!("chancery claims fmt: {error}");
                    status = ExitCode::FAILURE;
                }
            }
        }
        status
    }

    fn format(&self, file: &Path) -> Result<Outcome, FmtError> {
        if file.extension().is_some_and(|extension| extension == "toml") {
            return Err(FmtError::Trust { file: file.to_owned() });
        }
        let text = source::read(file)?;
        let (rules, _) = parse(&text, self.reading.options()).map_err(|error| {
            let text = RuleText::of_file(source::shown(file), text.clone(), LintContext::default());
            let shown = |problem| render(&Finding::of_problem(&text, problem), false);
            FmtError::Rules(error.problems().iter().map(shown).collect())
        })?;
        let mut formatted = format_rules(&rules);
        if text.contains("\r\n") {
            formatted = formatted.replace("\r\n", "\n").replace('\n', "\r\n");
        }
        let stdout = file == Path::new("-");
        if stdout && !self.check {
            print!("{formatted}");
        }
        if formatted == text {
            return Ok(Outcome::Same);
        }
        if !self.check && !stdout {
            std::fs::write(file, formatted).map_err(|source| FmtError::Write { file: file.to_owned(), source })?;
        }
        Ok(Outcome::Written)
    }
}

enum Outcome {
    /// The file has the canonical layout.
    Same,
    /// It had another one.
    Written,
}

#[derive(Debug, thiserror::Error)]
enum FmtError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("the rules cannot be read\n{0}")]
    Rules(String),
    #[error(
        "{}: a trust file is not laid out by this command; keep its rules in a file of their own (`transform_rules_file`)",
        .file.display()
    )]
    Trust { file: PathBuf },
    #[error("{}: {source}", .file.display())]
    Write { file: PathBuf, source: std::io::Error },
}
