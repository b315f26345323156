use futures_util::future::join_all;

use super::*;
use crate::clock::SystemRandomSource;
use crate::devices::conformance::Subject;

const SETTINGS: SqlSettings = SqlSettings { registration_quota: 10, maximum_inactivity_days: 90 };

fn registry(root: &std::path::Path) -> SqlRegistry {
    let place = SqlPlace::Sqlite(root.join("devices.db"));
    SqlRegistry::new(place, SETTINGS, Arc::new(SystemRandomSource::new())).unwrap()
}

const NOW: UtcTime = UtcTime::from_unix_seconds(1_800_000_000);

fn registration(number: u128, at: UtcTime) -> Registration {
    let device = crate::devices::samples::device(DeviceId(Uuid::from_u128(number)));
    Registration {
        id: device.id,
        display_name: device.display_name,
        os_type: String::new(),
        os_version: String::new(),
        owner: device.owner.unwrap(),
        computer_sid: None,
        trust_type: None,
        certificate: device.certificates[0],
        transport_key: None,
        quota: None,
        at,
    }
}

#[tokio::test]
async fn sqlite_conforms() {
    let root = tempfile::tempdir().unwrap();
    let registry = registry(root.path());
    let user = "S-1-5-21-1-2-3-1107".parse().unwrap();
    Subject { registry: &registry, user, unique: 1, full: true }.conforms().await;
}

