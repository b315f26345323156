//! One entry of an access control list (MS-DTYP 2.4.4), and how SDDL writes it (MS-DTYP 2.5.1.1).

use std::fmt;

use uuid::Uuid;

use super::DescriptorError;
use crate::directory::Sid;

/// An entry: its octets, and what it says if that is understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessEntry {
    octets: Vec<u8>,
    ace: Option<Ace>,
}

/// What somebody may do, or may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ace {
    /// Which of the two.
    pub effect: Effect,
    /// To whom it goes on: [`flags`].
    pub flags: u8,
    /// What: [`rights`].
    pub mask: u32,
    /// The attribute, set of attributes, class of children or extended right that it is about; all of them when there is none.
    pub object: Option<Uuid>,
    /// The class of objects that inherit it; every class when there is none.
    pub inherited_by: Option<Uuid>,
    /// Who.
    pub who: Sid,
}

/// What an entry does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It gives.
    Allow,
    /// It takes.
    Deny,
}

/// Flags of an entry (MS-DTYP 2.4.4.1).
pub mod flags {
    /// Objects below inherit it.
    pub const CONTAINER_INHERIT: u8 = 0x02;
    /// It does not count on the object itself.
    pub const INHERIT_ONLY: u8 = 0x08;
    /// It came from above.
    pub const INHERITED: u8 = 0x10;
}

/// Rights on directory objects (MS-ADTS 5.1.3.2).
pub mod rights {
    /// Making objects below it.
    pub const CREATE_CHILD: u32 = 0x1;
    /// Deleting objects below it.
    pub const DELETE_CHILD: u32 = 0x2;
    /// Listing what is below it.
    pub const LIST: u32 = 0x4;
    /// Changes that the server validates.
    pub const SELF: u32 = 0x8;
    /// Reading attributes.
    pub const READ_PROPERTY: u32 = 0x10;
    /// Writing attributes.
    pub const WRITE_PROPERTY: u32 = 0x20;
    /// Deleting it with everything below.
    pub const DELETE_TREE: u32 = 0x40;
    /// Seeing it.
    pub const LIST_OBJECT: u32 = 0x80;
    /// Extended rights, and confidential attributes.
    pub const CONTROL_ACCESS: u32 = 0x100;
    /// Deleting it.
    pub const DELETE: u32 = 0x1_0000;
    /// Reading its security descriptor.
    pub const READ_CONTROL: u32 = 0x2_0000;
    /// Writing its access control list.
    pub const WRITE_DAC: u32 = 0x4_0000;
    /// Becoming its owner.
    pub const WRITE_OWNER: u32 = 0x8_0000;
}

impl AccessEntry {
    /// The entry that says this.
    pub fn new(ace: &Ace) -> Self {
        let (kind, guids) = match (&ace.object, &ace.inherited_by) {
            (None, None) => (if ace.effect == Effect::Allow { ALLOWED } else { DENIED }, Vec::new()),
            (object, inherited_by) => {
                let kind = if ace.effect == Effect::Allow { ALLOWED_OBJECT } else { DENIED_OBJECT };
                let present = u32::from(object.is_some()) | u32::from(inherited_by.is_some()) << 1;
                let mut guids = present.to_le_bytes().to_vec();
                guids.extend([object, inherited_by].into_iter().flatten().flat_map(Uuid::to_bytes_le));
                (kind, guids)
            }
        };
        let content = [&ace.mask.to_le_bytes()[..], &guids, &ace.who.to_bytes()].concat();
        // 4 + 36 + 68 octets at most.
        let size = u16::try_from(4 + content.len()).unwrap_or(u16::MAX).to_le_bytes();
        let octets = [&[kind, ace.flags, size[0], size[1]][..], &content].concat();
        Self { octets, ace: Some(ace.clone()) }
    }

    /// The first of several entries, and the octets of the others.
    pub(super) fn read(octets: &[u8]) -> Result<(Self, &[u8]), DescriptorError> {
        let ([kind, flags, low, high], _) = octets.split_first_chunk::<4>().ok_or(DescriptorError::Truncated)?;
        let size = usize::from(u16::from_le_bytes([*low, *high]));
        let (own, rest) = octets.split_at_checked(size).ok_or(DescriptorError::Truncated)?;
        let content = own.get(4..).filter(|_| size % 4 == 0).ok_or(DescriptorError::AccessList)?;
        Ok((Self { octets: own.to_vec(), ace: understood(*kind, *flags, content) }, rest))
    }

