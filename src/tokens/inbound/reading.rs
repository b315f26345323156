//! What the readers of both kinds of assertion share: times, texts, values.

use super::{InboundError, InboundValue};
use crate::claims::Text;
use crate::claims::types::value_type;
use crate::clock::UtcTime;
use crate::xml::Element;
use crate::xml::namespace::{SAML2, SCHEMA_INSTANCE};

/// A required attribute in no namespace.
pub(super) fn required<'d>(
    element: Element<'d, '_>,
    name: &'static str,
    attribute: &'static str,
) -> Result<&'d str, InboundError> {
    let value = element.attribute(attribute).filter(|value| !value.is_empty());
    value.ok_or(InboundError::Missing { element: name, what: attribute })
}

/// An `xs:dateTime` with a time zone.
pub(super) fn instant(what: &'static str, text: &str) -> Result<UtcTime, InboundError> {
    UtcTime::from_xml(text).map_err(|_| InboundError::Value { what, value: text.to_owned() })
}

/// An attribute that holds a time, where it is there.
pub(super) fn optional_instant(
    element: Element<'_, '_>,
    attribute: &'static str,
) -> Result<Option<UtcTime>, InboundError> {
    element.attribute(attribute).map(|text| instant(attribute, text)).transpose()
}

/// Text that is not empty.
pub(super) fn non_empty<'d>(element: Element<'d, '_>, what: &'static str) -> Result<&'d str, InboundError> {
    let text = element.text()?;
    if text.trim().is_empty() { Err(InboundError::Missing { element: what, what: "text" }) } else { Ok(text) }
}

/// An attribute as shared text, when it is there and not empty.
pub(super) fn text_of(element: Element<'_, '_>, attribute: &str) -> Option<Text> {
    element.attribute(attribute).filter(|value| !value.is_empty()).map(Text::from)
}

/// Refuses child elements other than these of SAML 2.0.
pub(super) fn only_these(element: Element<'_, '_>, parent: &'static str, names: &[&str]) -> Result<(), InboundError> {
    match element.children().find(|child| !names.iter().any(|name| child.is(SAML2, name))) {
        Some(other) => Err(InboundError::Unsupported { parent, element: other.local().to_owned() }),
        None => Ok(()),
    }
}

/// The values of an attribute, and whether some of them hold elements and were left out. `xsi:nil` is no value.
pub(super) fn values<'d, 'i: 'd>(elements: impl Iterator<Item = Element<'d, 'i>>) -> (Vec<InboundValue>, bool) {
    let mut unreadable = false;
    let values = elements
        .filter(|value| !matches!(value.attribute_ns(SCHEMA_INSTANCE, "nil"), Some("true" | "1")))
        .filter_map(|value| {
            let text = value.text().ok();
            unreadable |= text.is_none();
            Some(InboundValue { text: Text::from(text?), value_type: type_of(value) })
        })
        .collect();
    (values, unreadable)
}

/// The value type by the local name of `xsi:type`. What its prefix means is often not signed (exclusive canonicalization drops
/// the declaration), so only names of XML Schema count, whatever their prefix.
fn type_of(value: Element<'_, '_>) -> Text {
    let name = value.attribute_ns(SCHEMA_INSTANCE, "type").unwrap_or_default();
    let local = name.rsplit_once(':').map_or(name, |(_, local)| local);
    SCHEMA_TYPES
        .iter()
        .find(|uri| uri.rsplit_once('#').is_some_and(|(_, known)| known == local))
        .map_or(Text::constant(value_type::STRING), |uri| Text::constant(uri))
}

const SCHEMA_TYPES: [&str; 9] = [
    value_type::STRING,
    value_type::BOOLEAN,
    value_type::DATE_TIME,
    value_type::BASE64,
    "http://www.w3.org/2001/XMLSchema#integer",
    "http://www.w3.org/2001/XMLSchema#anyURI",
    "http://www.w3.org/2001/XMLSchema#date",
    "http://www.w3.org/2001/XMLSchema#time",
    "http://www.w3.org/2001/XMLSchema#double",
];
