use std::os::unix::fs::MetadataExt as _;

use super::*;

#[test]
fn lines_are_appended_and_rotation_by_rename_is_followed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.log");
    let old = directory.path().join("audit.log.1");
    let sink = FileSink::open(&path, Durability::Disk).unwrap();
    sink.record(&some_event()).unwrap();
    sink.commit().unwrap();
    std::fs::rename(&path, &old).unwrap();
    sink.record(&some_event()).unwrap();
    sink.record(&some_event()).unwrap();
    assert_eq!(std::fs::read_to_string(&old).unwrap().lines().count(), 1);
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o007, 0, "nobody else reads it");

    std::fs::remove_file(&path).unwrap();
    sink.reopen().unwrap();
    assert!(path.exists());
}

#[test]
fn a_torn_line_does_not_swallow_the_next_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.log");
    std::fs::write(&path, "{\"EventID\":1200,\"Acti").unwrap();
    let sink = FileSink::open(&path, Durability::System).unwrap();
    sink.record(&some_event()).unwrap();
    sink.record(&some_event()).unwrap();
    let content = std::fs::read_to_string(&path).unwrap();
    let whole = content.lines().filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()).count();
    assert_eq!((content.lines().count(), whole), (3, 2), "{content}");
}

#[test]
fn a_full_disk_is_an_error() {
    let sink = WriterSink::new("full", std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    assert!(matches!(sink.record(&some_event()).unwrap_err(), AuditError::Write { .. }));
    let missing = std::path::Path::new("/nonexistent/audit.log");
    assert!(matches!(FileSink::open(missing, Durability::System), Err(AuditError::Open { .. })));
}

#[test]
fn a_sink_that_fails_does_not_keep_events_from_the_others() {
    struct Broken;
    impl AuditSink for Broken {
        fn record(&self, _event: &AuditEvent) -> Result<(), AuditError> {
            Err(AuditError::Closed)
        }
    }
    let memory = Arc::new(MemorySink::new());
    let all = FanOut::new(vec![Arc::new(Broken), memory.clone()]);
    assert!(all.record(&some_event()).is_err());
    assert_eq!(memory.numbers(), [404]);
    assert!(all.commit().is_ok());
}
