//! The two roles of an identity provider, and names for people.

use super::read::{Validity, language};
use super::{Binding, Endpoint, OfferedClaim, PartnerMetadataError, SamlProvider, WsFederationProvider, keys};
use crate::claims::Text;
use crate::xml::Element;
use crate::xml::namespace::{
    ADDRESSING, AUTHORIZATION, FEDERATION, METADATA, METADATA_UI, SAML2, SAML2_PROTOCOL, SCHEMA_INSTANCE,
};

pub(super) type Role<T> = Result<(Option<T>, Validity), PartnerMetadataError>;

/// The SAML 2.0 role: the one `IDPSSODescriptor` that speaks SAML 2.0.
pub(super) fn saml(entity: Element<'_, '_>, validity: Validity) -> Role<SamlProvider> {
    let roles: Vec<_> = entity.children_named(METADATA, "IDPSSODescriptor").filter(speaks_saml2).collect();
    let Some(role) = only(&roles, "SAML 2.0 roles of one entity")? else { return Ok((None, validity)) };
    let validity = validity.and(role)?;
    let (signing_certificates, unusable_certificates) = keys::signing(role)?;
    let offered = bounded(role.children_named(SAML2, "Attribute"), "attributes", MAX_CLAIMS)?.into_iter();
    let formats = bounded(role.children_named(METADATA, "NameIDFormat"), "name formats", MAX_FORMATS)?.into_iter();
    let provider = SamlProvider {
        sign_in: endpoints(role, "SingleSignOnService")?,
        sign_out: endpoints(role, "SingleLogoutService")?,
        signing_certificates,
        unusable_certificates,
        name_id_formats: formats
            .map(|format| short(format.text()?.trim(), "NameIDFormat"))
            .collect::<Result<_, _>>()?,
        attributes: offered.map(attribute).collect::<Result<_, _>>()?,
        wants_signed_requests: matches!(role.attribute("WantAuthnRequestsSigned"), Some("true" | "1")),
    };
    Ok((Some(provider), validity))
}

/// Whether a role speaks SAML 2.0.
pub(super) fn speaks_saml2(role: &Element<'_, '_>) -> bool {
    let protocols = role.attribute("protocolSupportEnumeration").unwrap_or_default();
    protocols.split_ascii_whitespace().any(|protocol| protocol == SAML2_PROTOCOL)
}

/// Addresses of WS-Federation passive.
pub(super) fn passive_endpoints(role: Element<'_, '_>) -> Result<Vec<Text>, PartnerMetadataError> {
    let endpoint =
        [(FEDERATION, "PassiveRequestorEndpoint"), (ADDRESSING, "EndpointReference"), (ADDRESSING, "Address")];
    let addresses = bounded(below(role, &endpoint).into_iter(), "addresses of one kind", MAX_ENDPOINTS)?;
    addresses.into_iter().map(|address| url(address.text()?.trim())).collect()
}

/// The WS-Federation role: the one `RoleDescriptor` of the type `SecurityTokenServiceType`.
pub(super) fn ws_federation(entity: Element<'_, '_>, validity: Validity) -> Role<WsFederationProvider> {
    // The prefix of the type's name is anybody's; the local name is what all readers go by.
    let issues = |role: &Element<'_, '_>| {
        let name = role.attribute_ns(SCHEMA_INSTANCE, "type").unwrap_or_default();
        name.rsplit_once(':').map_or(name, |(_, local)| local) == "SecurityTokenServiceType"
    };
    let roles: Vec<_> = entity.children_named(METADATA, "RoleDescriptor").filter(issues).collect();
    let Some(role) = only(&roles, "WS-Federation roles of one entity")? else { return Ok((None, validity)) };
    let validity = validity.and(role)?;
    let (signing_certificates, unusable_certificates) = keys::signing(role)?;
    let passive = passive_endpoints(role)?;
    let offered = below(role, &[(FEDERATION, "ClaimTypesOffered"), (AUTHORIZATION, "ClaimType")]).into_iter();
    let claims = bounded(offered, "claim types", MAX_CLAIMS)?.into_iter().map(claim_type).collect::<Result<_, _>>()?;
    let provider = WsFederationProvider { passive, signing_certificates, unusable_certificates, claims };
    Ok((Some(provider), validity))
}

/// Names for people: of the SAML role's interface, of the WS-Federation role, of the organization; the first there are.
pub(super) fn display_names(entity: Element<'_, '_>) -> Result<Vec<(Text, Text)>, PartnerMetadataError> {
    let interface = named(&below(
        entity,
        &[
            (METADATA, "IDPSSODescriptor"),
            (METADATA, "Extensions"),
            (METADATA_UI, "UIInfo"),
            (METADATA_UI, "DisplayName"),
        ],
    ))?;
    if !interface.is_empty() {
        return Ok(interface);
    }
    let service =
        entity.children_named(METADATA, "RoleDescriptor").find_map(|role| role.attribute("ServiceDisplayName"));
    if let Some(name) = service.filter(|name| !name.trim().is_empty()) {
        return Ok(vec![(Text::default(), short(name.trim(), "ServiceDisplayName")?)]);
    }
    named(&below(entity, &[(METADATA, "Organization"), (METADATA, "OrganizationDisplayName")]))
}

