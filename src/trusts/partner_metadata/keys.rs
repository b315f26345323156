//! `KeyDescriptor`: the certificates a role signs with, and those it wants tokens encrypted to.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::{PartnerMetadataError, ServiceKeys};
use crate::tokens::encryption::EncryptionKey;
use crate::xml::Element;
use crate::xml::namespace::{METADATA, SIGNATURE};
use crate::xml::verify::VerificationKeys;

/// Certificates that can be used, in order and each once, and why others cannot.
///
/// Of each `KeyInfo` the first certificate counts: it is the key's own, and what follows it are its issuers, which sign nothing
/// for the partner. Certificates for encryption only are left out.
pub(super) fn signing(role: Element<'_, '_>) -> Result<(Vec<Vec<u8>>, Vec<String>), PartnerMetadataError> {
    of_use(role, "signing", |der| {
        VerificationKeys::from_certificates([der]).map(|_| ()).map_err(|error| error.to_string())
    })
}

/// The certificates of a relying party. Of those that cannot be used, the ones it wants tokens encrypted to are told.
pub(super) fn of_service(role: Element<'_, '_>) -> Result<ServiceKeys, PartnerMetadataError> {
    let (signing, _) = signing(role)?;
    let (encryption, unusable) = of_use(role, "encryption", |der| {
        EncryptionKey::from_certificate(der).map(|_| ()).map_err(|error| error.to_string())
    })?;
    Ok(ServiceKeys { signing, encryption, unusable })
}

/// Those for a use, or for any.
fn of_use(
    role: Element<'_, '_>,
    wanted: &str,
    check: impl Fn(&[u8]) -> Result<(), String>,
) -> Result<(Vec<Vec<u8>>, Vec<String>), PartnerMetadataError> {
    let (mut usable, mut unusable) = (Vec::new(), Vec::new());
    let descriptors = role.children_named(METADATA, "KeyDescriptor");
    for descriptor in descriptors.filter(|key| key.attribute("use").is_none_or(|own| own == wanted)) {
        let certificate = descriptor
            .required_child(SIGNATURE, "KeyInfo")?
            .children_named(SIGNATURE, "X509Data")
            .find_map(|data| data.child(SIGNATURE, "X509Certificate"));
        // A bare key has no certificate, and is not what this server works with.
        let Some(certificate) = certificate else {
            unusable.push(String::from("a key without a certificate"));
            continue;
        };
        let text: String = certificate.text()?.split_ascii_whitespace().collect();
        let Ok(der) = BASE64.decode(text) else {
            unusable.push(String::from("a certificate that is not base64"));
            continue;
        };
        match check(&der) {
            Err(error) => unusable.push(error),
            Ok(()) if usable.contains(&der) => {}
            Ok(()) => usable.push(der),
        }
        if usable.len() + unusable.len() > MAX_KEYS {
            return Err(PartnerMetadataError::TooMany { what: "keys of one role", limit: MAX_KEYS });
        }
    }
    Ok((usable, unusable))
}

const MAX_KEYS: usize = 16;
