//! Sweeps unused devices again and again while the server runs, where the configuration says so.
//!
//! What is unused, and what is done about it, the registry's upkeep knows; here is when, by which server, and who is told.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::devices::{OpenRegistry, open_registry};
use crate::audit::{AuditEvent, Auditor, AuthProtocol, Detail, EventKind, InstanceId, Name, Parties, RequestFacts};
use crate::clock::{Clock, Random, UtcTime};
use crate::config::live::LiveConfig;
use crate::config::{Loaded, Sweep, SweepMode};
use crate::devices::{SweepError, SweepOptions, SweepOutcome, SweepStep, sweep};

/// What it works with.
pub(super) struct Sweeper {
    /// The settings.
    pub(super) live: Arc<LiveConfig>,
    /// The time.
    pub(super) clock: Arc<dyn Clock>,
    /// For the first moment, and the name in the election.
    pub(super) random: Arc<dyn Random>,
    /// Where changes are written.
    pub(super) auditor: Arc<Auditor>,
}

/// The registry of one configuration, and when it is due.
struct Due {
    generation: u64,
    registry: OpenRegistry,
    at: UtcTime,
}

impl Sweeper {
    /// Sweeps, until the server ends.
    pub(super) async fn run(self) {
        let Ok(holder) = self.number().map(|(high, low)| Uuid::from_u64_pair(high, low)) else { return };
        let mut due: Option<Due> = None;
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            look.tick().await;
            let loaded = self.live.snapshot();
            let settings = &loaded.config.device_registration;
            if !settings.enabled || settings.sweep.mode == SweepMode::Off {
                due = None;
                continue;
            }
            if due.as_ref().is_none_or(|due| due.generation != loaded.generation) {
                due = self.begin(&loaded, due);
            }
            let Some(due) = due.as_mut().filter(|due| due.at <= self.clock.now()) else { continue };
            due.at = self.work(&loaded, &due.registry, holder).await;
        }
    }

    /// A configuration that is new. Its first sweep is due at a random time, so that servers that start at once do not ask at once.
    fn begin(&self, loaded: &Loaded, before: Option<Due>) -> Option<Due> {
        let registry = match open_registry(&loaded.config, &self.clock, &self.random) {
            Ok(registry) => registry,
            Err(error) => {
                tracing::error!(%error, "unused devices are not swept");
                return None;
            }
        };
        let spread = interval(&loaded.config.device_registration.sweep) / 24;
        let share = f64::from(u32::try_from(self.number().map_or(0, |(high, _)| high >> 32)).unwrap_or_default());
        let first = self.clock.now().plus(spread.mul_f64(share / f64::from(u32::MAX)));
        Some(Due { generation: loaded.generation, registry, at: before.map_or(first, |before| before.at.min(first)) })
    }

    /// One sweep, if it is this server's; when to ask again.
    async fn work(&self, loaded: &Loaded, registry: &OpenRegistry, holder: Uuid) -> UtcTime {
        let settings = &loaded.config.device_registration.sweep;
        let now = self.clock.now();
        // As long as a sweep may take. Who has it and dies leaves it to the others then.
        match registry.upkeep.claim_sweep(holder, now, now.plus(TERM)).await {
            Ok(true) => {}
            // Another server's. It may end at any moment.
            Ok(false) => {
                tracing::debug!("another server has the sweep of unused devices");
                return now.plus(ask_again(settings));
            }
            Err(error) => {
                tracing::warn!(%error, "unused devices are not swept now");
                return now.plus(ask_again(settings));
            }
        }
        let result = tokio::time::timeout(TERM, self.sweep(loaded, registry)).await;
        match result {
            Ok(Ok(steps)) => self.tell(&steps, settings.mode, &loaded.config.service.identifier),
            Ok(Err(error)) => tracing::error!(%error, "unused devices were not swept"),
            Err(_) => tracing::error!("a sweep of unused devices took too long and was given up; the next one goes on"),
        }
        let next = now.plus(interval(settings));
        if let Err(error) = registry.upkeep.claim_sweep(holder, self.clock.now(), next).await {
            tracing::warn!(%error, "other servers do not know that unused devices were swept");
        }
        next
    }

    async fn sweep(&self, loaded: &Loaded, registry: &OpenRegistry) -> Result<Vec<SweepStep>, SweepError> {
        let settings = &loaded.config.device_registration.sweep;
        let now = self.clock.now();
        let options = SweepOptions {
            inactivity_days: registry.devices.service().await?.maximum_inactivity_days,
            grace_days: settings.grace_days,
            most: usize::try_from(settings.most).unwrap_or(usize::MAX),
            // A little less than the interval, so that the sweep of before does not count.
            since: Some(now.minus(interval(settings).mul_f64(0.9))),
            apply: settings.mode == SweepMode::Apply,
        };
        sweep(&*registry.upkeep, options, now).await
    }

    /// Each step to the log; each change to the audit log, too.
    fn tell(&self, steps: &[SweepStep], mode: SweepMode, server: &str) {
        let (mut done, mut failed) = (0_usize, 0_usize);
        for SweepStep { device, action, outcome } in steps {
            let (device, action) = (device.id, action.as_str());
            let failure = match outcome {
                SweepOutcome::Planned => {
                    tracing::info!(%device, action, "an unused device would be swept");
                    continue;
                }
                SweepOutcome::Passed => continue,
                SweepOutcome::Done => {
                    done += 1;
                    tracing::info!(%device, action, "an unused device is swept");
                    None
                }
                SweepOutcome::Failed(error) => {
                    failed += 1;
                    tracing::warn!(%device, action, %error, "an unused device could not be swept");
                    Some(Detail::public(&error.to_string()))
                }
            };
            let instance = InstanceId::random(&*self.random);
            let request = RequestFacts {
                protocol: AuthProtocol::DeviceRegistration,
                ..RequestFacts::of_server(server, instance.0, "sweep of unused devices")
            };
            let change = Name::public(action);
            self.auditor.note(vec![AuditEvent {
                time: self.clock.now(),
                instance,
                request: Arc::new(request),
                kind: EventKind::DeviceAdministered { parties: Parties::default(), device, change, failure },
            }]);
        }
        tracing::info!(
            found = steps.len(),
            done,
            failed,
            dry_run = mode == SweepMode::DryRun,
            "unused devices were looked for"
        );
    }

    fn number(&self) -> Result<(u64, u64), crate::clock::RandomError> {
        let mut octets = [0; 16];
        self.random.fill(&mut octets)?;
        let number = u128::from_le_bytes(octets);
        Ok(Uuid::from_u128(number).as_u64_pair())
    }
}

fn interval(settings: &Sweep) -> Duration {
    Duration::from_mins(settings.interval_minutes.into())
}

/// When another server has the sweep, or nobody knows.
fn ask_again(settings: &Sweep) -> Duration {
    (interval(settings) / 6).min(Duration::from_mins(1))
}

/// How often it is asked whether it is due.
const LOOK: Duration = Duration::from_secs(1);
/// How long one sweep may take.
const TERM: Duration = Duration::from_mins(10);
