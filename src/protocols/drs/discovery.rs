//! The discovery document (MS-DVRD; device-registration.md 2): where devices are registered and where they authenticate.
//!
//! Served to anybody, whether or not devices are registered here: some clients look up the sign-in address of a domain in it.
//! Content and format are decided here over plain values.

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, HeaderMap};
use serde::Serialize;

use super::version::{Version, api_version};
use crate::protocols::http::{Answer, Call};
use crate::xml::{Attribute, Name, WriteError, Writer};

/// Names that go into the document.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// Federation service name, the host of most addresses.
    pub service: &'a str,
    /// The host that asks clients for a certificate: a device is unregistered where it was registered, by its certificate,
    /// and browsers must not be asked on the main name.
    pub join: &'a str,
    /// Identifier of the service as a resource.
    pub resource: &'a str,
}

/// Format of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `application/json`
    Json,
    /// `application/xml`
    Xml,
}

/// Answers a request for the document.
pub fn handle(names: Names<'_>, call: &Call) -> Answer {
    let version = match api_version(call) {
        Some(Version::V1_0) => Content::V1_0,
        Some(Version::V1_2) => Content::V1_2,
        Some(Version::V2_0) | None => return Answer::empty(StatusCode::BAD_REQUEST),
    };
    let Some(format) = format(&call.headers) else { return Answer::empty(StatusCode::NOT_ACCEPTABLE) };
    let document = Document::new(names, version);
    let written = match format {
        Format::Json => serde_json::to_vec(&document).map_err(|error| error.to_string()),
        Format::Xml => document.xml().map_err(|error| error.to_string()),
    };
    match (written, format) {
        (Ok(body), Format::Json) => Answer::new(StatusCode::OK, JSON, body),
        (Ok(body), Format::Xml) => Answer::new(StatusCode::OK, "application/xml; charset=utf-8", body),
        (Err(error), _) => {
            tracing::error!(correlation = %call.correlation, %error, "the discovery document could not be written");
            Answer::empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// The format that `Accept` asks for: XML where it is absent, as the specification says; `None` for anything not offered.
pub fn format(headers: &HeaderMap) -> Option<Format> {
    let mut ranges = headers
        .get_all(ACCEPT)
        .flat_map(|value| value.to_str().unwrap_or("?").split(','))
        .map(|range| range.split(';').next().unwrap_or_default().trim())
        .filter(|range| !range.is_empty())
        .peekable();
    if ranges.peek().is_none() {
        return Some(Format::Xml);
    }
    let mut found = None;
    for range in ranges.map(str::to_ascii_lowercase) {
        match range.as_str() {
            "application/json" | "application/*" | "*/*" => return Some(Format::Json),
            "application/xml" | "text/xml" | "text/*" => found = Some(Format::Xml),
            _ => {}
        }
    }
    found
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    V1_0,
    V1_2,
}

/// The document; the order of members is that of published answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document<'a> {
    device_registration_service: RegistrationService<'a>,
    authentication_service: AuthenticationService,
    identity_provider_service: IdentityProvider,
    #[serde(flatten)]
    later: Option<Later<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct RegistrationService<'a> {
    registration_endpoint: String,
    registration_resource_id: &'a str,
    service_version: &'static str,
}

#[derive(Debug, Serialize)]
struct AuthenticationService {
    #[serde(rename = "OAuth2")]
    oauth2: OAuth2,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct OAuth2 {
    auth_code_endpoint: String,
    token_endpoint: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct IdentityProvider {
    passive_auth_endpoint: String,
}

/// What version 1.2 adds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Later<'a> {
    device_join_service: JoinService<'a>,
    web_browser_zones: Zones,
    key_provisioning_service: KeyService<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct JoinService<'a> {
    join_endpoint: String,
    join_resource_id: &'a str,
    service_version: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Zones {
    intranet: Zone,
    trusted: Option<Zone>,
    untrusted: Option<Zone>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Zone {
    endpoints: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct KeyService<'a> {
    key_provision_endpoint: String,
    key_provision_resource_id: &'a str,
    service_version: &'static str,
}

impl<'a> Document<'a> {
    fn new(names: Names<'a>, content: Content) -> Self {
        let Names { service, join, resource } = names;
        let later = || Later {
            device_join_service: JoinService {
                join_endpoint: format!("https://{join}/EnrollmentServer/device/"),
                join_resource_id: resource,
                service_version: SERVICE_VERSION,
            },
            web_browser_zones: Zones {
                // With its slash: the origin that clients put into the intranet zone, so that signing in is silent.
                intranet: Zone { endpoints: vec![format!("https://{service}/")] },
                trusted: None,
                untrusted: None,
            },
            key_provisioning_service: KeyService {
                key_provision_endpoint: format!("https://{service}/EnrollmentServer/key/"),
                key_provision_resource_id: resource,
                service_version: SERVICE_VERSION,
            },
        };
        Self {
            device_registration_service: RegistrationService {
                registration_endpoint: format!("https://{service}/EnrollmentServer/DeviceEnrollmentWebService.svc"),
                registration_resource_id: resource,
                service_version: SERVICE_VERSION,
            },
            authentication_service: AuthenticationService {
                oauth2: OAuth2 {
                    auth_code_endpoint: format!("https://{service}/adfs/oauth2/authorize"),
                    token_endpoint: format!("https://{service}/adfs/oauth2/token"),
                },
            },
            identity_provider_service: IdentityProvider { passive_auth_endpoint: format!("https://{service}/adfs/ls") },
            later: (content == Content::V1_2).then(later),
        }
    }

    fn xml(&self) -> Result<Vec<u8>, WriteError> {
        let mut writer = Writer::with_capacity(2048);
        let instance = [("i", INSTANCE)];
        writer.element_with_value_prefixes(&entity("Discovery"), &[], &instance, |writer| self.content(writer))?;
        writer.finish()
    }

    fn content(&self, writer: &mut Writer) -> Result<(), WriteError> {
        let registration = &self.device_registration_service;
        service(
            writer,
            "DeviceRegistrationService",
            &[
                ("RegistrationEndpoint", &registration.registration_endpoint),
                ("RegistrationResourceId", registration.registration_resource_id),
                ("ServiceVersion", registration.service_version),
            ],
        )?;
        let oauth2 = &self.authentication_service.oauth2;
        writer.element(&entity("AuthenticationService"), &[], |writer| {
            service(
                writer,
                "OAuth2",
                &[("AuthCodeEndpoint", &oauth2.auth_code_endpoint), ("TokenEndpoint", &oauth2.token_endpoint)],
            )
        })?;
        let passive = &self.identity_provider_service.passive_auth_endpoint;
        service(writer, "IdentityProviderService", &[("PassiveAuthEndpoint", passive)])?;
        let Some(later) = &self.later else { return Ok(()) };
        let join = &later.device_join_service;
        service(
            writer,
            "DeviceJoinService",
            &[
                ("JoinEndpoint", &join.join_endpoint),
                ("JoinResourceId", join.join_resource_id),
                ("ServiceVersion", join.service_version),
            ],
        )?;
        let zones = &later.web_browser_zones;
        writer.element(&entity("WebBrowserZones"), &[], |writer| {
            zone(writer, "Intranet", Some(&zones.intranet))?;
            zone(writer, "Trusted", zones.trusted.as_ref())?;
            zone(writer, "Untrusted", zones.untrusted.as_ref())
        })?;
        let keys = &later.key_provisioning_service;
        service(
            writer,
            "KeyProvisioningService",
            &[
                ("KeyProvisionEndpoint", &keys.key_provision_endpoint),
                ("KeyProvisionResourceId", keys.key_provision_resource_id),
                ("ServiceVersion", keys.service_version),
            ],
        )
    }
}

fn service(writer: &mut Writer, name: &'static str, members: &[(&'static str, &str)]) -> Result<(), WriteError> {
    writer.element(&entity(name), &[], |writer| {
        members.iter().try_for_each(|(name, value)| writer.leaf(&entity(name), &[], value))
    })
}

fn zone(writer: &mut Writer, name: &'static str, zone: Option<&Zone>) -> Result<(), WriteError> {
    let Some(zone) = zone else {
        return writer.empty(&entity(name), &[Attribute::new(Name::new("i", INSTANCE, "nil"), "true")]);
    };
    let array = [("a", ARRAYS)];
    writer.element(&entity(name), &[], |writer| {
        writer.element_with_value_prefixes(&entity("Endpoints"), &[], &array, |writer| {
            zone.endpoints.iter().try_for_each(|uri| writer.leaf(&Name::new("a", ARRAYS, "anyURI"), &[], uri))
        })
    })
}

const fn entity(local: &'static str) -> Name {
    Name::new("", "http://schemas.datacontract.org/2004/07/Microsoft.DeviceRegistration.Entities", local)
}

const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
const ARRAYS: &str = "http://schemas.microsoft.com/2003/10/Serialization/Arrays";
/// As in every published answer, whatever version was asked for.
const SERVICE_VERSION: &str = "1.0";
/// `Content-Type` of JSON.
pub(super) const JSON: &str = "application/json; charset=utf-8";

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;
    use crate::xml;

    const NAMES: Names<'_> = Names {
        service: "sts.corp.example",
        join: "enterpriseregistration.corp.example",
        resource: "urn:ms-drs:434DF4A9-3CF2-4C1D-917E-2CD2B72F515A",
    };

    #[test]
    fn json() {
        for (name, content) in [("1.0", Content::V1_0), ("1.2", Content::V1_2)] {
            let text = serde_json::to_string_pretty(&Document::new(NAMES, content)).unwrap();
            insta::assert_snapshot!(format!("discovery_json_{name}"), text);
        }
    }

    #[test]
    fn xml() {
        for (name, content) in [("1.0", Content::V1_0), ("1.2", Content::V1_2)] {
            let octets = Document::new(NAMES, content).xml().unwrap();
            assert!(xml::Document::parse(&octets, &xml::Limits::SOAP).is_ok());
            let text = String::from_utf8(octets).unwrap().replace("><", ">\n<");
            insta::assert_snapshot!(format!("discovery_xml_{name}"), text);
        }
    }

    #[test]
    fn what_accept_asks_for() {
        for (lines, expected) in [
            (&[][..], Some(Format::Xml)),
            (&[""], Some(Format::Xml)),
            (&["application/json"], Some(Format::Json)),
            (&["Application/JSON; charset=utf-8"], Some(Format::Json)),
            (&["application/xml"], Some(Format::Xml)),
            (&["text/html, application/xml;q=0.9"], Some(Format::Xml)),
            (&["text/html, */*;q=0.1"], Some(Format::Json)),
            (&["application/xml", "application/json"], Some(Format::Json)),
            (&["text/html"], None),
            (&["application/soap+xml"], None),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(ACCEPT, HeaderValue::from_static(line));
            }
            assert_eq!(format(&headers), expected, "{lines:?}");
        }
    }
}
