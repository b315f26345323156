//! The WSDL 1.1 document: policies, messages, port types, bindings and ports under the names AD FS gives them.

use crate::protocols::trust_endpoint::{Credential, TrustEndpoint, Version};
use crate::xml::{Attribute, Name, WriteError, Writer};

use super::policies;

/// Target namespace of the document.
pub(super) const TARGET_NAMESPACE: &str = "http://schemas.microsoft.com/ws/2008/06/identity/securitytokenservice";

/// What the document publishes.
#[derive(Debug)]
pub struct Published<'a> {
    /// Federation service name, the host of every address but one.
    pub service_name: &'a str,
    /// Where certificates are asked for in TLS, `https://certauth.sts.corp.example`; an endpoint that needs one is not named
    /// without it.
    pub certificate_origin: Option<&'a str>,
    /// The endpoints, in order of publication.
    pub endpoints: Vec<TrustEndpoint>,
}

/// One endpoint, as it is named.
struct Binding {
    endpoint: TrustEndpoint,
    name: String,
    address: String,
}

impl Published<'_> {
    /// Writes `wsdl:definitions`.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn write(&self, writer: &mut Writer) -> Result<(), WriteError> {
        let bindings = self.bindings();
        let attributes =
            [Attribute::plain("name", "SecurityTokenService"), Attribute::plain("targetNamespace", TARGET_NAMESPACE)];
        // Attribute values name things of this document and of WS-Trust by prefix.
        let prefixes = [
            ("t", Version::February2005.namespace()),
            ("tns", TARGET_NAMESPACE),
            ("trust", Version::Trust13.namespace()),
        ];
        writer.element_with_value_prefixes(&wsdl("definitions"), &attributes, &prefixes, |writer| {
            for Binding { endpoint, name, .. } in &bindings {
                policies::write(writer, *endpoint, &format!("{name}_policy"))?;
            }
            let versions: Vec<Version> = Version::ALL
                .into_iter()
                .filter(|version| bindings.iter().any(|binding| binding.endpoint.version == *version))
                .collect();
            writer.element(&wsdl("types"), &[], |writer| {
                versions.iter().try_for_each(|version| schema(writer, *version))
            })?;
            for version in &versions {
                messages(writer, *version)?;
            }
            for version in &versions {
                port_type(writer, *version)?;
            }
            for Binding { endpoint, name, .. } in &bindings {
                binding(writer, *endpoint, name)?;
            }
            writer.element(&wsdl("service"), &[Attribute::plain("name", "SecurityTokenService")], |writer| {
                bindings.iter().try_for_each(|binding| self.port(writer, binding))
            })
        })
    }

    /// Names of bindings: AD FS counts the bindings of one class and version in order of publication, so that the second
    /// is called `…1`.
    fn bindings(&self) -> Vec<Binding> {
        let mut seen: Vec<(&str, Version)> = Vec::new();
        self.endpoints
            .iter()
            .filter_map(|endpoint| Some((endpoint, self.address(*endpoint)?)))
            .map(|(endpoint, address)| {
                let class = match endpoint.credential {
                    Credential::WindowsTransport => "CustomBinding",
                    Credential::UsernameMixed => "UserNameWSTrustBinding",
                    Credential::CertificateMixed | Credential::CertificateTransport => "CertificateWSTrustBinding",
                };
                let earlier = seen.iter().filter(|other| **other == (class, endpoint.version)).count();
                seen.push((class, endpoint.version));
                let number = if earlier == 0 { String::new() } else { earlier.to_string() };
                let name = format!("{class}_{}{number}", contract(endpoint.version).port_type);
                Binding { endpoint: *endpoint, name, address }
            })
            .collect()
    }

    /// Where an endpoint answers; `None` when there is no such place.
    fn address(&self, endpoint: TrustEndpoint) -> Option<String> {
        Some(match endpoint.credential {
            // The main name never asks for a certificate.
            Credential::CertificateTransport => format!("{}{}", self.certificate_origin?, endpoint.path()),
            _ => format!("https://{}{}", self.service_name, endpoint.path()),
        })
    }

    fn port(&self, writer: &mut Writer, binding: &Binding) -> Result<(), WriteError> {
        let Binding { endpoint, name, address } = binding;
        let qualified = format!("tns:{name}");
        let attributes = [Attribute::plain("binding", qualified.as_str()), Attribute::plain("name", name)];
        writer.element(&wsdl("port"), &attributes, |writer| {
            writer.empty(&soap12("address"), &[Attribute::plain("location", address.as_str())])?;
            writer.element(&addressing("EndpointReference"), &[], |writer| {
                writer.leaf(&addressing("Address"), &[], address)?;
                if endpoint.credential != Credential::WindowsTransport {
                    return Ok(());
                }
                writer.element(&identity("Identity"), &[], |writer| {
                    writer.leaf(&identity("Spn"), &[], &format!("HTTP/{}", self.service_name))
                })
            })
        })
    }
}

