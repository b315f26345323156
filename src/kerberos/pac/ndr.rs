//! Reading of NDR (the transfer syntax of DCE RPC, MS-RPCE 2.2.6), as far as a PAC needs it.
//!
//! Little-endian type serialisation version 1 only. Every read is bounds-checked and every count capped by the caller's
//! limit before anything is allocated. Knows no structure of a PAC.

use crate::directory::Sid;

use super::PacError;

/// A cursor over one serialised type; alignment counts from the first octet after the two headers.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A pointer as it stands in a structure: what it points to follows later, in the order of the pointers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pointer {
    referent: u32,
}

impl Pointer {
    /// Whether nothing follows for this pointer.
    pub(super) const fn is_null(self) -> bool {
        self.referent == 0
    }
}

/// The fixed part of an `RPC_UNICODE_STRING`.
#[derive(Debug, Clone, Copy)]
pub(super) struct StringHeader {
    length: u16,
    pointer: Pointer,
}

impl<'a> Reader<'a> {
    /// Checks the common and the private header (MS-RPCE 2.2.6.1, 2.2.6.2) and stands at the first octet after them.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, PacError> {
        let (header, body) = bytes.split_first_chunk::<16>().ok_or(PacError::Truncated)?;
        let [version, endianness, h0, h1, _, _, _, _, l0, l1, l2, l3, ..] = *header;
        if version != 1 || endianness != 0x10 || u16::from_le_bytes([h0, h1]) != 8 {
            return Err(PacError::NdrHeader);
        }
        let length = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])).map_err(|_| PacError::NdrHeader)?;
        Ok(Self { bytes: body.get(..length).ok_or(PacError::Truncated)?, at: 0 })
    }

    /// A 16-bit integer, aligned.
    pub(super) fn u16(&mut self) -> Result<u16, PacError> {
        self.align(2);
        self.array().map(u16::from_le_bytes)
    }

    /// A 32-bit integer, aligned.
    pub(super) fn u32(&mut self) -> Result<u32, PacError> {
        self.align(4);
        self.array().map(u32::from_le_bytes)
    }

    /// A FILETIME: two aligned 32-bit halves, low first.
    pub(super) fn filetime(&mut self) -> Result<u64, PacError> {
        let low = self.u32()?;
        let high = self.u32()?;
        Ok(u64::from(high) << 32 | u64::from(low))
    }

    /// A unique pointer's referent identifier.
    pub(super) fn pointer(&mut self) -> Result<Pointer, PacError> {
        self.u32().map(|referent| Pointer { referent })
    }

    /// Passes over octets nobody reads.
    pub(super) fn skip(&mut self, count: usize) -> Result<(), PacError> {
        self.take(count).map(|_| ())
    }

    /// The fixed part of a string.
    pub(super) fn string_header(&mut self) -> Result<StringHeader, PacError> {
        let length = self.u16()?;
        self.u16()?; // MaximumLength: says how much the sender had allocated
        Ok(StringHeader { length, pointer: self.pointer()? })
    }

    /// The deferred part of a string: UTF-16LE octets, without a terminator; empty for a null pointer.
    pub(super) fn string_body(&mut self, header: StringHeader) -> Result<&'a [u8], PacError> {
        if header.pointer.is_null() {
            return if header.length == 0 { Ok(&[]) } else { Err(PacError::Conformance) };
        }
        let maximum = self.u32()?;
        let offset = self.u32()?;
        let actual = self.u32()?;
        let consistent = header.length.is_multiple_of(2)
            && offset == 0
            && actual <= maximum
            && actual == u32::from(header.length / 2);
        if !consistent {
            return Err(PacError::Conformance);
        }
        self.take(usize::from(header.length))
    }

    /// The conformant count in front of an array: must be what the structure said, and within `limit`.
    pub(super) fn array_count(&mut self, announced: u32, limit: usize) -> Result<usize, PacError> {
        if self.u32()? != announced {
            return Err(PacError::Conformance);
        }
        usize::try_from(announced).ok().filter(|count| *count <= limit).ok_or(PacError::TooManySids)
    }

    /// The deferred part of an `RPC_SID`.
    pub(super) fn sid(&mut self) -> Result<Sid, PacError> {
        let count = self.u32()?;
        let words = usize::try_from(count).ok().filter(|count| *count <= 15).ok_or(PacError::Conformance)?;
        Sid::from_bytes(self.take(8 + 4 * words)?).map_err(PacError::Sid)
    }

    fn align(&mut self, to: usize) {
        self.at = self.at.next_multiple_of(to);
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PacError> {
        let (array, _) = self.bytes.get(self.at..).and_then(<[u8]>::split_first_chunk).ok_or(PacError::Truncated)?;
        self.at += N;
        Ok(*array)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], PacError> {
        let end = self.at.checked_add(count).ok_or(PacError::Truncated)?;
        let taken = self.bytes.get(self.at..end).ok_or(PacError::Truncated)?;
        self.at = end;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a string of these numbers: length in octets; referent; maximum, offset and actual count of characters.
    fn string(length: u16, referent: u32, counts: [u32; 3]) -> Result<Vec<u8>, PacError> {
        let header = StringHeader { length, pointer: Pointer { referent } };
        let bytes = [&counts.map(u32::to_le_bytes).concat()[..], b"abcd"].concat();
        Reader { bytes: &bytes, at: 0 }.string_body(header).map(<[u8]>::to_vec)
    }

    #[test]
    fn a_string_says_its_length_twice_and_alike() {
        assert_eq!(string(4, 1, [2, 0, 2]), Ok(b"abcd".to_vec()));
        assert_eq!(string(4, 1, [9, 0, 2]), Ok(b"abcd".to_vec()), "more may have been allocated");
        assert_eq!(string(0, 0, [0; 3]), Ok(Vec::new()), "a null pointer is the empty string");
        for (length, referent, counts, what) in [
            (4, 0, [2, 0, 2], "a null pointer with a length"),
            (3, 1, [1, 0, 1], "half a character"),
            (4, 1, [2, 1, 2], "an offset"),
            (4, 1, [1, 0, 2], "more than was allocated"),
            (4, 1, [2, 0, 1], "another length behind the pointer"),
        ] {
            assert_eq!(string(length, referent, counts), Err(PacError::Conformance), "{what}");
        }
    }
}
