//! What a directory lacks of what device registration needs: objects, values and rights. Nothing that is there is changed.

use std::collections::BTreeMap;

use super::Forest;
use super::account::ServiceAccount;
use super::connection_point::{Conflict, Destination};
use super::rights::Grant;
use super::schema::Schema;
use crate::directory::Sid;
use crate::directory::ldap::{NamedObject, ObjectChange, ObjectError, Objects, ValueChange};
use crate::directory::security_descriptor::AccessList;

/// What is wanted.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// Where computers are led, if that is to be written.
    pub(super) destination: Option<Destination>,
    /// The directory keeps devices, with these settings.
    pub(super) devices: Option<Settings>,
    /// Units on whose users keys are kept.
    pub(super) key_units: Vec<String>,
}

/// Settings of a new service's object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) quota: u32,
    pub(super) inactivity_days: u32,
}

/// What is there.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) forest: Forest,
    pub(super) account: ServiceAccount,
    pub(super) has_keys: bool,
    /// The container that devices are in, by the service's object; or where it will be.
    container: String,
    /// The objects that are there, and their access control lists where these can be read.
    there: BTreeMap<String, Option<AccessList>>,
    point: Option<NamedObject>,
}

/// What is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Objects, each below one that stands before it or is there; and values.
    pub(super) changes: Vec<ObjectChange>,
    /// Rights.
    pub(super) grants: Vec<Grant>,
}

impl Found {
    /// Looks at one domain controller. `account` names the one that gets the rights; it is the one that asks when nothing is named.
    pub(super) async fn read(
        objects: &mut Objects,
        account: Option<&str>,
        wanted: &Wanted,
    ) -> Result<Self, ObjectError> {
        let forest = Forest::read(objects).await?;
        let account = match account {
            Some(name) => ServiceAccount::named(objects, &forest, name).await?,
            None => ServiceAccount::bound(objects).await?,
        };
        let has_keys = Schema::read(objects, &forest).await?.has_keys();
        let container = forest.container(objects).await?;
        let mut there = BTreeMap::new();
        let own = [&container, &forest.registration(), &forest.services(), &forest.service()].map(String::clone);
        for name in own.iter().chain(&wanted.key_units) {
            if objects.read(name, &["objectClass"]).await?.is_some() {
                let descriptor = objects.read_access(name).await?;
                there.insert(name.clone(), descriptor.and_then(|descriptor| descriptor.access));
            } else if wanted.key_units.contains(name) {
                return Err(ObjectError::NotFound { name: name.clone() });
            }
        }
        let point = objects.read(&forest.connection_point(), &["keywords"]).await?;
        Ok(Self { forest, account, has_keys, container, there, point })
    }

    /// What is missing.
    ///
    /// # Errors
    /// [`Conflict`] where the connection point leads elsewhere.
    pub(super) fn plan(&self, wanted: &Wanted) -> Result<Plan, Conflict> {
        let mut changes = Vec::new();
        if let Some(settings) = wanted.devices {
            changes.push(add(&self.container, "msDS-DeviceContainer", &[]));
            changes.push(add(&self.forest.registration(), "container", &[]));
            changes.push(add(&self.forest.services(), "msDS-DeviceRegistrationServiceContainer", &[]));
            changes.push(self.service(settings));
        } else if wanted.destination.is_some() {
            changes.push(add(&self.forest.registration(), "container", &[]));
        }
        changes.retain(|change| !self.there.contains_key(change.name()));
        if let Some(destination) = &wanted.destination {
            changes.extend(self.connection_point(destination)?);
        }
        Ok(Plan { changes, grants: self.grants(wanted) })
    }

    fn service(&self, settings: Settings) -> ObjectChange {
        let attributes = [
            ("msDS-DeviceLocation", self.container.clone()),
            ("msDS-IsEnabled", String::from("TRUE")),
            ("msDS-RegistrationQuota", settings.quota.to_string()),
            ("msDS-MaximumRegistrationInactivityPeriod", settings.inactivity_days.to_string()),
        ];
        add(&self.forest.service(), "msDS-DeviceRegistrationService", &attributes)
    }

    fn connection_point(&self, destination: &Destination) -> Result<Option<ObjectChange>, Conflict> {
        let missing = destination.missing(self.point.as_ref())?;
        let name = self.forest.connection_point();
        if missing.is_empty() {
            return Ok(None);
        }
        let values: Vec<Vec<u8>> = missing.into_iter().map(String::into_bytes).collect();
        Ok(Some(if self.point.is_some() {
            let parts = vec![(String::from("keywords"), ValueChange::Add(values))];
            ObjectChange::Modify { name, parts }
        } else {
            let class = (String::from("objectClass"), vec![b"serviceConnectionPoint".to_vec()]);
            ObjectChange::Add { name, attributes: vec![class, (String::from("keywords"), values)] }
        }))
    }

    fn grants(&self, wanted: &Wanted) -> Vec<Grant> {
        let who = self.account.sid.unwrap_or(UNKNOWN);
        let mut grants = Vec::new();
        if wanted.devices.is_some() {
            grants.push(Grant::of_devices(&self.container, who));
            grants.push(Grant::of_service(self.forest.service(), who));
        }
        grants.extend(wanted.key_units.iter().map(|unit| Grant::of_users(unit, who)));
        let missing = |grant: Grant| {
            let access = self.there.get(&grant.name).and_then(Option::as_ref);
            grant.missing(access, &self.account.sids)
        };
        grants.into_iter().filter_map(missing).collect()
    }
}

