//! Metadata that is fetched again and again: what is kept of it, and what a partner's server cannot do with it.

use std::sync::Arc;
use std::time::Duration;

use chancery::clock::{SystemRandomSource, UtcTime};
use chancery::trusts::monitoring::{Kept, KeptError, Monitored, Outcome, Record, Schedule};
use chancery::trusts::partner_metadata::Side;

use super::metadata::{document, genuine, signed};
use super::support::*;

struct World {
    folder: tempfile::TempDir,
    trust: Monitored,
}

fn world(signers: &[&[u8]]) -> World {
    let folder = tempfile::tempdir().unwrap();
    let trust = Monitored {
        side: Side::ClaimsProvider,
        name: String::from("Partner"),
        identifier: PARTNER.to_owned(),
        url: String::from("https://idp.partner.example/metadata"),
        signers: signers.iter().map(|der| Arc::from(*der)).collect(),
        kept: Kept::of(folder.path(), Side::ClaimsProvider, PARTNER),
    };
    World { folder, trust }
}

impl World {
    fn take_at(&self, fetched: Result<&str, &str>, now: UtcTime) -> Record {
        let random = SystemRandomSource::new();
        let schedule = Schedule { interval: Duration::from_hours(24), random: &random };
        let fetched = fetched.map(|text| text.as_bytes().to_vec()).map_err(str::to_owned);
        let record = self.trust.take(fetched, now, &schedule).unwrap();
        assert_eq!(self.trust.kept.record(), Some(record.clone()));
        record
    }

    fn take(&self, document: &str) -> Record {
        self.take_at(Ok(document), NOW)
    }

    fn in_use(&self) -> String {
        std::fs::read_to_string(self.trust.kept.file()).unwrap_or_default()
    }
}

#[test]
fn the_first_version_is_taken_and_the_next_are_judged() {
    let world = world(&[]);
    let first = world.take(&genuine());
    assert_eq!((first.outcome, first.adopted, first.signed), (Outcome::Adopted, Some(NOW), false));
    // The strictest duration in the document: six hours.
    let wait = first.next.since(NOW);
    assert!((5 * 3600..=7 * 3600).contains(&wait.as_secs()), "{wait:?}");
    assert_eq!(world.take(&genuine()).outcome, Outcome::Unchanged);

    let both = document(&[&PARTNER_KEY.0, &STRANGER_KEY.0]);
    let later = NOW.plus(Duration::from_hours(24));
    let record = world.take_at(Ok(&both), later);
    assert_eq!((record.outcome, record.adopted), (Outcome::Adopted, Some(later)));
    assert!(record.changes.iter().any(|change| change.contains("signing certificate")), "{record:?}");
    assert_eq!(world.in_use(), both);
    let after = world.take(&document(&[&STRANGER_KEY.0]));
    assert_eq!(after.outcome, Outcome::Adopted, "a roll-over in two steps goes by itself");
}

#[test]
fn a_swap_of_all_keys_waits_for_an_administrator() {
    let world = world(&[]);
    world.take(&genuine());
    let swapped = document(&[&STRANGER_KEY.0]);
    let held = world.take(&swapped);
    assert_eq!((held.outcome, held.adopted), (Outcome::Held, Some(NOW)));
    assert_eq!(world.in_use(), genuine(), "the old one stays");
    let accepted = world.trust.accept(NOW).unwrap();
    assert_eq!(accepted.outcome, Outcome::Adopted);
    assert_eq!(world.in_use(), swapped);
    assert_eq!(world.trust.accept(NOW), Err(KeptError::NothingHeld));
    assert_eq!(world.take(&swapped).outcome, Outcome::Unchanged);
    // What waits is forgotten when the partner takes it back.
    assert_eq!(world.take(&genuine()).outcome, Outcome::Held);
    assert_eq!(world.take(&swapped).outcome, Outcome::Unchanged);
    assert_eq!(world.trust.accept(NOW), Err(KeptError::NothingHeld));
    // Nor is a version taken that has ended while it waited.
    assert_eq!(world.take(&genuine()).outcome, Outcome::Held);
    let refused = world.trust.accept(NOW.plus(Duration::from_hours(24 * 365)));
    assert!(matches!(refused, Err(KeptError::Unusable(_))), "{refused:?}");
    world.trust.kept.forget().unwrap();
    assert_eq!((world.in_use().as_str(), world.trust.kept.record()), ("", None));
    assert_eq!(world.take(&genuine()).outcome, Outcome::Adopted);
}

