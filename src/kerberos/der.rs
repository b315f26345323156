//! A reader for the little DER that is looked at before GSSAPI sees a token.
//!
//! Definite lengths of at most four octets, single-octet tags, nothing left over where a structure ends. Non-minimal lengths
//! are read, since old encoders write them and they leave no doubt about the content.

/// A cursor over a sequence of values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

/// The octets are not what the structure demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DerError {
    /// A length reaches beyond the end.
    Truncated,
    /// Another tag, an indefinite or overlong length, octets left over.
    Structure,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next value's tag, not consumed; `None` at the end.
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The content of the next value, which must have this tag.
    pub(super) fn expect(&mut self, tag: u8) -> Result<&'a [u8], DerError> {
        let (&found, rest) = self.rest.split_first().ok_or(DerError::Truncated)?;
        if found != tag {
            return Err(DerError::Structure);
        }
        let (length, rest) = read_length(rest)?;
        let (content, rest) = rest.split_at_checked(length).ok_or(DerError::Truncated)?;
        self.rest = rest;
        Ok(content)
    }

    /// A reader over the content of the next value, which must have this tag.
    pub(super) fn enter(&mut self, tag: u8) -> Result<Self, DerError> {
        self.expect(tag).map(Self::new)
    }

    /// The content of the next value if it has this tag.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, DerError> {
        if self.peek() == Some(tag) { self.expect(tag).map(Some) } else { Ok(None) }
    }

    /// `[n] EXPLICIT` around one value of the tag `inner`, and nothing beside it.
    pub(super) fn explicit(&mut self, outer: u8, inner: u8) -> Result<&'a [u8], DerError> {
        let mut wrapped = self.enter(outer)?;
        let content = wrapped.expect(inner)?;
        wrapped.end()?;
        Ok(content)
    }

    /// As [`explicit`](Self::explicit) for an INTEGER of at most 32 bits.
    pub(super) fn explicit_integer(&mut self, outer: u8) -> Result<i64, DerError> {
        integer(self.explicit(outer, INTEGER)?)
    }

    /// Nothing may be left.
    pub(super) fn end(&self) -> Result<(), DerError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DerError::Structure) }
    }

    /// What is left.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

/// INTEGER.
pub(super) const INTEGER: u8 = 0x02;
/// BIT STRING.
pub(super) const BIT_STRING: u8 = 0x03;
/// OCTET STRING.
pub(super) const OCTET_STRING: u8 = 0x04;
/// OBJECT IDENTIFIER.
pub(super) const OID: u8 = 0x06;
/// `GeneralString`, the Kerberos string type.
pub(super) const GENERAL_STRING: u8 = 0x1b;
/// SEQUENCE and SEQUENCE OF.
pub(super) const SEQUENCE: u8 = 0x30;

/// The context-specific constructed tag `[number]`.
pub(super) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// The application-class constructed tag `[APPLICATION number]`.
pub(super) const fn application(number: u8) -> u8 {
    0x60 | number
}

fn read_length(bytes: &[u8]) -> Result<(usize, &[u8]), DerError> {
    let (&first, rest) = bytes.split_first().ok_or(DerError::Truncated)?;
    if first < 0x80 {
        return Ok((usize::from(first), rest));
    }
    let octets = usize::from(first & 0x7f);
    if octets == 0 || octets > 4 {
        return Err(DerError::Structure);
    }
    let (octets, rest) = rest.split_at_checked(octets).ok_or(DerError::Truncated)?;
    Ok((octets.iter().fold(0, |length, octet| length << 8 | usize::from(*octet)), rest))
}

fn integer(content: &[u8]) -> Result<i64, DerError> {
    // A 32-bit unsigned value takes five octets when its top bit is set.
    let first = content.first().filter(|_| content.len() <= 5).ok_or(DerError::Structure)?;
    let start = if first & 0x80 == 0 { 0 } else { -1 };
    Ok(content.iter().fold(start, |value, octet| value << 8 | i64::from(*octet)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        for (bytes, expected) in [
            (&b"\x04\x02ab"[..], Ok(&b"ab"[..])),
            (b"\x04\x81\x02ab", Ok(b"ab")),
            (b"\x04\x84\x00\x00\x00\x02ab", Ok(b"ab")),
            (b"\x04\x03ab", Err(DerError::Truncated)),
            (b"\x04\x82\x00", Err(DerError::Truncated)),
            (b"\x04", Err(DerError::Truncated)),
            (b"", Err(DerError::Truncated)),
            (b"\x04\x80ab\x00\x00", Err(DerError::Structure)),
            (b"\x04\x85\x00\x00\x00\x00\x02ab", Err(DerError::Structure)),
            (b"\x04\x84\xff\xff\xff\xffab", Err(DerError::Truncated)),
            (b"\x05\x02ab", Err(DerError::Structure)),
        ] {
            assert_eq!(Reader::new(bytes).expect(OCTET_STRING), expected, "{bytes:x?}");
        }
    }

    #[test]
    fn integers_are_signed_and_short() {
        for (content, expected) in [
            (&[5][..], Ok(5)),
            (&[0xff], Ok(-1)),
            (&[0, 0xff, 0xff, 0xff, 0xff], Ok(0xffff_ffff)),
            (&[], Err(DerError::Structure)),
            (&[0; 6], Err(DerError::Structure)),
        ] {
            assert_eq!(integer(content), expected);
        }
    }
}
