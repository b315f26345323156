//! `chancery claims explain`: why a claim is in a token, or is missing.
//!
//! Runs the same pipeline as a sign-in, or the rules of a saved case, with a recording. Holds no key, so that nothing it does
//! can end in a token.

mod actor;
mod answer;
mod args;
mod case;
mod directory;
mod federated;
mod human;
mod question;
mod save;
mod subject;

pub(super) use args::Explain;
pub(in crate::cli) use directory::Pipeline;
pub(in crate::cli) use question::Question;

use std::process::ExitCode;

use super::Format;
use super::output::{Paint, write, write_json};
use answer::Answer;

impl Explain {
    pub(super) fn run(self) -> ExitCode {
        let answers = if self.case.is_some() { case::explain(&self) } else { directory::explain(&self) };
        let answers = match answers {
            Ok(answers) => answers,
            Err(error) => {
                eprintln!("chancery claims explain: {error}");
                return ExitCode::FAILURE;
            }
        };
        match self.format {
            Format::Human => {
                let paint = Paint::of_stdout();
                let texts: Vec<String> = answers.iter().map(|answer| human::text(answer, self.all, paint)).collect();
                write(&texts.join("\n"));
            }
            Format::Json => write_json(&Document { notice: NOTICE, explanations: answers }),
        }
        ExitCode::SUCCESS
    }
}

#[derive(serde::Serialize)]
struct Document {
    notice: &'static str,
    explanations: Vec<Answer>,
}

/// Said in every answer.
const NOTICE: &str = "No token was issued: this shows what the rules would do.";
