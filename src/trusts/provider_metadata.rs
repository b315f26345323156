//! What a claims provider's trust takes from its metadata: protocol, addresses and certificates.

use super::claims_provider::FederationProtocol;
use super::context::TrustContext;
use super::described::Source;
use super::partner_metadata::{Binding, Endpoint, PartnerMetadata};
use crate::config::diagnostic::Code;

/// The protocol of the only role there is; with both, the trust must say which.
pub(super) fn protocol(
    source: &Source<'_>,
    metadata: &PartnerMetadata,
    context: &mut TrustContext<'_, '_, '_>,
) -> Option<FederationProtocol> {
    match (&metadata.ws_federation, &metadata.saml) {
        (Some(_), None) => Some(FederationProtocol::WsFederation),
        (None, Some(_)) => Some(FederationProtocol::Saml),
        (None, None) => {
            let help = "ask the partner for the metadata of its identity provider";
            source.complain(context, "it describes no identity provider", help);
            None
        }
        (Some(_), Some(_)) => {
            let message = "`claims_provider.protocol` is missing, and the metadata offers both";
            let help = "write `protocol = \"saml\"` or `protocol = \"ws_federation\"`";
            if source.is_at_an_address() {
                source.complain(context, message, help);
            } else {
                context.findings.error(Code::MissingKey, "claims_provider.protocol", message, help);
            }
            None
        }
    }
}

/// Where browsers are sent to, and how.
pub(super) fn sign_in(metadata: &PartnerMetadata, protocol: FederationProtocol) -> Option<(&str, Binding)> {
    match protocol {
        FederationProtocol::WsFederation => {
            metadata.ws_federation.as_ref()?.passive.first().map(|url| (&**url, Binding::Redirect))
        }
        FederationProtocol::Saml => {
            preferred(&metadata.saml.as_ref()?.sign_in).map(|service| (&*service.url, service.binding))
        }
        FederationProtocol::OpenId => None,
    }
}

/// Where SAML logout messages go.
pub(super) fn saml_sign_out(metadata: &PartnerMetadata) -> Option<&Endpoint> {
    preferred(&metadata.saml.as_ref()?.sign_out)
}

/// By redirection where that is offered, and by a form where it is not: a browser follows a redirection without script.
fn preferred(services: &[Endpoint]) -> Option<&Endpoint> {
    services.iter().find(|service| service.binding == Binding::Redirect).or_else(|| services.first())
}

/// The certificates of the role, DER.
pub(super) fn signing_certificates(metadata: &PartnerMetadata, protocol: FederationProtocol) -> &[Vec<u8>] {
    match protocol {
        FederationProtocol::WsFederation => metadata.ws_federation.as_ref().map(|role| &role.signing_certificates),
        FederationProtocol::Saml => metadata.saml.as_ref().map(|role| &role.signing_certificates),
        FederationProtocol::OpenId => None,
    }
    .map_or(&[], Vec::as_slice)
}
