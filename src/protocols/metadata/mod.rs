//! `FederationMetadata.xml`: what partners read to trust this farm (ws-federation.md 8).
//!
//! Signed, on one line, with every token-signing certificate, the primary first, in AD FS' order and with AD FS' prefixes: one
//! client compares the literal text `fed:SecurityTokenServiceType`. It names no endpoint that does not work for the one who asks:
//! of the SAML roles the one that takes answers of claims providers is there, the one that issues is not, and the passive endpoint
//! stands in both roles of WS-Federation.

use crate::claims::descriptions::{ClaimDescription, ClaimDescriptions};
use crate::clock::{Random, RandomError};
use crate::protocols::trust_endpoint::{Credential, TrustEndpoint, TrustEndpoints, Version};
use crate::tokens::{SignatureAlgorithm, SigningKey, TokenId};
use crate::xml::namespace::SAML2_PROTOCOL;
use crate::xml::{Attribute, KeyInfoForm, Name, SignatureError, WriteError, Writer, sign_enveloped};

/// `Content-Type` of the document.
pub const CONTENT_TYPE: &str = "application/xml; charset=utf-8";

/// What the document says.
#[derive(Debug)]
pub struct FederationMetadata<'a> {
    /// Federation service identifier: the entity id.
    pub identifier: &'a str,
    /// Federation service name: the host.
    pub service_name: &'a str,
    /// Name shown to people.
    pub display_name: &'a str,
    /// Token-signing certificates (DER), the primary first.
    pub signing_certificates: Vec<&'a [u8]>,
    /// Token-decryption certificates (DER).
    pub decryption_certificates: Vec<&'a [u8]>,
    /// The claim types it names.
    pub claim_descriptions: &'a ClaimDescriptions,
    /// The WS-Trust endpoint that it names.
    pub endpoint: Option<TrustEndpoint>,
}

/// The WS-Trust endpoint that AD FS names in the document, or the next best that works for somebody inside or outside.
pub fn published_endpoint(endpoints: &TrustEndpoints, extranet: bool) -> Option<TrustEndpoint> {
    let preference = [
        TrustEndpoint::new(Version::February2005, Credential::CertificateMixed),
        TrustEndpoint::new(Version::Trust13, Credential::CertificateMixed),
        TrustEndpoint::new(Version::February2005, Credential::UsernameMixed),
        TrustEndpoint::new(Version::Trust13, Credential::UsernameMixed),
        TrustEndpoint::new(Version::Trust13, Credential::WindowsTransport),
        TrustEndpoint::new(Version::February2005, Credential::WindowsTransport),
    ];
    preference.into_iter().find(|wanted| endpoints.reachable_from(extranet).any(|endpoint| endpoint == *wanted))
}

