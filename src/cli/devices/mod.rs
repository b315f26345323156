//! `chancery devices`: lists registered devices, disables, enables and deletes them, and sweeps those that nobody uses.
//!
//! Works on the registry of the configuration, as the service account; the server need not run. What it changes, it audits.

mod output;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use uuid::Uuid;

use self::output::{show, table};
use super::ConfigArgument;
use super::own_krb5_conf::in_domains;
use crate::audit::{AuditEvent, Auditor, AuthProtocol, Detail, EventKind, InstanceId, Name, Parties, RequestFacts};
use crate::clock::{Clock, Random, SystemClock, SystemRandomSource};
use crate::config::Config;
use crate::devices::{Device, DeviceId, SweepOptions, SweepOutcome, sweep};
use crate::directory::Sid;
use crate::server::{self, OpenRegistry};

type Failure = Box<dyn std::error::Error>;

/// List and change registered devices
#[derive(Debug, Args)]
pub(super) struct Devices {
    #[command(flatten)]
    config: ConfigArgument,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List devices
    List(List),
    /// Show everything that is known of a device
    Show(One),
    /// Disable a device: it proves nothing any more, on any node, within a minute
    Disable(One),
    /// Enable a device
    Enable(One),
    /// Delete a device: it may register again
    Delete(One),
    /// Disable devices that nobody uses, and delete those that were disabled so long enough ago
    Sweep(Sweep),
}

#[derive(Debug, Args)]
#[command(after_help = "States:
  enabled          it may be used
  disabled         an administrator or its owner disabled it
  swept            a sweep disabled it, at the date behind it: registering again enables it
  synced, synced-  Entra Connect wrote it, enabled or disabled")]
struct List {
    /// Those of this user, by SID
    #[arg(long, value_name = "SID")]
    user: Option<Sid>,
    /// As JSON, one device a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct One {
    /// The device's identifier, a GUID
    #[arg(value_name = "ID")]
    id: Uuid,
}

#[derive(Debug, Args)]
#[command(after_help = "Without --apply nothing is changed: what would be done is printed.

Examples:
  chancery devices sweep
  chancery devices sweep --apply --grace-days 14 --most 100")]
struct Sweep {
    /// Change what is printed
    #[arg(long)]
    apply: bool,
    /// Days without use after which a device is disabled, instead of the registry's own setting; 15 or more
    #[arg(long, value_name = "DAYS")]
    inactivity_days: Option<u32>,
    /// Days after that until it is deleted
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    grace_days: u32,
    /// Changes in one run; what could not be changed does not count
    #[arg(long, value_name = "COUNT", default_value_t = 500)]
    most: usize,
}

