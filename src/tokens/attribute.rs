//! What both kinds of SAML attribute share: original issuer and typed values.

use super::TokenError;
use super::content::Attribute;
use crate::claims::types::value_type;
use crate::xml::namespace::{CLAIMS_IDENTITY, SCHEMA_INSTANCE};
use crate::xml::{self, Name, Writer};

/// `a:OriginalIssuer` (ws-federation.md 4.1).
pub(super) const ORIGINAL_ISSUER: Name = Name::new("a", CLAIMS_IDENTITY, "OriginalIssuer");

/// Writes the values of an attribute, each as an element `name`; a type other than text is written as `b:type="tn:…"`.
pub(super) fn write_values(writer: &mut Writer, name: &Name, attribute: &Attribute) -> Result<(), TokenError> {
    let of_claim = |error| TokenError::of_claim(error, &attribute.claim_type);
    if &*attribute.value_type == value_type::STRING {
        return attribute.values.iter().try_for_each(|value| writer.leaf(name, &[], value).map_err(of_claim));
    }
    let (namespace, local) = split_value_type(attribute)?;
    let type_name = format!("tn:{local}");
    let typed = [xml::Attribute::new(TYPE, &type_name)];
    attribute.values.iter().try_for_each(|value| {
        writer.leaf_with_value_prefixes(name, &typed, &[("tn", namespace)], value).map_err(of_claim)
    })
}

/// Namespace and local name of a value type such as `http://www.w3.org/2001/XMLSchema#boolean`.
fn split_value_type(attribute: &Attribute) -> Result<(&str, &str), TokenError> {
    attribute
        .value_type
        .split_once('#')
        .filter(|(namespace, local)| !namespace.is_empty() && xml::is_ncname(local))
        .ok_or_else(|| TokenError::ValueType {
            claim_type: String::from(&*attribute.claim_type),
            value_type: String::from(&*attribute.value_type),
        })
}

const TYPE: Name = Name::new("b", SCHEMA_INSTANCE, "type");
