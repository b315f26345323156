//! The two roles of a relying party.

use super::read::Validity;
use super::roles::{Role, below, bounded, claim_type, endpoints, only, passive_endpoints, short, speaks_saml2, url};
use super::{Consumer, ConsumerBinding, PartnerMetadataError, SamlService, WsFederationService, keys};
use crate::xml::Element;
use crate::xml::namespace::{ADDRESSING, AUTHORIZATION, FEDERATION, METADATA, SCHEMA_INSTANCE};

/// The SAML 2.0 role: the one `SPSSODescriptor` that speaks SAML 2.0.
pub(super) fn saml(entity: Element<'_, '_>, validity: Validity) -> Role<SamlService> {
    let roles: Vec<_> = entity.children_named(METADATA, "SPSSODescriptor").filter(speaks_saml2).collect();
    let Some(role) = only(&roles, "SAML 2.0 roles of one entity")? else { return Ok((None, validity)) };
    let validity = validity.and(role)?;
    let formats = bounded(role.children_named(METADATA, "NameIDFormat"), "name formats", MAX_FORMATS)?.into_iter();
    let service = SamlService {
        consumers: consumers(role)?,
        sign_out: endpoints(role, "SingleLogoutService")?,
        keys: keys::of_service(role)?,
        name_id_formats: formats
            .map(|format| short(format.text()?.trim(), "NameIDFormat"))
            .collect::<Result<_, _>>()?,
        signs_requests: matches!(role.attribute("AuthnRequestsSigned"), Some("true" | "1")),
    };
    Ok((Some(service), validity))
}

/// The WS-Federation role: the one `RoleDescriptor` of the type `ApplicationServiceType`.
pub(super) fn ws_federation(entity: Element<'_, '_>, validity: Validity) -> Role<WsFederationService> {
    // The prefix of the type's name is anybody's; the local name is what all readers go by.
    let takes = |role: &Element<'_, '_>| {
        let name = role.attribute_ns(SCHEMA_INSTANCE, "type").unwrap_or_default();
        name.rsplit_once(':').map_or(name, |(_, local)| local) == "ApplicationServiceType"
    };
    let roles: Vec<_> = entity.children_named(METADATA, "RoleDescriptor").filter(takes).collect();
    let Some(role) = only(&roles, "WS-Federation roles of one entity")? else { return Ok((None, validity)) };
    let validity = validity.and(role)?;
    let scope = [(FEDERATION, "TargetScopes"), (ADDRESSING, "EndpointReference"), (ADDRESSING, "Address")];
    let scopes = bounded(below(role, &scope).into_iter(), "target scopes", MAX_SCOPES)?.into_iter();
    let scopes = scopes.map(|scope| short(scope.text()?.trim(), "TargetScopes")).collect::<Result<Vec<_>, _>>()?;
    let wanted = below(role, &[(FEDERATION, "ClaimTypesRequested"), (AUTHORIZATION, "ClaimType")]).into_iter();
    let service = WsFederationService {
        passive: passive_endpoints(role)?,
        scopes: scopes.into_iter().filter(|scope| !scope.is_empty()).collect(),
        keys: keys::of_service(role)?,
        claims: bounded(wanted, "claim types", MAX_CLAIMS)?.into_iter().map(claim_type).collect::<Result<_, _>>()?,
    };
    Ok((Some(service), validity))
}

fn consumers(role: Element<'_, '_>) -> Result<Vec<Consumer>, PartnerMetadataError> {
    let mut consumers = Vec::new();
    let elements = bounded(role.children_named(METADATA, NAME), "addresses of one kind", MAX_CONSUMERS)?;
    for (place, element) in elements.into_iter().enumerate() {
        let binding = match element.attribute("Binding") {
            Some("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST") => ConsumerBinding::Post,
            Some("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact") => ConsumerBinding::Artifact,
            // PAOS, and what else this server does not answer by.
            _ => continue,
        };
        let location = element.attribute("Location");
        let location = location.ok_or(PartnerMetadataError::Missing { element: NAME, attribute: "Location" })?;
        let index = match element.attribute("index") {
            Some(text) => text
                .trim()
                .parse()
                .map_err(|_| PartnerMetadataError::Value { what: "index", value: text.chars().take(20).collect() })?,
            None => u16::try_from(place).unwrap_or(u16::MAX),
        };
        let is_default = matches!(element.attribute("isDefault"), Some("true" | "1"));
        consumers.push(Consumer { binding, url: url(location)?, index, is_default });
    }
    Ok(consumers)
}

const NAME: &str = "AssertionConsumerService";
const MAX_CONSUMERS: usize = 32;
const MAX_SCOPES: usize = 32;
const MAX_FORMATS: usize = 64;
const MAX_CLAIMS: usize = 1024;
