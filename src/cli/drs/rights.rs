//! The rights of the service account: which it needs, which it has, and how it gets them.

use uuid::Uuid;

use super::schema::Schema;
use super::{DEVICE_CLASS, ISSUERS, KEY_LINK, LEASE, USER_CLASS};
use crate::directory::Sid;
use crate::directory::ldap::{ObjectChange, ObjectError, Objects};
use crate::directory::security_descriptor::{AccessList, Ace, Effect, Right, flags, rights};

/// Entries of the access control list of one object, for the service account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grant {
    /// The object.
    pub(super) name: String,
    /// What they are for.
    pub(super) what: &'static str,
    /// In SDDL they stand one behind the other.
    pub(super) entries: Vec<Ace>,
}

impl Grant {
    /// Making, changing and deleting devices below their container.
    pub(super) fn of_devices(container: &str, who: Sid) -> Self {
        let device = rights::READ_PROPERTY
            | rights::WRITE_PROPERTY
            | rights::DELETE
            | rights::DELETE_TREE
            | rights::LIST
            | rights::LIST_OBJECT
            | rights::READ_CONTROL;
        let entries = vec![
            allow(rights::CREATE_CHILD | rights::DELETE_CHILD, Some(DEVICE_CLASS), None, who),
            allow(device, None, Some(DEVICE_CLASS), who),
        ];
        Self { name: container.to_owned(), what: "create, change and delete devices", entries }
    }

    /// Reading the service's object, and writing what servers write there.
    pub(super) fn of_service(service: String, who: Sid) -> Self {
        let read =
            rights::READ_PROPERTY | rights::CONTROL_ACCESS | rights::LIST | rights::LIST_OBJECT | rights::READ_CONTROL;
        let entries = vec![
            allow(read, None, None, who),
            allow(rights::WRITE_PROPERTY, Some(ISSUERS), None, who),
            allow(rights::WRITE_PROPERTY, Some(LEASE), None, who),
        ];
        let what = "read the service, publish the authority, agree with other servers on who sweeps";
        Self { name: service, what, entries }
    }

    /// Keeping keys of Windows Hello on the users of a unit.
    pub(super) fn of_users(unit: &str, who: Sid) -> Self {
        let mask = rights::READ_PROPERTY | rights::WRITE_PROPERTY;
        let entries = vec![allow(mask, Some(KEY_LINK), Some(USER_CLASS), who)];
        Self { name: unit.to_owned(), what: "keep keys of Windows Hello on the users below it", entries }
    }

    /// Those entries whose rights the account lacks; `None` when it lacks none.
    pub(super) fn missing(mut self, access: Option<&AccessList>, sids: &[Sid]) -> Option<Self> {
        if let Some(access) = access {
            self.entries.retain(|entry| !access.has(sids, entry));
        }
        (!self.entries.is_empty()).then_some(self)
    }

    /// Adds the entries to the object's list as it is now.
    pub(super) async fn write(&self, objects: &mut Objects) -> Result<(), ObjectError> {
        let name = self.name.clone();
        let Some(mut descriptor) = objects.read_access(&name).await? else {
            return Err(ObjectError::NotFound { name });
        };
        let damaged = |reason: String| ObjectError::Damaged { name: name.clone(), reason };
        let Some(access) = &mut descriptor.access else {
            return Err(damaged(String::from("it has no access control list: everybody may do everything with it")));
        };
        for entry in &self.entries {
            access.add(entry);
        }
        let descriptor = descriptor.to_bytes().map_err(|error| damaged(error.to_string()))?;
        objects.change(&ObjectChange::Protect { name, descriptor }).await
    }
}