#[test]
fn who_signs_goes_on_signing() {
    let world = world(&[]);
    assert!(world.take(&signed(&genuine())).signed, "by a certificate that it names itself");
    let more = document(&[&PARTNER_KEY.0, &STRANGER_KEY.0]);
    let refused = world.take(&more);
    assert_eq!(refused.outcome, Outcome::Refused);
    assert!(refused.reasons[0].contains("was signed"), "{refused:?}");
    assert_eq!(world.in_use(), signed(&genuine()));
    // A signature that is wrong is none.
    let altered = signed(&more).replace("Partenaire", "Le partenaire");
    assert_eq!(world.take(&altered).outcome, Outcome::Refused);
    // Names alone may change, and the next change of a key needs the signature still.
    let renamed = edit(&genuine(), "Partenaire", "Le partenaire");
    assert_eq!(world.take(&renamed).outcome, Outcome::Adopted);
    assert_eq!(world.take(&more).outcome, Outcome::Refused);
    let record = world.take(&signed(&more));
    assert_eq!((record.outcome, record.signed), (Outcome::Adopted, true));
}

#[test]
fn where_the_trust_names_who_signs_nothing_else_is_taken() {
    let world = world(&[&PARTNER_KEY.0]);
    assert_eq!(world.take(&genuine()).outcome, Outcome::Refused);
    assert_eq!(world.in_use(), "");
    let strangers = document(&[&STRANGER_KEY.0]);
    assert_eq!(world.take(&signed(&strangers)).outcome, Outcome::Adopted, "their signature, whatever it says");
    assert_eq!(world.take(&strangers).outcome, Outcome::Refused);
}

#[test]
fn what_is_not_to_be_had_leaves_what_is_there() {
    let world = world(&[]);
    let failed = world.take_at(Err("idp.partner.example gave no answer"), NOW);
    assert_eq!((failed.outcome, failed.failures, failed.adopted), (Outcome::Failed, 1, None));
    assert_eq!(world.take_at(Err("again"), NOW).failures, 2);
    let first = world.take(&genuine());
    assert_eq!((first.outcome, first.failures), (Outcome::Adopted, 0));
    let expired = genuine().replace("2026-02-01", "2020-02-01");
    let other = edit(&genuine(), PARTNER, "https://other.example");
    for hostile in ["", "<a/>", "<html>moved</html>", &expired, &other, &"x".repeat(5 << 20)] {
        let record = world.take(hostile);
        assert_eq!((record.outcome, record.adopted), (Outcome::Refused, Some(NOW)), "{hostile:.40}");
        assert_eq!(world.in_use(), genuine());
    }
    // What was in use has ended: its keys are the known ones still.
    let late = NOW.plus(Duration::from_hours(24 * 365));
    let swapped = document(&[&STRANGER_KEY.0]).replace("2026-02-01", "2030-02-01");
    assert_eq!(world.take_at(Ok(&swapped), late).outcome, Outcome::Held);
    // And without knowing it nothing is a first version.
    std::fs::write(world.trust.kept.file(), "damaged").unwrap();
    let record = world.take(&genuine());
    assert_eq!(record.outcome, Outcome::Refused);
    assert!(record.reasons[0].contains("chancery trusts forget"), "{record:?}");
    assert_eq!(std::fs::read_dir(world.folder.path().join("metadata")).unwrap().count(), 3, "no file is left behind");
}
