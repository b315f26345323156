//! Looks at the metadata of partners again and again while the server runs.
//!
//! What it takes over it writes beside the other state; the configuration is then read again like after any change of a file, and
//! is served when it can be.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::audit::{AuditEvent, Auditor, Detail, EventKind, Identifier, InstanceId, Parties, RequestFacts};
use crate::clock::{Clock, Random, UtcTime};
use crate::config::live::LiveConfig;
use crate::outgoing::Outgoing;
use crate::trusts::monitoring::{Monitored, Outcome, Record, Schedule};
use crate::trusts::partner_metadata::Side;

/// What it works with.
pub(super) struct Monitor {
    /// The trusts, and how partners are reached.
    pub(super) live: Arc<LiveConfig>,
    /// The time.
    pub(super) clock: Arc<dyn Clock>,
    /// For the jitter.
    pub(super) random: Arc<dyn Random>,
    /// Where decisions are written.
    pub(super) auditor: Arc<Auditor>,
}

impl Monitor {
    /// Looks, until the server ends.
    pub(super) async fn run(self) {
        // When each is due, by the file that is kept of it; what is not in it is read from disk.
        let mut due: HashMap<PathBuf, UtcTime> = HashMap::new();
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            look.tick().await;
            let loaded = self.live.snapshot();
            let monitored = loaded.trusts.monitored();
            due.retain(|kept, _| monitored.iter().any(|trust| trust.kept.file() == kept));
            let now = self.clock.now();
            let waiting: Vec<&Monitored> = monitored.iter().filter(|trust| is_due(trust, &mut due, now)).collect();
            if waiting.is_empty() {
                continue;
            }
            let partners = &loaded.config.partners;
            let outgoing = match Outgoing::to_partners(partners) {
                Ok(outgoing) => outgoing,
                Err(error) => {
                    tracing::error!(%error, "the metadata of partners is not looked at");
                    continue;
                }
            };
            let schedule = Schedule { interval: partners.metadata_refresh(), random: &*self.random };
            // One after the other: nobody waits for them.
            for trust in waiting {
                let next = self.look_at(trust, &outgoing, &schedule, &loaded.config.service.identifier).await;
                due.insert(trust.kept.file().to_owned(), next);
            }
        }
    }

    /// Looks at one, and says when to do it again.
    async fn look_at(&self, trust: &Monitored, outgoing: &Outgoing, schedule: &Schedule<'_>, server: &str) -> UtcTime {
        let fetched = outgoing.get(&trust.url, MAX_METADATA).await.map_err(|error| error.to_string());
        let now = self.clock.now();
        match trust.take(fetched, now, schedule) {
            Ok(record) => {
                self.tell(trust, &record, server);
                record.next
            }
            Err(error) => {
                tracing::error!(partner = trust.identifier, %error, "metadata could not be kept");
                now.plus(UNKEPT)
            }
        }
    }

    /// Everything but "nothing new" goes to the audit log and the log.
    fn tell(&self, trust: &Monitored, record: &Record, server: &str) {
        let taken = match record.outcome {
            Outcome::Unchanged => {
                tracing::debug!(partner = trust.identifier, "metadata is unchanged");
                return;
            }
            Outcome::Adopted => true,
            Outcome::Held | Outcome::Refused | Outcome::Failed => false,
        };
        let detail = describe(record);
        if taken {
            tracing::info!(partner = trust.identifier, detail, "metadata is taken over");
        } else {
            tracing::error!(partner = trust.identifier, detail, "metadata is not taken over");
        }
        let instance = InstanceId::random(&*self.random);
        let identifier = Some(Identifier::public(&trust.identifier));
        let parties = match trust.side {
            Side::ClaimsProvider => Parties { claims_provider: identifier, ..Parties::default() },
            Side::RelyingParty => Parties { relying_party: identifier, ..Parties::default() },
        };
        self.auditor.note(vec![AuditEvent {
            time: record.checked,
            instance,
            request: Arc::new(RequestFacts::of_server(server, instance.0, "metadata")),
            kind: EventKind::PartnerMetadata { parties, taken, detail: Detail::public(&detail) },
        }]);
    }
}

fn is_due(trust: &Monitored, due: &mut HashMap<PathBuf, UtcTime>, now: UtcTime) -> bool {
    let next = *due.entry(trust.kept.file().to_owned()).or_insert_with(|| {
        // Another address than the one that was looked at is looked at now.
        let record = trust.kept.record().filter(|record| record.url == trust.url);
        record.map_or(now, |record| record.next)
    });
    next <= now
}

/// Outcome, changes and reasons in one line.
fn describe(record: &Record) -> String {
    let word = match record.outcome {
        Outcome::Unchanged => "unchanged",
        Outcome::Adopted => "taken over",
        Outcome::Held => "held until an administrator decides",
        Outcome::Refused => "refused",
        Outcome::Failed => "not fetched",
    };
    let more: Vec<&str> = record.reasons.iter().chain(&record.changes).map(String::as_str).collect();
    if more.is_empty() { word.to_owned() } else { format!("{word}: {}", more.join("; ")) }
}

/// How often it is asked which are due.
const LOOK: Duration = Duration::from_secs(5);
/// Between two attempts to keep what cannot be written.
const UNKEPT: Duration = Duration::from_mins(5);
/// Octets of a document; what the reader takes.
pub(crate) const MAX_METADATA: usize = 4 << 20;
