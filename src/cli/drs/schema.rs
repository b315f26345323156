//! What the schema of a forest has for devices.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::rights::WRITTEN;
use super::{Forest, NEW_ATTRIBUTES};
use crate::directory::filter::Filter;
use crate::directory::ldap::{NamedObject, ObjectError, Objects};

/// Classes and attributes, by their names in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Schema(BTreeMap<String, Vec<Uuid>>);

impl Schema {
    /// Asks for everything that device registration knows by name. By the names themselves: a directory that was extended keeps its old
    /// version number.
    pub(super) async fn read(objects: &mut Objects, forest: &Forest) -> Result<Self, ObjectError> {
        let names = CLASSES.iter().chain(&NEW_ATTRIBUTES).chain(&WRITTEN);
        let any = names.map(|name| Filter::equal("lDAPDisplayName", name)).collect();
        let attributes = ["lDAPDisplayName", "schemaIDGUID", "attributeSecurityGUID"];
        let found = objects.find(&forest.schema, &Filter::Any(any).to_string(), &attributes, 64).await?;
        let of = |object: NamedObject| {
            let name = object.attributes.text("lDAPDisplayName")?.to_ascii_lowercase();
            let guid = |attribute| object.attributes.octets(attribute).next()?.try_into().ok().map(Uuid::from_bytes_le);
            Some((name, attributes.iter().skip(1).filter_map(|attribute| guid(attribute)).collect()))
        };
        Ok(Self(found.into_iter().filter_map(of).collect()))
    }

    /// Classes that are missing.
    pub(super) fn missing_classes(&self) -> String {
        self.missing(&CLASSES)
    }

    /// Attributes of Windows Server 2016 that are missing.
    pub(super) fn missing_attributes(&self) -> String {
        self.missing(&NEW_ATTRIBUTES)
    }

    /// Whether keys can be kept.
    pub(super) fn has_keys(&self) -> bool {
        self.attribute("msDS-KeyCredentialLink").is_some()
    }

    /// What an attribute is called in access control lists: its own GUID, then that of the set it belongs to.
    pub(super) fn attribute(&self, name: &str) -> Option<Vec<Uuid>> {
        self.0.get(&name.to_ascii_lowercase()).cloned()
    }

    fn missing(&self, names: &[&str]) -> String {
        let missing: Vec<&str> = names.iter().copied().filter(|name| self.attribute(name).is_none()).collect();
        missing.join(", ")
    }

    #[cfg(test)]
    pub(super) fn complete() -> Self {
        let names = CLASSES.iter().chain(&NEW_ATTRIBUTES).chain(&WRITTEN).enumerate();
        let guids = |number: usize| vec![Uuid::from_u128(number as u128 + 100), Uuid::from_u128(1)];
        Self(names.map(|(number, name)| (name.to_ascii_lowercase(), guids(number))).collect())
    }
}

const CLASSES: [&str; 3] = ["msDS-Device", "msDS-DeviceContainer", "msDS-DeviceRegistrationService"];
