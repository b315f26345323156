//! What device registration needs, looked at one by one.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use openssl::x509::X509;

use super::{Failure, Forest, NEW_ATTRIBUTES, PATIENCE, preferred_host};
use crate::clock::SystemClock;
use crate::config::{Config, DeviceRegistration, certificate_covers};
use crate::directory::filter::Filter;
use crate::directory::ldap::{LdapDirectory, NamedObject, ObjectError, Objects};
use crate::server;

/// What came of one look.
pub(super) struct Finding {
    level: Level,
    /// What was found.
    what: String,
    /// What to do about it.
    remedy: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Good,
    Warning,
    Wrong,
}

pub(super) async fn check(config: &Config, out: &mut dyn Write) -> Result<ExitCode, Failure> {
    let domain = super::domain(config)?.dns_name().to_string();
    let directory = LdapDirectory::new(server::ldap_options(config)?, Arc::new(SystemClock::new()))?;
    let host = preferred_host(config)?;
    let hosts: Vec<String> = DeviceRegistration::host_names(config).iter().map(ToString::to_string).collect();
    let known = hosts.clone();
    let looked = directory.work(&domain, PATIENCE, move |mut objects| async move { look(&mut objects, &known).await });
    let mut findings = looked.await.unwrap_or_else(|error: ObjectError| {
        vec![wrong(
            format!("the directory of {domain} gives no answer: {error}"),
            "`chancery check` looks at the account",
        )]
    });
    if !config.device_registration.enabled {
        findings.push(warning(
            String::from("device registration is off in the configuration"),
            "write `enabled = true` in `[device_registration]`",
        ));
    }
    names(config, &hosts, &host, &mut findings).await;
    print(&findings, out)?;
    let failed = findings.iter().any(|finding| finding.level == Level::Wrong);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Everything in the directory, as far as the service account sees it.
async fn look(objects: &mut Objects, hosts: &[String]) -> Result<Vec<Finding>, ObjectError> {
    let forest = Forest::read(objects).await?;
    let mut findings = Vec::new();
    schema(objects, &forest, &mut findings).await?;
    let location = service(objects, &forest, &mut findings).await?;
    container(objects, &location.unwrap_or_else(|| forest.devices()), &mut findings).await?;
    let point = objects.read(&forest.connection_point(), &["keywords"]).await?;
    findings.push(connection_point(point.as_ref(), hosts));
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
        wrong(
            format!("the schema has no {classes}"),
            "device registration needs the schema of Windows Server 2012 R2 or later",
        )
    } else if !attributes.is_empty() {
        warning(
            format!("the schema has no {attributes}: devices register, and none gets a primary refresh token"),
            "extend the schema to Windows Server 2016; `chancery drs init --schema` prints it for Samba",
        )
    } else {
        good("the schema has everything")
    });
    Ok(())
}

/// Looks at the service's object and gives the name of the container that it names.
async fn service(
    objects: &mut Objects,
    forest: &Forest,
    findings: &mut Vec<Finding>,
) -> Result<Option<String>, ObjectError> {
    let attributes = [
        "msDS-DeviceLocation",
        "msDS-IsEnabled",
        "msDS-MaximumRegistrationInactivityPeriod",
        "allowedAttributesEffective",
    ];
    let Some(object) = objects.read(&forest.service(), &attributes).await? else {
        findings.push(wrong(format!("there is no {}", forest.service()), "`chancery drs init` prints what makes it"));
        return Ok(None);
    };
    let attributes = &object.attributes;
    findings.push(match attributes.text("msDS-IsEnabled") {
        Some("TRUE") => good("the service's object is there, and registration is on"),
        _ => warning(
            String::from("msDS-IsEnabled of the service's object is not TRUE: nothing registers"),
            "set it to TRUE",
        ),
    });
    if let Some(days @ 1..15) = attributes.number("msDS-MaximumRegistrationInactivityPeriod") {
        findings.push(warning(
            format!("msDS-MaximumRegistrationInactivityPeriod is {days}: devices in use would be swept"),
            "the use of a device is noted every 14 days only: write 15 or more, or 0 for never",
        ));
    }
    if !lists(&object, "allowedAttributesEffective", "msDS-IssuerPublicCertificates") {
        findings.push(warning(
            String::from("the service account may not write msDS-IssuerPublicCertificates"),
            "other servers of the forest will not know the authority; `chancery drs init` prints the right",
        ));
    }
    Ok(attributes.text("msDS-DeviceLocation").map(str::to_owned))
}

async fn container(objects: &mut Objects, name: &str, findings: &mut Vec<Finding>) -> Result<(), ObjectError> {
    let Some(object) = objects.read(name, &["objectClass", "allowedChildClassesEffective"]).await? else {
        findings.push(wrong(format!("there is no {name}"), "`chancery drs init` prints what makes it"));
        return Ok(());
    };
    findings.push(if !object.attributes.is_of_class("msDS-DeviceContainer") {
        wrong(format!("{name} is no msDS-DeviceContainer"), "name another container in msDS-DeviceLocation")
    } else if lists(&object, "allowedChildClassesEffective", "msDS-Device") {
        good("the service account may create devices")
    } else {
        wrong(format!("the service account may not create devices in {name}"), "`chancery drs init` prints the right")
    });
    Ok(())
}

