//! Security identifiers.
//!
//! Text and binary form of a SID (MS-DTYP 2.4.2). Knows nothing of accounts or of where a SID came from.

use std::fmt;
use std::str::FromStr;

/// A Windows security identifier, such as `S-1-5-21-1004336348-1177238915-682003330-1107`.
///
/// Compared by value; the text form is always the canonical one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sid {
    /// 48-bit identifier authority; 5 is the NT authority.
    authority: u64,
    count: u8,
    /// Only the first `count` are meaningful, the others are zero, so that derived comparison is right.
    sub_authorities: [u32; MAX_SUB_AUTHORITIES],
}

impl Sid {
    /// `S-1-0-0`, which no account has.
    pub const NOBODY: Self = Self::well_known(0, &[0]);
    /// `S-1-1-0`, Everyone.
    pub const EVERYONE: Self = Self::well_known(1, &[0]);
    /// `S-1-5-11`, Authenticated Users.
    pub const AUTHENTICATED_USERS: Self = Self::well_known(5, &[11]);

    /// `S-1-18-1`, in every ticket of somebody who proved a key to the KDC (MS-DTYP 2.4.2.4).
    pub const AUTHENTICATION_AUTHORITY_ASSERTED_IDENTITY: Self = Self::well_known(18, &[1]);

    /// A SID of the given 48-bit authority and sub-authorities.
    ///
    /// # Errors
    /// [`SidError::TooManySubAuthorities`] beyond 15, [`SidError::Authority`] beyond 48 bits.
    pub fn new(authority: u64, sub_authorities: &[u32]) -> Result<Self, SidError> {
        if authority >> 48 != 0 {
            return Err(SidError::Authority);
        }
        let mut all = [0; MAX_SUB_AUTHORITIES];
        all.get_mut(..sub_authorities.len()).ok_or(SidError::TooManySubAuthorities)?.copy_from_slice(sub_authorities);
        let count = u8::try_from(sub_authorities.len()).map_err(|_| SidError::TooManySubAuthorities)?;
        Ok(Self { authority, count, sub_authorities: all })
    }

