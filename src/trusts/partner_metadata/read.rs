//! From a document to the facts about one entity in it.

use super::{PartnerMetadata, PartnerMetadataError, ServiceKeys, duration, roles, service_roles};
use crate::claims::Text;
use crate::clock::UtcTime;
use crate::xml::namespace::{METADATA, XML};
use crate::xml::verify::{Policy, SignedElement, VerificationKeys, VerifiedXml, verify_enveloped};
use crate::xml::{Document, Element, Limits};

/// Whether a document's signature counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    /// It was verified with a certificate that is known from before.
    Verified,
    /// There is none, or it was not asked for.
    No,
}

/// What the entity is to this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// It signs users in.
    ClaimsProvider,
    /// It takes tokens.
    RelyingParty,
}

/// What to read.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The side from which it is read; roles of the other are left out.
    pub side: Side,
    /// The entity; `None` for the only one there is.
    pub entity_id: Option<&'a str>,
    /// Certificates with which the document must be signed; `None` where it need not be.
    pub signed_by: Option<&'a VerificationKeys>,
    /// Now, for documents that say when they end.
    pub now: UtcTime,
}

/// Reads what metadata says of one claims provider or relying party: an `EntityDescriptor`, or one in an `EntitiesDescriptor`.
///
/// With a signature demanded, everything is read from the octets that were signed, and the root is what must be signed.
///
/// # Errors
/// [`PartnerMetadataError`].
pub fn read(input: &[u8], wanted: &Wanted<'_>) -> Result<PartnerMetadata, PartnerMetadataError> {
    match wanted.signed_by {
        Some(keys) => {
            let verified = verify(input, keys)?;
            entity(&verified.document()?, wanted, Signed::Verified)
        }
        None => entity(&Document::parse(input, &Limits::METADATA)?, wanted, Signed::No),
    }
}

fn verify(input: &[u8], keys: &VerificationKeys) -> Result<VerifiedXml, PartnerMetadataError> {
    let policy = Policy { limits: Limits::METADATA, sha1: false };
    let root = if Document::parse(input, &policy.limits)?.root().is(METADATA, "EntitiesDescriptor") {
        "EntitiesDescriptor"
    } else {
        "EntityDescriptor"
    };
    let element = SignedElement { path: &[(METADATA, root)], id_attribute: "ID", root_may_be_signed: false };
    Ok(verify_enveloped(input, &element, keys, &policy)?)
}

fn entity(
    document: &Document<'_>,
    wanted: &Wanted<'_>,
    signed: Signed,
) -> Result<PartnerMetadata, PartnerMetadataError> {
    let root = document.root();
    if !root.is(METADATA, "EntityDescriptor") && !root.is(METADATA, "EntitiesDescriptor") {
        return Err(PartnerMetadataError::NotMetadata { found: root.local().to_owned() });
    }
    let mut found = Vec::new();
    collect(root, Validity::default(), wanted.entity_id, &mut found)?;
    let name = || wanted.entity_id.unwrap_or("an entity").to_owned();
    let (entity, validity) = match &found[..] {
        [] => return Err(PartnerMetadataError::NoSuchEntity { wanted: name() }),
        [one] => *one,
        more => return Err(PartnerMetadataError::SeveralEntities { wanted: name(), count: more.len() }),
    };
    let entity_id = roles::short(entity_id(entity)?, "entityID")?;
    let mut metadata = PartnerMetadata {
        display_names: roles::display_names(entity)?,
        entity_id,
        saml: None,
        ws_federation: None,
        saml_service: None,
        ws_federation_service: None,
        valid_until: None,
        cache_duration: None,
        signed,
    };
    let validity = match wanted.side {
        Side::ClaimsProvider => {
            let (saml, validity) = roles::saml(entity, validity)?;
            let (ws_federation, validity) = roles::ws_federation(entity, validity)?;
            (metadata.saml, metadata.ws_federation) = (saml, ws_federation);
            validity
        }
        Side::RelyingParty => {
            let (saml, validity) = service_roles::saml(entity, validity)?;
            let (ws_federation, validity) = service_roles::ws_federation(entity, validity)?;
            (metadata.saml_service, metadata.ws_federation_service) = (saml, ws_federation);
            validity
        }
    };
    if let Some(until) = validity.until
        && until <= wanted.now
    {
        return Err(PartnerMetadataError::Expired { until });
    }
    usable(&metadata, wanted.side)?;
    Ok(PartnerMetadata { valid_until: validity.until, cache_duration: validity.cache, ..metadata })
}

