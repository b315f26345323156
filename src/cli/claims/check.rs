//! `chancery claims check`: what is wrong or odd in rule files and in the rules of trust files.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::finding::{Finding, Level, render};
use super::rule_text::RuleText;
use super::source::{self, SourceError};
use super::{Format, Reading, StageArgument, trust_file};
use crate::claims::Text;
use crate::claims::lint::{self, LintContext};
use crate::cli::use_colour;

/// Check claim rules: syntax, and what is legal but probably not meant
///
/// Reads rule files, and the rule sets and access control policies of trust files and chancery.toml (*.toml) at their lines, the
/// rule files they name included. `-` reads standard input. Every word of advice has a name that the documentation explains. Reaches no network and no directory.
/// Exit status 1 when there are errors, 2 when there are warnings and --deny-warnings is given.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  chancery claims check rules/*.rules
  chancery claims check --stage issuance-authorization --entra authorization.rules
  chancery claims check --deny-warnings /etc/chancery/trusts/*.toml")]
pub(super) struct Check {
    /// What the rules are for; trust files say it themselves
    #[arg(long, value_enum, value_name = "STAGE")]
    stage: Option<StageArgument>,
    /// The rules belong to the trust of Microsoft Entra; trust files say it by their identifiers
    #[arg(long)]
    entra: bool,
    /// Name of an attribute store there is, beside the built-in ones; may be repeated
    #[arg(long = "store", value_name = "NAME")]
    stores: Vec<String>,
    /// Claim type there is, beside the built-in ones; may be repeated
    #[arg(long = "claim-type", value_name = "URI")]
    claim_types: Vec<String>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Exit with status 2 when there are warnings
    #[arg(long)]
    deny_warnings: bool,
    #[command(flatten)]
    reading: Reading,
    /// Rule files and trust files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Check {
    pub(super) fn run(self) -> ExitCode {
        let findings: Vec<Finding> = self.files.iter().flat_map(|file| self.findings(file)).collect();
        let count = |level| findings.iter().filter(|finding| finding.level == level).count();
        let (errors, warnings, advice) = (count(Level::Error), count(Level::Warning), count(Level::Advice));
        match self.format {
            Format::Human => {
                for finding in &findings {
                    print!("{}", render(finding, use_colour()));
                }
                println!("{}", summary(self.files.len(), errors, warnings, advice));
            }
            Format::Json => {
                let findings: Vec<serde_json::Value> = findings.iter().map(Finding::json).collect();
                let answer = serde_json::json!({
                    "files": self.files.iter().map(|file| source::shown(file)).collect::<Vec<_>>(),
                    "errors": errors,
                    "warnings": warnings,
                    "advice": advice,
                    "findings": findings,
                });
                println!("{answer:#}");
            }
        }
        match (errors, warnings) {
            (1.., _) => ExitCode::FAILURE,
            (0, 1..) if self.deny_warnings => ExitCode::from(2),
            _ => ExitCode::SUCCESS,
        }
    }

    fn findings(&self, file: &Path) -> Vec<Finding> {
        let context = LintContext {
            stage: self.stage.map(Into::into),
            entra: self.entra,
            stores: None,
            types: self.claim_types.iter().map(|own| Text::from(own.as_str())).collect(),
        };
        let rule_texts = match rule_texts(file, context) {
            Ok(texts) => texts,
            Err(error) => return vec![Finding::of_source(source::shown(file), &error)],
        };
        rule_texts.into_iter().flat_map(|text| self.judge(text)).collect()
    }

    fn judge(&self, text: Result<RuleText, Finding>) -> Vec<Finding> {
        let text = match text {
            Ok(text) => text,
            Err(finding) => return vec![finding],
        };
        let mut context = text.context().clone();
        context.stores = (!self.stores.is_empty()).then(|| {
            let own = self.stores.iter().map(|name| Text::from(name.as_str()));
            lint::BUILT_IN_STORES.iter().map(|name| Text::from(*name)).chain(own).collect()
        });
        match lint::check(text.rules(), self.reading.options(), &context) {
            Ok(lints) => lints.iter().map(|lint| Finding::of_lint(&text, lint)).collect(),
            Err(error) => error.problems().iter().map(|problem| Finding::of_problem(&text, problem)).collect(),
        }
    }
}

/// The rule sets of a file; a part of a trust file that cannot be read stands among them as a finding.
fn rule_texts(file: &Path, context: LintContext) -> Result<Vec<Result<RuleText, Finding>>, SourceError> {
    if file.extension().is_some_and(|extension| extension == "toml") {
        return trust_file::rule_texts(file, &context);
    }
    let text = source::read(file)?;
    Ok(vec![Ok(RuleText::of_file(source::shown(file), text, context))])
}

fn summary(files: usize, errors: usize, warnings: usize, advice: usize) -> String {
    let count = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    let found: Vec<String> = [(errors, "error"), (warnings, "warning")]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| count(n, word))
        .chain((advice > 0).then(|| format!("{advice} more to look at")))
        .collect();
    let found = if found.is_empty() { String::from("no problems found") } else { found.join(", ") };
    format!("{}: {found}.", count(files, "file"))
}
