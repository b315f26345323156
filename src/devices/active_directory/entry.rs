//! A device out of an object of class `msDS-Device`.

use uuid::Uuid;

use crate::clock::UtcTime;
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
    "msDS-DevicePhysicalIDs",
    "msDS-RegisteredOwner",
    "msDS-RegisteredUsers",
    "msDS-ApproximateLastLogonTimeStamp",
    "msDS-IsManaged",
    "msDS-CloudAnchor",
    "msDS-IsCompliant",
    "msDS-ComputerSID",
    "msDS-DeviceTrustType",
    "msDS-KeyCredentialLink",
    "whenCreated",
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
    /// When a sweep disabled it, if one did.
    pub(super) marked: Option<UtcTime>,
}

/// The device that an object is. What others wrote into it and does not decode is left out, except its identifier.
pub(super) fn read(object: NamedObject) -> Result<Found, RegistryError> {
    let NamedObject { name, attributes } = object;
    let octets = attributes.octets("msDS-DeviceID").next().and_then(|octets| octets.try_into().ok());
    let id = octets.map(|octets| DeviceId(Uuid::from_bytes_le(octets))).ok_or_else(|| RegistryError::Damaged {
        what: name.clone(),
        reason: String::from("msDS-DeviceID is missing or not of 16 octets"),
    })?;
    let marks = || texts(&attributes, PHYSICAL);
    let begun_only = marks().any(|value| value == BEGUN);
    let marked = marks().any(|value| value == UNUSED).then(|| marks().find_map(|value| value.strip_prefix(SINCE)));
    let marked = marked.flatten().and_then(|at| at.parse().ok()).map(UtcTime::from_unix_seconds);
    let text = |attribute: &str| attributes.text(attribute).map(str::to_owned);
    let enabled = flag(&attributes, "msDS-IsEnabled") == Some(true);
    let device = Device {
        id,
        object_guid: attributes.object_guid(),
        display_name: text("displayName").unwrap_or_default(),
        os_type: text("msDS-DeviceOSType"),
        os_version: text("msDS-DeviceOSVersion"),
        enabled,
        // A mark on a device that somebody enabled since says nothing.
        unused_since: marked.filter(|_| !enabled),
        owner: sids(&attributes, "msDS-RegisteredOwner").next(),
        users: sids(&attributes, "msDS-RegisteredUsers").collect(),
        certificates: texts(&attributes, "altSecurityIdentities").filter_map(CertificateMark::from_text).collect(),
        keys: keys(&name, &attributes),
        trust_type: attributes.number("msDS-DeviceTrustType").and_then(|n| i32::try_from(n).ok()).map(TrustType),
        computer_sid: sids(&attributes, "msDS-ComputerSID").next(),
        is_managed: flag(&attributes, "msDS-IsManaged"),
        is_compliant: flag(&attributes, "msDS-IsCompliant"),
        written_back: attributes.octets("msDS-CloudAnchor").next().is_some(),
        last_used: attributes.text("msDS-ApproximateLastLogonTimeStamp").and_then(filetime).flatten(),
        registered: attributes.text("whenCreated").and_then(generalized_time),
    };
    Ok(Found { name, device, begun_only, marked })
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
/// The attribute of these marks.
pub(super) const PHYSICAL: &str = "msDS-DevicePhysicalIDs";
