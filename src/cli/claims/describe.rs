//! `chancery claims describe`: rules in sentences.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::Reading;
use super::finding::{Finding, printable, render};
use super::rule_text::RuleText;
use super::source;
use crate::claims::language::{describe_rule, parse};
use crate::claims::lint::LintContext;
use crate::cli::use_colour;

/// Say in a sentence what each rule does
///
/// For somebody who reads a rule set for the first time. `-` reads standard input. Exit status 1 when the file cannot be read
/// as rules.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  chancery claims describe example.rules")]
pub(super) struct Describe {
    #[command(flatten)]
    reading: Reading,
    /// Rule file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Describe {
    pub(super) fn run(self) -> ExitCode {
        let text = match source::read(&self.file) {
            Ok(text) => text,
            Err(error) => {
                eprintln!("chancery claims describe: {error}");
                return ExitCode::FAILURE;
            }
        };
        match parse(&text, self.reading.options()) {
            Ok((rules, _)) => {
                for (index, rule) in rules.rules.iter().enumerate() {
                    let name = rule.name().map_or_else(String::new, |name| format!(" {name}"));
                    println!("{}.{}\n   {}\n", index + 1, printable(&name), printable(&describe_rule(rule)));
                }
                ExitCode::SUCCESS
            }
            Err(error) => {
                let text = RuleText::of_file(source::shown(&self.file), text.clone(), LintContext::default());
                for problem in error.problems() {
                    eprint!("{}", render(&Finding::of_problem(&text, problem), use_colour()));
                }
                ExitCode::FAILURE
            }
        }
    }
}
