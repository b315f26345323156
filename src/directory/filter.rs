//! LDAP search filters (RFC 4515).
//!
//! The only way a value gets into a filter: escaped, octet by octet. Knows nothing of connections or of what a filter is for.

use std::fmt::{self, Write as _};

use super::Sid;

/// A search filter. Its `Display` form is the string form of RFC 4515.
///
/// Attribute names are constants of the program; values may be anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// The attribute has this value, compared by its own matching rule.
    Equal(&'static str, Vec<u8>),
    /// The attribute has this value or a smaller one, by its own order.
    AtMost(&'static str, Vec<u8>),
    /// The attribute has any value.
    Present(&'static str),
    /// All of these.
    All(Vec<Self>),
    /// At least one of these.
    Any(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
}

impl Filter {
    /// The attribute has this value.
    pub fn equal(attribute: &'static str, value: impl AsRef<[u8]>) -> Self {
        Self::Equal(attribute, value.as_ref().to_vec())
    }

    /// The object with this SID. By octets: every directory server understands that form.
    pub fn sid(sid: &Sid) -> Self {
        Self::Equal("objectSid", sid.to_bytes())
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equal(attribute, value) => write!(f, "({attribute}={})", escape(value)),
            Self::AtMost(attribute, value) => write!(f, "({attribute}<={})", escape(value)),
            Self::Present(attribute) => write!(f, "({attribute}=*)"),
            Self::All(filters) => write_set(f, '&', filters),
            Self::Any(filters) => write_set(f, '|', filters),
            Self::Not(filter) => write!(f, "(!{filter})"),
        }
    }
}

/// A value as it stands in a filter: ASCII letters, digits and a few harmless signs as they are, every other octet as `\xx`.
///
/// RFC 4515 section 3 demands this of NUL, `(`, `)`, `*`, `\` and what is no UTF-8; escaping more is always allowed.
pub fn escape(value: &[u8]) -> String {
    let mut text = String::with_capacity(value.len());
    for &octet in value {
        if octet.is_ascii_alphanumeric() || b"-._@:/ ".contains(&octet) {
            text.push(char::from(octet));
        } else {
            let _ = write!(text, "\\{octet:02x}");
        }
    }
    text
}

fn write_set(f: &mut fmt::Formatter<'_>, operator: char, filters: &[Filter]) -> fmt::Result {
    write!(f, "({operator}")?;
    filters.iter().try_for_each(|filter| fmt::Display::fmt(filter, f))?;
    f.write_char(')')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn special_characters_never_reach_the_filter() {
        for (value, escaped) in [
            ("alice", "alice"),
            ("*)(objectClass=*", "\\2a\\29\\28objectClass\\3d\\2a"),
            ("a\\b\0", "a\\5cb\\00"),
            ("é", "\\c3\\a9"),
            ("X509:<SKI>01ab", "X509:\\3cSKI\\3e01ab"),
        ] {
            assert_eq!(escape(value.as_bytes()), escaped);
        }
    }

    #[test]
    fn filters_nest() {
        let filter = Filter::All(vec![
            Filter::equal("objectClass", "user"),
            Filter::Any(vec![Filter::equal("userPrincipalName", "a@b"), Filter::Present("mail")]),
            Filter::Not(Box::new(Filter::equal("cn", "x*"))),
        ]);
        assert_eq!(filter.to_string(), "(&(objectClass=user)(|(userPrincipalName=a@b)(mail=*))(!(cn=x\\2a)))");
        assert!(ldap3::parse_filter(filter.to_string()).is_ok());
    }

    #[test]
    fn a_sid_is_escaped_octets() {
        let sid: Sid = "S-1-5-32-544".parse().unwrap();
        let text = Filter::sid(&sid).to_string();
        assert_eq!(
            text,
            "(objectSid=\\01\\02\\00\\00\\00\\00\\00\\05\\20\\00\\00\\00\\20\\02\\00\\00".replace("\\20", " ") + ")"
        );
    }

    proptest! {
        /// Whatever the value, the client's own parser sees one equality with exactly that value.
        #[test]
        fn any_value_stays_one_value(value in prop::collection::vec(any::<u8>(), 1..60)) {
            let text = Filter::equal("cn", &value).to_string();
            prop_assert_eq!(ldap3::ldap_unescape(escape(&value)).ok().map(|c| c.into_owned().into_bytes()),
                String::from_utf8(value.clone()).ok().map(String::into_bytes));
            let expected = {
                use ldap3::asn1::{ASNTag as _, OctetString, Sequence, Tag, TagClass};
                Tag::Sequence(Sequence { id: 3, class: TagClass::Context, inner: vec![
                    Tag::OctetString(OctetString { inner: b"cn".to_vec(), ..Default::default() }),
                    Tag::OctetString(OctetString { inner: value, ..Default::default() }),
                ] }).into_structure()
            };
            let parsed = ldap3::parse_filter(&text).map(ldap3::asn1::ASNTag::into_structure);
            prop_assert_eq!(parsed.ok(), Some(expected));
        }
    }
}
