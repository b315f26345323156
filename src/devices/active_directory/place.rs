//! Where devices are in the directory, and what it can hold of them.

use crate::devices::authority::RegistryPlace;
use crate::devices::{DeviceService, RegistryError};
use crate::directory::filter::Filter;
use crate::directory::ldap::{NamedObject, Objects};
use crate::directory::{Attributes, ObjectGuid};

use super::failure::failed;

/// Read from the directory, and believed for a minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Distinguished name of the object `DeviceRegistrationService`.
    pub(super) service_name: String,
    /// `msDS-DeviceLocation`.
    pub(super) container: String,
    /// What the schema lacks or has.
    pub(super) schema: Schema,
    /// What the service's object and the domain say.
    pub(super) service: DeviceService,
    /// Authorities that the service's object names.
    pub(super) published_issuers: Vec<Vec<u8>>,
}

/// Attributes that came with Windows Server 2016.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Schema {
    /// `msDS-KeyCredentialLink`.
    pub(super) keys: bool,
    /// `msDS-DeviceTrustType`.
    pub(super) trust_type: bool,
    /// `msDS-ComputerSID`.
    pub(super) computer_sid: bool,
}

impl Place {
    /// Asks one domain controller.
    pub(super) async fn read(objects: &mut Objects) -> Result<Self, RegistryError> {
        let root = required(objects, "", ROOT, "the root of the directory").await?;
        let configuration = text(&root, "configurationNamingContext")?;
        let directory_service =
            required(objects, text(&root, "dsServiceName")?, &["invocationId"], "the directory service").await?;
        let domain = required(objects, text(&root, "defaultNamingContext")?, &["objectGUID"], "the domain").await?;
        let service_name = format!("{SERVICE},{configuration}");
        let service = objects.read(&service_name, SERVICE_ATTRIBUTES).await.map_err(|error| failed(&error))?;
        let service = service.ok_or_else(|| RegistryError::Refused {
            reason: format!("there is no object {service_name}: `chancery drs init` makes it"),
        })?;
        let attributes = &service.attributes;
        let container = text(&service, "msDS-DeviceLocation")?.to_owned();
        let schema = Schema::read(objects, text(&root, "schemaNamingContext")?).await?;
        let invocation = guid(&directory_service, "invocationId")?;
        let domain = domain.attributes.object_guid().ok_or_else(|| damaged(&domain, "objectGUID"))?;
        // Each attribute has its own room: however many servers have published theirs, Entra's are among them.
        let issuers = [ISSUERS, "msDS-CloudIssuerPublicCertificates"];
        let issuers = issuers.iter().flat_map(|name| attributes.octets(name).take(MAX_ISSUERS));
        Ok(Self {
            container,
            schema,
            service: DeviceService {
                enabled: attributes.text("msDS-IsEnabled").is_some_and(|value| value == "TRUE"),
                registration_quota: count(attributes, "msDS-RegistrationQuota", DEFAULT_QUOTA),
                maximum_inactivity_days: count(
                    attributes,
                    "msDS-MaximumRegistrationInactivityPeriod",
                    DEFAULT_INACTIVITY,
                ),
                place: RegistryPlace { invocation, domain },
                keeps_keys: schema.keys,
            },
            published_issuers: issuers.map(<[u8]>::to_vec).collect(),
            service_name,
        })
    }
}

impl Schema {
    /// By the attributes themselves: a directory that was extended keeps its old version number.
    async fn read(objects: &mut Objects, schema: &str) -> Result<Self, RegistryError> {
        let names = ["msDS-KeyCredentialLink", "msDS-DeviceTrustType", "msDS-ComputerSID"];
        let any = names.iter().map(|name| Filter::equal("lDAPDisplayName", name)).collect();
        let filter = Filter::All(vec![Filter::equal("objectClass", "attributeSchema"), Filter::Any(any)]).to_string();
        let found =
            objects.find(schema, &filter, &["lDAPDisplayName"], names.len()).await.map_err(|error| failed(&error))?;
        let has = |name: &str| {
            found
                .iter()
                .any(|object| object.attributes.text("lDAPDisplayName").is_some_and(|n| n.eq_ignore_ascii_case(name)))
        };
        let [keys, trust_type, computer_sid] = names.map(has);
        Ok(Self { keys, trust_type, computer_sid })
    }
}

/// An object that must be there; `what` it is called in the error.
pub(super) async fn required(
    objects: &mut Objects,
    name: &str,
    attributes: &[&str],
    what: &str,
) -> Result<NamedObject, RegistryError> {
    let found = objects.read(name, attributes).await.map_err(|error| failed(&error))?;
    found.ok_or_else(|| RegistryError::Damaged { what: what.to_owned(), reason: String::from("it is not there") })
}

/// An attribute that the object must have.
pub(super) fn text<'o>(object: &'o NamedObject, attribute: &str) -> Result<&'o str, RegistryError> {
    object.attributes.text(attribute).ok_or_else(|| damaged(object, attribute))
}

fn guid(object: &NamedObject, attribute: &str) -> Result<ObjectGuid, RegistryError> {
    let octets = object.attributes.octets(attribute).next().and_then(|octets| octets.try_into().ok());
    octets.map(ObjectGuid::from_directory_bytes).ok_or_else(|| damaged(object, attribute))
}

fn damaged(object: &NamedObject, attribute: &str) -> RegistryError {
    let what = if object.name.is_empty() { String::from("the root of the directory") } else { object.name.clone() };
    RegistryError::Damaged {
        what,
        reason: format!("{attribute} is missing or does not decode; may the service account read it?"),
    }
}

/// A number; what is negative counts as 0, what is missing as AD FS' default.
fn count(attributes: &Attributes, name: &str, default: u32) -> u32 {
    attributes.number(name).map_or(default, |number| u32::try_from(number.max(0)).unwrap_or(u32::MAX))
}

const ROOT: &[&str] = &["dsServiceName", "defaultNamingContext", "configurationNamingContext", "schemaNamingContext"];
const SERVICE_ATTRIBUTES: &[&str] = &[
    "msDS-DeviceLocation",
    "msDS-IsEnabled",
    "msDS-RegistrationQuota",
    "msDS-MaximumRegistrationInactivityPeriod",
    ISSUERS,
    "msDS-CloudIssuerPublicCertificates",
];
/// Certificates of the authorities that certify devices.
pub(crate) const ISSUERS: &str = "msDS-IssuerPublicCertificates";
/// Below the configuration partition of the forest.
pub(crate) const SERVICE: &str = "CN=DeviceRegistrationService,CN=Device Registration Services,\
     CN=Device Registration Configuration,CN=Services";
const DEFAULT_QUOTA: u32 = 10;
const DEFAULT_INACTIVITY: u32 = 90;
const MAX_ISSUERS: usize = 32;
