//! A device out of an object of class `msDS-Device`.

use uuid::Uuid;

use crate::clock::UtcTime;
use crate::devices::codec::change_count::{IS_ENABLED, change_count};
use crate::devices::codec::dn_binary::DnBinary;
use crate::devices::codec::key_credential;
use crate::devices::{CertificateMark, Device, DeviceId, DeviceKey, RegistryError, TrustType};
use crate::directory::codec::{filetime, generalized_time};
use crate::directory::ldap::NamedObject;
use crate::directory::{Attributes, Sid};

/// What a [`Device`] is read from. A schema that lacks some of them gives none.
pub(super) const ATTRIBUTES: &[&str] = &[
    "msDS-DeviceID",
    "objectGUID",
    "displayName",
    "msDS-IsEnabled",
    "altSecurityIdentities",
    "msDS-DeviceOSType",
    "msDS-DeviceOSVersion",
    PHYSICAL,
    "msDS-RegisteredOwner",
    "msDS-RegisteredUsers",
    STAMP,
    "msDS-IsManaged",
    "msDS-CloudAnchor",
    "msDS-IsCompliant",
    "msDS-ComputerSID",
    "msDS-DeviceTrustType",
    "msDS-KeyCredentialLink",
    "whenCreated",
    METADATA,
];

/// An object with the device it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Its distinguished name.
    pub(super) name: String,
    /// The device.
    pub(super) device: Device,
    /// Whether its registration was begun and never ended: it is no device yet.
    pub(super) begun_only: bool,
    /// The values that a sweep left in [`PHYSICAL`], also where they say nothing any more.
    pub(super) marks: Vec<String>,
    /// How often `msDS-IsEnabled` was changed, where the directory says so.
    pub(super) switched: Option<u32>,
}

/// The device that an object is. What others wrote into it and does not decode is left out, except its identifier.
pub(super) fn read(object: NamedObject) -> Result<Found, RegistryError> {
    let NamedObject { name, attributes } = object;
    let octets = attributes.octets("msDS-DeviceID").next().and_then(|octets| octets.try_into().ok());
    let id = octets.map(|octets| DeviceId(Uuid::from_bytes_le(octets))).ok_or_else(|| RegistryError::Damaged {
        what: name.clone(),
        reason: String::from("msDS-DeviceID is missing or not of 16 octets"),
    })?;
    let begun_only = texts(&attributes, PHYSICAL).any(|value| value == BEGUN);
    let is_mark = |value: &&str| *value == UNUSED || [SINCE, BY].iter().any(|begin| value.starts_with(begin));
    let marks: Vec<String> = texts(&attributes, PHYSICAL).filter(is_mark).map(str::to_owned).collect();
    let switched = attributes.octets(METADATA).next().and_then(|octets| change_count(octets, IS_ENABLED));
    let last_used = attributes.text(STAMP).and_then(filetime).flatten();
    let text = |attribute: &str| attributes.text(attribute).map(str::to_owned);
    let enabled = flag(&attributes, "msDS-IsEnabled") == Some(true);
    let device = Device {
        id,
        object_guid: attributes.object_guid(),
        display_name: text("displayName").unwrap_or_default(),
        os_type: text("msDS-DeviceOSType"),
        os_version: text("msDS-DeviceOSVersion"),
        enabled,
        unused_since: marked_at(&marks, switched).filter(|at| !enabled && last_used.is_none_or(|used| used <= *at)),
        owner: sids(&attributes, "msDS-RegisteredOwner").next(),
        users: sids(&attributes, "msDS-RegisteredUsers").collect(),
        certificates: texts(&attributes, "altSecurityIdentities").filter_map(CertificateMark::from_text).collect(),
        keys: keys(&name, &attributes),
        trust_type: attributes.number("msDS-DeviceTrustType").and_then(|n| i32::try_from(n).ok()).map(TrustType),
        computer_sid: sids(&attributes, "msDS-ComputerSID").next(),
        is_managed: flag(&attributes, "msDS-IsManaged"),
        is_compliant: flag(&attributes, "msDS-IsCompliant"),
        written_back: attributes.octets("msDS-CloudAnchor").next().is_some(),
        last_used,
        registered: attributes.text("whenCreated").and_then(generalized_time),
    };
    Ok(Found { name, device, begun_only, marks, switched })
}

/// When a sweep wrote its mark. It counts only on a device that is disabled, by the change that the mark names, and was not used since:
/// on any other one somebody enabled the device after the sweep, with a tool that knows no marks, and who disabled it then was no sweep.
fn marked_at(marks: &[String], switched: Option<u32>) -> Option<UtcTime> {
    let number = |begin: &str| marks.iter().filter_map(|mark| mark.strip_prefix(begin)?.parse::<i64>().ok()).max();
    let other_change = number(BY).zip(switched).is_some_and(|(marked, switched)| marked != i64::from(switched));
    let is_marked = marks.iter().any(|mark| mark == UNUSED) && !other_change;
    number(SINCE).filter(|_| is_marked).map(UtcTime::from_unix_seconds)
}