#[tokio::test]
async fn the_file_is_its_owners_alone_and_keeps_its_identifiers() {
    use std::os::unix::fs::MetadataExt as _;
    let root = tempfile::tempdir().unwrap();
    let first = registry(root.path()).service().await.unwrap();
    assert!(registry(root.path()).publish_issuer(b"certificate").await.unwrap());
    assert!(!registry(root.path()).publish_issuer(b"certificate").await.unwrap());
    let reopened = registry(root.path());
    let again = reopened.service().await.unwrap();
    assert_eq!(again.place, first.place);
    assert_eq!(reopened.published_issuers().await.unwrap(), [b"certificate".to_vec()]);
    assert_eq!(std::fs::metadata(root.path().join("devices.db")).unwrap().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn one_server_has_the_sweep_until_it_ends() {
    use crate::devices::DeviceUpkeep as _;
    let root = tempfile::tempdir().unwrap();
    let servers = [registry(root.path()), registry(root.path())];
    let at = |seconds: i64| UtcTime::from_unix_seconds(1_800_000_000 + seconds);
    let claim = async |server: usize, now, until| {
        servers[server].claim_sweep(Uuid::from_u128(server as u128), at(now), at(until)).await.unwrap()
    };
    assert!(claim(0, 0, 60).await);
    assert!(!claim(1, 59, 119).await);
    // Its holder may claim it again, and give it up.
    assert!(claim(0, 30, 90).await);
    assert!(!claim(1, 89, 149).await);
    assert!(claim(1, 90, 150).await);
    assert!(!claim(0, 91, 151).await);
}

#[tokio::test]
async fn registrations_at_once_are_all_written_and_none_above_the_quota() {
    let root = tempfile::tempdir().unwrap();
    let registry = registry(root.path());
    // Half of them are the same devices again.
    let all: Vec<_> = (0..300).map(|number| registration(number % 150, NOW)).collect();
    for written in join_all(all.iter().map(|what| registry.register(what))).await {
        assert!(written.unwrap().enabled);
    }
    let reopened = self::registry(root.path());
    assert_eq!(reopened.list(None, 1000).await.unwrap().len(), 150);
    let more: Vec<_> =
        (1000..1040).map(|number| Registration { quota: Some(153), ..registration(number, NOW) }).collect();
    let written = join_all(more.iter().map(|what| registry.register(what))).await;
    assert_eq!(written.iter().filter(|written| written.is_ok()).count(), 3);
    let refused = |written: &Result<_, _>| matches!(written, Err(RegistryError::QuotaReached { limit: 153, .. }));
    assert_eq!(written.iter().filter(|written| refused(written)).count(), 37);
}

/// While another program writes to the file, registrations wait; one that nobody waits for any more is not made after all.
#[tokio::test]
async fn who_gives_up_while_others_write_is_not_registered() {
    let root = tempfile::tempdir().unwrap();
    let registry = registry(root.path());
    registry.service().await.unwrap();
    let Pool::Sqlite { pool, .. } = &registry.database.pool else { panic!("SQLite") };
    let other = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let [first, second, third] = [1, 2, 3].map(|number| registration(number, NOW));
    let waiting = async { tokio::join!(registry.register(&first), registry.register(&third)) };
    let ends = async {
        // The others are waiting for the file by now.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let given_up = tokio::time::timeout(Duration::from_millis(50), registry.register(&second));
        assert!(given_up.await.is_err());
        other.rollback().await.unwrap();
    };
    let ((first, third), ()) = tokio::join!(waiting, ends);
    assert!(first.is_ok() && third.is_ok());
    let ids: Vec<_> = registry.list(None, 10).await.unwrap().iter().map(|device| device.id.0.as_u128()).collect();
    assert_eq!(ids, [1, 3]);
}

#[tokio::test]
async fn a_database_of_the_future_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let registry = registry(root.path());
    registry.service().await.unwrap();
    on_database!(registry.database, |pool| {
        sqlx::query("INSERT INTO device_schema (version) VALUES (99)").execute(pool).await.unwrap();
    });
    let later = self::registry(root.path());
    assert!(matches!(later.service().await, Err(RegistryError::Refused { reason }) if reason.contains("version 99")));
}

#[tokio::test]
async fn a_sweep_disables_first_deletes_then_and_leaves_administrators_alone() {
    use crate::devices::{DeviceUpkeep as _, SweepAction, SweepOptions, sweep};
    let day = Duration::from_hours(24);
    let root = tempfile::tempdir().unwrap();
    let registry = registry(root.path());
    let registration = |number, days_ago| registration(number, NOW.minus(day * days_ago));
    for (number, days_ago) in [(1, 91), (2, 89), (3, 91)] {
        registry.register(&registration(number, days_ago)).await.unwrap();
    }
    registry.set_enabled(DeviceId(Uuid::from_u128(3)), false).await.unwrap();
    let options = SweepOptions { inactivity_days: 90, grace_days: 30, most: 100, since: None, apply: true };
    let run = async |at| {
        let steps = sweep(&registry, options, at).await.unwrap();
        steps.into_iter().map(|step| (step.device.id.0.as_u128(), step.action)).collect::<Vec<_>>()
    };
    assert_eq!(run(NOW).await, [(1, SweepAction::Disable)]);
    assert_eq!(registry.disabled_since(NOW).await, Ok(1), "what an administrator disabled does not count");
    assert_eq!(registry.disabled_since(NOW.plus(Duration::from_millis(1))).await, Ok(0));
    let swept = registry.find(DeviceId(Uuid::from_u128(1))).await.unwrap().unwrap();
    assert_eq!((swept.enabled, swept.unused_since), (false, Some(NOW)), "whoever registers it again may");
    // What waits for the end of its grace takes no room among those that something can be done with.
    let asked = async |at: UtcTime| registry.unused(at.minus(day * 90), at.minus(day * 30), at, 10).await.unwrap();
    assert_eq!(asked(NOW.plus(day / 2)).await, []);
    assert_eq!(run(NOW.plus(day / 2)).await, []);
    assert_eq!(run(NOW.plus(day * 29)).await, [(2, SweepAction::Disable)]);
    // The first comes back in time.
    assert!(registry.register(&Registration { at: NOW.plus(day * 29), ..registration(1, 0) }).await.unwrap().enabled);
    assert_eq!(run(NOW.plus(day * 60)).await, [(2, SweepAction::Delete)]);
    let back = registry.find(DeviceId(Uuid::from_u128(1))).await.unwrap().unwrap();
    assert_eq!((back.enabled, back.unused_since), (true, None));
    let by_hand = registry.find(DeviceId(Uuid::from_u128(3))).await.unwrap().unwrap();
    assert_eq!((by_hand.enabled, by_hand.unused_since), (false, None));
    assert!(!registry.disable_unused(DeviceId(Uuid::from_u128(1)), NOW, NOW).await.unwrap());
    assert!(!registry.delete_unused(DeviceId(Uuid::from_u128(3)), NOW.plus(day * 1000)).await.unwrap());
}

/// Somebody enables a swept device in the database, and disables it after it was used: that was no sweep.
#[tokio::test]
async fn the_mark_of_a_sweep_counts_until_something_happens() {
    use crate::devices::DeviceUpkeep as _;
    let day = Duration::from_hours(24);
    let root = tempfile::tempdir().unwrap();
    let registry = registry(root.path());
    let what = registration(1, NOW.minus(day * 100));
    let by_hand = async |sql: &'static str| {
        on_database!(registry.database, |pool| {
            sqlx::query(sql).execute(pool).await.unwrap();
        });
    };
    let now = async || registry.find(what.id).await.unwrap().unwrap();
    let first = registry.register(&what).await.unwrap();
    assert!(registry.disable_unused(what.id, NOW, NOW).await.unwrap());
    // Whoever still holds the old record notes no use of a device that is disabled.
    registry.touch(&first, NOW.plus(day)).await.unwrap();
    assert_eq!((now().await.unused_since, now().await.last_used), (Some(NOW), first.last_used));
    by_hand("UPDATE device SET enabled = 1").await;
    assert_eq!(now().await.unused_since, None);
    registry.touch(&first, NOW.plus(day)).await.unwrap();
    by_hand("UPDATE device SET enabled = 0").await;
    assert_eq!(registry.register(&what).await, Err(RegistryError::Disabled { id: what.id }));
    // By something that knows no marks.
    by_hand("UPDATE device SET unused_since = last_used - 1").await;
    assert_eq!(now().await.unused_since, None);
    assert_eq!(registry.register(&what).await, Err(RegistryError::Disabled { id: what.id }));
    assert_eq!(registry.delete_unused(what.id, NOW.plus(day * 400)).await, Ok(false));
    assert_eq!(registry.disabled_since(NOW.minus(day)).await, Ok(0));
    let at = NOW.plus(day * 400);
    assert_eq!(registry.unused(at, at, at, 10).await, Ok(Vec::new()));
    by_hand("UPDATE device SET unused_since = last_used").await;
    assert!(registry.register(&what).await.unwrap().enabled);
}
