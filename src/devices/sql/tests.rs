use super::*;
use crate::clock::SystemRandomSource;
use crate::devices::conformance::Subject;

const SETTINGS: SqlSettings = SqlSettings { registration_quota: 10, maximum_inactivity_days: 90 };

fn registry(root: &std::path::Path) -> SqlRegistry {
    let place = SqlPlace::Sqlite(root.join("devices.db"));
    SqlRegistry::new(place, SETTINGS, Arc::new(SystemRandomSource::new())).unwrap()
}

#[tokio::test]
async fn sqlite_conforms() {
    let root = tempfile::tempdir().unwrap();
    let registry = registry(root.path());
    let user = "S-1-5-21-1-2-3-1107".parse().unwrap();
    Subject { registry: &registry, user, unique: 1 }.conforms().await;
}

#[tokio::test]
async fn the_file_is_its_owners_alone_and_keeps_its_identifiers() {
    use std::os::unix::fs::MetadataExt as _;
    let root = tempfile::tempdir().unwrap();
    let first = registry(root.path()).service().await.unwrap();
    assert!(registry(root.path()).publish_issuer(b"certificate").await.unwrap());
    assert!(!registry(root.path()).publish_issuer(b"certificate").await.unwrap());
    let again = registry(root.path()).service().await.unwrap();
    assert_eq!(again.place, first.place);
    assert_eq!(again.published_issuers, [b"certificate".to_vec()]);
    assert_eq!(std::fs::metadata(root.path().join("devices.db")).unwrap().mode() & 0o777, 0o600);
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