impl Plan {
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.grants.is_empty()
    }
}

fn add(name: &str, class: &str, attributes: &[(&str, String)]) -> ObjectChange {
    let class = [("objectClass", class.to_owned())];
    let attributes = class.iter().chain(attributes);
    let attributes = attributes.map(|(name, value)| ((*name).to_owned(), vec![value.as_bytes().to_vec()])).collect();
    ObjectChange::Add { name: name.to_owned(), attributes }
}

/// `S-1-0-0`, nobody: stands for an account that the directory does not name.
pub(super) const UNKNOWN: Sid = Sid::NOBODY;

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::directory::{AttributeName, AttributeValue, Attributes};

    pub(in super::super) const ACCOUNT: &str = "S-1-5-21-1004336348-1177238915-682003330-1118";

    /// A forest whose devices are in the domain `corp.example`, a child of `forest.example`. Nothing is there.
    pub(in super::super) fn fresh() -> Found {
        let forest = Forest {
            domain: String::from("DC=corp,DC=forest,DC=example"),
            configuration: String::from("CN=Configuration,DC=forest,DC=example"),
            schema: String::from("CN=Schema,CN=Configuration,DC=forest,DC=example"),
        };
        let sid: Sid = ACCOUNT.parse().unwrap();
        let account = ServiceAccount { name: format!("svc-sts ({sid})"), sid: Some(sid), sids: vec![sid] };
        let container = forest.devices();
        Found { forest, account, has_keys: true, container, there: BTreeMap::new(), point: None }
    }

    pub(in super::super) fn wanted() -> Wanted {
        let host = String::from("enterpriseregistration.corp.example");
        Wanted {
            destination: Some(Destination::Here { names: vec![host.clone()], host }),
            devices: Some(Settings { quota: 10, inactivity_days: 90 }),
            key_units: vec![String::from("OU=Staff,DC=corp,DC=forest,DC=example")],
        }
    }

    fn point(keywords: &[&str]) -> NamedObject {
        let mut attributes = Attributes::default();
        let values = keywords.iter().map(|keyword| AttributeValue::Text((*keyword).to_owned())).collect();
        attributes.insert(AttributeName::new("keywords"), values);
        NamedObject { name: String::new(), attributes }
    }

    /// Everything that was planned is there.
    fn carried_out(mut found: Found, plan: &Plan) -> Found {
        for change in &plan.changes {
            found.there.insert(change.name().to_owned(), Some(AccessList::default()));
        }
        for grant in &plan.grants {
            let access = found.there.entry(grant.name.clone()).or_default().get_or_insert_default();
            grant.entries.iter().for_each(|entry| access.add(entry));
        }
        found
    }

    #[test]
    fn what_was_carried_out_is_not_missing_any_more() {
        let (found, wanted) = (fresh(), wanted());
        let plan = found.plan(&wanted).unwrap();
        assert_eq!((plan.changes.len(), plan.grants.len()), (5, 3));
        let mut found = carried_out(found, &plan);
        found.point = Some(point(&["enterpriseDrsName:enterpriseregistration.corp.example"]));
        assert_eq!(found.plan(&wanted), Ok(Plan::default()));
    }

    #[test]
    fn a_forest_that_was_prepared_by_others_keeps_what_it_has() {
        let (mut found, wanted) = (fresh(), wanted());
        // AD FS of another domain made it.
        found.container = String::from("CN=RegisteredDevices,DC=forest,DC=example");
        for name in [found.container.clone(), found.forest.registration(), found.forest.services()] {
            found.there.insert(name, None);
        }
        found.there.insert(found.forest.service(), None);
        let plan = found.plan(&wanted).unwrap();
        assert_eq!(plan.changes.len(), 1, "the connection point alone: {:?}", plan.changes);
        assert_eq!(plan.grants[0].name, found.container, "where the devices are");
    }

    #[test]
    fn keywords_are_added_to_a_connection_point_without() {
        let (mut found, mut wanted) = (fresh(), wanted());
        found.point = Some(point(&["other:x"]));
        wanted.devices = None;
        let plan = found.plan(&wanted).unwrap();
        assert!(matches!(&plan.changes[..], [ObjectChange::Add { .. }, ObjectChange::Modify { .. }]), "{plan:?}");
        wanted.destination = None;
        wanted.key_units.clear();
        assert_eq!(found.plan(&wanted), Ok(Plan::default()), "nothing is wanted");
    }

    #[test]
    fn a_connection_point_that_leads_elsewhere_is_left_alone() {
        let (mut found, wanted) = (fresh(), wanted());
        for keyword in ["azureADId:x", "azureADName:corp.example", "enterpriseDrsName:sts.elsewhere.example"] {
            found.point = Some(point(&[keyword]));
            let conflict = found.plan(&wanted).unwrap_err();
            assert!(conflict.to_string().contains(keyword), "{conflict}");
        }
    }
}
