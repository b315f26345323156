//! A registration as changes of directory objects.

use crate::clock::UtcTime;
use crate::devices::codec::dn_binary::DnBinary;
use crate::devices::codec::key_credential::{self, USAGE_SESSION_TRANSPORT};
use crate::devices::{DeviceId, DeviceKey, Registration, RegistryError};
use crate::directory::ldap::{ObjectChange, ValueChange};

use super::entry::{BEGUN, Found, PHYSICAL, SINCE, UNUSED};
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
/// replaced, so that what was copied from a lost machine is worth nothing any more.
pub(super) fn again(registration: &Registration, name: &str, schema: Schema) -> Result<ObjectChange, RegistryError> {
    let described = described(registration, schema).into_iter();
    let mut parts: Vec<_> = described.map(|(name, values)| (name, ValueChange::Replace(values))).collect();
    parts.extend(keys(registration, name, schema)?);
    Ok(ObjectChange::Modify { name: name.to_owned(), parts })
}

/// `msDS-IsEnabled`, as an administrator sets it: the mark of a sweep goes.
pub(super) fn enabled(found: &Found, enabled: bool) -> ObjectChange {
    let parts = [switch(enabled)].into_iter().chain(unmark(found)).collect();
    ObjectChange::Modify { name: found.name.clone(), parts }
}

/// A registration of a device that a sweep disabled: it is used again.
pub(super) fn revive(
    registration: &Registration,
    found: &Found,
    schema: Schema,
) -> Result<ObjectChange, RegistryError> {
    let ObjectChange::Modify { name, mut parts } = again(registration, &found.name, schema)? else {
        return Err(RegistryError::Refused { reason: String::from("a registration is a change") });
    };
    parts.push(switch(true));
    parts.extend(unmark(found));
    Ok(ObjectChange::Modify { name, parts })
}

/// What a sweep does first.
pub(super) fn disable_unused(found: &Found, now: UtcTime) -> ObjectChange {
    let mark = ValueChange::Add(marks(now));
    ObjectChange::Modify { name: found.name.clone(), parts: vec![switch(false), (PHYSICAL.to_owned(), mark)] }
}

fn switch(enabled: bool) -> (String, ValueChange) {
    let value = if enabled { b"TRUE".to_vec() } else { b"FALSE".to_vec() };
    (String::from("msDS-IsEnabled"), ValueChange::Replace(vec![value]))
}

/// Only the marks: other values are somebody else's.
fn unmark(found: &Found) -> Option<(String, ValueChange)> {
    found.marked.map(|since| (PHYSICAL.to_owned(), ValueChange::Remove(marks(since))))
}

fn marks(since: UtcTime) -> Vec<Vec<u8>> {
    vec![UNUSED.as_bytes().to_vec(), format!("{SINCE}{}", since.unix_seconds()).into_bytes()]
}

/// `msDS-ApproximateLastLogonTimeStamp`.
pub(super) fn used(name: &str, at: UtcTime) -> ObjectChange {
    let parts = vec![(String::from(STAMP), ValueChange::Replace(vec![stamp(at)]))];
    ObjectChange::Modify { name: name.to_owned(), parts }
}

/// One key more.
pub(super) fn add_key(name: &str, key: &DeviceKey) -> Result<ObjectChange, RegistryError> {
    let parts = vec![(String::from("msDS-KeyCredentialLink"), ValueChange::Add(vec![link(name, key)?]))];
    Ok(ObjectChange::Modify { name: name.to_owned(), parts })
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

fn link(name: &str, key: &DeviceKey) -> Result<Vec<u8>, RegistryError> {
    let octets = key_credential::encode(key).map_err(|error| RegistryError::Refused { reason: error.to_string() })?;
    Ok(DnBinary { octets, name: name.to_owned() }.to_string().into_bytes())
}

fn stamp(at: UtcTime) -> Vec<u8> {
    at.to_filetime().to_string().into_bytes()
}

const STAMP: &str = "msDS-ApproximateLastLogonTimeStamp";

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
        let changes = [complete(&registration(), "CN=x", old), again(&registration(), "CN=x", old)];
        let named = changes.into_iter().flat_map(|change| modified(change.unwrap())).map(|(name, _)| name);
        for name in added(old).into_iter().chain(named) {
            assert!(!new.contains(&name.as_str()), "{name}");
        }
        let full = modified(again(&registration(), "CN=x", FULL).unwrap());
        assert!(new.iter().all(|name| full.iter().any(|(named, _)| named == name)));
    }

    #[test]
    fn registering_again_never_enables() {
        let parts = modified(again(&registration(), "CN=x", FULL).unwrap());
        assert!(parts.iter().all(|(name, _)| name != "msDS-IsEnabled"));
        assert!(parts.iter().all(|(_, change)| matches!(change, ValueChange::Replace(_))));
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
