//! The certificates that the server says it signs with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::failure::{Failure, Passed, Step};
use super::http::Reply;
use crate::xml::namespace::{METADATA, SCHEMA_INSTANCE, SIGNATURE};
use crate::xml::{Document, Element, Limits};

/// What the federation metadata says.
#[derive(Debug)]
pub(super) struct Published {
    /// `entityID`: the federation service identifier.
    pub(super) entity_id: String,
    /// DER of the token-signing certificates, the primary one first.
    pub(super) certificates: Vec<Vec<u8>>,
}

/// Reads `FederationMetadata.xml`.
pub(super) fn read(reply: &Reply) -> Step<Published> {
    if reply.status != 200 {
        return Err(Failure::new(format!("HTTP {}", reply.status)).advise(
            "Microsoft Entra renews certificates from this address, and relying parties read it; AD FS: \
             Enable-AdfsEndpoint -TargetAddressPath /FederationMetadata/2007-06/FederationMetadata.xml",
        ));
    }
    let document = Document::parse(&reply.body, &Limits::METADATA)
        .map_err(|error| Failure::new(format!("it is no readable XML: {error}")))?;
    let entity = document.root();
    if !entity.is(METADATA, "EntityDescriptor") {
        return Err(Failure::new(format!("its root is {} instead of EntityDescriptor", entity.local())));
    }
    let service = |role: &Element<'_, '_>| {
        role.attribute_ns(SCHEMA_INSTANCE, "type").is_some_and(|kind| kind.ends_with("SecurityTokenServiceType"))
    };
    let role = entity.children_named(METADATA, "RoleDescriptor").find(service);
    let role = role.or_else(|| entity.child(METADATA, "IDPSSODescriptor"));
    let mut certificates = Vec::new();
    for key in role.into_iter().flat_map(|role| role.children().filter(|child| child.is(METADATA, "KeyDescriptor"))) {
        if key.attribute("use").is_none_or(|purpose| purpose == "signing") {
            let info = key.child(SIGNATURE, "KeyInfo").and_then(|info| info.child(SIGNATURE, "X509Data"));
            let text = info.and_then(|data| data.child(SIGNATURE, "X509Certificate")).and_then(|text| text.text().ok());
            let plain: String = text.unwrap_or_default().split_whitespace().collect();
            certificates.extend(STANDARD.decode(plain).ok().filter(|der| !der.is_empty()));
        }
    }
    if certificates.is_empty() {
        return Err(Failure::new("it publishes no token-signing certificate"));
    }
    let what = format!(
        "{} token-signing certificate{} published",
        certificates.len(),
        if certificates.len() == 1 { "" } else { "s" }
    );
    let entity_id = entity.attribute("entityID").unwrap_or_default().to_owned();
    Ok(Passed::new(Published { entity_id, certificates }, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str) -> Reply {
        Reply { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }

    fn metadata(keys: &str) -> String {
        format!(
            "<EntityDescriptor entityID='http://sts.corp.example/adfs/services/trust' xmlns='{METADATA}'>\
             <RoleDescriptor xsi:type='fed:ApplicationServiceType' xmlns:xsi='{SCHEMA_INSTANCE}'/>\
             <RoleDescriptor xsi:type='fed:SecurityTokenServiceType' xmlns:xsi='{SCHEMA_INSTANCE}'>{keys}</RoleDescriptor>\
             </EntityDescriptor>"
        )
    }

    #[test]
    fn signing_certificates_of_the_token_service() {
        let key = |purpose: &str, text: &str| {
            format!(
                "<KeyDescriptor use='{purpose}'><KeyInfo xmlns='{SIGNATURE}'><X509Data><X509Certificate>{text}\
                 </X509Certificate></X509Data></KeyInfo></KeyDescriptor>"
            )
        };
        let keys = [key("encryption", "AAAA"), key("signing", "AQ\nID"), key("signing", "BAUG")].concat();
        let published = read(&reply(200, &metadata(&keys))).unwrap().value;
        assert_eq!(published.certificates, [vec![1, 2, 3], vec![4, 5, 6]]);
        assert_eq!(published.entity_id, "http://sts.corp.example/adfs/services/trust");
    }

    #[test]
    fn what_is_no_metadata_is_refused() {
        for (status, body) in [(404, ""), (200, "<html"), (200, "<html/>"), (200, &metadata(""))] {
            assert!(read(&reply(status, body)).is_err(), "{status} {body}");
        }
    }
}
