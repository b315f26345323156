//! Just enough DER for the two Microsoft names in a certificate: tag, length, value.

/// Reads one element with this identifier octet; answers its value and what follows.
///
/// `None` for another tag, a length that is not minimal or runs over the end, and more than 64 KiB.
pub(super) fn element(tag: u8, input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (first, rest) = input.split_first()?;
    if *first != tag {
        return None;
    }
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match *length {
        short @ 0..=0x7f => (usize::from(short), rest),
        0x81 => {
            let (length, rest) = rest.split_first()?;
            (usize::from(*length), rest)
        }
        0x82 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        _ => return None,
    };
    let minimal = match input.get(1) {
        Some(0x81) => length >= 0x80,
        Some(0x82) => length >= 0x100,
        _ => true,
    };
    if minimal { rest.split_at_checked(length) } else { None }
}

/// As [`element`], when nothing follows.
pub(super) fn only(tag: u8, input: &[u8]) -> Option<&[u8]> {
    element(tag, input).and_then(|(value, rest)| rest.is_empty().then_some(value))
}

/// `SEQUENCE`.
pub(super) const SEQUENCE: u8 = 0x30;
/// `[0]`, constructed.
pub(super) const CONTEXT_0: u8 = 0xa0;
/// `OBJECT IDENTIFIER`.
pub(super) const OID: u8 = 0x06;
/// `OCTET STRING`.
pub(super) const OCTET_STRING: u8 = 0x04;
/// `INTEGER`.
pub(super) const INTEGER: u8 = 0x02;
/// `BMPString`.
pub(super) const BMP_STRING: u8 = 0x1e;
/// `UTF8String`.
pub(super) const UTF8_STRING: u8 = 0x0c;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_minimal_lengths_only() {
        assert_eq!(only(4, &[4, 1, 9]), Some(&[9][..]));
        for bad in
            [&[4, 2, 9][..], &[4, 0x81, 1, 9], &[4, 0x80], &[4, 0x82, 0, 1, 9], &[5, 1, 9], &[4, 1, 9, 9], &[4], &[]]
        {
            assert_eq!(only(4, bad), None, "{bad:?}");
        }
        let middle = [&[4, 0x81, 200][..], &[7; 200]].concat();
        assert_eq!(only(4, &middle), Some(&[7; 200][..]));
        let long = [&[4, 0x82, 1, 0][..], &[7; 256]].concat();
        assert_eq!(only(4, &long), Some(&[7; 256][..]));
    }

    proptest! {
        #[test]
        fn any_octets_are_read_or_refused(octets in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Some((value, rest)) = element(*octets.first().unwrap_or(&0), &octets) {
                prop_assert!(value.len() + rest.len() < octets.len());
            }
        }
    }
}
