//! What a claims provider's trust takes from metadata that lies beside it.
//!
//! Keys of the trust file count before it: an address or a protocol that is written there is meant.

use super::claims_provider::FederationProtocol;
use super::context::TrustContext;
use super::file::ClaimsProviderFile;
use super::partner_metadata::{Binding, PartnerMetadata, Wanted, read};
use crate::config::diagnostic::Code;

/// Reads the file, when the trust names one. Findings say what is wrong.
pub(super) fn load(table: &ClaimsProviderFile, context: &mut TrustContext<'_, '_, '_>) -> Option<PartnerMetadata> {
    if table.metadata_url.is_some() {
        context.findings.error(
            Code::NotAvailable,
            "claims_provider.metadata_url",
            "metadata at an address is not fetched in this version",
            "fetch it into a file and name that: `metadata_file = \"partner.xml\"`",
        );
    }
    let (path, octets) = context.read(table.metadata_file.as_ref()?, KEY)?;
    let wanted = Wanted { entity_id: Some(&table.identifier), signed_by: None, now: context.now };
    match read(&octets, &wanted) {
        Ok(metadata) => Some(metadata),
        Err(error) => {
            let message = format!("{} cannot be used: {error}", path.display());
            let help = "fetch the partner's metadata again, and compare `identifier` with its entityID";
            context.findings.error(Code::InvalidValue, KEY, message, help);
            None
        }
    }
}

/// The protocol of the only role there is; with both, the trust must say which.
pub(super) fn protocol(
    metadata: &PartnerMetadata,
    context: &mut TrustContext<'_, '_, '_>,
) -> Option<FederationProtocol> {
    match (&metadata.ws_federation, &metadata.saml) {
        (Some(_), None) => Some(FederationProtocol::WsFederation),
        (None, Some(_)) => Some(FederationProtocol::Saml),
        (None, None) => {
            let help = "ask the partner for the metadata of its identity provider";
            context.findings.error(Code::InvalidValue, KEY, "it describes no identity provider", help);
            None
        }
        (Some(_), Some(_)) => {
            context.findings.error(
                Code::MissingKey,
                "claims_provider.protocol",
                "`claims_provider.protocol` is missing, and the metadata offers both",
                "write `protocol = \"saml\"` or `protocol = \"ws_federation\"`",
            );
            None
        }
    }
}

/// Where browsers are sent to.
pub(super) fn sign_in_url(metadata: &PartnerMetadata, protocol: FederationProtocol) -> Option<&str> {
    match protocol {
        FederationProtocol::WsFederation => metadata.ws_federation.as_ref()?.passive.first().map(|url| &**url),
        FederationProtocol::Saml => {
            let services = &metadata.saml.as_ref()?.sign_in;
            services.iter().find(|service| service.binding == Binding::Redirect).map(|service| &*service.url)
        }
    }
}

/// The certificates of the role, DER.
pub(super) fn signing_certificates(metadata: &PartnerMetadata, protocol: FederationProtocol) -> &[Vec<u8>] {
    match protocol {
        FederationProtocol::WsFederation => metadata.ws_federation.as_ref().map(|role| &role.signing_certificates),
        FederationProtocol::Saml => metadata.saml.as_ref().map(|role| &role.signing_certificates),
    }
    .map_or(&[], Vec::as_slice)
}

pub(super) const KEY: &str = "claims_provider.metadata_file";
