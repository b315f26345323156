//! `chancery check`: everything that is wrong with a configuration, at once.

pub(super) mod lockout;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::own_krb5_conf::in_domains;
use super::{ConfigArgument, use_colour};
use crate::config::diagnostic::Report;
use crate::config::running::{LastReload, ReloadResult, process_id};
use crate::config::{Outcome, render};
use crate::trusts::RelyingParty;

/// Check a configuration, and show whether the running server took the last change
///
/// Reads chancery.toml, the trusts beside it and every file they name, as `chancery serve` would, and lists every problem with
/// its place and what to do. Then asks each domain when it locks accounts, and warns when this server would not hold wrong
/// passwords back before that; a domain that does not answer within a few seconds is a warning too. Changes nothing. Whether
/// clients are served well, from DNS to claims, says `chancery doctor`. Exit status 1 when there are errors; warnings alone
/// give 0.
#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    config: ConfigArgument,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Ask no domain: open no network connection
    #[arg(long)]
    offline: bool,
    /// Servers that will run with this configuration; each counts wrong passwords for itself
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    nodes: u32,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// One JSON object
    Json,
}

type Failure = Box<dyn std::error::Error>;

impl Check {
    pub(super) fn run(self) -> ExitCode {
        let mut outcome = self.config.loader().load();
        if !self.offline
            && let Some(loaded) = &outcome.loaded
        {
            let file = self.config.file();
            let report = &mut outcome.report;
            let asked: Result<(), Failure> = in_domains(&loaded.config, "check", async {
                lockout::compare(loaded, &file, self.nodes, report).await;
                Ok(())
            });
            if let Err(error) = asked {
                lockout::not_asked("no domain", error.as_ref(), &file, report);
            }
            outcome.report.sort();
        }
        let running = Running::find(&outcome);
        match self.format {
            Format::Human => print!("{}", human(&self.config.file(), &outcome, running.as_ref(), use_colour())),
            Format::Json => println!("{:#}", json(&self.config.file(), &outcome, running.as_ref())),
        }
        if outcome.report.has_errors() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

/// The human form without colours.
#[cfg(test)]
pub(super) fn describe(file: &Path, outcome: &Outcome) -> String {
    human(file, outcome, Running::find(outcome).as_ref(), false)
}

/// A running server and what it last read.
struct Running {
    process_id: u32,
    last: LastReload,
}

impl Running {
    fn find(outcome: &Outcome) -> Option<Self> {
        let directory = outcome.state_directory.as_ref()?;
        let process_id = process_id(&directory.join("chancery.pid")).ok().flatten()?;
        let last = LastReload::read(&directory.join("last-reload.json"))?;
        (last.process_id == process_id).then_some(Self { process_id, last })
    }
}

fn human(file: &Path, outcome: &Outcome, running: Option<&Running>, colour: bool) -> String {
    let mut text = render::report(&outcome.report, colour);
    if let Some(loaded) = &outcome.loaded {
        // The resources that every farm has are nobody's trusts.
        let is_own = |trust: &RelyingParty| trust.file.is_some() || trust.ws_federation.is_some();
        let parties = loaded.trusts.relying_parties().iter().filter(|trust| is_own(trust)).count();
        let providers = match loaded.trusts.claims_providers().len() {
            0 => String::new(),
            number => format!("; claims providers besides Active Directory: {number}"),
        };
        let _ = writeln!(
            text,
            "{}: {} for {} domain(s) and {parties} relying part{}{providers}.",
            file.display(),
            loaded.config.service.federation_service_name,
            loaded.config.domains.len(),
            if parties == 1 { "y" } else { "ies" },
        );
    }
    if let Some(running) = running {
        text.push_str(&about(running, &outcome.fingerprint.digest(), colour));
    }
    text
}

fn about(running: &Running, digest: &str, colour: bool) -> String {
    let LastReload { at, result, generation, read_digest, findings, .. } = &running.last;
    let id = running.process_id;
    match result {
        ReloadResult::Served if read_digest == digest => {
            format!(
                "\nThe running server (process {id}) serves this configuration since {at}, generation {generation}.\n"
            )
        }
        ReloadResult::Served => format!(
            "\nThe running server (process {id}) does not serve this configuration yet: it last read one at {at}, generation \
             {generation}. `chancery reload --wait` makes it read this one.\n"
        ),
        ReloadResult::Refused => {
            let same = if read_digest == digest { "this configuration" } else { "an earlier change" };
            format!(
                "\nThe running server (process {id}) refused {same} at {at} and still serves generation {generation}. It \
                 found:\n\n{}",
                render::report(findings, colour)
            )
        }
    }
}

fn json(file: &Path, outcome: &Outcome, running: Option<&Running>) -> serde_json::Value {
    #[derive(serde::Serialize)]
    struct Answer<'a> {
        file: PathBuf,
        valid: bool,
        errors: usize,
        warnings: usize,
        digest: String,
        findings: &'a Report,
        last_reload: Option<&'a LastReload>,
    }
    let report = &outcome.report;
    serde_json::to_value(Answer {
        file: file.to_owned(),
        valid: outcome.loaded.is_some(),
        errors: report.errors(),
        warnings: report.warnings(),
        digest: outcome.fingerprint.digest(),
        findings: report,
        last_reload: running.map(|running| &running.last),
    })
    .unwrap_or_default()
}
