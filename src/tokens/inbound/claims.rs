//! What a partner says, as the input of the acceptance rules (claims.md 4.1).

use super::InboundAssertion;
use crate::claims::types::{self, issuer, property, value_type};
use crate::claims::{Claim, ClaimSet, Text};

impl InboundAssertion {
    /// Name identifier, attributes, authentication method and instant, in this order. Issuer and original issuer of each are
    /// the partner's identifier; whatever the assertion says of original issuers is not looked at.
    pub fn to_claims(&self) -> ClaimSet {
        let stated = |claim_type: Text, value: Text| Claim::new(claim_type, value, self.issuer.clone());
        let mut claims = Vec::with_capacity(self.attributes.len() + 3);
        if let Some(name) = &self.name_identifier {
            let mut claim = stated(Text::constant(types::NAME_IDENTIFIER), name.value.clone());
            for (key, value) in [
                (property::FORMAT, &name.format),
                (property::NAME_QUALIFIER, &name.name_qualifier),
                (property::SP_NAME_QUALIFIER, &name.sp_name_qualifier),
            ] {
                claim = with(claim, key, value.as_ref());
            }
            claims.push(claim);
        }
        for attribute in &self.attributes {
            for value in &attribute.values {
                let claim = stated(attribute.claim_type.clone(), value.text.clone());
                let claim = claim.with_value_type(value.value_type.clone());
                let claim = with(claim, property::ATTRIBUTE_NAME, attribute.name_format.as_ref());
                claims.push(with(claim, property::DISPLAY_NAME, attribute.friendly_name.as_ref()));
            }
        }
        if let Some(authentication) = &self.authentication {
            claims.push(stated(Text::constant(types::AUTHENTICATION_METHOD), authentication.method.clone()));
            let instant = Text::from(authentication.instant.to_xml());
            let claim = stated(Text::constant(types::AUTHENTICATION_INSTANT), instant);
            claims.push(claim.with_value_type(Text::constant(value_type::DATE_TIME)));
        }
        ClaimSet::from(claims)
    }
}

/// Whether an identifier is a name by which claim rules know this server's own authorities. Rules compare without case at
/// times, so case does not make another name.
pub(super) fn is_reserved(identifier: &str) -> bool {
    [issuer::AD_AUTHORITY, issuer::LOCAL_AUTHORITY, issuer::SELF_AUTHORITY, issuer::CLIENT_CONTEXT, ""]
        .iter()
        .any(|own| own.eq_ignore_ascii_case(identifier.trim()))
}

fn with(claim: Claim, name: &'static str, value: Option<&Text>) -> Claim {
    match value {
        Some(value) => claim.with_property(Text::constant(name), value.clone()),
        None => claim,
    }
}
