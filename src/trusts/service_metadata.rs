//! What a relying party's trust takes from its metadata: addresses, certificates and identifiers.

use std::collections::BTreeMap;

use super::file::SamlBinding;
use super::partner_metadata::{ConsumerBinding, PartnerMetadata, ServiceKeys};
use super::relying_party::{AssertionConsumerService, RelyingParty, SamlSettings, WsFederationSettings};
use crate::config::diagnostic::{Code, Place, Report};

/// Where browsers post tokens.
pub(super) fn ws_federation(metadata: &PartnerMetadata) -> Option<WsFederationSettings> {
    let (first, others) = metadata.ws_federation_service.as_ref()?.passive.split_first()?;
    Some(WsFederationSettings {
        endpoint: first.to_string(),
        additional_endpoints: others.iter().map(ToString::to_string).collect(),
    })
}

/// Where assertions of the SAML protocol go.
pub(super) fn saml(metadata: &PartnerMetadata) -> Option<SamlSettings> {
    let service = metadata.saml_service.as_ref()?;
    let default = service.consumers.iter().position(|consumer| consumer.is_default).unwrap_or_default();
    let consumers = service.consumers.iter().enumerate().map(|(place, consumer)| AssertionConsumerService {
        url: consumer.url.to_string(),
        binding: match consumer.binding {
            ConsumerBinding::Post => SamlBinding::Post,
            ConsumerBinding::Artifact => SamlBinding::Artifact,
        },
        index: consumer.index,
        is_default: place == default,
    });
    let assertion_consumer_services: Vec<_> = consumers.collect();
    let name_id_format = service.name_id_formats.first().map(ToString::to_string);
    (!assertion_consumer_services.is_empty()).then_some(SamlSettings { assertion_consumer_services, name_id_format })
}

/// DER of the certificate that tokens are encrypted to: that of the WS-Federation role before that of the SAML role.
pub(super) fn encryption(metadata: &PartnerMetadata) -> Option<&[u8]> {
    keys(metadata).find_map(|keys| keys.encryption.first()).map(Vec::as_slice)
}

/// DER of the certificates that sign requests.
pub(super) fn request_signing(metadata: &PartnerMetadata) -> &[Vec<u8>] {
    metadata.saml_service.as_ref().map_or(&[], |service| &service.keys.signing)
}

/// Whether it says that its requests are signed.
pub(super) fn signs_requests(metadata: &PartnerMetadata) -> bool {
    metadata.saml_service.as_ref().is_some_and(|service| service.signs_requests && !service.keys.signing.is_empty())
}

/// What tokens may be asked for by, beside the entity id.
pub(super) fn scopes(metadata: &PartnerMetadata) -> Vec<String> {
    metadata.ws_federation_service.iter().flat_map(|service| &service.scopes).map(ToString::to_string).collect()
}

fn keys(metadata: &PartnerMetadata) -> impl Iterator<Item = &ServiceKeys> {
    let saml = metadata.saml_service.iter().map(|service| &service.keys);
    metadata.ws_federation_service.iter().map(|service| &service.keys).chain(saml)
}

/// Adds the identifiers that a trust's metadata names, when every trust file was read: what an administrator wrote counts before
/// what a partner says, and nobody gets tokens that were asked for by the identifier of another trust.
pub(crate) fn add_identifiers(
    trust: &mut RelyingParty,
    scopes: Vec<String>,
    identifiers: &mut BTreeMap<String, String>,
    report: &mut Report,
) {
    for scope in scopes {
        if trust.has_identifier(&scope) {
            continue;
        }
        if let Some(other) = identifiers.get(&scope) {
            let message =
                format!("the metadata of {} names the identifier `{scope}`, which belongs to {other}", trust.name);
            let place = Place::File { file: trust.file.clone().unwrap_or_default() };
            report.warning(Code::Duplicate, place, message, "it is left out: tell the partner");
            continue;
        }
        identifiers.insert(scope.clone(), format!("{} (by its metadata)", trust.name));
        trust.identifiers.push(scope);
    }
}