    /// Reads the binary form: revision, count, 6 octets authority big-endian, then sub-authorities little-endian.
    /// The slice must hold exactly one SID.
    ///
    /// # Errors
    /// [`SidError`] for a wrong revision, count or length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SidError> {
        let (&[revision, count, a0, a1, a2, a3, a4, a5], rest) =
            bytes.split_first_chunk::<8>().ok_or(SidError::Length)?;
        if revision != 1 {
            return Err(SidError::Revision(revision));
        }
        if usize::from(count) > MAX_SUB_AUTHORITIES {
            return Err(SidError::TooManySubAuthorities);
        }
        let (words, remainder) = rest.as_chunks::<4>();
        if words.len() != usize::from(count) || !remainder.is_empty() {
            return Err(SidError::Length);
        }
        let mut sub_authorities = [0; MAX_SUB_AUTHORITIES];
        for (slot, word) in sub_authorities.iter_mut().zip(words) {
            *slot = u32::from_le_bytes(*word);
        }
        Ok(Self { authority: u64::from_be_bytes([0, 0, a0, a1, a2, a3, a4, a5]), count, sub_authorities })
    }

    /// The binary form, as the directory holds it in `objectSid`.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(8 + 4 * usize::from(self.count));
        bytes.extend([1, self.count]);
        bytes.extend(self.authority.to_be_bytes().iter().skip(2));
        for sub_authority in self.sub_authorities() {
            bytes.extend(sub_authority.to_le_bytes());
        }
        bytes
    }

    /// The 48-bit identifier authority.
    pub const fn authority(&self) -> u64 {
        self.authority
    }

    /// The sub-authorities, the relative identifier (RID) last.
    pub fn sub_authorities(&self) -> &[u32] {
        self.sub_authorities.get(..usize::from(self.count)).unwrap_or_default()
    }

    /// The last sub-authority: for an account, its RID within the domain.
    pub fn rid(&self) -> Option<u32> {
        self.sub_authorities().last().copied()
    }

    /// The SID without its last sub-authority: for an account, its domain. `None` for a SID without any.
    pub fn parent(&self) -> Option<Self> {
        let (_, parent) = self.sub_authorities().split_last()?;
        Self::new(self.authority, parent).ok()
    }

    /// The account or group with this RID in the domain that `self` names.
    ///
    /// # Errors
    /// [`SidError::TooManySubAuthorities`] when `self` is full already.
    pub fn child(&self, rid: u32) -> Result<Self, SidError> {
        let mut child = *self;
        *child.sub_authorities.get_mut(usize::from(self.count)).ok_or(SidError::TooManySubAuthorities)? = rid;
        child.count += 1;
        Ok(child)
    }

    /// Whether this is the SID of a domain: `S-1-5-21-a-b-c`.
    pub fn is_domain(&self) -> bool {
        self.authority == 5 && matches!(self.sub_authorities(), [21, _, _, _])
    }

    /// The text form in whatever holds text, without a `String` between: every sign-in writes a SID for each group.
    pub fn text<T: for<'t> From<&'t str>>(&self) -> T {
        if self.authority >> 32 == 0 {
            T::from(self.write_decimal(&mut [0; MAX_TEXT]))
        } else {
            T::from(&self.to_string())
        }
    }

    /// Each number by `itoa`: this runs for every group of every sign-in. For an authority below 2^32.
    fn write_decimal<'t>(&self, text: &'t mut [u8; MAX_TEXT]) -> &'t str {
        let mut length = 0;
        let mut number = itoa::Buffer::new();
        let mut push = |piece: &str| {
            if let Some(room) = text.get_mut(length..length + piece.len()) {
                room.copy_from_slice(piece.as_bytes());
                length += piece.len();
            }
        };
        push("S-1-");
        push(number.format(self.authority));
        for part in self.sub_authorities() {
            push("-");
            push(number.format(*part));
        }
        text.get(..length).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
    }

    const fn well_known(authority: u64, sub_authorities: &[u32]) -> Self {
        let mut all = [0; MAX_SUB_AUTHORITIES];
        let (head, _) = all.split_at_mut(sub_authorities.len());
        head.copy_from_slice(sub_authorities);
        #[expect(clippy::cast_possible_truncation, reason = "called at compile time with one or two items")]
        let count = sub_authorities.len() as u8;
        Self { authority, count, sub_authorities: all }
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // MS-DTYP 2.4.2.1: an authority of 2^32 or more is written in hexadecimal.
        if self.authority >> 32 != 0 {
            write!(f, "S-1-0x{:012X}", self.authority)?;
            return self.sub_authorities().iter().try_for_each(|part| write!(f, "-{part}"));
        }
        f.write_str(self.write_decimal(&mut [0; MAX_TEXT]))
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sid {
    type Err = SidError;

    fn from_str(text: &str) -> Result<Self, SidError> {
        let mut parts = text.split('-');
        if !parts.next().is_some_and(|s| s.eq_ignore_ascii_case("S")) {
            return Err(SidError::Syntax);
        }
        if parts.next() != Some("1") {
            return Err(SidError::Syntax);
        }
        let authority = parts.next().ok_or(SidError::Syntax)?;
        let authority = match authority.strip_prefix("0x").or_else(|| authority.strip_prefix("0X")) {
            Some(hexadecimal) => parse_digits(hexadecimal, 16)?,
            None => parse_digits(authority, 10)?,
        };
        let sub_authorities = parts
            .map(|part| parse_digits(part, 10).and_then(|n| u32::try_from(n).map_err(|_| SidError::Syntax)))
            .collect::<Result<Vec<u32>, _>>()?;
        Self::new(authority, &sub_authorities)
    }
}

impl serde::Serialize for Sid {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Sid {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Why text or octets are no SID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SidError {
    /// The text is not of the form `S-1-…`.
    #[error("not a SID: expected text like S-1-5-21-…-1107")]
    Syntax,
    /// The authority does not fit 48 bits.
    #[error("the identifier authority of a SID has 48 bits")]
    Authority,
    /// The revision octet is not 1.
    #[error("unknown SID revision {0}")]
    Revision(u8),
    /// More than 15 sub-authorities.
    #[error("a SID has at most 15 sub-authorities")]
    TooManySubAuthorities,
    /// The octets are too few or too many for the count they announce.
    #[error("wrong length for a SID")]
    Length,
}

/// Octets of the longest text: `S-1-`, ten digits, and fifteen times a hyphen and ten digits.
const MAX_TEXT: usize = 4 + 10 + MAX_SUB_AUTHORITIES * 11;

/// `from_str_radix` alone would take a sign.
fn parse_digits(text: &str, radix: u32) -> Result<u64, SidError> {
    if text.is_empty() || !text.chars().all(|c| c.is_digit(radix)) {
        return Err(SidError::Syntax);
    }
    u64::from_str_radix(text, radix).map_err(|_| SidError::Syntax)
}

const MAX_SUB_AUTHORITIES: usize = 15;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_and_writes_the_text_form() {
        for text in ["S-1-5-21-1004336348-1177238915-682003330-1107", "S-1-1-0", "S-1-5-32-545", "S-1-0x123456789ABC-7"]
        {
            assert_eq!(text.parse::<Sid>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_what_is_no_sid() {
        for text in
            ["", "S", "S-1", "S-1-", "S-2-5-21", "S-1-5-+1", "S-1-5-21-4294967296", "S-1-5--1", "S-1-0x1000000000000"]
        {
            assert!(text.parse::<Sid>().is_err(), "{text}");
        }
        assert_eq!(format!("S-1-5{}", "-1".repeat(16)).parse::<Sid>(), Err(SidError::TooManySubAuthorities));
    }

    #[test]
    fn binary_form_is_the_directorys() {
        let sid: Sid = "S-1-5-21-1004336348-1177238915-682003330".parse().unwrap();
        let bytes = hex::decode("010400000000000515000000dcf4dc3b833d2b46828ba628").unwrap();
        assert_eq!(sid.to_bytes(), bytes);
        assert_eq!(Sid::from_bytes(&bytes), Ok(sid));
        assert_eq!(Sid::from_bytes(&bytes[..23]), Err(SidError::Length));
        assert_eq!(Sid::from_bytes(&[2, 0, 0, 0, 0, 0, 0, 5]), Err(SidError::Revision(2)));
    }

    #[test]
    fn domain_and_rid() {
        let sid: Sid = "S-1-5-21-1-2-3-515".parse().unwrap();
        assert_eq!(sid.rid(), Some(515));
        let domain = sid.parent().unwrap();
        assert!(domain.is_domain() && !sid.is_domain());
        assert_eq!(domain.child(515), Ok(sid));
    }

    proptest! {
        #[test]
        fn both_forms_round_trip(authority in 0_u64..1 << 48, subs in prop::collection::vec(any::<u32>(), 0..=15)) {
            let sid = Sid::new(authority, &subs).unwrap();
            prop_assert_eq!(Sid::from_bytes(&sid.to_bytes()), Ok(sid));
            prop_assert_eq!(sid.to_string().parse(), Ok(sid));
        }

        #[test]
        fn any_octets_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(sid) = Sid::from_bytes(&bytes) {
                prop_assert_eq!(sid.to_bytes(), bytes);
            }
        }
    }
}
