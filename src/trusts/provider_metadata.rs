//! What a claims provider's trust takes from metadata that lies beside it, or that was fetched from its address and kept.
//!
//! Keys of the trust file count before it: an address or a protocol that is written there is meant.

use super::claims_provider::FederationProtocol;
use super::context::TrustContext;
use super::file::{ClaimsProviderFile, ClaimsProviderProtocol, TrustFile};
use super::monitoring::{Kept, Monitored};
use super::partner_metadata::{Binding, Endpoint, PartnerMetadata, Wanted, read};
use crate::config::diagnostic::Code;
use crate::config::load::{MAX_CONFIGURATION_FILE, read_bounded};
use crate::xml::verify::VerificationKeys;

/// What there is of metadata.
#[derive(Debug)]
pub(super) enum Described {
    /// The trust names none, or names a file that is wrong.
    Nothing,
    /// It lies at an address, and was not fetched yet, or cannot be used any more.
    NotNow,
    /// It says this.
    By(Box<PartnerMetadata>),
}

/// Reads the file, or what was kept of the metadata at the address, when the trust names one. Findings say what is wrong.
pub(super) fn load(table: &ClaimsProviderFile, context: &mut TrustContext<'_, '_, '_>) -> Described {
    if table.metadata_url.is_some() {
        if table.metadata_file.is_some() {
            let help = "keep one of them";
            context.findings.error(Code::Contradiction, URL_KEY, "there is `metadata_file`, too", help);
        }
        return kept(table, context);
    }
    let file = table.metadata_file.as_ref();
    let Some((path, octets)) = file.and_then(|file| context.read(file, FILE_KEY)) else { return Described::Nothing };
    let wanted = Wanted { entity_id: Some(&table.identifier), signed_by: None, now: context.now };
    match read(&octets, &wanted) {
        Ok(metadata) => Described::By(Box::new(metadata)),
        Err(error) => {
            let message = format!("{} cannot be used: {error}", path.display());
            let help = "fetch the partner's metadata again, and compare `identifier` with its entityID";
            context.findings.error(Code::InvalidValue, FILE_KEY, message, help);
            Described::Nothing
        }
    }
}

/// A partner's document that is late, or gone bad, must not keep this server from starting: only warnings.
fn kept(table: &ClaimsProviderFile, context: &mut TrustContext<'_, '_, '_>) -> Described {
    let Some(directory) = &context.state_directory else { return Described::NotNow };
    let path = Kept::of(directory, &table.identifier).file().to_owned();
    let wanted = Wanted { entity_id: Some(&table.identifier), signed_by: None, now: context.now };
    let (message, help) = match read_bounded(&path, MAX_CONFIGURATION_FILE) {
        Ok(octets) => match read(&octets, &wanted) {
            Ok(metadata) => return Described::By(Box::new(metadata)),
            Err(error) => {
                (format!("the metadata that was fetched cannot be used: {error}"), "`chancery trusts show` says more")
            }
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => (
            String::from("the metadata was not fetched yet"),
            "the server fetches it when it runs; `chancery trusts refresh` does it now",
        ),
        Err(error) => {
            (format!("{} cannot be read: {error}", path.display()), "let the user that runs the server read it")
        }
    };
    if table.enabled {
        context.findings.warning(Code::Advice, URL_KEY, message, help);
    }
    Described::NotNow
}

/// The trust of a file whose metadata lies at an address. Findings say what is wrong with the address.
pub(crate) fn monitored(file: &TrustFile, context: &mut TrustContext<'_, '_, '_>) -> Option<Monitored> {
    let table = file.claims_provider.as_ref()?;
    let url = table.metadata_url.as_ref()?;
    if table.protocol == Some(ClaimsProviderProtocol::Oidc) {
        return None;
    }
    super::endpoints::sign_in_address(url, URL_KEY, context);
    let mut signers = Vec::new();
    for (i, file) in table.metadata_signing_certificates.iter().enumerate() {
        signers.extend(super::certificates::one(file, &format!("{SIGNERS_KEY}.{i}"), context));
    }
    if let Err(error) = VerificationKeys::from_certificates(signers.iter().map(|der| &**der))
        && !signers.is_empty()
    {
        let help = "ask the partner for the certificate that signs its metadata";
        context.findings.error(Code::Certificate, SIGNERS_KEY, format!("a certificate cannot be used: {error}"), help);
    }
    Monitored::new(table, context.state_directory.as_deref()?, signers)
}

/// What is wrong with the metadata itself: an error where it is a file that an administrator put there, and a warning where a partner
/// may change it at any time.
pub(super) fn complain(table: &ClaimsProviderFile, context: &mut TrustContext<'_, '_, '_>, message: &str, help: &str) {
    if table.metadata_url.is_some() {
        context.findings.warning(Code::InvalidValue, URL_KEY, message, help);
    } else {
        context.findings.error(Code::InvalidValue, FILE_KEY, message, help);
    }
}

/// The key that names the metadata.
pub(super) const fn key(table: &ClaimsProviderFile) -> &'static str {
    if table.metadata_url.is_some() { URL_KEY } else { FILE_KEY }
}

/// The protocol of the only role there is; with both, the trust must say which.
pub(super) fn protocol(
    table: &ClaimsProviderFile,
    metadata: &PartnerMetadata,
    context: &mut TrustContext<'_, '_, '_>,
) -> Option<FederationProtocol> {
    match (&metadata.ws_federation, &metadata.saml) {
        (Some(_), None) => Some(FederationProtocol::WsFederation),
        (None, Some(_)) => Some(FederationProtocol::Saml),
        (None, None) => {
            let help = "ask the partner for the metadata of its identity provider";
            complain(table, context, "it describes no identity provider", help);
            None
        }
        (Some(_), Some(_)) => {
            let message = "`claims_provider.protocol` is missing, and the metadata offers both";
            let help = "write `protocol = \"saml\"` or `protocol = \"ws_federation\"`";
            if table.metadata_url.is_some() {
                complain(table, context, message, help);
            } else {
                context.findings.error(Code::MissingKey, "claims_provider.protocol", message, help);
            }
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
        FederationProtocol::OpenId => None,
    }
}

/// Where SAML logout messages go, by redirection where that is offered.
pub(super) fn saml_sign_out(metadata: &PartnerMetadata) -> Option<&Endpoint> {
    let services = &metadata.saml.as_ref()?.sign_out;
    services.iter().find(|service| service.binding == Binding::Redirect)
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

const FILE_KEY: &str = "claims_provider.metadata_file";
const URL_KEY: &str = "claims_provider.metadata_url";
const SIGNERS_KEY: &str = "claims_provider.metadata_signing_certificates";