impl Devices {
    pub(super) fn run(self) -> ExitCode {
        match self.execute() {
            Ok(code) => code,
            Err(error) => {
                eprintln!("chancery devices: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn execute(&self) -> Result<ExitCode, Failure> {
        let loaded = self.config.load()?;
        in_domains(&loaded.config, "devices", self.work(&loaded.config))
    }

    async fn work(&self, config: &Config) -> Result<ExitCode, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let random: Arc<dyn Random> = Arc::new(SystemRandomSource::new());
        let registry = server::open_registry(config, &clock, &random)?;
        // Opened before anything is changed: what cannot be written down is not done.
        let audit = || Audit::new(config, clock.clone(), random.clone());
        let out = &mut std::io::stdout().lock();
        match &self.what {
            What::List(list) => self::list(&registry, list, out).await?,
            What::Show(one) => {
                let device = registry.devices.find(DeviceId(one.id)).await?;
                show(&device.ok_or_else(|| no_device(one.id))?, out)?;
            }
            What::Disable(one) => change(&registry, one.id, Change::Disable, &audit()?, out).await?,
            What::Enable(one) => change(&registry, one.id, Change::Enable, &audit()?, out).await?,
            What::Delete(one) => change(&registry, one.id, Change::Delete, &audit()?, out).await?,
            What::Sweep(options) => {
                let audit = if options.apply { Some(audit()?) } else { None };
                return self::sweep_once(&registry, options, &*clock, audit.as_ref(), out).await;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What is done to one device.
#[derive(Debug, Clone, Copy)]
enum Change {
    Disable,
    Enable,
    Delete,
}

impl Change {
    /// As it is audited.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Delete => "delete",
        }
    }
}

/// Changes one device, audits it, and says so.
async fn change(
    registry: &OpenRegistry,
    id: Uuid,
    change: Change,
    audit: &Audit,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let device = DeviceId(id);
    let done = match change {
        Change::Disable => registry.devices.set_enabled(device, false).await.map(|()| true),
        Change::Enable => registry.devices.set_enabled(device, true).await.map(|()| true),
        Change::Delete => registry.devices.delete(device).await,
    };
    if matches!(done, Ok(false)) {
        return Err(no_device(id).into());
    }
    audit.changed(device, change.as_str(), done.as_ref().err()).await?;
    done?;
    writeln!(out, "{id} is {}d.", change.as_str())?;
    Ok(())
}

async fn list(registry: &OpenRegistry, list: &List, out: &mut dyn Write) -> Result<(), Failure> {
    let mut after = None;
    let mut first = true;
    loop {
        let part = match &list.user {
            Some(user) => registry.devices.of_user(user).await?,
            None => registry.devices.list(after, PAGE).await?,
        };
        let whole = list.user.is_some() || part.len() < PAGE;
        after = part.last().map(|device| device.id);
        table(&part, list.json, first, out)?;
        first = false;
        if whole {
            return Ok(());
        }
    }
}

async fn sweep_once(
    registry: &OpenRegistry,
    options: &Sweep,
    clock: &dyn Clock,
    audit: Option<&Audit>,
    out: &mut dyn Write,
) -> Result<ExitCode, Failure> {
    let inactivity_days = match options.inactivity_days {
        Some(days) => days,
        None => registry.devices.service().await?.maximum_inactivity_days,
    };
    let settings = SweepOptions {
        inactivity_days,
        grace_days: options.grace_days,
        most: options.most,
        since: None,
        apply: options.apply,
    };
    let steps = sweep(&*registry.upkeep, settings, clock.now()).await?;
    let mut failed = false;
    for step in &steps {
        let word = step.action.as_str();
        let outcome = match &step.outcome {
            SweepOutcome::Planned => String::from("would be done with --apply"),
            SweepOutcome::Done => String::from("done"),
            SweepOutcome::Passed => String::from("passed over: it was used or changed meanwhile"),
            SweepOutcome::Failed(error) => {
                failed = true;
                format!("failed: {error}")
            }
        };
        let used = step.device.last_used.map_or_else(|| String::from("never"), crate::clock::UtcTime::to_xml);
        writeln!(out, "{word}  {}  last used {used}  {}  {outcome}", step.device.id, output::printable(&step.device))?;
        if let (Some(audit), SweepOutcome::Done | SweepOutcome::Failed(_)) = (audit, &step.outcome) {
            let error = if let SweepOutcome::Failed(error) = &step.outcome { Some(error) } else { None };
            audit.changed(step.device.id, word, error).await?;
        }
    }
    writeln!(
        out,
        "{} device(s), {inactivity_days} days without use, {} days of grace",
        steps.len(),
        options.grace_days
    )?;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn no_device(id: Uuid) -> String {
    format!("there is no device {id}; `chancery devices list` shows those there are")
}

/// The audit log, as the server writes it.
struct Audit {
    auditor: Auditor,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    server: String,
}

impl Audit {
    fn new(config: &Config, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Result<Self, Failure> {
        let server = config.service.identifier.clone();
        Ok(Self { auditor: server::auditor_of_command(config)?, clock, random, server })
    }

    /// Says that somebody at this command line changed a device, or tried to.
    async fn changed(
        &self,
        device: DeviceId,
        change: &'static str,
        error: Option<&impl std::fmt::Display>,
    ) -> Result<(), Failure> {
        let who = std::env::var("SUDO_USER").or_else(|_| std::env::var("USER")).unwrap_or_default();
        let instance = InstanceId::random(&*self.random);
        let request = RequestFacts {
            protocol: AuthProtocol::DeviceRegistration,
            ..RequestFacts::of_server(&self.server, instance.0, "chancery devices")
        };
        let kind = EventKind::DeviceAdministered {
            parties: Parties { user: (!who.is_empty()).then(|| Name::public(&who)), ..Parties::default() },
            device,
            change: Name::public(change),
            failure: error.map(|error| Detail::public(&error.to_string())),
        };
        let event = AuditEvent { time: self.clock.now(), instance, request: Arc::new(request), kind };
        self.auditor.note(vec![event]);
        self.auditor.flush().await?;
        if self.auditor.health().failing {
            return Err(
                format!("the change of {device} ({change}) is not in the audit log, which cannot be written").into()
            );
        }
        Ok(())
    }
}

const PAGE: usize = 200;
