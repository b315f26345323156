//! What the directory holds for device registration, as far as the service account sees it: schema, objects, rights.

use super::account::ServiceAccount;
use super::connection_point::{self, Wanted as WantedPoint};
use super::schema::Schema;
use super::{Forest, rights};
use crate::cli::finding::Finding;
use crate::cli::finding::catalogue::{
    DRS_CONTAINER, DRS_ISSUER, DRS_LEASE, DRS_RIGHTS, DRS_SCHEMA, DRS_SERVICE, DRS_SWEEP, DRS_USER_KEYS, Kind,
};
use crate::directory::filter::Filter;
use crate::directory::ldap::{NamedObject, ObjectError, Objects};

pub(in crate::cli) use super::connection_point::Wanted;

/// What a forest is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Use {
    /// Computers look there where to register.
    ConnectionPoint,
    /// That, and it keeps the devices.
    Devices {
        /// Whether the server sweeps unused ones.
        swept: bool,
    },
}

/// Everything in one forest that its use needs.
pub(in crate::cli) async fn look(
    objects: &mut Objects,
    wanted: &WantedPoint,
    used_for: Use,
) -> Result<Vec<Finding>, ObjectError> {
    let forest = Forest::read(objects).await?;
    let mut findings = Vec::new();
    if let Use::Devices { swept } = used_for {
        let schema = Schema::read(objects, &forest).await?;
        let account = ServiceAccount::bound(objects).await?;
        findings.push(judge_schema(&schema));
        service(objects, &forest, swept, &mut findings).await?;
        let container = forest.container(objects).await?;
        if self::container(objects, &container, &mut findings).await? {
            findings.extend(devices(objects, &container, &account, &schema).await?);
        }
        if schema.has_keys() {
            // A directory that takes too long over this may be well otherwise.
            findings.push(user_keys(objects, &forest).await.unwrap_or_else(|error| {
                let what = format!("whether the service account may keep keys on users is not known: {error}");
                Finding::not_checked(DRS_USER_KEYS, what, "look again when the domain controller has less to do")
            }));
        }
    }
    let point = objects.read(&forest.connection_point(), &["keywords"]).await?;
    findings.push(connection_point::judge(point.as_ref(), wanted, &forest.configuration));
    Ok(findings)
}

fn judge_schema(schema: &Schema) -> Finding {
    let (classes, attributes) = (schema.missing_classes(), schema.missing_attributes());
    if !classes.is_empty() {
        Finding::error(
            DRS_SCHEMA,
            format!("the schema has no {classes}"),
            "extend the schema to that of Windows Server 2012 R2 or later",
        )
    } else if !attributes.is_empty() {
        Finding::warning(
            DRS_SCHEMA,
            format!("the schema has no {attributes}: devices register, and none gets a primary refresh token"),
            "extend the schema to Windows Server 2016; `chancery drs init --schema` prints it for Samba",
        )
    } else {
        Finding::ok(DRS_SCHEMA, "the schema has everything")
    }
}

/// Looks at the service's object.
async fn service(
    objects: &mut Objects,
    forest: &Forest,
    swept: bool,
    findings: &mut Vec<Finding>,
) -> Result<(), ObjectError> {
    let attributes = ["msDS-IsEnabled", "msDS-MaximumRegistrationInactivityPeriod", "allowedAttributesEffective"];
    let Some(object) = objects.read(&forest.service(), &attributes).await? else {
        findings.push(missing(&forest.service()));
        return Ok(());
    };
    let attributes = &object.attributes;
    findings.push(match attributes.text("msDS-IsEnabled") {
        Some("TRUE") => Finding::ok(DRS_SERVICE, "the service's object is there, and registration is on"),
        _ => Finding::warning(
            DRS_SERVICE,
            "msDS-IsEnabled of the service's object is not TRUE: nothing registers",
            "set it to TRUE",
        ),
    });
    if let Some(days @ 1..15) = attributes.number("msDS-MaximumRegistrationInactivityPeriod") {
        findings.push(Finding::warning(
            DRS_SWEEP,
            format!("msDS-MaximumRegistrationInactivityPeriod is {days}"),
            "write 15 or more, or 0 for never",
        ));
    }
    findings.push(writable(&object, "msDS-IssuerPublicCertificates", DRS_ISSUER));
    if swept {
        findings.push(writable(&object, "adminDescription", DRS_LEASE));
    }
    Ok(())
}

