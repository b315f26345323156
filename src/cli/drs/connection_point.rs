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

/// Where computers are to be led.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Destination {
    /// To device registration here.
    Here {
        /// The host to name.
        host: String,
        /// Every host that would be as good.
        names: Vec<String>,
    },
    /// To Entra, for hybrid join.
    Entra {
        /// A federated, verified domain.
        domain: String,
        /// The tenant.
        tenant: uuid::Uuid,
    },
}

/// A connection point that leads elsewhere. Windows registers nowhere when it names two services.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the service connection point has the keyword {0}: computers are led elsewhere, and with both kinds of keywords Windows registers with \
     neither (event 330). Take that keyword away first when they shall be led here; --no-connection-point leaves it as it is"
)]
pub(super) struct Conflict(String);

impl Destination {
    /// The keywords that a connection point lacks; all of them where there is none.
    ///
    /// # Errors
    /// [`Conflict`]
    pub(super) fn missing(&self, point: Option<&NamedObject>) -> Result<Vec<String>, Conflict> {
        let found = Keywords::of(point);
        let wanted = match self {
            Self::Here { host, .. } => vec![("enterpriseDrsName", host.clone())],
            Self::Entra { domain, tenant } => vec![("azureADName", domain.clone()), ("azureADId", tenant.to_string())],
        };
        for (name, value) in found.destinations() {
            let good = match self {
                Self::Here { names, .. } if name == "enterpriseDrsName" => {
                    names.iter().any(|own| own.eq_ignore_ascii_case(value))
                }
                _ => wanted.iter().any(|(key, own)| *key == name && own.eq_ignore_ascii_case(value)),
            };
            if !good {
                return Err(Conflict(format!("{name}:{value}")));
            }
        }
        let is_missing = |(name, _): &(&str, String)| found.destinations().all(|(key, _)| key != *name);
        Ok(wanted.into_iter().filter(is_missing).map(|(name, value)| format!("{name}:{value}")).collect())
    }
}

/// Keywords of a connection point, of which the first of a name counts.
struct Keywords(Vec<String>);

impl Keywords {
    fn of(point: Option<&NamedObject>) -> Self {
        let keywords = point.map(|point| point.attributes.octets("keywords"));
        Self(keywords.into_iter().flatten().map(|keyword| String::from_utf8_lossy(keyword).into_owned()).collect())
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find_map(|keyword| {
            let (key, value) = keyword.split_once(':')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Those by which computers are led somewhere.
    fn destinations(&self) -> impl Iterator<Item = (&'static str, &str)> {
        ["enterpriseDrsName", "azureADName", "azureADId"].into_iter().filter_map(|name| Some((name, self.value(name)?)))
    }
}

/// Judges the connection point of the forest with this configuration partition.
pub(super) fn judge(point: Option<&NamedObject>, wanted: &Wanted, forest: &str) -> Finding {
    let keywords = Keywords::of(point);
    let value = |name: &str| keywords.value(name).map(str::to_owned);
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
            "`chancery drs init` prints what makes it for registration here; with --entra-domain and --entra-tenant for hybrid join",
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
    fn only_what_is_missing_is_written() {
        let host = String::from("enterpriseregistration.corp.example");
        let names = vec![String::from("enterpriseregistration.brand.example"), host.clone()];
        let here = Destination::Here { host, names };
        let tenant = "6bd1f4ee-0000-4000-8000-000000000001";
        let entra = Destination::Entra { domain: String::from("corp.example"), tenant: tenant.parse().unwrap() };
        let missing = |to: &Destination, keywords: &[&str]| to.missing(Some(&point(keywords))).map_err(|c| c.0);
        let own = "enterpriseDrsName:enterpriseregistration.corp.example";
        let (name, id) = ("azureADName:corp.example", format!("azureADId:{tenant}"));
        let none = || Ok(Vec::new());
        assert_eq!(here.missing(None), Ok(vec![own.to_owned()]));
        assert_eq!(entra.missing(None), Ok(vec![name.to_owned(), id.clone()]));
        assert_eq!(missing(&here, &["other"]), Ok(vec![own.to_owned()]));
        assert_eq!(missing(&here, &["ENTERPRISEDRSNAME:EnterpriseRegistration.Brand.example"]), none());
        assert_eq!(missing(&entra, &[&id.to_uppercase()]), Ok(vec![name.to_owned()]));
        assert_eq!(missing(&entra, &[&id, "AzureADName: Corp.Example "]), none());
        // One that leads elsewhere, of either kind.
        assert_eq!(missing(&here, &[own, &id]), Err(id.clone()));
        assert_eq!(missing(&here, &["enterpriseDrsName:sts"]), Err(String::from("enterpriseDrsName:sts")));
        assert_eq!(missing(&entra, &[name, &id, own]), Err(own.to_owned()));
        assert_eq!(missing(&entra, &["azureADName:other.example"]), Err(String::from("azureADName:other.example")));
        assert_eq!(missing(&entra, &[name, "azureADId:x"]), Err(String::from("azureADId:x")));
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
