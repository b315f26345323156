//! The service connection point of a forest: where its computers are sent to register.

use crate::cli::finding::Finding;
use crate::cli::finding::catalogue::{SCP, SCP_CONFLICT, SCP_ENTRA, SCP_ENTRA_DOMAIN, SCP_HOST};
use crate::config::{Config, DeviceRegistration};
use crate::directory::ldap::NamedObject;

/// What a connection point may lead to, by the configuration.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Wanted {
    /// Names of device registration here.
    hosts: Vec<String>,
    /// Whether devices register here.
    registers: bool,
    /// Federated domains, where there is a trust with Entra.
    federated: Option<Vec<String>>,
}

impl Wanted {
    pub(in crate::cli) fn of(config: &Config) -> Self {
        let domains = || config.entra.domains.iter().map(|domain| domain.name.to_string()).collect();
        Self {
            hosts: DeviceRegistration::host_names(config).iter().map(ToString::to_string).collect(),
            registers: config.device_registration.enabled,
            federated: config.entra.enabled.then(domains),
        }
    }
}

/// Judges the connection point of the forest with this configuration partition.
pub(super) fn judge(point: Option<&NamedObject>, wanted: &Wanted, forest: &str) -> Finding {
    let keywords: Vec<String> = point
        .map(|point| point.attributes.octets("keywords").map(|k| String::from_utf8_lossy(k).into_owned()).collect())
        .unwrap_or_default();
    let value = |name: &str| {
        keywords.iter().find_map(|keyword| {
            let (key, value) = keyword.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    let (domain, tenant) = (value("azureADName"), value("azureADId"));
    match (value("enterpriseDrsName"), domain.is_some() || tenant.is_some()) {
        (Some(_), true) => Finding::error(
            SCP_CONFLICT,
            "the service connection point names both Entra and this service: Windows registers with neither",
            "keep enterpriseDrsName for registration here, or azureADName and azureADId for hybrid join",
        ),
        (Some(host), false) if wanted.hosts.iter().any(|own| own.eq_ignore_ascii_case(&host)) => {
            Finding::ok(SCP, format!("the service connection point leads computers to {host}"))
        }
        (Some(host), false) => Finding::error(
            SCP_HOST,
            format!("the service connection point leads computers to {host}, which is no name of this service"),
            "write enterpriseDrsName with a name of this service",
        ),
        (None, true) => entra(domain.as_deref(), tenant.as_deref(), wanted),
        (None, false) => Finding::warning(
            SCP,
            format!("no service connection point in {forest} leads computers anywhere: none registers by itself"),
            "`chancery drs init` prints what makes it for registration here; for hybrid join Entra Connect makes it",
        ),
    }
}

fn entra(domain: Option<&str>, tenant: Option<&str>, wanted: &Wanted) -> Finding {
    const KEYWORDS: &str = "write azureADName with a federated, verified domain and azureADId with the tenant's id";
    let (Some(domain), Some(tenant)) = (domain, tenant) else {
        let missing = if domain.is_none() { "azureADName" } else { "azureADId" };
        return Finding::error(SCP_ENTRA_DOMAIN, format!("the service connection point lacks {missing}"), KEYWORDS);
    };
    if domain.to_ascii_lowercase().ends_with(".onmicrosoft.com") {
        return Finding::error(
            SCP_ENTRA_DOMAIN,
            format!("the service connection point names {domain}, which is never federated"),
            KEYWORDS,
        );
    }
    match &wanted.federated {
        Some(federated) if !federated.iter().any(|name| name.eq_ignore_ascii_case(domain)) => Finding::error(
            SCP_ENTRA_DOMAIN,
            format!("the service connection point names {domain}, which is no domain of `[[entra.domains]]`"),
            KEYWORDS,
        ),
        Some(_) if !wanted.registers => Finding::ok(
            SCP,
            format!("the service connection point leads computers to Entra ({domain}, tenant {tenant})"),
        ),
        _ => Finding::warning(
            SCP_ENTRA,
            format!("the service connection point leads computers to Entra ({domain}): none registers here by itself"),
            "that is right for hybrid join; for registration here replace the keywords by enterpriseDrsName",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::finding::Level;
    use crate::directory::{AttributeName, AttributeValue, Attributes};

    fn point(keywords: &[&str]) -> NamedObject {
        let mut attributes = Attributes::default();
        let values = keywords.iter().map(|keyword| AttributeValue::Text((*keyword).to_owned())).collect();
        attributes.insert(AttributeName::new("keywords"), values);
        NamedObject { name: String::new(), attributes }
    }

    fn judged(keywords: &[&str], registers: bool, federated: Option<&[&str]>) -> (Level, &'static str) {
        let wanted = Wanted {
            hosts: vec![String::from("enterpriseregistration.corp.example")],
            registers,
            federated: federated.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
        };
        let finding = judge(Some(&point(keywords)), &wanted, "CN=Configuration");
        (finding.level, finding.name)
    }

    #[test]
    fn a_connection_point_names_one_service() {
        for (keywords, expected) in [
            (&["enterpriseDrsName:enterpriseregistration.corp.example"][..], (Level::Ok, SCP.name)),
            (&["ENTERPRISEDRSNAME:EnterpriseRegistration.corp.example"], (Level::Ok, SCP.name)),
            (&["enterpriseDrsName:sts.other.example"], (Level::Error, SCP_HOST.name)),
            (
                &["enterpriseDrsName:enterpriseregistration.corp.example", "azureADName:corp.example"],
                (Level::Error, SCP_CONFLICT.name),
            ),
            (
                &["enterpriseDrsName:enterpriseregistration.corp.example", "azureADId:x"],
                (Level::Error, SCP_CONFLICT.name),
            ),
            (&["azureADName:corp.example", "azureADId:x"], (Level::Warning, SCP_ENTRA.name)),
            (&[], (Level::Warning, SCP.name)),
        ] {
            assert_eq!(judged(keywords, true, None), expected, "{keywords:?}");
        }
        let wanted = Wanted { hosts: Vec::new(), registers: true, federated: None };
        assert_eq!(judge(None, &wanted, "CN=Configuration").level, Level::Warning);
    }

    #[test]
    fn a_connection_point_of_entra_names_a_federated_domain() {
        let federated = Some(&["corp.example"][..]);
        for (keywords, expected) in [
            (&["azureADName:Corp.Example", "azureADId:x"][..], (Level::Ok, SCP.name)),
            (&["azureADName:corp.onmicrosoft.com", "azureADId:x"], (Level::Error, SCP_ENTRA_DOMAIN.name)),
            (&["azureADName:brand.example", "azureADId:x"], (Level::Error, SCP_ENTRA_DOMAIN.name)),
            (&["azureADName:corp.example"], (Level::Error, SCP_ENTRA_DOMAIN.name)),
            (&["azureADId:x"], (Level::Error, SCP_ENTRA_DOMAIN.name)),
        ] {
            assert_eq!(judged(keywords, false, federated), expected, "{keywords:?}");
        }
        let hybrid = ["azureADName:corp.example", "azureADId:x"];
        assert_eq!(judged(&hybrid, true, federated), (Level::Warning, SCP_ENTRA.name));
    }
}