/// There is a role. A claims provider must sign; a relying party need have no keys, but where it wants tokens encrypted, that must be
/// possible: otherwise they would go out in the clear.
fn usable(metadata: &PartnerMetadata, side: Side) -> Result<(), PartnerMetadataError> {
    let entity = || metadata.entity_id.to_string();
    let services = [
        metadata.saml_service.as_ref().map(|role| &role.keys),
        metadata.ws_federation_service.as_ref().map(|role| &role.keys),
    ];
    let providers = [
        metadata.saml.as_ref().map(|role| (&role.signing_certificates, &role.unusable_certificates)),
        metadata.ws_federation.as_ref().map(|role| (&role.signing_certificates, &role.unusable_certificates)),
    ];
    if services.iter().all(Option::is_none) && providers.iter().all(Option::is_none) {
        return Err(PartnerMetadataError::NoRole { entity: entity(), side });
    }
    if let Some((_, unusable)) = providers.into_iter().flatten().find(|(usable, _)| usable.is_empty()) {
        return Err(PartnerMetadataError::NoCertificate { entity: entity(), unusable: unusable.clone() });
    }
    let cannot = |keys: &&ServiceKeys| keys.encryption.is_empty() && !keys.unusable.is_empty();
    if let Some(keys) = services.into_iter().flatten().find(cannot) {
        return Err(PartnerMetadataError::NoCertificate { entity: entity(), unusable: keys.unusable.clone() });
    }
    Ok(())
}

/// The wanted entities below `element`, each with the limits that stand around it.
fn collect<'d, 'i>(
    element: Element<'d, 'i>,
    around: Validity,
    wanted: Option<&str>,
    found: &mut Vec<(Element<'d, 'i>, Validity)>,
) -> Result<(), PartnerMetadataError> {
    if element.is(METADATA, "EntityDescriptor") {
        if wanted.is_none_or(|wanted| element.attribute("entityID") == Some(wanted)) {
            found.push((element, around.and(element)?));
        }
        return Ok(());
    }
    // Nesting is bounded by the reader.
    let around = around.and(element)?;
    for child in element.children() {
        if child.is(METADATA, "EntityDescriptor") || child.is(METADATA, "EntitiesDescriptor") {
            collect(child, around, wanted, found)?;
        }
    }
    Ok(())
}

fn entity_id<'d>(entity: Element<'d, '_>) -> Result<&'d str, PartnerMetadataError> {
    let id = entity.attribute("entityID").filter(|id| !id.trim().is_empty());
    id.ok_or(PartnerMetadataError::Missing { element: "EntityDescriptor", attribute: "entityID" })
}

/// `validUntil` and `cacheDuration`, the strictest of all that apply (saml-metadata 2.3).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Validity {
    until: Option<UtcTime>,
    cache: Option<std::time::Duration>,
}

impl Validity {
    /// With those of `element` as well.
    pub(super) fn and(self, element: Element<'_, '_>) -> Result<Self, PartnerMetadataError> {
        let invalid = |what, value: &str| PartnerMetadataError::Value { what, value: roles::cut(value) };
        let until = element
            .attribute("validUntil")
            .map(|text| UtcTime::from_xml(text).map_err(|_| invalid("validUntil", text)))
            .transpose()?;
        let cache = element
            .attribute("cacheDuration")
            .map(|text| duration::parse(text).ok_or_else(|| invalid("cacheDuration", text)))
            .transpose()?;
        Ok(Self {
            until: [self.until, until].into_iter().flatten().min(),
            cache: [self.cache, cache].into_iter().flatten().min(),
        })
    }
}

/// `xml:lang` of an element, empty when there is none.
pub(super) fn language(element: Element<'_, '_>) -> Text {
    Text::from(element.attribute_ns(XML, "lang").unwrap_or_default())
}
