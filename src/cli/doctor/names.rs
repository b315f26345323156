//! The service's host names: which there are, and whether they resolve.

use std::net::IpAddr;

use crate::cli::drs;
use crate::cli::finding::catalogue::{CERTIFICATE_NAME, DNS};
use crate::cli::finding::{Finding, Level};
use crate::config::{Config, DeviceRegistration};

/// A name of the service.
#[derive(Debug, Clone)]
pub(super) struct Name {
    /// The host.
    pub(super) host: String,
    /// How bad it is when it does not work.
    pub(super) level: Level,
}

/// Every name that clients use, the federation service name first.
pub(super) fn of(config: &Config) -> Vec<Name> {
    let service = config.service.federation_service_name.to_string();
    let mut names = vec![Name { host: service.clone(), level: Level::Error }];
    if !config.certificates.client_ca_files.is_empty() {
        names.push(Name { host: format!("certauth.{service}"), level: Level::Warning });
    }
    let preferred = drs::registration_host(config).unwrap_or_default();
    let registers = config.device_registration.enabled;
    names.extend(DeviceRegistration::host_names(config).iter().map(ToString::to_string).map(|host| {
        let level = if registers && host == preferred { Level::Error } else { Level::Warning };
        Name { host, level }
    }));
    names
}

/// Whether a name resolves, and to what.
pub(in crate::cli) async fn resolves(host: &str, level: Level) -> (Finding, Vec<IpAddr>) {
    let looked = tokio::net::lookup_host((host, 443)).await;
    let addresses: Vec<IpAddr> = looked.map(|found| found.map(|address| address.ip()).collect()).unwrap_or_default();
    let Some(first) = addresses.first() else {
        let fix = "make it a CNAME or address of the federation service, for clients inside the company at least";
        return (Finding::bad(level, DNS, format!("DNS has no {host}"), String::from(fix)), addresses);
    };
    let more = match addresses.len() {
        1 => String::new(),
        number => format!(" and {} more", number - 1),
    };
    (Finding::ok(DNS, format!("{host} is {first}{more}")), addresses)
}

/// A certificate that lacks a name.
pub(in crate::cli) fn uncovered(whose: &str, host: &str, level: Level) -> Finding {
    Finding::bad(
        level,
        CERTIFICATE_NAME,
        format!("{whose} does not cover {host}"),
        String::from("add the name to the certificate, as a DNS subject alternative name"),
    )
}