/// What the account may not do with devices of this container: attributes it cannot write, and whether it cannot delete.
pub(super) fn lacking(access: &AccessList, sids: &[Sid], schema: &Schema) -> (Vec<&'static str>, bool) {
    let write = |attribute: &&&str| {
        let object = schema.attribute(attribute);
        // What the schema lacks is not written.
        object.is_some_and(|object| {
            !access.grants_below(sids, DEVICE_CLASS, &Right { mask: rights::WRITE_PROPERTY, object })
        })
    };
    let unwritable = WRITTEN.iter().filter(write).copied().collect();
    let itself = Right { mask: rights::DELETE, object: Vec::new() };
    let child = Right { mask: rights::DELETE_CHILD, object: vec![DEVICE_CLASS] };
    let deletes = access.grants_below(sids, DEVICE_CLASS, &itself) || access.grants(sids, &child);
    (unwritable, !deletes)
}

/// Objects of the class inherit an entry that is made for it.
const fn allow(mask: u32, object: Option<Uuid>, inherited_by: Option<Uuid>, who: Sid) -> Ace {
    let flags = if inherited_by.is_some() { flags::CONTAINER_INHERIT | flags::INHERIT_ONLY } else { 0 };
    Ace { effect: Effect::Allow, flags, mask, object, inherited_by, who }
}

/// What the registry writes of a device that is there.
pub(super) const WRITTEN: [&str; 14] = [
    "displayName",
    "altSecurityIdentities",
    "msDS-IsEnabled",
    "msDS-DeviceOSType",
    "msDS-DeviceOSVersion",
    "msDS-DevicePhysicalIDs",
    "msDS-DeviceObjectVersion",
    "msDS-RegisteredOwner",
    "msDS-RegisteredUsers",
    "msDS-ApproximateLastLogonTimeStamp",
    "msDS-CloudIsManaged",
    "msDS-DeviceTrustType",
    "msDS-ComputerSID",
    "msDS-KeyCredentialLink",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::security_descriptor::SecurityDescriptor;

    const ACCOUNT: &str = "S-1-5-21-1004336348-1177238915-682003330-1118";

    /// The list of the lab's container, which has what the service account needs.
    fn of_the_lab() -> AccessList {
        use base64::Engine as _;
        let text = include_str!("../../directory/security_descriptor/container.b64").replace('\n', "");
        let octets = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
        SecurityDescriptor::from_bytes(&octets).unwrap().access.unwrap()
    }

    #[test]
    fn what_is_given_is_missed_by_nobody_who_has_it() {
        let account: Sid = ACCOUNT.parse().unwrap();
        let access = of_the_lab();
        let grant = || Grant::of_devices("CN=RegisteredDevices", account);
        assert_eq!(grant().missing(Some(&access), &[account]), None);
        assert_eq!(grant().missing(Some(&access), &[Sid::EVERYONE]), Some(grant()));
        assert_eq!(grant().missing(None, &[account]), Some(grant()));
        // Administrators have it by what the container inherits, but for what their own list of the class gives.
        let administrators = "S-1-5-21-1004336348-1177238915-682003330-512".parse().unwrap();
        assert_eq!(grant().missing(Some(&access), &[administrators]).unwrap().entries.len(), 1);
    }

    #[test]
    fn each_entry_is_needed() {
        let account: Sid = ACCOUNT.parse().unwrap();
        let schema = Schema::complete();
        let own = |entries: &[Ace]| {
            let mut access = AccessList::default();
            for entry in entries {
                access.add(entry);
            }
            lacking(&access, &[account], &schema)
        };
        let [children, devices]: [Ace; 2] = Grant::of_devices("", account).entries.try_into().unwrap();
        assert_eq!(own(&[children.clone(), devices.clone()]), (Vec::new(), false));
        assert_eq!(own(std::slice::from_ref(&devices)), (Vec::new(), false), "creating is another question");
        assert_eq!(own(&[children]), (WRITTEN.to_vec(), false), "deleting a child is enough");
        let read_only = Ace { mask: rights::READ_PROPERTY, ..devices.clone() };
        assert_eq!(own(&[read_only]), (WRITTEN.to_vec(), true));
        // By one attribute alone, and by the set of attributes that it belongs to.
        let attribute = schema.attribute("altSecurityIdentities").unwrap();
        for object in attribute {
            let one = Ace { object: Some(object), ..devices.clone() };
            assert!(!own(&[one]).0.contains(&"altSecurityIdentities"), "{object}");
        }
    }
}
