use std::time::Duration;

use super::*;
use crate::clock::ManualClock;

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(UtcTime::from_unix_seconds(1_000)))
}

fn entries(until: UtcTime) -> Vec<Entry> {
    let id = TokenId::new("a").unwrap();
    let uuid = Uuid::from_u128(7);
    Purpose::ALL
        .into_iter()
        .map(|purpose| Entry::Used { purpose, id, until })
        .chain([
            Entry::Revoked { session: uuid, until },
            Entry::Newest { family: uuid, generation: 3, since: UtcTime::from_unix_seconds(900), until },
        ])
        .collect()
}

#[test]
fn what_was_appended_is_there_until_it_ends() {
    use std::os::unix::fs::MetadataExt as _;
    let (root, clock) = (tempfile::tempdir().unwrap(), clock());
    let path = root.path().join("used.journal");
    let until = clock.now().plus(Duration::from_mins(1));
    let (journal, nothing) = Journal::open(&path, clock.clone()).unwrap();
    assert!(nothing.is_empty());
    for entry in entries(until) {
        journal.append(&entry).unwrap();
    }
    drop(journal);
    assert_eq!(Journal::open(&path, clock.clone()).unwrap().1, entries(until));
    assert_eq!(Journal::open(&path, clock.clone()).unwrap().1, entries(until), "shortening loses nothing");
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    clock.advance(Duration::from_mins(1));
    assert!(Journal::open(&path, clock).unwrap().1.is_empty());
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
}

#[test]
fn damaged_records_cost_themselves_alone() {
    let (root, clock) = (tempfile::tempdir().unwrap(), clock());
    let path = root.path().join("used.journal");
    let written = entries(clock.now().plus(Duration::from_mins(1)));
    let (journal, _) = Journal::open(&path, clock.clone()).unwrap();
    for entry in &written {
        journal.append(entry).unwrap();
    }
    drop(journal);
    let mut octets = std::fs::read(&path).unwrap();
    octets[RECORD + 9] ^= 1;
    octets.extend([1, 2, 3]);
    std::fs::write(&path, octets).unwrap();
    let (journal, mut read) = Journal::open(&path, clock.clone()).unwrap();
    journal.append(&written[1]).unwrap();
    read.insert(1, written[1]);
    assert_eq!(read, written);
    assert_eq!(Journal::open(&path, clock).unwrap().1.len(), written.len());
}

#[test]
fn a_file_that_has_grown_is_shortened() {
    let (root, clock) = (tempfile::tempdir().unwrap(), clock());
    let path = root.path().join("used.journal");
    let (journal, _) = Journal::open(&path, clock.clone()).unwrap();
    journal.writing.lock().unwrap().shorten_at = 2 * RECORD as u64;
    let minute = Duration::from_mins(1);
    let kept = Entry::Revoked { session: Uuid::from_u128(1), until: clock.now().plus(minute * 2) };
    let short = Entry::Revoked { session: Uuid::from_u128(2), until: clock.now().plus(minute) };
    journal.append(&short).unwrap();
    journal.append(&kept).unwrap();
    clock.advance(minute);
    journal.append(&Entry::Revoked { session: Uuid::from_u128(3), until: clock.now().plus(minute) }).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 2 * RECORD as u64);
    assert_eq!(Journal::open(&path, clock).unwrap().1[0], kept);
}

#[test]
fn a_file_stays_near_what_is_alive() {
    let (root, clock) = (tempfile::tempdir().unwrap(), clock());
    let path = root.path().join("used.journal");
    let (journal, _) = Journal::open(&path, clock.clone()).unwrap();
    let records = FLOOR / RECORD as u64;
    let length = || std::fs::metadata(&path).unwrap().len();
    for number in 0..records * 5 {
        // Each ends before the next one begins.
        clock.advance(Duration::from_secs(1));
        let until = clock.now().plus(Duration::from_secs(1));
        journal.append(&Entry::Revoked { session: Uuid::from_u128(number.into()), until }).unwrap();
        assert!(length() <= FLOOR + 3 * RECORD as u64, "{} octets", length());
    }
    drop(journal);
    assert_eq!(Journal::open(&path, clock).unwrap().1.len(), 1);
}

#[test]
fn of_a_family_the_last_record_is_kept() {
    let (root, clock) = (tempfile::tempdir().unwrap(), clock());
    let path = root.path().join("used.journal");
    let until = clock.now().plus(Duration::from_mins(1));
    let newest =
        |family, generation| Entry::Newest { family: Uuid::from_u128(family), generation, since: clock.now(), until };
    let (journal, _) = Journal::open(&path, clock.clone()).unwrap();
    for (family, generation) in [(1, 1), (2, 1), (1, 2), (1, 3)] {
        journal.append(&newest(family, generation)).unwrap();
    }
    drop(journal);
    assert_eq!(Journal::open(&path, clock.clone()).unwrap().1, [newest(2, 1), newest(1, 3)]);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 2 * RECORD as u64);
}

#[test]
fn a_file_that_cannot_be_shortened_takes_what_follows() {
    let (root, clock) = (tempfile::tempdir().unwrap(), clock());
    let path = root.path().join("used.journal");
    let (journal, _) = Journal::open(&path, clock.clone()).unwrap();
    journal.writing.lock().unwrap().shorten_at = 0;
    // Something in the way that is not removed as a file is.
    std::fs::create_dir(path.with_extension("new")).unwrap();
    let until = clock.now().plus(Duration::from_mins(1));
    let entry = Entry::Revoked { session: Uuid::from_u128(1), until };
    journal.append(&entry).unwrap();
    drop(journal);
    std::fs::remove_dir(path.with_extension("new")).unwrap();
    assert_eq!(Journal::open(&path, clock).unwrap().1, [entry]);
}

#[test]
fn what_cannot_be_written_is_not_used() {
    let clock = clock();
    let until = clock.now().plus(Duration::from_mins(1));
    assert!(Journal::open(Path::new("/nowhere/used.journal"), clock.clone()).is_err());
    let journal = Journal::failing(clock);
    let refused = journal.append(&Entry::Revoked { session: Uuid::nil(), until });
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
}
