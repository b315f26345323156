use std::sync::{Condvar, Mutex};

use super::*;

/// A disk that fails or hangs at will.
#[derive(Default)]
struct Disk {
    failing: AtomicBool,
    hanging: Mutex<bool>,
    released: Condvar,
    events: MemorySink,
}

impl Disk {
    fn hang(&self, hang: bool) {
        *self.hanging.lock().unwrap() = hang;
        self.released.notify_all();
    }
}

impl AuditSink for Disk {
    fn record(&self, event: &AuditEvent) -> Result<(), AuditError> {
        let hanging = self.hanging.lock().unwrap();
        drop(self.released.wait_while(hanging, |hanging| *hanging).unwrap());
        if self.failing.load(Ordering::SeqCst) {
            let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(AuditError::Write { sink: String::from("disk"), source });
        }
        self.events.record(event)
    }
}

fn start(policy: FailurePolicy, queue: usize) -> (Arc<Disk>, Auditor) {
    let disk = Arc::new(Disk::default());
    let options = AuditorOptions { policy, queue, patience: Duration::from_millis(200) };
    (disk.clone(), Auditor::start(disk, options).unwrap())
}

#[tokio::test]
async fn events_are_written_before_an_issuance_goes_on() {
    let (disk, auditor) = start(FailurePolicy::StopIssuance, 16);
    auditor.record(vec![some_event(), some_event()]).await.unwrap();
    assert_eq!(disk.events.numbers(), [404, 404]);
    assert_eq!(auditor.health(), AuditHealth { written: 2, lost: 0, failing: false });
}

#[tokio::test]
async fn a_failing_sink_stops_issuance_only_where_configured() {
    let (disk, auditor) = start(FailurePolicy::StopIssuance, 16);
    disk.failing.store(true, Ordering::SeqCst);
    let error = auditor.record(vec![some_event()]).await.unwrap_err();
    assert!(matches!(error, AuditError::Write { .. }));
    assert_eq!(auditor.health(), AuditHealth { written: 0, lost: 1, failing: true });
    disk.failing.store(false, Ordering::SeqCst);
    auditor.record(vec![some_event()]).await.unwrap();
    assert_eq!(auditor.health(), AuditHealth { written: 1, lost: 1, failing: false });

    let (disk, auditor) = start(FailurePolicy::Continue, 16);
    disk.failing.store(true, Ordering::SeqCst);
    auditor.record(vec![some_event()]).await.unwrap();
    auditor.flush().await.unwrap();
    assert_eq!(auditor.health(), AuditHealth { written: 0, lost: 1, failing: true }, "a flush is no success");
}

#[tokio::test]
async fn a_hanging_disk_costs_a_bounded_wait_and_bounded_memory() {
    for policy in [FailurePolicy::StopIssuance, FailurePolicy::Continue] {
        let (disk, auditor) = start(policy, 4);
        disk.hang(true);
        let outcome = auditor.record(vec![some_event()]).await;
        match policy {
            FailurePolicy::StopIssuance => assert!(matches!(outcome, Err(AuditError::TimedOut { .. }))),
            FailurePolicy::Continue => outcome.unwrap(),
        }
        for _ in 0..1000 {
            auditor.note(vec![some_event()]);
        }
        assert!(auditor.health().lost >= 1000 - 4 - 64, "{:?}", auditor.health());
        if policy == FailurePolicy::StopIssuance {
            let refused = auditor.record(vec![some_event()]).await.unwrap_err();
            assert!(matches!(refused, AuditError::QueueFull { capacity: 4 }), "{refused}");
        }
        disk.hang(false);
        // What was accepted is written when the disk comes back; the writer has not died.
        while auditor.flush().await.is_err() {}
        assert!(disk.events.numbers().len() >= 4);
    }
}

#[tokio::test]
async fn what_is_not_durable_does_not_count_as_written() {
    struct Undurable;
    impl AuditSink for Undurable {
        fn record(&self, _event: &AuditEvent) -> Result<(), AuditError> {
            Ok(())
        }
        fn commit(&self) -> Result<(), AuditError> {
            Err(AuditError::Closed)
        }
    }
    let options = AuditorOptions { policy: FailurePolicy::StopIssuance, ..AuditorOptions::default() };
    let auditor = Auditor::start(Arc::new(Undurable), options).unwrap();
    assert!(matches!(auditor.record(vec![some_event()]).await, Err(AuditError::NotDurable { .. })));
    assert_eq!(auditor.health().lost, 1);
}

#[tokio::test]
async fn a_rotated_file_is_opened_again_on_request() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.log");
    let sink = Arc::new(FileSink::open(&path, Durability::System).unwrap());
    let auditor = Auditor::start(sink, AuditorOptions::default()).unwrap();
    std::fs::remove_file(&path).unwrap();
    auditor.reopen().await.unwrap();
    auditor.note(vec![some_event()]);
    auditor.flush().await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1);
}
