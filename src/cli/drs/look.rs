//! What the directory holds for device registration, as far as the service account sees it: schema, objects, rights.

use super::connection_point::{self, Wanted as WantedPoint};
use super::{Forest, NEW_ATTRIBUTES};
use crate::cli::finding::Finding;
use crate::cli::finding::catalogue::{
    DRS_CONTAINER, DRS_ISSUER, DRS_LEASE, DRS_RIGHTS, DRS_SCHEMA, DRS_SERVICE, DRS_SWEEP, Kind,
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
        schema(objects, &forest, &mut findings).await?;
        let location = service(objects, &forest, swept, &mut findings).await?;
        container(objects, &location.unwrap_or_else(|| forest.devices()), &mut findings).await?;
    }
    let point = objects.read(&forest.connection_point(), &["keywords"]).await?;
    findings.push(connection_point::judge(point.as_ref(), wanted, &forest.configuration));
    Ok(findings)
}

async fn schema(objects: &mut Objects, forest: &Forest, findings: &mut Vec<Finding>) -> Result<(), ObjectError> {
    let wanted = ["msDS-Device", "msDS-DeviceContainer", "msDS-DeviceRegistrationService"];
    let any = wanted.iter().chain(&NEW_ATTRIBUTES).map(|name| Filter::equal("lDAPDisplayName", name)).collect();
    let found = objects.find(&forest.schema, &Filter::Any(any).to_string(), &["lDAPDisplayName"], 16).await?;
    let missing = |names: &[&str]| {
        let has = |name: &str| {
            found.iter().any(|o| o.attributes.text("lDAPDisplayName").is_some_and(|n| n.eq_ignore_ascii_case(name)))
        };
        names.iter().copied().filter(|name| !has(name)).collect::<Vec<_>>().join(", ")
    };
    let (classes, attributes) = (missing(&wanted), missing(&NEW_ATTRIBUTES));
    findings.push(if !classes.is_empty() {
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
    });
    Ok(())
}

/// Looks at the service's object and gives the name of the container that it names.
async fn service(
    objects: &mut Objects,
    forest: &Forest,
    swept: bool,
    findings: &mut Vec<Finding>,
) -> Result<Option<String>, ObjectError> {
    let attributes = [
        "msDS-DeviceLocation",
        "msDS-IsEnabled",
        "msDS-MaximumRegistrationInactivityPeriod",
        "allowedAttributesEffective",
    ];
    let Some(object) = objects.read(&forest.service(), &attributes).await? else {
        findings.push(missing(&forest.service()));
        return Ok(None);
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
    Ok(attributes.text("msDS-DeviceLocation").map(str::to_owned))
}

/// Whether the service account may write an attribute.
fn writable(object: &NamedObject, attribute: &str, kind: Kind) -> Finding {
    if lists(object, "allowedAttributesEffective", attribute) {
        Finding::ok(kind, format!("the service account may write {attribute}"))
    } else {
        let what = format!("the service account may not write {attribute}");
        Finding::warning(kind, what, "`chancery drs init` prints the right")
    }
}

async fn container(objects: &mut Objects, name: &str, findings: &mut Vec<Finding>) -> Result<(), ObjectError> {
    let Some(object) = objects.read(name, &["objectClass", "allowedChildClassesEffective"]).await? else {
        findings.push(missing(name));
        return Ok(());
    };
    findings.push(if !object.attributes.is_of_class("msDS-DeviceContainer") {
        Finding::error(
            DRS_CONTAINER,
            format!("{name} is no msDS-DeviceContainer"),
            "name another container in msDS-DeviceLocation",
        )
    } else if lists(&object, "allowedChildClassesEffective", "msDS-Device") {
        Finding::ok(DRS_RIGHTS, "the service account may create devices")
    } else {
        Finding::error(
            DRS_RIGHTS,
            format!("the service account may not create devices in {name}"),
            "`chancery drs init` prints the right",
        )
    });
    Ok(())
}

fn missing(name: &str) -> Finding {
    Finding::error(DRS_CONTAINER, format!("there is no {name}"), "`chancery drs init` prints what makes it")
}

/// Whether a list of names that the directory computes for this account has one.
fn lists(object: &NamedObject, attribute: &str, name: &str) -> bool {
    object.attributes.octets(attribute).any(|value| value.eq_ignore_ascii_case(name.as_bytes()))
}
