//! A search result entry on the wire (RFC 4511 section 4.5.2) made into [`Attributes`].
//!
//! ldap3's own decoder panics on what it does not expect and guesses octets by content; this one refuses, and knows
//! binary attributes by name.

use std::collections::BTreeMap;

use ldap3::asn1::{PL, StructureTag};

use crate::directory::codec::{base_name, is_binary};
use crate::directory::{AttributeName, AttributeValue, Attributes};

/// An object as a search returned it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its distinguished name.
    pub(super) name: String,
    /// The attributes, by name without options.
    pub(super) attributes: Attributes,
    /// Attributes of which the server sent a part only (MS-ADTS 3.1.1.3.1.3.3), with the index of the next value.
    pub(super) truncated: Vec<(AttributeName, usize)>,
}

impl Entry {
    /// Decodes a `SearchResultEntry`. `None` when the element is anything else or malformed.
    pub(super) fn decode(tag: StructureTag) -> Option<Self> {
        if tag.id != SEARCH_RESULT_ENTRY {
            return None;
        }
        let mut parts = constructed(tag)?.into_iter();
        let object = String::from_utf8(primitive(parts.next()?)?).ok()?;
        let mut values_by_name = BTreeMap::<AttributeName, Vec<Vec<u8>>>::new();
        let mut truncated = Vec::new();
        for attribute in constructed(parts.next()?)? {
            let mut parts = constructed(attribute)?.into_iter();
            let description = String::from_utf8(primitive(parts.next()?)?).ok()?;
            let values = constructed(parts.next()?)?.into_iter().map(primitive).collect::<Option<Vec<_>>>()?;
            let name = AttributeName::new(base_name(&description));
            if let Some(next) = next_of_range(&description) {
                truncated.push((name.clone(), next));
            }
            // Beside `member;range=0-1499` the server sends an empty `member`.
            values_by_name.entry(name).or_default().extend(values);
        }
        let mut attributes = Attributes::default();
        for (name, values) in values_by_name {
            if !values.is_empty() {
                let values = typed(&name, values);
                attributes.insert(name, values);
            }
        }
        Some(Self { name: object, attributes, truncated })
    }
}

/// Text or octets: all values of one attribute alike.
fn typed(name: &AttributeName, values: Vec<Vec<u8>>) -> Vec<AttributeValue> {
    if is_binary(name) || values.iter().any(|value| std::str::from_utf8(value).is_err()) {
        return values.into_iter().map(AttributeValue::Octets).collect();
    }
    values.into_iter().map(|value| AttributeValue::from_octets(name, value)).collect()
}

/// `member;range=0-1499` → 1500; `member;range=1500-*` and descriptions without a range → `None`.
fn next_of_range(description: &str) -> Option<usize> {
    let range =
        description.split(';').find_map(|option| option.strip_prefix("range=").or(option.strip_prefix("Range=")))?;
    let (_, last) = range.split_once('-')?;
    last.parse::<usize>().ok()?.checked_add(1)
}

fn constructed(tag: StructureTag) -> Option<Vec<StructureTag>> {
    match tag.payload {
        PL::C(parts) => Some(parts),
        PL::P(_) => None,
    }
}

fn primitive(tag: StructureTag) -> Option<Vec<u8>> {
    match tag.payload {
        PL::P(octets) => Some(octets),
        PL::C(_) => None,
    }
}

const SEARCH_RESULT_ENTRY: u64 = 4;

#[cfg(test)]
mod tests {
    use ldap3::asn1::TagClass;
    use proptest::prelude::*;

    use super::*;

    fn p(octets: &[u8]) -> StructureTag {
        StructureTag { class: TagClass::Universal, id: 4, payload: PL::P(octets.to_vec()) }
    }

    fn c(id: u64, parts: Vec<StructureTag>) -> StructureTag {
        StructureTag { class: TagClass::Universal, id, payload: PL::C(parts) }
    }

    fn entry(attributes: &[(&str, &[&[u8]])]) -> StructureTag {
        let attributes = attributes
            .iter()
            .map(|(name, values)| c(16, vec![p(name.as_bytes()), c(17, values.iter().map(|v| p(v)).collect())]))
            .collect();
        c(4, vec![p(b"CN=x"), c(16, attributes)])
    }

    #[test]
    fn values_are_octets_by_name_or_by_content() {
        let entry = Entry::decode(entry(&[
            ("objectGUID", &[b"sixteen ascii oc"]),
            ("mail", &[b"a@b", b"c@d"]),
            ("info", &[b"text", b"\xff"]),
            ("empty", &[]),
        ]))
        .unwrap();
        assert!(matches!(entry.attributes.values(&AttributeName::new("objectguid")), [AttributeValue::Octets(_)]));
        assert!(matches!(
            entry.attributes.values(&AttributeName::new("mail")),
            [AttributeValue::Text(a), AttributeValue::Text(_)] if a == "a@b"
        ));
        assert!(matches!(
            entry.attributes.values(&AttributeName::new("info")),
            [AttributeValue::Octets(_), AttributeValue::Octets(_)]
        ));
        assert!(entry.attributes.values(&AttributeName::new("empty")).is_empty());
    }

    #[test]
    fn a_range_says_where_to_go_on() {
        let read = Entry::decode(entry(&[("memberOf", &[]), ("memberOf;range=0-1", &[b"CN=a", b"CN=b"])])).unwrap();
        assert_eq!(read.truncated, [(AttributeName::new("memberOf"), 2)]);
        assert_eq!(read.attributes.values(&AttributeName::new("memberOf")).len(), 2);
        let last = Entry::decode(entry(&[("memberOf;range=2-*", &[b"CN=c"])])).unwrap();
        assert!(last.truncated.is_empty());
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        for tag in [
            p(b""),
            c(19, vec![p(b"ldap://x")]),
            c(4, vec![]),
            c(4, vec![p(b"CN=x")]),
            c(4, vec![c(4, vec![]), c(16, vec![])]),
            c(4, vec![p(b"CN=x"), p(b"")]),
            c(4, vec![p(b"CN=x"), c(16, vec![p(b"")])]),
            c(4, vec![p(b"CN=x"), c(16, vec![c(16, vec![p(b"\xff"), c(17, vec![])])])]),
            c(4, vec![p(b"CN=x"), c(16, vec![c(16, vec![p(b"cn"), p(b"")])])]),
        ] {
            assert_eq!(Entry::decode(tag.clone()), None, "{tag:?}");
        }
    }

    fn any_tag() -> impl Strategy<Value = StructureTag> {
        let leaf = (0_u64..20, prop::collection::vec(any::<u8>(), 0..20)).prop_map(|(id, octets)| StructureTag {
            class: TagClass::Universal,
            id,
            payload: PL::P(octets),
        });
        leaf.prop_recursive(5, 40, 5, |inner| {
            (3_u64..6, prop::collection::vec(inner, 0..5)).prop_map(|(id, parts)| c(id, parts))
        })
    }

    proptest! {
        #[test]
        fn any_element_is_read_or_refused(tag in any_tag()) {
            let _ = Entry::decode(tag);
        }
    }
}