/// Why the document could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// It could not be signed.
    #[error(transparent)]
    Sign(#[from] SignatureError),
    /// The random source failed.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl FederationMetadata<'_> {
    /// Writes and signs the document. Made once for each configuration, key set and endpoint, not for each request.
    ///
    /// # Errors
    /// [`MetadataError`].
    pub async fn sign(&self, key: &SigningKey, random: &dyn Random) -> Result<Vec<u8>, MetadataError> {
        let id = TokenId::random(random)?;
        let mut writer = Writer::with_capacity(64 << 10);
        let attributes = [Attribute::plain("ID", id.as_str()), Attribute::plain("entityID", self.identifier)];
        writer.element(&md("EntityDescriptor"), &attributes, |writer| {
            writer.signature_here()?;
            self.application_service_role(writer)?;
            self.security_token_service_role(writer)?;
            self.service_provider_role(writer)?;
            writer.empty(&md("ContactPerson"), &[Attribute::plain("contactType", "support")])
        })?;
        let document = writer.finish_for_signature()?;
        Ok(sign_enveloped(document, id.as_str(), key, SignatureAlgorithm::RsaSha256, KeyInfoForm::Plain).await?)
    }

    /// What the farm takes: tokens for itself.
    fn application_service_role(&self, writer: &mut Writer) -> Result<(), WriteError> {
        self.role(writer, "fed:ApplicationServiceType", |writer| {
            for certificate in &self.decryption_certificates {
                key_descriptor(writer, "encryption", certificate)?;
            }
            claim_types(writer, REQUESTED, self.claim_descriptions.iter().filter(|description| description.accepted))?;
            writer.element(&fed("TargetScopes"), &[], |writer| endpoint_reference(writer, self.identifier))?;
            let passive = self.url("/adfs/ls/");
            writer.element(&fed("PassiveRequestorEndpoint"), &[], |writer| endpoint_reference(writer, &passive))
        })
    }

    /// What the farm takes by SAML 2.0, from claims providers.
    fn service_provider_role(&self, writer: &mut Writer) -> Result<(), WriteError> {
        let attributes = [
            Attribute::plain("WantAssertionsSigned", "true"),
            Attribute::plain("protocolSupportEnumeration", SAML2_PROTOCOL),
        ];
        writer.element(&md("SPSSODescriptor"), &attributes, |writer| {
            for certificate in &self.decryption_certificates {
                key_descriptor(writer, "encryption", certificate)?;
            }
            for certificate in &self.signing_certificates {
                key_descriptor(writer, "signing", certificate)?;
            }
            let logout = self.url("/adfs/ls/");
            for binding in ["HTTP-Redirect", "HTTP-POST"] {
                let binding = format!("urn:oasis:names:tc:SAML:2.0:bindings:{binding}");
                let attributes = [Attribute::plain("Binding", &binding), Attribute::plain("Location", &logout)];
                writer.empty(&md("SingleLogoutService"), &attributes)?;
            }
            for format in NAME_ID_FORMATS {
                writer.leaf(&md("NameIDFormat"), &[], format)?;
            }
            let address = self.url("/adfs/ls/");
            let attributes = [
                Attribute::plain("Binding", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"),
                Attribute::plain("Location", &address),
                Attribute::plain("index", "0"),
                Attribute::plain("isDefault", "true"),
            ];
            writer.empty(&md("AssertionConsumerService"), &attributes)
        })
    }

    /// What the farm issues.
    fn security_token_service_role(&self, writer: &mut Writer) -> Result<(), WriteError> {
        self.role(writer, "fed:SecurityTokenServiceType", |writer| {
            for certificate in &self.signing_certificates {
                key_descriptor(writer, "signing", certificate)?;
            }
            writer.element(&fed("TokenTypesOffered"), &[], |writer| {
                ["urn:oasis:names:tc:SAML:2.0:assertion", "urn:oasis:names:tc:SAML:1.0:assertion"]
                    .iter()
                    .try_for_each(|uri| writer.empty(&fed("TokenType"), &[Attribute::plain("Uri", uri)]))
            })?;
            claim_types(writer, OFFERED, self.claim_descriptions.iter().filter(|description| description.offered))?;
            if let Some(path) = self.endpoint.map(TrustEndpoint::path) {
                writer.element(&fed("SecurityTokenServiceEndpoint"), &[], |writer| {
                    writer.element(&addressing("EndpointReference"), &[], |writer| {
                        writer.leaf(&addressing("Address"), &[], &self.url(&path))?;
                        writer.element(&addressing("Metadata"), &[], |writer| self.mex_reference(writer))
                    })
                })?;
            }
            let passive = self.url("/adfs/ls/");
            writer.element(&fed("PassiveRequestorEndpoint"), &[], |writer| endpoint_reference(writer, &passive))
        })
    }

    fn mex_reference(&self, writer: &mut Writer) -> Result<(), WriteError> {
        writer.element(&mex("Metadata"), &[], |writer| {
            let dialect = Attribute::plain("Dialect", "http://schemas.xmlsoap.org/ws/2004/09/mex");
            writer.element(&mex("MetadataSection"), &[dialect], |writer| {
                writer.element(&mex("MetadataReference"), &[], |writer| {
                    writer.leaf(&addressing("Address"), &[], &self.url("/adfs/services/trust/mex"))
                })
            })
        })
    }

    fn role(
        &self,
        writer: &mut Writer,
        role_type: &str,
        content: impl FnOnce(&mut Writer) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let attributes = [
            Attribute::new(Name::new("xsi", "http://www.w3.org/2001/XMLSchema-instance", "type"), role_type),
            Attribute::plain("protocolSupportEnumeration", PROTOCOLS),
            Attribute::plain("ServiceDisplayName", self.display_name),
        ];
        writer.element_with_value_prefixes(&md("RoleDescriptor"), &attributes, &[("fed", FEDERATION)], content)
    }

    fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.service_name)
    }
}