/// Whether the service account may write an attribute.
fn writable(object: &NamedObject, attribute: &str, kind: Kind) -> Finding {
    if lists(object, "allowedAttributesEffective", attribute) {
        Finding::ok(kind, format!("the service account may write {attribute}"))
    } else {
        let what = format!("the service account may not write {attribute}");
        Finding::warning(kind, what, RIGHT)
    }
}

/// Looks at the container of devices; whether there is one.
async fn container(objects: &mut Objects, name: &str, findings: &mut Vec<Finding>) -> Result<bool, ObjectError> {
    let Some(object) = objects.read(name, &["objectClass", "allowedChildClassesEffective"]).await? else {
        findings.push(missing(name));
        return Ok(false);
    };
    if !object.attributes.is_of_class("msDS-DeviceContainer") {
        let what = format!("{name} is no msDS-DeviceContainer");
        findings.push(Finding::error(DRS_CONTAINER, what, "name another container in msDS-DeviceLocation"));
        return Ok(false);
    }
    findings.push(if lists(&object, "allowedChildClassesEffective", "msDS-Device") {
        Finding::ok(DRS_RIGHTS, "the service account may create devices")
    } else {
        Finding::error(DRS_RIGHTS, format!("the service account may not create devices in {name}"), RIGHT)
    });
    Ok(true)
}

/// Whether the service account may change and delete the devices of a container. A device that it may make and not change is never
/// completed.
async fn devices(
    objects: &mut Objects,
    container: &str,
    account: &ServiceAccount,
    schema: &Schema,
) -> Result<Vec<Finding>, ObjectError> {
    let descriptor = objects.read_access(container).await?;
    let access = descriptor.and_then(|descriptor| descriptor.access).filter(|_| !account.sids.is_empty());
    let Some(access) = access else {
        let what = format!("whether the service account may change devices in {container} is not known");
        let fix = "let it read the access control list of the container (READ_CONTROL)";
        return Ok(vec![Finding::not_checked(DRS_RIGHTS, what, fix)]);
    };
    let (unwritable, cannot_delete) = rights::lacking(&access, &account.sids, schema);
    let mut findings = Vec::new();
    if !unwritable.is_empty() {
        let what = format!(
            "the service account may not write {} of devices in {container}: no registration is completed",
            unwritable.join(", ")
        );
        findings.push(Finding::error(DRS_RIGHTS, what, RIGHT));
    }
    if cannot_delete {
        let what = format!("the service account may not delete devices in {container}: none can leave");
        findings.push(Finding::error(DRS_RIGHTS, what, RIGHT));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(DRS_RIGHTS, "the service account may change and delete devices"));
    }
    Ok(findings)
}

/// Whether the service account may keep keys on users, by some of them. The right may be given on a unit alone, so one of them is enough.
/// Administrators are left out: they inherit nothing.
async fn user_keys(objects: &mut Objects, forest: &Forest) -> Result<Finding, ObjectError> {
    let of_users = Filter::All(vec![
        Filter::equal("objectCategory", "person"),
        Filter::equal("objectClass", "user"),
        Filter::Not(Box::new(Filter::equal("adminCount", "1"))),
    ]);
    let attributes = ["allowedAttributesEffective"];
    let (users, _) = objects.find_first(&forest.domain, &of_users.to_string(), &attributes, MOST_USERS).await?;
    let able = users.iter().filter(|user| lists(user, "allowedAttributesEffective", "msDS-KeyCredentialLink")).count();
    let number = users.len();
    Ok(if able > 0 {
        Finding::ok(
            DRS_USER_KEYS,
            format!(
                "the service account may keep keys of Windows Hello on {able} of {number} users that were looked at"
            ),
        )
    } else {
        Finding::warning(
            DRS_USER_KEYS,
            format!("the service account may not write msDS-KeyCredentialLink of any of {number} users"),
            "where people use Windows Hello: `chancery drs init --key-unit` prints the right for the users of a unit",
        )
    })
}

fn missing(name: &str) -> Finding {
    Finding::error(DRS_CONTAINER, format!("there is no {name}"), "`chancery drs init` prints what makes it")
}

/// Whether a list of names that the directory computes for this account has one.
fn lists(object: &NamedObject, attribute: &str, name: &str) -> bool {
    object.attributes.octets(attribute).any(|value| value.eq_ignore_ascii_case(name.as_bytes()))
}

const RIGHT: &str = "`chancery drs init` prints the right";
/// Users that are looked at.
const MOST_USERS: usize = 50;