/// Windows refuses a forest whose service connection point names both services (event 330).
fn connection_point(point: Option<&NamedObject>, hosts: &[String]) -> Finding {
    let keywords: Vec<String> = point
        .map(|point| point.attributes.octets("keywords").map(|k| String::from_utf8_lossy(k).into_owned()).collect())
        .unwrap_or_default();
    let value = |name: &str| {
        keywords.iter().find_map(|keyword| {
            let (key, value) = keyword.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    };
    let (enterprise, entra) = (value("enterpriseDrsName"), value("azureADName").or_else(|| value("azureADId")));
    match (enterprise, entra) {
        (Some(_), Some(_)) => wrong(
            String::from(
                "the service connection point names both Entra and this service: Windows registers with neither",
            ),
            "keep enterpriseDrsName for registration here, or azureADName and azureADId for hybrid join",
        ),
        (Some(host), None) if hosts.iter().any(|own| own.eq_ignore_ascii_case(&host)) => {
            good(&format!("the service connection point leads computers to {host}"))
        }
        (Some(host), None) => wrong(
            format!("the service connection point leads computers to {host}, which is no name of this service"),
            "write enterpriseDrsName with a name of this service",
        ),
        (None, Some(tenant)) => warning(
            format!("the service connection point leads computers to Entra ({tenant}): none registers here by itself"),
            "that is right for hybrid join; for registration here replace the keywords by enterpriseDrsName",
        ),
        (None, None) => warning(
            String::from("no service connection point leads computers here: none registers by itself"),
            "`chancery drs init` prints what makes it",
        ),
    }
}

/// DNS and the certificate, for every UPN suffix.
async fn names(config: &Config, hosts: &[String], preferred: &str, findings: &mut Vec<Finding>) {
    let certificate = config.server.tls.as_ref().and_then(|tls| std::fs::read(&tls.certificate_file).ok());
    let certificate = certificate.and_then(|pem| X509::from_pem(&pem).ok());
    for host in hosts {
        let level = if host == preferred { wrong } else { warning };
        let resolved = tokio::net::lookup_host((host.as_str(), 443)).await;
        findings.push(match resolved.map(|mut addresses| addresses.next()) {
            Ok(Some(address)) => good(&format!("{host} is {}", address.ip())),
            _ => level(format!("DNS has no {host}"), "make it a CNAME of the federation service name"),
        });
        if let Some(certificate) = &certificate
            && !certificate_covers(certificate, host)
        {
            findings.push(level(
                format!("the server's certificate does not cover {host}"),
                "devices of that UPN suffix find no service: add the name to the certificate",
            ));
        }
    }
}

/// Whether a list of names that the directory computes for this account has one.
fn lists(object: &NamedObject, attribute: &str, name: &str) -> bool {
    object.attributes.octets(attribute).any(|value| value.eq_ignore_ascii_case(name.as_bytes()))
}

fn print(findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
    for Finding { level, what, remedy } in findings {
        let word = match level {
            Level::Good => "ok      ",
            Level::Warning => "warning ",
            Level::Wrong => "error   ",
        };
        writeln!(out, "{word}{}", what.chars().filter(|c| !c.is_control()).collect::<String>())?;
        if *level != Level::Good {
            writeln!(out, "        {remedy}")?;
        }
    }
    Ok(())
}

fn good(what: &str) -> Finding {
    Finding { level: Level::Good, what: what.to_owned(), remedy: "" }
}

fn warning(what: String, remedy: &'static str) -> Finding {
    Finding { level: Level::Warning, what, remedy }
}

fn wrong(what: String, remedy: &'static str) -> Finding {
    Finding { level: Level::Wrong, what, remedy }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{AttributeName, AttributeValue, Attributes};

    fn point(keywords: &[&str]) -> NamedObject {
        let mut attributes = Attributes::default();
        let values = keywords.iter().map(|keyword| AttributeValue::Text((*keyword).to_owned())).collect();
        attributes.insert(AttributeName::new("keywords"), values);
        NamedObject { name: String::new(), attributes }
    }

    #[test]
    fn a_connection_point_names_one_service() {
        let hosts = [String::from("enterpriseregistration.corp.example")];
        for (keywords, level) in [
            (&["enterpriseDrsName:enterpriseregistration.corp.example"][..], Level::Good),
            (&["ENTERPRISEDRSNAME:EnterpriseRegistration.corp.example"], Level::Good),
            (&["enterpriseDrsName:sts.other.example"], Level::Wrong),
            (&["enterpriseDrsName:enterpriseregistration.corp.example", "azureADName:corp.example"], Level::Wrong),
            (&["enterpriseDrsName:enterpriseregistration.corp.example", "azureADId:x"], Level::Wrong),
            (&["azureADName:corp.example", "azureADId:x"], Level::Warning),
            (&[], Level::Warning),
        ] {
            assert_eq!(connection_point(Some(&point(keywords)), &hosts).level, level, "{keywords:?}");
        }
        assert_eq!(connection_point(None, &hosts).level, Level::Warning);
    }
}