fn key_descriptor(writer: &mut Writer, usage: &str, certificate: &[u8]) -> Result<(), WriteError> {
    writer.element(&md("KeyDescriptor"), &[Attribute::plain("use", usage)], |writer| {
        writer.element(&dsig("KeyInfo"), &[], |writer| {
            writer.element(&dsig("X509Data"), &[], |writer| {
                writer.base64_leaf(&dsig("X509Certificate"), &[], certificate)
            })
        })
    })
}

fn claim_types<'d>(
    writer: &mut Writer,
    element: &'static str,
    mut descriptions: impl Iterator<Item = &'d ClaimDescription>,
) -> Result<(), WriteError> {
    writer.element(&fed(element), &[], |writer| {
        descriptions.try_for_each(|description| claim_type(writer, element, description))
    })
}

/// Only a claim that is requested can be required.
fn claim_type(writer: &mut Writer, element: &str, description: &ClaimDescription) -> Result<(), WriteError> {
    let optional = if description.required && element == REQUESTED { "false" } else { "true" };
    let attributes = [Attribute::plain("Uri", &description.uri), Attribute::plain("Optional", optional)];
    writer.element(&auth("ClaimType"), &attributes, |writer| {
        writer.leaf(&auth("DisplayName"), &[], &description.name)?;
        if description.description.is_empty() {
            return Ok(());
        }
        writer.leaf(&auth("Description"), &[], &description.description)
    })
}

fn endpoint_reference(writer: &mut Writer, address: &str) -> Result<(), WriteError> {
    writer.element(&addressing("EndpointReference"), &[], |writer| writer.leaf(&addressing("Address"), &[], address))
}

const fn md(local: &'static str) -> Name {
    Name::new("", "urn:oasis:names:tc:SAML:2.0:metadata", local)
}

const fn fed(local: &'static str) -> Name {
    Name::new("fed", FEDERATION, local)
}

const fn auth(local: &'static str) -> Name {
    Name::new("auth", "http://docs.oasis-open.org/wsfed/authorization/200706", local)
}

const fn addressing(local: &'static str) -> Name {
    Name::new("wsa", "http://www.w3.org/2005/08/addressing", local)
}

const fn mex(local: &'static str) -> Name {
    Name::new("wsx", "http://schemas.xmlsoap.org/ws/2004/09/mex", local)
}

const fn dsig(local: &'static str) -> Name {
    Name::new("", "http://www.w3.org/2000/09/xmldsig#", local)
}

/// As AD FS names them.
const NAME_ID_FORMATS: [&str; 3] = [
    "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
    "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
    "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
];
const OFFERED: &str = "ClaimTypesOffered";
const REQUESTED: &str = "ClaimTypesRequested";
const FEDERATION: &str = "http://docs.oasis-open.org/wsfed/federation/200706";
const PROTOCOLS: &str = "http://docs.oasis-open.org/ws-sx/ws-trust/200512 \
    http://schemas.xmlsoap.org/ws/2005/02/trust http://docs.oasis-open.org/wsfed/federation/200706";