/// The keys in `msDS-KeyCredentialLink`. One that does not decode is somebody else's: it is passed over.
pub(super) fn keys(name: &str, attributes: &Attributes) -> Vec<DeviceKey> {
    let decode = |value: &[u8]| {
        let value = DnBinary::parse(std::str::from_utf8(value).ok()?)?;
        match key_credential::decode(&value.octets) {
            Ok(key) => Some(key),
            Err(error) => {
                tracing::debug!(object = name, %error, "a key is passed over");
                None
            }
        }
    };
    attributes.octets("msDS-KeyCredentialLink").filter_map(decode).collect()
}

fn texts<'a>(attributes: &'a Attributes, name: &str) -> impl Iterator<Item = &'a str> {
    attributes.octets(name).filter_map(|octets| std::str::from_utf8(octets).ok())
}

fn sids(attributes: &Attributes, name: &str) -> impl Iterator<Item = Sid> {
    attributes.octets(name).filter_map(|octets| Sid::from_bytes(octets).ok())
}

fn flag(attributes: &Attributes, name: &str) -> Option<bool> {
    match attributes.text(name)? {
        "TRUE" => Some(true),
        "FALSE" => Some(false),
        _ => None,
    }
}

/// Value of `msDS-DevicePhysicalIDs` of an object whose registration is under way. Two operations make a device with a key, because
/// the key's link needs an object to lead to; what a crash leaves between them is told by this, and swept.
pub(super) const BEGUN: &str = "[CHANCERY]:registration under way";
/// Value of `msDS-DevicePhysicalIDs` of a device that a sweep disabled; beside it stands since when.
pub(super) const UNUSED: &str = "[CHANCERY]:unused";
/// Begin of the value that says since when, in seconds since 1970.
pub(super) const SINCE: &str = "[CHANCERY]:unused since ";
/// Begin of the value that says by which change of `msDS-IsEnabled`, counted from the first one.
pub(super) const BY: &str = "[CHANCERY]:unused by change ";
/// The attribute of these marks.
pub(super) const PHYSICAL: &str = "msDS-DevicePhysicalIDs";
/// The attribute that says when the device was last used.
pub(super) const STAMP: &str = "msDS-ApproximateLastLogonTimeStamp";

const METADATA: &str = "replPropertyMetaData";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::samples;
    use crate::directory::{AttributeName, AttributeValue};

    fn object(enabled: bool, marks: &[&str], last_used: Option<UtcTime>) -> NamedObject {
        let mut attributes = Attributes::default();
        let mut add = |name: &str, values: Vec<AttributeValue>| attributes.insert(AttributeName::new(name), values);
        let text = |text: &str| AttributeValue::Text(text.to_owned());
        add("msDS-DeviceID", vec![AttributeValue::Octets(samples::device_id().0.to_bytes_le().to_vec())]);
        add("msDS-IsEnabled", vec![text(if enabled { "TRUE" } else { "FALSE" })]);
        add(PHYSICAL, marks.iter().map(|mark| text(mark)).collect());
        add(STAMP, last_used.iter().map(|at| text(&at.to_filetime().to_string())).collect());
        NamedObject { name: String::from("CN=x"), attributes }
    }

    #[test]
    fn the_mark_of_a_sweep_counts_until_something_happens() {
        let at = UtcTime::from_unix_seconds;
        let unused_since = |enabled, marks: &[&str], last_used| {
            let found = read(object(enabled, marks, last_used)).unwrap();
            assert!(found.marks.iter().all(|mark| mark.starts_with(UNUSED)), "{:?}", found.marks);
            (found.device.unused_since, found.marks.len())
        };
        let marks = [UNUSED, "[CHANCERY]:unused since 1800000000", "[USER-HWID]:somebody else's"];
        assert_eq!(unused_since(false, &marks, Some(at(1_700_000_000))), (Some(at(1_800_000_000)), 2));
        assert_eq!(unused_since(false, &marks, None), (Some(at(1_800_000_000)), 2), "never used");
        // Somebody enabled it; and it was used before somebody else disabled it.
        assert_eq!(unused_since(true, &marks, Some(at(1_700_000_000))), (None, 2));
        assert_eq!(unused_since(false, &marks, Some(at(1_800_000_001))), (None, 2));
        // Half a mark is none.
        assert_eq!(unused_since(false, &[UNUSED], None), (None, 1));
        assert_eq!(unused_since(false, &["[CHANCERY]:unused since 1800000000"], None), (None, 1));
        assert_eq!(unused_since(false, &["[CHANCERY]:unused since never", UNUSED], None), (None, 2));
    }

    /// Enabled and disabled again, and never used in between.
    #[test]
    fn the_mark_of_a_sweep_counts_for_its_own_change() {
        let since = |by: &[&str], switched: Option<u32>| {
            let marks = [&[UNUSED, "[CHANCERY]:unused since 1800000000"], by].concat();
            let mut object = object(false, &marks, None);
            if let Some(count) = switched {
                let mut octets = [1, 0, 1, 0, IS_ENABLED, count].map(u32::to_le_bytes).concat();
                octets.extend([0xee; 40]);
                object.attributes.insert(AttributeName::new(METADATA), vec![AttributeValue::Octets(octets)]);
            }
            read(object).unwrap().device.unused_since.is_some()
        };
        let by = ["[CHANCERY]:unused by change 4"];
        assert!(since(&by, Some(4)));
        assert!(!since(&by, Some(6)) && !since(&by, Some(3)));
        // A mark of an earlier version, and a directory that does not say.
        assert!(since(&[], Some(6)) && since(&by, None));
    }
}
