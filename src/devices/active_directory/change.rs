//! A registration as changes of directory objects.

use crate::clock::UtcTime;
use crate::devices::codec::dn_binary::DnBinary;
use crate::devices::codec::key_credential::{self, USAGE_SESSION_TRANSPORT};
use crate::devices::{DeviceId, DeviceKey, Registration, RegistryError};
use crate::directory::ldap::{ObjectChange, ValueChange};

use super::entry::{BEGUN, BY, Found, PHYSICAL, SINCE, STAMP, UNUSED};
use super::place::Schema;

/// The distinguished name of a device this registry makes.
pub(super) fn name(id: DeviceId, container: &str) -> String {
    format!("CN={id},{container}")
}

/// First half of a new device: everything but its key, and not yet a device.
pub(super) fn begin(registration: &Registration, container: &str, schema: Schema) -> ObjectChange {
    let mut attributes = vec![
        (String::from("objectClass"), vec![b"msDS-Device".to_vec()]),
        (String::from("msDS-DeviceID"), vec![registration.id.0.to_bytes_le().to_vec()]),
        (String::from("msDS-IsEnabled"), vec![b"FALSE".to_vec()]),
        (String::from("msDS-DevicePhysicalIDs"), vec![BEGUN.as_bytes().to_vec()]),
    ];
    // An add takes no empty values; what is empty is not there.
    attributes.extend(described(registration, schema).into_iter().filter(|(_, values)| !values.is_empty()));
    ObjectChange::Add { name: name(registration.id, container), attributes }
}

/// Second half: the key, and it is a device.
pub(super) fn complete(registration: &Registration, name: &str, schema: Schema) -> Result<ObjectChange, RegistryError> {
    let mut parts = vec![
        (String::from("msDS-IsEnabled"), ValueChange::Replace(vec![b"TRUE".to_vec()])),
        (String::from("msDS-DevicePhysicalIDs"), ValueChange::Replace(Vec::new())),
    ];
    parts.extend(keys(registration, name, schema)?);
    Ok(ObjectChange::Modify { name: name.to_owned(), parts })
}

/// A registration of a device that is there: one change, which never touches `msDS-IsEnabled`. Certificates and keys of before are
/// replaced, so that what was copied from a lost machine is worth nothing any more; the mark of a sweep goes.
pub(super) fn again(registration: &Registration, found: &Found, schema: Schema) -> Result<ObjectChange, RegistryError> {
    let described = described(registration, schema).into_iter();
    let mut parts: Vec<_> = described.map(|(name, values)| (name, ValueChange::Replace(values))).collect();
    parts.extend(keys(registration, &found.name, schema)?);
    parts.extend(remark(found, &[]));
    Ok(ObjectChange::Modify { name: found.name.clone(), parts })
}

/// `msDS-IsEnabled`, as an administrator sets it: the mark of a sweep goes.
pub(super) fn enabled(found: &Found, enabled: bool) -> ObjectChange {
    let parts = [switch(enabled)].into_iter().chain(remark(found, &[])).collect();
    ObjectChange::Modify { name: found.name.clone(), parts }
}

/// A registration of a device that a sweep disabled: it is used again.
pub(super) fn revive(
    registration: &Registration,
    found: &Found,
    schema: Schema,
) -> Result<ObjectChange, RegistryError> {
    let ObjectChange::Modify { name, mut parts } = again(registration, found, schema)? else {
        return Err(RegistryError::Refused { reason: String::from("a registration is a change") });
    };
    parts.push(switch(true));
    Ok(ObjectChange::Modify { name, parts })
}

/// What a sweep does first. The mark of an earlier one, of a device that somebody enabled since, goes.
pub(super) fn disable_unused(found: &Found, now: UtcTime) -> ObjectChange {
    let mut marks = vec![UNUSED.to_owned(), format!("{SINCE}{}", now.unix_seconds())];
    // This one. Should another come between, the mark counts for neither, as if an administrator had disabled the device.
    marks.extend(found.switched.map(|count| format!("{BY}{}", u64::from(count) + 1)));
    let parts = [switch(false)].into_iter().chain(remark(found, &marks)).collect();
    ObjectChange::Modify { name: found.name.clone(), parts }
}

fn switch(enabled: bool) -> (String, ValueChange) {
    let value = if enabled { b"TRUE".to_vec() } else { b"FALSE".to_vec() };
    (String::from("msDS-IsEnabled"), ValueChange::Replace(vec![value]))
}