/// All elements that a path of children leads to, in document order.
pub(super) fn below<'d, 'i>(element: Element<'d, 'i>, path: &[(&str, &str)]) -> Vec<Element<'d, 'i>> {
    let Some(((namespace, local), rest)) = path.split_first() else { return vec![element] };
    let mut found = Vec::new();
    for child in element.children_named(namespace, local) {
        found.append(&mut below(child, rest));
    }
    found
}

fn named(elements: &[Element<'_, '_>]) -> Result<Vec<(Text, Text)>, PartnerMetadataError> {
    let mut names = Vec::new();
    for element in bounded(elements.iter().copied(), "display names", MAX_NAMES)? {
        let text = element.text()?.trim();
        if !text.is_empty() {
            names.push((language(element), short(text, "display name")?));
        }
    }
    Ok(names)
}

pub(super) fn endpoints(role: Element<'_, '_>, name: &'static str) -> Result<Vec<Endpoint>, PartnerMetadataError> {
    let mut endpoints = Vec::new();
    for endpoint in bounded(role.children_named(METADATA, name), "addresses of one kind", MAX_ENDPOINTS)? {
        let binding = match endpoint.attribute("Binding") {
            Some("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect") => Binding::Redirect,
            Some("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST") => Binding::Post,
            // Artifacts, SOAP, and what else this server does not send.
            _ => continue,
        };
        let location = endpoint.attribute("Location");
        let location = location.ok_or(PartnerMetadataError::Missing { element: name, attribute: "Location" })?;
        let response_url = endpoint.attribute("ResponseLocation").map(url).transpose()?;
        endpoints.push(Endpoint { binding, url: url(location)?, response_url });
    }
    Ok(endpoints)
}

fn attribute(attribute: Element<'_, '_>) -> Result<OfferedClaim, PartnerMetadataError> {
    let name = attribute.attribute("Name");
    let name = name.ok_or(PartnerMetadataError::Missing { element: "Attribute", attribute: "Name" })?;
    let display_name = attribute.attribute("FriendlyName").map(|name| short(name, "FriendlyName")).transpose()?;
    Ok(OfferedClaim { name: short(name, "Name of Attribute")?, display_name })
}

pub(super) fn claim_type(claim: Element<'_, '_>) -> Result<OfferedClaim, PartnerMetadataError> {
    let uri = claim.attribute("Uri");
    let uri = uri.ok_or(PartnerMetadataError::Missing { element: "ClaimType", attribute: "Uri" })?;
    let display_name = claim.child_text(AUTHORIZATION, "DisplayName")?.map(|name| short(name, "DisplayName"));
    Ok(OfferedClaim { name: short(uri, "Uri of ClaimType")?, display_name: display_name.transpose()? })
}

/// An address a browser may be sent to.
pub(super) fn url(text: &str) -> Result<Text, PartnerMetadataError> {
    let refused = || PartnerMetadataError::Url { url: cut(text) };
    let rest = text.strip_prefix("https://").ok_or_else(refused)?;
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '<' | '>' | '\\' | '`' | '#');
    if host.is_empty() || host.contains('@') || text.chars().any(odd) || text.len() > MAX_TEXT {
        return Err(refused());
    }
    Ok(Text::from(text))
}

/// A text of a sane length without control characters.
pub(super) fn short(text: &str, what: &'static str) -> Result<Text, PartnerMetadataError> {
    if text.len() > MAX_TEXT || text.chars().any(char::is_control) {
        return Err(PartnerMetadataError::Value { what, value: cut(text) });
    }
    Ok(Text::from(text))
}

/// A text for an error, cut off.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(200).collect()
}

pub(super) fn only<'d, 'i>(
    roles: &[Element<'d, 'i>],
    what: &'static str,
) -> Result<Option<Element<'d, 'i>>, PartnerMetadataError> {
    match roles {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        _ => Err(PartnerMetadataError::TooMany { what, limit: 1 }),
    }
}

pub(super) fn bounded<T>(
    elements: impl Iterator<Item = T>,
    what: &'static str,
    limit: usize,
) -> Result<Vec<T>, PartnerMetadataError> {
    let found: Vec<T> = elements.take(limit + 1).collect();
    if found.len() > limit { Err(PartnerMetadataError::TooMany { what, limit }) } else { Ok(found) }
}

const MAX_ENDPOINTS: usize = 32;
const MAX_FORMATS: usize = 64;
const MAX_CLAIMS: usize = 1024;
const MAX_NAMES: usize = 128;
const MAX_TEXT: usize = 2048;