    /// What it says. `None` for what is not understood: entries with conditions, of audits, and of the future.
    pub const fn ace(&self) -> Option<&Ace> {
        self.ace.as_ref()
    }

    /// As it stands in a list.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }
}

/// Content of an entry of one of the four plain types.
fn understood(kind: u8, flags: u8, content: &[u8]) -> Option<Ace> {
    let (effect, with_guids) = match kind {
        ALLOWED => (Effect::Allow, false),
        DENIED => (Effect::Deny, false),
        ALLOWED_OBJECT => (Effect::Allow, true),
        DENIED_OBJECT => (Effect::Deny, true),
        _ => return None,
    };
    let (mask, rest) = number(content)?;
    let (present, rest) = if with_guids { number(rest)? } else { (0, rest) };
    let (object, rest) = guid(rest, present & 1 != 0)?;
    let (inherited_by, rest) = guid(rest, present & 2 != 0)?;
    Some(Ace { effect, flags, mask, object, inherited_by, who: Sid::from_bytes(rest).ok()? })
}

fn number(octets: &[u8]) -> Option<(u32, &[u8])> {
    octets.split_first_chunk::<4>().map(|(number, rest)| (u32::from_le_bytes(*number), rest))
}

fn guid(octets: &[u8], present: bool) -> Option<(Option<Uuid>, &[u8])> {
    if !present {
        return Some((None, octets));
    }
    octets.split_first_chunk::<16>().map(|(guid, rest)| (Some(Uuid::from_bytes_le(*guid)), rest))
}

/// The octets of the SID that these begin with.
pub(super) fn sid_extent(octets: &[u8]) -> Result<&[u8], DescriptorError> {
    let count = octets.get(1).ok_or(DescriptorError::Truncated)?;
    let sid = octets.get(..8 + 4 * usize::from(*count)).ok_or(DescriptorError::Truncated)?;
    Sid::from_bytes(sid).map_err(DescriptorError::from)?;
    Ok(sid)
}

impl fmt::Display for Ace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with_guids = if self.object.is_some() || self.inherited_by.is_some() { "O" } else { "" };
        let effect = if self.effect == Effect::Allow { "A" } else { "D" };
        write!(f, "({with_guids}{effect};")?;
        words(f, u32::from(self.flags), FLAG_WORDS)?;
        f.write_str(";")?;
        words(f, self.mask, RIGHT_WORDS)?;
        for guid in [&self.object, &self.inherited_by] {
            f.write_str(";")?;
            guid.iter().try_for_each(|guid| write!(f, "{}", guid.hyphenated()))?;
        }
        write!(f, ";{})", self.who)
    }
}

/// Bits as words; as a number when there is a bit without a word.
fn words(f: &mut fmt::Formatter<'_>, bits: u32, words: &[(u32, &str)]) -> fmt::Result {
    if bits & !words.iter().fold(0, |known, (bit, _)| known | bit) != 0 {
        return write!(f, "{bits:#x}");
    }
    words.iter().filter(|(bit, _)| bits & bit != 0).try_for_each(|(_, word)| f.write_str(word))
}

const FLAG_WORDS: &[(u32, &str)] = &[(0x1, "OI"), (0x2, "CI"), (0x4, "NP"), (0x8, "IO"), (0x10, "ID")];
const RIGHT_WORDS: &[(u32, &str)] = &[
    (rights::CREATE_CHILD, "CC"),
    (rights::DELETE_CHILD, "DC"),
    (rights::LIST, "LC"),
    (rights::SELF, "SW"),
    (rights::READ_PROPERTY, "RP"),
    (rights::WRITE_PROPERTY, "WP"),
    (rights::DELETE_TREE, "DT"),
    (rights::LIST_OBJECT, "LO"),
    (rights::CONTROL_ACCESS, "CR"),
    (rights::DELETE, "SD"),
    (rights::READ_CONTROL, "RC"),
    (rights::WRITE_DAC, "WD"),
    (rights::WRITE_OWNER, "WO"),
];

const ALLOWED: u8 = 0;
const DENIED: u8 = 1;
const ALLOWED_OBJECT: u8 = 5;
const DENIED_OBJECT: u8 = 6;