/// These marks instead of those that are there. Other values of the attribute are somebody else's, and a directory refuses to take a
/// value that it has or to give up one that it has not.
fn remark(found: &Found, marks: &[String]) -> Vec<(String, ValueChange)> {
    let without = |those: &[String], these: &[String]| -> Vec<Vec<u8>> {
        those.iter().filter(|mark| !these.contains(mark)).map(|mark| mark.clone().into_bytes()).collect()
    };
    let (gone, new) = (without(&found.marks, marks), without(marks, &found.marks));
    let remove = (!gone.is_empty()).then_some(ValueChange::Remove(gone));
    let add = (!new.is_empty()).then_some(ValueChange::Add(new));
    remove.into_iter().chain(add).map(|change| (PHYSICAL.to_owned(), change)).collect()
}

/// A use of an enabled device: what a sweep wrote before somebody enabled it says nothing any more.
pub(super) fn used(found: &Found, at: UtcTime) -> ObjectChange {
    let mut parts = vec![(String::from(STAMP), ValueChange::Replace(vec![stamp(at)]))];
    if !found.device.written_back {
        parts.extend(remark(found, &[]));
    }
    ObjectChange::Modify { name: found.name.clone(), parts }
}

/// What a registration says, attribute by attribute; an empty list where it says nothing.
fn described(registration: &Registration, schema: Schema) -> Vec<(String, Vec<Vec<u8>>)> {
    let text = |text: &str| if text.is_empty() { Vec::new() } else { vec![text.as_bytes().to_vec()] };
    let owner = registration.owner.to_bytes();
    let mut attributes = vec![
        ("displayName", text(&registration.display_name)),
        ("msDS-DeviceOSType", text(&registration.os_type)),
        ("msDS-DeviceOSVersion", text(&registration.os_version)),
        ("altSecurityIdentities", text(&registration.certificate.to_text())),
        ("msDS-RegisteredOwner", vec![owner.clone()]),
        ("msDS-RegisteredUsers", vec![owner]),
        (STAMP, vec![stamp(registration.at)]),
        ("msDS-CloudIsManaged", text("FALSE")),
        // Of a registration without trust type AD FS leaves the version out, too.
        ("msDS-DeviceObjectVersion", registration.trust_type.map(|_| b"2".to_vec()).into_iter().collect()),
    ];
    if schema.trust_type {
        let value = registration.trust_type.map(|kind| kind.0.to_string().into_bytes());
        attributes.push(("msDS-DeviceTrustType", value.into_iter().collect()));
    }
    if schema.computer_sid {
        let value = registration.computer_sid.map(|sid| sid.to_bytes());
        attributes.push(("msDS-ComputerSID", value.into_iter().collect()));
    }
    attributes.into_iter().map(|(name, values)| (name.to_owned(), values)).collect()
}

/// The session transport key instead of every key of before.
fn keys(
    registration: &Registration,
    name: &str,
    schema: Schema,
) -> Result<Option<(String, ValueChange)>, RegistryError> {
    if !schema.keys {
        return Ok(None);
    }
    let value = registration.transport_key.as_ref().map(|material| {
        let key = DeviceKey {
            usage: USAGE_SESSION_TRANSPORT,
            material: material.clone(),
            device: Some(registration.id),
            created: Some(registration.at),
        };
        link(name, &key)
    });
    let values = value.transpose()?.into_iter().collect();
    Ok(Some((String::from("msDS-KeyCredentialLink"), ValueChange::Replace(values))))
}

/// A key as `msDS-KeyCredentialLink` of the object `name` has it.
pub(super) fn link(name: &str, key: &DeviceKey) -> Result<Vec<u8>, RegistryError> {
    let octets = key_credential::encode(key).map_err(|error| RegistryError::Refused { reason: error.to_string() })?;
    Ok(DnBinary { octets, name: name.to_owned() }.to_string().into_bytes())
}

