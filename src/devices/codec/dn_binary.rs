//! DN-Binary, the syntax of `msDS-KeyCredentialLink` (MS-ADTS 3.1.1.2.2.2.3): `B:<count of digits>:<hexadecimal>:<DN>`.

use std::fmt;

/// Octets that go with an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnBinary {
    /// The octets.
    pub octets: Vec<u8>,
    /// Distinguished name of the object.
    pub name: String,
}

impl DnBinary {
    /// Reads a value; `None` when it is malformed or has more than 64 KiB.
    pub fn parse(text: &str) -> Option<Self> {
        let (count, rest) = text.strip_prefix("B:").or_else(|| text.strip_prefix("b:"))?.split_once(':')?;
        let count: usize = count.parse().ok().filter(|count| *count <= MAX_DIGITS)?;
        let (digits, rest) = rest.split_at_checked(count)?;
        Some(Self { octets: hex::decode(digits).ok()?, name: rest.strip_prefix(':')?.to_owned() })
    }
}

impl fmt::Display for DnBinary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "B:{}:{}:{}", self.octets.len() * 2, hex::encode_upper(&self.octets), self.name)
    }
}

const MAX_DIGITS: usize = 128 << 10;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_that_do_not_fit_their_count_are_refused() {
        let value = DnBinary::parse("B:4:aB01:CN=x:y,DC=corp").unwrap();
        assert_eq!((value.octets.as_slice(), value.name.as_str()), (&[0xab, 1][..], "CN=x:y,DC=corp"));
        assert_eq!(value.to_string(), "B:4:AB01:CN=x:y,DC=corp");
        for text in
            ["", "B:", "B:4:ab01", "B:3:ab01:CN=x", "B:6:ab01:CN=x", "B:-1::CN=x", "S:4:ab01:CN=x", "B:2:é:CN=x"]
        {
            assert_eq!(DnBinary::parse(text), None, "{text}");
        }
        assert_eq!(DnBinary::parse(&format!("B:99999999:{}:CN=x", "00".repeat(10))), None);
        let long = |octets: usize| format!("B:{}:{}:CN=x", octets * 2, "00".repeat(octets));
        assert!(DnBinary::parse(&long(64 << 10)).is_some());
        assert_eq!(DnBinary::parse(&long((64 << 10) + 1)), None);
    }

    proptest! {
        #[test]
        fn round_trip(octets in prop::collection::vec(any::<u8>(), 0..500), name in "CN=[a-z:,=]{0,40}") {
            let value = DnBinary { octets, name };
            prop_assert_eq!(DnBinary::parse(&value.to_string()), Some(value));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "(B:[0-9]{0,3}:)?.{0,60}") {
            let _ = DnBinary::parse(&text);
        }
    }
}