/// Declares the elements that the messages name: without them a tool that generates a client from the document finds no
/// operation. Their content is as open as WS-Trust has it.
fn schema(writer: &mut Writer, version: Version) -> Result<(), WriteError> {
    let attributes =
        [Attribute::plain("elementFormDefault", "qualified"), Attribute::plain("targetNamespace", version.namespace())];
    writer.element(&xsd("schema"), &attributes, |writer| {
        for element in ["RequestSecurityToken", contract(version).answer] {
            writer.element(&xsd("element"), &[Attribute::plain("name", element)], |writer| {
                writer.element(&xsd("complexType"), &[], |writer| {
                    let lax = Attribute::plain("processContents", "lax");
                    writer.element(&xsd("sequence"), &[], |writer| {
                        let many = [
                            Attribute::plain("maxOccurs", "unbounded"),
                            Attribute::plain("minOccurs", "0"),
                            Attribute::plain("namespace", "##any"),
                            lax,
                        ];
                        writer.empty(&xsd("any"), &many)
                    })?;
                    let lax = Attribute::plain("processContents", "lax");
                    writer.empty(&xsd("anyAttribute"), &[Attribute::plain("namespace", "##any"), lax])
                })
            })?;
        }
        Ok(())
    })
}

fn messages(writer: &mut Writer, version: Version) -> Result<(), WriteError> {
    let contract = contract(version);
    let parts = [
        ("InputMessage", "request".to_owned(), format!("{}:RequestSecurityToken", contract.prefix)),
        ("OutputMessage", format!("{}Result", contract.operation), format!("{}:{}", contract.prefix, contract.answer)),
    ];
    for (kind, part, element) in parts {
        let name = contract.message(kind);
        writer.element(&wsdl("message"), &[Attribute::plain("name", name.as_str())], |writer| {
            let attributes = [Attribute::plain("element", element.as_str()), Attribute::plain("name", part.as_str())];
            writer.empty(&wsdl("part"), &attributes)
        })?;
    }
    Ok(())
}

fn port_type(writer: &mut Writer, version: Version) -> Result<(), WriteError> {
    let contract = contract(version);
    writer.element(&wsdl("portType"), &[Attribute::plain("name", contract.port_type)], |writer| {
        writer.element(&wsdl("operation"), &[Attribute::plain("name", contract.operation)], |writer| {
            for (direction, kind, action) in [
                ("input", "InputMessage", version.issue_action()),
                ("output", "OutputMessage", version.response_action()),
            ] {
                let message = format!("tns:{}", contract.message(kind));
                let action =
                    Attribute::new(Name::new("wsaw", "http://www.w3.org/2006/05/addressing/wsdl", "Action"), action);
                writer.empty(&wsdl(direction), &[Attribute::plain("message", message.as_str()), action])?;
            }
            Ok(())
        })
    })
}

fn binding(writer: &mut Writer, endpoint: TrustEndpoint, name: &str) -> Result<(), WriteError> {
    let contract = contract(endpoint.version);
    let port_type = format!("tns:{}", contract.port_type);
    let attributes = [Attribute::plain("name", name), Attribute::plain("type", port_type.as_str())];
    writer.element(&wsdl("binding"), &attributes, |writer| {
        let policy = format!("#{name}_policy");
        let reference = Name::new("wsp", "http://schemas.xmlsoap.org/ws/2004/09/policy", "PolicyReference");
        writer.empty(&reference, &[Attribute::plain("URI", policy.as_str())])?;
        writer.empty(&soap12("binding"), &[Attribute::plain("transport", "http://schemas.xmlsoap.org/soap/http")])?;
        writer.element(&wsdl("operation"), &[Attribute::plain("name", contract.operation)], |writer| {
            let operation = [
                Attribute::plain("soapAction", endpoint.version.issue_action()),
                Attribute::plain("style", "document"),
            ];
            writer.empty(&soap12("operation"), &operation)?;
            for direction in ["input", "output"] {
                writer.element(&wsdl(direction), &[], |writer| {
                    writer.empty(&soap12("body"), &[Attribute::plain("use", "literal")])
                })?;
            }
            Ok(())
        })
    })
}

/// AD FS' names for one version of WS-Trust.
struct Contract {
    prefix: &'static str,
    port_type: &'static str,
    operation: &'static str,
    answer: &'static str,
}

impl Contract {
    fn message(&self, kind: &str) -> String {
        format!("{}_{}_{kind}", self.port_type, self.operation)
    }
}

const fn contract(version: Version) -> &'static Contract {
    match version {
        Version::February2005 => &Contract {
            prefix: "t",
            port_type: "IWSTrustFeb2005Async",
            operation: "TrustFeb2005IssueAsync",
            answer: "RequestSecurityTokenResponse",
        },
        Version::Trust13 => &Contract {
            prefix: "trust",
            port_type: "IWSTrust13Async",
            operation: "Trust13IssueAsync",
            answer: "RequestSecurityTokenResponseCollection",
        },
    }
}

const fn wsdl(local: &'static str) -> Name {
    Name::new("wsdl", "http://schemas.xmlsoap.org/wsdl/", local)
}

const fn xsd(local: &'static str) -> Name {
    Name::new("xsd", "http://www.w3.org/2001/XMLSchema", local)
}

const fn soap12(local: &'static str) -> Name {
    Name::new("soap12", "http://schemas.xmlsoap.org/wsdl/soap12/", local)
}

const fn addressing(local: &'static str) -> Name {
    Name::new("wsa10", "http://www.w3.org/2005/08/addressing", local)
}

const fn identity(local: &'static str) -> Name {
    Name::new("", "http://schemas.xmlsoap.org/ws/2006/02/addressingidentity", local)
}
