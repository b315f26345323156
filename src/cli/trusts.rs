//! `chancery trusts`: the metadata of partners, as it was last seen, and decisions about it.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::ConfigArgument;
use crate::clock::{Clock as _, SystemClock, SystemRandomSource, UtcTime};
use crate::config::Loaded;
use crate::outgoing::{Outgoing, OutgoingError};
use crate::server::MAX_METADATA;
use crate::trusts::monitoring::{Monitored, Outcome, Record, Schedule};
use crate::trusts::partner_metadata::Side;

/// Show and refresh the metadata of partners
///
/// A running server looks at the metadata of each trust with `metadata_url` by itself. These commands work on the same files, in the
/// state directory; a running server follows within seconds.
#[derive(Debug, Args)]
pub(super) struct TrustsCommand {
    #[command(flatten)]
    config: ConfigArgument,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Say when each was looked at, and what came of it
    Show {
        /// Name or identifier of one trust
        trust: Option<String>,
    },
    /// Fetch the metadata now
    ///
    /// Exit status 1 when a document is held or refused, or none came.
    Refresh {
        /// Name or identifier of one trust; all without it
        trust: Option<String>,
    },
    /// Take over the version that waits for a decision
    Accept {
        /// Name or identifier of the trust
        trust: String,
    },
    /// Forget what is known, so that the next version is taken as the first one was
    Forget {
        /// Name or identifier of the trust
        trust: String,
    },
}

type Failure = Box<dyn std::error::Error>;

impl TrustsCommand {
    pub(super) fn run(self) -> ExitCode {
        match self.execute(&mut std::io::stdout().lock()) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("chancery trusts: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn execute(&self, out: &mut dyn Write) -> Result<bool, Failure> {
        let loaded = self.config.load()?;
        match &self.what {
            What::Show { trust } => {
                let chosen = choose(&loaded, trust.as_deref())?;
                if chosen.is_empty() {
                    writeln!(out, "No trust has a `metadata_url`.")?;
                }
                for trust in chosen {
                    show(trust, trust.kept.record().as_ref(), out)?;
                }
                Ok(true)
            }
            What::Refresh { trust } => refresh(&loaded, choose(&loaded, trust.as_deref())?, out),
            What::Accept { trust } => {
                let mut chosen = choose(&loaded, Some(trust))?;
                // One entity may be claims provider and relying party: the one is meant that has something to decide.
                if chosen.iter().any(|trust| trust.kept.is_held()) {
                    chosen.retain(|trust| trust.kept.is_held());
                }
                for trust in chosen {
                    show(trust, Some(&trust.accept(SystemClock::new().now())?), out)?;
                }
                Ok(true)
            }
            What::Forget { trust } => {
                for trust in choose(&loaded, Some(trust))? {
                    trust.kept.forget()?;
                    writeln!(out, "{}: forgotten; the next version is the first", trust.name)?;
                }
                Ok(true)
            }
        }
    }
}

/// The trusts that are meant.
fn choose<'a>(loaded: &'a Loaded, wanted: Option<&str>) -> Result<Vec<&'a Monitored>, Failure> {
    let all = loaded.trusts.monitored().iter();
    let Some(wanted) = wanted else { return Ok(all.collect()) };
    let found: Vec<_> = all.filter(|trust| trust.name == wanted || trust.identifier == wanted).collect();
    if found.is_empty() {
        return Err(format!("no enabled trust with a `metadata_url` has the name or identifier `{wanted}`").into());
    }
    Ok(found)
}

fn refresh(loaded: &Loaded, chosen: Vec<&Monitored>, out: &mut dyn Write) -> Result<bool, Failure> {
    let partners = &loaded.config.partners;
    let outgoing = Outgoing::to_partners(partners)?;
    let (clock, random) = (SystemClock::new(), SystemRandomSource::new());
    let schedule = Schedule { interval: partners.metadata_refresh(), random: &random };
    let runner = actix_web::rt::System::new();
    let mut all_well = true;
    for trust in chosen {
        let fetched: Result<Vec<u8>, OutgoingError> = runner.block_on(outgoing.get(&trust.url, MAX_METADATA));
        let record = trust.take(fetched.map_err(|error| error.to_string()), clock.now(), &schedule)?;
        all_well &= matches!(record.outcome, Outcome::Unchanged | Outcome::Adopted);
        show(trust, Some(&record), out)?;
    }
    Ok(all_well)
}

fn show(trust: &Monitored, record: Option<&Record>, out: &mut dyn Write) -> std::io::Result<()> {
    let side = match trust.side {
        Side::ClaimsProvider => "",
        Side::RelyingParty => ", relying party",
    };
    writeln!(out, "{} ({}){side}", trust.name, trust.identifier)?;
    writeln!(out, "    address   {}", trust.url)?;
    let Some(record) = record else { return writeln!(out, "    state     not fetched yet") };
    let state = match record.outcome {
        Outcome::Unchanged => "unchanged",
        Outcome::Adopted => "taken over",
        Outcome::Held => "a new version waits: the old one stays until `chancery trusts accept`",
        Outcome::Refused => "refused: the old version stays",
        Outcome::Failed => "not fetched: the old version stays",
    };
    writeln!(out, "    state     {state}")?;
    for reason in &record.reasons {
        writeln!(out, "    because   {reason}")?;
    }
    for change in &record.changes {
        writeln!(out, "    change    {change}")?;
    }
    let adopted = record.adopted.map_or_else(|| String::from("never"), UtcTime::to_xml);
    let signed = if record.signed { ", signed with a known certificate" } else { "" };
    writeln!(out, "    in use    since {adopted}{signed}")?;
    writeln!(out, "    looked    {}, again {}", record.checked.to_xml(), record.next.to_xml())
}