fn stamp(at: UtcTime) -> Vec<u8> {
    at.to_filetime().to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::{CertificateMark, TrustType, samples};

    const FULL: Schema = Schema { keys: true, trust_type: true, computer_sid: true };

    fn registration() -> Registration {
        let owner = "S-1-5-21-1-2-3-1107".parse().unwrap();
        Registration {
            id: samples::device_id(),
            display_name: String::from("MYPC"),
            os_type: String::from("Windows"),
            os_version: String::new(),
            owner,
            computer_sid: Some(owner),
            trust_type: Some(TrustType::DOMAIN),
            certificate: CertificateMark::of(&samples::certificate()).unwrap(),
            transport_key: Some(samples::transport_key().material),
            quota: None,
            at: UtcTime::from_filetime(134_116_560_000_000_000).unwrap(),
        }
    }

    fn found(marks: &[&str]) -> Found {
        let marks = marks.iter().map(|mark| (*mark).to_owned()).collect();
        let device = samples::device(samples::device_id());
        Found { name: String::from("CN=x"), device, begun_only: false, marks, switched: None }
    }

    fn added(schema: Schema) -> Vec<String> {
        let ObjectChange::Add { attributes, .. } = begin(&registration(), "CN=D", schema) else { panic!() };
        assert!(attributes.iter().all(|(_, values)| !values.is_empty() && values.iter().all(|v| !v.is_empty())));
        attributes.into_iter().map(|(name, _)| name).collect()
    }

    fn modified(change: ObjectChange) -> Vec<(String, ValueChange)> {
        let ObjectChange::Modify { parts, .. } = change else { panic!() };
        parts
    }

    /// A directory of 2012 R2 refuses a change that names what it does not know.
    #[test]
    fn without_the_schema_of_2016_its_attributes_are_not_named() {
        let new = ["msDS-KeyCredentialLink", "msDS-DeviceTrustType", "msDS-ComputerSID"];
        let old = Schema::default();
        let changes = [complete(&registration(), "CN=x", old), again(&registration(), &found(&[]), old)];
        let named = changes.into_iter().flat_map(|change| modified(change.unwrap())).map(|(name, _)| name);
        for name in added(old).into_iter().chain(named) {
            assert!(!new.contains(&name.as_str()), "{name}");
        }
        let full = modified(again(&registration(), &found(&[]), FULL).unwrap());
        assert!(new.iter().all(|name| full.iter().any(|(named, _)| named == name)));
    }

    #[test]
    fn registering_again_never_enables() {
        let parts = modified(again(&registration(), &found(&[]), FULL).unwrap());
        assert!(parts.iter().all(|(name, _)| name != "msDS-IsEnabled"));
        assert!(parts.iter().all(|(_, change)| matches!(change, ValueChange::Replace(_))));
    }

    fn marks_of(change: ObjectChange) -> Vec<ValueChange> {
        modified(change).into_iter().filter(|(name, _)| name == PHYSICAL).map(|(_, change)| change).collect()
    }

    /// Whatever is done to a device ends what a sweep said of it before.
    #[test]
    fn marks_go_with_whatever_happens_and_come_once() {
        let (now, old) = (UtcTime::from_unix_seconds(1_800_000_000), "[CHANCERY]:unused since 1700000000");
        let octets = |marks: &[&str]| marks.iter().map(|mark| mark.as_bytes().to_vec()).collect::<Vec<_>>();
        let marked = found(&[UNUSED, old]);
        for change in [
            again(&registration(), &marked, FULL).unwrap(),
            revive(&registration(), &marked, FULL).unwrap(),
            enabled(&marked, true),
            enabled(&marked, false),
            used(&marked, now),
        ] {
            assert_eq!(marks_of(change), [ValueChange::Remove(octets(&[UNUSED, old]))]);
        }
        let new = "[CHANCERY]:unused since 1800000000";
        let fresh = marks_of(disable_unused(&found(&[]), now));
        assert_eq!(fresh, [ValueChange::Add(octets(&[UNUSED, new]))]);
        let again = marks_of(disable_unused(&marked, now));
        assert_eq!(again, [ValueChange::Remove(octets(&[old])), ValueChange::Add(octets(&[new]))]);
        assert_eq!(marks_of(disable_unused(&found(&[UNUSED, new]), now)), []);
        let counted = marks_of(disable_unused(&Found { switched: Some(6), ..found(&[]) }, now));
        assert_eq!(counted, [ValueChange::Add(octets(&[UNUSED, new, "[CHANCERY]:unused by change 7"]))]);
        // What directory synchronisation has since is changed there, but for the stamp.
        let mut synced = marked;
        synced.device.written_back = true;
        assert_eq!(marks_of(used(&synced, now)), []);
    }

    #[test]
    fn a_device_is_none_until_its_second_half() {
        let ObjectChange::Add { attributes, .. } = begin(&registration(), "CN=D", FULL) else { panic!() };
        assert!(attributes.contains(&(String::from("msDS-IsEnabled"), vec![b"FALSE".to_vec()])));
        assert!(attributes.contains(&(String::from(PHYSICAL), vec![BEGUN.as_bytes().to_vec()])));
        let parts = modified(complete(&registration(), "CN=x", FULL).unwrap());
        assert!(parts.contains(&(String::from("msDS-IsEnabled"), ValueChange::Replace(vec![b"TRUE".to_vec()]))));
        assert!(parts.contains(&(String::from(PHYSICAL), ValueChange::Replace(Vec::new()))));
    }
}
