//! Devices as text and as JSON. Names come from clients: what a terminal would act on is left out.

use std::io::{self, Write};

use serde::Serialize;

use super::Device;
use crate::clock::UtcTime;

/// A table, or one JSON object a line. `first` writes the head.
pub(super) fn table(devices: &[Device], json: bool, first: bool, out: &mut dyn Write) -> io::Result<()> {
    if first && !json {
        writeln!(out, "{:<36}  {:<16} {:<10} {:<20} NAME", "ID", "STATE", "LAST USED", "SYSTEM")?;
    }
    for device in devices {
        if json {
            serde_json::to_writer(&mut *out, &Row::of(device))?;
            writeln!(out)?;
            continue;
        }
        let used = device.last_used.map_or_else(|| String::from("never"), date);
        let state = match device.unused_since {
            Some(since) => format!("{} {}", state(device), date(since)),
            None => state(device).to_owned(),
        };
        let system = clean(&format!(
            "{} {}",
            device.os_type.as_deref().unwrap_or("-"),
            device.os_version.as_deref().unwrap_or_default()
        ));
        let id = device.id.to_string();
        writeln!(out, "{id}  {state:<16} {used:<10} {:<20} {}", system.trim(), printable(device))?;
    }
    Ok(())
}

/// Everything, for one device.
pub(super) fn show(device: &Device, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &Row::of(device))?;
    writeln!(out)
}

/// The device's name, fit for a terminal.
pub(super) fn printable(device: &Device) -> String {
    clean(&device.display_name)
}

fn clean(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() && !matches!(*c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        .collect()
}

/// One word for it. What a sweep disabled comes back by registering again; what an administrator disabled does not.
const fn state(device: &Device) -> &'static str {
    match (device.written_back, device.enabled) {
        (true, true) => "synced",
        (true, false) => "synced-",
        (false, true) => "enabled",
        (false, false) if device.unused_since.is_some() => "swept",
        (false, false) => "disabled",
    }
}

fn date(at: UtcTime) -> String {
    at.to_xml().chars().take(10).collect()
}

#[derive(Serialize)]
struct Row {
    id: String,
    display_name: String,
    /// The word of the table.
    state: &'static str,
    enabled: bool,
    /// When a sweep disabled it, if one did.
    unused_since: Option<String>,
    written_back: bool,
    os_type: Option<String>,
    os_version: Option<String>,
    owner: Option<String>,
    users: Vec<String>,
    computer: Option<String>,
    trust_type: Option<i32>,
    managed: Option<bool>,
    compliant: Option<bool>,
    registered: Option<String>,
    last_used: Option<String>,
    /// SHA-1 thumbprints.
    certificates: Vec<String>,
    /// Uses of its keys; 2 is the session transport key.
    keys: Vec<u8>,
}

impl Row {
    fn of(device: &Device) -> Self {
        Self {
            id: device.id.to_string(),
            display_name: device.display_name.clone(),
            state: state(device),
            enabled: device.enabled,
            unused_since: device.unused_since.map(UtcTime::to_xml),
            written_back: device.written_back,
            os_type: device.os_type.clone(),
            os_version: device.os_version.clone(),
            owner: device.owner.map(|sid| sid.to_string()),
            users: device.users.iter().map(ToString::to_string).collect(),
            computer: device.computer_sid.map(|sid| sid.to_string()),
            trust_type: device.trust_type.map(|kind| kind.0),
            managed: device.is_managed,
            compliant: device.is_compliant,
            registered: device.registered.map(UtcTime::to_xml),
            last_used: device.last_used.map(UtcTime::to_xml),
            certificates: device.certificates.iter().map(|mark| hex::encode_upper(mark.thumbprint)).collect(),
            keys: device.keys.iter().map(|key| key.usage).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::samples;

    #[test]
    fn names_cannot_drive_a_terminal() {
        let device =
            Device { display_name: String::from("a\x1b[31m\u{202e}b"), ..samples::device(samples::device_id()) };
        let mut text = Vec::new();
        table(&[device], false, true, &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(text.ends_with("a[31mb\n") && text.contains("enabled          2025-12-31"), "{text}");
    }

    #[test]
    fn who_disabled_a_device_is_told() {
        let device = samples::device(samples::device_id());
        let by_administrator = Device { enabled: false, ..device };
        let unused_since = Some(UtcTime::from_unix_seconds(1_800_000_000));
        let by_sweep = Device { unused_since, ..by_administrator.clone() };
        for (device, human, state, since) in [
            (by_administrator, "disabled         2025-12-31", "disabled", serde_json::Value::Null),
            (by_sweep, "swept 2027-01-15 2025-12-31", "swept", "2027-01-15T08:00:00.000Z".into()),
        ] {
            let mut text = Vec::new();
            table(std::slice::from_ref(&device), false, false, &mut text).unwrap();
            let text = String::from_utf8(text).unwrap();
            assert!(text.contains(human), "{text}");
            let mut json = Vec::new();
            show(&device, &mut json).unwrap();
            let row: serde_json::Value = serde_json::from_slice(&json).unwrap();
            assert_eq!((&row["state"], &row["unused_since"]), (&state.into(), &since));
        }
    }

    #[test]
    fn json_is_one_device_a_line() {
        let mut text = Vec::new();
        table(&[samples::device(samples::device_id())], true, true, &mut text).unwrap();
        let row: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(row["id"], samples::device_id().to_string());
        assert_eq!(row["certificates"][0], "3F20C3E6C06BD55BD6486667C8B4A93C01DCDA64");
        assert_eq!(row["keys"], serde_json::json!([2]));
    }
}
