//! The audit log, read as a SIEM would read it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;

/// The events of one request.
pub struct Audit {
    path: PathBuf,
    correlation: String,
}

impl Audit {
    /// The events with this activity id.
    pub fn of(path: PathBuf, correlation: &str) -> Self {
        Self { path, correlation: correlation.to_owned() }
    }

    /// Waits until the log holds an event of that number for this request.
    pub fn event(&self, id: u64) -> Value {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let events = self.events();
            if let Some(event) = events.iter().find(|event| event["EventID"] == id) {
                return event.clone();
            }
            assert!(Instant::now() < deadline, "no event {id} for {}; there are {events:#?}", self.correlation);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// All events of this request so far.
    pub fn events(&self) -> Vec<Value> {
        std::fs::read_to_string(&self.path)
            .unwrap_or_default()
            .lines()
            .filter(|line| line.contains(&self.correlation))
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }
}
